"""Instants and sessions as the ledger's integers."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from shadowbook.errors import SchemaError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds UTC since 1970.

    Raises
    ------
    SchemaError
        The moment has no time zone.
    """
    if moment.tzinfo is None:
        raise SchemaError(f"{moment.isoformat()} has no time zone: give an aware UTC moment")
    return (moment - _EPOCH) // _MICROSECOND


def of_micros(micros: int) -> datetime:
    """Return the aware UTC moment."""
    return _EPOCH + micros * _MICROSECOND


def to_day(session: date) -> int:
    """Days since 1970."""
    return (session - _EPOCH_DAY).days


def of_day(day: int) -> date:
    """Return the calendar date."""
    return _EPOCH_DAY + timedelta(days=day)
