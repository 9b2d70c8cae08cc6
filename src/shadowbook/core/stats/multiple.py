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
    p = np.asarray(p_values, dtype=np.float64)
    known = ~np.isnan(p)
    if p.ndim < 1 or not ((p[known] >= 0.0) & (p[known] <= 1.0)).all():
        raise ValueError("p-values must be numbers from 0 to 1, a family of tests a row")
    order = np.argsort(np.where(known, p, np.inf), axis=-1)
    ranked = np.take_along_axis(np.where(known, p, np.nan), order, axis=-1)
    m = known.sum(axis=-1, keepdims=True)
    scaled = ranked * m / np.arange(1, p.shape[-1] + 1)
    least = np.fmin.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1]
    found = np.full(p.shape, np.nan)
    np.put_along_axis(found, order, least, axis=-1)
    return np.where(known, found, np.nan)
