"""Measure out-of-sample predictions after costs, and draw what people look at."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from shadowbook.adapters.disk import replace_text
from shadowbook.adapters.plots import equity_plot, information_coefficient_plot
from shadowbook.core.learning.evaluation import Evaluation, evaluate
from shadowbook.core.values import Floats, Metric, Sessions
from shadowbook.errors import InsufficientDataError
from shadowbook.settings import Settings
from shadowbook.steps.curves import write_curves
from shadowbook.steps.known import accepted
from shadowbook.steps.train import Trained
from shadowbook.workspace import Workspace

INFORMATION_COEFFICIENT, EQUITY = "information_coefficient.png", "equity.png"

IC_WINDOW = 252
"""Sessions that the plot of the information coefficient averages over."""


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Every candidate measured on the same sessions.

    Attributes
    ----------
    sessions : (S,) the tested sessions.
    evaluations : candidate -> measures, best first.
    best : the candidate that the selection metric ranks first.
    """

    strategy: str
    as_of: datetime
    sessions: Sessions
    fold_starts: Sessions
    evaluations: Mapping[str, Evaluation]
    best: str

    def table(self) -> dict[str, dict[str, Metric]]:
        """Metrics of every candidate, best first."""
        return {name: dict(found.metrics) for name, found in self.evaluations.items()}


@dataclass(frozen=True, eq=False)
class Tested:
    """Out-of-sample predictions on the grid of the tested sessions.

    Attributes
    ----------
    sessions : (S,).
    fold_starts : first session of each fold.
    prices : (S, N) as known at ``as_of``.
    scores : candidate -> (S, N).
    eligible : candidates that may be chosen.
    """

    strategy: str
    as_of: datetime
    sessions: Sessions
    fold_starts: Sessions
    prices: Floats
    scores: Mapping[str, Floats]
    eligible: tuple[str, ...]


def tested_of(trained: Trained) -> Tested:
    """Cut a walk-forward down to the sessions that were tested."""
    rows = np.concatenate([test for _, test in trained.folds])
    sessions = trained.dataset.sessions
    return Tested(
        strategy=trained.strategy,
        as_of=trained.as_of,
        sessions=sessions[rows],
        fold_starts=np.array([sessions[test[0]] for _, test in trained.folds]),
        prices=trained.dataset.prices[rows],
        scores={name: table[rows] for name, table in trained.scores.items()},
        eligible=trained.eligible,
    )


def measure(tested: Tested, settings: Settings) -> Evaluated:
    """Evaluate every candidate and rank them.

    Raises
    ------
    InsufficientDataError
        When the selection metric cannot be computed for any candidate.
    """
    horizon = settings.strategy(tested.strategy).horizon
    found = {}
    for name, scores in tested.scores.items():
        # The same draws for every candidate, so that their drawdown errors are comparable.
        rng = np.random.default_rng(settings.seed)
        found[name] = evaluate(scores, tested.prices, horizon, settings.learning.evaluation, rng)
    metric = settings.learning.selection
    ranked = sorted(
        found,
        key=lambda name: (name not in tested.eligible, _rank(found[name].metrics[metric].value)),
    )
    best = found[ranked[0]].metrics[metric]
    if best.status != "OK":
        raise InsufficientDataError(
            f"{tested.strategy}: {metric} cannot be computed for any candidate: {best.reason}"
        )
    return Evaluated(
        strategy=tested.strategy,
        as_of=tested.as_of,
        sessions=tested.sessions,
        fold_starts=tested.fold_starts,
        evaluations={name: found[name] for name in ranked},
        best=ranked[0],
    )


def _rank(value: float) -> tuple[bool, float]:
    return math.isnan(value), -value


def draw(evaluated: Evaluated, horizon: int, folder: Path) -> None:
    """Draw walk-forward IC and equity after costs, as pictures and as tables for DVC."""
    by_name = evaluated.evaluations
    information_coefficient_plot(
        evaluated.sessions,
        {name: found.information_coefficient for name, found in by_name.items()},
        IC_WINDOW,
        folder / INFORMATION_COEFFICIENT,
        f"{evaluated.strategy}: out-of-sample information coefficient",
        evaluated.fold_starts,
        overlap=horizon,
    )
    equity_plot(
        evaluated.sessions,
        {name: found.net for name, found in by_name.items()},
        folder / EQUITY,
        f"{evaluated.strategy}: growth of 1, after costs",
    )
    write_curves(evaluated.sessions, by_name, IC_WINDOW, folder)


def draw_candidates(evaluated: Evaluated, horizon: int, folder: Path) -> None:
    """Draw each candidate by itself, for its own run in the registry."""
    for name, found in evaluated.evaluations.items():
        information_coefficient_plot(
            evaluated.sessions,
            {name: found.information_coefficient},
            IC_WINDOW,
            folder / name / INFORMATION_COEFFICIENT,
            f"{evaluated.strategy}: {name}, out of sample",
            evaluated.fold_starts,
            overlap=horizon,
        )
        equity_plot(
            evaluated.sessions,
            {name: found.net},
            folder / name / EQUITY,
            f"{evaluated.strategy}: {name}, after costs",
        )


def write_metrics(evaluated: Evaluated, path: Path) -> None:
    """Write values and standard errors as JSON; null where they cannot be computed."""
    content = {
        "best": evaluated.best,
        "candidates": {
            name: {
                metric: {"value": _number(m.value), "standard_error": _number(m.standard_error)}
                for metric, m in found.metrics.items()
            }
            for name, found in evaluated.evaluations.items()
        },
    }
    replace_text(path, json.dumps(content, indent=1) + "\n")


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def measure_kept(workspace: Workspace, strategy: str) -> dict[str, Any]:
    """Evaluate the predictions that ``train`` kept: the DVC stage's form of ``measure``.

    Raises
    ------
    InsufficientDataError
        When nothing was kept, or too little to measure.
    """
    folder = workspace.build / strategy
    if not (folder / "folds.json").exists():
        raise InsufficientDataError(
            f"{folder} holds no predictions: run `shadowbook train --strategy {strategy}` first"
        )
    with workspace.progress.stage(f"{strategy}: evaluation") as stage:
        evaluated = measure(_kept(workspace, strategy, folder), workspace.settings)
        write_metrics(evaluated, folder / "metrics.json")
        draw(evaluated, workspace.settings.strategy(strategy).horizon, folder)
        stage.result(f"best {evaluated.best}")
    return {"strategy": strategy, "best": evaluated.best, "metrics": evaluated.table()}


def _kept(workspace: Workspace, strategy: str, folder: Path) -> Tested:
    note = json.loads((folder / "folds.json").read_text(encoding="utf-8"))
    as_of = datetime.fromisoformat(note["as_of"])
    rows = pd.read_parquet(folder / "predictions.parquet")
    panel = accepted(workspace.market, as_of).panel(as_of)
    tested = np.unique(rows["session"].to_numpy("datetime64[D]"))
    held = np.isin(panel.sessions, tested)
    at = np.searchsorted(tested, rows["session"].to_numpy("datetime64[D]"))
    column = pd.Categorical(rows["symbol"], categories=list(panel.symbols)).codes
    scores = {}
    for name in rows.columns.drop(["session", "symbol", "fold"]):
        table = np.full((len(tested), len(panel.symbols)), np.nan)
        table[at, column] = rows[name].to_numpy("float64")
        scores[name] = table
    starts = np.array([fold["test_first"] for fold in note["folds"]], dtype="datetime64[D]")
    return Tested(
        strategy, as_of, tested, starts, panel.prices[held], scores, tuple(note["eligible"])
    )
