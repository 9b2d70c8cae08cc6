"""Which moment a run is about."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import numpy as np

from shadowbook.adapters.market_data.market import EARLIEST
from shadowbook.errors import ConfigError, InsufficientDataError
from shadowbook.workspace import Workspace

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
AROUND = np.timedelta64(20, "D")
"""No exchange rests this long, so there is a session on either side of a day."""


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
    if text is not None:
        return named_moment(workspace, text)
    now, setting = workspace.clock.now(), workspace.settings.market_data.as_of
    if setting == "now":
        return now
    if setting != "newest_session":
        return named_moment(workspace, setting, "market_data.as_of")
    return _newest_session(workspace, now)


def named_moment(workspace: Workspace, text: str, name: str = "--as-of") -> datetime:
    """Turn a text into an aware moment, without reading the source.

    Parameters
    ----------
    name : where the text was given, for the sentences.

    Raises
    ------
    ConfigError
        See ``resolve_as_of``.
    """
    now = workspace.clock.now()
    moment = _parsed(workspace, text.strip(), name, now)
    if moment > now:
        raise _in_the_future(f"{name} {text}", now)
    return moment


def _in_the_future(given: str, now: datetime) -> ConfigError:
    return ConfigError(
        f"{given} lies in the future (it is {now:%Y-%m-%d %H:%M} UTC), of which nothing is "
        "known: name a moment that is over"
    )


def _parsed(workspace: Workspace, text: str, name: str, now: datetime) -> datetime:
    given = f"{name} {text}"
    if DAY.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise ConfigError(
                f"{given} is no day of any calendar: write one such as 2022-12-28"
            ) from error
        if day > now.date() + timedelta(days=1):
            raise _in_the_future(given, now)
        if day < EARLIEST:
            raise ConfigError(f"{given} lies before {EARLIEST}: name a later session")
        return _decision(workspace, day, given)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{name} {text!r} is neither a session (2022-12-28) nor an ISO 8601 time with an "
            "offset (2022-12-28T21:15:00+00:00)"
        ) from error
    if moment.tzinfo is None:
        raise ConfigError(
            f"{given} has no time zone: add an offset, {moment.isoformat()}+00:00 for UTC"
        )
    if not EARLIEST.year <= moment.year <= now.year + 1:
        raise ConfigError(
            f"{given} lies outside of {EARLIEST.year} to {now.year}: name a moment within"
        )
    return moment.astimezone(UTC)


def _decision(workspace: Workspace, day: date, given: str) -> datetime:
    calendar = workspace.market.calendar
    around = np.datetime64(day, "D")
    span = calendar.schedule((around - AROUND).astype(date), (around + AROUND).astype(date))
    at = int(np.searchsorted(span.sessions, around))
    if span.sessions[at] != around:
        raise ConfigError(
            f"{given} is no session of {calendar.name}: use the one before, "
            f"{span.sessions[at - 1]}, or the one after, {span.sessions[at]}"
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
