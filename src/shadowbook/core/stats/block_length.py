"""How long the blocks of a bootstrap must be, read off the series itself."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from shadowbook.core.values import Floats

MINIMUM = 10
"""Observations below which the autocorrelations that the rule looks at do not exist."""


class BlockLength(NamedTuple):
    """Mean block of the stationary bootstrap and block of the circular one, in observations."""

    stationary: float
    circular: float


def optimal_block_length(x: Floats) -> BlockLength:
    """Block lengths that estimate the variance of the mean best.

    Politis & White (2004), corrected by Patton, Politis & White (2009): with the autocovariances
    R(k) up to twice the last notable lag, tapered by a flat-top window,
    (2 G^2 / D)^(1/3) T^(1/3) where G = sum of |k| R(k), D = 2 g(0)^2 (stationary) or 4/3 g(0)^2
    (circular) and g(0) = sum of R(k). At most min(3 sqrt(T), T / 3), rounded up.

    Parameters
    ----------
    x : (T,) in time order; missing values (NaN or infinite) are left out.

    Returns
    -------
    Lengths, not rounded: round up, and use at least 1. NaN for fewer than 10 known observations
    and for a constant series.

    Raises
    ------
    ValueError
        When ``x`` is not one series.

    >>> trend = np.sin(np.arange(200.0) / 10.0)
    >>> [round(length, 1) for length in optimal_block_length(trend)]
    [17.8, 20.4]
    """
    values = np.asarray(x, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"x has shape {values.shape}: give one series, (T,)")
    values = values[np.isfinite(values)]
    n = len(values)
    if n < MINIMUM or np.ptp(values) <= 1e-12 * np.abs(values).max():
        return BlockLength(math.nan, math.nan)
    values = values / np.abs(values).max()  # lengths do not depend on the unit; squares may
    covariances, last = _covariances(values - values.mean())
    lags = np.arange(1, last + 1)
    taper = np.minimum(2.0 * (1.0 - lags / last), 1.0)
    weighted = 2.0 * taper * covariances[1 : last + 1]
    moved = float(np.sum(lags * weighted))
    level = float(covariances[0] + np.sum(weighted))
    longest = float(np.ceil(min(3.0 * math.sqrt(n), n / 3.0)))
    if level == 0.0:
        return BlockLength(longest, longest)
    root = (moved / level) ** 2 * n
    return BlockLength(
        min(float(np.cbrt(root)), longest),
        min(float(np.cbrt(1.5 * root)), longest),
    )


def _covariances(deviations: Floats) -> tuple[Floats, int]:
    """Autocovariances from lag 0 on, and how many of the lags count."""
    n = len(deviations)
    run = max(5, int(math.log10(n)))  # insignificant neighbors that end the search
    limit = 2.0 * math.sqrt(math.log10(n) / n)
    most = min(math.ceil(math.sqrt(n)) + run, n - 2)
    squares = deviations * deviations
    # Summed from either end, since a difference of sums would lose what stands beside an outlier.
    until, since = np.cumsum(squares), np.cumsum(squares[::-1])
    products: list[float] = []
    quiet, count = 0, most
    for lag in range(most + 1):
        if lag > count:
            break
        product = float(np.add.reduce(deviations[lag:] * deviations[: n - lag]))
        products.append(product)
        scale = math.sqrt(float(since[n - lag - 2]) * float(until[n - lag - 2]))
        notable = not abs(product) < limit * scale
        quiet = 0 if notable or lag == 0 else quiet + 1
        if quiet == run and lag < most and count == most:
            count = min(2 * (lag - run + 1), most)
    # Lags beyond those that count only ended the search.
    return np.array(products[: max(count, 1) + 1]) / n, count
