"""What a ledger holds of a book in a span: each layer of each session, and what it carried on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.day import BookState, Traded
from shadowbook.core.books.running import Wanted
from shadowbook.errors import ConfigError, IntegrityError
from shadowbook.steps.given import Given, unpacked

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("book_returns", "predictions", "targets", "orders", "fills", "positions")
CORPORATE = ("split", "dividend")
"""Purposes that no order has."""


@dataclass(frozen=True, eq=False)
class RecordedDay:
    """One session of a book as the ledger has it.

    Attributes
    ----------
    version : of the model that scored.
    given : what it was given.
    capacity, reasons : what the session's event says; see `BookDay`.
    before, after : what the book carried into the session and out of it; None before its first.
    scores : symbol -> score.
    targets : symbol -> (weight, whole shares); None where nothing was decided.
    traded : fills and corporate actions.
    asked : orders for this session's auction.
    orders : orders that this session's decision led to.
    """

    session: date
    as_of: datetime
    version: int
    given: Given
    capacity: float
    reasons: tuple[str, ...]
    before: BookState | None
    after: BookState
    scores: Mapping[str, float]
    targets: Mapping[str, tuple[float, int]] | None
    traded: tuple[Traded, ...]
    asked: tuple[Wanted, ...]
    orders: tuple[Wanted, ...]


def recorded_days(
    ledger: Ledger, strategy: str, book: str, n_scores: int, span: tuple[date, date]
) -> list[RecordedDay]:
    """Read a book's sessions of a span, in order.

    Parameters
    ----------
    n_scores : decided sessions whose scores a book carries on: its strategy's horizon.
    span : first and last day, both included.

    Raises
    ------
    ConfigError
        None of the book's sessions lies in the span.
    IntegrityError
        The inputs of a session are lost or damaged.
    """
    rows = _Rows(ledger, strategy, book)
    at = [i for i, day in enumerate(rows.sessions) if span[0] <= day <= span[1]]
    if not at:
        raise ConfigError(
            f"{book} of {strategy} went through no session from {span[0]} to {span[1]}: the ledger "
            f"holds {rows.sessions[0]} to {rows.sessions[-1]}"
        )
    events = {
        stored.event.at: stored.event.body
        for stored in ledger.events("session")
        if stored.event.body["strategy"] == strategy and stored.event.body["book"] == book
    }
    states = _states(rows, at[-1], n_scores)
    return [_day(ledger, rows, events, states, i) for i in at]


def span_of(
    ledger: Ledger, key: tuple[str, str], first: date | None, last: date | None, sessions: int
) -> tuple[date, date]:
    """Return the days to look at: those asked for, else a book's newest sessions.

    Parameters
    ----------
    key : strategy and book.
    sessions : how many, where the first day is not given.

    Raises
    ------
    ConfigError
        The ledger holds no such book, or the span ends before it begins.
    """
    strategy, book = key
    if key not in ledger.books():
        books = ", ".join(name for owner, name in ledger.books() if owner == strategy)
        has = f"its books are {books}" if books else "nothing of it was recorded yet"
        raise ConfigError(f"the ledger holds no book {book} of {strategy}: {has}")
    days = [day.date() for day in ledger.frame("book_returns", strategy, book)["session"]]
    end = last or days[-1]
    there = [day for day in days if day <= end]
    begin = first or (there[-sessions:] or [end])[0]
    if begin > end:
        raise ConfigError(f"the span ends on {end}, before it begins on {begin}")
    return begin, end


class _Rows:
    """The tables of one book, cut by session."""

    def __init__(self, ledger: Ledger, strategy: str, book: str) -> None:
        self._frames = {name: ledger.frame(name, strategy, book) for name in TABLES}
        returns = self._frames["book_returns"]
        self.sessions: list[date] = [day.date() for day in returns["session"]]
        self.moments: list[datetime] = [moment.to_pydatetime() for moment in returns["as_of"]]
        keys = _micros(returns)
        self._bounds = {
            name: (np.searchsorted(at, keys, "left"), np.searchsorted(at, keys, "right"))
            for name, at in ((name, _micros(frame)) for name, frame in self._frames.items())
        }
        self._columns = {
            name: {str(column): _plain(frame[column]) for column in frame}
            for name, frame in self._frames.items()
        }

    def columns(self, table: str, i: int, *names: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a session, by its number in the book's history."""
        begin, end = (int(bound[i]) for bound in self._bounds[table])
        parts = (self._columns[table][name][begin:end].tolist() for name in names)
        return zip(*parts, strict=True)

    def only(self, i: int, name: str) -> Any:
        """Return a value of the session's one row of returns."""
        return self._columns["book_returns"][name][i].item()


