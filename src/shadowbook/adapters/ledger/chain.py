"""Events in a row, each holding the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from shadowbook.adapters.ledger.database import Database
from shadowbook.adapters.ledger.moments import of_micros, to_micros
from shadowbook.adapters.ledger.tables import EVENTS
from shadowbook.core.audit import canonical_json, first_mismatch
from shadowbook.core.events import Event
from shadowbook.errors import IntegrityError, SchemaError

_PAGE = 1_000
_KEYS_AT_ONCE = 500


@dataclass(frozen=True)
class StoredEvent:
    """An event in its place.

    Attributes
    ----------
    seq : 1 for the first.
    event : as it was recorded; numbers of its body that are whole come back as int, NaN as
        ``"NaN"``, moments as ISO text.
    previous_hash : hash of the event before; empty for the first.
    hash : of the event and ``previous_hash``; see `core.audit.chain_hash`.
    """

    seq: int
    event: Event
    previous_hash: str
    hash: str


def head(connection: Connection) -> tuple[int, str]:
    """Return seq and hash of the last event; 0 and empty text before the first."""
    query = select(EVENTS.c.seq, EVENTS.c.hash).order_by(EVENTS.c.seq.desc()).limit(1)
    row = connection.execute(query).first()
    return (row[0], row[1]) if row else (0, "")


def unknown(connection: Connection, events: Sequence[Event]) -> list[Event]:
    """Return those that the ledger does not hold, each once.

    Raises
    ------
    IntegrityError
        An event's key is there, or among the others, with other content.
    SchemaError
        An event has a body that is not JSON, or a naive moment.
    """
    stored = _stored(connection, [event.key for event in events])
    new: dict[str, Event] = {}
    for event in events:
        if event.key in stored:
            _same(stored[event.key], event)
        elif event.key in new:
            _same(_plain(new[event.key]), event)
        else:
            new[event.key] = event
    return list(new.values())


def append(connection: Connection, database: Database, events: Iterable[Event]) -> int:
    """Chain events that are not there yet; return the seq of the first.

    Raises
    ------
    SchemaError
        An event has a body that is not JSON, or a naive moment.
    """
    last, previous = head(connection)
    rows = []
    for seq, event in enumerate(events, start=last + 1):
        try:
            body = canonical_json(event.body).decode()
        except ValueError as error:
            raise SchemaError(f"event {event.key} cannot be recorded: {error}") from error
        about = (event.kind, event.key, to_micros(event.at), body, int(event.simulated))
        now = link_hash(previous, *about)
        rows.append((seq, *about, previous, now))
        previous = now
    database.insert(connection, EVENTS, rows)
    return last + 1


def link_hash(previous_hash: str, kind: str, key: str, at: int, body: str, simulated: int) -> str:
    """Return `core.audit.chain_hash` of an event, made from its row without reading the body.

    Parameters
    ----------
    at : microseconds.
    body : canonical JSON.
    simulated : 0 or 1.

    Raises
    ------
    ValueError, OverflowError, TypeError
        The row holds what no event has.
    """
    around = canonical_json({"key": key, "kind": kind, "simulated": bool(simulated)}).decode()
    at_text = canonical_json(of_micros(at)).decode()
    # Canonical JSON orders keys by name: at, body, key, kind, simulated; event, previous_hash.
    event = f'{{"at":{at_text},"body":{body},{around[1:]}'
    previous = canonical_json(previous_hash).decode()
    text = f'{{"event":{event},"previous_hash":{previous}}}'
    return hashlib.sha256(text.encode()).hexdigest()


def stored_events(database: Database, kind: str | None) -> Iterator[StoredEvent]:
    """Yield events in order, a page at a time, so that no transaction stays open."""
    seq = 0
    while True:
        query = select(EVENTS).where(EVENTS.c.seq > seq).order_by(EVENTS.c.seq).limit(_PAGE)
        if kind is not None:
            query = query.where(EVENTS.c.kind == kind)
        with database.reading() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            yield _event_of(row)
        if len(rows) < _PAGE:
            return
        seq = rows[-1].seq


def newest_event(connection: Connection, kind: str, start: str) -> StoredEvent | None:
    """Return the last event of a kind whose key starts so; None where there is none."""
    query = (
        select(EVENTS)
        .where(EVENTS.c.kind == kind)
        # Not LIKE: SQLite's takes letters of either case.
        .where(func.substr(EVENTS.c.key, 1, len(start)) == start)
        .order_by(EVENTS.c.seq.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else _event_of(row)


def _event_of(row: Row[Any]) -> StoredEvent:
    return StoredEvent(row.seq, _told(row), row.previous_hash, row.hash)


def _told(row: Row[Any]) -> Event:
    try:
        body = json.loads(row.body)
    except ValueError as error:
        raise IntegrityError(
            f"event {row.seq} of the ledger ({row.key}) cannot be read: it was altered by hand, so "
            "restore the ledger from a copy"
        ) from error
    return Event(row.kind, row.key, of_micros(row.at), body, bool(row.simulated))


def content(event: Event) -> dict[str, Any]:
    """Return what is hashed of an event."""
    return {
        "kind": event.kind,
        "key": event.key,
        "at": of_micros(to_micros(event.at)).isoformat(),
        "body": event.body,
        "simulated": event.simulated,
    }


def _stored(connection: Connection, keys: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        query = select(EVENTS).where(EVENTS.c.key.in_(keys[start : start + _KEYS_AT_ONCE]))
        for row in connection.execute(query):
            found[row.key] = content(_told(row))
    return found


def _same(recorded: Mapping[str, Any], event: Event) -> None:
    told = _plain(event)
    if event.kind == "inputs":
        # What several sessions saw is recorded at the first of them.
        told["at"] = recorded["at"]
    differs = first_mismatch(recorded, told)
    if differs is not None:
        where = ".".join(name for name in (differs.layer, differs.what) if name)
        raise IntegrityError(
            f"{event.key} is recorded with other content: {where} is {_short(differs.recorded)}, "
            f"and is now {_short(differs.rebuilt)}; what is recorded stays"
        )


def _plain(event: Event) -> dict[str, Any]:
    """Return the content as it is read back."""
    try:
        plain: dict[str, Any] = json.loads(canonical_json(content(event)))
    except ValueError as error:
        raise SchemaError(f"event {event.key} cannot be recorded: {error}") from error
    return plain


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
