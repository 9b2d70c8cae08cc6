"""Whether the best of many challengers is better than the champion, or only the luckiest.

The best of thirty equal strategies nearly always looks better than the champion. Its mean lead is
therefore held against the largest mean lead in resamples in which none is better: White's (2000)
Reality Check, Hansen's (2005) test of superior predictive ability, and the stepwise test of Romano
& Wolf (2005), which says of each challenger whether it is better. All three use the same resamples.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, stdtr

from shadowbook.core.stats.stationary import (
    small_sample,
    stationary_means,
    stationary_variance,
)
from shadowbook.core.values import Floats

MINIMUM = 10
"""Sessions with a value of every challenger that the test must have."""

CONSTANT = 1e-12
"""A share of the values' size that is rounding: of their range, of their mean."""

_ROUNDING = 1e-9

_SMALLEST_TAIL = 1e-300
"""Chance below which a quantile is not told apart, so that it stays finite."""


class Snooping(NamedTuple):
    """The best of M challengers, corrected for having been chosen among them.

    Attributes
    ----------
    statistic : largest of the columns' statistics: mean per session over its long-run error
        (studentized), or the mean per session itself.
    p_lower, p_consistent, p_upper : that none is better: Hansen's lower and consistent p-value and
        White's Reality Check.
    survivors : columns that are better, by StepM at the level asked for; ascending.
    p_values : (M,) StepM's adjusted p-values: column j survives at each level from p_values[j] on.
    statistics : (M,) of the columns.
    n_obs : sessions with a value of every challenger.
    status, reason : NOT_COMPUTABLE comes with one sentence, NaN and no survivor.
    """

    statistic: float
    p_lower: float
    p_consistent: float
    p_upper: float
    survivors: tuple[int, ...]
    p_values: Floats
    statistics: Floats
    n_obs: int
    status: Literal["OK", "NOT_COMPUTABLE"] = "OK"
    reason: str = ""


def data_snooping_test(
    excess: ArrayLike,
    n_resamples: int = 10_000,
    mean_block: float = 10.0,
    studentize: bool = True,
    alpha: float = 0.05,
    rng: np.random.Generator | None = None,
) -> Snooping:
    """Test whether any challenger has a positive mean lead, and which have.

    Stationary bootstrap (Politis & Romano 1994), the same rows for every column. H0: no column has
    a positive mean. p_upper centers every resampled mean at the column's own (White 2000);
    p_consistent leaves those as they are whose mean is below -sqrt(2 log log T) errors (Hansen
    2005, eq. 9), so that hopeless challengers do not cost power; p_lower all that are below zero.
    Survivors and ``p_values`` step down with every column centered, as Romano & Wolf (2005,
    algorithm 4.1) do: with any survivor p_upper is at most ``alpha``, and the other way round.

    A p-value is (1 + resamples that reach the statistic) / (1 + resamples): never zero. A best
    statistic of zero or less gives 1. In a finite sample resampled means spread too little, and a
    studentized mean has the tails of Student's t, not theirs: statistics are therefore compared
    after `small_sample` shrank them, and as the normal deviate of their quantile (see the sizes in
    ``benchmarks/promotion_size.py``; at T = 2,500 it takes a p-value of 0.040 to 0.045).

    Parameters
    ----------
    excess : (T, M) returns (or influence on the Sharpe ratio) over the champion's, a session a row;
        more is better. A session in which a column is missing (NaN or infinite) counts for none; a
        column that is missing throughout is left out.
    n_resamples : samples to draw.
    mean_block : mean length of a block, in sessions, at least 1.
    studentize : whether a column's mean is divided by sqrt(w / T), w its long-run variance in the
        stationary bootstrap (`stationary_variance`); the resampled means by the same.
    alpha : familywise error of the survivors, above 0 and below 1.
    rng : source of randomness; None = seed 0.

    Returns
    -------
    Statistics and p-values. A column that never varies has no error: it is not among the tested;
    at or below zero its statistic is 0 and its p-value 1, above zero both are NaN. With fewer than
    10 sessions, or without a column to test, nothing is computable, unless every column is at or
    below zero throughout: then all p-values are 1.

    Raises
    ------
    ValueError
        When ``excess`` is not a table, or a parameter is out of range.

    >>> rng = np.random.default_rng(0)
    >>> noise = rng.normal(size=(250, 3))
    >>> found = data_snooping_test(noise + np.array([0.0, 0.0, 0.4]), 999, rng=rng)
    >>> found.survivors, round(found.p_upper, 3)
    ((2,), 0.001)
    """
    table = np.asarray(excess, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"excess has shape {table.shape}: give sessions x challengers")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}: give a level above 0 and below 1")
    finite = np.isfinite(table)
    there = finite.any(axis=0)
    rows = table[finite[:, there].all(axis=1)]
    n, m = len(rows), table.shape[1]
    if n < MINIMUM or not there.any():
        why = f"{n:,} sessions have a value of every challenger, {MINIMUM} are needed"
        if not there.any():
            why = "no challenger has a value"
        return _not_computable(np.full(m, math.nan), np.full(m, math.nan), n, why)
    size = np.abs(rows).max(axis=0)
    varies = there & (np.ptp(rows, axis=0) > CONSTANT * size)
    # A column that never leads has nothing to test: no resample can say that it is better.
    never = there & ~varies & (rows[0] <= 0.0)
    statistics = np.where(never, 0.0, math.nan)
    p_values = np.where(never, 1.0, math.nan)
    if not varies.any():
        if never.any() and (never == there).all():
            return Snooping(0.0, 1.0, 1.0, 1.0, (), p_values, statistics, n)
        return _not_computable(statistics, p_values, n, "no challenger's lead varies")
    statistics[varies], found, resampled, hopeless = _resampled(
        rows[:, varies], n_resamples, mean_block, studentize, rng
    )
    p_values[varies] = step_down_p_values(found, resampled)
    with np.errstate(invalid="ignore"):
        survivors = np.flatnonzero(p_values <= alpha * (1.0 + _ROUNDING))
    return Snooping(
        statistic=float(np.nanmax(statistics)),
        p_lower=_best(found, resampled + np.minimum(found, 0.0)),
        p_consistent=_best(found, resampled + np.where(hopeless, found, 0.0)),
        p_upper=_best(found, resampled),
        survivors=tuple(int(column) for column in survivors),
        p_values=p_values,
        statistics=statistics,
        n_obs=n,
    )


