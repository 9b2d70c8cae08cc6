"""A Prefect server of one's own: it dies with its owner and ignores Ctrl-C.

Prefect's own temporary server shares the terminal's Ctrl-C with the flow, which then waits minutes
for a server that is gone; and it outlives a flow that is killed.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

PATIENCE_SECONDS = 120
USUAL_PORT = 4200
"""Where Prefect's pages are looked for."""

BARE = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}
"""Enough for one flow: no pages, no services; with these no scheduled run is ever created."""

_PR_SET_PDEATHSIG = 1
_CAUSE = re.compile(rb"^[\w.]*(?:Error|Exception): (?:\([\w.]+\) )?(.+)$", re.MULTILINE)
"""What a traceback ends with; SQLAlchemy names the driver's error before its words."""

_started: list[subprocess.Popen[bytes]] = []
_said: list[int] = []


def start(lasting: bool = False) -> subprocess.Popen[bytes] | None:
    """Start a server and name it to Prefect; None where the user has named one already.

    Call it before anything imports Prefect: the server comes up while imports are under way, and
    at exit it goes after Prefect has sent its last events.

    Parameters
    ----------
    lasting : with pages and with the services that schedule runs, at the usual port if it is free.
    """
    if os.environ.get("PREFECT_API_URL"):
        return None
    _said.append(os.memfd_create("server"))
    environment = {**os.environ, **({} if lasting else BARE)}
    process, url = launch(environment, USUAL_PORT if lasting else 0, _said[-1])
    atexit.register(_stop, process)
    os.environ["PREFECT_API_URL"] = url
    _started.append(process)
    return process


def launch(
    environment: Mapping[str, str], port: int = 0, complaints: int | None = None
) -> tuple[subprocess.Popen[bytes], str]:
    """Start a server that dies with this process; return it and its address.

    Parameters
    ----------
    port : where it is wished; if that is taken, or 0, any that is free.
    complaints : file that takes what it says on standard error; None: where this process has its.
    """
    # Already listening when it is handed over, so that nobody else can get the same port.
    with _listening(port) as held:
        address = f"http://127.0.0.1:{held.getsockname()[1]}/api"
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.server", str(held.fileno()), str(os.getpid())],
            # The pages ask the server at its own address.
            env={**environment, "PREFECT_UI_API_URL": address},
            pass_fds=(held.fileno(),),
            stderr=complaints,
            start_new_session=True,  # out of reach of the terminal's Ctrl-C
        )
    return process, address


def own() -> subprocess.Popen[bytes] | None:
    """Return the server that this process started, if it did."""
    return _started[-1] if _started else None


def wait(process: subprocess.Popen[bytes] | None) -> bool:
    """Wait until the server answers; False when it ended or never did."""
    if process is None:
        return True
    patience = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < patience and process.poll() is None:
        if answers(os.environ["PREFECT_API_URL"]):
            return True
        time.sleep(0.1)
    return False


def complaint() -> str | None:
    """Return what the server that this process started broke with, as far as it told."""
    if not _said:
        return None
    size = os.fstat(_said[-1]).st_size
    causes = _CAUSE.findall(os.pread(_said[-1], size, 0))
    return causes[-1].decode("utf-8", "replace") if causes else None


def answers(url: str) -> bool:
    """Say whether a server answers there, even if it wants to know who asks."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 - http
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, ValueError):
        return False


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=128)
    except OSError:
        if not port:
            raise
        return _listening(0)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def die_with(owner: int) -> None:
    """End this process when its owner ends, however that ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != owner:
        os._exit(0)  # it ended before the line above


def serve(held: int, owner: int) -> None:
    """Serve at a listening socket until the owner ends, however it ends."""
    import uvicorn

    die_with(owner)
    config = uvicorn.Config(
        "prefect.server.api.server:create_app", factory=True, log_level="error", lifespan="on"
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=held)])


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
