"""Fit every candidate on every fold and keep the predictions made out of sample."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shadowbook.adapters.disk import replace_file, replace_text
from shadowbook.core.audit import digest_array
from shadowbook.core.gates.learned import label_gate, prediction_gate
from shadowbook.core.gates.verdict import decide
from shadowbook.core.learning.causality import audit_overlap
from shadowbook.core.learning.dataset import Dataset
from shadowbook.core.learning.fit import (
    FitPolicy,
    FitTask,
    FoldPredictions,
    fit_fold,
    join_folds,
    plan_tasks,
)
from shadowbook.core.values import Floats, Panel, Verdict
from shadowbook.errors import StaleDataError
from shadowbook.settings import Settings
from shadowbook.steps.known import accepted, apply_services, dataset_of, service_name
from shadowbook.workspace import Workspace

FitMap = Callable[[Callable[[FitTask], FoldPredictions], list[FitTask]], Iterable[FoldPredictions]]
"""Applies a function to every task, in any place, and gives the results in order."""

Fold = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Trained:
    """Candidates after the walk-forward.

    Attributes
    ----------
    folds : (train, test) rows of sessions.
    scores : candidate -> (T, N) out-of-sample predictions; NaN where no fold tested.
    n_train : candidate -> labels each fold trained on.
    verdicts : what the gates say of the labels, and of each candidate's predictions.
    estimators : candidate -> each fold's, for what is asked of them after the walk-forward.
    """

    strategy: str
    as_of: datetime
    dataset: Dataset
    folds: tuple[Fold, ...]
    scores: Mapping[str, Floats]
    n_train: Mapping[str, tuple[int, ...]]
    verdicts: tuple[Verdict, ...]
    estimators: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def halts(self) -> bool:
        """True when the labels, or every candidate's predictions, were refused."""
        return self.verdicts[0].halts or not self.eligible

    @property
    def eligible(self) -> tuple[str, ...]:
        """Candidates whose predictions passed their gate; only they can be chosen."""
        refused = {verdict.feed for verdict in self.verdicts if verdict.halts}
        return tuple(name for name in self.scores if predictions_feed(name) not in refused)

    @property
    def summary(self) -> dict[str, Any]:
        """What a machine reads: folds, digests, verdicts."""
        return {
            "strategy": self.strategy,
            "as_of": self.as_of,
            "folds": describe_folds(self.dataset, self.folds),
            "out_of_sample": {name: digest_array(table) for name, table in self.scores.items()},
            "verdicts": self.verdicts,
        }


def train(workspace: Workspace, strategy: str, as_of: datetime, fit_map: FitMap = map) -> Trained:
    """Walk forward through history with every candidate.

    Parameters
    ----------
    fit_map : applies the fit to the tasks: the built-in ``map``, a pool's or a task runner's.

    Raises
    ------
    StaleDataError
        When the features do not reach to ``as_of``.
    InsufficientDataError
        When history is too short for one fold.
    LeakageError
        When a training label reaches into a test window.
    """
    with workspace.progress.stage(f"{strategy}: point-in-time join") as stage:
        dataset = load_dataset(workspace, strategy, as_of)
        labelled = int(np.isfinite(dataset.labels).sum())
        stage.result(f"{dataset.n_rows:,} rows x {len(dataset.names)}, {labelled:,} labels")
    return walk_forward(workspace, strategy, as_of, dataset, fit_map)


def load_dataset(workspace: Workspace, strategy: str, as_of: datetime) -> Dataset:
    """Retrieve a strategy's features point in time and join them with its labels."""
    settings = workspace.settings.strategy(strategy)
    panel = accepted(workspace.market, as_of).panel(as_of)
    service = service_name(workspace, strategy)
    keys = workspace.feature_log.read(as_of, columns=[])
    _refuse_stale(keys, panel)
    # The registry is a copy that may be missing: a log brought back by hash is enough to train on.
    apply_services(workspace)
    rows = workspace.features.historical(
        service, keys.rename(columns={"available_at": "event_timestamp"})
    )
    return dataset_of(rows, settings, workspace.features.features_of(service), panel)


def _refuse_stale(keys: pd.DataFrame, panel: Panel) -> None:
    newest = panel.sessions[-1]
    logged = keys["session"].max() if len(keys) else None
    if logged is None or np.datetime64(logged, "D") < newest:
        raise StaleDataError(
            f"the feature log ends at {logged.date() if logged is not None else 'nothing'}, the "
            f"accepted prices at {newest}: run `shadowbook features` for this moment first"
        )


