"""The error that a strategy may spend in a calendar year, over all its challengers.

Twelve challengers a year that are each tested at 5 % are twelve chances: one that is no better gets
through in 46 % of years, if they are independent. Here each next one gets a smaller share of one
year's error, and the shares sum up to less than the whole however many come. The union bound
(Bonferroni) then holds whatever the challengers have in common: the chance of any false promotion
in the year is at most the sum of what was spent.
"""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class BudgetPolicy(BaseModel):
    """How much error a strategy has a calendar year, and how it is shared out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    alpha_a_year: float = Field(
        default=0.05, gt=0.0, le=0.5, description="chance of a false promotion a strategy and year"
    )
    first_share: float = Field(
        default=0.25,
        gt=0.0,
        lt=1.0,
        description="share of what is left of the year's alpha that each next challenger gets",
    )
    shadow_share: float = Field(
        default=0.2,
        gt=0.0,
        lt=1.0,
        description="share of a challenger's alpha that its shadow has; its history has the rest",
    )


class AlphaSplit(NamedTuple):
    """A challenger's alpha by the evidence that may spend it; they sum up to the whole."""

    history: float
    shadow: float


def alpha_of(position: int, policy: BudgetPolicy) -> float:
    """Return the alpha of the k-th challenger of a strategy's calendar year.

    alpha first_share (1 - first_share)^(k - 1): a fixed sequence of shares that sums up to less
    than one, as in alpha spending (Foster & Stine 2008, without earning any back).

    Parameters
    ----------
    position : k, 1 for the year's first.
    policy : the year's alpha and the shares.

    Raises
    ------
    ValueError : a position below 1.

    >>> [round(alpha_of(k, BudgetPolicy()), 6) for k in (1, 2, 12)]
    [0.0125, 0.009375, 0.000528]
    """
    if position < 1:
        raise ValueError(f"a position of {position} is below 1")
    return policy.alpha_a_year * policy.first_share * (1.0 - policy.first_share) ** (position - 1)


def spent(n: int, policy: BudgetPolicy) -> float:
    """Return what the first n challengers of the year have together.

    Raises
    ------
    ValueError : `n` below 0.

    >>> round(spent(12, BudgetPolicy()), 6)
    0.048416
    """
    return policy.alpha_a_year - left(n, policy)


def left(n: int, policy: BudgetPolicy) -> float:
    """Return what n challengers leave of the year's alpha; never all gone.

    Raises
    ------
    ValueError : `n` below 0.

    >>> left(0, BudgetPolicy()), round(left(12, BudgetPolicy()), 6)
    (0.05, 0.001584)
    """
    if n < 0:
        raise ValueError(f"{n} challengers are fewer than none")
    return policy.alpha_a_year * (1.0 - policy.first_share) ** n


def split(alpha: float, policy: BudgetPolicy) -> AlphaSplit:
    """Split a challenger's alpha between its history and its shadow, either of which may decide.

    By the union bound the chance that either wrongly does is at most `alpha`.

    Parameters
    ----------
    alpha : of the challenger, `alpha_of`.
    policy : the shadow's share.

    >>> [round(part, 6) for part in split(0.0125, BudgetPolicy())]
    [0.01, 0.0025]
    """
    shadow = alpha * policy.shadow_share
    return AlphaSplit(alpha - shadow, shadow)
