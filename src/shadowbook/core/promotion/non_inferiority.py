"""Whether a challenger is no worse than a margin allows, or does harm, with a look every day.

A refresh (the same recipe on newer data) need not be better; it must not be worse. Two one-sided
confidence sequences of the volatility-matched difference answer that, each with its own error.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.promotion.sequential import START, confidence_sequence
from shadowbook.core.values import Floats


class Harm(NamedTuple):
    """What is known at each look.

    Attributes
    ----------
    not_inferior : (T,) bool, the lower bound lies at or above minus the margin.
    harmful : (T,) bool, the upper bound lies below 0. With a long enough record both can hold: a
        little worse for sure, and surely by less than the margin.
    lower_annual, upper_annual : (T,) bounds of the annual Sharpe difference, one-sided each; NaN
        before `start` and while the differences do not vary, where both answers are False.
    """

    not_inferior: NDArray[np.bool_]
    harmful: NDArray[np.bool_]
    lower_annual: Floats
    upper_annual: Floats


def harm(
    differences: Floats,
    margin_annual: float,
    alpha: float,
    periods_per_year: float = 252,
    start: int = START,
) -> Harm:
    """Return at each look whether the challenger is shown not to be inferior, or to do harm.

    A challenger that is worse by the margin is ever found not inferior with chance `alpha` at most,
    and one that is no worse is ever found harmful with chance `alpha` at most (Wellek 2010 for the
    fixed test; `confidence_sequence` for the looks).

    Parameters
    ----------
    differences : (T,) challenger minus champion, `volatility_matched_differences`. NaN = missing:
        the answers stay as they were.
    margin_annual : annual Sharpe ratio that a refresh may lose, 0 or more.
    alpha : error of each of the two, over all looks.
    periods_per_year : sessions a year.
    start : known values before the first answer.

    Raises
    ------
    ValueError : a margin below 0 or not finite, `periods_per_year` not above 0, and as
        `confidence_sequence`.

    >>> found = harm(np.tile([0.41, -0.4], 252), margin_annual=1.0, alpha=0.05)
    >>> int(np.argmax(found.not_inferior)), found.harmful.any(), found.lower_annual[-1].round(3)
    (268, np.False_, np.float64(-0.734))
    """
    if not (math.isfinite(margin_annual) and margin_annual >= 0.0):
        raise ValueError(f"a margin of {margin_annual} is no finite number of 0 or more")
    if not (math.isfinite(periods_per_year) and periods_per_year > 0.0):
        raise ValueError(f"{periods_per_year} sessions a year are not above 0")
    annual = math.sqrt(periods_per_year)
    lower = annual * confidence_sequence(differences, alpha, start, "lower").lower
    upper = annual * confidence_sequence(differences, alpha, start, "upper").upper
    # A bound at the margin itself reaches it; comparisons with NaN are False.
    not_inferior = lower >= -margin_annual - 1e-9 * margin_annual
    return Harm(not_inferior, upper < 0.0, lower, upper)
