"""Looks at a DVC repository without opening it, for opening one makes folders and files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

from shadowbook.core.values import Pin
from shadowbook.errors import ConfigError

FOLDER = ".dvc"
OBJECTS = ("files", "md5")
HEAD = 2
"""An object's folder is called by the first characters of its name."""


@dataclass(frozen=True)
class Survey:
    """Where a repository keeps its objects.

    Attributes
    ----------
    cache : folder of the cache.
    url : address of the remote; None without one.
    remote : the remote's folder; None where it is no folder of a disk.
    """

    root: Path
    cache: Path
    url: str | None
    remote: Path | None

    def holds(self, pin: Pin) -> bool:
        """Say whether every object of a pin lies in the cache or in a remote on a disk.

        Nothing is hashed; what only a remote on the network has is not seen.
        """
        named = self._find(pin.md5)
        if named is None:
            return False
        if not pin.md5.endswith(".dir"):
            return True
        entries = json.loads(named.read_bytes())
        return all(self._find(entry["md5"]) is not None for entry in entries)

    def trouble(self, patience_seconds: float) -> str | None:
        """Ask a remote on the network whether it is there; None when it answers in time."""
        from dvc.exceptions import DvcException
        from dvc.repo import Repo

        if not (self.root / FOLDER / "tmp").is_dir():
            return "not asked, for that makes files: the first run does"
        said: list[str | None] = []

        def ask() -> None:
            try:
                with Repo(str(self.root), config={"core": {"no_scm": True}}) as repo:
                    remote = repo.cloud.get_remote_odb()
                    remote.fs.exists(remote.path)
                said.append(None)
            except (DvcException, OSError, ValueError, ImportError) as error:
                said.append(str(error).splitlines()[0])

        # A daemon, for no vendor's patience can be relied on.
        asking = Thread(target=ask, daemon=True)
        asking.start()
        asking.join(patience_seconds)
        return said[0] if said else f"no answer within {patience_seconds:g} s"

    def _find(self, oid: str) -> Path | None:
        places = [place for place in (self.cache, self.remote) if place is not None]
        paths = (place.joinpath(*OBJECTS, oid[:HEAD], oid[HEAD:]) for place in places)
        return next((path for path in paths if path.is_file()), None)


def survey(root: Path, remote: str | None) -> Survey:
    """Read the configuration of the repository that a workspace lies in.

    Parameters
    ----------
    remote : name of a remote; None: the one that DVC is configured with, if any.

    Raises
    ------
    ConfigError
        Without a DVC repository, with a configuration that cannot be read, or without that remote.
    """
    from dvc.config import Config
    from dvc.config import ConfigError as DvcConfigError

    top = next((place for place in (root, *root.parents) if (place / FOLDER).is_dir()), None)
    if top is None:
        raise ConfigError(f"no DVC repository at {root}: run `dvc init`")
    try:
        config = Config(str(top / FOLDER))
    except DvcConfigError as error:
        raise ConfigError(f"DVC's configuration in {top / FOLDER} is wrong: {error}") from error
    cache = Path(config["cache"].get("dir") or top / FOLDER / "cache")
    name = remote or config["core"].get("remote")
    if name is None:
        return Survey(top, cache, None, None)
    if name not in config["remote"]:
        raise ConfigError(f"DVC has no remote {name!r} at {root}: run `dvc remote add -d NAME URL`")
    url = str(config["remote"][name]["url"])
    local = urlsplit(url).scheme in ("", "file")
    folder = Path(urlsplit(url).path if url.startswith("file:") else url)
    return Survey(top, cache, url, (top / FOLDER / folder).resolve() if local else None)
