"""A challenger's shadow book beside the champion's, session by session."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from shadowbook.core.promotion.matched import (
    sharpe_influence_differences,
    volatility_matched_differences,
)
from shadowbook.core.promotion.sequential import Side, confidence_sequence
from shadowbook.core.promotion.sharpe_differences import sharpe_difference
from shadowbook.core.stats.hac import bandwidth, mean_standard_error
from shadowbook.core.values import Floats, Sessions


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Both books over the sessions that the shadow has run; arrays (T,), NaN = not known.

    Attributes
    ----------
    sessions : trading days, ascending.
    challenger, champion : net returns.
    challenger_cost, champion_cost : part of them, at most 0.
    challenger_turnover, champion_turnover : notional traded over equity.
    correlation : rank correlation of both models' scores.
    agreement : share of positions in common.
    """

    sessions: Sessions
    challenger: Floats
    champion: Floats
    challenger_cost: Floats
    champion_cost: Floats
    challenger_turnover: Floats
    champion_turnover: Floats
    correlation: Floats
    agreement: Floats


@dataclass(frozen=True, eq=False)
class ShadowEvidence:
    """What a shadow book says; annual Sharpe ratios, NaN where it cannot be computed.

    Attributes
    ----------
    n_sessions : in which both have a return.
    effect : challenger less champion.
    p_value : one-sided, of one look.
    lower_bound : of its lead at all looks together, at its share of alpha.
    not_inferior_bound, harm_bound : lower and upper bound of its lead at the level of safety.
    parity_p_value : two-sided, of H0: the lead is that of history.
    signal_correlation, position_agreement : means.
    drawdown_ratio, cost_ratio, turnover_ratio : challenger's over the champion's.
    """

    n_sessions: int = 0
    effect: float = math.nan
    p_value: float = math.nan
    lower_bound: float = math.nan
    not_inferior_bound: float = math.nan
    harm_bound: float = math.nan
    parity_p_value: float = math.nan
    signal_correlation: float = math.nan
    position_agreement: float = math.nan
    drawdown_ratio: float = math.nan
    cost_ratio: float = math.nan
    turnover_ratio: float = math.nan


def shadow_evidence(
    record: SideBySide,
    alpha: float,
    safety_alpha: float,
    history: tuple[float, float] | None = None,
    periods_per_year: int = 252,
) -> ShadowEvidence:
    """Measure a shadow book as of its newest session.

    Parameters
    ----------
    alpha : what the claim that it is better may cost, over all looks; NaN: no claim is made.
    safety_alpha : likewise of the claims that it does no harm, and that it does.
    history : annual lead in walk forward and its standard error; None: nothing to compare with.
    """
    known = np.isfinite(record.challenger) & np.isfinite(record.champion)
    n = int(known.sum())
    if n < 2:
        return ShadowEvidence(n_sessions=n)
    year = math.sqrt(periods_per_year)
    own, its = record.challenger[known], record.champion[known]
    pair = sharpe_difference(own, its, "ledoit_wolf_hac")
    lead = pair.difference * year
    matched = volatility_matched_differences(own, its)
    lower = _bound(matched, alpha, "lower", year)
    return ShadowEvidence(
        n_sessions=n,
        effect=lead,
        p_value=pair.p_value / 2.0 if lead > 0.0 else 1.0 - pair.p_value / 2.0,
        lower_bound=lower,
        not_inferior_bound=_bound(matched, safety_alpha, "lower", year),
        harm_bound=_bound(matched, safety_alpha, "upper", year),
        parity_p_value=_parity(own, its, history, year),
        signal_correlation=_mean(record.correlation),
        position_agreement=_mean(record.agreement),
        drawdown_ratio=_ratio(_deepest(own), _deepest(its)),
        cost_ratio=_ratio(_mean(record.challenger_cost[known]), _mean(record.champion_cost[known])),
        turnover_ratio=_ratio(
            _mean(record.challenger_turnover[known]), _mean(record.champion_turnover[known])
        ),
    )


def position_agreement(challenger: Floats, champion: Floats) -> float:
    """Share of two portfolios that is held in common, whatever their sizes.

    1 - sum |a - b| / 2 of weights that are scaled to a gross exposure of 1 each: 1 for the same
    portfolio, 0 where nothing is held in common. A name that one holds long and the other short is
    not held in common.

    Parameters
    ----------
    challenger, champion : (N,) signed weights; NaN counts as not held.

    Returns
    -------
    0 to 1; NaN where one of them holds nothing.

    >>> position_agreement(np.array([0.5, -0.5]), np.array([1.0, -1.0]))
    1.0
    >>> position_agreement(np.array([0.5, -0.5]), np.array([-1.0, 1.0]))
    0.0
    """
    a, b = np.nan_to_num(challenger, nan=0.0), np.nan_to_num(champion, nan=0.0)
    gross = float(np.abs(a).sum()), float(np.abs(b).sum())
    if not min(gross) > 0.0:
        return math.nan
    return max(1.0 - 0.5 * float(np.abs(a / gross[0] - b / gross[1]).sum()), 0.0)


def _bound(matched: Floats, alpha: float, side: Side, year: float) -> float:
    if not 0.0 < alpha < 1.0:
        return math.nan
    found = confidence_sequence(matched, alpha, side=side)
    bounds = found.lower if side == "lower" else found.upper
    return float(bounds[-1]) * year if len(bounds) else math.nan


def _parity(own: Floats, its: Floats, history: tuple[float, float] | None, year: float) -> float:
    if history is None or not all(math.isfinite(value) for value in history):
        return math.nan
    leads = sharpe_influence_differences(own, its)
    error = mean_standard_error(leads, bandwidth(len(leads))) * year
    together = math.hypot(error, history[1])
    if not (math.isfinite(together) and together > 0.0):
        return math.nan
    return float(2.0 * ndtr(-abs(float(leads.mean()) * year - history[0]) / together))


def _deepest(returns: Floats) -> float:
    """Deepest drawdown from a base of 1, at most 0."""
    value = np.cumprod(np.maximum(1.0 + returns, 0.0))
    peak = np.maximum.accumulate(np.maximum(value, 1.0))
    return float((value / peak - 1.0).min(initial=0.0))


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _ratio(own: float, its: float) -> float:
    """NaN where there is nothing to compare with; 0 over 0 is no difference."""
    if own == its == 0.0:
        return 1.0
    return own / its if math.isfinite(own) and math.isfinite(its) and its != 0.0 else math.nan
