"""Whether the chain holds, and whether every fact is as its event says."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from shadowbook.adapters.ledger import columns, order_rows
from shadowbook.adapters.ledger.chain import link_hash
from shadowbook.adapters.ledger.columns import Arrays, digestible
from shadowbook.adapters.ledger.moments import of_micros, to_micros
from shadowbook.adapters.ledger.names import Names
from shadowbook.adapters.ledger.tables import EVENTS, INPUTS, SESSION_FACTS
from shadowbook.core.audit import digest_array
from shadowbook.errors import IntegrityError

Facts = dict[str, dict[str, Any]]
"""Table -> its number of rows and their digest."""


@dataclass(frozen=True)
class Broken:
    """The first link that does not hold.

    Attributes
    ----------
    seq : of the event; 0 for facts that belong to no event.
    kind : of the event, or the table.
    key : of the event, or the book and its session.
    reason : what is wrong, one sentence.
    """

    seq: int
    kind: str
    key: str
    reason: str


def first_broken(connection: Connection, names: Names) -> Broken | None:
    """Go through the whole ledger; see `Ledger.verify`."""
    try:
        sessions = dict(session_facts(connection, names))
        orders = _order_facts(connection)
    except IntegrityError as error:
        return _chain_alone(connection) or Broken(0, "facts", "", str(error))
    inputs = _inputs(connection)
    found = _along_the_chain(connection, sessions, orders, inputs)
    return found or _left_over(connection, sessions, orders, inputs)


def session_facts(
    connection: Connection, names: Names
) -> Iterator[tuple[tuple[str, str, int], Facts]]:
    """Compute the facts of every session of every book from the rows themselves.

    Yields
    ------
    (strategy, book, microseconds) and what the session's event must say of its facts, in order
    of strategy, book and moment.
    """
    words, ranks = names.words_by_id(), names.ranks_by_id()
    for book_id, (strategy, book) in sorted(names.books().items(), key=lambda item: item[1]):
        of_book: dict[int, Facts] = {}
        for table in SESSION_FACTS:
            rows = columns.read(connection, table, book_id)
            moments = rows.pop("as_of")
            arrays = _in_order(rows, moments, words, ranks)
            starts = np.flatnonzero(np.diff(moments, prepend=moments[:1] - 1)).tolist()
            for start, end in pairwise([*starts, len(moments)]):
                of_book.setdefault(int(moments[start]), {})[table.name] = {
                    "rows": end - start,
                    "digest": digest_array(*(values[start:end] for values in arrays)),
                }
        for moment in sorted(of_book):
            yield (strategy, book, moment), of_book[moment]


def books_digest(connection: Connection, names: Names, wanted: set[tuple[str, str]]) -> str:
    """Digest the facts of some books; see `Ledger.books_digest`."""
    state = hashlib.sha256()
    for (strategy, book, moment), facts in session_facts(connection, names):
        if (strategy, book) in wanted:
            line = [strategy, book, moment, *(sorted(facts.items()))]
            state.update(json.dumps(line, sort_keys=True).encode() + b"\n")
    return state.hexdigest()


def _in_order(
    rows: Arrays, moments: np.ndarray[Any, np.dtype[np.int64]], words: Any, ranks: Any
) -> list[np.ndarray[Any, Any]]:
    """Return a table's columns for digests, each session in order of its symbols' names."""
    symbols = rows.pop("symbol_id", None)
    if symbols is None:
        return [digestible(values) for values in rows.values()]
    known = np.where((symbols > 0) & (symbols < len(ranks)), symbols, 0)
    order = np.lexsort((ranks[known], moments))
    return [words[known[order]], *(digestible(values[order]) for values in rows.values())]


def _order_facts(connection: Connection) -> dict[int, Facts]:
    facts: dict[int, Facts] = {}
    for name, query in order_rows.CONTENTS.items():
        for seq, rows in groupby(connection.execute(query), key=lambda row: row[0]):
            try:
                found = order_rows.summary([tuple(row)[1:] for row in rows])
            except (TypeError, ValueError) as error:
                raise IntegrityError(f"table {name} holds values of another kind") from error
            facts.setdefault(seq, {})[name] = found
    return facts


def _inputs(connection: Connection) -> dict[str, str]:
    """SHA-256 of every payload, by its digest; empty where it cannot be read."""
    found = {}
    for digest, packed in connection.execute(select(INPUTS.c.digest, INPUTS.c.payload)):
        try:
            found[digest] = hashlib.sha256(zlib.decompress(packed)).hexdigest()
        except (zlib.error, TypeError):
            found[digest] = ""
    return found


def _chain_alone(connection: Connection) -> Broken | None:
    for row, _, broken in _links(connection):
        if broken:
            return Broken(row.seq, row.kind, row.key, broken)
    return None


def _along_the_chain(
    connection: Connection,
    sessions: dict[tuple[str, str, int], Facts],
    orders: dict[int, Facts],
    inputs: dict[str, str],
) -> Broken | None:
    """Check link by link; what is vouched for is taken out of the three mappings."""
    for row, body, broken in _links(connection):
        reason = broken
        if not reason and row.kind == "session":
            reason = _differs(body["facts"], sessions.pop(_key(body), {}))
        elif not reason and row.kind in ("orders", "statuses"):
            reason = _differs(body["facts"], orders.pop(row.seq, {}))
        elif (
            not reason and row.kind == "inputs" and inputs.pop(body["digest"], "") != body["sha256"]
        ):
            reason = "the recorded inputs are missing or were altered"
        if reason:
            return Broken(row.seq, row.kind, row.key, reason)
    return None


def _links(connection: Connection) -> Iterator[tuple[Any, Any, str]]:
    """Yield each event's row, its body, and what is wrong with it as a link; empty: nothing."""
    previous, expected = "", 1
    for row in connection.execute(select(EVENTS).order_by(EVENTS.c.seq)):
        try:
            body = json.loads(row.body)
            now = link_hash(previous, *row[1:6])
        except (ValueError, OverflowError, TypeError) as error:
            yield row, None, f"the event cannot be read: {error}"
            return
        if row.seq != expected:
            yield row, body, f"event {expected} is missing before it"
        elif row.previous_hash != previous:
            yield row, body, "it does not follow on the event before it"
        elif row.hash != now:
            yield row, body, "its content is not what its hash was made of"
        else:
            yield row, body, ""
        previous, expected = row.hash, row.seq + 1


