"""How a shadow book's lead, and the bounds of it, came about session by session."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.promotion.case import Case
from shadowbook.core.promotion.court_policy import CourtPolicy
from shadowbook.core.promotion.matched import volatility_matched_differences
from shadowbook.core.promotion.sequential import Side, confidence_sequence
from shadowbook.core.promotion.shadow import SideBySide
from shadowbook.core.promotion.sharpe_differences import sharpe_difference
from shadowbook.core.stats.growth import equity_curve
from shadowbook.core.values import Floats, Sessions


@dataclass(frozen=True, eq=False)
class LeadPath:
    """What was known after each session that both books have run; arrays (T,), NaN = nothing yet.

    A session without a return of both books is no look: everything stays as it was.

    Attributes
    ----------
    sessions : trading days, ascending.
    lead : annual Sharpe ratio, challenger's less champion's, over the sessions so far.
    claim_lower : lower bound of the lead at all looks together, at the shadow's share of alpha; NaN
        everywhere for a refresh, which claims nothing.
    safe_lower, safe_upper : bounds at the level of safety, one-sided each.
    challenger, champion : what 1 in each book grew to after costs.
    """

    sessions: Sessions
    lead: Floats
    claim_lower: Floats
    safe_lower: Floats
    safe_upper: Floats
    challenger: Floats
    champion: Floats


def lead_path(
    record: SideBySide, case: Case, policy: CourtPolicy, periods_per_year: int = 252
) -> LeadPath:
    """Return the lead and its bounds as they stood after each session.

    The same functions as in `shadow_evidence`, so the last values are those that the court judges
    by. Lead and bounds are of two estimates: the difference of both Sharpe ratios so far, and the
    mean of volatility-matched differences, of which alone a value never changes when later sessions
    come. They agree where volatility is steady.

    Parameters
    ----------
    record : both books side by side.
    case : whose claim has an alpha.
    policy : with the level of safety.

    >>> days = np.datetime64("2024-01-01") + np.arange(30)
    >>> own, its = np.tile([0.02, -0.01], 15), np.tile([0.01, -0.01, 0.0], 10)
    >>> record = SideBySide(days, own, its, *([np.zeros(30)] * 6))
    >>> case = Case("weekly", 1, 2, "replacement", alpha_shadow=0.0025)
    >>> path = lead_path(record, case, CourtPolicy())
    >>> path.lead[[8, 9, 29]].round(1), path.champion[-1].round(3)
    (array([nan, 3.2, 5.2]), np.float64(0.999))
    """
    known = np.isfinite(record.challenger) & np.isfinite(record.champion)
    own, its = record.challenger[known], record.champion[known]
    year = math.sqrt(periods_per_year)
    matched = volatility_matched_differences(own, its)
    claim = case.alpha_shadow if case.kind == "replacement" else math.nan
    safety = policy.safety_alpha

    def spread(values: Floats) -> Floats:
        return _held(values * year, known)

    return LeadPath(
        sessions=record.sessions,
        lead=spread(_leads(own, its)),
        claim_lower=spread(_bounds(matched, claim, "lower")),
        safe_lower=spread(_bounds(matched, safety, "lower")),
        safe_upper=spread(_bounds(matched, safety, "upper")),
        challenger=equity_curve(np.where(known, record.challenger, np.nan)),
        champion=equity_curve(np.where(known, record.champion, np.nan)),
    )


def _leads(own: Floats, its: Floats) -> Floats:
    """Difference of the Sharpe ratios over the first 1, 2, ... values."""
    looks = range(1, len(own) + 1)
    found = [sharpe_difference(own[:n], its[:n], "ledoit_wolf_hac").difference for n in looks]
    return np.array(found, dtype=np.float64)


def _bounds(matched: Floats, alpha: float, side: Side) -> Floats:
    if not 0.0 < alpha < 1.0:
        return np.full(len(matched), np.nan)
    found = confidence_sequence(matched, alpha, side=side)
    return found.lower if side == "lower" else found.upper


def _held(values: Floats, known: NDArray[np.bool_]) -> Floats:
    """Spread values by known session over all; before the first one there is none."""
    held: Floats = np.concatenate([[np.nan], values])[np.cumsum(known)]
    return held
