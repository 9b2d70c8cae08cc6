"""Every candidate that was ever fitted for a strategy, as the registry remembers it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from shadowbook.adapters.models.catalog import Catalog
from shadowbook.adapters.models.database import translated
from shadowbook.adapters.models.entries import logged_candidate
from shadowbook.adapters.models.records import LoggedCandidate, LoggedTrial, check_strategy

if TYPE_CHECKING:
    from mlflow.entities import Run

SHARPE = "sharpe_annualized"


def candidates_of(catalog: Catalog, run_id: str) -> list[LoggedCandidate]:
    """Return every candidate of a retraining, in the order they were logged."""
    runs = catalog.runs(
        f"tags.`mlflow.parentRunId` = '{run_id}' AND tags.role = 'candidate'",
        order="attributes.start_time ASC",
    )
    if not runs:
        return []
    client = catalog.client
    with translated(f"read run {run_id}"):
        return [logged_candidate(client, run) for run in runs]


def logged_trials(catalog: Catalog, strategy: str) -> list[LoggedTrial]:
    """Return every candidate fit ever logged for a strategy, in the order they were logged.

    A fit is one candidate of one run key: an attempt repeated after a kill counts once, an
    unfinished retraining's candidates count, and so do runs somebody deleted in MLflow.
    """
    check_strategy(strategy)
    own = f"tags.strategy = '{strategy}'"
    order = "attributes.start_time ASC"
    fits = catalog.runs(f"tags.role = 'candidate' AND {own}", order, deleted=True)
    if not fits:
        return []
    trainings = catalog.runs(f"tags.role = 'retraining' AND {own}", order, deleted=True)
    parents = {run.info.run_id: run for run in trainings}
    return [_trial(fit, parents) for fit in fits]


def _trial(fit: Run, parents: Mapping[str, Run]) -> LoggedTrial:
    run_id = fit.data.tags["mlflow.parentRunId"]
    parent = parents.get(run_id)
    told = {} if parent is None else parent.data.tags
    name = fit.data.tags["candidate"]
    finished = parent is not None and parent.info.status == "FINISHED"
    metrics = fit.data.metrics
    return LoggedTrial(
        run_id=run_id,
        candidate=name,
        as_of=datetime.fromisoformat(told["as_of"]) if told else None,
        finished=finished,
        deleted=fit.info.lifecycle_stage != "active",
        chosen=finished and told.get("candidate") == name,
        model_version=int(told["model_version"]) if finished else None,
        sharpe=metrics.get(SHARPE, math.nan),
        sharpe_standard_error=metrics.get(f"{SHARPE}_standard_error", math.nan),
    )
