"""What a source hands over, in one shape whatever it was read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from shadowbook.core.values import Schedule

if TYPE_CHECKING:
    import pandas as pd

ScheduleFor = Callable[[date, date], Schedule]
"""Gives the exchange's sessions between two days."""


@dataclass(frozen=True)
class Delivery:
    """Rows as a source tells them.

    Attributes
    ----------
    bars : one row per (symbol, session, available_at) and the price columns the source has.
    references : one row per (name, session, available_at) with ``value``.
    """

    bars: pd.DataFrame
    references: pd.DataFrame


class MarketSource(Protocol):
    """Reads everything a source has."""

    def read(self, schedule_for: ScheduleFor) -> Delivery:
        """Return the rows; those without ``available_at`` get their session's close."""
        ...

    def files(self) -> list[Path]:
        """Return the files that ``read`` reads."""
        ...


def at_close(sessions: pd.Series, schedule_for: ScheduleFor) -> pd.Series:
    """``available_at`` for rows that carry none: the close of their session.

    A day that is no session gets its midnight UTC of the next day; the gate names it.
    """
    import pandas as pd

    days = sessions.to_numpy("datetime64[D]")
    schedule = schedule_for(days.min().astype(date), days.max().astype(date))
    known = (days + 1).astype("datetime64[us]")
    at = schedule.sessions.searchsorted(days)
    held = at < len(schedule.sessions)
    held[held] = schedule.sessions[at[held]] == days[held]
    known[held] = schedule.closes[at[held]]
    return pd.Series(known, index=sessions.index).dt.tz_localize("UTC")
