"""How sure it is that two return series differ in their Sharpe ratio."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from shadowbook.core.stats.batches import Batch, batches
from shadowbook.core.stats.sharpe_errors import (
    hac_standard_error,
    memmel_standard_error,
    prewhitened_standard_error,
)
from shadowbook.core.stats.sharpe_resamples import studentized_deviations
from shadowbook.core.values import Floats

Method = Literal["jobson_korkie_memmel", "ledoit_wolf_hac", "studentized_bootstrap"]

MINIMUM = 10
"""Observations that both series must have in common."""

CONSTANT = 1e-12
"""A share of a series' size that is rounding."""

_LEVEL = 0.05
_ROUNDING = 1e-9


class SharpeDifference(NamedTuple):
    """Sharpe ratio of one series less that of another, per observation.

    Attributes
    ----------
    difference : a minus b, each ratio with ddof 1.
    standard_error : of the difference.
    p_value : two-sided, of no difference.
    interval : low and high end of the 95 % interval; NaN where a bootstrap has too few resamples
        (under 19), or too many without an error, to bound it.
    status, reason : NOT_COMPUTABLE comes with one sentence and NaN everywhere.
    """

    difference: float
    standard_error: float
    p_value: float
    interval: tuple[float, float]
    status: Literal["OK", "NOT_COMPUTABLE"] = "OK"
    reason: str = ""


def sharpe_difference(
    a: ArrayLike,
    b: ArrayLike,
    method: Method,
    block: int = 5,
    n_resamples: int = 4999,
    rng: np.random.Generator | None = None,
) -> SharpeDifference:
    """Compare the Sharpe ratios of two series over the same observations.

    ``jobson_korkie_memmel`` holds for independent normal returns alone (Memmel 2003), and is far
    too sure of itself under autocorrelation. ``ledoit_wolf_hac`` allows dependence and fat tails
    (Ledoit & Wolf 2008, section 3.1). ``studentized_bootstrap`` (section 3.2) resamples circular
    blocks and is the one to trust in small samples; its p-value is (1 + resamples that deviate as
    far, in their own errors) / (1 + resamples), its interval the symmetric one that belongs to it.

    Parameters
    ----------
    a, b : (T,) returns, or excess returns, of the same observations in time order; one in which
        either is missing (NaN or infinite) is left out.
    block : observations in a block of the bootstrap.
    n_resamples : of the bootstrap.
    rng : source of randomness of the bootstrap; None = seed 0.

    Returns
    -------
    Difference and what is known of it. Two series that differ in size alone have the difference 0,
    the error 0 and the p-value 1. Fewer than 10 observations, fewer than two blocks, or a series
    that does not vary: not computable.

    Raises
    ------
    ValueError
        When the series are not two of one length, or the method, the block or the number of
        resamples is none.

    >>> a, b = np.random.default_rng(1).normal([[0.2], [0.0]], 1.0, size=(2, 500))
    >>> found = sharpe_difference(a, b, "ledoit_wolf_hac")
    >>> [round(value, 4) for value in (*found[:3], *found.interval)]
    [0.2487, 0.0616, 0.0001, 0.128, 0.3695]
    """
    if method not in get_args(Method):
        raise ValueError(f"method is {method!r}: give one of {', '.join(get_args(Method))}")
    own, its = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if own.ndim != 1 or own.shape != its.shape:
        raise ValueError(f"series have shapes {own.shape} and {its.shape}: give two of one length")
    if method == "studentized_bootstrap":
        return sharpe_differences(own[:, None], its, block, n_resamples, rng)[0]
    known = np.isfinite(own) & np.isfinite(its)
    own, its = own[known], its[known]
    settled = _settled(own, its, MINIMUM)
    if settled is not None:
        return settled
    hac = method == "ledoit_wolf_hac"
    error = hac_standard_error(own, its) if hac else memmel_standard_error(own, its)
    difference = _ratio(own) - _ratio(its)
    if not error > CONSTANT:
        return _not_computable("no observation tells the two ratios apart")
    p_value = 2.0 * float(ndtr(-abs(difference) / error))
    return _found(difference, error, p_value, float(-ndtri(_LEVEL / 2.0)))


