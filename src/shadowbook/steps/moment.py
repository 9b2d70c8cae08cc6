"""Which moment a run is about."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np

from shadowbook.errors import ConfigError, InsufficientDataError
from shadowbook.workspace import Workspace


def resolve_as_of(workspace: Workspace, text: str | None) -> datetime:
    """Turn ``--as-of`` into an aware moment.

    Parameters
    ----------
    text : a session (``2022-12-28``: its decision moment), an aware ISO 8601 time, or None: what
        ``market_data.as_of`` says.

    Raises
    ------
    ConfigError
        A naive time, a day without a session, a moment in the future, no date at all.
    """
    now = workspace.clock.now()
    if text is None:
        if workspace.settings.market_data.as_of == "now":
            return now
        return _newest_session(workspace, now)
    moment = _parsed(workspace, text.strip())
    if moment > now:
        raise ConfigError(
            f"--as-of {text} lies in the future (it is {now:%Y-%m-%d %H:%M} UTC): "
            "nobody knows its data yet"
        )
    return moment


def _parsed(workspace: Workspace, text: str) -> datetime:
    if len(text) == len("2022-12-28"):
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise ConfigError(f"--as-of {text!r} is no date: write 2022-12-28") from error
        return _decision(workspace, day)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"--as-of {text!r} is neither a session (2022-12-28) nor an ISO 8601 time with an "
            "offset (2022-12-28T21:15:00+00:00)"
        ) from error
    if moment.tzinfo is None:
        raise ConfigError(
            f"--as-of {text} has no time zone: add an offset, e.g. {text}+00:00 for UTC"
        )
    return moment.astimezone(UTC)


def _decision(workspace: Workspace, day: date) -> datetime:
    calendar = workspace.market.calendar
    around = np.datetime64(day, "D")
    span = calendar.schedule((around - 10).astype(date), (around + 10).astype(date))
    at = int(np.searchsorted(span.sessions, around))
    if at == len(span.sessions) or span.sessions[at] != around:
        raise ConfigError(
            f"--as-of {day} is no session of {calendar.name}: the ones beside it are "
            f"{span.sessions[at - 1]} and {span.sessions[min(at, len(span.sessions) - 1)]}"
        )
    return _aware(span.decided_at[at])


def _newest_session(workspace: Workspace, now: datetime) -> datetime:
    delivery = workspace.market.delivery
    schedule = workspace.market.schedule(delivery, now)
    days = delivery.bars["session"].to_numpy("datetime64[D]")
    decided = schedule.decided_at[np.isin(schedule.sessions, days)]
    decided = decided[decided <= np.datetime64(now.replace(tzinfo=None), "us")]
    if not len(decided):
        raise InsufficientDataError(
            f"the source has no session of {workspace.market.calendar.name} that is over: "
            "bring at least one"
        )
    return _aware(decided[-1])


def _aware(moment: np.datetime64) -> datetime:
    naive: datetime = moment.astype("datetime64[us]").astype(datetime)
    return naive.replace(tzinfo=UTC)
