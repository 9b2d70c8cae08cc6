"""The top-minus-bottom book of a set of scores, after costs.

Timing. A score at session t is known after t's close. It is traded at the close of session
t + lag, and earns from there on: the first return it touches is that of session t + lag + 1 (close
t + lag to close t + lag + 1), the last that of t + lag + horizon. The book is ``horizon``
overlapping sleeves of 1 / horizon each (Jegadeesh & Titman 1993), so in every session one sleeve
is renewed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shadowbook.core.stats.ranks import tie_spans
from shadowbook.core.values import Floats


@dataclass(frozen=True, eq=False)
class Book:
    """What the book held and earned, session by session; (T,), NaN where it was not open.

    Attributes
    ----------
    weights : (T, N) share of capital held through the session's return.
    gross : simple return before costs.
    net : after costs; a trade's cost falls in the first session it earns in.
    turnover : notional traded at the close before the session, as a share of capital.
    """

    weights: Floats
    gross: Floats
    net: Floats
    turnover: Floats


def target_weights(scores: Floats, top_fraction: float, min_names: int) -> Floats:
    """Equal weights in the best and worst names of each session.

    Parameters
    ----------
    scores : (T, N); NaN = not rated.
    top_fraction : share of the rated names on each side, at most 0.5; at least one name.
    min_names : sessions with fewer rated names hold nothing.

    Returns
    -------
    (T, N); the best names sum to 1 and the worst to -1, nothing elsewhere. Names tied across the
    border share its places, so equal scores never lean on the order of the symbols.

    >>> target_weights(np.array([[3.0, 1.0, 2.0, np.nan]]), 0.34, 3)
    array([[ 1., -1.,  0.,  0.]])
    """
    spans = tie_spans(scores)
    counts = spans.counts[:, None]
    places: Floats = np.maximum(np.floor(counts * top_fraction * (1.0 + 1e-9)), 1.0)
    group = spans.last - spans.first + 1.0
    from_top = np.clip(spans.last - np.maximum(spans.first, counts - places) + 1.0, 0.0, None)
    from_bottom = np.clip(np.minimum(spans.last, places - 1.0) - spans.first + 1.0, 0.0, None)
    weights = (from_top - from_bottom) / (group * places)
    held: Floats = np.where(np.isnan(scores) | (counts < max(min_names, 2)), 0.0, weights)
    return held


def run_book(
    targets: Floats, prices: Floats, horizon: int, execution_lag: int, cost_bps: float
) -> Book:
    """Hold the targets in overlapping sleeves and count what they earn and cost.

    Parameters
    ----------
    targets : (T, N) weights decided after each session's close; 0 = nothing.
    prices : (T, N); NaN = missing. A position is carried at its last price until there is another.
    horizon : sessions a decision is held.
    execution_lag : sessions between decision and trade; 0 trades at the close decided on.
    cost_bps : cost of a trade, in basis points of its notional.

    Returns
    -------
    Book. Trades are counted against the weights as the prices moved them, so holding a target
    still costs its rebalancing. The book is open from the first session that can earn to the
    session after the last one, which carries the cost of the last sale.
    """
    n_sessions = len(targets)
    held = np.zeros(targets.shape)
    for age in range(horizon):
        delay = execution_lag + 1 + age
        if delay < n_sessions:
            held[delay:] += targets[: n_sessions - delay]
    held /= horizon
    returns = _carried_returns(prices)
    gross = (held * returns).sum(axis=1)
    drifted = np.zeros(targets.shape)
    grown = held[:-1] * (1.0 + returns[:-1])
    # The capital the weights are shares of; a book that lost it all has no drift to trade.
    capital = 1.0 + gross[:-1, None]
    np.divide(grown, capital, out=drifted[1:], where=capital > 0.0)
    turnover = np.abs(held - drifted).sum(axis=1)
    net = gross - turnover * (cost_bps / 1e4)
    decided = np.flatnonzero((targets != 0.0).any(axis=1))
    start, stop = n_sessions, n_sessions
    if len(decided):
        start = int(decided[0]) + execution_lag + 1
        stop = int(decided[-1]) + execution_lag + horizon + 2  # the last sleeve's sale included
    for series in (gross, net, turnover):
        series[:start] = np.nan
        series[stop:] = np.nan
    return Book(held, gross, net, turnover)


def _carried_returns(prices: Floats) -> Floats:
    """Take simple returns of the last known prices; 0 where there is none yet."""
    known = np.isfinite(prices) & (prices > 0.0)
    rows = np.where(known, np.arange(len(prices))[:, None], 0)
    carried = np.take_along_axis(prices, np.maximum.accumulate(rows, axis=0), axis=0)
    returns = np.zeros(prices.shape)
    usable = np.isfinite(carried[1:]) & (carried[:-1] > 0.0)
    np.divide(carried[1:], carried[:-1], out=returns[1:], where=usable)
    returns[1:][usable] -= 1.0
    return returns