def sharpe_differences(
    challengers: ArrayLike,
    champion: ArrayLike,
    block: int = 5,
    n_resamples: int = 4999,
    rng: np.random.Generator | None = None,
) -> tuple[SharpeDifference, ...]:
    """Compare many challengers with one champion by the studentized bootstrap.

    The same blocks are drawn for every challenger; each gets the answer that `sharpe_difference`
    gives it alone, with a generator in the same state.

    Parameters
    ----------
    challengers : (T, M) returns, a challenger a column; an observation in which a challenger or the
        champion is missing is left out for that challenger.
    champion : (T,).
    block, n_resamples, rng : as in `sharpe_difference`.

    Returns
    -------
    M differences, challenger minus champion.

    Raises
    ------
    ValueError
        When the shapes do not fit, or the block or the number of resamples is below 1.

    >>> rng = np.random.default_rng(3)
    >>> champion = rng.normal(size=500)
    >>> better = champion + rng.normal(0.05, 0.5, size=500)
    >>> found = sharpe_differences(np.column_stack([champion, better]), champion, rng=rng)
    >>> [round(one.p_value, 3) for one in found]
    [1.0, 0.023]
    """
    table = np.asarray(challengers, dtype=np.float64)
    its = np.asarray(champion, dtype=np.float64)
    if table.ndim != 2 or its.shape != table.shape[:1]:
        raise ValueError(
            f"challengers have shape {table.shape}, the champion {its.shape}: give (T, M) and (T,)"
        )
    if block < 1 or block != int(block):
        raise ValueError(f"block is {block}: give a whole number of at least 1")
    drawn = batches(n_resamples, rng)
    known = np.isfinite(table) & np.isfinite(its)[:, None]
    found: list[SharpeDifference] = [_not_computable("")] * table.shape[1]
    # Challengers known in the same rows share their resamples.
    alike: dict[bytes, list[int]] = {}
    for column in range(table.shape[1]):
        alike.setdefault(known[:, column].tobytes(), []).append(column)
    for columns in alike.values():
        rows = known[:, columns[0]]
        some = _bootstrapped(table[rows][:, columns], its[rows], int(block), drawn)
        for column, one in zip(columns, some, strict=True):
            found[column] = one
    return tuple(found)


def _bootstrapped(
    challengers: Floats, champion: Floats, block: int, drawn: Sequence[Batch]
) -> list[SharpeDifference]:
    settled = [_settled(own, champion, max(MINIMUM, 2 * block)) for own in challengers.T]
    open_ = [column for column, one in enumerate(settled) if one is None]
    if not open_:
        return [one for one in settled if one is not None]
    deviations = studentized_deviations(challengers[:, open_], champion, block, drawn)
    answers = {
        column: _judged(challengers[:, column], champion, deviations[:, at])
        for at, column in enumerate(open_)
    }
    return [answers[column] if one is None else one for column, one in enumerate(settled)]


def _judged(own: Floats, its: Floats, deviations: Floats) -> SharpeDifference:
    """Hold a difference against the deviations of its resamples."""
    error = prewhitened_standard_error(own, its)
    if not error > CONSTANT:
        return _not_computable("no observation tells the two ratios apart")
    difference = _ratio(own) - _ratio(its)
    reached = int((deviations >= abs(difference) / error * (1.0 - _ROUNDING)).sum())
    total = len(deviations) + 1
    # The interval leaves zero out just where the p-value is at most 5 %.
    beyond = math.floor(_LEVEL * total * (1.0 + _ROUNDING))
    critical = math.nan
    if beyond >= 1:
        critical = float(np.partition(deviations, -beyond)[-beyond])
    return _found(difference, error, (1.0 + reached) / total, critical)


def _settled(own: Floats, its: Floats, needed: int) -> SharpeDifference | None:
    """Answer what needs no test."""
    n = len(own)
    if n < needed:
        return _not_computable(f"{n:,} observations in common, {needed:,} are needed")
    sizes = [float(np.abs(series).max()) for series in (own, its)]
    ranges = [float(np.ptp(series)) for series in (own, its)]
    if any(spread <= CONSTANT * size for spread, size in zip(ranges, sizes, strict=True)):
        return _not_computable("a series does not vary")
    first, second = own / own.std(), its / its.std()
    if float(np.abs(first - second).max()) <= CONSTANT * float(np.abs(first).max()):
        return SharpeDifference(0.0, 0.0, 1.0, (0.0, 0.0))
    return None


def _ratio(returns: Floats) -> float:
    return float(returns.mean() / returns.std(ddof=1))


def _found(difference: float, error: float, p_value: float, critical: float) -> SharpeDifference:
    interval = math.nan, math.nan
    if math.isfinite(critical):
        interval = difference - critical * error, difference + critical * error
    return SharpeDifference(difference, error, p_value, interval)


def _not_computable(reason: str) -> SharpeDifference:
    nan = math.nan
    return SharpeDifference(nan, nan, nan, (nan, nan), "NOT_COMPUTABLE", reason)
