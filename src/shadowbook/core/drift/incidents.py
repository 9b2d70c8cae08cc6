"""When scans in alarm become an incident, and when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Self


@dataclass(frozen=True)
class Incident:
    """Where a book's scans stand.

    Attributes
    ----------
    opened : first session of the open incident's alarms; None while none is open.
    since : first session of the alarms in a row; None without one.
    alarms, calm : scans in a row with and without alarm.
    """

    opened: date | None = None
    since: date | None = None
    alarms: int = 0
    calm: int = 0

    def plain(self) -> dict[str, Any]:
        """Return what JSON has words for."""
        return {
            "opened": self.opened.isoformat() if self.opened else None,
            "since": self.since.isoformat() if self.since else None,
            "alarms": self.alarms,
            "calm": self.calm,
        }

    @classmethod
    def of_plain(cls, item: Mapping[str, Any]) -> Self:
        """Read ``plain`` back."""
        opened, since = (
            date.fromisoformat(item[name]) if item[name] else None for name in ("opened", "since")
        )
        return cls(opened, since, int(item["alarms"]), int(item["calm"]))


def advance(
    incident: Incident, session: date, alarm: bool | None, persistence: int, clear_sessions: int
) -> Incident:
    """Go on by a scan.

    Parameters
    ----------
    alarm : of the session's scan; None = not computable, which changes nothing.
    persistence : alarms in a row that open an incident.
    clear_sessions : scans without alarm in a row that close it.

    >>> day = date(2020, 3, 9)
    >>> advance(Incident(), day, True, 1, 5).opened
    datetime.date(2020, 3, 9)
    """
    if alarm is None:
        return incident
    if alarm:
        since = incident.since or session
        alarms = incident.alarms + 1
        opened = incident.opened or (since if alarms >= persistence else None)
        return Incident(opened, since, alarms, 0)
    calm = incident.calm + 1
    if calm >= clear_sessions:
        return Incident(calm=calm)
    return replace(incident, since=None, alarms=0, calm=calm)
