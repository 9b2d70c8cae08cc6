"""Bars on a grid of sessions by symbols: returns, own scales and ticks, as known at one moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shadowbook.core.gates.policy import MarketGatePolicy
from shadowbook.core.values import BAR_FIELDS, Floats, Sessions

NORMAL_MEAN_ABSOLUTE = 1.2533
"""Deviation over mean absolute value of a normal variable, sqrt(pi / 2)."""

TICK_CHANGES = 63
"""Nonzero price changes whose smallest is taken for the tick."""


@dataclass(frozen=True)
class Grid:
    """Known bars, one row per session of the calendar between the first and the last bar.

    Attributes
    ----------
    sessions : (T,) datetime64[D].
    symbols : N names, sorted.
    fields : name -> (T, N); NaN where missing.
    prices : (T, N) prices that returns are taken from; NaN where not finite and positive.
    returns : (T, N) log return since the symbol's previous price; NaN without one.
    residuals : (T, N) ``returns`` less the market's over the same sessions.
    scale : (T, N) the symbol's own deviation of one session, from sessions before it.
    tick : (T, N) the price's own step; NaN for a symbol whose price never changed.
    previous : (T, N) row of the symbol's previous price; -1 without one.
    """

    sessions: Sessions
    symbols: tuple[str, ...]
    fields: dict[str, Floats]
    prices: Floats
    returns: Floats
    residuals: Floats
    scale: Floats
    tick: Floats
    previous: NDArray[np.int64]

    @property
    def noise(self) -> Floats:
        """(T, N) own deviation widened by the tick, in log price."""
        before = np.take_along_axis(self.prices, np.maximum(self.previous, 0), axis=0)
        lower = np.fmin(self.prices, before)
        relative_tick: Floats = np.nan_to_num(self.tick / lower)
        widened: Floats = np.hypot(self.scale, relative_tick)
        return widened


def build_grid(
    known: pd.DataFrame, index: pd.Series, sessions: Sessions, policy: MarketGatePolicy
) -> Grid:
    """Lay bars on the calendar and measure returns, scales and ticks.

    Parameters
    ----------
    known : one row a (symbol, session), the newest version known.
    index : market level by session (datetime64 index); may be empty.
    sessions : the calendar's sessions; bars of other days are left out.

    Returns
    -------
    Grid over the calendar's sessions between the first and the last bar. Without an index the
    median return of five symbols or more stands for the market; with fewer, zero.
    """
    days = known["session"].to_numpy("datetime64[D]")
    sessions = sessions[(sessions >= days.min()) & (sessions <= days.max())]
    row = np.searchsorted(sessions, days)
    row[row == len(sessions)] = 0
    held = sessions[row] == days if len(sessions) else np.zeros(len(days), dtype=bool)
    codes, names = pd.factorize(known["symbol"], sort=True)
    fields: dict[str, Floats] = {}
    for name in (f for f in BAR_FIELDS if f in known):
        table = np.full((len(sessions), len(names)), np.nan)
        table[row[held], codes[held]] = known[name].to_numpy(np.float64)[held]
        fields[name] = table
    prices = fields.get("adjusted_close", fields["close"]).copy()
    prices[~(np.isfinite(prices) & (prices > 0))] = np.nan
    previous = _previous(np.isfinite(prices))
    logs = np.log(prices)
    returns = logs - _at(logs, previous)
    level = index.reindex(pd.DatetimeIndex(sessions.astype("datetime64[us]"))).ffill()
    market = np.log(level.where(level > 0)).to_numpy(np.float64)
    residuals = returns - _market_returns(market, returns, previous)
    return Grid(
        sessions=sessions,
        symbols=tuple(str(name) for name in names),
        fields=fields,
        prices=prices,
        returns=returns,
        residuals=residuals,
        scale=own_scale(returns, policy),
        tick=_ticks(prices),
        previous=previous,
    )


def _previous(present: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Row of the last present value strictly before each row; -1 without one."""
    rows = np.where(present, np.arange(len(present))[:, None], -1)
    last = np.maximum.accumulate(rows, axis=0)
    before = np.full_like(last, -1)
    before[1:] = last[:-1]
    return before


def _at(values: Floats, rows: NDArray[np.int64]) -> Floats:
    """Values at ``rows`` of each column, NaN where the row is -1."""
    if not len(values):
        return values
    taken: Floats = np.where(
        rows >= 0, np.take_along_axis(values, np.maximum(rows, 0), axis=0), np.nan
    )
    return taken


def _market_returns(market: Floats, returns: Floats, previous: NDArray[np.int64]) -> Floats:
    """(T, N) log return of the market since each symbol's previous price."""
    from_index = market[:, None] - np.where(previous >= 0, market[np.maximum(previous, 0)], np.nan)
    counts = np.isfinite(returns).sum(axis=1)
    typical = np.zeros(len(returns))
    enough = counts >= 5
    if enough.any():
        typical[enough] = np.nanmedian(returns[enough], axis=1)
    filled: Floats = np.where(np.isfinite(from_index), from_index, typical[:, None])
    return filled


def own_scale(returns: Floats, policy: MarketGatePolicy) -> Floats:
    """Trimmed mean absolute return of the sessions before, as a normal's deviation.

    The largest return of the window is left out, so that one honest jump does not hide the
    next (which reads a normal's deviation 5 % low). Warming up borrows the first scale known, a
    symbol without one the typical.

    Returns
    -------
    (T, N), positive, without NaN.
    """
    sizes = pd.DataFrame(np.abs(returns))
    window = sizes.rolling(policy.scale_window, min_periods=21)
    trimmed = (window.sum() - window.max()) / (window.count() - 1)
    scale = (trimmed * NORMAL_MEAN_ABSOLUTE).shift(1).ffill().bfill()
    limited: Floats = (
        scale.clip(lower=policy.least_volatility)
        .fillna(policy.typical_volatility)
        .to_numpy(np.float64)
    )
    return limited


def _ticks(prices: Floats) -> Floats:
    """Smallest nonzero change among the last ``TICK_CHANGES``, carried over both ways.

    A price recorded in steps moves by whole steps, so its smallest move is the step once it has
    moved a few dozen times; counting moves, not sessions, keeps this true for a symbol that
    rests for months.
    """
    ticks = np.full(prices.shape, np.nan)
    for column in range(prices.shape[1]):
        rows = np.flatnonzero(np.isfinite(prices[:, column]))
        path = prices[rows, column]
        change = np.abs(np.diff(path))
        moved = change > 1e-9 * path[1:]
        if not moved.any():
            continue
        smallest = pd.Series(change[moved]).rolling(TICK_CHANGES, min_periods=1).min()
        # The first moves alone overstate the step: they borrow from the first full window.
        settled = min(TICK_CHANGES, len(smallest)) - 1
        smallest.iloc[:settled] = smallest.iloc[settled]
        ticks[rows[1:][moved], column] = smallest
    return pd.DataFrame(ticks).ffill().bfill().to_numpy(np.float64)
