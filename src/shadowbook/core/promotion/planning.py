"""How long a shadow book must run before its advantage can be seen, and the chance to see it.

The difference of two books at equal volatility has, per session, a variance of 2 (1 - correlation)
in units of their volatility; an annual Sharpe advantage e is a mean of e / sqrt(sessions a year).
So everything is one Brownian motion with a drift against one boundary. Sharpe ratios' own share of
the variance (about S^2 / 2 per session) is left out: at an annual ratio of 1.5 it is 0.4 %.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri, roots_legendre

from shadowbook.core.promotion.sequential import START, mixture_boundary
from shadowbook.core.values import Floats

LONGEST = 10_000_000
"""Sessions beyond which no plan is made."""

DAILY_UNTIL = 60
STEP = 1.03
"""Looks are followed one by one up to the first; from there on in steps of 3 %."""

NODES = 160
LOWEST = -7.0
"""Grid of standardized sums, from here to the boundary."""

OVERSHOOT = 0.5826
"""What a boundary that is looked at daily is further away than one watched without a break
(Siegmund 1985, Chernoff 1965), in deviations of one session."""

ESTIMATED = 0.5
"""Share, over the root of t, by which an estimated long-run variance that is never below the plain
one widens the bound of independent normal differences; measured, about 0.45 for the deviation
(0.37 to 0.47 from t = 21 to 504) and the rest for noise of the skewness. Student's quantile costs
nothing here: the noise that it pays for helps to cross as well."""


def shadow_power(
    sessions: float,
    effect_annual: float,
    correlation: float,
    alpha: float = 0.05,
    periods_per_year: float = 252,
    sequential: bool = True,
) -> float:
    """Return the chance that a shadow of this many sessions shows the advantage.

    Parameters
    ----------
    sessions : with a known difference; those that warm a volatility up come on top.
    effect_annual : true advantage, annual Sharpe ratio, above 0.
    correlation : of the two books' returns, at least -1 and below 1.
    alpha : error of the test, over all looks if `sequential`.
    periods_per_year : sessions a year.
    sequential : `confidence_sequence` with a look every session from the 21st on; else one test
        of the difference at the end, one-sided.

    Returns
    -------
    Chance; 0 below 21 sessions, NaN for an effect of 0 or below, a correlation outside [-1, 1), a
    missing value or more than ten million sessions.

    Raises
    ------
    ValueError : `alpha` outside (0, 1).

    >>> [round(shadow_power(252, 0.5, rho), 2) for rho in (0.5, 0.9, 0.99)]
    [0.03, 0.1, 0.83]
    """
    drift = _drift(effect_annual, correlation, alpha, periods_per_year)
    if math.isnan(drift) or not 0.0 <= sessions <= LONGEST:
        return math.nan
    if sessions < START:
        return 0.0
    if not sequential:
        return float(ndtr(drift * math.sqrt(sessions) + ndtri(alpha)))
    looks, chance = _power_curve(drift, alpha)
    return float(ndtr(np.interp(math.log(sessions), np.log(looks), ndtri(chance))))


def required_shadow_sessions(
    effect_annual: float,
    correlation: float,
    alpha: float = 0.05,
    power: float = 0.8,
    periods_per_year: float = 252,
    sequential: bool = True,
) -> float:
    """Return how many sessions a shadow must run to show an advantage with this power.

    Sequential: the chance that a Brownian motion with the drift crosses the boundary of
    `confidence_sequence` by then, by recursion on a grid (`_null_paths`); what an estimated
    variance costs is in it. Fixed: 2 (1 - correlation) (z_(1 - alpha) + z_power)^2 over the
    squared effect per session. By simulation (benchmarks/promotion_sequential.py) 80 % asked for
    is 78 to 81 % from 230 sessions on, and 73 % at 71: short plans are optimistic.

    Parameters
    ----------
    power : wanted chance, above 0 and below 1. Others as in `shadow_power`.

    Returns
    -------
    Whole sessions, 21 at least; NaN as in `shadow_power`, and where ten million are too few.

    Raises
    ------
    ValueError : `alpha` or `power` outside (0, 1).

    >>> [required_shadow_sessions(0.5, rho, sequential=False) for rho in (0.5, 0.9, 0.99)]
    [6233.0, 1247.0, 125.0]
    >>> required_shadow_sessions(-0.1, 0.9)
    nan
    """
    drift = _drift(effect_annual, correlation, alpha, periods_per_year)
    if not 0.0 < power < 1.0:
        raise ValueError(f"power of {power} is not between 0 and 1")
    if math.isnan(drift):
        return math.nan
    if sequential:
        looks, chance = _power_curve(drift, alpha)
        if chance[-1] < power:
            return math.nan
        reached = int(np.argmax(chance >= power))
        span = slice(max(reached - 1, 0), reached + 1)
        needed = math.exp(np.interp(ndtri(power), ndtri(chance[span]), np.log(looks[span])))
    else:
        needed = (float(ndtri(power) - ndtri(alpha)) / drift) ** 2
    # A rounding error is no reason for one more session.
    needed = math.ceil(needed * (1.0 - 1e-9))
    return float(max(needed, START)) if needed <= LONGEST else math.nan


def _drift(effect: float, correlation: float, alpha: float, periods_per_year: float) -> float:
    """Give the mean of the difference over its deviation, per session; NaN if there is none."""
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha of {alpha} is not between 0 and 1")
    given = (effect, correlation, periods_per_year)
    if not all(math.isfinite(value) for value in given) or effect <= 0.0 or periods_per_year <= 0.0:
        return math.nan
    if not -1.0 <= correlation < 1.0:
        return math.nan
    return effect / math.sqrt(periods_per_year * 2.0 * (1.0 - correlation))


def _power_curve(drift: float, alpha: float) -> tuple[Floats, Floats]:
    """Give looks and the chance to have crossed by each, under a drift.

    Girsanov's theorem: paths with a drift have the density of those without, times
    exp(drift S - drift^2 t / 2); so one recursion without a drift serves all of them.
    """
    looks, sums, log_mass = _null_paths(alpha)
    tilted = log_mass + drift * sums - 0.5 * drift * drift * looks[:, None]
    below = np.exp(np.minimum(tilted, 0.0)).sum(axis=1)
    chance = np.maximum.accumulate(np.clip(1.0 - below, 1e-15, 1.0 - 1e-15))
    return looks, chance


@lru_cache(maxsize=64)
def _null_paths(alpha: float) -> tuple[Floats, Floats, Floats]:
    """Follow the sums of paths without a drift that have not crossed the boundary.

    Armitage, McPherson & Rowe's (1969) recursion, on Gauss-Legendre nodes. In a step of several
    sessions a path between two sums has crossed a boundary c with the chance of a Brownian bridge,
    exp(-2 (c0 - x) (c1 - y) / step), c further away by `OVERSHOOT`.

    Returns
    -------
    (K,) looks, (K, NODES) sums, (K, NODES) logarithm of their probability.
    """
    looks = _looks()
    boundary = _effective_boundary(looks, alpha) * np.sqrt(looks)
    nodes, weights = roots_legendre(NODES)
    lowest = np.minimum(LOWEST * np.sqrt(looks), -boundary)
    half = 0.5 * (boundary - lowest)
    sums = (lowest + half)[:, None] + half[:, None] * nodes
    mass = np.empty_like(sums)
    mass[0] = half[0] * weights * np.exp(-0.5 * sums[0] ** 2 / looks[0])
    mass[0] /= math.sqrt(2.0 * math.pi * looks[0])
    for k in range(1, len(looks)):
        step = looks[k] - looks[k - 1]
        kernel = np.exp(-0.5 * (sums[k][:, None] - sums[k - 1]) ** 2 / step)
        if step > 1.0:
            room_before = boundary[k - 1] + OVERSHOOT - sums[k - 1]
            room = boundary[k] + OVERSHOOT - sums[k]
            kernel *= -np.expm1(-2.0 * room[:, None] * room_before / step)
        density = np.sum(kernel * mass[k - 1], axis=1) / math.sqrt(2.0 * math.pi * step)
        mass[k] = half[k] * weights * density
    return looks, sums, np.log(np.maximum(mass, 1e-300))


def _looks() -> Floats:
    """Give the sessions that the recursion goes through: each of the first, then every 3 %."""
    daily = np.arange(START, DAILY_UNTIL)
    steps = math.ceil(math.log(LONGEST / DAILY_UNTIL) / math.log(STEP))
    later = DAILY_UNTIL * STEP ** np.arange(steps + 1.0)
    return np.concatenate([daily, np.round(later)])


def _effective_boundary(looks: Floats, alpha: float) -> Floats:
    """Give the boundary with what an estimated variance adds to it on average."""
    found: Floats = mixture_boundary(looks, alpha) * (1.0 + ESTIMATED / np.sqrt(looks))
    return found
