"""Worktrees that belong to a live process: what a killed one left is removed later."""

from __future__ import annotations

import fcntl
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO

from shadowbook.adapters.code import git
from shadowbook.errors import PermanentError

LEASES = "shadowbook-worktrees"


def lease(leases: Path, target: Path) -> IO[str]:
    """Note that a live process owns the worktree; the kernel drops the lock if it is killed."""
    try:
        leases.mkdir(exist_ok=True)
        handle = (leases / secrets.token_hex(8)).open("x", encoding="utf-8")
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write(str(target))
        handle.flush()
    except OSError as error:
        raise PermanentError(
            f"cannot make a worktree at {target}: {leases} cannot be written ({error}); "
            "make it writable for this user"
        ) from error
    return handle


def clear_abandoned(top: Path, leases: Path) -> None:
    """Remove the worktrees of processes that were killed."""
    for note in leases.glob("*"):
        with suppress(FileNotFoundError, BlockingIOError), note.open(encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if target := handle.read():
                # No more than git knows as its own: by now something else may lie there.
                git.run(top, "worktree", "remove", "--force", "--force", target)
            note.unlink(missing_ok=True)


def drop(top: Path, target: Path) -> None:
    """Remove our worktree, its folder and git's note of it, as far as they are there."""
    git.run(top, "worktree", "remove", "--force", "--force", str(target))
    try:
        if target.exists():
            shutil.rmtree(target)
    except OSError as error:
        raise PermanentError(
            f"the worktree {target} cannot be removed ({error}): remove it by hand"
        ) from error
