"""Files named by their content: how one gets its name, and what is said when it is wrong."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from shadowbook.adapters.disk import sync_folder
from shadowbook.core.values import Pin
from shadowbook.errors import IntegrityError, PermanentError, TransientError

LISTING = "(list of files)"
"""What sentences call the object that names a pinned folder's files."""

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_PASSING = {errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ESTALE}


def md5_of(path: Path) -> str:
    """MD5 of a file's bytes, always read anew."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, _hasher).hexdigest()


def bare(oid: str) -> str:
    """Return the MD5 in an object's name: lists of files carry the suffix ``.dir``."""
    return oid.removesuffix(".dir")


def place(path: Path, oid: str, write: Callable[[Path], object]) -> str:
    """Give an object its name, but only when its bytes have the MD5 that the name says.

    The copy is hashed and flushed to disk before it is renamed, so neither a kill nor a file that
    changes while it is read leaves anything under a name that it does not deserve.

    Parameters
    ----------
    path : the object's final path; its folder exists.
    oid : the object's name, the MD5 that is expected.
    write : writes the bytes to the path it is given.

    Returns
    -------
    The MD5 found; when it is not the expected one, nothing was placed.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        write(draft)
        with draft.open("rb") as handle:
            found = hashlib.file_digest(handle, _hasher).hexdigest()
            os.fsync(handle.fileno())
        if found == bare(oid):
            draft.chmod(0o444)
            draft.replace(path)
            # A manifest that names the object must not reach the disk before the object does.
            sync_folder(path.parent)
            sync_folder(path.parent.parent)
        return found
    finally:
        draft.unlink(missing_ok=True)


def check(pin: Pin, relative: str, file: Path, oid: str, where: Path | None = None) -> None:
    """Hash a file that should be an object of the pin.

    Parameters
    ----------
    relative : the pinned file's path inside the pin.
    file : what is hashed.
    where : where the object lies, if ``file`` is a copy of it.

    Raises
    ------
    IntegrityError
        When the bytes are not those that were pinned.
    """
    found = md5_of(file)
    if found != bare(oid):
        raise IntegrityError(altered(pin, relative, str(where or file), oid, found))


def altered(pin: Pin, relative: str, where: str, oid: str, found: str) -> str:
    """Say that an object's bytes are not those that were pinned."""
    return (
        f"{relative} of pin {pin.name!r} is altered: the object at {where} has MD5 {found}, "
        f"recorded is {bare(oid)}; find out who changed it, then delete it and restore or pin again"
    )


def lost(pin: Pin, relative: str, oid: str, places: str) -> str:
    """Say that an object is nowhere."""
    return (
        f"{relative} of pin {pin.name!r} is lost: no object with the recorded MD5 {bare(oid)} "
        f"at {places}; bring it back from a backup"
    )


def remove(path: Path) -> None:
    """Delete a file or folder of ours if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def translated(doing: str, error: OSError | sqlite3.Error) -> PermanentError | TransientError:
    """Return our error for one of the machine's.

    A full disk and a folder that may not be written are permanent; a busy or unreachable one may
    pass.
    """
    number = getattr(error, "errno", None)
    at = f" at {name}" if (name := getattr(error, "filename", None)) else ""
    if number in _FULL or "full" in str(error):
        return PermanentError(f"cannot {doing}: the disk is full{at} ({error}): free some space")
    if number in _FORBIDDEN or "readonly" in str(error):
        return PermanentError(
            f"cannot {doing}: no permission to write{at} ({error}): make it writable for this user"
        )
    passing = isinstance(error, ConnectionError | TimeoutError) or "locked" in str(error)
    if passing or number in _PASSING:
        return TransientError(f"cannot {doing} now{at} ({error}): try again")
    return PermanentError(f"cannot {doing}{at}: {error}")


def _hasher() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)
