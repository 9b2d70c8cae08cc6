"""--as-of: sessions and moments, and what is neither."""

from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pandas as pd
import pytest

from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.market_data.delivery import Delivery
from shadowbook.adapters.market_data.market import MarketData
from shadowbook.errors import ConfigError, InsufficientDataError
from shadowbook.steps.moment import named_moment, resolve_as_of

NOW = datetime(2022, 11, 25, 15, 0, tzinfo=UTC)


class Told:
    """A source that tells two sessions."""

    def __init__(self, *days):
        self.days = days

    def read(self, _schedule_for):
        sessions = pd.to_datetime(list(self.days)).astype("datetime64[us]")
        bars = pd.DataFrame({"symbol": "A", "session": sessions, "close": 1.0})
        return Delivery(bars, bars)


def place(tmp_path, *days, as_of="newest_session", now=NOW):
    market = MarketData(Told(*days), tmp_path, TradingCalendar("XNYS", timedelta(minutes=15)))
    return SimpleNamespace(
        market=market,
        clock=SimpleNamespace(now=lambda: now),
        settings=SimpleNamespace(market_data=SimpleNamespace(as_of=as_of)),
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2022-11-23", datetime(2022, 11, 23, 21, 15, tzinfo=UTC)),
        (" 2022-11-23 ", datetime(2022, 11, 23, 21, 15, tzinfo=UTC)),
        ("2021-11-26", datetime(2021, 11, 26, 18, 15, tzinfo=UTC)),  # closes early
        ("2022-07-01", datetime(2022, 7, 1, 20, 15, tzinfo=UTC)),
        ("2022-11-24T10:00:00+00:00", datetime(2022, 11, 24, 10, tzinfo=UTC)),
        ("2022-11-24T10:00-05:00", datetime(2022, 11, 24, 15, tzinfo=UTC)),
        ("2022-11-24 10:00Z", datetime(2022, 11, 24, 10, tzinfo=UTC)),
        (NOW.isoformat(), NOW),
    ],
)
def test_sessions_and_moments(tmp_path, text, moment):
    found = resolve_as_of(place(tmp_path), text)
    assert found == moment
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2022-11-24", "is no session of XNYS: use the one before, 2022-11-23, or the one after, "
         "2022-11-25"),
        ("2022-11-20", "use the one before, 2022-11-18, or the one after, 2022-11-21"),
        ("2001-09-12", "use the one before, 2001-09-10, or the one after, 2001-09-17"),
        ("2022-11-25", r"lies in the future \(it is 2022-11-25 15:00 UTC\)"),
        ("2022-11-28", "lies in the future"),
        ("9999-12-31", "lies in the future"),
        ("2022-11-25T15:00:01+00:00", "lies in the future"),
        ("2022-11-25T15:00:01+01:00X", "is neither a session"),
        ("9999-12-31T23:59:59-12:00", "lies outside of 1900 to 2022"),
        ("0001-01-01T00:00:00+12:00", "lies outside of 1900 to 2022"),
        ("1899-12-29", "lies before 1900-01-01"),
        ("0000-00-00", "is no day of any calendar"),
        ("2022-02-30", "is no day of any calendar: write one such as 2022-12-28"),
        ("2022-11-24T10:00:00", r"has no time zone: add an offset, 2022-11-24T10:00:00\+00:00 for"),
        ("20221123", "has no time zone"),
        ("23.11.2022", r"'23\.11\.2022' is neither a session \(2022-12-28\) nor an ISO 8601 time"),
        ("yesterday!", "is neither a session"),
        ("", "'' is neither a session"),
        ("２０２２-11-23", "is neither a session"),
    ],
)  # fmt: skip
def test_what_is_neither_is_refused(tmp_path, text, said):
    for resolve in (resolve_as_of, named_moment):
        with pytest.raises(ConfigError, match=said) as caught:
            resolve(place(tmp_path), text)
        assert "--as-of" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_by_itself_it_is_the_newest_session_that_is_over(tmp_path):
    told = place(tmp_path, "2022-11-22", "2022-11-23")
    assert resolve_as_of(told, None) == datetime(2022, 11, 23, 21, 15, tzinfo=UTC)


def test_a_session_under_way_is_not_over(tmp_path):
    told = place(tmp_path, "2022-11-23", "2022-11-25")
    assert resolve_as_of(told, None) == datetime(2022, 11, 23, 21, 15, tzinfo=UTC)
    later = place(tmp_path, "2022-11-23", "2022-11-25", now=NOW + timedelta(hours=4))
    assert resolve_as_of(later, None) == datetime(2022, 11, 25, 18, 15, tzinfo=UTC)


def test_a_day_that_is_no_session_does_not_count(tmp_path):
    told = place(tmp_path, "2022-11-23", "2022-11-24")
    assert resolve_as_of(told, None) == datetime(2022, 11, 23, 21, 15, tzinfo=UTC)


@pytest.mark.parametrize("days", [["2022-11-25"], ["2022-11-24"], ["2022-11-19", "2022-11-20"]])
def test_a_source_without_a_session_that_is_over_is_refused(tmp_path, days):
    with pytest.raises(InsufficientDataError, match="no session of XNYS that is over"):
        resolve_as_of(place(tmp_path, *days), None)


def test_it_can_be_the_present_moment(tmp_path):
    east = NOW.astimezone(timezone(timedelta(hours=9)))
    assert resolve_as_of(place(tmp_path, as_of="now", now=east), None) == NOW


def test_the_setting_may_hold_every_run_to_one_moment(tmp_path):
    for setting in ("2022-11-23", "2022-11-23T21:15:00+00:00"):
        held = place(tmp_path, "2022-11-22", as_of=setting)
        assert resolve_as_of(held, None) == datetime(2022, 11, 23, 21, 15, tzinfo=UTC)
    held = place(tmp_path, as_of="2022-11-24")
    with pytest.raises(ConfigError, match=r"^market_data.as_of 2022-11-24 is no session of XNYS"):
        resolve_as_of(held, None)
    assert resolve_as_of(held, "2022-11-22") == datetime(2022, 11, 22, 21, 15, tzinfo=UTC)
