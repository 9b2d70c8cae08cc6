"""Pieces of evidence in the market: its states, its plain factors, and what trading costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.diagnosis.context import Context
from shadowbook.core.diagnosis.evidence import Expected, Piece, likelihoods
from shadowbook.core.diagnosis.findings import Mechanism
from shadowbook.core.stats.change_point import linear_trend
from shadowbook.core.stats.growth import equity_curve
from shadowbook.core.stats.windows import rolling_spread
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats, Sessions

VOLATILITY_WINDOW = 21
TREND_WINDOW = 126
_FEWEST = 42
"""Sessions that a state, or a half of live, must have."""

_FOLLOWS_OTHERS = (1.0, 0.12)
_REGIME_SPREAD = 0.25


def _crowding_only(crowding: tuple[float, float], others: tuple[float, float]) -> Expected:
    return {m: crowding if m is Mechanism.CROWDING else others for m in Mechanism}


_CORRELATION = _crowding_only((0.35, 0.2), (0.08, 0.12))
"""Rise of the largest absolute correlation with a plain factor, above what it was before."""

_COST = _crowding_only((0.5, 0.35), (0.0, 0.12))
"""Rise of the logarithm of cost by turnover, from the first half of live to the second."""


@dataclass(frozen=True)
class _State:
    """A state of the market and what the book knew in each of its two sides.

    ``promised`` is live's mean coefficient, had each state paid what it paid in the backtest, over
    the backtest's mean; ``distance`` how many errors the two sides differ in the backtest.
    """

    name: str
    promised: float
    error: float
    distance: float
    shares: tuple[float, float]


def market_pieces(backtest: Backtest, live: LiveRecord, context: Context) -> list[Piece]:
    """Take the states of the market, the correlation with plain factors and the cost of trading.

    Pieces without likelihoods could not be computed, and say so.
    """
    return [_states(backtest, live, context), _factors(backtest, live, context), _costs(live)]


def high_volatility(market_returns: Floats) -> Floats:
    """Tell sessions whose trailing volatility is above its median over the whole span.

    Parameters
    ----------
    market_returns : (M,); NaN = missing.

    Returns
    -------
    (M,) 1 above, 0 not, NaN where a window of 21 sessions has a missing return. The session's own
    return is in its window: scores are made after the close.
    """
    squares = rolling_spread(market_returns, VOLATILITY_WINDOW).squares
    known = np.isfinite(squares)
    if not known.any():
        return squares
    return np.where(known, squares > np.median(squares[known]), np.nan).astype(np.float64)


def rising(market_returns: Floats) -> Floats:
    """Tell sessions after which the market stands above where it stood 126 sessions before.

    Shapes and NaN as in `high_volatility`.
    """
    level = equity_curve(market_returns)
    state = np.full(len(level), np.nan)
    state[TREND_WINDOW:] = level[TREND_WINDOW:] > level[:-TREND_WINDOW]
    return state


def _states(backtest: Backtest, live: LiveRecord, context: Context) -> Piece:
    name = "market states"
    before = linear_trend(backtest.information_coefficient, backtest.horizon)
    after = linear_trend(live.information_coefficient, backtest.horizon)
    if not (before.level > 2.0 * before.level_error and math.isfinite(after.level)):
        unknown = "performance by market states cannot be compared"
        return Piece(name, math.nan, unknown)
    states = []
    for what, values in (
        ("volatile", high_volatility(context.market_returns)),
        ("rising", rising(context.market_returns)),
    ):
        state = _state(what, values, backtest, live, context.sessions)
        if state:
            states.append(state)
    if not states:
        return Piece(name, math.nan, "the market's states over backtest and live are not known")
    state = max(states, key=lambda s: abs(s.distance))
    level = after.level / before.level
    level_error = after.level_error / before.level
    expected = dict.fromkeys(Mechanism, _FOLLOWS_OTHERS)
    expected[Mechanism.REGIME_CHANGE] = (level, math.hypot(_REGIME_SPREAD, level_error))
    sentence = (
        f"the backtest pays {abs(state.distance):.1f} standard errors "
        f"{'more' if state.distance > 0.0 else 'less'} in {state.name} markets, "
        f"{state.shares[0]:.0%} of its sessions and {state.shares[1]:.0%} of live's: that alone "
        f"promises live {state.promised:.0%} of the backtest, and it got {level:.0%}"
    )
    found = likelihoods(state.promised, state.error, expected)
    return Piece(name, state.promised, sentence, found)


def _state(
    name: str, values: Floats, backtest: Backtest, live: LiveRecord, sessions: Sessions
) -> _State | None:
    before = aligned(backtest.sessions, sessions, values)
    after = aligned(live.sessions, sessions, values)
    coefficients = backtest.information_coefficient
    known = np.isfinite(before) & np.isfinite(coefficients)
    spent = after[np.isfinite(after) & np.isfinite(live.information_coefficient)]
    on, off = known & (before == 1.0), known & (before == 0.0)
    if min(on.sum(), off.sum()) < _FEWEST or len(spent) < _FEWEST:
        return None
    means = [float(coefficients[side].mean()) for side in (on, off)]
    # Neighbors in a state share their outcomes: each side keeps its rows in time order.
    errors = [linear_trend(coefficients[side], backtest.horizon).level_error for side in (on, off)]
    overall = float(coefficients[known].mean())
    difference, error = means[0] - means[1], math.hypot(*errors)
    share, live_share = float(before[known].mean()), float(spent.mean())
    if not (overall > 0.0 and error > 0.0):
        return None
    return _State(
        name,
        1.0 + (live_share - share) * difference / overall,
        abs(live_share - share) * error / overall,
        difference / error,
        (share, live_share),
    )


def aligned(wanted: Sessions, sessions: Sessions, values: Floats) -> Floats:
    """Read values at the wanted sessions; NaN where a session is not there.

    >>> days = np.array(["2020-01-02", "2020-01-03"], dtype="datetime64[D]")
    >>> aligned(days[1:], days, np.array([1.0, 2.0]))
    array([2.])
    """
    found = np.full(len(wanted), np.nan)
    if not len(sessions):
        return found
    at = np.minimum(np.searchsorted(sessions, wanted), len(sessions) - 1)
    there: NDArray[np.bool_] = sessions[at] == wanted
    found[there] = values[at[there]]
    return found


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
