"""Rolling means of a series with gaps, and how sure each of them is."""

from __future__ import annotations

import numpy as np

from shadowbook.core.stats.hac import bandwidth, long_run_variance, small_sample_factor
from shadowbook.core.stats.windows import rolling_sum
from shadowbook.core.values import Floats


def rolling_mean(values: Floats, window: int) -> Floats:
    """Mean of the known values in each window.

    Parameters
    ----------
    values : (T,); NaN = not known.
    window : rows, at least 1.

    Returns
    -------
    (T,); NaN where the row itself is not known, or fewer than half of its window are.

    >>> rolling_mean(np.array([1.0, np.nan, 3.0, 5.0]), 2)
    array([nan, nan,  3.,  4.])
    """
    known = np.isfinite(values)
    counts = rolling_sum(known.astype(np.float64), window)
    sums = rolling_sum(np.where(known, values, 0.0), window)
    enough = known & (counts >= window / 2.0)
    means: Floats = np.divide(sums, counts, out=np.full(len(values), np.nan), where=enough)
    return means


def rolling_mean_error(values: Floats, window: int, overlap: int) -> Floats:
    """Tell the standard error of each rolling mean.

    The long-run variance of the whole series (Newey & West 1987) over the values in the window,
    stretched as `hac.small_sample_factor` says. One window is too short to tell its own, so the
    series is taken to vary alike throughout.

    Parameters
    ----------
    values, window : as in `rolling_mean`.
    overlap : rows one value spans.

    Returns
    -------
    (T,); NaN where the window holds no value.
    """
    known = np.isfinite(values)
    n = int(known.sum())
    lags = bandwidth(n, overlap)
    variance = long_run_variance(values[known], lags)
    counts = rolling_sum(known.astype(np.float64), window)
    shares = np.divide(variance, counts, out=np.full(len(values), np.nan), where=counts > 0.0)
    error: Floats = np.sqrt(shares) * small_sample_factor(n, lags)
    return error
