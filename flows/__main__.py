"""Start a flow by hand: ``python -m flows retrain [options]``."""

from __future__ import annotations

import os
import signal
import sys
from importlib import import_module
from types import FrameType

import typer

from flows import server
from shadowbook.frame import FAILURE, USAGE, interrupted

FLOWS = ("retrain",)


def leave(_number: int, _frame: FrameType | None) -> None:
    """End at once on Ctrl-C: every step survives that, and Prefect would wait for its events."""
    code = interrupted("--json" in sys.argv)
    sys.stdout.flush()
    os._exit(code)


def main() -> None:
    """Start the server while the flow's imports are under way, then the flow."""
    if len(sys.argv) < 2 or sys.argv[1] not in FLOWS:
        typer.echo(f"error: name a flow: {', '.join(FLOWS)}", err=True)
        raise SystemExit(USAGE)
    signal.signal(signal.SIGINT, leave)
    process = server.start()
    flow = import_module(f"flows.{sys.argv.pop(1)}")
    if not server.wait(process):
        typer.echo(
            "error: the Prefect server did not start: run `.venv/bin/prefect server start` to see "
            "why, or name a running one in PREFECT_API_URL",
            err=True,
        )
        raise SystemExit(FAILURE)
    typer.run(flow.main)


if __name__ == "__main__":
    main()