def walk_forward(
    workspace: Workspace, strategy: str, as_of: datetime, dataset: Dataset, fit_map: FitMap
) -> Trained:
    """Split, fit and predict; see ``train``."""
    settings = workspace.settings
    labels = judge_labels(workspace, strategy, dataset)
    folds = split(dataset, settings, strategy)
    if labels.halts:
        return Trained(strategy, as_of, dataset, folds, {}, {}, (labels,))
    tasks = plan_tasks(
        dataset.features,
        dataset.labels,
        dataset.names,
        folds,
        list(settings.learning.candidates.values()),
        fit_policy(settings, strategy),
    )
    done: list[FoldPredictions] = []
    with workspace.progress.stage(f"{strategy}: walk forward", total=len(tasks)) as stage:
        for result in fit_map(fit_fold, tasks):
            done.append(result)
            stage.advance()
        names = list(settings.learning.candidates)
        stage.result(f"{len(names)} candidates x {len(folds)} folds")
    shape = dataset.labels.shape
    scores = {n: join_folds([f for f in done if f.candidate == n], shape) for n in names}
    trained = Trained(
        strategy=strategy,
        as_of=as_of,
        dataset=dataset,
        folds=folds,
        scores=scores,
        n_train={n: tuple(f.n_train for f in done if f.candidate == n) for n in names},
        verdicts=(labels, *judge_predictions(workspace, dataset, folds, scores)),
        estimators={n: tuple(f.estimator for f in done if f.candidate == n) for n in names},
    )
    keep(workspace.build / strategy, trained)
    return trained


def fit_policy(settings: Settings, strategy: str) -> FitPolicy:
    """Seeds, usable rows and training window of every fit of a strategy."""
    return FitPolicy(
        seed=settings.seed,
        min_feature_share=settings.learning.min_feature_share,
        window=settings.window_of(strategy),
    )


def split(dataset: Dataset, settings: Settings, strategy: str) -> tuple[Fold, ...]:
    """Cut history into folds and prove that no training label touches its test window.

    A fold's training sessions are those that the strategy's window keeps.
    """
    policy, window = settings.learning.splits, settings.window_of(strategy)
    horizon = settings.strategy(strategy).horizon
    folds = []
    for training, test in policy.splitter(horizon).split(dataset.sessions):
        kept = training[window.first(len(training)) :]
        audit_overlap(kept, test, horizon, policy.embargo)
        folds.append((kept, test))
    return tuple(folds)


def describe_folds(dataset: Dataset, folds: Iterable[Fold]) -> list[dict[str, Any]]:
    """Boundaries of every fold, as the manifest records them."""
    days = dataset.sessions
    return [
        {
            "fold": number,
            "train_first": str(days[training[0]]),
            "train_last": str(days[training[-1]]),
            "train_sessions": len(training),
            "test_first": str(days[test[0]]),
            "test_last": str(days[test[-1]]),
            "test_sessions": len(test),
        }
        for number, (training, test) in enumerate(folds)
    ]


def _rated(dataset: Dataset) -> NDArray[np.bool_]:
    """(T, N): where there is a feature row."""
    return np.asarray(np.isfinite(dataset.features).any(axis=2))


def judge_labels(workspace: Workspace, strategy: str, dataset: Dataset) -> Verdict:
    """Put the labels through their gate."""
    gate = label_gate(
        dataset.labels,
        dataset.sessions,
        workspace.settings.strategy(strategy).horizon,
        workspace.settings.gates.labels,
        _rated(dataset),
    )
    return decide(gate.suite, workspace.expectations.evaluate(gate.suite, gate.tables))


def judge_predictions(
    workspace: Workspace, dataset: Dataset, folds: Iterable[Fold], scores: Mapping[str, Floats]
) -> tuple[Verdict, ...]:
    """Put each candidate's out-of-sample predictions through their gate."""
    tested = np.concatenate([test for _, test in folds])
    rated = _rated(dataset)
    verdicts = []
    for name, table in scores.items():
        gate = prediction_gate(
            table[tested],
            dataset.sessions[tested],
            workspace.settings.gates.predictions,
            rated[tested],
        )
        suite = replace(gate.suite, feed=predictions_feed(name))
        verdicts.append(decide(suite, workspace.expectations.evaluate(suite, gate.tables)))
    return tuple(verdicts)


def predictions_feed(candidate: str) -> str:
    """Name of the feed that a candidate's predictions are to their gate."""
    return f"predictions of {candidate}"


def keep(folder: Path, trained: Trained) -> None:
    """Write the predictions and folds where the next DVC stage finds them."""
    replace_file(
        folder / "predictions.parquet",
        lambda draft: out_of_sample_frame(trained).to_parquet(
            draft, index=False, compression="zstd"
        ),
    )
    note = {
        "as_of": trained.as_of.isoformat(),
        "folds": describe_folds(trained.dataset, trained.folds),
        "eligible": list(trained.eligible),
    }
    replace_text(folder / "folds.json", json.dumps(note, indent=1) + "\n")


def out_of_sample_frame(trained: Trained) -> pd.DataFrame:
    """Lay the predictions out as rows: ``session``, ``symbol``, ``fold``, a column a candidate."""
    dataset = trained.dataset
    parts = []
    for number, (_, test) in enumerate(trained.folds):
        at, column = np.nonzero(np.isfinite(dataset.prices[test]))
        part = pd.DataFrame(
            {
                "session": dataset.sessions[test][at].astype("datetime64[us]"),
                "symbol": np.array(dataset.symbols, dtype=object)[column],
                "fold": number,
            }
        )
        for name, table in trained.scores.items():
            part[name] = table[test][at, column]
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
