"""Mean, long-run variance and skewness at every look, each from the values up to that look alone.

All of it is made of running sums, in time of the order of values times lags, for one history or for
many at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from shadowbook.core.values import Floats

LARGEST_AUTOCORRELATION = 0.97
"""Andrews & Monahan's (1992) limit of what is taken for an AR(1)."""


class RunningMoments(NamedTuple):
    """What is known at each look.

    Attributes
    ----------
    mean : (..., T).
    variance : (..., T), ddof 1; NaN before the first look and while the values do not vary.
    long_run_variance : (..., T), of the root of the number of looks times the mean; NaN
        likewise.
    skewness : (..., T), third central moment over the 1.5th power of the second; NaN likewise.
    """

    mean: Floats
    variance: Floats
    long_run_variance: Floats
    skewness: Floats


def lags_at(n_obs: Floats) -> Floats:
    """Give the autocovariances of prewhitened values that are counted: 4 (T / 100)^(2/9).

    Newey & West's (1994) rule for Bartlett weights, rounded down.

    >>> lags_at(np.array([21.0, 252.0, 2520.0]))
    array([2., 4., 8.])
    """
    found: Floats = np.floor(4.0 * (n_obs / 100.0) ** (2.0 / 9.0))
    return found


def running_moments(values: Floats, start: int) -> RunningMoments:
    """Return mean, variances and skewness of the first t values, for every t.

    The long-run variance is prewhitened by an AR(1) (Andrews & Monahan 1992), whose coefficient is
    corrected for its bias (1 + 4 r) / T (Kendall 1954, deviations from an estimated mean), with
    Bartlett weights on the autocovariances of what is left (`lags_at`). Where it comes out below
    the plain variance (ddof 1), the plain variance stands: on 21 values an estimate of negative
    autocorrelation is mostly noise, and believing it is what makes early bounds too narrow.

    Parameters
    ----------
    values : (T,) or (n, T), time last, without NaN.
    start : first look. No earlier one is computed.

    Returns
    -------
    `RunningMoments` of the shape of `values`. A value at t does not depend on any after t.

    >>> found = running_moments(np.array([1.0, 2.0, 1.0, 2.0, 1.0, 2.0, 1.0, 2.0]), 6)
    >>> found.mean.round(3), found.long_run_variance[5:].round(3)
    (array([1.   , 1.5  , 1.333, 1.5  , 1.4  , 1.5  , 1.429, 1.5  ]), array([0.3  , 0.286, 0.286]))
    """
    t = np.arange(1.0, values.shape[-1] + 1.0)
    # Centered by what is known at the first look, so that running sums lose no digits to a level.
    level = values[..., :start].mean(axis=-1, keepdims=True)
    shifted = values - level
    sums = np.cumsum(shifted, axis=-1)
    mean = sums / t
    square = np.cumsum(shifted * shifted, axis=-1) / t
    variance = np.maximum(square - mean * mean, 0.0)
    third = np.cumsum(shifted**3, axis=-1) / t - 3.0 * mean * square + 2.0 * mean**3
    known = (t >= start) & (variance > 1e-24 * (variance + (level + mean) ** 2))
    blank = np.where(known, variance, np.nan)
    long_run = _prewhitened(shifted, sums, blank, t)
    unbiased = t / np.maximum(t - 1.0, 1.0)
    long_run = np.maximum(long_run, blank) * unbiased
    return RunningMoments(level + mean, blank * unbiased, long_run, third / blank**1.5)


def _prewhitened(shifted: Floats, sums: Floats, variance: Floats, t: Floats) -> Floats:
    """Recolor the long-run variance of what an AR(1) leaves; its autocovariances are made of ours.

    With e(i) = x(i) - r x(i - 1), the k-th autocovariance of e is (1 + r^2) g(k) - r (g(k - 1) +
    g(k + 1)); so no residual is ever made, and r may change from look to look.
    """
    lags = lags_at(t)
    before, this = variance, _autocovariance(shifted, sums, t, 1)
    r = this / variance
    r = r + (1.0 + 4.0 * r) / t
    r = np.clip(r, -LARGEST_AUTOCORRELATION, LARGEST_AUTOCORRELATION)
    total = (1.0 + r * r) * before - 2.0 * r * this
    for lag in range(1, int(lags[-1]) + 1):
        after = _autocovariance(shifted, sums, t, lag + 1)
        weight = np.maximum(1.0 - lag / (lags + 1.0), 0.0)
        total += 2.0 * weight * ((1.0 + r * r) * this - r * (before + after))
        before, this = this, after
    found: Floats = np.maximum(total, 0.0) / (1.0 - r) ** 2
    return found


def _autocovariance(shifted: Floats, sums: Floats, t: Floats, lag: int) -> Floats:
    """Give the autocovariance at each look around the mean of that look, over t."""
    found = np.zeros_like(sums)
    if lag >= shifted.shape[-1]:
        return found
    products = np.cumsum(shifted[..., lag:] * shifted[..., :-lag], axis=-1)
    now, mean = sums[..., lag:], sums[..., lag:] / t[lag:]
    ends = sums[..., :-lag] + now - sums[..., lag - 1 : lag]
    found[..., lag:] = (products - mean * ends + (t[lag:] - lag) * mean * mean) / t[lag:]
    return found
