"""The realization ratio: how much of what the backtest promised is earned live."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from shadowbook.core.performance.monitored import RatioPath
from shadowbook.core.stats.block_length import optimal_block_length
from shadowbook.core.stats.block_moments import circular_block_moments
from shadowbook.core.stats.hac import small_sample_factor
from shadowbook.core.values import Floats, Sessions

Statistic = Literal["sharpe", "mean"]

MINIMUM = 10
"""Observations that a series must have for a ratio."""

CONSTANT = 1e-12
"""A deviation of this share of the mean, or less, is rounding: the series is constant."""

_TAILS = (0.025, 0.975)


class Ratio(NamedTuple):
    """Live over backtest.

    Attributes
    ----------
    value : the ratio; NaN where it cannot be computed.
    interval : low and high end of the 95 % interval; NaN on a side that has no bound, and on both
        where there is no interval.
    status, reason : NOT_COMPUTABLE comes with one sentence.
    """

    value: float
    interval: tuple[float, float]
    status: Literal["OK", "NOT_COMPUTABLE"] = "OK"
    reason: str = ""


class _Sample(NamedTuple):
    """A series' statistic, its bootstrap draws, and why there is none."""

    value: float
    draws: Floats
    reason: str = ""


def realization_ratio(
    live: float | Floats,
    backtest: float | Floats,
    rng: np.random.Generator,
    *,
    statistic: Statistic = "sharpe",
    n_resamples: int = 2000,
) -> Ratio:
    """Divide the live figure by the backtest's, with a 95 % bootstrap interval.

    Both series are resampled on their own in circular blocks (Politis & Romano 1992) of the length
    of Patton, Politis & White (2009). The blocks see only their own length of the dependence, so
    the draws are stretched about the estimate as Newey-West errors are (`small_sample_factor`).

    Parameters
    ----------
    live, backtest : (T,) and (S,) values a session: returns for ``sharpe``, information
        coefficients for ``mean``; missing values are dropped. Or both numbers: figures that are
        computed already, which have no interval.
    rng : source of randomness.
    statistic : ``sharpe`` (mean over deviation) or ``mean``.
    n_resamples : draws.

    Returns
    -------
    Ratio. A backtest at or below zero, a series that is constant (``sharpe``) or has fewer than 10
    known values is NOT_COMPUTABLE. A draw with a backtest at or below zero has no bound; where an
    end of the interval falls among such draws it is NaN.

    Raises
    ------
    ValueError
        When the arguments are not both numbers or both (T,), or ``n_resamples`` is below 40.

    >>> realization_ratio(1.5, 2.0, np.random.default_rng(0))
    Ratio(value=0.75, interval=(nan, nan), status='OK', reason='')
    """
    if np.ndim(live) != np.ndim(backtest) or np.ndim(live) > 1:
        raise ValueError("live and backtest must both be numbers or both be series of one book")
    _check_resamples(n_resamples)
    if np.ndim(live) == 0:
        none = np.full(n_resamples, np.nan)
        return _divide(_number(live, none, "live"), _number(backtest, none, "backtest"))
    return _divide(
        _sample(np.asarray(live, np.float64), "live", statistic, n_resamples, rng),
        _sample(np.asarray(backtest, np.float64), "backtest", statistic, n_resamples, rng),
    )


def ratio_path(
    live: Floats,
    backtest: Floats,
    sessions: Sessions,
    window: int,
    step: int,
    rng: np.random.Generator,
    statistic: Statistic = "sharpe",
    n_resamples: int = 2000,
) -> RatioPath:
    """Realization ratio of the trailing live window, every few sessions.

    Parameters
    ----------
    live : (T,) values a session, as in `realization_ratio`.
    backtest : (S,) values a session; its draws are shared by all points.
    sessions : (T,) the live sessions.
    window : live sessions in a point, at least 10.
    step : sessions between points, counted back from the newest.
    rng, statistic, n_resamples : as in `realization_ratio`.

    Returns
    -------
    RatioPath, oldest point first; without points where the live record is shorter than a window.

    Raises
    ------
    ValueError
        When lengths differ, ``window`` is below 10, ``step`` below 1 or ``n_resamples`` below 40.
    """
    if len(live) != len(sessions) or window < MINIMUM or step < 1:
        raise ValueError(
            f"{len(live)} values of {len(sessions)} sessions, window {window}, step {step}: give a "
            f"value a session, a window of at least {MINIMUM} and a step of at least 1"
        )
    _check_resamples(n_resamples)
    ends = np.arange(len(live), window - 1, -step)[::-1]
    promised = _sample(np.asarray(backtest), "backtest", statistic, n_resamples, rng)
    points = [
        _divide(_sample(live[end - window : end], "live", statistic, n_resamples, rng), promised)
        for end in ends
    ]
    return RatioPath(
        sessions=sessions[ends - 1],
        values=np.array([point.value for point in points], dtype=np.float64),
        low=np.array([point.interval[0] for point in points], dtype=np.float64),
        high=np.array([point.interval[1] for point in points], dtype=np.float64),
        window=window,
    )


def _check_resamples(n_resamples: int) -> None:
    if n_resamples < 40:
        raise ValueError(f"n_resamples is {n_resamples}: 95 % intervals need at least 40")


def _number(given: float | Floats, none: Floats, name: str) -> _Sample:
    value = float(given)
    reason = "" if math.isfinite(value) else f"the {name} figure is missing"
    return _Sample(value, none, reason)


def _sample(
    series: Floats, name: str, statistic: Statistic, n_resamples: int, rng: np.random.Generator
) -> _Sample:
    """Estimate the statistic and draw it anew."""
    values = series[np.isfinite(series)].astype(np.float64)
    n, none = len(values), np.full(n_resamples, np.nan)
    if n < MINIMUM:
        return _Sample(
            math.nan, none, f"the {name} series has {n} known values, {MINIMUM} are needed"
        )
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    if deviation <= CONSTANT * abs(mean):
        if statistic == "sharpe":
            return _Sample(math.nan, none, f"the {name} series is constant")
        return _Sample(mean, np.full(n_resamples, mean))
    length = optimal_block_length(values).circular
    block = min(max(math.ceil(length), 1), n)
    means, deviations = circular_block_moments(values, block, n_resamples, rng)
    stretch = small_sample_factor(n, block - 1)
    if statistic == "mean":
        return _Sample(mean, mean + stretch * (means - mean))
    floor = CONSTANT * np.abs(means)
    value = mean / deviation
    drawn = np.divide(means, deviations, out=none, where=deviations > floor)
    drawn = np.where(np.isnan(drawn), np.copysign(np.inf, means), drawn)
    return _Sample(value, value + stretch * (drawn - value))


def _divide(live: _Sample, backtest: _Sample) -> Ratio:
    reason = backtest.reason or live.reason
    if not reason and backtest.value <= 0.0:
        reason = f"the backtest's figure is {backtest.value:.4g}: above zero is needed"
    value = math.nan if reason else live.value / backtest.value
    if math.isinf(value):
        reason = f"the backtest's figure is {backtest.value:.4g}: too small to divide by"
    if reason:
        return Ratio(math.nan, (math.nan, math.nan), "NOT_COMPUTABLE", reason)
    if np.isnan(live.draws).any():
        return Ratio(value, (math.nan, math.nan))
    unbounded = np.copysign(np.inf, live.draws)
    ratios = np.divide(live.draws, backtest.draws, out=unbounded, where=backtest.draws > 0.0)
    ends = np.quantile(ratios, _TAILS, method="inverted_cdf")
    low, high = (float(end) if np.isfinite(end) else math.nan for end in ends)
    return Ratio(value, (low, high))
