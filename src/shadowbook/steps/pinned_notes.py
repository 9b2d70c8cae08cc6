"""Whether the notes beside the workspace's data still say what was pinned with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any

from shadowbook.adapters.features.journal import NAME, FeatureJournal
from shadowbook.adapters.market_data.store import MarketStore
from shadowbook.errors import IntegrityError
from shadowbook.steps.known import VERDICT

SHOWN = 120
"""Characters of a value that a sentence repeats."""


def begun_anew(pinned: Path, current: Path) -> str:
    """Say so where the workspace's feature log is another one than the pinned; else nothing."""
    then, now = FeatureJournal(pinned).read(), FeatureJournal(current).read()
    if not then or not now or then[0].as_of == now[0].as_of:
        return ""
    return (
        f"the workspace's feature log was begun anew: its first extension is as of {now[0].as_of}, "
        f"the pinned one's {then[0].as_of}; the journals were not compared"
    )


def compare_journal(pinned: Path, current: Path, last: date, until: datetime | None) -> None:
    """Check that the workspace's journal begins with the pinned entries.

    Parameters
    ----------
    pinned, current : folders of the feature log.
    last : the last session that was pinned: an entry that begins after it was cut short before it
        wrote anything, and gave way to another.
    until : later entries are not expected in the workspace; None: all are.

    Raises
    ------
    IntegrityError
        Naming the entry and what of it was altered.
    """
    entries = [
        entry
        for entry in FeatureJournal(pinned).read()
        if entry.first <= last and (until is None or entry.as_of <= until)
    ]
    now = FeatureJournal(current).read()
    where = current / NAME
    for number, entry in enumerate(entries):
        told = f"{where}: entry {number + 1} (as of {entry.as_of:%Y-%m-%d %H:%M} UTC)"
        if number >= len(now):
            raise IntegrityError(f"{told} was pinned and is gone: restore the file from its pin")
        for field in fields(entry):
            _same(told, field.name, getattr(entry, field.name), getattr(now[number], field.name))


def compare_verdict(pinned: Path, current: Path, same_rules: bool) -> tuple[str, ...]:
    """Check the gate's verdict on the same prices at the same moment.

    A later gate judges everything anew, so that only a verdict of the run's own moment can be held
    against the pinned one.

    Parameters
    ----------
    pinned, current : folders of the accepted prices.
    same_rules : the gate has the same code and the same limits; otherwise a difference is a note.

    Raises
    ------
    IntegrityError
        Naming what of the verdict was altered.
    """
    where = current / VERDICT
    then, now = MarketStore(pinned).read_note(VERDICT), MarketStore(current).read_note(VERDICT)
    if then is None or then == now:
        return ()
    if now is None:
        raise IntegrityError(f"{where} was pinned and is gone: restore it from its pin")
    if datetime.fromisoformat(now["as_of"]) != datetime.fromisoformat(then["as_of"]):
        return ()
    if not same_rules or _counts(pinned) != _counts(current):
        return (f"{where} is another one than the pinned: the gate was run again since",)
    _same_mapping(where, then, now)
    return ()


def _same_mapping(where: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for key in [*then, *(key for key in now if key not in then)]:
        _same(str(where), key, then.get(key), now.get(key))


def _same(where: str, what: str, then: object, now: object) -> None:
    if then != now:
        raise IntegrityError(
            f"{where}: {what} was pinned as {_short(then)} and is now {_short(now)}: restore the "
            "file from its pin"
        )


def _short(value: object) -> str:
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _counts(folder: Path) -> tuple[int, int]:
    delivery = MarketStore(folder).read()
    return len(delivery.bars), len(delivery.references)
