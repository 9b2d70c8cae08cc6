"""Writes sessions of books, events and inputs: all of a call or nothing of it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from shadowbook.adapters.ledger import chain
from shadowbook.adapters.ledger.database import Database
from shadowbook.adapters.ledger.facts import Part, parts_of, session_body
from shadowbook.adapters.ledger.moments import of_micros, to_micros
from shadowbook.adapters.ledger.names import Names
from shadowbook.adapters.ledger.tables import BOOK_RETURNS, BOOKS, INPUTS, SESSION_FACTS
from shadowbook.core.books.day import BookDay
from shadowbook.core.events import Event
from shadowbook.errors import IntegrityError, PermanentError, SchemaError

OWN_KINDS = ("session", "inputs", "orders", "statuses")
"""Events that the ledger makes itself, since they vouch for rows."""


class Batch:
    """What one call records, made ready before the database is locked.

    Raises
    ------
    SchemaError
        A day or an event cannot be recorded as it is.
    PermanentError
        An event is the act of a simulated operator, and this is no ``simulation``.
    """

    def __init__(
        self,
        events: Sequence[Event],
        days: Sequence[BookDay],
        inputs: Mapping[str, bytes],
        simulation: bool,
    ) -> None:
        for event in events:
            if event.simulated and not simulation:
                raise PermanentError(
                    f"{event.key} is the act of a simulated operator: a real ledger takes acts of "
                    "people only"
                )
            if event.kind in OWN_KINDS:
                raise SchemaError(
                    f"event {event.key} is of kind {event.kind}, which the ledger makes itself: "
                    "name another kind"
                )
        self._days: dict[str, tuple[BookDay, Mapping[str, Part]]] = {}
        sessions = []
        for day in days:
            key, parts = _session_key(day), parts_of(day)
            sessions.append(Event("session", key, day.as_of, session_body(day, parts)))
            self._days.setdefault(key, (day, parts))
        self._inputs = inputs
        self._events = [*self._input_events(events, days), *events, *sessions]

    def write(self, connection: Connection, database: Database, names: Names) -> int:
        """Write what is not there yet; return how many events were new."""
        new = chain.unknown(connection, self._events)
        if not new:
            return 0
        days = [self._days[event.key] for event in new if event.kind == "session"]
        if days:
            self._write_days(connection, database, names, days)
        digests = [event.body["digest"] for event in new if event.kind == "inputs"]
        packed = [(digest, zlib.compress(self._inputs[digest], level=1)) for digest in digests]
        database.insert(connection, INPUTS, packed)
        chain.append(connection, database, new)
        return len(new)

    def _input_events(self, events: Sequence[Event], days: Sequence[BookDay]) -> list[Event]:
        moments = {day.inputs: day.as_of for day in reversed(days)}
        others = [event.at for event in events] + [day.as_of for day in days]
        made = []
        for digest, payload in self._inputs.items():
            if digest not in moments and not others:
                raise SchemaError(f"inputs {digest} are recorded with no event and no session")
            sha256 = hashlib.sha256(payload).hexdigest()
            body = {"digest": digest, "sha256": sha256, "n_bytes": len(payload)}
            at = moments[digest] if digest in moments else min(others)
            made.append(Event("inputs", f"inputs/{digest}", at, body))
        return made

    def _write_days(
        self,
        connection: Connection,
        database: Database,
        names: Names,
        days: Sequence[tuple[BookDay, Mapping[str, Part]]],
    ) -> None:
        names.refresh(connection)
        _check_order(connection, names, [day for day, _ in days])
        books = [(day.strategy, day.book) for day, _ in days]
        lists = dict.fromkeys(day.symbols for day, _ in days)
        names.add(connection, database, books, [name for symbols in lists for name in symbols])
        ids = {symbols: names.ids(symbols) for symbols in lists}
        rows: dict[str, list[tuple[Any, ...]]] = {table.name: [] for table in SESSION_FACTS}
        for day, parts in days:
            book_id, as_of = names.book_id(day.strategy, day.book), to_micros(day.as_of)
            for name, part in parts.items():
                rows[name] += part.rows(book_id or 0, as_of, ids[day.symbols])
        for table in SESSION_FACTS:
            database.insert(connection, table, rows[table.name])


def last_moments(connection: Connection) -> dict[int, int]:
    """Return the last session's moment of each book, by the book's id."""
    last = (
        select(func.max(BOOK_RETURNS.c.as_of))
        .where(BOOK_RETURNS.c.book_id == BOOKS.c.book_id)
        .scalar_subquery()
    )
    found = connection.execute(select(BOOKS.c.book_id, last))
    return {book_id: moment for book_id, moment in found if moment is not None}


def _session_key(day: BookDay) -> str:
    return f"session/{day.strategy}/{day.book}/{of_micros(to_micros(day.as_of)).isoformat()}"


def _check_order(connection: Connection, names: Names, days: Sequence[BookDay]) -> None:
    moments = last_moments(connection)
    last: dict[tuple[str, str], datetime] = {
        (strategy, book): of_micros(moments[book_id])
        for book_id, (strategy, book) in names.books().items()
        if book_id in moments
    }
    for day in days:
        before = last.get((day.strategy, day.book))
        if before is not None and day.as_of <= before:
            raise IntegrityError(
                f"{day.strategy}/{day.book} has a session of {before.isoformat()} on record, so "
                f"that of {day.as_of.isoformat()} cannot be added before it"
            )
        last[day.strategy, day.book] = day.as_of
