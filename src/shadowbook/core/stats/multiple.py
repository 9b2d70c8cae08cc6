"""Many tests at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


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
    p = np.asarray(p_values, dtype=np.float64)
    known = np.isfinite(p)
    if p.ndim != 1 or not ((p[known] >= 0.0) & (p[known] <= 1.0)).all():
        raise ValueError("p-values must be one series of numbers from 0 to 1")
    if not 0.0 < q < 1.0:
        raise ValueError(f"q is {q}: give a rate above 0 and below 1")
    m = int(known.sum())
    found = np.zeros(len(p), dtype=bool)
    ranked = np.sort(p[known])
    limits = np.arange(1, m + 1) * q / max(m, 1)
    below = np.flatnonzero(ranked <= limits * (1.0 + 1e-9))
    if len(below):
        found[known] = p[known] <= ranked[below[-1]]
    return found
