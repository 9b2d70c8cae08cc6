"""The studentized bootstrap of Sharpe differences (Ledoit & Wolf 2008, section 3.2), in one pass.

What a circular block resample says of a difference, and of its error, follows from sums over its
blocks: of the two standardized series, of their squares, and of the products of these sums. Every
block is therefore added up once; how often each is drawn, times these sums, gives all resamples of
all challengers in one matrix product.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shadowbook.core.stats.batches import Batch
from shadowbook.core.values import Floats

_TOGETHER = 128
"""Challengers in one matrix product, so that memory does not grow with their number."""

_ROUNDING = 1e-12
"""A share of the blocks' sum of squares that is no difference between them."""


def studentized_deviations(
    challengers: Floats, champion: Floats, block: int, drawn: Sequence[Batch]
) -> Floats:
    """Size of each resampled difference's deviation, in its own standard errors.

    |D* - D| / s(D*): the gradient of D at the resample's moments, and the covariance of its
    floor(T / block) blocks (Goetze & Kuensch 1996; Ledoit & Wolf 2008, eq. 9).

    Parameters
    ----------
    challengers : (T, M) without missing values; each varies.
    champion : (T,) likewise.
    block : observations in a block; at least two fit in.
    drawn : resamples; the same for every challenger.

    Returns
    -------
    (B, M); infinite where the resample's error is zero, which no finite value reaches.

    >>> from shadowbook.core.stats.batches import batches
    >>> a, b = np.random.default_rng(0).normal(size=(2, 60))
    >>> found = studentized_deviations(a[:, None], b, 5, batches(500, None))
    >>> found.shape, bool(1.5 < np.quantile(found, 0.95) < 3.0)
    ((500, 1), True)
    """
    n_resamples = sum(batch.size for batch in drawn)
    found = np.empty((n_resamples, challengers.shape[1]))
    for first in range(0, challengers.shape[1], _TOGETHER):
        some = slice(first, first + _TOGETHER)
        sums = _Sums(challengers[:, some], champion, block)
        for batch in drawn:
            found[batch.rows, some] = sums.deviations(_counts(len(champion), block, batch))
    return found


def _counts(n_obs: int, block: int, batch: Batch) -> Floats:
    """How often each block is in each resample, by its first row: (batch, T)."""
    rng = np.random.default_rng(batch.seed)
    starts = rng.integers(0, n_obs, size=(batch.size, n_obs // block))
    starts += np.arange(batch.size)[:, None] * n_obs
    counted = np.bincount(starts.ravel(), minlength=batch.size * n_obs)
    return counted.reshape(batch.size, n_obs).astype(np.float64)


class _Sums:
    """Sums over every circular block, and products of them, of challengers and champion.

    With z standardized and u = z^2 - 1, sums stand as c, c2 (champion's z and u) and e, e2
    (challenger's less champion's): two nearly equal series would lose theirs in a difference.
    """

    def __init__(self, challengers: Floats, champion: Floats, block: int) -> None:
        n, self.m = challengers.shape
        self.block, self.n_blocks = block, n // block
        its, its_level = _standardized(champion[:, None])
        own, self.level = _standardized(challengers)
        self.its_level = its_level
        e, e2 = _around(own - its, block), _around((own - its) * (own + its), block)
        c, c2 = _around(its, block), _around(its * its - 1.0, block)
        shared = np.hstack([c, c2, c * c, c * c2, c2 * c2])
        columns = [e, e2, e * e, e * e2, e2 * e2, e * c, e * c2, e2 * c, e2 * c2, shared]
        self.table = np.hstack(columns)

    def deviations(self, counts: Floats) -> Floats:
        """(batch, M) of the resamples that the counts (batch, T) describe."""
        size = self.block * self.n_blocks
        product = counts @ self.table
        own = np.split(product[:, : 9 * self.m], 9, axis=1)
        e, e2, ee, ee2, e2e2, ec, ec2, e2c, e2c2 = own
        c, c2, cc, cc2, c2c2 = (product[:, 9 * self.m + k, None] for k in range(5))
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio, p, p2 = _moments((e + c) / size, (e2 + c2) / size, self.level)
            its_ratio, q, q2 = _moments(c / size, c2 / size, self.its_level)
            # Influence on the difference, summed over a block: p e + r c + p2 e2 + r2 c2.
            r, r2 = p - q, p2 - q2
            total = p * e + r * c + p2 * e2 + r2 * c2
            squares = (
                p * (p * ee + 2.0 * (r * ec + p2 * ee2 + r2 * ec2))
                + p2 * (p2 * e2e2 + 2.0 * (r * e2c + r2 * e2c2))
                + r * (r * cc + 2.0 * r2 * cc2)
                + r2 * r2 * c2c2
            )
            spread = squares - total * total / self.n_blocks
            error = np.sqrt(np.where(spread > _ROUNDING * squares, spread, 0.0)) / size
            found = np.abs(ratio - its_ratio - (self.level - self.its_level)) / error
        return np.where(np.isnan(found), np.inf, found)


def _standardized(values: Floats) -> tuple[Floats, Floats]:
    """Series in standard deviations from their means, and means in standard deviations (ddof 0)."""
    mean, deviation = values.mean(axis=0), values.std(axis=0)
    return (values - mean) / deviation, mean / deviation


def _moments(mean: Floats, mean2: Floats, level: Floats) -> tuple[Floats, Floats, Floats]:
    """Sharpe ratio of resamples, and what z and u weigh in their influence on it.

    Of a standardized series' resampled means of z and u, with ``level`` its own mean.
    """
    variance = 1.0 + mean2 - mean * mean
    ratio = (level + mean) / np.sqrt(variance)
    weight2 = -0.5 * ratio / variance
    return ratio, 1.0 / np.sqrt(variance) - 2.0 * weight2 * mean, weight2


def _around(values: Floats, block: int) -> Floats:
    """Sum of the ``block`` rows from each on, around the end."""
    total = values.copy()
    for step in range(1, block):
        total += np.roll(values, -step, axis=0)
    return total