def _micros(frame: pd.DataFrame) -> NDArray[np.int64]:
    at = frame["as_of"].dt.tz_convert("UTC").dt.tz_localize(None)
    micros: NDArray[np.int64] = at.to_numpy("datetime64[us]").astype(np.int64)
    return micros


def _plain(column: pd.Series) -> NDArray[Any]:
    if isinstance(column.dtype, np.dtype):
        return column.to_numpy()
    return column.to_numpy(dtype=object)


def _states(rows: _Rows, last: int, n_scores: int) -> list[BookState]:
    """Return what the book carried on from every session up to one."""
    states: list[BookState] = []
    scores: tuple[Mapping[str, float], ...] = ()
    for i in range(last + 1):
        targets = list(rows.columns("targets", i, "symbol", "ideal", "mark"))
        if targets:
            scores = (*scores, dict(rows.columns("predictions", i, "symbol", "score")))[-n_scores:]
        held = list(rows.columns("positions", i, "symbol", "quantity", "mark", "unpriced"))
        quantities = {symbol: quantity for symbol, quantity, _, _ in held}
        wanted = {symbol: ideal for symbol, ideal, _ in targets if ideal}
        marks = {symbol: mark for symbol, _, mark, _ in held}
        marks |= {symbol: mark for symbol, ideal, mark in targets if ideal}
        states.append(
            BookState(
                as_of=rows.moments[i],
                cash_cents=rows.only(i, "cash_cents"),
                equity=rows.only(i, "equity"),
                quantities=quantities,
                marks=dict(sorted(marks.items())),
                # Where nothing was decided, a book keeps what it has.
                ideal=wanted if targets else quantities,
                scores=scores,
                unpriced={symbol: unpriced for symbol, _, _, unpriced in held if unpriced},
            )
        )
    return states


def _day(
    ledger: Ledger,
    rows: _Rows,
    events: Mapping[datetime, Mapping[str, Any]],
    states: list[BookState],
    i: int,
) -> RecordedDay:
    body = events[rows.moments[i]]
    targets = {
        symbol: (weight, ideal)
        for symbol, weight, ideal in rows.columns("targets", i, "symbol", "weight", "ideal")
    }
    fills = ("symbol", "purpose", "sequence", "quantity", "price", "reference", "commission_cents")
    return RecordedDay(
        session=rows.sessions[i],
        as_of=rows.moments[i],
        version=rows.only(i, "model_version"),
        given=_given(ledger, body["inputs"], rows.sessions[i]),
        capacity=body.get("capacity", 1.0),
        reasons=tuple(body["reasons"]),
        before=states[i - 1] if i else None,
        after=states[i],
        scores=dict(rows.columns("predictions", i, "symbol", "score")),
        targets=targets or None,
        traded=tuple(Traded(*one) for one in rows.columns("fills", i, *fills)),
        asked=_orders(rows, i - 1) if i else (),
        orders=_orders(rows, i),
    )


def _given(ledger: Ledger, digest: str, session: date) -> Given:
    try:
        return unpacked(ledger.inputs(digest))
    except KeyError as error:
        raise IntegrityError(
            f"the inputs of session {session} were recorded by an older release, without the "
            "session's prices: replay again, or diagnose later sessions"
        ) from error


def _orders(rows: _Rows, i: int) -> tuple[Wanted, ...]:
    found = rows.columns("orders", i, "symbol", "quantity", "purpose")
    return tuple(Wanted(*one) for one in found)
