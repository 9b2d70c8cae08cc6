"""Rebuild several past runs in one go; one that cannot be rebuilt does not end the others."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from time import perf_counter

from shadowbook.core.values import RunRecord
from shadowbook.errors import ConfigError, ShadowbookError
from shadowbook.steps.reproduce import Reproduction, reproduce
from shadowbook.workspace import Workspace

NOT_REBUILT = "NOT REBUILT"


@dataclass(frozen=True)
class Attempt(Reproduction):
    """One run of several, and how its rebuild ended.

    Attributes
    ----------
    outcome : as for one run, or ``NOT REBUILT``.
    error : why it could not be rebuilt; None when it could.
    seconds : how long it took, waiting for its turn included.
    """

    as_of: datetime
    model_version: int
    error: str | None
    seconds: float


def chosen_runs(workspace: Workspace, runs: Sequence[str], last: int | None) -> list[RunRecord]:
    """Return the named runs in their order, or the newest ``last``; each once.

    Raises
    ------
    ConfigError
        When a run is not there, none is named, or both ways of naming are used.
    """
    if bool(runs) == (last is not None):
        raise ConfigError("name one RUN or more, or give --last N for the newest: see --help")
    models = workspace.models
    found = models.runs()[:last] if last is not None else [models.resolve(run) for run in runs]
    if not found:
        raise ConfigError("there is no finished run yet: shadowbook run makes the first")
    return list({run.run_id: run for run in found}.values())


def reproduce_all(
    workspace: Workspace, runs: Sequence[RunRecord], jobs: int
) -> tuple[Attempt, ...]:
    """Rebuild runs and compare each with its manifest, in their order.

    Parameters
    ----------
    jobs : fresh processes at once; each takes about 1.2 GB on the sample.
    """
    alone = Lock()
    # What one rebuild says of its stages would mix with another's.
    quiet = Workspace(workspace.root, workspace.settings)
    with (
        workspace.progress.stage("reproduce", total=len(runs)) as stage,
        ThreadPoolExecutor(max_workers=jobs) as pool,
    ):
        futures = [pool.submit(_attempt, quiet, run, alone) for run in runs]
        try:
            for _ in as_completed(futures):
                stage.advance()
            found = tuple(future.result() for future in futures)
        finally:
            for future in futures:
                future.cancel()
        count = sum(attempt.reproduced for attempt in found)
        stage.result(f"{count} of {len(found)} reproduced")
    return found


def _attempt(workspace: Workspace, run: RunRecord, alone: Lock) -> Attempt:
    began = perf_counter()
    error = None
    try:
        result = reproduce(workspace, run.run_id, alone)
    except ShadowbookError as caught:
        error = str(caught)
        result = Reproduction(run.run_id, run.strategy, NOT_REBUILT, None, (), None)
    return Attempt(
        run_id=result.run_id,
        strategy=result.strategy,
        outcome=result.outcome,
        mismatch=result.mismatch,
        notes=result.notes,
        prediction_digest=result.prediction_digest,
        as_of=run.as_of,
        model_version=run.model_version,
        error=error,
        seconds=perf_counter() - began,
    )
