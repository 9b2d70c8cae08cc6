"""Standard errors of the difference of two Sharpe ratios."""

from __future__ import annotations

import math

import numpy as np

from shadowbook.core.values import Floats

_LARGEST_RHO = 0.97
"""Autocorrelation beyond which a bandwidth by AR(1) explodes (Andrews & Monahan 1992)."""


def memmel_standard_error(a: Floats, b: Floats) -> float:
    """Error for independent normal returns.

    Jobson & Korkie (1981), corrected by Memmel (2003): sqrt(V / T) with
    V = 2 - 2 rho + (S1^2 + S2^2 - 2 S1 S2 rho^2) / 2, ratios with ddof 1.

    Parameters
    ----------
    a, b : (T,) without missing values; both vary.

    >>> memmel_standard_error(np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0]))
    0.7071067811865476
    """
    z_a, z_b = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    first, second = float(a.mean() / a.std(ddof=1)), float(b.mean() / b.std(ddof=1))
    apart = 0.5 * float(np.mean((z_a - z_b) ** 2))  # 1 - rho, without a difference of near equals
    v = 2.0 * apart + 0.5 * (first - second) ** 2 + first * second * apart * (2.0 - apart)
    return math.sqrt(max(v, 0.0) / len(a))


def hac_standard_error(a: Floats, b: Floats) -> float:
    """Error for dependent returns of any shape, by the delta method.

    Ledoit & Wolf (2008, section 3.1): the long-run covariance of means and second moments with
    Parzen's kernel, the bandwidth of `andrews_bandwidth`, and the factor T / (T - 4) for the four
    moments; no prewhitening. As in the authors' own code the bandwidth weighs the moments as they
    stand: returns in percent have another one than returns in fractions.

    Parameters
    ----------
    a, b : (T,) without missing values, more than four; both vary.

    >>> a, b = np.random.default_rng(0).normal(size=(2, 500))
    >>> round(hac_standard_error(a, b), 4), round(memmel_standard_error(a, b), 4)
    (0.0605, 0.0631)
    """
    n = len(a)
    influence = influence_on_sharpe(a) - influence_on_sharpe(b)
    moments = [a, b, a * a, b * b]
    variance = _parzen_variance(influence, andrews_bandwidth(moments))
    return math.sqrt(max(variance, 0.0) / (n - 4.0))


def prewhitened_standard_error(a: Floats, b: Floats) -> float:
    """Error as `hac_standard_error`, from the one series that counts, prewhitened.

    The influence of each row on the difference takes the place of the four moments, so that the
    error does not depend on the unit of the returns; a first autoregression is taken out before the
    long-run variance is formed and put back after it (Andrews & Monahan 1992).

    Parameters
    ----------
    a, b : (T,) without missing values, more than five; both vary.

    >>> a, b = np.random.default_rng(0).normal(size=(2, 500))
    >>> round(prewhitened_standard_error(a, b), 4)
    0.0603
    """
    influence = influence_on_sharpe(a) - influence_on_sharpe(b)
    spread = float(np.sum(influence[:-1] ** 2))
    if spread == 0.0:
        return math.nan
    slope = float(np.sum(influence[1:] * influence[:-1])) / spread
    rho = min(max(slope, -_LARGEST_RHO), _LARGEST_RHO)
    rest = influence[1:] - rho * influence[:-1]
    rest = rest - rest.mean()
    m = len(rest)
    variance = _parzen_variance(rest, andrews_bandwidth([rest])) * m / (m - 4.0)
    return math.sqrt(max(variance, 0.0) / len(a)) / (1.0 - rho)


def influence_on_sharpe(returns: Floats) -> Floats:
    """Tell what each return does to the Sharpe ratio.

    z - S (z^2 - 1) / 2, with returns standardized (ddof 0) to z: the gradient of Ledoit & Wolf
    (2008, section 3.1) applied to the demeaned moments.

    >>> influence_on_sharpe(np.array([-1.0, 1.0]))
    array([-1.,  1.])
    """
    mean, deviation = float(returns.mean()), float(returns.std())
    z = (returns - mean) / deviation
    found: Floats = z - 0.5 * (mean / deviation) * (z * z - 1.0)
    return found


def andrews_bandwidth(series: list[Floats]) -> float:
    """Bandwidth of Parzen's kernel, from a first autoregression of each series.

    Andrews (1991, eq. 6.2 and 6.4): 2.6614 (alpha(2) T)^(1/5), every series with weight one.

    Parameters
    ----------
    series : each (T,) without missing values.

    Returns
    -------
    In observations, not rounded; 0 where nothing varies.

    >>> round(andrews_bandwidth([np.sin(np.arange(100.0))]), 2)
    13.03
    """
    above = below = 0.0
    for values in series:
        later, earlier = values[1:] - values[1:].mean(), values[:-1] - values[:-1].mean()
        spread = float(np.sum(earlier * earlier))
        if spread == 0.0:
            continue
        slope = float(np.sum(later * earlier)) / spread
        rho = min(max(slope, -_LARGEST_RHO), _LARGEST_RHO)
        variance = float(np.mean((later - slope * earlier) ** 2))
        above += 4.0 * rho**2 * variance**2 / (1.0 - rho) ** 8
        below += variance**2 / (1.0 - rho) ** 4
    if below == 0.0:
        return 0.0
    return 2.6614 * math.pow(above / below * len(series[0]), 0.2)


def _parzen_variance(values: Floats, bandwidth: float) -> float:
    """Long-run variance of a series of mean zero, with Parzen's weights (Gallant 1987)."""
    n = len(values)
    total = float(np.sum(values * values))
    for lag in range(1, min(math.ceil(bandwidth), n)):
        x = lag / bandwidth
        weight = 1.0 - 6.0 * x**2 + 6.0 * x**3 if x <= 0.5 else 2.0 * (1.0 - x) ** 3
        total += 2.0 * weight * float(np.sum(values[lag:] * values[:-lag]))
    return total / n
