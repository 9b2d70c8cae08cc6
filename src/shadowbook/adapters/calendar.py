"""Exchange sessions (exchange_calendars), offline."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Schedule
from shadowbook.errors import ConfigError

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar


SHORTEST = timedelta(days=15)
"""The library refuses spans of one day or without a session; no exchange rests this long."""

SOME_DAY = date(2024, 1, 2)
"""A day that every exchange's calendar reaches: its zone is asked of a short span."""


class TradingCalendar:
    """Sessions of one exchange.

    Parameters
    ----------
    name : the exchange's market identifier code, e.g. ``XNYS``.
    decision_delay : how long after the close a session is decided.
    """

    def __init__(self, name: str, decision_delay: timedelta) -> None:
        self.name = name
        self._delay = decision_delay

    def schedule(self, first: date, last: date) -> Schedule:
        """Return the sessions from ``first`` to ``last``, both included; there may be none.

        Raises
        ------
        ConfigError
            When the exchange is unknown or its calendar does not reach that far.
        """
        calendar = self._calendar(first, last)
        sessions = calendar.sessions.to_numpy("datetime64[D]")
        held = sessions <= np.datetime64(last, "D")
        closes = _utc(calendar.closes)[held]
        return Schedule(
            sessions=sessions[held],
            closes=closes,
            decided_at=closes + np.timedelta64(self._delay),
        )

    def opens(self, schedule: Schedule) -> NDArray[np.datetime64]:
        """Return when each session of a schedule opened, (S,) datetime64[us], UTC."""
        if not len(schedule.sessions):
            return np.array([], dtype="datetime64[us]")
        first, last = (day.astype(date) for day in schedule.sessions[[0, -1]])
        calendar = self._calendar(first, last)
        held = np.isin(calendar.sessions.to_numpy("datetime64[D]"), schedule.sessions)
        return _utc(calendar.opens)[held]

    def zone(self) -> ZoneInfo:
        """Return the exchange's time zone.

        Raises
        ------
        ConfigError
            When the exchange is unknown.
        """
        zone: ZoneInfo = self._calendar(SOME_DAY, SOME_DAY).tz
        return zone

    def _calendar(self, first: date, last: date) -> ExchangeCalendar:
        from exchange_calendars import errors, get_calendar

        try:
            return get_calendar(self.name, start=first, end=max(last, first + SHORTEST))
        except errors.InvalidCalendarName as error:
            raise ConfigError(
                f"params.yaml: market_data.calendar = {self.name!r}: no such exchange; "
                "use a market identifier code such as XNYS or XLON"
            ) from error
        except (errors.NoSessionsError, ValueError) as error:
            raise ConfigError(
                f"calendar {self.name} does not reach from {first} to {last} "
                f"({str(error).splitlines()[0]}): keep to the years it knows, or choose another"
            ) from error


def _utc(moments: Any) -> NDArray[np.datetime64]:
    naive = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(naive.to_numpy("datetime64[us]"))
