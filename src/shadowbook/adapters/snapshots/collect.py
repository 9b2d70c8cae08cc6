"""Deletes objects that nobody names any more, from the cache and from the remote.

Everything is looked up before the first object goes: a list of files that is altered or lost stops
the whole. Lists go before the files that they name, and each object by itself, so that a kill
leaves less to delete and nothing that is kept is touched.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shadowbook.adapters.snapshots import objects
from shadowbook.core.values import Pin
from shadowbook.errors import ConfigError, DataError, IntegrityError

if TYPE_CHECKING:
    from dvc_data.hashfile.db import HashFileDB

    from shadowbook.adapters.snapshots.dvc_store import DvcStore

DRAFT = re.compile(r"\.[0-9a-f]{16}\.tmp")
"""Name of an object that is being written."""

GRACE_SECONDS = 3600.0
"""A draft as young as this may be that of a restore, which holds no lease."""


@dataclass(frozen=True)
class Wanted:
    """What must stay.

    Attributes
    ----------
    pins : data that manifests name, with every file of it.
    folders : what the workspace holds now, files or folders; those that do not exist are left out.
    named : MD5 as DVC's own files have it -> where it stands.
    """

    pins: tuple[Pin, ...]
    folders: tuple[Path, ...]
    named: Mapping[str, str]


@dataclass(frozen=True)
class Swept:
    """One place after the deletion; in a dry run, before it.

    Attributes
    ----------
    deleted, kept : objects; ``deleted_bytes`` and ``kept_bytes`` their sizes.
    drafts : what killed writes had left.
    """

    place: str
    deleted: int
    deleted_bytes: int
    kept: int
    kept_bytes: int
    drafts: int


@dataclass(frozen=True)
class Collected:
    """What went, place by place, and what a person should know."""

    places: tuple[Swept, ...]
    notes: tuple[str, ...]


def collect(
    store: DvcStore, root: Path, wanted: Wanted, *, with_remote: bool, dry_run: bool
) -> Collected:
    """Delete every object that ``wanted`` does not name.

    Parameters
    ----------
    root : the workspace; a cache that lies elsewhere may be shared and is refused.
    with_remote : the remote too: whoever else keeps data there loses it.
    dry_run : count only.

    Raises
    ------
    ConfigError : the cache lies outside of the workspace, or there is no remote.
    IntegrityError : a list of files that must stay is altered or lost; nothing was deleted.
    TransientError : a dvc command is at work.
    """
    cache = Path(store.cache.path)
    if not cache.resolve().is_relative_to(root.resolve()):
        raise ConfigError(
            f"DVC's cache {cache} lies outside of the workspace {root}, so others may use it: "
            "delete nothing here, or run this in the workspace that it belongs to"
        )
    with store.held():
        try:
            keep, notes = _kept(store, wanted)
        except IntegrityError as error:
            raise IntegrityError(f"nothing was deleted: {error}") from error
        stores = [store.cache, *([store.remote()] if with_remote else [])]
        swept = tuple(_sweep(odb, keep, dry_run) for odb in stores)
    return Collected(swept, notes)


def _kept(store: DvcStore, wanted: Wanted) -> tuple[set[str], tuple[str, ...]]:
    keep: set[str] = set()
    for pin in {pin.md5: pin for pin in wanted.pins}.values():
        keep |= {pin.md5, *store.entries(pin).values()}
    for folder in wanted.folders:
        keep |= _held(store, folder)
    notes = []
    for oid, where in wanted.named.items():
        keep.add(oid)
        if not oid.endswith(".dir") or oid in {pin.md5 for pin in wanted.pins}:
            continue
        if not store.cached(oid).is_file() and not store.in_remote(oid):
            notes.append(f"{where} names {oid}, of which neither cache nor remote has the files")
            continue
        keep |= set(store.entries(Pin(where, where, oid, 0, 0)).values())
    return keep, tuple(notes)


def _held(store: DvcStore, folder: Path) -> set[str]:
    """Return the objects that the files here are, whether the cache has them or not."""
    try:
        _, found = store.hashed(folder, folder.name)
    except DataError:
        return set()  # nothing is there
    oid = str(found.hash_info.value)
    files = {known.value for _, _, known in found} if oid.endswith(".dir") else set()
    return {oid, *files}


def _sweep(odb: HashFileDB, keep: set[str], dry_run: bool) -> Swept:
    from dvc_data.hashfile.db import get_index

    if not odb.fs.exists(odb.path):
        return Swept(str(odb.path), 0, 0, 0, 0, 0)
    sizes: dict[str, int] = {}
    drafts = []
    for path, info in _files(odb):
        name = odb.fs.name(path)
        if DRAFT.fullmatch(name):
            drafts += [path] if _is_old(info) else []
        elif oid := _oid(odb, path):
            sizes[oid] = int(info.get("size") or 0)
    gone = sorted(set(sizes) - keep, key=lambda oid: (not oid.endswith(".dir"), oid))
    if not dry_run:
        for oid in gone:
            odb.fs.remove(odb.oid_to_path(oid))
        for draft in drafts:
            with suppress(FileNotFoundError):
                odb.fs.remove(draft)
        # DVC remembers which lists a remote has.
        get_index(odb).clear()
    deleted_bytes = sum(sizes[oid] for oid in gone)
    return Swept(
        place=str(odb.path),
        deleted=len(gone),
        deleted_bytes=deleted_bytes,
        kept=len(sizes) - len(gone),
        kept_bytes=sum(sizes.values()) - deleted_bytes,
        drafts=len(drafts),
    )


def _files(odb: HashFileDB) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every file of a store with its size, and its time where that is known."""
    if odb.fs.protocol == "local":
        for path in odb.fs.find(odb.path):
            # A draft may get its name, or go, while others are looked at.
            with suppress(FileNotFoundError):
                yield path, odb.fs.info(path)
        return
    try:
        # In one request for many objects; DVC's own `find` asks for each.
        yield from odb.fs.fs.find(odb.path, detail=True).items()
    except NotImplementedError as error:
        raise ConfigError(
            f"the remote {odb.path} cannot list what it holds: delete there what is not needed"
        ) from error


def _oid(odb: HashFileDB, path: str) -> str | None:
    """Return the object's name; None for a file that is none, which is left alone."""
    try:
        oid = str(odb.path_to_oid(path))
    except ValueError:
        return None
    return oid if re.fullmatch(r"[0-9a-f]{32}(\.dir)?", oid) else None


def _is_old(info: Mapping[str, Any]) -> bool:
    """Say whether a draft is older than the grace; one whose age is unknown is not."""
    changed = info.get("mtime")
    return isinstance(changed, int | float) and time.time() - changed > GRACE_SECONDS


def leftovers(folders: Iterable[Path], patterns: Iterable[str]) -> list[Path]:
    """Return what killed writes of ours left in folders, older than the grace.

    Parameters
    ----------
    patterns : names as ``glob`` takes them, in the folder itself.
    """
    found = [path for folder in folders for name in patterns for path in folder.glob(name)]
    return sorted(path for path in found if _is_old({"mtime": os.lstat(path).st_mtime}))


def remove(paths: Iterable[Path]) -> None:
    """Delete leftovers."""
    for path in paths:
        objects.remove(path)
