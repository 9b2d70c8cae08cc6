"""A retraining: walk forward, measure, choose, fit finally, pin, record, register."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np

from shadowbook.adapters.models.records import REPORT
from shadowbook.core.audit import digest_array
from shadowbook.core.values import Metric, RunRecord, Verdict
from shadowbook.steps import layers
from shadowbook.steps.blocked import blocked_by
from shadowbook.steps.drift_page import draw_drift
from shadowbook.steps.measure import draw, draw_candidates, measure, tested_of, write_metrics
from shadowbook.steps.record import CANDIDATES, Inputs, training_record
from shadowbook.steps.report import measure_importances, report_page, stored_page
from shadowbook.steps.train import FitMap, load_dataset, walk_forward
from shadowbook.workspace import Workspace


@dataclass(frozen=True, eq=False)
class RetrainReport:
    """How a retraining ended.

    Attributes
    ----------
    run : the finished run; None when a gate or a diagnosis halted it.
    candidates : name -> metrics, best first.
    existing : True when this very run had been made before and nothing was done again.
    verdicts : what the gates say of labels and predictions; empty for an existing run.
    blocked : why it may not be trained now, in one sentence; empty where it may.
    """

    strategy: str
    as_of: datetime
    run: RunRecord | None
    best: str | None
    candidates: Mapping[str, Mapping[str, Metric]]
    existing: bool
    verdicts: tuple[Verdict, ...]
    blocked: str = ""

    @property
    def halts(self) -> bool:
        """True when a gate said no, or a diagnosis that found a bug."""
        return self.run is None


def retrain(
    workspace: Workspace,
    strategy: str,
    as_of: datetime,
    fit_map: FitMap = map,
    cause: Mapping[str, Any] | None = None,
) -> RetrainReport:
    """Make, or find, the training run of a strategy at a moment.

    Parameters
    ----------
    fit_map : applies the fits; see ``train``.
    cause : what it answers, ``alert`` and more, JSON-ready: for the manifest of a new run; it is
        no part of its key.

    Raises
    ------
    ConfigError
        Without a git repository: a run that cannot name its code cannot be rebuilt.
    StaleDataError, InsufficientDataError, LeakageError
        See ``train`` and ``measure``.
    """
    inputs = _gather(workspace, strategy, as_of)
    existing = workspace.models.find(inputs.key)
    if existing is not None:
        return made_before(workspace, existing)
    with workspace.trading():
        blocked = blocked_by(workspace, strategy)
    if blocked:
        return RetrainReport(strategy, as_of, None, None, {}, False, (), blocked)
    trained = walk_forward(workspace, strategy, as_of, inputs.dataset, fit_map)
    if trained.halts:
        return RetrainReport(strategy, as_of, None, None, {}, False, trained.verdicts)
    with workspace.progress.stage(f"{strategy}: evaluation") as stage:
        evaluated = measure(tested_of(trained), workspace.settings)
        folder = workspace.build / strategy
        write_metrics(evaluated, folder / "metrics.json")
        horizon = workspace.settings.strategy(strategy).horizon
        draw(evaluated, horizon, folder)
        draw_candidates(evaluated, horizon, folder / CANDIDATES)
        stage.result(f"best {evaluated.best}")
    draw_drift(workspace, trained, folder / "drift.html")
    importances = measure_importances(workspace, trained, evaluated)
    with workspace.progress.stage(f"{strategy}: final fit") as stage:
        record = training_record(workspace, inputs, trained, evaluated, cause)
        stage.result(f"{evaluated.best} on every label")
    with workspace.progress.stage(f"{strategy}: registry (MLflow)") as stage:
        pushed = workspace.snapshots.push(inputs.pins) if _has_remote(workspace) else None
        page_of = partial(report_page, workspace, trained, evaluated, importances)
        run = workspace.models.record_training(replace(record, page_of=page_of))
        stored_page(workspace, run.run_id, folder / REPORT)
        where = f", data pushed to {workspace.settings.snapshots.remote}" if pushed else ""
        stage.result(f"version {run.model_version} ({', '.join(run.aliases)}){where}")
    return RetrainReport(
        strategy, as_of, run, evaluated.best, evaluated.table(), False, trained.verdicts
    )


def _has_remote(workspace: Workspace) -> bool:
    return workspace.settings.snapshots.remote is not None


def _gather(workspace: Workspace, strategy: str, as_of: datetime) -> Inputs:
    code = workspace.code.state()
    with workspace.progress.stage(f"{strategy}: point-in-time join (Feast)") as stage:
        dataset = load_dataset(workspace, strategy, as_of)
        n_labels = int(np.isfinite(dataset.labels).sum())
        stage.result(f"{dataset.n_rows:,} rows x {len(dataset.names)}, {n_labels:,} labels")
    with workspace.progress.stage(f"{strategy}: pin data (DVC)") as stage:
        pins = (
            workspace.snapshots.pin("market", workspace.market.accepted.folder),
            workspace.snapshots.pin("feature_log", workspace.feature_folder),
        )
        stage.result(", ".join(f"{pin.name} {pin.md5[:10]}" for pin in pins))
    features = layers.features_layer(
        workspace.feature_log.read(as_of), workspace.feature_definitions, dataset.names
    )
    key = layers.run_key(
        strategy,
        {
            "as_of": as_of,
            "settings": layers.settings_digest(workspace.settings),
            "commit": code.commit,
            "patch": layers.text_sha256(code.patch),
            "source": layers.source_layer(),
            "features": features,
            "dataset": digest_array(dataset.features, dataset.labels, dataset.prices),
        },
    )
    return Inputs(code, dataset, pins, features, key)


def made_before(workspace: Workspace, run: RunRecord) -> RetrainReport:
    """Report a run that had been made before, from its manifest."""
    manifest = workspace.models.manifest(run.run_id)
    candidates = {
        item["name"]: {
            name: Metric(
                name,
                _float(found["value"]),
                _float(found["standard_error"]),
                found["n_obs"],
                found["status"],
                found["reason"],
            )
            for name, found in item["metrics"].items()
        }
        for item in manifest["candidates"]
    }
    return RetrainReport(run.strategy, run.as_of, run, run.candidate, candidates, True, ())


def _float(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
