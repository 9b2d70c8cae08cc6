"""How much of the out-of-sample ranking each feature carries.

Permutation importance (Breiman 2001, section 10; Fisher, Rudin & Dominici 2019, eq. 3.2, as a
difference): one feature is shuffled across the symbols of each held-out session, so that it keeps
its distribution and loses its meaning, and the fall of the session's information coefficient is
what the model owed to it. The fold's own estimator predicts, so nothing is measured in sample.

A shuffle within the session, not over all rows: scores are ranked within a session, and rows of
another year would put the feature where it never was. Features that tell the same story stand in
for each other: each then looks less important than all of them are together (Hooker, Mentch & Zhou
2021).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.learning.fit import Rows, usable_rows
from shadowbook.core.stats.hac import bandwidth, mean_standard_error, small_sample_factor
from shadowbook.core.stats.ranks import rank_correlation
from shadowbook.core.values import Floats
from shadowbook.errors import InsufficientDataError

INTERVAL = 1.96
"""Standard errors on either side of the mean that make a 95 % interval."""


@dataclass(frozen=True)
class HeldOut:
    """One fold's estimator and the sessions it has not seen.

    Attributes
    ----------
    estimator : fitted on the fold's training sessions.
    rows : (S,) rows of the test sessions.
    """

    estimator: Any
    rows: Rows


@dataclass(frozen=True)
class Conditions:
    """How importances are measured.

    Attributes
    ----------
    horizon : sessions an outcome spans; the errors respect their overlap.
    min_feature_share : as in the fit: share of features a row needs to be predicted.
    min_names : sessions with fewer pairs of score and outcome are left out.
    step : every how many sessions of a fold are measured; more than 1 saves time.
    """

    horizon: int
    min_feature_share: float
    min_names: int = 5
    step: int = 1


@dataclass(frozen=True)
class Importance:
    """What one feature carries.

    Attributes
    ----------
    feature : name.
    value : mean over sessions of the fall of the information coefficient.
    standard_error : of that mean, by its long-run variance; NaN with fewer than two sessions.
    n_obs : sessions.
    """

    feature: str
    value: float
    standard_error: float
    n_obs: int

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the 95 % interval."""
        reach = INTERVAL * self.standard_error
        return self.value - reach, self.value + reach


def permutation_importance(
    folds: Iterable[HeldOut],
    values: Floats,
    outcomes: Floats,
    names: Sequence[str],
    conditions: Conditions,
    rng: np.random.Generator,
) -> tuple[Importance, ...]:
    """Measure every feature on the sessions each fold held out.

    Parameters
    ----------
    folds : estimators with their test sessions; sessions of two folds do not overlap.
    values : (T, N, K) features of all sessions; NaN = missing.
    outcomes : (T, N) what the scores are ranked against, e.g. forward returns; NaN = none.
    names : K features.
    conditions : how it is measured.
    rng : for the shuffles. Each fold draws one for all features, so that they are compared on the
        same draws, and takes its own child, so that no fold depends on another.

    Returns
    -------
    One a feature, in the order of ``names``. The error is that of the mean over all sessions of
    all folds: Newey and West's long-run variance of the session's fall, stretched as
    `hac.small_sample_factor` says, so 1.96 of them make a 95 % interval. It covers the shuffle's
    own noise. A feature the model does not use has 0 with error 0.

    Raises
    ------
    InsufficientDataError
        When no held-out session can be ranked.
    """
    held = list(folds)
    falls = np.concatenate(
        [
            _falls(fold, values, outcomes, conditions, child)
            for fold, child in zip(held, rng.spawn(len(held)), strict=True)
        ]
    )
    falls = falls[np.isfinite(falls).all(axis=1)]
    n = len(falls)
    if not n:
        raise InsufficientDataError(
            f"no held-out session has {conditions.min_names} symbols with both a score and an "
            "outcome: bring more symbols or more history"
        )
    lags = bandwidth(n, math.ceil(conditions.horizon / conditions.step))
    stretch = small_sample_factor(n, lags)
    return tuple(
        Importance(name, float(fall.mean()), mean_standard_error(fall, lags) * stretch, n)
        for name, fall in zip(names, falls.T, strict=True)
    )


def shuffle_order(
    usable: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw where each session's usable cells take their values from.

    Parameters
    ----------
    usable : (S, N).
    rng : every order of a session's usable cells is equally likely.

    Returns
    -------
    ``(to, source)``, each the flat places of all usable cells, session by session.
    """
    to = np.flatnonzero(usable)
    draws = np.where(usable, rng.random(usable.shape), np.inf)
    columns = np.argsort(draws, axis=1)  # usable cells first, in random order
    places = columns + np.arange(len(usable))[:, None] * usable.shape[1]
    taken = np.arange(usable.shape[1]) < usable.sum(axis=1)[:, None]
    return to, places[taken]


def _falls(
    fold: HeldOut,
    values: Floats,
    outcomes: Floats,
    conditions: Conditions,
    rng: np.random.Generator,
) -> Floats:
    """(S, K) how far each session's coefficient falls without each feature."""
    rows = fold.rows[:: conditions.step]
    told, outcome = values[rows], outcomes[rows]
    # Sessions without an outcome are not measured: predicting them would be for nothing.
    measured = np.isfinite(outcome).any(axis=1, keepdims=True)
    usable = usable_rows(told, conditions.min_feature_share) & measured
    to, source = shuffle_order(usable, rng)
    flat = told.reshape(-1, told.shape[-1])
    given, shuffled = np.ascontiguousarray(flat[to]), flat[source]
    falls = np.full((len(rows), told.shape[-1]), np.nan)
    if not len(to):
        return falls

    def coefficient(table: Floats) -> Floats:
        scores = np.full(usable.shape, np.nan)
        scores.ravel()[to] = fold.estimator.predict(table)
        return rank_correlation(scores, outcome, conditions.min_names)

    whole = coefficient(given)
    for k in range(falls.shape[1]):
        own = given[:, k].copy()
        given[:, k] = shuffled[:, k]
        falls[:, k] = whole - coefficient(given)
        given[:, k] = own
    return falls
