"""Resamples of a time series that keep its short-run dependence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def circular_block_indices(
    n_obs: int, block: int, n_resamples: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw the rows of circular block bootstrap samples (Politis & Romano 1992).

    Parameters
    ----------
    n_obs : observations in the series.
    block : length of a block; a block that runs over the end goes on at the start.
    n_resamples : samples to draw.
    rng : source of randomness.

    Returns
    -------
    (n_resamples, n_obs) row numbers; every row of the series is equally likely in every place.

    Raises
    ------
    ValueError
        When ``n_obs``, ``block`` or ``n_resamples`` is below 1.

    >>> circular_block_indices(5, 5, 1, np.random.default_rng(1))
    array([[2, 3, 4, 0, 1]])
    """
    if min(n_obs, block, n_resamples) < 1:
        raise ValueError(
            f"n_obs {n_obs}, block {block} and n_resamples {n_resamples} must be at least 1"
        )
    n_blocks = -(-n_obs // block)
    starts = rng.integers(0, n_obs, size=(n_resamples, n_blocks))
    rows = (starts[:, :, None] + np.arange(block)) % n_obs
    return rows.reshape(n_resamples, n_blocks * block)[:, :n_obs]
