"""What a book leaves behind in a session, table by table, and the digest of each part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowbook.adapters.ledger.columns import digestible
from shadowbook.adapters.ledger.moments import to_day
from shadowbook.adapters.ledger.names import words_of
from shadowbook.core.audit import digest_array
from shadowbook.core.books.day import BookDay
from shadowbook.errors import SchemaError

RETURN_FIELDS = ("equity", "net", "signal", "execution", "cost", "turnover")


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one table from one session of one book.

    Attributes
    ----------
    symbols : (n,) places among the day's symbols; None for a table without symbols.
    columns : each (n,), in order of the table's columns.
    """

    symbols: NDArray[np.intp] | None
    columns: tuple[NDArray[Any], ...]

    def rows(self, book_id: int, as_of: int, ids: NDArray[np.int64]) -> list[tuple[Any, ...]]:
        """Return the table's rows; ``ids`` are those of the day's symbols."""
        keys = () if self.symbols is None else (ids[self.symbols].tolist(),)
        columns = [column.tolist() for column in self.columns]
        return list(zip(repeat(book_id), repeat(as_of), *keys, *columns))

    def summary(self, symbols: tuple[str, ...]) -> dict[str, Any]:
        """Return what the session's event says of the part."""
        keys = () if self.symbols is None else (words_of(symbols)[self.symbols],)
        return {
            "rows": len(self.columns[0]),
            "digest": digest_array(*keys, *(digestible(column) for column in self.columns)),
        }


def parts_of(day: BookDay) -> dict[str, Part]:
    """Cut a day into the rows of each table; a table without rows is left out.

    Negative zero is recorded as zero.

    Raises
    ------
    SchemaError
        Symbols are not sorted or arrays not as long as they are, a fill is of another symbol or
        told twice, or a number is infinite.
    """
    _check(day)
    rated = np.flatnonzero(~np.isnan(day.scores))
    decided = np.flatnonzero(~np.isnan(day.targets) | (day.ideal != 0))
    held = np.flatnonzero(day.quantities)
    parts = {
        "predictions": Part(rated, (_floats(day.scores[rated]),)),
        "targets": Part(
            decided,
            (
                _floats(day.targets[decided]),
                _ints(day.ideal[decided]),
                _floats(day.marks[decided]),
            ),
        ),
        "fills": _fills(day),
        "positions": Part(
            held,
            (_ints(day.quantities[held]), _floats(day.marks[held]), _ints(day.unpriced[held])),
        ),
        "book_returns": Part(
            None,
            (
                *(
                    np.array([value], dtype=np.int64)
                    for value in (to_day(day.session), day.model_version, day.cash_cents)
                ),
                *(np.array([getattr(day, name)]) + 0.0 for name in RETURN_FIELDS),
                np.array([day.outcome.value], dtype=object),
            ),
        ),
    }
    return {name: part for name, part in parts.items() if len(part.columns[0])}


def session_body(day: BookDay, parts: Mapping[str, Part]) -> dict[str, Any]:
    """Return the body of the session's event, which vouches for every row."""
    return {
        "strategy": day.strategy,
        "book": day.book,
        "session": day.session,
        "as_of": day.as_of,
        "model_version": day.model_version,
        "inputs": day.inputs,
        "outcome": day.outcome.value,
        # Left out where it is whole: events of sessions recorded without it stay what they are.
        **({} if day.capacity == 1.0 else {"capacity": day.capacity}),
        "reasons": list(day.reasons),
        "cash_cents": day.cash_cents,
        **{name: getattr(day, name) for name in RETURN_FIELDS},
        "facts": {name: part.summary(day.symbols) for name, part in parts.items()},
    }


def _fills(day: BookDay) -> Part:
    place = {symbol: i for i, symbol in enumerate(day.symbols)}
    fills = sorted(day.traded, key=lambda fill: (fill.symbol, fill.purpose, fill.sequence))
    strange = [fill.symbol for fill in fills if fill.symbol not in place]
    if strange:
        raise SchemaError(f"{_name(day)} has a fill of {strange[0]}, which is not of its symbols")
    if len({(fill.symbol, fill.purpose, fill.sequence) for fill in fills}) < len(fills):
        raise SchemaError(f"{_name(day)} has two fills of one symbol, purpose and sequence")
    columns = (
        np.array([fill.purpose for fill in fills], dtype=object),
        np.array([fill.sequence for fill in fills], dtype=np.int64),
        np.array([fill.quantity for fill in fills], dtype=np.int64),
        np.array([fill.price for fill in fills], dtype=np.float64) + 0.0,
        np.array([fill.reference for fill in fills], dtype=np.float64) + 0.0,
        np.array([fill.commission_cents for fill in fills], dtype=np.int64),
    )
    if not (np.isfinite(columns[3]).all() and np.isfinite(columns[4]).all()):
        raise SchemaError(f"{_name(day)} has a fill whose price is not a number")
    return Part(np.array([place[fill.symbol] for fill in fills], dtype=np.intp), columns)


def _check(day: BookDay) -> None:
    n = len(day.symbols)
    for name in ("scores", "targets", "ideal", "quantities", "marks", "unpriced"):
        values = getattr(day, name)
        if values.shape != (n,):
            raise SchemaError(
                f"{name} of {_name(day)} has shape {values.shape}: give one of {n} symbols each"
            )
        if values.dtype.kind == "f" and np.isinf(values).any():
            raise SchemaError(f"{name} of {_name(day)} holds an infinite number")
    if any(a >= b for a, b in pairwise(day.symbols)):
        raise SchemaError(f"symbols of {_name(day)} must be sorted, each once")


def _name(day: BookDay) -> str:
    return f"session {day.session} of {day.strategy}/{day.book}"


def _floats(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64) + 0.0


def _ints(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.asarray(values, dtype=np.int64)
