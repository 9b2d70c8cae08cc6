"""How well the champions' orders were executed, as the ledger has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from shadowbook.core.books.orders import OrderState
from shadowbook.core.performance.accounts import Accounts, book_accounts
from shadowbook.core.performance.execution import ExecutionQuality, columns_quality
from shadowbook.core.performance.order_columns import Labels, OrderColumns
from shadowbook.core.values import Floats
from shadowbook.errors import InsufficientDataError
from shadowbook.steps.book_sheets import Moments, Sheet, sheets
from shadowbook.steps.desk import CHAMPION
from shadowbook.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from shadowbook.adapters.ledger.ledger import Ledger

A_SECOND = np.timedelta64(1_000_000, "us")


@dataclass(frozen=True)
class ExecutionReport:
    """Execution of the champions' orders.

    Attributes
    ----------
    first, last : sessions of the auctions.
    quality : together, and by strategy, symbol and hour of the exchange.
    """

    first: date
    last: date
    quality: ExecutionQuality


def execution(
    workspace: Workspace,
    strategy: str | None = None,
    first: date | None = None,
    last: date | None = None,
) -> ExecutionReport:
    """Measure the orders of the workspace's champions.

    Parameters
    ----------
    strategy : this one alone.
    first, last : sessions of the auctions, both included.

    Raises
    ------
    ConfigError
        There is no such strategy.
    InsufficientDataError
        No order was for any of these sessions.
    """
    if strategy is not None:
        workspace.settings.strategy(strategy)
    zone = workspace.market.calendar.zone().key
    orders, sessions = orders_of(workspace.ledger, bands(workspace), zone, strategy, (first, last))
    if not len(sessions):
        raise InsufficientDataError(
            "the ledger has no orders for these sessions: trade some, or name other days"
        )
    begin, end = sessions.min().astype(date), sessions.max().astype(date)
    return ExecutionReport(begin, end, columns_quality(orders))


def bands(workspace: Workspace) -> dict[str, float]:
    """Return each strategy's no-trade band."""
    settings = workspace.settings
    return {name: settings.strategy(name).portfolio.no_trade_band for name in settings.strategies}


def accounts_of(sheet: Sheet, half_spread_bps: float) -> Accounts:
    """Cut what execution cost a book into its parts, session by session."""
    return book_accounts(sheet.rows, half_spread_bps)


def orders_of(
    ledger: Ledger,
    no_trade_bands: Mapping[str, float],
    zone: str,
    strategy: str | None = None,
    between: tuple[date | None, date | None] = (None, None),
    laid_out: Sequence[Sheet] | None = None,
) -> tuple[OrderColumns, Moments]:
    """Lay out the champions' orders that nothing can happen to any more, and their sessions.

    An order is decided at the mark of its decision, arrives at the price of the auction itself, and
    what it leaves is valued at the mark of the auction's session; the middle later is the mark of
    the session after. Prices over a split are unknown, since the order is in old shares.

    Parameters
    ----------
    no_trade_bands : strategy -> band; strategies that are not there are left out.
    zone : the exchange's time zone, for the hour.
    between : first and last session, both included; None = no bound.
    laid_out : the champions' sheets, where they have been read before.
    """
    told = ledger.frame("outcomes", strategy, CHAMPION)
    if laid_out is None:
        laid_out = sheets(ledger, no_trade_bands, strategy, CHAMPION)
    books = {one.strategy: one for one in laid_out}
    final = [state.value for state in OrderState if state.final]
    told = told[told["strategy"].isin(books) & told["state"].isin(final)]
    sessions = told["session"].to_numpy().astype("datetime64[D]")
    inside = np.ones(len(told), dtype=bool)
    first, last = between
    if first is not None:
        inside &= sessions >= np.datetime64(first, "D")
    if last is not None:
        inside &= sessions <= np.datetime64(last, "D")
    told, sessions = told[inside], sessions[inside]
    prices = _prices(told, books)
    shares = told["quantity"].to_numpy(np.float64)
    wait = (told["accepted_at"] - told["sent_at"]).to_numpy()
    hours = told["filled_at"].dt.tz_convert(zone).dt.hour.to_numpy()
    columns = OrderColumns(
        signs=np.sign(shares),
        quantities=np.abs(shares),
        filled=np.abs(told["filled"].to_numpy(np.float64)),
        decision_prices=prices["decision"],
        arrival_prices=told["reference"].to_numpy(np.float64),
        average_prices=told["price"].to_numpy(np.float64),
        closing_prices=prices["closing"],
        later_prices=prices["later"],
        commissions=told["commission_cents"].to_numpy(np.float64) / 100.0,
        latency_seconds=np.where(np.isnat(wait), np.nan, wait / A_SECOND),
        rejected=(told["state"] == OrderState.REJECTED.value).to_numpy(),
        groups={
            "strategy": _labels(told["strategy"]),
            "symbol": _labels(told["symbol"]),
            "hour": _hours(hours),
        },
    )
    return columns, sessions


def _labels(column: pd.Series[Any]) -> Labels:
    there = column.cat.remove_unused_categories().cat
    names = sorted(there.categories)
    codes = there.reorder_categories(names).cat.codes.to_numpy()
    return Labels(codes.astype(np.int64), tuple(names))


def _hours(hours: Floats) -> Labels:
    there, codes = np.unique(hours[~np.isnan(hours)], return_inverse=True)
    placed = np.full(len(hours), -1, dtype=np.int64)
    placed[~np.isnan(hours)] = codes
    return Labels(placed, tuple(f"{int(hour):02}" for hour in there.tolist()))


def _prices(told: pd.DataFrame, books: Mapping[str, Sheet]) -> dict[str, Floats]:
    """Return marks at the decision, in the session of the auction and in the one after it."""
    found = {name: np.full(len(told), np.nan) for name in ("decision", "closing", "later")}
    decided_at = told["as_of"].dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    auctions = told["session"].to_numpy().astype("datetime64[D]")
    over_split = told["reason"].str.contains("was split in").to_numpy()
    names, symbols = told["strategy"].cat, told["symbol"].cat
    for strategy, sheet in books.items():
        if strategy not in names.categories:
            continue
        mine = np.flatnonzero(names.codes == names.categories.get_loc(strategy))
        at = {symbol: place for place, symbol in enumerate(sheet.symbols)}
        place = np.array([at[symbol] for symbol in symbols.categories], dtype=np.int64)
        columns = place[symbols.codes.to_numpy()[mine]]
        count = len(sheet.sessions)
        padded = np.vstack([sheet.rows.marks, np.full((2, len(sheet.symbols)), np.nan)])
        decided = np.searchsorted(sheet.moments, decided_at[mine])
        auction = np.minimum(np.searchsorted(sheet.sessions, auctions[mine]), count)
        found["decision"][mine] = padded[np.minimum(decided, count), columns]
        found["closing"][mine] = np.where(over_split[mine], np.nan, padded[auction, columns])
        later = padded[auction + 1, columns]
        if sheet.rows.splits is not None:
            ones = np.ones((2, len(sheet.symbols)))
            later = later * np.vstack([sheet.rows.splits, ones])[auction + 1, columns]
        found["later"][mine] = np.where(over_split[mine], np.nan, later)
    for prices in found.values():
        prices[~(prices > 0.0)] = np.nan
    return found
