"""An opened DVC repository: what is hashed, where objects lie, how they get there.

DVC 3.67 gives the hash, the ignore rules, the state (what was hashed when), the configuration and
the remotes. Objects are placed by this project, because DVC's own ``transfer``

- opens the object's final name with O_TRUNC to try a reflink: two processes that add the same data
  destroy each other's objects;
- stores a file that is replaced between hashing and copying under the wrong hash;
- trusts every object whose mode is 0444, truncated or not;
- takes a list of files in the remote as proof that the files are there.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from shadowbook.adapters.snapshots import objects
from shadowbook.adapters.snapshots.objects import LISTING
from shadowbook.core.values import Pin
from shadowbook.errors import (
    ConfigError,
    DataError,
    IntegrityError,
    PermanentError,
    ShadowbookError,
    TransientError,
)

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import HashFileDB

_log = logging.getLogger(__name__)


@contextmanager
def opened(root: Path, remote: str | None, doing: str) -> Iterator[DvcStore]:
    """Open the DVC repository of a workspace and translate what goes wrong while it is used.

    Parameters
    ----------
    root : the workspace: the folder that holds ``.dvc``, or one below it.
    remote : name of a configured remote; None takes the default one.
    doing : what is being done, for the sentence: "cannot ...".

    Raises
    ------
    ConfigError : there is no DVC repository, or its configuration is wrong.
    PermanentError : disk full, not writable, or DVC failed.
    TransientError : something is busy or unreachable.
    """
    from dvc.config import ConfigError as DvcConfigError
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo

    repo: Repo | None = None
    try:
        # Git is not asked: the same code runs in worktrees, shallow clones and without git, and
        # DVC writes no .gitignore.
        repo = Repo(str(root), config={"core": {"no_scm": True}})
        yield DvcStore(root, repo, remote)
    except ShadowbookError:
        raise
    except NotDvcRepoError as error:
        raise ConfigError(
            f"no DVC repository at {root}: run `dvc init` (in a sub-folder of a git repository "
            "`dvc init --subdir`, without git `dvc init --no-scm`)"
        ) from error
    except DvcConfigError as error:
        raise ConfigError(f"cannot {doing}: DVC's configuration is wrong: {error}") from error
    except DvcException as error:
        raise PermanentError(f"cannot {doing}: DVC failed: {error}") from error
    except (OSError, sqlite3.Error) as error:
        raise objects.translated(doing, error) from error
    finally:
        if repo is not None:
            repo.close()


class DvcStore:
    """The cache and the remote of one opened repository."""

    def __init__(self, root: Path, repo: Repo, remote: str | None) -> None:
        self._root = root
        self._repo = repo
        self._remote_name = remote or repo.config["core"].get("remote")

    @property
    def cache(self) -> HashFileDB:
        """The cache."""
        return self._repo.cache.local

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep DVC's own commands out while the block runs.

        Raises
        ------
        TransientError : one of them is at work.
        """
        from dvc.lock import LockError

        try:
            self._repo.lock.lock()
        except LockError as error:
            raise TransientError(
                f"a dvc command is at work in {self._root}: wait for it, then try again"
            ) from error
        try:
            yield
        finally:
            self._repo.lock.unlock()

    def remote(self) -> HashFileDB:
        """Return the remote; ConfigError when there is none of that name."""
        from dvc.config import NoRemoteError, RemoteNotFoundError

        try:
            return self._repo.cloud.get_remote_odb(self._remote_name)
        except (NoRemoteError, RemoteNotFoundError) as error:
            which = f"remote {self._remote_name!r}" if self._remote_name else "default remote"
            raise ConfigError(
                f"DVC has no {which} at {self._root}: run `dvc remote add -d NAME URL`"
            ) from error

    def cached(self, oid: str) -> Path:
        """Return where an object lies, or would lie, in the cache."""
        return Path(self._repo.cache.local.oid_to_path(oid))

    def in_remote(self, oid: str) -> bool:
        """Tell whether the remote, if there is one, has an object of that name."""
        return bool(self._remote_name) and bool(self.remote().exists(oid))

    def hashed(self, target: Path, name: str) -> tuple[Any, Any]:
        """Return DVC's meta and object (a file, or a tree of files) of what lies at ``target``.

        Files whose inode, mtime and size are those that were hashed last are not read.

        Raises
        ------
        DataError : there is nothing to pin.
        """
        from dvc_data.hashfile.build import IgnoreInCollectedDirError, build
        from dvc_objects.fs.local import localfs

        repo = self._repo
        try:
            _, meta, found = build(
                repo.cache.local, str(target), localfs, "md5", ignore=repo.dvcignore, dry_run=True
            )
        except FileNotFoundError as error:
            raise DataError(
                f"cannot pin {name!r}: {error.filename or target} does not exist; build it first"
            ) from error
        except IgnoreInCollectedDirError as error:
            raise DataError(
                f"cannot pin {name!r}: {target} has a .dvcignore of its own; "
                "move its lines to the one of the workspace"
            ) from error
        if meta.isdir and not meta.nfiles:
            raise DataError(
                f"cannot pin {name!r}: {target} holds no file that .dvcignore lets through; "
                "build the data first"
            )
        return meta, found

    def store(self, target: Path, found: Any) -> Path | None:
        """Bring what was hashed into the cache; return a file that changed since, if any did."""
        cache, oid = self._repo.cache.local, str(found.hash_info.value)
        files = {oid: target}
        if oid.endswith(".dir"):
            files = {known.value: target.joinpath(*key) for key, _, known in found}
        present = self.present(cache, [*files, oid])
        for file in [file for file in files if file not in present]:
            source = files[file]
            try:
                md5 = place(cache, file, partial(copy, source))
            except FileNotFoundError:
                if source.exists():
                    raise
                return source
            if md5 != file:
                # DVC's state may take the changed file for the old one: mend it.
                self._remember(source, objects.md5_of(source))
                return source
            self._remember(self.cached(file), file)
        if oid not in present and oid not in files:
            place(cache, oid, lambda new: new.write_bytes(found.as_bytes()))
        return None

    def present(self, odb: HashFileDB, oids: Collection[str]) -> set[str]:
        """Return the objects that are there; local ones whose bytes are wrong count as missing.

        A local object is read only when its inode, mtime or size is not what DVC's state remembers.
        """
        from dvc_objects.fs.local import localfs

        if odb.fs.protocol != "local":
            return set(odb.oids_exist(list(oids)))
        paths = {odb.oid_to_path(oid): oid for oid in oids}
        infos = {path: localfs.info(path) for path in paths if Path(path).is_file()}
        found: set[str] = set()
        for path, _, known in list(self._repo.state.get_many(list(infos), localfs, infos)):
            oid = paths[path]
            if known is not None and objects.bare(known.value) == objects.bare(oid):
                found.add(oid)
            elif (md5 := objects.md5_of(Path(path))) == objects.bare(oid):
                self._remember(Path(path), oid, infos[path])
                found.add(oid)
            else:
                _log.warning("object %s is altered (MD5 %s): it will be replaced", path, md5)
        return found

    def send(
        self,
        remote: HashFileDB,
        sources: Mapping[str, Path],
        named: Mapping[str, tuple[Pin, str]],
    ) -> None:
        """Copy objects to the remote under their names, none whose bytes are wrong."""
        from dvc_objects.fs import generic
        from dvc_objects.fs.local import localfs

        if remote.fs.protocol == "local":
            for oid, source in sources.items():
                found = place(remote, oid, partial(copy, source))
                if found != objects.bare(oid):
                    raise IntegrityError(objects.altered(*named[oid], str(source), oid, found))
            return
        for oid, source in sources.items():
            objects.check(*named[oid], source, oid)
        if sources:
            there = [remote.oid_to_path(oid) for oid in sources]
            generic.copy(localfs, [str(path) for path in sources.values()], remote.fs, there)

    def entries(self, pin: Pin) -> Mapping[str, str]:
        """Return relative path -> MD5, from a list of files whose own MD5 was checked."""
        if not pin.md5.endswith(".dir"):
            return {PurePosixPath(pin.path).name: pin.md5}
        source = self.object(pin, LISTING, pin.md5)
        objects.check(pin, LISTING, source, pin.md5)
        entries = {entry["relpath"]: entry["md5"] for entry in json.loads(source.read_bytes())}
        for relative in entries:
            if relative.startswith("/") or ".." in PurePosixPath(relative).parts:
                raise IntegrityError(
                    f"pin {pin.name!r} names {relative!r}, which lies outside of its own folder: "
                    "do not use this manifest"
                )
        return entries

    def object(self, pin: Pin, relative: str, oid: str) -> Path:
        """Return the cached object's path; one that is missing comes from the remote, verified."""
        path = self.cached(oid)
        if path.is_file():
            return path
        if not self._remote_name:
            places = f"{path}, and no remote is configured"
            raise IntegrityError(objects.lost(pin, relative, oid, places))
        remote = self.remote()
        there = remote.oid_to_path(oid)
        url = remote.fs.unstrip_protocol(there)
        try:
            found = place(
                self._repo.cache.local, oid, lambda new: remote.fs.get_file(there, str(new))
            )
        except FileNotFoundError as error:
            raise IntegrityError(objects.lost(pin, relative, oid, f"{path}, {url}")) from error
        if found != objects.bare(oid):
            raise IntegrityError(objects.altered(pin, relative, url, oid, found))
        return path

    def _remember(self, path: Path, oid: str, info: Mapping[str, Any] | None = None) -> None:
        """Note in DVC's state which bytes a file had when it was hashed."""
        from dvc_data.hashfile.hash_info import HashInfo
        from dvc_objects.fs.local import localfs

        self._repo.state.save(str(path), localfs, HashInfo("md5", oid), info)


def place(odb: HashFileDB, oid: str, write: Callable[[Path], object]) -> str:
    """Give an object its name in a local store; see ``objects.place``."""
    path = Path(odb.oid_to_path(oid))
    odb.makedirs(str(path.parent))
    return objects.place(path, oid, write)


def copy(source: Path, new: Path) -> None:
    """Copy bytes to a new ordinary file; shares blocks where the file system can (reflink)."""
    from dvc_objects.fs.utils import copyfile

    copyfile(str(source), str(new))
