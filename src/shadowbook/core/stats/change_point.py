"""Whether the mean of a dependent series changed: once, or steadily.

Values are in time order; NaN are left out, and positions are those among the values that remain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import kolmogorov, ndtr

from shadowbook.core.stats.hac import bandwidth, long_run_variance, small_sample_factor
from shadowbook.core.values import Floats


@dataclass(frozen=True)
class ChangePoint:
    """The likeliest single change in the mean.

    Attributes
    ----------
    position : row of the series (NaN counted) that is the first after the change; -1 where not
        computable.
    shift : mean after it minus mean before it.
    p_value : of the null that the mean never changed.
    """

    position: int
    shift: float
    p_value: float


@dataclass(frozen=True)
class Trend:
    """A straight line through a series.

    Attributes
    ----------
    level, level_error : the mean and its standard error.
    change, change_error : the line's last value minus its first, and its standard error.
    p_value : two-sided, of the null that the line is flat.
    """

    level: float
    level_error: float
    change: float
    change_error: float
    p_value: float


def change_point(values: Floats, overlap: int = 1) -> ChangePoint:
    """Look for one change in the mean by the CUSUM of deviations.

    The largest absolute CUSUM over the long-run standard deviation times sqrt(T) has the
    Kolmogorov distribution where nothing changed (Ploberger & Kramer 1992). The deviation is
    Newey and West's around the overall mean, which keeps the test's size at the price of power.

    Parameters
    ----------
    values : (T,).
    overlap : sessions one value spans.

    Returns
    -------
    ChangePoint; NaN with fewer than 20 values, or where they do not vary.

    >>> found = change_point(np.r_[np.tile([0.0, 1.0], 100), np.tile([4.0, 5.0], 100)])
    >>> found.position, round(found.shift, 9), found.p_value < 0.001
    (200, 4.0, True)
    """
    known = np.flatnonzero(np.isfinite(values))
    series = values[known]
    n = len(series)
    variance = long_run_variance(series, _few_lags(n, overlap)) if n >= 20 else math.nan
    if not variance > 1e-24:
        return ChangePoint(-1, math.nan, math.nan)
    path = np.cumsum(series - series.mean())[:-1]
    at = int(np.argmax(np.abs(path)))
    statistic = float(np.abs(path[at])) / math.sqrt(n * variance)
    shift = float(series[at + 1 :].mean() - series[: at + 1].mean())
    return ChangePoint(int(known[at + 1]), shift, float(kolmogorov(statistic)))


def linear_trend(values: Floats, overlap: int = 1) -> Trend:
    """Fit a line by least squares, with Newey and West's errors.

    Errors are stretched by `hac.small_sample_factor`.

    Parameters
    ----------
    values : (T,).
    overlap : sessions one value spans.

    Returns
    -------
    Trend; NaN with fewer than ten values.

    >>> line = linear_trend(np.arange(20.0))
    >>> line.level, round(line.change, 9)
    (9.5, 19.0)
    """
    known = np.flatnonzero(np.isfinite(values))
    n = len(known)
    if n < 10:
        return Trend(*[math.nan] * 5)
    series, times = values[known], known - known.mean()
    level, spread = float(series.mean()), float(np.sum(times * times))
    slope = float(np.sum(times * series)) / spread
    residuals = series - level - slope * times
    lags = bandwidth(n, overlap)
    stretch = small_sample_factor(n, lags)
    level_error = math.sqrt(long_run_variance(residuals, lags) / n) * stretch
    scores = times * residuals
    slope_error = math.sqrt(long_run_variance(scores, lags) * n) / spread * stretch
    span = float(known[-1] - known[0])
    p_value = 2.0 * float(ndtr(-abs(slope) / slope_error)) if slope_error > 0.0 else math.nan
    return Trend(level, level_error, slope * span, slope_error * span, p_value)


def _few_lags(n: int, overlap: int) -> int:
    """Lags that follow the overlap and Newey and West's (1994) rule, 4 (T / 100)^(2 / 9)."""
    usual = math.ceil(4.0 * math.pow(n / 100.0, 2.0 / 9.0))
    return min(max(usual, 2 * overlap), n - 1)
