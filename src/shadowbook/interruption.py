"""Ctrl-C: one sentence and exit code 130 at any moment, whatever a vendor does with it.

The first one raises ``KeyboardInterrupt``, so that scratch folders and worktrees are cleared away.
A vendor may swallow that, or wait for minutes at exit: then the process is ended after a moment.
Every step survives that, as it survives a kill.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

INTERRUPTED = 130
SAID = "interrupted: nothing is half done, the same command goes on"
GRACE_SECONDS = 5.0

_came = threading.Event()
_told = threading.Event()


def prepare() -> None:
    """Take Ctrl-C over for this process, which is a command of ours."""
    signal.signal(signal.SIGINT, _first)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    sys.unraisablehook = _unraisable


def begin() -> None:
    """Begin a command: an interruption that an earlier one told of is not this one's."""
    _told.clear()


def tell(as_json: bool) -> None:
    """Say that the command was interrupted, once."""
    if _told.is_set():
        return
    _told.set()
    if as_json:
        error = {"error": {"type": "KeyboardInterrupt", "message": SAID}}
        print(json.dumps(error, indent=2), flush=True)  # noqa: T201 - what a program reads
    print(SAID, file=sys.stderr, flush=True)  # noqa: T201 - what a person reads


def came() -> bool:
    """Tell whether this process was interrupted, even if whoever it met went on."""
    return _came.is_set()


def behind(error: BaseException | None) -> bool:
    """Tell whether an error is what compiled code made of an interruption."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def over() -> None:
    """Nothing is left to be interrupted; the interpreter may take a second to end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def leave(_number: int = 0, _frame: FrameType | None = None) -> None:
    """End the process at once."""
    tell("--json" in sys.argv)
    os._exit(INTERRUPTED)


def _first(_number: int, _frame: FrameType | None) -> None:
    _came.set()
    signal.signal(signal.SIGINT, leave)
    last = threading.Timer(GRACE_SECONDS, leave)
    last.daemon = True
    last.start()
    raise KeyboardInterrupt


def _unraisable(told: UnraisableHookArgs) -> None:
    """End where the interpreter itself drops the interruption, as in a destructor."""
    if issubclass(told.exc_type, KeyboardInterrupt):
        leave()
    sys.__unraisablehook__(told)
