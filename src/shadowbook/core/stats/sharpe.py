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


def sharpe_standard_error(
    sharpe: float, n_obs: float, skew: float = 0.0, kurtosis: float = 3.0, ddof: int = 1
) -> float:
    """Return the standard error of a Sharpe ratio of independent returns.

    sqrt((1 - skew S + (kurtosis - 1) / 4 S^2) / (n_obs - ddof)): Mertens (2002), with the divisor
    of Bailey & Lopez de Prado (2012). With ``ddof`` 0, no skew and kurtosis 3 it is Lo's (2002).

    Parameters
    ----------
    sharpe : ratio per observation, not annualized.
    n_obs : observations.
    skew, kurtosis : of the returns; kurtosis not in excess, 3 = normal.
    ddof : taken off the number of observations.

    Returns
    -------
    Error per observation; NaN where a value is missing, there are no observations left, or no
    returns can have such moments (kurtosis below 1 + skew^2, Pearson 1916).

    >>> round(sharpe_standard_error(0.5, 100, ddof=0), 6)
    0.106066
    """
    given = (sharpe, n_obs, skew, kurtosis)
    if not all(math.isfinite(value) for value in given) or n_obs - ddof <= 0:
        return math.nan
    if kurtosis < (1.0 + skew * skew) * (1.0 - 1e-9):
        return math.nan
    variance = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    return math.sqrt(max(variance, 0.0) / (n_obs - ddof))


def annualization_factor(periods: float, rho: float = 0.0) -> float:
    """Return what a Sharpe ratio per period is multiplied by for a ratio over several periods.

    Lo's (2002) eta(q) = q / sqrt(q + 2 sum over k = 1 ... q - 1 of (q - k) rho^k) for returns that
    are an AR(1); the root of q without autocorrelation.

    Parameters
    ----------
    periods : q, whole periods, at least 1.
    rho : first autocorrelation of the returns, above -1 and below 1.

    Returns
    -------
    Factor; NaN where ``periods`` or ``rho`` is missing or out of range.

    >>> annualization_factor(252) == math.sqrt(252), round(annualization_factor(12, 0.2), 6)
    (True, 2.878849)
    """
    if not (math.isfinite(periods) and periods >= 1.0 and -1.0 < rho < 1.0):
        return math.nan
    q = float(periods)
    if rho == 0.0:
        return math.sqrt(q)
    lags = np.arange(1.0, q)
    total = q + 2.0 * float(np.sum((q - lags) * rho**lags))
    return q / math.sqrt(total)
