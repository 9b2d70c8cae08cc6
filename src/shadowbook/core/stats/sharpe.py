"""The Sharpe ratio and what each observation does to it."""

from __future__ import annotations

import math

import numpy as np

from shadowbook.core.values import Floats


def sharpe_and_influence(returns: Floats) -> tuple[float, Floats]:
    """Return the Sharpe ratio per observation (ddof 1) and its influence function.

    The long-run variance of the influence, over T, is the variance of the ratio (Lo 2002, by the
    delta method; without autocorrelation it is Mertens' of 2002).

    Parameters
    ----------
    returns : (T,) without NaN.

    Returns
    -------
    Ratio and (T,) influence; NaN both where the returns do not vary or are fewer than two.

    >>> sharpe_and_influence(np.array([0.0, 0.01, 0.02]))
    (1.0, array([-1. ,  0.5,  1. ]))
    """
    undefined = math.nan, np.full(len(returns), math.nan)
    if len(returns) < 2:
        return undefined
    mean, deviation = float(returns.mean()), float(returns.std(ddof=1))
    if deviation <= 1e-12 * max(abs(mean), 1.0):
        return undefined
    standard = (returns - mean) / deviation
    ratio = mean / deviation
    return ratio, standard - 0.5 * ratio * (standard * standard - 1.0)
