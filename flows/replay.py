"""A replay as a Prefect flow; fits run on the flow's task runner."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.retrain import FITS_AT_ONCE, task_map
from shadowbook.rendering import progress
from shadowbook.steps.replays import ReplayReport, replay
from shadowbook.workspace import Workspace


@flow(name="replay", task_runner=ThreadPoolTaskRunner(max_workers=FITS_AT_ONCE))  # type: ignore[arg-type]
def replay_flow(
    workspace: Path,
    first: date,
    last: date,
    policies: list[Path] | None = None,
    params: Path | None = None,
    quiet: bool = True,
) -> ReplayReport:
    """Replay a span under the workspace's policy, and under others beside it."""
    opened = Workspace.open(workspace, params, progress(quiet))
    return replay(opened, first, last, policies or (), task_map)