def _key(body: Any) -> tuple[str, str, int]:
    return body["strategy"], body["book"], to_micros(datetime.fromisoformat(body["as_of"]))


def _differs(recorded: Facts, found: Facts) -> str:
    for table in sorted({*recorded, *found}):
        before, now = recorded.get(table, {"rows": 0}), found.get(table, {"rows": 0})
        if before["rows"] != now["rows"]:
            return f"{table} has {now['rows']} rows where {before['rows']} were recorded"
        if before != now:
            return f"{table} has a row that was altered after it was recorded"
    return ""


def _left_over(
    connection: Connection,
    sessions: dict[tuple[str, str, int], Facts],
    orders: dict[int, Facts],
    inputs: dict[str, str],
) -> Broken | None:
    """Find facts that no event vouches for."""
    for (strategy, book, moment), facts in sessions.items():
        key = f"{strategy}/{book}/{of_micros(moment).isoformat()}"
        return Broken(0, min(facts), key, "its facts were recorded without a session")
    for seq, facts in orders.items():
        return Broken(0, min(facts), f"event {seq}", "its rows belong to no event of orders")
    for table, query in order_rows.STRAYS.items():
        if count := connection.execute(query).scalar():
            return Broken(
                0, table, "", f"{count} rows name a book, symbol or order that is not there"
            )
    for digest in inputs:
        return Broken(0, "inputs", digest, "these inputs were recorded without an event")
    return None
