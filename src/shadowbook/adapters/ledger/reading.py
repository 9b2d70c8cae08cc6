"""What the ledger holds of books, as frames and as the state a book goes on from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, exists, select

from shadowbook.adapters.ledger import columns
from shadowbook.adapters.ledger.columns import Arrays
from shadowbook.adapters.ledger.moments import of_micros, to_micros
from shadowbook.adapters.ledger.names import Names
from shadowbook.adapters.ledger.outcomes import outcomes
from shadowbook.adapters.ledger.tables import (
    BOOK_RETURNS,
    ORDERS,
    POSITIONS,
    PREDICTIONS,
    SESSION_FACTS,
    TARGETS,
)
from shadowbook.core.books.day import BookState
from shadowbook.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES = "outcomes"
TABLES = {table.name: table for table in (*SESSION_FACTS, ORDERS)}
_HIDDEN = ("order_id", "seq", "book_id", "symbol_id", "as_of", "session", "at")
_PLACING = ("symbol_id", "as_of", "session", "at", "weight", "sequence", "purpose")
"""Columns that rows are placed, sorted or left out by."""


def frame(
    connection: Connection,
    names: Names,
    table: str,
    books: dict[int, list[str]],
    between: tuple[datetime | None, datetime | None],
    only: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return a table's rows of some books; see `Ledger.frame`."""
    if table not in (*TABLES, OUTCOMES):
        known = ", ".join((*TABLES, OUTCOMES))
        raise ConfigError(f"the ledger has no table {table}: it has {known}")
    since, until = (None if moment is None else to_micros(moment) for moment in between)
    if table == OUTCOMES:
        return outcomes(connection, names, books, (since, until))
    own = [column.name for column in TABLES[table].columns if column.name != "book_id"]
    unknown = sorted(set(only or ()) - set(own))
    if unknown:
        raise ConfigError(f"table {table} has no column {unknown[0]}: it has {', '.join(own)}")
    shown = [name for name in own if name not in _HIDDEN and (only is None or name in only)]
    read = [name for name in own if name in (*shown, *_PLACING)]
    found = {
        book_id: _rows(connection, names, table, book_id, (since, until), read) for book_id in books
    }
    return _laid_out(names, table, books, found, shown)


def state(connection: Connection, names: Names, book_id: int, n_scores: int) -> BookState | None:
    """Return what a book carries on from its last session; see `Ledger.state`."""
    returns = (
        select(BOOK_RETURNS.c.as_of, BOOK_RETURNS.c.cash_cents, BOOK_RETURNS.c.equity)
        .where(BOOK_RETURNS.c.book_id == book_id)
        .order_by(BOOK_RETURNS.c.as_of.desc())
    )
    last = connection.execute(returns.limit(1)).first()
    if last is None:
        return None
    now = (last.as_of, last.as_of + 1)
    held = columns.read(connection, POSITIONS, book_id, *now)
    decided = columns.read(connection, TARGETS, book_id, *now)
    wanted = {name: values[decided["ideal"] != 0] for name, values in decided.items()}
    quantities = _by_symbol(names, held, "quantity")
    unpriced = _by_symbol(names, held, "unpriced")
    marks = {**_by_symbol(names, held, "mark"), **_by_symbol(names, wanted, "mark")}
    decisions = returns.with_only_columns(BOOK_RETURNS.c.as_of).where(
        exists().where(
            TARGETS.c.book_id == book_id,
            TARGETS.c.as_of == BOOK_RETURNS.c.as_of,
            TARGETS.c.weight.is_not(None),
        )
    )
    moments = [row[0] for row in connection.execute(decisions.limit(n_scores))]
    return BookState(
        as_of=of_micros(last.as_of),
        cash_cents=last.cash_cents,
        equity=float("nan") if last.equity is None else last.equity,
        quantities=quantities,
        marks=dict(sorted(marks.items())),
        ideal=_by_symbol(names, wanted, "ideal"),
        scores=tuple(
            _by_symbol(names, columns.read(connection, PREDICTIONS, book_id, at, at + 1), "score")
            for at in reversed(moments)
        ),
        unpriced={symbol: count for symbol, count in unpriced.items() if count},
    )


def _by_symbol(names: Names, rows: Arrays, column: str) -> dict[str, Any]:
    """Return one column by symbol, in order of symbols."""
    symbols = [names.symbol(symbol_id) for symbol_id in rows["symbol_id"].tolist()]
    return dict(sorted(zip(symbols, rows[column].tolist(), strict=True)))


def _rows(
    connection: Connection,
    names: Names,
    table: str,
    book_id: int,
    between: tuple[int | None, int | None],
    read: list[str],
) -> Arrays:
    rows = columns.read(connection, TABLES[table], book_id, *between, read)
    if table == "targets":
        rows = _selected(rows, ~np.isnan(rows["weight"]))
    if "session" not in rows:
        known = columns.read(connection, BOOK_RETURNS, book_id, *between, ["as_of", "session"])
        place = np.searchsorted(known["as_of"], rows["as_of"])
        if len(place) and (
            place[-1] >= len(known["as_of"]) or (known["as_of"][place] != rows["as_of"]).any()
        ):
            raise IntegrityError(
                f"the ledger's table {table} has rows of a session that no book went through: "
                "run `ledger verify`"
            )
        rows["session"] = known["session"][place]
    if "symbol_id" in rows:
        rows["rank"] = names.places(rows["symbol_id"], table)
        keys = [rows[key] for key in ("sequence", "purpose") if key in rows]
        order = np.lexsort((*keys, rows["rank"], rows["as_of"]))
        if (np.diff(order) != 1).any():
            rows = _selected(rows, order)
    return rows


def _selected(rows: Arrays, which: NDArray[Any]) -> Arrays:
    return {name: values[which] for name, values in rows.items()}


def _laid_out(
    names: Names,
    table: str,
    books: dict[int, list[str]],
    found: dict[int, Arrays],
    shown: list[str],
) -> pd.DataFrame:
    import pandas as pd

    def joined(name: str) -> NDArray[Any]:
        parts = [rows[name] for rows in found.values()]
        return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)

    n_rows = [len(rows["as_of"]) for rows in found.values()]
    made: dict[str, Any] = {}
    for place, name in enumerate(("strategy", "book")):
        of_books = [book[place] for book in books.values()]
        categories = list(dict.fromkeys(of_books))
        codes: Any = np.repeat([categories.index(one) for one in of_books], n_rows)
        made[name] = pd.Categorical.from_codes(codes, categories=pd.Index(categories, dtype=object))
    made["session"] = joined("session").astype("datetime64[D]").astype("datetime64[us]")
    made["as_of"] = pd.DatetimeIndex(joined("as_of").astype("datetime64[us]")).tz_localize("UTC")
    if "symbol_id" in TABLES[table].columns:
        ranks: Any = joined("rank")
        made["symbol"] = pd.Categorical.from_codes(
            ranks, categories=pd.Index(names.categories(), dtype=object)
        )
    for name in shown:
        made[name] = joined(name)
    if "at" in TABLES[table].columns:
        made["at"] = pd.DatetimeIndex(joined("at").astype("datetime64[us]")).tz_localize("UTC")
    return pd.DataFrame(made)
