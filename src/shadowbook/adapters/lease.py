"""One writer at a time: a lease on the workspace that dies with its owner."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from shadowbook.errors import PermanentError, WorkspaceBusyError

LOOK_SECONDS = 0.2
"""How often one who waits looks again; a wait in the kernel has no end of its own."""


@contextmanager
def lease(path: Path, purpose: str, patience_seconds: float = 0.0) -> Iterator[None]:
    """Hold the workspace while the block runs.

    The kernel drops the lock when the process ends, however it ends, so a killed owner never
    leaves the workspace locked.

    Parameters
    ----------
    patience_seconds : how long to wait for another owner to end; 0 refuses at once.

    Raises
    ------
    WorkspaceBusyError
        When another process holds it; the message says which one, since when and for what.
    PermanentError
        When the lock file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise PermanentError(
            f"{path} cannot be made ({error.strerror}): the workspace must be writable"
        ) from error
    try:
        _take(handle, path, patience_seconds)
        note = {"pid": os.getpid(), "purpose": purpose, "since": datetime.now(UTC).isoformat()}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(note).encode(), 0)
        yield
    finally:
        os.close(handle)


def _take(handle: int, path: Path, patience_seconds: float) -> None:
    until = time.monotonic() + patience_seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            left = until - time.monotonic()
            if not left > 0:
                waited = f" after {patience_seconds / 60:.3g} minutes" if patience_seconds else ""
                raise WorkspaceBusyError(
                    f"the workspace {path.parent.parent} is held by {_owner(path)}{waited}: "
                    "wait for it, or stop that process"
                ) from error
        time.sleep(min(LOOK_SECONDS, left))


def _owner(path: Path) -> str:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        who, since = f"process {note['pid']} (shadowbook {note['purpose']}", note["since"][:19]
    except (ValueError, TypeError, KeyError):
        # The owner has the lock but has not written its note yet.
        return "another process"
    return f"{who}, since {since} UTC)"
