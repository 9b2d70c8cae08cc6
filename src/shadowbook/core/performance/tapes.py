"""Quotes and trades as they came in, and what their clocks say of each other.

Every message has two times: when the exchange made it, and when it came in here. Quotes and trades
travel apart, so on the local clock a trade can come after the quote that it led to, which would
then be taken for the one it traded against. On the exchange's clock cause comes before effect, as
far as its resolution goes. Quotes and trades are therefore matched on the exchange's clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats

Nanoseconds = NDArray[np.int64]
A_SECOND, A_MINUTE = 1e9, 60e9


@dataclass(frozen=True, eq=False)
class Quotes:
    """Best bid and offer, (Q,) each, in the order they came in.

    Attributes
    ----------
    exchange_ns, local_ns : nanoseconds UTC since 1970.
    bids, asks : currency; sizes: shares or contracts.
    """

    exchange_ns: Nanoseconds
    local_ns: Nanoseconds
    bids: Floats
    bid_sizes: Floats
    asks: Floats
    ask_sizes: Floats

    @property
    def middles(self) -> Floats:
        """(Q,) middles; NaN where bid or ask is no price, or the bid is above the ask."""
        usable = (self.bids > 0.0) & (self.asks >= self.bids) & np.isfinite(self.asks)
        return np.where(usable, (self.bids + self.asks) / 2.0, np.nan)


@dataclass(frozen=True, eq=False)
class Trades:
    """Trades, (K,) each, in the order they came in.

    Attributes
    ----------
    exchange_ns, local_ns : nanoseconds UTC since 1970.
    prices, sizes : currency; shares or contracts.
    signs : +1 where the buyer took the offer, -1 where the seller took the bid.
    """

    exchange_ns: Nanoseconds
    local_ns: Nanoseconds
    prices: Floats
    sizes: Floats
    signs: Floats


@dataclass(frozen=True)
class StreamClock:
    """One stream's two clocks.

    Attributes
    ----------
    offset_median, offset_lowest, offset_highest : local less exchange, in seconds.
    local_disorder, exchange_disorder : share of rows that are before the row they follow.
    duplicates : rows that say what an earlier one says.
    """

    rows: int
    offset_median: float
    offset_lowest: float
    offset_highest: float
    local_disorder: float
    exchange_disorder: float
    duplicates: int


@dataclass(frozen=True)
class ClockReport:
    """What two streams say of their clocks, and what is wrong with their rows.

    Attributes
    ----------
    offset_between : median offset of the trades less that of the quotes, in seconds.
    overtaken : share of trades that came in after a quote that was made later.
    before_first_quote : trades that no quote was made before.
    stale : trades that were made more than a minute after the last quote.
    crossed, locked : quotes whose bid is above the ask, or equal to it.
    bad_sizes : quotes and trades whose size is not above 0; bad_prices: whose price is not.
    findings : one sentence each.
    """

    quotes: StreamClock
    trades: StreamClock
    offset_between: float
    overtaken: float
    before_first_quote: int
    stale: int
    crossed: int
    locked: int
    bad_sizes: int
    bad_prices: int
    findings: tuple[str, ...] = ()


def clocks_of(quotes: Quotes, trades: Trades) -> ClockReport:
    """Compare the clocks of two streams, neither of them empty."""
    told = _stream(quotes.exchange_ns, quotes.local_ns, quotes.bids, quotes.bid_sizes,
                   quotes.asks, quotes.ask_sizes)  # fmt: skip
    traded = _stream(trades.exchange_ns, trades.local_ns, trades.prices, trades.sizes, trades.signs)
    by_local = np.argsort(quotes.local_ns, kind="stable")
    newest = np.maximum.accumulate(quotes.exchange_ns[by_local])
    seen = np.searchsorted(quotes.local_ns[by_local], trades.local_ns, side="right") - 1
    overtaken = (seen >= 0) & (newest[np.maximum(seen, 0)] > trades.exchange_ns)
    sizes = (quotes.bid_sizes, quotes.ask_sizes, trades.sizes)
    prices = (quotes.bids, quotes.asks, trades.prices)
    found = ClockReport(
        quotes=told,
        trades=traded,
        offset_between=traded.offset_median - told.offset_median,
        overtaken=float(overtaken.mean()),
        before_first_quote=int((trades.exchange_ns <= quotes.exchange_ns.min()).sum()),
        stale=int((trades.exchange_ns - quotes.exchange_ns.max() > A_MINUTE).sum()),
        crossed=int((quotes.bids > quotes.asks).sum()),
        locked=int((quotes.bids == quotes.asks).sum()),
        bad_sizes=sum(int((~(one > 0.0)).sum()) for one in sizes),
        bad_prices=sum(int((~((one > 0.0) & (one < np.inf))).sum()) for one in prices),
    )
    return ClockReport(**vars(found) | {"findings": tuple(_findings(found))})


def _stream(exchange_ns: Nanoseconds, local_ns: Nanoseconds, *columns: Floats) -> StreamClock:
    offsets = (local_ns - exchange_ns) / A_SECOND
    keys = (exchange_ns, local_ns, *columns)
    order = np.lexsort(keys)
    same = np.ones(max(len(order) - 1, 0), dtype=bool)
    for key in keys:
        same &= key[order[1:]] == key[order[:-1]]
    steps = max(len(order) - 1, 1)
    return StreamClock(
        rows=len(order),
        offset_median=float(np.median(offsets)),
        offset_lowest=float(offsets.min()),
        offset_highest=float(offsets.max()),
        local_disorder=float((np.diff(local_ns) < 0).sum() / steps),
        exchange_disorder=float((np.diff(exchange_ns) < 0).sum() / steps),
        duplicates=int(same.sum()),
    )


def _findings(found: ClockReport) -> list[str]:
    said = []
    for name, one in (("quotes", found.quotes), ("trades", found.trades)):
        if one.offset_lowest < 0.0:
            said.append(
                f"{name} came in up to {-one.offset_lowest:.3f} s before they were made (median "
                f"{-one.offset_median:.3f} s): the local clock runs at least so far behind the "
                "exchange's"
            )
        for clock, share in (("local", one.local_disorder), ("exchange", one.exchange_disorder)):
            if share:
                said.append(
                    f"{share:.2%} of the {name} are before the row they follow on the {clock} "
                    "clock: they were put in order"
                )
        if one.duplicates:
            said.append(f"{one.duplicates} rows of the {name} say what another one says")
    if found.overtaken:
        said.append(
            f"{found.overtaken:.2%} of the trades came in after a quote that was made later "
            f"(median offsets differ by {abs(found.offset_between) * 1e3:.1f} ms): the streams are "
            "not ordered with each other on the local clock, so they are matched on the exchange's"
        )
    for count, what in (
        (found.before_first_quote, "trades have no quote before them: they are left out"),
        (found.stale, "trades are over a minute later than the last quote, and held against it"),
        (found.crossed, "quotes have a bid above the ask: nothing is matched with them"),
        (found.locked, "quotes have a bid equal to the ask"),
        (found.bad_sizes, "sizes are not above 0"),
        (found.bad_prices, "prices are not positive numbers: nothing is matched with them"),
    ):
        if count:
            said.append(f"{count} {what}")
    return said
