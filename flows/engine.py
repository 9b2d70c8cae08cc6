"""One scheduled run in a process of its own, which dies with the worker that started it.

Prefect's process of a run outlives a worker that is killed: it would go on without a server, beside
the run that takes its place.
"""

from __future__ import annotations

import os
import runpy

from flows.server import die_with

if __name__ == "__main__":
    die_with(os.getppid())
    if os.environ.get("PREFECT_LOGGING_LEVEL") == "CRITICAL":
        # Nobody watches: what no sentence of ours foresaw is kept with its traceback.
        os.environ["PREFECT_LOGGING_LEVEL"] = "ERROR"
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
