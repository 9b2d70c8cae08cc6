"""The stationary bootstrap of Politis & Romano (1994), without making the samples.

A sample joins blocks that start anywhere, have geometric lengths and go on at the start of the
series where they run over its end. Its mean needs only how often each row is in it: counts of
resamples x rows, times the data.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import fft

from shadowbook.core.stats.batches import Batch, batches
from shadowbook.core.values import Floats


def stationary_counts(n_obs: int, mean_block: float, batch: Batch) -> Floats:
    """Count how often each row is in each stationary bootstrap sample of a batch.

    Parameters
    ----------
    n_obs : rows of the series, at least 1.
    mean_block : mean length of a block, at least 1 (which draws every row on its own).

    Returns
    -------
    (batch, n_obs); each row of it adds up to ``n_obs``.

    Raises
    ------
    ValueError
        When ``n_obs`` or ``mean_block`` is below 1 or missing.

    >>> one = batches(1, np.random.default_rng(1))[0]
    >>> stationary_counts(5, 3.0, one)
    array([[1., 0., 1., 1., 2.]])
    """
    _check(n_obs, mean_block)
    rng = np.random.default_rng(batch.seed)
    # Blocks that suffice nearly always; more are drawn where they do not.
    expected = n_obs / mean_block
    at_once = math.ceil(expected + 6.0 * math.sqrt(expected)) + 6
    lengths = _geometric(rng, mean_block, (batch.size, at_once), n_obs)
    ends = np.cumsum(lengths, axis=1)
    while ends[:, -1].min() < n_obs:
        more = _geometric(rng, mean_block, (batch.size, at_once), n_obs)
        lengths = np.concatenate([lengths, more], axis=1)
        ends = np.cumsum(lengths, axis=1)
    lengths -= np.clip(ends - n_obs, 0, lengths)  # what stands beyond the end of the sample
    starts = rng.integers(0, n_obs, size=lengths.shape)
    stops = starts + lengths
    around = stops > n_obs
    stops[around] -= n_obs
    # A block adds one from its start on and takes it back at its stop.
    offset = np.arange(batch.size)[:, None] * (n_obs + 1)
    cells = batch.size * (n_obs + 1)
    steps = np.bincount((starts + offset).ravel(), minlength=cells)
    steps -= np.bincount((stops + offset).ravel(), minlength=cells)
    table = steps.reshape(batch.size, n_obs + 1)
    table[:, 0] += around.sum(axis=1)
    counts: Floats = np.cumsum(table[:, :n_obs], axis=1, dtype=np.float64)
    return counts


def stationary_means(
    values: Floats, mean_block: float, n_resamples: int, rng: np.random.Generator | None
) -> Floats:
    """Mean of each column in stationary bootstrap samples, less its mean in the data.

    Parameters
    ----------
    values : (T, M) without missing values; the same rows are drawn for every column.
    mean_block : mean length of a block, at least 1.
    n_resamples : samples to draw.
    rng : source of randomness; None = seed 0.

    Returns
    -------
    (n_resamples, M).

    Raises
    ------
    ValueError
        As `stationary_counts` and `batches` do.

    >>> means = stationary_means(np.eye(4), 2.0, 1_000, np.random.default_rng(0))
    >>> means.shape, bool(abs(means.mean()) < 1e-12)
    ((1000, 4), True)
    """
    n, m = values.shape
    _check(n, mean_block)
    deviations = values - values.mean(axis=0)
    found = np.empty((n_resamples, m))
    for batch in batches(n_resamples, rng):
        found[batch.rows] = stationary_counts(n, mean_block, batch) @ deviations
    found /= n
    return found


def stationary_variance(values: Floats, mean_block: float) -> Floats:
    """Long-run variance of each column, as the stationary bootstrap sees it.

    Politis & Romano (1994), lemma 1: the exact variance, over all resamples, of sqrt(T) times the
    resampled mean. g(0) + 2 sum over i = 1 ... T - 1 of k(i) g(i) with autocovariances g and
    k(i) = (1 - i/T) (1 - q)^i + i/T (1 - q)^(T - i), q = 1 / mean_block.

    Parameters
    ----------
    values : (T, M) without missing values.
    mean_block : mean length of a block, at least 1.

    Returns
    -------
    (M,), at least 0.

    >>> stationary_variance(np.array([[1.0], [2.0], [3.0], [6.0]]), 1.0)
    array([3.5])
    """
    n = len(values)
    _check(n, mean_block)
    deviations = values - values.mean(axis=0)
    # Around the circle g(i) and g(T - i) come together, which is what the two parts of k ask for.
    spectrum = np.abs(fft.rfft(deviations, axis=0)) ** 2
    around = fft.irfft(spectrum, n, axis=0) / n
    lags = np.arange(n)
    weights = 2.0 * (1.0 - lags / n) * (1.0 - 1.0 / mean_block) ** lags
    weights[0] = 1.0
    found: Floats = np.maximum(np.sum(weights[:, None] * around, axis=0), 0.0)
    return found


def small_sample(n_obs: int, mean_block: float) -> tuple[float, float]:
    """Tell what the long-run variance lacks in a finite sample, and how well it is known.

    Deviations are taken from the sample's own mean, which takes a share of sum of k(i) / T from
    the variance; and it is known about as well as one of T / sum of k(i)^2 independent values
    (Priestley 1981, equivalent degrees of freedom of a lag window). Weights k(i) = (1 - q)^|i|,
    i of either sign, q = 1 / mean_block.

    Parameters
    ----------
    n_obs : rows of the series.
    mean_block : mean length of a block, at least 1.

    Returns
    -------
    What a mean over its long-run error is multiplied by, below 1, and its degrees of freedom.

    >>> [round(value, 3) for value in small_sample(500, 10.0)]
    [0.982, 52.486]
    """
    _check(n_obs, mean_block)
    rest = 1.0 - 1.0 / mean_block
    total = (1.0 + rest) / (1.0 - rest)
    squares = (1.0 + rest * rest) / (1.0 - rest * rest)
    return 1.0 / math.sqrt(1.0 + total / n_obs), n_obs / squares


def _geometric(
    rng: np.random.Generator, mean: float, shape: tuple[int, int], most: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Draw geometric lengths from 1 on, the whole part of an exponential; none beyond ``most``."""
    if mean == 1.0:
        return np.ones(shape, dtype=np.int64)
    scale = -1.0 / math.log1p(-1.0 / mean)
    drawn = np.minimum(rng.standard_exponential(shape) * scale, most)
    return np.minimum(drawn.astype(np.int64) + 1, most)


def _check(n_obs: int, mean_block: float) -> None:
    if n_obs < 1 or not 1.0 <= mean_block < math.inf:
        raise ValueError(
            f"{n_obs} rows and mean_block {mean_block}: give at least one row and a mean block "
            "of at least 1"
        )
