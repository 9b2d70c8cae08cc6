"""What must be set in the process before any vendor is imported."""

from __future__ import annotations

import os
from pathlib import Path

TELEMETRY = {
    "DO_NOT_TRACK": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "FEAST_USAGE": "False",
}
"""No vendor calls home."""

THREADS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
"""A sum over threads depends on their number; runs are parallel over folds and candidates."""

SERVER = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
"""The first start migrates a database, which takes longer than Prefect waits by itself."""


def prepare() -> None:
    """Switch telemetry off and pin numerical threads, where the user has not decided otherwise."""
    for name, value in {**TELEMETRY, **THREADS, **SERVER}.items():
        os.environ.setdefault(name, value)


def of_flow(prefect_home: Path) -> dict[str, str]:
    """Environment of a flow started by hand: Prefect's files in the workspace, and no log lines.

    The terminal shows stages and one sentence an error; a worker started with Prefect's own
    commands logs as Prefect is set up to.
    """
    own = {
        "PREFECT_HOME": str(prefect_home),
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        # A heap for each thread keeps what another could use: a tenth of the memory.
        "MALLOC_ARENA_MAX": "2",
    }
    return {**own, **os.environ}
