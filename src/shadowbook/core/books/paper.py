"""A book on paper: the portfolio that scores lead to, and what it would have earned.

The same construction as a running book's, in shares of equity: no lots, no no-trade band, no cap by
volume. It is what a version promises before its launch, in the size that it will be run at.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from shadowbook.core.books.construction import (
    PortfolioPolicy,
    combined,
    net_limited,
    sleeve,
    volatility_scale,
)
from shadowbook.core.values import Floats


@dataclass(frozen=True, eq=False)
class PaperBook:
    """What it earned, (T,); NaN before it can earn.

    Attributes
    ----------
    signal : simple return of the portfolio decided at the close before, for nothing.
    gross : of the portfolio decided a session earlier still: trading waits for the next close.
    net : after costs.
    turnover : notional traded at the session's close, share of equity.
    """

    signal: Floats
    gross: Floats
    net: Floats
    turnover: Floats


def paper_book(
    scores: Floats, prices: Floats, n_sleeves: int, policy: PortfolioPolicy, cost_bps: float
) -> PaperBook:
    """Run a portfolio through sessions.

    Parameters
    ----------
    scores : (T, N), known after each session's close; NaN = not rated.
    prices : (T, N); NaN = missing. A holding is carried at its last price.
    n_sleeves : sessions a decision is held.
    cost_bps : of traded notional.
    """
    weights = _decided(scores, prices, n_sleeves, policy)
    returns = _carried_returns(prices)
    n_sessions = len(scores)
    signal, gross, turnover = (np.full(n_sessions, np.nan) for _ in range(3))
    decided = np.flatnonzero(weights.any(axis=1))
    start = int(decided[0]) + 1 if len(decided) else n_sessions
    before = np.zeros(weights.shape)
    before[2:] = weights[:-2]
    signal[1:] = (weights[:-1] * returns[1:]).sum(axis=1)
    gross[1:] = (before[1:] * returns[1:]).sum(axis=1)
    grown = before[1:] * (1.0 + returns[1:])
    capital = 1.0 + gross[1:, None]
    drifted = np.divide(grown, capital, out=np.zeros(grown.shape), where=capital > 0.0)
    turnover[1:] = np.abs(weights[:-1] - drifted).sum(axis=1)
    for series in (signal, gross, turnover):
        series[:start] = np.nan
    return PaperBook(signal, gross, gross - turnover * (cost_bps / 1e4), turnover)


def _decided(scores: Floats, prices: Floats, n_sleeves: int, policy: PortfolioPolicy) -> Floats:
    """(T, N) share of equity decided after each close; a session that cannot decide keeps it."""
    sleeves: deque[Floats] = deque(maxlen=n_sleeves)
    weights = np.zeros(scores.shape)
    priced = np.isfinite(prices) & (prices > 0.0)
    for row in range(len(scores)):
        known = np.isfinite(scores[row])
        n_rated = int(known.sum())
        most = max([int((one != 0.0).sum()) for one in sleeves], default=0)
        if n_rated < max(policy.min_names, policy.min_rated_share * most * (1.0 - 1e-9)):
            weights[row] = weights[row - 1] if row else 0.0
            continue
        own = np.zeros(scores.shape[1])
        own[known] = sleeve(scores[row, known], policy)
        sleeves.append(own)
        held = [np.where(priced[row], one, 0.0) for one in sleeves]
        wanted = net_limited(combined(held, n_sleeves), policy.max_net)
        history = prices[max(row - policy.volatility_sessions, 0) : row + 1]
        weights[row] = wanted * volatility_scale(wanted, history, policy)
    return weights


def _carried_returns(prices: Floats) -> Floats:
    """Take simple returns of the last known prices; 0 where there is none yet."""
    known = np.isfinite(prices) & (prices > 0.0)
    rows = np.where(known, np.arange(len(prices))[:, None], 0)
    carried = np.take_along_axis(prices, np.maximum.accumulate(rows, axis=0), axis=0)
    returns = np.zeros(prices.shape)
    usable = np.isfinite(carried[1:]) & (carried[1:] > 0.0) & (carried[:-1] > 0.0)
    np.divide(carried[1:], carried[:-1], out=returns[1:], where=usable)
    returns[1:][usable] -= 1.0
    return returns
