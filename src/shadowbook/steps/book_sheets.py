"""Books as the ledger has them, laid out session by symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.actions import split
from shadowbook.core.performance.accounts import BookRows, Trades, asked_beyond_band
from shadowbook.core.values import Floats, Sessions

if TYPE_CHECKING:
    import pandas as pd

Moments = NDArray[np.datetime64]
Places = NDArray[np.int64]

CORPORATE = ("split", "dividend")
TABLES = {
    "book_returns": ("equity", "net", "signal"),
    "targets": ("ideal", "mark"),
    "positions": ("quantity", "mark"),
    "fills": ("purpose", "quantity", "price", "reference", "commission_cents"),
    "orders": ("quantity",),
}
"""What is read of each."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """One book.

    Attributes
    ----------
    sessions : (T,) datetime64[D], ascending.
    moments : (T,) datetime64[us], UTC, of their decisions.
    symbols : N, sorted.
    rows : what it held, wanted, asked for and was given, (T, N).
    """

    strategy: str
    book: str
    sessions: Sessions
    moments: Moments
    symbols: tuple[str, ...]
    rows: BookRows


def sheets(
    ledger: Ledger,
    no_trade_bands: Mapping[str, float],
    strategy: str | None = None,
    book: str | None = None,
    since: datetime | None = None,
) -> list[Sheet]:
    """Lay out the books of a ledger that went through at least one session.

    What a shadow book asked for is not on record and follows from its band.

    Parameters
    ----------
    no_trade_bands : strategy -> share of equity up to which a change is left alone.
    since : aware; decisions from then on.
    """
    frames = {
        name: ledger.frame(name, strategy, book, since, columns=columns)
        for name, columns in TABLES.items()
    }
    every = frames["book_returns"][["strategy", "book"]].drop_duplicates()
    return [
        sheet_of(
            {name: _of(frame, one, two) for name, frame in frames.items()},
            no_trade_bands[one],
        )
        for one, two in every.itertuples(index=False)
        if one in no_trade_bands
    ]


def sheet_of(frames: Mapping[str, pd.DataFrame], no_trade_band: float) -> Sheet:
    """Lay out one book.

    Parameters
    ----------
    frames : rows of this book alone, for each of ``TABLES``; `Ledger.frame`.
    no_trade_band : as of `sheets`.
    """
    returns = frames["book_returns"]
    moments = _moments(returns["as_of"])
    sessions = returns["session"].to_numpy().astype("datetime64[D]")
    symbols = tuple(frames["targets"]["symbol"].cat.categories)
    grid = (moments, len(symbols))
    targets, positions = frames["targets"], frames["positions"]
    held = _laid(positions, "quantity", grid, 0.0)
    marks = _laid(targets, "mark", grid, np.nan)
    known = _laid(positions, "mark", grid, np.nan)
    marks = np.where(np.isnan(known), marks, known)
    decided = np.isin(moments, _moments(targets["as_of"]))
    # A session that decides nothing keeps what there is.
    ideal = np.where(decided[:, None], _laid(targets, "ideal", grid, 0.0), held)
    fills = frames["fills"]
    corporate = fills["purpose"].isin(CORPORATE).to_numpy()
    splits, factors = _became(fills[corporate], grid, held, marks)
    asked, pending = _asked(frames["orders"], sessions, grid)
    rows = BookRows(
        equity=returns["equity"].to_numpy(np.float64),
        net=returns["net"].to_numpy(np.float64),
        signal=returns["signal"].to_numpy(np.float64),
        held=held,
        ideal=ideal,
        asked=asked,
        marks=marks,
        trades=_trades(fills[~corporate], moments),
        pending=pending,
        splits=splits,
        factors=factors,
    )
    if not len(frames["orders"]):
        rows = replace(rows, asked=asked_beyond_band(rows, no_trade_band))
    first = returns.iloc[0]
    return Sheet(
        str(first["strategy"]),
        str(first["book"]),
        sessions,
        moments,
        symbols,
        replace(rows, factors=_where_it_shows(rows, factors)),
    )


def _of(frame: pd.DataFrame, strategy: str, book: str) -> pd.DataFrame:
    return frame[(frame["strategy"] == strategy) & (frame["book"] == book)]


def _moments(column: pd.Series[Any]) -> Moments:
    naive = column.dt.tz_localize(None).to_numpy()
    return np.asarray(naive.astype("datetime64[us]"))


def _places(frame: pd.DataFrame, moments: Moments) -> tuple[Places, Places]:
    """Return row and column of each line of a table."""
    rows = np.searchsorted(moments, _moments(frame["as_of"])).astype(np.int64)
    return rows, frame["symbol"].cat.codes.to_numpy().astype(np.int64)


def _laid(frame: pd.DataFrame, column: str, grid: tuple[Moments, int], empty: float) -> Floats:
    table = np.full((len(grid[0]), grid[1]), empty)
    table[_places(frame, grid[0])] = frame[column].to_numpy(np.float64)
    return table


def _trades(fills: pd.DataFrame, moments: Moments) -> Trades:
    rows, columns = _places(fills, moments)
    return Trades(
        rows=rows,
        columns=columns,
        quantities=fills["quantity"].to_numpy(np.float64),
        prices=fills["price"].to_numpy(np.float64),
        references=fills["reference"].to_numpy(np.float64),
        commissions=fills["commission_cents"].to_numpy(np.float64) / 100.0,
        in_auction=(fills["purpose"] == "rebalance").to_numpy(),
    )


def _became(
    actions: pd.DataFrame, grid: tuple[Moments, int], held: Floats, marks: Floats
) -> tuple[Floats, Floats]:
    """Return what a share became, in shares and in value, from what it did to a holding."""
    splits, factors = np.ones(held.shape), np.ones(held.shape)
    rows, columns = _places(actions, grid[0])
    before, price = held[rows - 1, columns], marks[rows, columns]
    extra = actions["quantity"].to_numpy(np.float64)
    paid = -actions["commission_cents"].to_numpy(np.float64) / 100.0
    worth = before * price
    known = np.isfinite(worth) & (worth != 0.0) & (rows > 0)
    became = np.ones(len(rows))
    np.divide(worth + extra * price + paid, worth, out=became, where=known)
    factors[rows, columns] = became
    divided = (actions["purpose"] == "split").to_numpy()
    splits[rows[divided], columns[divided]] = became[divided]
    return splits, factors


def _asked(
    orders: pd.DataFrame, sessions: Sessions, grid: tuple[Moments, int]
) -> tuple[Floats, Floats]:
    """Lay out the orders by the auction they are for, and by the sessions they wait through."""
    asked, pending = (np.zeros((len(grid[0]), grid[1])) for _ in range(2))
    decided, columns = _places(orders, grid[0])
    auction = orders["session"].to_numpy().astype("datetime64[D]")
    due = np.searchsorted(sessions, auction)
    there = due < len(sessions)
    shares = orders["quantity"].to_numpy(np.float64)
    np.add.at(asked, (due[there], columns[there]), shares[there])
    for place in np.flatnonzero(due > decided + 1).tolist():
        pending[decided[place] + 1 : due[place], columns[place]] += shares[place]
    return asked, pending


def _where_it_shows(rows: BookRows, factors: Floats) -> Floats:
    """Let a share that was wanted, not held, and may have been split, move nothing.

    The ledger tells a split only of what was held. An order over a split is canceled; where one was
    not filled while the price changed as by a split, what it would have earned stays in rounding.
    """
    filled = np.zeros(rows.held.shape, dtype=bool)
    filled[rows.trades.rows, rows.trades.columns] = True
    moved = np.ones(rows.held.shape)
    np.divide(rows.marks[1:], rows.marks[:-1], out=moved[1:], where=rows.marks[:-1] > 0.0)
    before = np.zeros(rows.held.shape)
    before[1:] = rows.held[:-1]
    doubtful = (before == 0.0) & (rows.asked != 0.0) & ~filled & split(moved)
    return np.where(doubtful, 1.0 / moved, factors)
