"""The value of one unit over time, and how far it fell."""

from __future__ import annotations

import numpy as np

from shadowbook.core.values import Floats


def equity_curve(returns: Floats) -> Floats:
    """Value of one unit over time; a loss of everything is final.

    Parameters
    ----------
    returns : (T,) simple; NaN (no book) leaves the value unchanged.

    >>> equity_curve(np.array([np.nan, 0.5, -1.5, 0.5]))
    array([1. , 1.5, 0. , 0. ])
    """
    growth = np.maximum(1.0 + np.nan_to_num(returns, nan=0.0), 0.0)
    equity: Floats = np.multiply.accumulate(growth, axis=-1)
    return equity


def max_drawdown(returns: Floats) -> Floats:
    """Deepest fall from a peak along the last axis, at most 0; the start counts as a peak.

    >>> float(max_drawdown(np.array([-0.5, 1.0, 0.0])))
    -0.5
    """
    equity = equity_curve(returns)
    peak = np.maximum(np.maximum.accumulate(equity, axis=-1), 1.0)
    deepest: Floats = (equity / peak - 1.0).min(axis=-1)
    return deepest
