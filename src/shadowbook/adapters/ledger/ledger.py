"""The append-only record of what every book did, chained so that no edit goes unseen."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, select

from shadowbook.adapters.ledger import chain, order_records, order_rows, reading, verification
from shadowbook.adapters.ledger.chain import StoredEvent
from shadowbook.adapters.ledger.database import Database
from shadowbook.adapters.ledger.moments import of_micros, to_day
from shadowbook.adapters.ledger.names import Names
from shadowbook.adapters.ledger.recording import Batch, last_moments
from shadowbook.adapters.ledger.tables import INPUTS, ORDERS
from shadowbook.adapters.ledger.verification import Broken
from shadowbook.core.books.day import BookDay, BookState
from shadowbook.core.books.orders import Order, OrderStatus
from shadowbook.core.events import Event
from shadowbook.errors import IntegrityError

if TYPE_CHECKING:
    import pandas as pd


class Ledger:
    """One ledger; opened when it is first used. Not to be shared by threads.

    Every method raises ``TransientError`` when another process holds the database for longer
    than five seconds, and ``PermanentError`` when it cannot be read or written (a full disk, a
    read-only folder, a damaged file, another program's database, a newer program's schema).

    Parameters
    ----------
    url : ``sqlite:////absolute/path/ledger.db`` (its folder is made) or
        ``postgresql+psycopg://user@host/database``.
    durable : flush every record to disk. Without it a killed process loses nothing that was
        recorded, but a power failure may lose or damage the file: for replays, which can be run
        again.
    simulation : the ledger of a replay, which takes acts of a simulated operator.

    Raises
    ------
    ConfigError
        The URL is none of a ledger.
    """

    def __init__(self, url: str, durable: bool = True, simulation: bool = False) -> None:
        self._database = Database(url, durable)
        self._simulation = simulation
        self._names = Names()

    def record(
        self,
        events: Sequence[Event],
        days: Sequence[BookDay] = (),
        inputs: Mapping[str, bytes] | None = None,
    ) -> int:
        """Record everything or nothing.

        What is there with the same content is left alone. Inputs are chained before the events,
        and those before the sessions, which have an event each that vouches for its rows.

        Parameters
        ----------
        days : each later than the last one of its book.
        inputs : digest -> payload, stored once.

        Returns
        -------
        How many events were new, those of inputs and sessions included.

        Raises
        ------
        IntegrityError
            A key is there with other content (the message names what differs), or a session
            comes before one that is there.
        SchemaError
            An event or a day cannot be recorded: a body that is not JSON, a naive moment, an
            infinite number, arrays of another length than the symbols.
        PermanentError
            An event is the act of a simulated operator, and this is no replay.
        """
        if not (events or days or inputs):
            return 0
        batch = Batch(events, days, inputs or {}, self._simulation)
        with self._writing() as connection:
            return batch.write(connection, self._database, self._names)

    def record_session(
        self,
        events: Sequence[Event],
        days: Sequence[BookDay],
        inputs: Mapping[str, bytes],
        statuses: Sequence[OrderStatus],
        orders: Sequence[Order],
        at: datetime,
    ) -> None:
        """Record a session whole: what became of its orders, its books, and the orders to come.

        Parameters and errors are those of ``record``, ``record_statuses`` and ``record_orders``.
        """
        batch = Batch(events, days, inputs, self._simulation)
        with self._writing() as connection:
            order_records.record_statuses(connection, self._database, statuses)
            batch.write(connection, self._database, self._names)
            order_records.record_orders(connection, self._database, self._names, orders, at)

    def record_orders(self, orders: Sequence[Order], at: datetime) -> int:
        """Record what a decision is about to send: one event a decision, complete in one call.

        Parameters
        ----------
        at : when it is recorded, aware UTC; the moment at which the orders are NEW.

        Returns
        -------
        How many orders were new.

        Raises
        ------
        IntegrityError
            An order is there with other content, or its decision is there without it.
        """
        with self._writing() as connection:
            return order_records.record_orders(connection, self._database, self._names, orders, at)

    def record_statuses(self, statuses: Sequence[OrderStatus]) -> int:
        """Record what a broker tells of orders: new states and fills; nothing is taken back.

        A telling older than what is recorded is left alone, and so is a state told again.

        Returns
        -------
        How many orders have a new state or new fills.

        Raises
        ------
        IntegrityError
            An order is not in the ledger, differs from it, or its states or fills contradict
            what is recorded.
        """
        with self._writing() as connection:
            return order_records.record_statuses(connection, self._database, statuses)

    def open_orders(
        self, strategy: str | None = None, book: str | None = None
    ) -> list[OrderStatus]:
        """List orders that something can still happen to, in order of their recording."""
        return self._statuses(order_rows.of_book(strategy, book) & order_rows.IS_OPEN)

    def order_statuses(self, strategy: str, book: str, session: date) -> list[OrderStatus]:
        """List the orders for a session's auction, in order of their recording."""
        return self._statuses(
            order_rows.of_book(strategy, book) & (ORDERS.c.session == to_day(session))
        )

    def state(self, strategy: str, book: str, n_scores: int) -> BookState | None:
        """Return what a book carries on from its last session, to the last bit; None: a new book.

        Parameters
        ----------
        n_scores : scores of so many last sessions that decided something.
        """
        with self._reading() as connection:
            book_id = self._names.book_id(strategy, book)
            if book_id is None:
                return None
            return reading.state(connection, self._names, book_id, n_scores)

    def books(self) -> list[tuple[str, str]]:
        """List (strategy, book) in order of first record."""
        with self._reading():
            return [(strategy, book) for strategy, book in self._names.books().values()]

    def last_as_of(self, strategy: str | None = None) -> datetime | None:
        """Return the decision moment of the last session that any of the books went through."""
        with self._reading() as connection:
            wanted = self._names.books(strategy)
            moments = [m for i, m in last_moments(connection).items() if i in wanted]
        return of_micros(max(moments)) if moments else None

    def frame(
        self,
        table: str,
        strategy: str | None = None,
        book: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> pd.DataFrame:
        """Return rows of a table, by book in order of first record, then moment and symbol.

        Parameters
        ----------
        table : ``predictions``, ``targets``, ``fills``, ``positions``, ``book_returns`` or
            ``orders``; or ``outcomes``, the orders with what became of them (see `outcomes`).
        since, until : aware; decisions with ``since <= as_of < until``.
        columns : of the table's own these alone, which is faster; None = all. ``outcomes`` always
            has all.

        Returns
        -------
        Columns ``strategy``, ``book``, ``symbol`` (categories), ``session`` (naive midnight),
        ``as_of`` (UTC, microseconds) and those of the table; NaN where there is no number.

        Raises
        ------
        ConfigError
            There is no such table or column.
        IntegrityError
            The table holds what cannot be: it was altered by hand.
        """
        with self._reading() as connection:
            books = self._names.books(strategy, book)
            return reading.frame(connection, self._names, table, books, (since, until), columns)

    def events(self, kind: str | None = None) -> Iterator[StoredEvent]:
        """Yield the events of a kind, or all, in order."""
        return chain.stored_events(self._database, kind)

    def newest(self, kind: str, start: str = "") -> StoredEvent | None:
        """Return the last event of a kind whose key starts so; None where there is none."""
        with self._reading() as connection:
            return chain.newest_event(connection, kind, start)

    def inputs(self, digest: str) -> bytes:
        """Return a payload as it was recorded.

        Raises
        ------
        IntegrityError
            The ledger has no such inputs, or they are damaged.
        """
        with self._reading() as connection:
            packed = connection.execute(
                select(INPUTS.c.payload).where(INPUTS.c.digest == digest)
            ).scalar()
        if packed is None:
            raise IntegrityError(f"the ledger {self._database.name} has no inputs {digest}")
        try:
            return zlib.decompress(packed)
        except zlib.error as error:
            raise IntegrityError(
                f"inputs {digest} in the ledger {self._database.name} are damaged: restore it"
            ) from error

    def head(self) -> tuple[int, str]:
        """Return seq and hash of the last event; (0, "") for an empty ledger."""
        with self._reading() as connection:
            return chain.head(connection)

    def verify(self) -> Broken | None:
        """Return the first link that does not hold, None for a whole ledger.

        Found is an event that was altered, removed or moved, and a fact that was altered, removed
        or added since its event. Not found is a tail cut off together with its facts, or a chain
        that was computed anew from an altered event on: keep ``head()`` elsewhere to see that.
        """
        with self._reading() as connection:
            names = Names()
            names.refresh(connection)
            return verification.first_broken(connection, names)

    def books_digest(self, strategy: str | None = None, book: str | None = None) -> str:
        """SHA-256 over all facts of the books' sessions, computed from the rows.

        Equal for two ledgers whose books hold the same, in however many pieces they were made.
        """
        with self._reading() as connection:
            wanted = {(one[0], one[1]) for one in self._names.books(strategy, book).values()}
            return verification.books_digest(connection, self._names, wanted)

    def close(self) -> None:
        """Let go of the database; a later use opens it again."""
        self._names.forget()
        self._database.close()

    def _statuses(self, condition: ColumnElement[bool]) -> list[OrderStatus]:
        with self._reading() as connection:
            return list(order_rows.read(connection, condition).values())

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._database.reading() as connection:
            self._names.refresh(connection)
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        whole = False
        try:
            with self._database.writing() as connection:
                yield connection
            whole = True
        finally:
            if not whole:
                self._names.forget()
