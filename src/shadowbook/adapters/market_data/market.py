"""Market data as a run sees it: a source, what it delivered, what was accepted, the calendar."""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.market_data.delivery import Delivery, MarketSource
from shadowbook.adapters.market_data.store import MarketStore
from shadowbook.core.values import Schedule

EARLIEST = date(1900, 1, 1)


class MarketData:
    """The way from a source to accepted prices.

    Attributes
    ----------
    source : reads everything there is.
    incoming : what the last ingest brought, not yet judged.
    accepted : what passed the gate.
    calendar : the exchange's sessions.
    """

    def __init__(self, source: MarketSource, folder: Path, calendar: TradingCalendar) -> None:
        self.source = source
        self.incoming = MarketStore(folder / "incoming")
        self.accepted = MarketStore(folder / "market")
        self.calendar = calendar

    @cached_property
    def delivery(self) -> Delivery:
        """Everything the source tells, read once."""
        return self.source.read(self.calendar.schedule)

    def schedule(self, delivery: Delivery, as_of: datetime) -> Schedule:
        """Sessions from the first bar to ``as_of``, or to the last bar where that is later."""
        return schedule_of(delivery, self.calendar, as_of)


def schedule_of(delivery: Delivery, calendar: TradingCalendar, as_of: datetime) -> Schedule:
    """Sessions from a delivery's first bar to ``as_of``, or to its last bar where that is later."""
    days = delivery.bars["session"]
    first = max(days.min().date(), EARLIEST)
    return calendar.schedule(first, max(days.max().date(), as_of.date()))
