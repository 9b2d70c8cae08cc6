"""The states of the market, and what a book knew and was paid in each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

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
SIDES = 4
"""Sides of a state in which an edge is looked for: volatile or calm, rising or falling."""
_FEWEST = 42
"""Sessions that each side of a state must have."""
_LEVEL = 0.01
_TOLD_APART = float(ndtri(1.0 - _LEVEL / SIDES))
"""Errors by which the sides of a state differ: Bonferroni, two states and two signs."""

_FOLLOWS_OTHERS = (1.0, 0.12)
_REGIME_SPREAD = 0.25


@dataclass(frozen=True, eq=False)
class State:
    """A state of the market and what the book knew in each of its two sides.

    Attributes
    ----------
    name : of its side of ones, such as ``volatile``.
    opposite : of its side of zeros.
    promised, error : live's mean coefficient, had each side paid what it paid in the backtest,
        over the backtest's mean; and its standard error.
    distance : how many errors the side of ones paid more than the other in the backtest.
    shares : of sessions on the side of ones, in the backtest and in live.
    better : (S,) True in the backtest's sessions on the side that paid more.
    """

    name: str
    opposite: str
    promised: float
    error: float
    distance: float
    shares: tuple[float, float]
    better: NDArray[np.bool_]

    @property
    def tells(self) -> bool:
        """Whether the backtest's coefficients differ by it beyond doubt (1 %, all looks)."""
        return abs(self.distance) >= _TOLD_APART

    @property
    def better_name(self) -> str:
        """Name of the side that paid more."""
        return self.name if self.distance > 0.0 else self.opposite


def strongest_state(backtest: Backtest, live: LiveRecord, context: Context) -> State | None:
    """Find the state that separates the backtest's coefficients most.

    Returns
    -------
    State; None where the market is not known, a side or live has fewer than 42 sessions, or the
    backtest's mean coefficient is not above 0.
    """
    volatile, up = high_volatility(context.market_returns), rising(context.market_returns)
    looks = (("volatile", "calm", volatile), ("rising", "falling", up))
    found = [
        _state((name, opposite), values, backtest, live, context.sessions)
        for name, opposite, values in looks
    ]
    return max(filter(None, found), key=lambda s: abs(s.distance), default=None)


def state_piece(backtest: Backtest, live: LiveRecord, state: State | None) -> Piece:
    """Set what live got against what the states it was in had promised.

    Without likelihoods where it cannot be computed.
    """
    name = "market states"
    before = linear_trend(backtest.information_coefficient, backtest.horizon)
    after = linear_trend(live.information_coefficient, backtest.horizon)
    if not (before.level > 2.0 * before.level_error and math.isfinite(after.level)):
        return Piece(name, math.nan, "performance by market states cannot be compared")
    if state is None:
        return Piece(name, math.nan, "the market's states over backtest and live are not known")
    level, level_error = after.level / before.level, after.level_error / before.level
    expected: Expected = {
        **dict.fromkeys(Mechanism, _FOLLOWS_OTHERS),
        Mechanism.REGIME_CHANGE: (level, math.hypot(_REGIME_SPREAD, level_error)),
    }
    sentence = (
        f"the backtest pays {abs(state.distance):.1f} standard errors "
        f"{'more' if state.distance > 0.0 else 'less'} in {state.name} markets, "
        f"{state.shares[0]:.0%} of its sessions and {state.shares[1]:.0%} of live's: that alone "
        f"promises live {state.promised:.0%} of the backtest, and it got {level:.0%}"
    )
    found = likelihoods(state.promised, state.error, expected)
    return Piece(name, state.promised, sentence, found)


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


def _state(
    names: tuple[str, str],
    values: Floats,
    backtest: Backtest,
    live: LiveRecord,
    sessions: Sessions,
) -> State | None:
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
    return State(
        *names,
        1.0 + (live_share - share) * difference / overall,
        abs(live_share - share) * error / overall,
        difference / error,
        (share, live_share),
        before == (1.0 if difference > 0.0 else 0.0),
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
