"""Whole files or none: every write lands under its name in one step."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from shadowbook.errors import PermanentError


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, flush it to disk and move it there.

    The move is flushed too: what is written after it is never on the disk before it, not even when
    the power fails.

    Parameters
    ----------
    path : where the file ends up; its folder is made.
    write : writes the whole content to the path it is given.

    Raises
    ------
    PermanentError
        When the disk is full or the folder cannot be written; what stood there before stands.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        make_folder(path.parent)
        try:
            write(draft)
            with draft.open("rb") as handle:
                os.fsync(handle.fileno())
            draft.replace(path)
            sync_folder(path.parent)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise PermanentError(
            f"{path} cannot be written: {error.strerror or error}; what was there before stands"
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, and flush their names to disk."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for place in reversed(missing):
        sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk: a rename is else lost when the power fails."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(folder: Path) -> None:
    """Flush every file and name under a folder to disk, for writers that do not by themselves."""
    for place, _, names in os.walk(folder):
        for name in names:
            with Path(place, name).open("rb") as handle:
                os.fsync(handle.fileno())
        sync_folder(Path(place))
    sync_folder(folder.parent)


def clear_drafts(folder: Path) -> None:
    """Delete what killed writes left, lest a pin of the folder takes it along."""
    for draft in folder.glob(".*.draft"):
        draft.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))
