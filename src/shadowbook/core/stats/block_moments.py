"""Means and deviations of circular block bootstrap samples, without making the samples."""

from __future__ import annotations

import numpy as np

from shadowbook.core.stats.windows import rolling_sum
from shadowbook.core.values import Floats

_DRAWS = 1_000_000
"""Blocks drawn at once, so that memory does not grow with the number of samples."""


def circular_block_moments(
    values: Floats, block: int, n_resamples: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mean and sample deviation (ddof 1) of circular block bootstrap samples.

    A sample is known by the sums of its blocks, so each block is added up once and drawn often.

    Parameters
    ----------
    values : (T,) without missing values, at least two.
    block : observations in a block, 1 to T; the last block of a sample is cut to fit.
    n_resamples : samples to draw.
    rng : source of randomness.

    Returns
    -------
    Means and deviations, both (n_resamples,).

    Raises
    ------
    ValueError
        When there are fewer than two values, the block is out of range or no sample is asked for.

    >>> means, deviations = circular_block_moments(np.arange(4.0), 4, 2, np.random.default_rng(0))
    >>> means, deviations.round(4)
    (array([1.5, 1.5]), array([1.291, 1.291]))
    """
    n = len(values)
    if n < 2 or not 1 <= block <= n or n_resamples < 1:
        raise ValueError(
            f"{n} values, block {block} and n_resamples {n_resamples}: give at least two values, "
            f"a block of 1 to {n} and at least one sample"
        )
    center = float(values.mean())
    deviations = values - center
    powers = np.column_stack([deviations, deviations * deviations])
    whole, rest = divmod(n, block)
    total = np.zeros(n_resamples, dtype=np.complex128)
    for length, how_many in ((block, whole), (rest, 1)):
        if length == 0:
            continue
        around = np.concatenate([powers, powers[: length - 1]])
        sums = rolling_sum(around, length)[length - 1 :]
        # Both powers in one number: drawing reads memory at random, so it is done once.
        both = sums[:, 0] + 1j * sums[:, 1]
        at_once = max(_DRAWS // how_many, 1)
        for first in range(0, n_resamples, at_once):
            samples = total[first : first + at_once]
            starts = rng.integers(0, n, size=(len(samples), how_many))
            samples += np.take(both, starts).sum(axis=1)
    means = total.real / n
    squares = np.maximum(total.imag - total.real * means, 0.0)
    return center + means, np.sqrt(squares / (n - 1))
