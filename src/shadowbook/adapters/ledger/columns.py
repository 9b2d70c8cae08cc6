"""Rows of a table as arrays, whole columns at a time."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Float, Select, Table, Text, select

from shadowbook.adapters.ledger.names import words_of
from shadowbook.errors import IntegrityError

Arrays = dict[str, NDArray[Any]]

_CHUNK = 2_000
"""Rows at a time: so few lie in the processor's cache until they are columns."""

_DTYPES: dict[str, type] = {"float": np.float64, "int": np.int64, "text": object}


def kind_of(table: Table, name: str) -> str:
    """Say what a column holds: ``float``, ``int`` or ``text``."""
    column = table.columns[name].type
    if isinstance(column, Float):
        return "float"
    return "text" if isinstance(column, Text) else "int"


def read(
    connection: Connection,
    table: Table,
    book_id: int,
    since: int | None = None,
    until: int | None = None,
    names: list[str] | None = None,
) -> Arrays:
    """Read a book's rows in order of their key, ``book_id`` left out.

    Parameters
    ----------
    since, until : microseconds; half-open on ``as_of``.
    names : these columns alone; None = all.

    Returns
    -------
    Column name -> (n,) array; NULL is NaN.
    """
    if names is None:
        names = [column.name for column in table.columns if column.name != "book_id"]
    order = [table.columns[key.name] for key in table.primary_key.columns if key.name != "book_id"]
    query = select(*(table.columns[name] for name in names)).order_by(*order)
    query = query.where(table.columns["book_id"] == book_id)
    if since is not None:
        query = query.where(table.columns["as_of"] >= since)
    if until is not None:
        query = query.where(table.columns["as_of"] < until)
    return arrays(connection, table, names, query)


def arrays(connection: Connection, table: Table, names: list[str], query: Select[Any]) -> Arrays:
    """Run a query on some of a table's columns and return them as arrays.

    Raises
    ------
    IntegrityError
        A column holds what it cannot hold.
    """
    # The driver's own rows: SQLAlchemy's cost more than the database does.
    cursor: Any = connection.execute(query).cursor
    parts: list[list[NDArray[Any]]] = []
    with _uncollected():
        while rows := cursor.fetchmany(_CHUNK):
            parts.append(
                [
                    _array(table, name, values)
                    for name, values in zip(names, zip(*rows, strict=True), strict=True)
                ]
            )
    cursor.close()
    if not parts:
        return {name: np.empty(0, dtype=_DTYPES[kind_of(table, name)]) for name in names}
    return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(names)}


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the cycle collector from going through rows that are gone in a moment: a tenth."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def digestible(values: NDArray[Any]) -> NDArray[Any]:
    """Return a column for a digest: texts by their words, numbers as they are."""
    return words_of(tuple(values.tolist())) if values.dtype == object else values


def _array(table: Table, name: str, values: tuple[Any, ...]) -> NDArray[Any]:
    kind = kind_of(table, name)
    try:
        if kind == "float":
            return np.array(values, dtype=np.float64)
        found = np.array(values, dtype=object if kind == "text" else None)
    except (TypeError, ValueError) as error:
        raise _unreadable(table, name, kind) from error
    # SQLite takes any type in any column.
    fits = (
        all(isinstance(value, str) for value in values)
        if kind == "text"
        else found.dtype == np.int64
    )
    if not fits:
        raise _unreadable(table, name, kind)
    return found


def _unreadable(table: Table, name: str, kind: str) -> IntegrityError:
    return IntegrityError(
        f"column {name} of the ledger's table {table.name} holds what is no {kind}: "
        "it was altered by hand, so restore the ledger from a copy"
    )
