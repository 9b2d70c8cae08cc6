"""Standard errors that respect serial correlation.

Labels over h sessions overlap, so neighboring observations repeat each other and the usual
s / sqrt(T) is too small by about sqrt(h). The long-run variance adds the autocovariances back
with Bartlett's weights (Newey & West 1987, eq. 5), which keeps it from going below zero.
"""

from __future__ import annotations

import math

import numpy as np

from shadowbook.core.values import Floats


def bandwidth(n_obs: int, overlap: int = 1) -> int:
    """Choose the number of autocovariances to count.

    The larger of 1.3 sqrt(T), the rule of Lazarus, Lewis, Stock & Watson (2018), and three times
    the overlap: Bartlett's weights shrink the autocovariances an overlap makes, and a short
    bandwidth would still understate the error (by a third of overlap / bandwidth in variance).

    Parameters
    ----------
    n_obs : observations.
    overlap : sessions one observation spans.

    >>> bandwidth(2500, 5), bandwidth(100, 21)
    (65, 63)
    """
    return min(max(math.ceil(1.3 * math.sqrt(n_obs)), 3 * overlap), max(n_obs - 1, 0))


def long_run_variance(values: Floats, lags: int) -> float:
    """Newey and West's long-run variance of a series.

    Parameters
    ----------
    values : (T,) without NaN, in time order; deviations are taken from its mean.
    lags : autocovariances counted, with weights 1 - j / (lags + 1).

    Returns
    -------
    Variance of sqrt(T) times the mean; NaN for fewer than two observations.

    >>> long_run_variance(np.array([1.0, -1.0, 1.0, -1.0]), 0)
    1.0
    """
    n = len(values)
    if n < 2:
        return float("nan")
    deviations = values - values.mean()
    # np.sum of the products, not a dot product: BLAS may split long ones over threads, and then
    # the last bits depend on how many there are.
    total = float(np.sum(deviations * deviations))
    for lag in range(1, min(lags, n - 1) + 1):
        weight = 1.0 - lag / (lags + 1.0)
        total += 2.0 * weight * float(np.sum(deviations[lag:] * deviations[:-lag]))
    return max(total / n, 0.0)


def small_sample_factor(n_obs: int, lags: int) -> float:
    """Stretch a standard error so that 1.96 of them make a 95 % interval.

    Newey and West's error is itself estimated, and too small on average because the mean is; with
    lags a share b = (lags + 1) / T of the sample, the 97.5 % point of the t-statistic is not 1.96
    but a(b) (Kiefer & Vogelsang 2005, table 1, Bartlett). This is a(b) / 1.96.

    >>> round(small_sample_factor(1000, 49), 4)
    1.0762
    """
    b = min((lags + 1) / max(n_obs, 1), 1.0)
    return (1.9600 + 2.9694 * b + 0.4160 * b**2 - 0.5324 * b**3) / 1.9600


def mean_standard_error(values: Floats, lags: int) -> float:
    """Newey and West's standard error of the mean of a series, without `small_sample_factor`.

    Arguments and NaN as in `long_run_variance`.
    """
    if len(values) < 2:
        return float("nan")
    return math.sqrt(long_run_variance(values, lags) / len(values))