def step_down_p_values(statistics: Floats, resampled: Floats) -> Floats:
    """Adjust the p-values of many one-sided tests for each other, by stepping down.

    Romano & Wolf (2005, algorithm 4.1; 2016, section 4): the best statistic is held against the
    largest of all resampled ones, the second against the largest of those without the best, and so
    on; a p-value is never below that of a better column. Rejecting where it is at most a level
    keeps the chance of any false rejection at that level.

    Parameters
    ----------
    statistics : (M,) without missing values; larger speaks against the null.
    resampled : (B, M) the same under the null: centered.

    Returns
    -------
    (M,) p-values, 1 where the statistic is zero or less.

    >>> step_down_p_values(np.array([3.0, 1.0]), np.array([[0.0, 2.0], [1.0, 0.0], [0.5, 0.2]]))
    array([0.25, 0.5 ])
    """
    order = np.argsort(statistics, kind="stable")  # from the worst on
    largest = np.maximum.accumulate(resampled[:, order], axis=1)
    ranked = statistics[order]
    reached = (largest >= ranked - _ROUNDING * np.abs(ranked)).sum(axis=0)
    p = (1.0 + reached) / (1.0 + len(resampled))
    p = np.maximum.accumulate(p[::-1])[::-1]
    found = np.empty(len(statistics))
    found[order] = np.where(ranked > 0.0, p, 1.0)
    return found


def _resampled(
    rows: Floats,
    n_resamples: int,
    mean_block: float,
    studentize: bool,
    rng: np.random.Generator | None,
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Resample the tested columns.

    Statistics (M,), what of them is compared (M,), centered resamples (B, M), and the columns below
    Hansen's bound (M,).
    """
    n = len(rows)
    means = rows.mean(axis=0)
    # Summing T values leaves a rounding that is no lead.
    means[np.abs(means) <= CONSTANT * np.abs(rows).mean(axis=0)] = 0.0
    errors = np.sqrt(stationary_variance(rows, mean_block) / n)
    scale = errors if studentize else np.ones(len(means))
    statistics = means / scale
    shrinkage, freedom = small_sample(n, mean_block)
    compared = shrinkage * statistics
    if studentize:
        tails = np.maximum(stdtr(freedom, -np.abs(compared)), _SMALLEST_TAIL)
        compared = np.sign(compared) * -ndtri(tails)
    bounds = -math.sqrt(2.0 * math.log(math.log(n))) * errors
    hopeless = means < bounds * (1.0 + _ROUNDING)
    resampled = stationary_means(rows, mean_block, n_resamples, rng) / scale
    return statistics, compared, resampled, hopeless


def _best(statistics: Floats, resampled: Floats) -> float:
    """P-value of the largest statistic among the largest of each resample."""
    best = float(statistics.max())
    if best <= 0.0:
        return 1.0
    reached = int((resampled.max(axis=1) >= best * (1.0 - _ROUNDING)).sum())
    return (1.0 + reached) / (1.0 + len(resampled))


def _not_computable(statistics: Floats, p_values: Floats, n_obs: int, reason: str) -> Snooping:
    return Snooping(*(math.nan,) * 4, (), p_values, statistics, n_obs, "NOT_COMPUTABLE", reason)
