"""Pieces of evidence in the market: its plain factors, and what trading costs."""

from __future__ import annotations

import math

import numpy as np

from shadowbook.core.diagnosis.context import Context
from shadowbook.core.diagnosis.evidence import Expected, Piece, likelihoods
from shadowbook.core.diagnosis.evidence_states import aligned
from shadowbook.core.diagnosis.findings import Mechanism
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats

_FEWEST = 42
"""Sessions that a half of live must have."""


def _crowding_only(crowding: tuple[float, float], others: tuple[float, float]) -> Expected:
    return {m: crowding if m is Mechanism.CROWDING else others for m in Mechanism}


_CORRELATION = _crowding_only((0.35, 0.2), (0.08, 0.12))
"""Rise of the largest absolute correlation with a plain factor, above what it was before."""

_COST = _crowding_only((0.5, 0.35), (0.0, 0.12))
"""Rise of the logarithm of cost by turnover, from the first half of live to the second."""


def market_pieces(backtest: Backtest, live: LiveRecord, context: Context) -> list[Piece]:
    """Take the correlation with plain factors and the cost of trading.

    Pieces without likelihoods could not be computed, and say so.
    """
    return [_factors(backtest, live, context), _costs(live)]


def _factors(backtest: Backtest, live: LiveRecord, context: Context) -> Piece:
    name = "correlation with a plain factor"
    late = np.arange(len(live.sessions)) >= len(live.sessions) // 2
    rises: list[tuple[float, float, float, float, str]] = []
    for factor, values in {"market": context.market_returns, **context.factor_returns}.items():
        before = aligned(backtest.sessions, context.sessions, values)
        after = aligned(live.sessions, context.sessions, values)
        usual, _ = _correlation(backtest.signal, before)
        lately, error = _correlation(live.signal[late], after[late])
        if math.isfinite(usual) and math.isfinite(lately):
            rises.append((abs(lately) - abs(usual), error, usual, lately, factor))
    if not rises:
        sentence = "no plain factor is known over backtest and live"
        return Piece(name, math.nan, sentence)
    rise, error, usual, lately, factor = max(rises)
    sentence = (
        f"correlation with {factor} is {lately:.2f} in the second half of live, {usual:.2f} in "
        "the backtest"
    )
    return Piece(name, rise, sentence, likelihoods(rise, error, _CORRELATION))


def _correlation(returns: Floats, factor: Floats) -> tuple[float, float]:
    """Pearson's correlation and its error, 1 / sqrt(T); NaN with fewer than 42 pairs."""
    paired = np.isfinite(returns) & np.isfinite(factor)
    left, right = returns[paired], factor[paired]
    if len(left) < _FEWEST or not min(left.std(), right.std()) > 1e-12:
        return math.nan, math.nan
    return float(np.corrcoef(left, right)[0, 1]), 1.0 / math.sqrt(len(left))


def _costs(live: LiveRecord) -> Piece:
    name, half = "cost of trading", len(live.sessions) // 2
    known = np.isfinite(live.cost) & np.isfinite(live.turnover)
    cost = np.where(known, -live.cost, 0.0)
    traded = np.where(known, live.turnover, 0.0)
    spans = (slice(None, half), slice(half, None))
    paid = [float(cost[span].sum()) for span in spans]
    volume = [float(traded[span].sum()) for span in spans]
    if min(len(live.sessions[span]) for span in spans) < _FEWEST or not min(*paid, *volume) > 0.0:
        return Piece(name, math.nan, "the cost of trading over live cannot be compared")
    first, second = (1e4 * p / v for p, v in zip(paid, volume, strict=True))
    rise = math.log(second / first)
    sentence = f"trading cost {first:.1f} basis points in the first half of live, {second:.1f} then"
    return Piece(name, rise, sentence, likelihoods(rise, 0.05, _COST))
