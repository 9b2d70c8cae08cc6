"""A session as it was known at its decision: what every book of a strategy is given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np

from shadowbook.core.books.execution import SessionMarket
from shadowbook.core.values import Floats, Panel

WINDOW = 63
"""Sessions of returns that a symbol's own volatility, for the price impact, is taken from."""

REACH = 253
"""Sessions back in which a last price is looked for: the longest wait for a delisting, and one."""

LEAST = 10
"""With fewer returns a symbol's volatility is not known."""


@dataclass(frozen=True, eq=False)
class View:
    """What is known of a session.

    Attributes
    ----------
    market : closes, opens, volumes and volatilities of the session, (N,) in order of its symbols.
    history : (S + 1, N) prices of the last sessions, this one last; NaN = missing.
    actions : (N,) what one share of the session before became, as a factor of its value that the
        closes do not show: above 1 for a split or a dividend; 1 where nothing is known.
    """

    market: SessionMarket
    history: Floats
    actions: Floats

    @property
    def session(self) -> date:
        """The trading day."""
        return self.market.session

    @property
    def as_of(self) -> datetime:
        """Its decision moment, aware UTC."""
        return self.market.as_of

    @property
    def symbols(self) -> tuple[str, ...]:
        """N names, sorted."""
        return self.market.symbols


@dataclass(frozen=True, eq=False)
class Scored:
    """What a model says of a session.

    Attributes
    ----------
    version : of the model; 0 where there is none.
    scores : (N,) in order of the view's symbols; NaN = not rated.
    refusal : why nothing may be decided on them, in one sentence; empty where it may.
    capacity : share of the usual size that may be held; 0 halts the book: it keeps what it has,
        and decides nothing.
    """

    version: int
    scores: Floats
    refusal: str = ""
    capacity: float = 1.0


def view_of(
    panel: Panel,
    row: int,
    names: Collection[str],
    sessions_back: int,
    hours: tuple[datetime, datetime],
) -> View:
    """Cut one session out of a panel.

    The same session and names give the same bits whatever else the panel holds.

    Parameters
    ----------
    panel : prices as known at the session's decision, or later where nothing was told otherwise.
    row : the session's row in the panel.
    names : symbols to look at: rated, held or wanted. One that the panel does not know has no
        price.
    sessions_back : sessions of prices before this one that ``history`` holds.
    hours : when the session opened and closed, aware UTC.
    """
    symbols = tuple(sorted(names))
    known = {symbol: i for i, symbol in enumerate(panel.symbols)}
    there = np.array([symbol in known for symbol in symbols], dtype=bool)
    columns = np.array([known[symbol] for symbol in symbols if symbol in known], dtype=np.int64)

    def cut(values: Floats, back: int) -> Floats:
        part = np.full((min(back, row) + 1, len(symbols)), np.nan)
        part[:, there] = values[max(row - back, 0) : row + 1, columns]
        return part

    closes = cut(panel.fields["close"], REACH)
    nothing = np.full(len(symbols), np.nan)
    opens = cut(panel.fields["open"], 0)[0] if "open" in panel.fields else nothing
    volumes = cut(panel.fields["volume"], 0)[0] if "volume" in panel.fields else nothing
    history = cut(panel.prices, max(sessions_back, WINDOW))
    actions = np.ones(len(symbols))
    if "adjusted_close" in panel.fields:
        actions = _actions(closes, cut(panel.fields["adjusted_close"], REACH))
    market = SessionMarket(
        session=panel.sessions[row].astype(date),
        as_of=_aware(panel.decided_at[row]),
        symbols=symbols,
        closes=closes[-1],
        opens=opens,
        volumes=volumes,
        volatilities=_volatilities(history[-WINDOW - 1 :]),
        last_prices=_last(closes),
        opened_at=hours[0],
        closed_at=hours[1],
        actions=actions,
    )
    return View(market, history[-sessions_back - 1 :], actions)


def _aware(moment: np.datetime64) -> datetime:
    naive: datetime = moment.astype("datetime64[us]").astype(datetime)
    return naive.replace(tzinfo=UTC)


def _volatilities(history: Floats) -> Floats:
    """Return the standard deviation of each column's returns; NaN where too few are known."""
    found = np.full(history.shape[1], np.nan)
    usable = np.isfinite(history) & (history > 0.0)
    both = usable[1:] & usable[:-1]
    enough = both.sum(axis=0) >= LEAST
    returns = np.full(both.shape, np.nan)
    np.divide(history[1:], history[:-1], out=returns, where=both)
    if enough.any():
        found[enough] = np.nanstd(returns[:, enough], axis=0, ddof=1)
    return found


def _last(closes: Floats) -> Floats:
    """Return the newest price of each column."""
    known = np.isfinite(closes) & (closes > 0.0)
    newest = len(closes) - 1 - np.argmax(known[::-1], axis=0)
    return np.where(known.any(axis=0), closes[newest, np.arange(closes.shape[1])], np.nan)


def _actions(closes: Floats, adjusted: Floats) -> Floats:
    """Take the change of adjusted over plain price since the last session that had both."""
    both = np.isfinite(closes) & (closes > 0.0) & np.isfinite(adjusted) & (adjusted > 0.0)
    ratio = np.where(both, adjusted, 1.0) / np.where(both, closes, 1.0)
    factors = np.ones(closes.shape[1])
    earlier = both[:-1]
    if not len(earlier):
        return factors
    newest = len(earlier) - 1 - np.argmax(earlier[::-1], axis=0)
    usable = both[-1] & earlier.any(axis=0)
    columns = np.flatnonzero(usable)
    factors[columns] = ratio[-1, columns] / ratio[newest[columns], columns]
    return factors
