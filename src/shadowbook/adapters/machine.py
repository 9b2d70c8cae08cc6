"""What only the operating system knows of this machine: clock, locks, disk, who owns what.

Nothing here writes, and nothing asks the network except ``answers``.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

_PR_SET_PDEATHSIG = 1

_TIMEX_BYTES = 512
"""More than any Linux's ``struct timex``; all zero asks and sets nothing."""

_TIME_ERROR = 5

BAD = 400
"""HTTP's first status that says no."""


def die_with_owner() -> None:
    """Let the kernel end this process when the one that started it ends, however that ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def clock_synchronized() -> bool | None:
    """Say whether the kernel's clock follows a time server; None where it does not tell."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex"):
        return None
    state = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < 0 else bool(state != _TIME_ERROR)


def time_zone(moment: datetime) -> str:
    """Name of the machine's own time zone at a moment."""
    return moment.astimezone().tzname() or "unknown"


def lock_owner(path: Path) -> int | None:
    """Process that holds a kernel lock (flock) on a file; None when nobody does, or none tells.

    The lock itself is not touched: who looks must not keep a writer out for a moment.
    """
    locks = Path("/proc/locks")
    if not path.exists() or not locks.exists():
        return None
    found = path.stat()
    wanted = (os.major(found.st_dev), os.minor(found.st_dev), found.st_ino)
    for line in locks.read_text("ascii").splitlines():
        words = line.split()
        if "FLOCK" not in words or "->" in words:
            continue
        major, minor, inode = words[5].split(":")
        if (int(major, 16), int(minor, 16), int(inode)) == wanted:
            return int(words[4])
    return None


def free_bytes(path: Path) -> int:
    """Return how much this user may still write where ``path`` lies."""
    return shutil.disk_usage(nearest(path)).free


def size_bytes(folders: Iterable[Path]) -> int:
    """Return the bytes of all files in folders; what vanishes meanwhile counts nothing."""
    total = 0
    for folder in folders:
        for place, _, names in os.walk(folder):
            for name in names:
                try:
                    total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118
                except FileNotFoundError:
                    continue
    return total


def nearest(path: Path) -> Path:
    """Return the path itself, or the nearest folder above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def may_write(path: Path) -> bool:
    """Say whether this user could write there, or make what is missing; nothing is made."""
    place = nearest(path)
    return os.access(place, os.W_OK | (os.X_OK if place.is_dir() else 0))


def owner(path: Path) -> str | None:
    """Name the owner of what lies there where it is another user than this one."""
    place = nearest(path)
    number = place.stat().st_uid
    if number == os.geteuid():
        return None
    try:
        return place.owner()
    except KeyError:
        return f"user {number}"


def same_disk(one: Path, other: Path) -> bool:
    """Say whether two places lie on the same file system, made or not."""
    return nearest(one).stat().st_dev == nearest(other).stat().st_dev


def scratch_left(prefix: str, before: float) -> list[Path]:
    """Return this user's scratch folders that nobody touched since ``before``."""
    folder = Path(tempfile.gettempdir())
    found = []
    for path in folder.glob(f"{prefix}*"):
        try:
            facts = path.lstat()
        except FileNotFoundError:
            continue
        if facts.st_uid == os.geteuid() and facts.st_mtime < before:
            found.append(path)
    return found


def answers(url: str, patience_seconds: float) -> str | None:
    """Ask an HTTP address; None when it answers well, else what went wrong."""
    if not url.startswith(("http://", "https://")):
        return "it is no http address"
    try:
        with urllib.request.urlopen(url, timeout=patience_seconds) as answer:  # noqa: S310
            return None if answer.status < BAD else f"it answers {answer.status}"
    except urllib.error.HTTPError as error:
        return f"it answers {error.code}"
    except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
        return str(getattr(error, "reason", error))
    except ValueError as error:
        return str(error)
