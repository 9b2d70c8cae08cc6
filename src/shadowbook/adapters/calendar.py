"""Exchange sessions (exchange_calendars), offline."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from shadowbook.core.values import Schedule
from shadowbook.errors import ConfigError

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar


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
        """Return the sessions from ``first`` to ``last``, both included.

        Raises
        ------
        ConfigError
            When the exchange is unknown or its calendar does not reach that far.
        """
        from exchange_calendars import errors, get_calendar

        try:
            calendar: ExchangeCalendar = get_calendar(self.name, start=first, end=last)
        except errors.InvalidCalendarName as error:
            raise ConfigError(
                f"params.yaml: market_data.calendar = {self.name!r}: no such exchange; "
                "use a market identifier code such as XNYS or XLON"
            ) from error
        except (errors.NoSessionsError, ValueError) as error:
            raise ConfigError(
                f"calendar {self.name} has no sessions from {first} to {last}: {error}"
            ) from error
        closes = _utc(calendar.closes)
        return Schedule(
            sessions=calendar.sessions.to_numpy("datetime64[D]"),
            closes=closes,
            decided_at=closes + np.timedelta64(self._delay),
        )

    @cached_property
    def last_known(self) -> date:
        """The last day the calendar can tell about."""
        from exchange_calendars import get_calendar

        last: date = get_calendar(self.name).last_session.date()
        return last


def _utc(closes: Any) -> np.ndarray[Any, np.dtype[np.datetime64]]:
    naive = closes.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(naive.to_numpy("datetime64[us]"))
