"""Ranks within a session and the rank correlation of two cross-sections.

Rows are sessions, columns are names. A NaN is no name: it takes no rank and moves no other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats


class TieSpans(NamedTuple):
    """Places each value could take in the ascending order of its row, counted from 0.

    Attributes
    ----------
    first, last : (T, N) first and last place of the value's group of ties; NaN where missing.
    counts : (T,) how many values the row has.
    """

    first: Floats
    last: Floats
    counts: NDArray[np.int64]


def tie_spans(values: Floats) -> TieSpans:
    """Span of places of every value in its row.

    Parameters
    ----------
    values : (T, N); NaN = missing.

    >>> spans = tie_spans(np.array([[3.0, 1.0, 3.0, np.nan]]))
    >>> spans.first, spans.last, spans.counts
    (array([[ 1.,  0.,  1., nan]]), array([[ 2.,  0.,  2., nan]]), array([3]))
    """
    missing = np.isnan(values)
    n_rows, n_names = values.shape
    order = np.argsort(values, axis=1, kind="stable")  # NaN last
    ordered = np.take_along_axis(values, order, axis=1)
    places = np.broadcast_to(np.arange(n_names), (n_rows, n_names))
    starts = np.ones((n_rows, n_names), dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first_sorted = np.maximum.accumulate(np.where(starts, places, 0), axis=1)
    ends = np.ones((n_rows, n_names), dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    backwards = np.where(ends, places, n_names)[:, ::-1]
    last_sorted = np.minimum.accumulate(backwards, axis=1)[:, ::-1]
    first, last = np.empty(values.shape), np.empty(values.shape)
    np.put_along_axis(first, order, first_sorted.astype(np.float64), axis=1)
    np.put_along_axis(last, order, last_sorted.astype(np.float64), axis=1)
    first[missing] = np.nan
    last[missing] = np.nan
    return TieSpans(first, last, (~missing).sum(axis=1))


def average_ranks(values: Floats) -> Floats:
    """Ranks from 1 within each row, ties share their average, NaN stays NaN; (T, N).

    >>> average_ranks(np.array([[3.0, 1.0, 3.0, np.nan]]))
    array([[2.5, 1. , 2.5, nan]])
    """
    spans = tie_spans(values)
    ranks: Floats = (spans.first + spans.last) / 2.0 + 1.0
    return ranks


def centered_ranks(values: Floats, min_names: int = 2) -> Floats:
    """Ranks within each row, scaled to run from -0.5 (lowest) to 0.5 (highest).

    Parameters
    ----------
    values : (T, N); NaN = missing.
    min_names : rows with fewer values are NaN; at least 2.

    Returns
    -------
    (T, N); ties share their average; the row's mean is 0.

    >>> centered_ranks(np.array([[10.0, 30.0, 20.0, np.nan]]))
    array([[-0.5,  0.5,  0. ,  nan]])
    """
    spans = tie_spans(values)
    enough = spans.counts >= max(min_names, 2)
    width = np.where(enough, spans.counts - 1.0, np.nan)[:, None]
    ranks: Floats = ((spans.first + spans.last) - width) / (2.0 * width)
    return ranks


def rank_correlation(left: Floats, right: Floats, min_names: int = 5) -> Floats:
    """Spearman's correlation of two cross-sections, session by session.

    Parameters
    ----------
    left, right : (T, N); a pair with a NaN on either side is dropped before ranking.
    min_names : sessions with fewer pairs are NaN; at least 2.

    Returns
    -------
    (T,) in [-1, 1]; Pearson's correlation of average ranks (Spearman 1904, with ties); NaN where
    either side is constant.

    >>> rank_correlation(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 3.0, 2.0]]), min_names=3)
    array([0.5])
    """
    paired = np.isfinite(left) & np.isfinite(right)
    x = centered_ranks(np.where(paired, left, np.nan), min_names)
    y = centered_ranks(np.where(paired, right, np.nan), min_names)
    x, y = np.nan_to_num(x, nan=0.0), np.nan_to_num(y, nan=0.0)
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    correlation = np.full(len(x), np.nan)
    np.divide((x * y).sum(axis=1), scale, out=correlation, where=scale > 0)
    bounded: Floats = np.clip(correlation, -1.0, 1.0)
    return bounded
