"""The paper broker's file: orders, every state they went through, fills, holdings and cash.

One SQLite file and one process at a time. Each `save` is one transaction: a kill leaves all of it
or nothing of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from shadowbook.adapters.broker.paper_rows import (
    Kept,
    Row,
    Step,
    fill_rows,
    kept_order,
    order_row,
    state_row,
)
from shadowbook.adapters.disk import make_folder
from shadowbook.core.books.orders import Order
from shadowbook.errors import AdapterError, IntegrityError, PermanentError, TransientError

FORMAT = 1
PATIENCE_SECONDS = 5.0
"""How long an opening waits for another process to let go of the file."""

_SCHEMA = """
CREATE TABLE account (
    id INTEGER PRIMARY KEY CHECK (id = 1), cash_cents INTEGER NOT NULL, session TEXT,
    settled INTEGER NOT NULL);
CREATE TABLE positions (
    strategy TEXT NOT NULL, symbol TEXT NOT NULL, quantity INTEGER NOT NULL, mark REAL NOT NULL,
    PRIMARY KEY (strategy, symbol)) WITHOUT ROWID;
CREATE TABLE orders (
    number INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL UNIQUE, strategy TEXT NOT NULL,
    book TEXT NOT NULL, as_of INTEGER NOT NULL, symbol TEXT NOT NULL, purpose TEXT NOT NULL,
    quantity INTEGER NOT NULL, kind TEXT NOT NULL, session TEXT NOT NULL);
CREATE TABLE states (
    number INTEGER NOT NULL, step INTEGER NOT NULL, state TEXT NOT NULL, at INTEGER NOT NULL,
    reason TEXT NOT NULL, PRIMARY KEY (number, step)) WITHOUT ROWID;
CREATE TABLE fills (
    number INTEGER NOT NULL, sequence INTEGER NOT NULL, quantity INTEGER NOT NULL,
    price REAL NOT NULL, reference REAL NOT NULL, commission_cents INTEGER NOT NULL,
    at INTEGER NOT NULL, PRIMARY KEY (number, sequence)) WITHOUT ROWID;
