"""Drawdowns of a whole series, from the first session on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from shadowbook.core.values import Floats


class Drawdown(NamedTuple):
    """How far and how long a book was below its peak.

    Attributes
    ----------
    path : value over its highest so far, less 1; of the shape of the returns, NaN where the
        session's return is missing.
    current : newest known value of the path, a float or (N,).
    maximum : deepest value of the path, a float or (N,).
    length : sessions since the newest peak, those with a missing return among them; a float or
        (N,), 0 at a peak.
    """

    path: Floats
    current: float | Floats
    maximum: float | Floats
    length: float | Floats


def drawdown(returns: Floats) -> Drawdown:
    """Drawdown of a book that earns the returns, reinvested.

    Parameters
    ----------
    returns : (T,) or (T, N), simple returns; NaN or infinite = missing: the value stays. The value
        before the first is 1 and counts as a peak. A return of -1 or less loses everything, for
        good.

    Returns
    -------
    Drawdown, values at most 0; without any known return every figure is NaN.

    Raises
    ------
    ValueError
        When the returns are neither (T,) nor (T, N).

    >>> found = drawdown(np.array([0.25, -0.5, 0.5]))
    >>> found.path
    array([ 0.  , -0.5 , -0.25])
    >>> found.current, found.maximum, found.length
    (-0.25, -0.5, 2.0)
    """
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim not in (1, 2):
        raise ValueError(f"returns are {values.ndim}-dimensional: give (T,) or (T, N)")
    known = np.isfinite(values)
    growth = np.where(known, np.maximum(values + 1.0, 0.0), 1.0)
    path = np.empty(values.shape)
    share = np.ones(values.shape[1:])  # value over peak: it cannot overflow, however long the run
    length = np.zeros(values.shape[1:])
    for at, step in enumerate(growth):
        share = np.minimum(share * step, 1.0)
        length = np.where(share < 1.0, length + 1.0, 0.0)
        path[at] = share - 1.0
    deepest = path.min(axis=0, initial=0.0)
    path[~known] = np.nan
    empty = ~known.any(axis=0)
    figures = [np.where(empty, np.nan, one) for one in (share - 1.0, deepest, length)]
    if values.ndim == 1:
        return Drawdown(path, *(float(figure) for figure in figures))
    return Drawdown(path, *figures)
