"""Random numbers of a bootstrap, in batches.

A bootstrap of ten thousand resamples is made a batch at a time, so that memory does not grow with
the number of resamples. Each batch has a source of randomness of its own: in whatever order or
groups they are worked off, and however often, the resamples are the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SIZE = 250
"""Resamples in a batch. Part of the scheme: another size gives other resamples."""


class Batch(NamedTuple):
    """Resamples that are drawn together.

    Attributes
    ----------
    rows : where they stand among all resamples.
    seed : of their randomness.
    """

    rows: slice
    seed: np.random.SeedSequence

    @property
    def size(self) -> int:
        """Resamples in this batch."""
        return int(self.rows.stop - self.rows.start)


def batches(n_resamples: int, rng: np.random.Generator | None) -> list[Batch]:
    """Cut resamples into batches.

    Parameters
    ----------
    n_resamples : at least 1.
    rng : source of randomness, moved on by one draw; None = seed 0, so that the same data give the
        same answer.

    Returns
    -------
    Batches of 250, the last one shorter.

    Raises
    ------
    ValueError
        When no resample is asked for.

    >>> [batch.size for batch in batches(600, np.random.default_rng(1))]
    [250, 250, 100]
    """
    if n_resamples < 1:
        raise ValueError(f"n_resamples is {n_resamples}: draw at least one")
    source = np.random.default_rng(0) if rng is None else rng
    entropy = [int(word) for word in source.integers(0, 2**32, size=4)]
    firsts = range(0, n_resamples, SIZE)
    seeds = np.random.SeedSequence(entropy).spawn(len(firsts))
    return [
        Batch(slice(first, min(first + SIZE, n_resamples)), seed)
        for first, seed in zip(firsts, seeds, strict=True)
    ]
