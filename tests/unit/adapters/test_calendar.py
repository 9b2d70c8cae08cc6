"""Sessions of an exchange, and when each is decided."""

from datetime import date, timedelta

import numpy as np
import pytest

from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.errors import ConfigError


def test_sessions_closes_and_decisions(calendar):
    found = calendar.schedule(date(2022, 11, 23), date(2022, 11, 28))
    assert found.sessions.astype(str).tolist() == ["2022-11-23", "2022-11-25", "2022-11-28"]
    assert found.closes.astype("datetime64[m]").astype(str).tolist() == [
        "2022-11-23T21:00",
        "2022-11-25T18:00",  # the Friday after Thanksgiving
        "2022-11-28T21:00",
    ]
    assert set(found.decided_at - found.closes) == {np.timedelta64(15, "m")}
    assert found.sessions.dtype == "datetime64[D]"
    assert found.closes.dtype == found.decided_at.dtype == "datetime64[us]"


@pytest.mark.parametrize(
    ("first", "last", "n"),
    [
        (date(2022, 11, 23), date(2022, 11, 23), 1),
        (date(2022, 11, 24), date(2022, 11, 24), 0),
        (date(2022, 11, 26), date(2022, 11, 27), 0),
        (date(2001, 9, 11), date(2001, 9, 16), 0),
        (date(1990, 1, 1), date(2022, 12, 28), 8313),
    ],
)
def test_a_span_may_hold_one_session_or_none(calendar, first, last, n):
    assert len(calendar.schedule(first, last).sessions) == n


def test_daylight_saving_moves_the_close_in_utc(calendar):
    found = calendar.schedule(date(2022, 3, 11), date(2022, 3, 14))
    assert found.closes.astype("datetime64[h]").astype(str).tolist() == [
        "2022-03-11T21",
        "2022-03-14T20",
    ]


@pytest.mark.parametrize("name", ["", "xnys", "MARS"])
def test_an_unknown_exchange_is_refused(name):
    with pytest.raises(ConfigError, match=rf"market_data\.calendar = '{name}': no such exchange"):
        TradingCalendar(name, timedelta()).schedule(date(2022, 1, 1), date(2022, 2, 1))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("XTKS", date(1990, 1, 1), date(2000, 1, 1)),
        ("XNYS", date(1600, 1, 1), date(1999, 1, 1)),
        ("XNYS", date(1999, 1, 1), date(2999, 1, 1)),
    ],
)
def test_years_beyond_the_calendar_are_refused_in_one_line(name, first, last):
    with pytest.raises(ConfigError, match=f"calendar {name} does not reach from {first}") as caught:
        TradingCalendar(name, timedelta()).schedule(first, last)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "zone"),
    [("XNYS", "America/New_York"), ("XLON", "Europe/London"), ("XTKS", "Asia/Tokyo")],
)
def test_an_exchange_has_a_time_zone(name, zone):
    assert TradingCalendar(name, timedelta(0)).zone().key == zone


def test_an_unknown_exchange_has_none():
    with pytest.raises(ConfigError, match="'XXXX': no such exchange"):
        TradingCalendar("XXXX", timedelta(0)).zone()
