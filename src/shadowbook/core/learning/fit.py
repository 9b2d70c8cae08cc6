"""Fitting: one task a candidate and fold, independent of the others and of how they are mapped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from shadowbook.core.learning.candidates import CandidatePolicy, build_estimator, weight_argument
from shadowbook.core.learning.windows import WindowPolicy, recency_weights
from shadowbook.core.values import Floats
from shadowbook.errors import InsufficientDataError

Rows = NDArray[np.int64]


class FitPolicy(BaseModel):
    """What is fitted, and from which seed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(20_240_101, ge=0, lt=2**63, description="Root of every fit's own seed.")
    min_feature_share: float = Field(
        0.5,
        gt=0.0,
        le=1.0,
        description="Rows with a smaller share of known features are neither fitted nor predicted.",
    )
    window: WindowPolicy = WindowPolicy()


@dataclass(frozen=True, eq=False)
class FitTask:
    """One fit: a candidate on one fold. It can be pickled.

    Attributes
    ----------
    candidate : what to fit.
    fold : number of the fold, from 0.
    names : K features.
    values : (T, N, K) features of all sessions, shared between the tasks.
    labels : (T, N); NaN = none.
    train, test : rows of sessions.
    seed : of this fit alone.
    policy : what counts as a usable row, and the training window.
    """

    candidate: CandidatePolicy
    fold: int
    names: tuple[str, ...]
    values: Floats
    labels: Floats
    train: Rows
    test: Rows
    seed: int
    policy: FitPolicy


@dataclass(frozen=True, eq=False)
class FoldPredictions:
    """Predictions for a fold's test window by a model that has not seen it.

    Attributes
    ----------
    candidate : name.
    fold : number of the fold.
    rows : (S,) rows of the test sessions.
    predictions : (S, N); NaN where too few features are known.
    n_train : labels trained on.
    estimator : that model.
    """

    candidate: str
    fold: int
    rows: Rows
    predictions: Floats
    n_train: int
    estimator: Any


def fit_seed(policy: FitPolicy, candidate: str, fold: int) -> int:
    """Seed of one fit, from the root seed, the candidate's name and the fold's number alone.

    Another candidate in the list, or another order, changes no fit. The final fit is fold -1.
    """
    label = int.from_bytes(hashlib.sha256(candidate.encode()).digest()[:8], "big")
    sequence = np.random.SeedSequence([policy.seed, label, fold + 1])
    return int(sequence.generate_state(1)[0])


def plan_tasks(
    values: Floats,
    labels: Floats,
    names: Sequence[str],
    folds: Iterable[tuple[Rows, Rows]],
    candidates: Sequence[CandidatePolicy],
    policy: FitPolicy,
) -> list[FitTask]:
    """List the fits of all candidates on all folds, candidate by candidate.

    Parameters
    ----------
    values : (T, N, K) features.
    labels : (T, N); NaN = none.
    names : K features.
    folds : (train, test) rows of sessions, e.g. from `PurgedWalkForward.split`.
    candidates : what to fit.
    policy : seed, what counts as a usable row, and the training window.
    """
    cut = list(folds)
    return [
        FitTask(
            candidate=candidate,
            fold=fold,
            names=tuple(names),
            values=values,
            labels=labels,
            train=train,
            test=test,
            seed=fit_seed(policy, candidate.name, fold),
            policy=policy,
        )
        for candidate in candidates
        for fold, (train, test) in enumerate(cut)
    ]


def fit_fold(task: FitTask) -> FoldPredictions:
    """Fit a candidate on a fold's training sessions and predict its test sessions.

    Rows without a label are not trained on; test rows are predicted whether or not they have one.
    Of the training sessions the window says which are used, and how much each counts.

    Raises
    ------
    ConfigError
        When the window weighs rows and the candidate's estimator takes no weights.
    InsufficientDataError
        When no training row has both a label and enough features.
    """
    values, labels = task.values[task.train], task.labels[task.train]
    estimator, n_train = _fitted(task.candidate, values, labels, task.names, task.policy, task.seed)
    predictions = predict_scores(estimator, task.values[task.test], task.policy.min_feature_share)
    return FoldPredictions(
        task.candidate.name, task.fold, task.test, predictions, n_train, estimator
    )


def fit_final(
    candidate: CandidatePolicy,
    values: Floats,
    labels: Floats,
    names: Sequence[str],
    policy: FitPolicy,
) -> Any:
    """Fit a candidate on the labels that its window takes of all there are; returns the estimator.

    The window ends with the newest session that has a label, as a fold's does: the last sessions
    have none yet. Errors as in `fit_fold`.
    """
    seed = fit_seed(policy, candidate.name, -1)
    labelled = np.flatnonzero(np.isfinite(labels).any(axis=1))
    stop = int(labelled[-1]) + 1 if len(labelled) else len(labels)
    return _fitted(candidate, values[:stop], labels[:stop], names, policy, seed)[0]


def predict_scores(estimator: Any, values: Floats, min_feature_share: float) -> Floats:
    """Score every symbol of every session.

    Parameters
    ----------
    estimator : fitted.
    values : (S, N, K) features.
    min_feature_share : share of features a row needs.

    Returns
    -------
    (S, N); NaN where too few features are known.
    """
    usable = usable_rows(values, min_feature_share)
    scores = np.full(usable.shape, np.nan)
    if usable.any():
        scores[usable] = estimator.predict(values[usable])
    return scores


def join_folds(folds: Iterable[FoldPredictions], shape: tuple[int, int]) -> Floats:
    """Out-of-sample scores of one candidate on the panel's grid.

    Parameters
    ----------
    folds : the candidate's predictions, in any order.
    shape : (T, N).

    Returns
    -------
    (T, N); NaN where no fold tested.
    """
    scores = np.full(shape, np.nan)
    for fold in folds:
        scores[fold.rows] = fold.predictions
    return scores


def _fitted(
    candidate: CandidatePolicy,
    values: Floats,
    labels: Floats,
    names: Sequence[str],
    policy: FitPolicy,
    seed: int,
) -> tuple[Any, int]:
    """Fit on training sessions in time order; returns the estimator and its number of labels."""
    begin = policy.window.first(len(values))
    values, labels = values[begin:], labels[begin:]
    usable = usable_rows(values, policy.min_feature_share) & np.isfinite(labels)
    n_train = int(usable.sum())
    if not n_train:
        raise InsufficientDataError(
            f"candidate {candidate.name} has no row with a label and "
            f"{policy.min_feature_share:.0%} of the features in {len(values)} training sessions: "
            "bring more history"
        )
    estimator = build_estimator(candidate, names, seed)
    rows = values[usable]
    # scikit-learn cannot bin a column without any value; nothing is learned from a constant one.
    rows[:, np.isnan(rows).all(axis=0)] = 0.0
    weights = recency_weights(np.nonzero(usable)[0], policy.window)
    if weights is None:
        estimator.fit(rows, labels[usable])
    else:
        estimator.fit(rows, labels[usable], **{weight_argument(estimator, candidate): weights})
    return estimator, n_train


def usable_rows(values: Floats, min_feature_share: float) -> NDArray[np.bool_]:
    """Tell which rows know enough of their features; the shape of ``values`` less its last axis."""
    known = np.isfinite(values).sum(axis=-1)
    usable: NDArray[np.bool_] = known >= min_feature_share * values.shape[-1] * (1.0 - 1e-9)
    return usable
