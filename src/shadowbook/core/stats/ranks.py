"""Ranks within a session and the rank correlation of two cross-sections.

Rows are sessions, columns are names. A NaN is no name: it takes no rank and moves no other.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats

_CHUNK = 65_536
"""Values correlated at once: what fits into a core's cache."""


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
    n_rows, n_names = values.shape
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    order = np.argsort(values, axis=1)  # NaN last; the order among ties does not matter
    order += np.arange(n_rows)[:, None] * n_names
    ordered = values.ravel()[order]
    places = np.arange(n_names, dtype=np.float64)
    starts = np.ones((n_rows, n_names), dtype=bool)
    np.not_equal(ordered[:, 1:], ordered[:, :-1], out=starts[:, 1:])
    ends = np.ones((n_rows, n_names), dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    first = np.maximum.accumulate(np.where(starts, places, 0.0), axis=1)
    last = np.minimum.accumulate(np.where(ends, places, n_names)[:, ::-1], axis=1)[:, ::-1]
    missing = places >= counts[:, None]
    spans = TieSpans(np.empty(values.shape), np.empty(values.shape), counts)
    spans.first.ravel()[order] = np.where(missing, np.nan, first)
    spans.last.ravel()[order] = np.where(missing, np.nan, last)
    return spans


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
    correlation = np.empty(len(left))
    step = max(_CHUNK // max(left.shape[1], 1), 1)
    for start in range(0, len(left), step):
        rows = slice(start, start + step)
        correlation[rows] = _correlate(left[rows], right[rows], max(min_names, 2))
    return correlation


def _correlate(left: Floats, right: Floats, min_names: int) -> Floats:
    """Correlate a few rows: by their places, and rows with ties by average ranks."""
    n_rows, n_names = left.shape
    paired = np.isfinite(left) & np.isfinite(right)
    counts = paired.sum(axis=1)
    if not paired.all():
        left, right = np.where(paired, left, np.nan), np.where(paired, right, np.nan)
    first = np.arange(n_rows)[:, None] * n_names  # of the row, in the flat array
    by_left, by_right = np.argsort(left, axis=1), np.argsort(right, axis=1)
    by_left += first
    by_right += first
    tied = _has_ties(left, by_left) | _has_ties(right, by_right)
    places = np.arange(n_names, dtype=np.float64)
    right_places = np.empty(left.size)
    right_places[by_right] = places
    # The places are whole numbers, so the sum of their products is exact, in any order; missing
    # names come last on both sides and take no part.
    matched = right_places[by_left]
    matched *= places
    if not paired.all():
        matched[places >= counts[:, None]] = 0.0
    middle = (counts - 1.0) / 2.0
    covariance = matched.sum(axis=1) - counts * middle * middle
    variance = counts * (counts * counts - 1.0) / 12.0
    correlation = np.full(n_rows, np.nan)
    np.divide(covariance, variance, out=correlation, where=counts >= min_names)
    if tied.any():
        correlation[tied] = _correlate_ties(left[tied], right[tied], min_names)
    return correlation


def _has_ties(values: Floats, order: NDArray[np.int64]) -> NDArray[np.bool_]:
    ordered = values.ravel()[order]
    ties: NDArray[np.bool_] = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    return ties


def _correlate_ties(left: Floats, right: Floats, min_names: int) -> Floats:
    """Pearson's correlation of average ranks; NaN on both sides where a pair is missing."""
    x, y = centered_ranks(left, min_names), centered_ranks(right, min_names)
    x, y = np.nan_to_num(x, nan=0.0), np.nan_to_num(y, nan=0.0)
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    correlation = np.full(len(x), np.nan)
    np.divide((x * y).sum(axis=1), scale, out=correlation, where=scale > 0)
    bounded: Floats = np.clip(correlation, -1.0, 1.0)
    return bounded
