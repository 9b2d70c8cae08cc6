"""From scores to the portfolio a strategy wants.

Each session's scores become a *sleeve*: weights by rank, capped, at the strategy's gross limit. A
strategy that looks h sessions ahead holds the mean of its last h sleeves (Jegadeesh & Titman
1993), so the live book is the one that the walk-forward evaluation measures. The whole is scaled
down to the target volatility. Nothing here knows what is held; see `trading` for that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from shadowbook.core.stats.ranks import tie_spans
from shadowbook.core.values import Floats

PERIODS_PER_YEAR = 252.0


class PortfolioPolicy(BaseModel):
    """What a strategy may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["long_short", "long_only"] = Field(
        "long_short", description="long_short: best names bought, worst sold short, equal sums."
    )
    fraction: float = Field(
        0.5, gt=0.0, le=1.0, description="Share of the rated names held on a side; weights by rank."
    )
    max_gross: float = Field(
        1.0, gt=0.0, le=10.0, description="Most that longs and shorts add up to, share of equity."
    )
    max_net: float = Field(
        1.0, gt=0.0, le=10.0, description="Most that longs less shorts come to, share of equity."
    )
    max_position: float = Field(
        0.15, gt=0.0, le=1.0, description="Most of one symbol, share of equity."
    )
    volatility_target: float | None = Field(
        0.1, gt=0.0, le=5.0, description="Yearly; the book is scaled down to it. null: never."
    )
    volatility_sessions: int = Field(
        63, ge=10, le=1_000, description="Sessions of returns that volatility is taken from."
    )
    no_trade_band: float = Field(
        0.0025, ge=0.0, le=1.0, description="A smaller change of weight is not traded."
    )
    min_names: int = Field(
        5, ge=2, le=10_000, description="With fewer rated names the book keeps what it has."
    )
    min_rated_share: float = Field(
        0.8,
        gt=0.0,
        le=1.0,
        description="Rated names against the most of the sessions held; below it, it keeps what "
        "it has.",
    )
    delist_after_sessions: int = Field(
        5, ge=1, le=252, description="A holding without a price so long is closed at its last."
    )


def sleeve(scores: Floats, policy: PortfolioPolicy) -> Floats:
    """Weights by rank within the limits.

    Parameters
    ----------
    scores : (n,) of the rated names, without NaN; their order does not matter.

    Returns
    -------
    (n,) share of equity. Names with equal scores share the places that they span, so they get
    equal weights. Long and short add up to half of ``max_gross`` each (long-only: to the lower of
    ``max_gross`` and ``max_net``), less where ``max_position`` does not let so few names hold it
    and where names tied across the middle are both.

    >>> sleeve(np.array([3.0, 1.0, 2.0, 4.0]), PortfolioPolicy(max_position=1.0, min_names=2))
    array([ 0.125, -0.375, -0.125,  0.375])
    """
    n = len(scores)
    at = np.arange(1.0, n + 1.0)
    places = max(math.floor(n * policy.fraction * (1.0 + 1e-9)), 1)
    if policy.kind == "long_only":
        above = _shared(np.clip(at - (n - places), 0.0, None), scores)
        return _capped(above, min(policy.max_gross, policy.max_net), policy.max_position)
    best = np.where(at > n - places, np.clip(at - (n + 1) / 2.0, 0.0, None), 0.0)
    longs, shorts = _shared(best, scores), _shared(best[::-1], scores)
    half = policy.max_gross / 2.0
    bought = _capped(longs, half, policy.max_position)
    sold = _capped(shorts, half, policy.max_position)
    return net_limited(bought - sold, policy.max_net)


def net_limited(weights: Floats, max_net: float) -> Floats:
    """Shrink the larger side until longs less shorts are within the limit.

    Parameters
    ----------
    weights : (n,) share of equity; where there is none, 0 moves no bit of the others.

    >>> net_limited(np.array([0.5, -0.25]), 0.125)
    array([ 0.375, -0.25 ])
    """
    excess = math.fsum(weights)
    if abs(excess) <= max_net * (1.0 + 1e-9):
        return weights
    larger = weights * excess > 0.0
    total = math.fsum(np.abs(weights[larger]))
    shrunk: Floats = np.where(
        larger, weights * ((total - (abs(excess) - max_net)) / total), weights
    )
    return shrunk


def volatility_scale(weights: Floats, history: Floats, policy: PortfolioPolicy) -> float:
    """Factor, at most 1, that brings the weights down to the target volatility.

    Parameters
    ----------
    weights : (n,) share of equity.
    history : (S + 1, n) prices of the last sessions; NaN = missing. The volatility is that of
        what these weights would have returned in each of them (so correlations count), by the
        yearly root-time rule; a missing return counts as the mean of the session's others.

    Returns
    -------
    1 without a target, without weights, or where fewer than 10 returns are known.
    """
    if policy.volatility_target is None or len(history) < 11 or not weights.any():
        return 1.0
    held = weights != 0.0
    prices = np.ascontiguousarray(history[:, held])
    known = np.isfinite(prices) & (prices > 0.0)
    both = known[1:] & known[:-1]
    returns = np.zeros(both.shape)
    np.divide(prices[1:], prices[:-1], out=returns, where=both)
    returns[both] -= 1.0
    counts = both.sum(axis=1)
    used = counts > 0
    means = np.zeros(len(counts))
    np.divide(returns.sum(axis=1), counts, out=means, where=used)
    returns = np.where(both, returns, means[:, None])[used]
    if len(returns) < 10:
        return 1.0
    earned = (returns * weights[held]).sum(axis=1)
    volatility = float(earned.std(ddof=1)) * math.sqrt(PERIODS_PER_YEAR)
    return min(1.0, policy.volatility_target / volatility) if volatility > 0.0 else 1.0


def combined(sleeves: Sequence[Floats], n_sleeves: int) -> Floats:
    """Mean of the last sleeves, those not yet there counting as empty.

    Parameters
    ----------
    sleeves : at most ``n_sleeves`` of (n,), laid out on the same names.
    """
    total = np.zeros(len(sleeves[0]))
    for one in sleeves:
        total += one
    return total / n_sleeves


def _shared(by_place: Floats, scores: Floats) -> Floats:
    """Give each name the mean of the places, from the lowest score up, that its ties span."""
    spans = tie_spans(scores[None, :])
    first, last = spans.first[0].astype(np.int64), spans.last[0].astype(np.int64)
    up_to = np.concatenate([[0.0], np.cumsum(by_place)])
    shared: Floats = (up_to[last + 1] - up_to[first]) / (last - first + 1)
    return shared


def _capped(raw: Floats, total: float, cap: float) -> Floats:
    """Scale to ``total`` with no weight above ``cap``; what a capped name leaves goes to others."""
    order = np.argsort(-raw, kind="stable")
    sorted_raw = raw[order]
    positive = int((sorted_raw > 0.0).sum())
    weights = np.zeros(len(raw))
    if not positive:
        return weights
    if positive * cap <= total:
        weights[raw > 0.0] = cap
        return weights
    rest = float(sorted_raw[:positive].sum())
    for n_capped in range(positive):
        scale = (total - n_capped * cap) / rest
        if sorted_raw[n_capped] * scale <= cap * (1.0 + 1e-12):
            break
        rest -= float(sorted_raw[n_capped])
    scaled: Floats = np.minimum(raw * scale, cap)
    return scaled
