"""When a flow runs by itself: what a schedule may say, and a strict reading of its cron text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, field_validator

FLOWS = ("prepare", "retrain", "trade", "monitor")
"""Flows that can be scheduled."""

_FIELDS: Mapping[str, tuple[int, int]] = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (0, 7),
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NAMES: Mapping[str, Mapping[str, int]] = {
    "month": {name: i + 1 for i, name in enumerate(_MONTHS)},
    "day of week": {name: i for i, name in enumerate(_WEEKDAYS)},
}
_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TERM = re.compile(r"(\*|(\w+)(?:-(\w+))?)(?:/(\d+))?", re.ASCII)


class SchedulePolicy(BaseModel):
    """When one flow runs, and how long it waits for what it needs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    cron: str = Field(
        description="minute, hour, day of month, month and day of week, in the exchange's time zone"
    )
    patience_minutes: float = Field(
        default=240,
        ge=0,
        le=2880,
        description="how long a run waits for its session's data and for a workspace in use",
    )
    poll_seconds: float = Field(
        default=60, ge=1, le=3600, description="how often a waiting run looks at the source"
    )
    active: bool = Field(default=True, description="false: registered, but never started by itself")

    @field_validator("cron")
    @classmethod
    def _readable(cls, text: str) -> str:
        check_cron(text)
        return text


def check_cron(text: str) -> None:
    """Refuse a cron text that is not five plain fields, or that never comes true.

    A field holds ``*``, numbers, ranges and lists of them, each with a step (``*/5``, ``1-5``,
    ``0,30``); months and weekdays may be named (``MON-FRI``). Vendors' extensions (``@daily``,
    ``L``, ``#``, seconds) are refused: programs read them differently.

    Raises
    ------
    ValueError
        With what is wrong, in words.

    Examples
    --------
    >>> check_cron("30 16 * * 1-5")
    >>> check_cron("30 24 * * *")
    Traceback (most recent call last):
    ...
    ValueError: the hour '24' must lie within 0 to 23
    """
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(
            f"must be five fields ({', '.join(_FIELDS)}) such as '30 16 * * 1-5', not {len(fields)}"
        )
    given = dict(zip(_FIELDS, fields, strict=True))
    values = {name: _values(name, field) for name, field in given.items()}
    longest = max(_DAYS_IN_MONTH[month - 1] for month in values["month"])
    # With a day of week given as well, either of the two days counts.
    if given["day of week"] == "*" and min(values["day of month"]) > longest:
        raise ValueError("must come true at some time: these months have no such day")


def _values(name: str, field: str) -> set[int]:
    found: set[int] = set()
    for term in field.split(","):
        match = _TERM.fullmatch(term)
        if match is None:
            raise ValueError(
                f"the {name} {term!r} must be *, a number, a range such as 1-5, a list such as "
                "1,3, or one of these with a step such as */5"
            )
        whole, first, last, step = match.groups()
        low, high = _FIELDS[name]
        if whole != "*":
            low = _value(name, first)
            high = _value(name, last) if last else high if step else low
        if low > high:
            raise ValueError(f"the {name} {term!r} must begin before it ends; a list can hold two")
        if step is not None and not 1 <= int(step) <= _FIELDS[name][1]:
            raise ValueError(f"the {name} {term!r} must have a step of 1 to {_FIELDS[name][1]}")
        found.update(range(low, high + 1, int(step or 1)))
    return found


def _value(name: str, text: str) -> int:
    low, high = _FIELDS[name]
    value = _NAMES.get(name, {}).get(text.upper(), text)
    if (isinstance(value, str) and not value.isdigit()) or not low <= int(value) <= high:
        raise ValueError(f"the {name} {text!r} must lie within {low} to {high}")
    return int(value)
