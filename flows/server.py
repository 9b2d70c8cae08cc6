"""A Prefect server for one flow started by hand: it dies with its owner and ignores Ctrl-C.

Prefect's own temporary server shares the terminal's Ctrl-C with the flow, which then waits minutes
for a server that is gone; and it outlives a flow that is killed.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

PATIENCE_SECONDS = 120
_PR_SET_PDEATHSIG = 1


def start() -> subprocess.Popen[bytes] | None:
    """Start a server and name it to Prefect; None where the user has named one already.

    Call it before anything imports Prefect: the server comes up while imports are under way, and
    at exit it goes after Prefect has sent its last events.
    """
    if os.environ.get("PREFECT_API_URL"):
        return None
    port = _free_port()
    environment = {
        **os.environ,
        "PREFECT_UI_ENABLED": "0",
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.server", str(port), str(os.getpid())],
        env=environment,
        start_new_session=True,  # out of reach of the terminal's Ctrl-C
    )
    atexit.register(_stop, process)
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    return process


def wait(process: subprocess.Popen[bytes] | None) -> bool:
    """Wait until the server answers; False when it ended or never did."""
    if process is None:
        return True
    health = f"{os.environ['PREFECT_API_URL']}/health"
    patience = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < patience and process.poll() is None:
        try:
            with urllib.request.urlopen(health, timeout=5) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    return False


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def serve(port: int, owner: int) -> None:
    """Serve until the owner ends, however it ends."""
    import uvicorn

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != owner:
        return  # it ended before the line above
    uvicorn.run(
        "prefect.server.api.server:create_app",
        factory=True,
        host="127.0.0.1",
        port=port,
        log_level="error",
        lifespan="on",
    )


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
