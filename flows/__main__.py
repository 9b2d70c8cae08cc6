"""Start a flow by hand, or serve them: ``python -m flows retrain [options]``."""

from __future__ import annotations

import signal
import sys
from importlib import import_module

import typer

from flows import server
from shadowbook import interruption
from shadowbook.errors import PermanentError
from shadowbook.frame import FAILURE, USAGE, complain

FLOWS = {
    "retrain": "retrain",
    "prepare": "prepare",
    "trade": "trade",
    "monitor": "monitor",
    "serve": "deployments",
}
"""What can be started, and the module whose ``main`` does it."""


def main() -> None:
    """Start the server while the flow's imports are under way, then the flow."""
    if len(sys.argv) < 2 or sys.argv[1] not in FLOWS:
        typer.echo(f"error: name a flow: {', '.join(FLOWS)}", err=True)
        raise SystemExit(USAGE)
    # At once: every step survives that, and Prefect would wait for its events.
    signal.signal(signal.SIGINT, interruption.leave)
    # The command that became this process kept Ctrl-C back until here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    name = sys.argv.pop(1)
    process = server.start(lasting=name == "serve")
    flow = import_module(f"flows.{FLOWS[name]}")
    if not server.wait(process):
        cause = server.complaint()
        told = (
            f" ({cause}): mend that"
            if cause
            else ": run `.venv/bin/prefect server start` to see why"
        )
        message = (
            f"the Prefect server did not start{told}, or name a running one in PREFECT_API_URL"
        )
        complain(PermanentError(message), "--json" in sys.argv)
        raise SystemExit(FAILURE)
    typer.run(flow.main)


if __name__ == "__main__":
    main()
