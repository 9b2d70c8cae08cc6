"""The one door to DVC: data pinned by content, pushed, restored and verified.

A pin needs no git commit and never touches ``dvc.lock``: the objects go into DVC's cache under
their MD5, and the run's manifest keeps the hash. The workspace keeps ordinary writable files, the
cache has copies (reflinks where the file system can).

``dvc gc -w`` deletes pins that no ``dvc.lock`` names: never run it on a workspace. ``collect``
deletes what nothing names.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from shadowbook.adapters.snapshots import dvc_store, objects
from shadowbook.adapters.snapshots.collect import Collected, Wanted, collect
from shadowbook.adapters.snapshots.objects import LISTING
from shadowbook.adapters.snapshots.survey import Survey, survey
from shadowbook.core.values import Pin
from shadowbook.errors import ConfigError, IntegrityError, TransientError

_ATTEMPTS = 3


@dataclass(frozen=True)
class PushOutcome:
    """How many objects (files and lists of files) were sent, and how many were there already."""

    pushed: int
    present: int


class Snapshots:
    """Pins of a workspace's data in its DVC repository.

    Parameters
    ----------
    root : the workspace: the folder that holds ``.dvc``, or one below it.
    remote : name of a remote in DVC's configuration; None takes the default one.
    """

    def __init__(self, root: Path, remote: str | None = None) -> None:
        self._root = _absolute(root)
        self._remote = remote

    def pin(self, name: str, path: Path) -> Pin:
        """Put a file or folder into the DVC cache and return its content hash.

        Files that did not change since they were hashed last (inode, mtime, size) are not read, so
        a writer must replace files, not edit them in place.

        Parameters
        ----------
        name : what the manifest calls this data.
        path : inside the workspace, absolute or relative to it; ``.dvcignore`` applies.

        Raises
        ------
        ConfigError : there is no DVC repository, or ``path`` lies outside of the workspace.
        DataError : there is nothing at ``path``.
        TransientError : a file kept changing while it was read.
        PermanentError : disk full or not writable.
        """
        target = _absolute(self._root / path)
        if not target.is_relative_to(self._root):
            raise ConfigError(
                f"cannot pin {target}: it lies outside of the workspace {self._root}; move it there"
            )
        with self._opened(f"pin {name!r}") as store:
            for _ in range(_ATTEMPTS):
                meta, found = store.hashed(target, name)
                changed = store.store(target, found)
                if changed is None:
                    return Pin(
                        name=name,
                        path=target.relative_to(self._root).as_posix(),
                        md5=str(found.hash_info.value),
                        size_bytes=int(meta.size or 0),
                        n_files=int(meta.nfiles or 1),
                    )
        raise TransientError(
            f"{changed} changed each of the {_ATTEMPTS} times it was being pinned as {name!r}: "
            "let its writer finish, then pin again"
        )

    def push(self, pins: Iterable[Pin]) -> PushOutcome:
        """Send every object of the pins to the remote and check that each is there.

        Files go before the list that names them, so the list is never there alone. An object in
        a local remote is trusted only when its file is unchanged since it was hashed; a missing or
        damaged one is sent again.

        Raises
        ------
        ConfigError : no DVC repository or no such remote.
        IntegrityError : an object to send is altered, or is nowhere.
        TransientError : the remote does not show an object that was sent.
        PermanentError : disk full or not writable.
        """
        with self._opened("push the pins") as store:
            remote = store.remote()
            named: dict[str, tuple[Pin, str]] = {}
            for pin in pins:
                named |= {oid: (pin, relative) for relative, oid in store.entries(pin).items()}
                if pin.md5.endswith(".dir"):
                    named[pin.md5] = (pin, LISTING)
            present = store.present(remote, named)
            missing = [oid for oid in named if oid not in present]
            sources = {oid: store.object(*named[oid], oid) for oid in missing}
            lists = {oid: source for oid, source in sources.items() if oid.endswith(".dir")}
            files = {oid: source for oid, source in sources.items() if oid not in lists}
            store.send(remote, files, named)
            # Last, because DVC takes a list in the remote as proof of its files.
            store.send(remote, lists, named)
            absent = set(missing) - store.present(remote, missing)
            if absent:
                raise TransientError(
                    f"{len(absent)} of {len(missing)} objects sent to {remote.path} are not there "
                    f"(first: {min(absent)}): push again"
                )
            return PushOutcome(pushed=len(missing), present=len(present))

    def restore(self, pin: Pin, destination: Path) -> None:
        """Write what was pinned to ``destination``: a file for a file, a folder for a folder.

        Objects come from the cache, missing ones from the remote; each is hashed before anything
        appears at ``destination``. An altered object in the cache is reported, never healed from
        the remote. What is written are ordinary writable files, not links.

        Parameters
        ----------
        destination : must not exist, or be an empty folder.

        Raises
        ------
        ConfigError : no DVC repository, or ``destination`` is taken.
        IntegrityError : an object is altered or missing; names the file, the object and both MD5s.
        PermanentError : disk full or not writable.
        """
        target = _absolute(destination)
        with self._opened(f"restore pin {pin.name!r} to {target}") as store:
            if target.is_file() or (target.is_dir() and any(target.iterdir())):
                raise ConfigError(
                    f"cannot restore pin {pin.name!r} to {target}: something is there already; "
                    "name a place that is new or an empty folder"
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.{secrets.token_hex(8)}.partial")
            folder = pin.md5.endswith(".dir")
            try:
                for relative, oid in store.entries(pin).items():
                    file = partial / relative if folder else partial
                    file.parent.mkdir(parents=True, exist_ok=True)
                    source = store.object(pin, relative, oid)
                    dvc_store.copy(source, file)
                    # The copy is what will be used, so the copy is what is hashed.
                    objects.check(pin, relative, file, oid, where=source)
                if target.is_dir():
                    target.rmdir()
                partial.replace(target)
            finally:
                objects.remove(partial)

    def files(self, pin: Pin) -> dict[str, str]:
        """Return relative path -> MD5 of every pinned file; a single file has its own name.

        Raises
        ------
        ConfigError : no DVC repository.
        IntegrityError : the list of files is altered or missing.
        """
        with self._opened(f"list pin {pin.name!r}") as store:
            return dict(store.entries(pin))

    def verify(self, pin: Pin) -> tuple[str, ...]:
        """Hash every cached object of the pin; one sentence for each that is altered or lost.

        Objects that are only in the remote are in order here: ``restore`` hashes them on arrival.

        Raises
        ------
        ConfigError : no DVC repository.
        """
        problems: list[str] = []
        with self._opened(f"verify pin {pin.name!r}") as store:
            try:
                entries = store.entries(pin)
            except IntegrityError as error:
                return (str(error),)
            for relative, oid in entries.items():
                cached = store.cached(oid)
                if not cached.is_file():
                    if not store.in_remote(oid):
                        problems.append(objects.lost(pin, relative, oid, f"{cached} or a remote"))
                elif (found := objects.md5_of(cached)) != oid:
                    problems.append(objects.altered(pin, relative, str(cached), oid, found))
        return tuple(problems)

    def collect(self, wanted: Wanted, *, with_remote: bool, dry_run: bool) -> Collected:
        """Delete every object that nothing wanted names; see ``collect.collect``."""
        with self._opened("delete what nobody names") as store:
            return collect(store, self._root, wanted, with_remote=with_remote, dry_run=dry_run)

    def check(self) -> None:
        """Raise what would keep data from being pinned here.

        Raises
        ------
        ConfigError
            Without a DVC repository, or without the remote that the settings name.
        """
        with self._opened("looking at the DVC repository"):
            pass

    def survey(self) -> Survey:
        """Look at cache and remote without opening the repository; see ``survey.survey``."""
        return survey(self._root, self._remote)

    def exists(self, pin: Pin) -> bool:
        """Tell whether every object of the pin is in the cache or the remote, without hashing.

        Raises
        ------
        ConfigError : no DVC repository.
        """
        with self._opened(f"look for pin {pin.name!r}") as store:
            try:
                entries = store.entries(pin)
            except IntegrityError:
                return False
            missing = [oid for oid in entries.values() if not store.cached(oid).is_file()]
            return all(store.in_remote(oid) for oid in missing)

    def _opened(self, doing: str) -> AbstractContextManager[dvc_store.DvcStore]:
        return dvc_store.opened(self._root, self._remote, doing)


def _absolute(path: Path) -> Path:
    """Return the path from the root without following links: a data folder may be one."""
    return Path(os.path.abspath(path))  # noqa: PTH100 (resolve() follows links)
