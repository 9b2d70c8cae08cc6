"""What every test may use: the sample's real prices, read once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.adapters.market_data.sample import SampleSource

DELAY = timedelta(minutes=15)


@pytest.fixture(scope="session")
def calendar() -> TradingCalendar:
    return TradingCalendar("XNYS", DELAY)


@pytest.fixture(scope="session")
def sample(calendar: TradingCalendar) -> Delivery:
    return SampleSource().read(calendar.schedule)


@pytest.fixture(scope="session")
def recent(sample: Delivery) -> Delivery:
    """The sample's last three years."""
    start = "2020-01-01"
    return Delivery(
        sample.bars[sample.bars["session"] >= start].reset_index(drop=True),
        sample.references[sample.references["session"] >= start].reset_index(drop=True),
    )


@pytest.fixture(scope="session")
def recent_schedule(calendar: TradingCalendar):
    return calendar.schedule(date(2020, 1, 2), date(2022, 12, 28))


@pytest.fixture(scope="session")
def sample_end() -> datetime:
    """Decision moment of the sample's last session."""
    return datetime(2022, 12, 28, 21, 15, tzinfo=UTC)
