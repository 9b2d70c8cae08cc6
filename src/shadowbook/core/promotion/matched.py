"""Differences of two books whose mean says which has the higher Sharpe ratio.

A difference of plain returns tests another hypothesis: of two books with one Sharpe ratio, the one
with twice the volatility has the higher mean. Both functions here are free of that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.stats.sharpe import sharpe_and_influence
from shadowbook.core.values import Floats

HALF_LIFE = 63.0
"""Sessions after which a return counts half in the trailing volatility."""

WARM_UP = 21
"""Known returns before a trailing volatility counts as known."""


def sharpe_influence_differences(challenger: Floats, champion: Floats) -> Floats:
    """Return values whose mean is the difference of the two Sharpe ratios, for a fixed test.

    Tests: the two books' Sharpe ratios over these sessions are equal. Each value is the difference
    of the ratios plus that of their influence functions, so the long-run variance of the values,
    over T, is the variance of the difference (Jobson & Korkie 1981, Memmel 2003, Ledoit & Wolf
    2008, by the delta method). Every value rests on means and deviations of *all* sessions: for one
    look at the end, not for a look every day.

    Parameters
    ----------
    challenger, champion : (T,) returns of the same sessions; a session counts where both are known.

    Returns
    -------
    (T,) per session, not annualized; NaN where a return is missing, and everywhere where fewer than
    two sessions are known or a book's returns do not vary: then it has no Sharpe ratio.

    Raises
    ------
    ValueError : series of different shapes, or infinite.

    >>> ours, theirs = np.array([0.02, -0.01, 0.03, 0.01]), np.array([0.01, -0.01, 0.01, 0.0])
    >>> sharpe_influence_differences(ours, theirs).mean().round(4)
    np.float64(0.4708)
    """
    both = _checked(challenger, champion)
    found = np.full(len(challenger), np.nan)
    ours, our_influence = sharpe_and_influence(challenger[both])
    theirs, their_influence = sharpe_and_influence(champion[both])
    influence = our_influence - their_influence
    if len(influence):
        # An influence function with ddof 1 has a mean of the order of 1 / T; it is taken off.
        found[both] = ours - theirs + influence - influence.mean()
    return found


def volatility_matched_differences(
    challenger: Floats, champion: Floats, half_life: float = HALF_LIFE, warm_up: int = WARM_UP
) -> Floats:
    """Return the difference of both books' returns, each over its own trailing volatility.

    Tests: the challenger earns no more per unit of the volatility that could be known before the
    session than the champion. Where volatilities are constant that is the Sharpe ratio; where they
    change it is the ratio of the books held at constant volatility. A value never changes when
    later sessions come, which is what looks every day need.

    Parameters
    ----------
    challenger, champion : (T,) returns of the same sessions; a session counts where both are known.
        Sessions before the shadow may stand in front, so that the warm-up costs none of its own.
    half_life : sessions after which a return counts half in the volatility.
    warm_up : known sessions that come before the first difference, at least 2.

    Returns
    -------
    (T,) per session, not annualized: the mean times the root of sessions a year is an annual Sharpe
    difference. NaN where a return is missing, in the warm-up, and while either book's returns have
    not varied: a book without volatility cannot be matched.

    Raises
    ------
    ValueError : series of different shapes, or infinite; `half_life` or `warm_up` too small.

    >>> steps = np.array([0.01, -0.01, 0.02, 0.0, 0.01])
    >>> volatility_matched_differences(2.0 * steps, steps, warm_up=2)
    array([nan, nan,  0.,  0.,  0.])
    """
    both = _checked(challenger, champion)
    if not half_life > 0.0 or warm_up < 2:
        raise ValueError(f"half_life of {half_life} or warm_up of {warm_up} is too small")
    found = np.full(len(challenger), np.nan)
    books = np.stack([challenger[both], champion[both]])
    volatility = trailing_volatility(books, half_life, warm_up)
    ours, theirs = books / volatility
    found[both] = ours - theirs
    return found


def trailing_volatility(returns: Floats, half_life: float, warm_up: int) -> Floats:
    """Return the exponentially weighted deviation of the returns before each session.

    West's (1979) update of mean and squared deviations, weighted by 2^(-age / half_life) and
    unbiased for independent returns. Nothing is subtracted that could cancel, so constant returns
    have a deviation of exactly zero.

    Parameters
    ----------
    returns : (n, T), time last, without NaN.
    half_life, warm_up : as in `volatility_matched_differences`.

    Returns
    -------
    (n, T); NaN for the first `warm_up` sessions and where the returns before have not varied.

    >>> trailing_volatility(np.array([[1.0, 2.0, 3.0, 9.0]]), 1e9, 2).round(4)
    array([[   nan,    nan, 0.7071, 1.    ]])
    """
    decay = 0.5 ** (1.0 / half_life)
    found = np.full(returns.shape, np.nan)
    mean, scatter = np.zeros(returns.shape[0]), np.zeros(returns.shape[0])
    weights = squares = 0.0
    for i in range(returns.shape[1]):
        if i >= warm_up:
            variance = scatter / (weights - squares / weights)
            known = variance > (1e-12 * mean) ** 2
            found[:, i] = np.sqrt(np.where(known, variance, np.nan))
        weights, squares = decay * weights + 1.0, decay * decay * squares + 1.0
        ahead = returns[:, i] - mean
        mean = mean + ahead / weights
        scatter = decay * scatter + ahead * (returns[:, i] - mean)
    return found


def _checked(challenger: Floats, champion: Floats) -> NDArray[np.bool_]:
    """Give the sessions where both are known."""
    if challenger.ndim != 1 or challenger.shape != champion.shape:
        raise ValueError("the two books need returns of the same sessions")
    if np.isinf(challenger).any() or np.isinf(champion).any():
        raise ValueError("returns must not be infinite")
    both: NDArray[np.bool_] = ~np.isnan(challenger + champion)
    return both
