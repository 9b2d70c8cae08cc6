"""The page of a run: gather what it shows, draw it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shadowbook.adapters.disk import replace_text
from shadowbook.adapters.models.records import REPORT
from shadowbook.adapters.report.coverage import coverage_figure
from shadowbook.adapters.report.equity import drawdown_figure, equity_figure
from shadowbook.adapters.report.folds import folds_figure
from shadowbook.adapters.report.html import Figure
from shadowbook.adapters.report.importances import importances_figure
from shadowbook.adapters.report.page import step_page, training_page
from shadowbook.adapters.report.skill import skill_figure
from shadowbook.adapters.report.summary import metrics_of
from shadowbook.core.learning.candidates import CandidatePolicy
from shadowbook.core.learning.importance import (
    Conditions,
    HeldOut,
    Importance,
    permutation_importance,
)
from shadowbook.core.learning.labels import forward_returns
from shadowbook.errors import ConfigError, InsufficientDataError
from shadowbook.steps.lineage import Lineage, gate_verdicts, lineage
from shadowbook.steps.manifest import SHOWN
from shadowbook.steps.measure import IC_WINDOW, Evaluated
from shadowbook.steps.train import Trained
from shadowbook.workspace import Workspace

TREES = 20
"""Boosted trees whose prediction takes as long as a linear model's."""

LEAST_SESSIONS = 252
"""Sessions that importances are measured on at least, where there are as many."""


@dataclass(frozen=True)
class Importances:
    """What each feature carries in the chosen candidate.

    Attributes
    ----------
    measured : one a feature; empty where it cannot be computed.
    step : every how many held-out sessions were measured.
    reason : why it cannot be computed.
    """

    measured: tuple[Importance, ...]
    step: int
    reason: str = ""


@dataclass(frozen=True)
class ReportPage:
    """Where a run's page is."""

    run_id: str
    path: Path


def measure_importances(
    workspace: Workspace, trained: Trained, evaluated: Evaluated
) -> Importances:
    """Measure the chosen candidate's features on the sessions each fold held out."""
    settings, dataset = workspace.settings, trained.dataset
    horizon = settings.strategy(trained.strategy).horizon
    rows = np.concatenate([test for _, test in trained.folds])
    outcomes = np.full(dataset.prices.shape, np.nan)
    # As in the evaluation: no outcome reaches beyond the tested sessions.
    outcomes[rows] = forward_returns(dataset.prices[rows], horizon)
    rated = int(np.isfinite(dataset.features[rows]).any(axis=2).sum())
    conditions = Conditions(
        horizon=horizon,
        min_feature_share=settings.learning.min_feature_share,
        min_names=settings.learning.evaluation.min_names,
        step=_every(
            rated * _work(settings.learning.candidates[evaluated.best]),
            len(rows),
            settings.report.importance_rows,
        ),
    )
    folds = [
        HeldOut(estimator, test)
        for estimator, (_, test) in zip(
            trained.estimators[evaluated.best], trained.folds, strict=True
        )
    ]
    rng = np.random.default_rng(settings.seed)
    with workspace.progress.stage(f"{trained.strategy}: feature importances") as stage:
        try:
            measured = permutation_importance(
                folds, dataset.features, outcomes, dataset.names, conditions, rng
            )
        except InsufficientDataError as error:
            # Nothing hangs on it but a figure, which then says so.
            stage.result(f"not computable: {error}")
            return Importances((), conditions.step, str(error))
        largest = max(measured, key=lambda item: item.value)
        stage.result(f"{largest.feature} carries most, {largest.value:.4f} of the IC")
    return Importances(measured, conditions.step)


def _work(candidate: CandidatePolicy) -> float:
    """Tell how many times a linear model's work one prediction takes."""
    return max(1.0, float(candidate.parameters.get("max_iter", 0)) / TREES)


def _every(rows: float, sessions: int, most_rows: int) -> int:
    """Choose every how many sessions are measured: few rows, but a year of sessions at least."""
    return max(1, min(math.ceil(rows / most_rows), sessions // LEAST_SESSIONS))


def report_page(
    workspace: Workspace,
    trained: Trained,
    evaluated: Evaluated,
    importances: Importances,
    manifest: Mapping[str, Any],
) -> str:
    """Write the page of a training run that is being recorded."""
    parents = {p["pin"]: lineage(workspace, p["run_id"]) for p in manifest.get("parents", ())}
    found = Lineage(manifest, parents)
    verdicts = gate_verdicts(found)
    figures = figures_of(trained, evaluated, importances, manifest, verdicts)
    return training_page(manifest, verdicts, _above(found), figures)


def stored_page(workspace: Workspace, run: str, destination: Path | None = None) -> ReportPage:
    """Find the page of a finished training run, or write that of a run of another kind.

    Parameters
    ----------
    run : id, the beginning of one, or ``latest``.
    destination : where to write it; default: a training run's stays where it is stored, another's
        goes to the build folder's ``reports``.

    Raises
    ------
    ConfigError
        When there is no such run, or it was made before runs had a page.
    """
    record = workspace.models.resolve_any(run)
    if record.kind == "training":
        kept = _kept(workspace, record.run_id)
        if destination is None:
            return ReportPage(record.run_id, kept)
        text = kept.read_text(encoding="utf-8")
    else:
        found = lineage(workspace, record.run_id)
        text = step_page(found.manifest, gate_verdicts(Lineage(found.manifest, {})), _above(found))
    name = f"{record.kind}-{record.run_id[:SHOWN]}.html"
    path = destination or workspace.build / "reports" / name
    replace_text(path, text)
    return ReportPage(record.run_id, path)


def _kept(workspace: Workspace, run_id: str) -> Path:
    try:
        return workspace.models.artifact(run_id, REPORT)
    except ConfigError as error:
        raise ConfigError(
            f"run {run_id} has no page: it was made before runs had one, or the page was deleted; "
            "`shadowbook show` prints its manifest"
        ) from error


def _above(found: Lineage) -> list[Mapping[str, Any]]:
    return [run.manifest for run in found.walk()][1:]


def figures_of(
    trained: Trained,
    evaluated: Evaluated,
    importances: Importances,
    manifest: Mapping[str, Any],
    verdicts: Sequence[Mapping[str, Any]],
) -> tuple[Figure, ...]:
    """Draw the figures of a training run, in the order they are read."""
    best, settings = evaluated.best, manifest["settings"]
    learning, dataset = settings["learning"], trained.dataset
    horizon = settings["strategies"][trained.strategy]["horizon"]
    metrics, sessions = metrics_of(manifest), evaluated.sessions
    chosen = evaluated.evaluations[best]
    spans = [span for verdict in verdicts for span in verdict["quarantined"]]
    return (
        equity_figure(
            sessions,
            {name: found.net for name, found in evaluated.evaluations.items()},
            metrics,
            learning["evaluation"]["cost_bps"],
        ),
        drawdown_figure(best, sessions, chosen.net, metrics[best]["max_drawdown"]),
        skill_figure(
            best,
            metrics[best]["information_coefficient"],
            sessions,
            chosen.information_coefficient,
            evaluated.fold_starts,
            window=IC_WINDOW,
            horizon=horizon,
        ),
        importances_figure(best, importances.measured, importances.step, importances.reason),
        folds_figure(dataset.sessions, trained.folds, horizon, learning["splits"]["embargo"]),
        coverage_figure(dataset.sessions, dataset.symbols, dataset.prices, spans),
    )
