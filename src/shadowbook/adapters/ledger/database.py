"""One database: opened when it is first used, one writer at a time, its errors ours."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from shadowbook.adapters.disk import make_folder
from shadowbook.adapters.ledger import schema
from shadowbook.errors import AdapterError, ConfigError, PermanentError, TransientError

PATIENCE_SECONDS = 5.0
"""How long a writer waits for another one."""

_LOCK = 0x5348_4144_4F57
"""The advisory lock of a PostgreSQL ledger's one writer."""

_LOCK_NOT_AVAILABLE = "55P03"
_INTERNAL = ("XX001", "XX002")


class Database:
    """A SQLite file or a PostgreSQL database that holds a ledger.

    Parameters
    ----------
    url : of SQLAlchemy; a SQLite path must be absolute.
    durable : flush every commit to disk; without it a power failure may lose or break the file,
        a killed process may not.

    Raises
    ------
    ConfigError
        The URL is none, names another kind of database, or its path is relative.
    """

    def __init__(self, url: str, durable: bool) -> None:
        self._url = _checked(url)
        self._durable = durable
        self._engine: Engine | None = None
        self._inserts: dict[str, str] = {}

    @property
    def name(self) -> str:
        """The file, or the URL without its password."""
        if self.is_sqlite:
            return str(self._url.database)
        return self._url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """True for a file of SQLite."""
        return self._url.get_backend_name() == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read one state of the ledger, whatever is written meanwhile."""
        with self._translated("read"), self._connected() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write everything or nothing, as the only writer.

        The lock comes before the first read, so that no two writers see the same head.
        """
        with self._translated("write"), self._connected() as connection:
            self._lock(connection)
            yield connection
            connection.commit()

    def insert(self, connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add rows, each in the order of the table's columns; NaN becomes NULL."""
        if not rows:
            return
        if self.is_sqlite:
            if table.name not in self._inserts:
                self._inserts[table.name] = str(insert(table).compile(dialect=connection.dialect))
            connection.exec_driver_sql(self._inserts[table.name], list(rows))
            return
        names = table.columns.keys()
        connection.execute(
            insert(table),
            [
                {
                    # NaN is the only value that differs from itself.
                    name: None if value != value else value  # noqa: PLR0124
                    for name, value in zip(names, row, strict=True)
                }
                for row in rows
            ],
        )

    def close(self) -> None:
        """Let go of the database; a later use opens it again."""
        if self._engine is not None:
            with self._translated("close"):
                self._engine.dispose()
            self._engine = None

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        if self._engine is None:
            self._engine = self._opened()
        with self._engine.connect() as connection, connection.begin() as transaction:
            yield connection
            if transaction.is_active:
                transaction.rollback()

    def _lock(self, connection: Connection) -> None:
        if self.is_sqlite:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(PATIENCE_SECONDS * 1000)}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        level = "on" if self._durable else "off"
        connection.exec_driver_sql(f"SET LOCAL synchronous_commit = {level}")

    def _opened(self) -> Engine:
        engine = self._engine_made()
        with engine.connect() as connection, connection.begin():
            current = schema.is_current(connection, self.name)
        if not current:
            with engine.connect() as connection, connection.begin():
                self._lock(connection)
                # Another process may have been first.
                if not schema.is_current(connection, self.name):
                    schema.upgrade(connection)
        return engine

    def _engine_made(self) -> Engine:
        if not self.is_sqlite:
            return create_engine(self._url)
        make_folder(Path(self.name).parent)
        # Transactions are begun by us: the driver would begin them without the lock.
        arguments = {"timeout": PATIENCE_SECONDS, "isolation_level": None}
        engine = create_engine(self._url, connect_args=arguments)
        event.listen(engine, "connect", self._set_up)
        return engine

    def _set_up(self, raw: Any, _: object) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                raw.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                # SQLite does not wait by itself when two processes make the file at once.
                if not _is_busy(error) or time.monotonic() > until:
                    raise
                time.sleep(0.01)
        raw.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")

    @contextmanager
    def _translated(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise self._ours(error, doing) from error
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"the ledger {self.name} needs the package {error.name}: install it"
            ) from error

    def _ours(self, error: Exception, doing: str) -> AdapterError:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
        state = getattr(cause, "sqlstate", None)
        if _is_busy(cause) or state == _LOCK_NOT_AVAILABLE:
            return TransientError(
                f"cannot {doing} the ledger {self.name}: another process has written to it for "
                f"{PATIENCE_SECONDS:g} seconds; wait for it and try again"
            )
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or state in _INTERNAL:
            advice = "the database is damaged; restore it from a copy and run `ledger verify`"
        elif code == sqlite3.SQLITE_FULL:
            advice = "the disk is full; make room and try again, nothing was written"
        elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            advice = "the file and its folder must be writable"
        elif not self.is_sqlite and isinstance(error, DBAPIError) and state is None:
            return TransientError(
                f"cannot {doing} the ledger {self.name} ({reason}): check that its server runs"
            )
        else:
            advice = "check the disk and the file" if self.is_sqlite else "check its server"
        return PermanentError(f"cannot {doing} the ledger {self.name} ({reason}): {advice}")


def _is_busy(error: BaseException) -> bool:
    busy = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in busy


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(
            "the ledger's URL cannot be read: give sqlite:////absolute/path/ledger.db or "
            "postgresql+psycopg://user@host/database"
        ) from error
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ConfigError(f"a ledger cannot lie in {backend}: use sqlite or postgresql")
    if backend == "sqlite" and not Path(parsed.database or "").is_absolute():
        raise ConfigError(
            f"the ledger's path {parsed.database or 'is missing and'} is not absolute: "
            "give sqlite:////absolute/path/ledger.db (four slashes)"
        )
    return parsed