"""

_READ_STATES = "SELECT orders.*, step, state, at, reason FROM orders JOIN states USING (number)"
_READ_FILLS = "SELECT fills.* FROM orders JOIN fills USING (number)"

_LOOKED_UP = 500
"""Ids in one query: SQLite takes at least 999 parameters."""


@dataclass(frozen=True)
class Holdings:
    """The account after a session.

    Attributes
    ----------
    cash_cents : whole cents.
    session : the last one that happened; None before the first.
    positions : (strategy, symbol) -> (whole shares, mark in currency a share), those held only. A
        strategy's shares are kept apart, since a split or dividend is rounded for each.
    """

    cash_cents: int
    session: date | None
    positions: Mapping[tuple[str, str], tuple[int, float]]


class PaperFile:
    """The one door to the file.

    Parameters
    ----------
    path : of the file, made with its folder when missing; None keeps everything in memory.
    cash_cents : of a new account; one that is there keeps its own.
    durable : True survives a power failure; False a killed process only, and is much faster.

    Raises
    ------
    TransientError
        Another process has the file.
    PermanentError
        The file is not a paper broker's, is damaged, or cannot be written.
    """

    def __init__(self, path: Path | None, cash_cents: int, durable: bool) -> None:
        self._path = path
        with self._translated("open"):
            if path is not None:
                make_folder(path.parent)
            # A step may run in another thread than the one that opened the workspace.
            self._raw = sqlite3.connect(
                path or ":memory:",
                timeout=PATIENCE_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._prepare(cash_cents, durable)
            except BaseException:
                self._raw.close()
                raise

    def close(self) -> None:
        """Let go of the file."""
        self._raw.close()

    def holdings(self) -> Holdings:
        """Read the account."""
        with self._translated("read"):
            cash, session = self._raw.execute("SELECT cash_cents, session FROM account").fetchone()
            rows = self._raw.execute("SELECT * FROM positions").fetchall()
        return Holdings(
            cash_cents=cash,
            session=date.fromisoformat(session) if session else None,
            positions={(owner, symbol): (n, mark) for owner, symbol, n, mark in rows},
        )

    def unsettled(self) -> list[Kept]:
        """Read the orders from the first that was open at the last session, in their order."""
        where = "number > (SELECT settled FROM account)"
        return self._orders(where, ())

    def last_number(self) -> int:
        """How many orders there are."""
        with self._translated("read"):
            return int(self._raw.execute("SELECT ifnull(max(number), 0) FROM orders").fetchone()[0])

    def find(self, client_order_ids: Sequence[str]) -> dict[str, Kept]:
        """Read the orders of these ids, by id; those that are not there are left out."""
        found: dict[str, Kept] = {}
        for start in range(0, len(client_order_ids), _LOOKED_UP):
            ids = client_order_ids[start : start + _LOOKED_UP]
            marks = ",".join("?" * len(ids))
            for kept in self._orders(f"client_order_id IN ({marks})", ids):
                found[kept.status.order.client_order_id] = kept
        return found

    def save(
        self,
        orders: Sequence[tuple[int, Order]] = (),
        steps: Sequence[Step] = (),
        holdings: Holdings | None = None,
        settled: int = 0,
    ) -> None:
        """Write all of it, or nothing.

        Parameters
        ----------
        orders : new ones, numbered.
        steps : states they and others came to, in order; a step's new fill is written with it.
        holdings : after a session; None leaves them.
        settled : orders up to this number are final; counts with holdings only.

        Raises
        ------
        PermanentError
            The disk is full or the file damaged; nothing was written.
        """
        with self._translated("write"), self._transaction():
            write = self._raw.executemany
            write("INSERT INTO orders VALUES (?,?,?,?,?,?,?,?,?,?)", map(order_row, orders))
            write("INSERT INTO states VALUES (?,?,?,?,?)", map(state_row, steps))
            write("INSERT INTO fills VALUES (?,?,?,?,?,?,?)", fill_rows(steps))
            if holdings is not None:
                self._raw.execute("DELETE FROM positions")
                held = ((*key, *holdings.positions[key]) for key in sorted(holdings.positions))
                write("INSERT INTO positions VALUES (?,?,?,?)", held)
                session = holdings.session.isoformat() if holdings.session else None
                self._raw.execute(
                    "UPDATE account SET cash_cents = ?, session = ?, settled = ?",
                    (holdings.cash_cents, session, settled),
                )

    def _prepare(self, cash_cents: int, durable: bool) -> None:
        self._raw.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._raw.execute("PRAGMA journal_mode = WAL")
        self._raw.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        with self._transaction():
            found = self._raw.execute("PRAGMA user_version").fetchone()[0]
            tables = self._raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if found == 0 and tables == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._raw.execute(statement)
                self._raw.execute("INSERT INTO account VALUES (1, ?, NULL, 0)", (cash_cents,))
                self._raw.execute(f"PRAGMA user_version = {FORMAT}")
            elif found != FORMAT:
                raise PermanentError(
                    f"{self._path} is no paper broker's file of format {FORMAT}: move it away, or "
                    "use the version of shadowbook that made it"
                )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._raw.execute("COMMIT")
        except BaseException:
            # A full disk has rolled back by itself.
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
            raise

    def _orders(self, where: str, values: Sequence[str]) -> list[Kept]:
        """Read orders with their last state and all their fills."""
        with self._translated("read"):
            rows = self._raw.execute(f"{_READ_STATES} WHERE {where} ORDER BY 1, step", values)
            # Steps ascend: an order's last row wins.
            last = {row[0]: row for row in rows}
            if not last:
                return []
            query = f"{_READ_FILLS} WHERE {where} ORDER BY 1, sequence"
            fills = self._raw.execute(query, values).fetchall()
        by_number: dict[int, list[Row]] = {}
        for row in fills:
            by_number.setdefault(row[0], []).append(row[1:])
        return [kept_order(row, by_number.get(number, [])) for number, row in last.items()]

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _ours(self._path, doing, error) from error


def _ours(path: Path | None, doing: str, error: sqlite3.Error) -> AdapterError | IntegrityError:
    code = getattr(error, "sqlite_errorname", "")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return TransientError(
            f"cannot {doing} {path}: another process has the paper broker's account; wait for it "
            "to end and try again"
        )
    if code.startswith("SQLITE_CONSTRAINT"):
        return IntegrityError(f"{path} contradicts what it was told ({error}): restore it")
    if code.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return PermanentError(f"{path} is no paper broker's file or is damaged: restore it")
    return PermanentError(
        f"cannot {doing} {path} ({error}): make room and give the right to write; nothing was "
        "changed"
    )
