"""A retraining inside a replay: the same splits, fits, measures and choice, without the record.

What a retraining of a workspace does beside (pins, Great Expectations, pages, registry) is left
out: the replay's ledger says what was chosen, and the same inputs give the same model again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shadowbook.core.audit import digest_array
from shadowbook.core.learning.candidates import trusted_types
from shadowbook.core.learning.dataset import Dataset, assemble
from shadowbook.core.learning.fit import FoldPredictions, fit_fold, join_folds, plan_tasks
from shadowbook.core.track import Backtest
from shadowbook.settings import Settings
from shadowbook.steps import layers
from shadowbook.steps.baseline import baseline
from shadowbook.steps.known import Accepted
from shadowbook.steps.measure import Evaluated, measure, tested_of
from shadowbook.steps.rating import features_of
from shadowbook.steps.record import final_fit
from shadowbook.steps.train import FitMap, Trained, fit_policy, split
from shadowbook.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model made in a replay.

    Attributes
    ----------
    candidate : the chosen one.
    prediction_digest : of its predictions on the last test window, as in a manifest.
    trusted : types that its file may hold.
    n_labels : that the last fold was fitted on.
    backtest : what it did out of sample.
    """

    candidate: str
    estimator: Any
    prediction_digest: str
    trusted: Sequence[str]
    n_labels: int
    backtest: Backtest


def fit_as_of(
    workspace: Workspace, known: Accepted, strategy: str, as_of: datetime, fit_map: FitMap = map
) -> Fitted:
    """Choose and fit a strategy's model on what was known at a moment.

    Raises
    ------
    InsufficientDataError
        When history is too short for one fold.
    LeakageError
        When a training label reaches into a test window.
    """
    settings = workspace.settings
    own = settings.strategy(strategy)
    names = features_of(workspace, strategy)
    rows = workspace.feature_log.read(as_of)
    dataset = assemble(rows, names, known.panel(as_of), own.horizon, own.label)
    trained = _walked_forward(settings, strategy, as_of, dataset, fit_map)
    tested = tested_of(trained)
    evaluated: Evaluated = measure(tested, settings)
    estimator = final_fit(trained, evaluated.best, settings)
    predictions = layers.final_predictions(trained, estimator, settings)
    return Fitted(
        evaluated.best,
        estimator,
        digest_array(predictions),
        trusted_types(estimator),
        trained.n_train[evaluated.best][-1],
        baseline(tested, evaluated, settings),
    )


def _walked_forward(
    settings: Settings, strategy: str, as_of: datetime, dataset: Dataset, fit_map: FitMap
) -> Trained:
    folds = split(dataset, settings, strategy)
    policies = list(settings.learning.candidates.values())
    own = fit_policy(settings, strategy)
    tasks = plan_tasks(dataset.features, dataset.labels, dataset.names, folds, policies, own)
    done: list[FoldPredictions] = list(fit_map(fit_fold, tasks))
    shape = dataset.labels.shape
    return Trained(
        strategy=strategy,
        as_of=as_of,
        dataset=dataset,
        folds=folds,
        scores={
            policy.name: join_folds([f for f in done if f.candidate == policy.name], shape)
            for policy in policies
        },
        n_train={
            policy.name: tuple(f.n_train for f in done if f.candidate == policy.name)
            for policy in policies
        },
        verdicts=(),
    )


def replay_settings(settings: Settings) -> Settings:
    """Return the settings with the folds that retrainings of a replay use."""
    n_splits = settings.replay.n_splits
    if n_splits is None:
        return settings
    splits = settings.learning.splits.model_copy(update={"n_splits": n_splits})
    learning = settings.learning.model_copy(update={"splits": splits})
    return settings.model_copy(update={"learning": learning})
