"""Many tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shadowbook.core.values import Floats


def benjamini_hochberg(p_values: ArrayLike, q: float) -> NDArray[np.bool_]:
    """Choose the tests that count, so that at most a share ``q`` of them is false on average.

    Benjamini & Hochberg (1995): the k smallest, k the largest with p_(k) <= k q / m.

    Parameters
    ----------
    p_values : (m,); NaN = not computable: it never counts, nor as one of the m.
    q : false discovery rate, above 0 and below 1.

    Returns
    -------
    (m,) True where the test counts.

    Raises
    ------
    ValueError
        When a p-value is outside 0 to 1, or ``q`` out of range.

    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.5], 0.05)
    array([ True, False, False, False])
    """
    if not 0.0 < q < 1.0:
        raise ValueError(f"q is {q}: give a rate above 0 and below 1")
    if np.ndim(p_values) != 1:
        raise ValueError("p-values must be one series of numbers from 0 to 1")
    with np.errstate(invalid="ignore"):
        found: NDArray[np.bool_] = adjusted_p_values(p_values) <= q * (1.0 + 1e-9)
    return found


def adjusted_p_values(p_values: ArrayLike) -> Floats:
    """Return the smallest false discovery rate at which each test counts.

    Benjamini & Hochberg's (1995) procedure turned around: the least of p_(k) m / k over the test
    itself and all larger ones.

    Parameters
    ----------
    p_values : (..., m), a family of tests each row; NaN = not computable: it is none of the m.

    Returns
    -------
    (..., m), at most 1; NaN where the p-value is.

    Raises
    ------
    ValueError
        When a p-value is outside 0 to 1.

    >>> adjusted_p_values([0.01, 0.04, 0.03, 0.5]).round(4)
    array([0.04  , 0.0533, 0.0533, 0.5   ])
    """
    p, order, ranked, m = _ranked(p_values)
    scaled = ranked * m / np.arange(1, p.shape[-1] + 1)
    least = np.fmin.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
    return _put_back(p, order, least)


def holm_adjusted(p_values: ArrayLike) -> Floats:
    """Return the smallest chance of any false rejection at which each test counts.

    Holm's (1979) procedure turned around: the largest of (m - k + 1) p_(k) over the test itself and
    all smaller ones. It holds whatever the tests have to do with each other.

    Parameters
    ----------
    p_values : (..., m), a family of tests each row; NaN = not computable: it is none of the m.

    Returns
    -------
    (..., m), at most 1; NaN where the p-value is.

    Raises
    ------
    ValueError
        When a p-value is outside 0 to 1.

    >>> holm_adjusted([0.01, 0.04, 0.03, 0.5])
    array([0.04, 0.09, 0.09, 0.5 ])
    """
    p, order, ranked, m = _ranked(p_values)
    scaled = np.minimum(ranked * (m - np.arange(p.shape[-1])), 1.0)
    most = np.fmax.accumulate(scaled, axis=-1)
    return _put_back(p, order, most)


def _ranked(p_values: ArrayLike) -> tuple[Floats, NDArray[np.intp], Floats, NDArray[np.intp]]:
    """P-values, their order, themselves in that order with NaN last, and how many each row has."""
    p = np.asarray(p_values, dtype=np.float64)
    known = ~np.isnan(p)
    if p.ndim < 1 or not ((p[known] >= 0.0) & (p[known] <= 1.0)).all():
        raise ValueError("p-values must be numbers from 0 to 1, a family of tests a row")
    order = np.argsort(np.where(known, p, np.inf), axis=-1)
    ranked = np.take_along_axis(p, order, axis=-1)
    return p, order, ranked, known.sum(axis=-1, keepdims=True)


def _put_back(p: Floats, order: NDArray[np.intp], ranked: Floats) -> Floats:
    found = np.full(p.shape, np.nan)
    np.put_along_axis(found, order, ranked, axis=-1)
    return np.where(np.isnan(p), np.nan, found)
