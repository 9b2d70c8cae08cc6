"""Whole files or none: every write lands under its name in one step."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from shadowbook.errors import PermanentError


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place, flush it to disk and move it there.

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
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(draft)
            with draft.open("rb") as handle:
                os.fsync(handle.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise PermanentError(
            f"{path} cannot be written: {error.strerror or error}; what was there before stands"
        ) from error


def clear_drafts(folder: Path) -> None:
    """Delete what killed writes left, lest a pin of the folder takes it along."""
    for draft in folder.glob(".*.draft"):
        draft.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))
