"""How much of a ranking is left."""

from __future__ import annotations

import numpy as np

from shadowbook.core.values import Floats


def ndcg(relevance: Floats, scores: Floats) -> Floats:
    """Compute the normalized discounted cumulative gain of rankings.

    Jarvelin & Kekalainen (2002), with the discount of Burges et al. (2005): ordered by score, the
    thing at place i gains its relevance over log2(1 + i); the sum is divided by that of the best
    order. Things of one score share the discounts of their places equally (McSherry & Najork 2008).

    Parameters
    ----------
    relevance, scores : (..., K), relevance 0 or more, without missing values.

    Returns
    -------
    (...) from 0 to 1; NaN where nothing is relevant, or there is nothing.

    Raises
    ------
    ValueError
        When shapes differ.

    >>> ndcg(np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])).round(6)
    np.float64(0.789998)
    """
    if relevance.shape != scores.shape:
        raise ValueError(f"relevance {relevance.shape} and scores {scores.shape} differ in shape")
    gain, best = _gain(relevance, scores), _gain(relevance, relevance)
    found = np.full(best.shape, np.nan)
    np.divide(gain, best, out=found, where=best > 0.0)
    return found[()]


def places(scores: Floats, method: str = "min") -> Floats:
    """Rank from 1, the largest score first; equal scores share a place.

    Parameters
    ----------
    scores : (..., K); NaN comes after all others.
    method : of `scipy.stats.rankdata`: which of the tied places.

    >>> places(np.array([0.5, np.nan, 0.7, 0.5])).tolist()
    [2.0, 4.0, 1.0, 2.0]
    """
    from scipy.stats import rankdata

    last = np.where(np.isnan(scores), np.inf, -scores)
    ranked: Floats = np.asarray(rankdata(last, method=method, axis=-1), dtype=np.float64)
    return ranked


def _gain(relevance: Floats, scores: Floats) -> Floats:
    discounts = 1.0 / np.log2(np.arange(2, relevance.shape[-1] + 2))
    upto = np.concatenate([[0.0], np.cumsum(discounts)])
    first = places(scores, "min").astype(np.int64) - 1
    after = places(scores, "max").astype(np.int64)
    gain: Floats = (relevance * (upto[after] - upto[first]) / (after - first)).sum(axis=-1)
    return gain
