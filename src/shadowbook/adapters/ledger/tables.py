"""The ledger's tables as this version reads and writes them; `migrations` makes them.

Rows of facts are keyed by small integers, so that a book's sessions lie together and in order.
Instants are microseconds UTC since 1970, sessions are days since then, NaN is NULL.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

METADATA = MetaData()


def _key(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _clustered(name: str, *columns: Column[Any]) -> Table:
    """Make a table that lies in order of its key; writes to a book are then sequential."""
    return Table(name, METADATA, *columns, sqlite_with_rowid=False)


def _of_symbols(name: str, *columns: Column[Any]) -> Table:
    keys = (_key("book_id", Integer), _key("as_of", BigInteger), _key("symbol_id", Integer))
    return _clustered(name, *keys, *columns)


EVENTS = Table(
    "events",
    METADATA,
    _key("seq", BigInteger().with_variant(Integer, "sqlite")),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("simulated", Integer, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
INPUTS = Table(
    "inputs",
    METADATA,
    _key("digest", Text),
    Column("payload", LargeBinary, nullable=False),
)
BOOKS = Table(
    "books",
    METADATA,
    _key("book_id", Integer),
    Column("strategy", Text, nullable=False),
    Column("book", Text, nullable=False),
    UniqueConstraint("strategy", "book"),
)
SYMBOLS = Table(
    "symbols",
    METADATA,
    _key("symbol_id", Integer),
    Column("symbol", Text, nullable=False, unique=True),
)
PREDICTIONS = _of_symbols("predictions", Column("score", Float(53), nullable=False))
TARGETS = _of_symbols(
    "targets",
    Column("weight", Float(53)),
    Column("ideal", BigInteger, nullable=False),
    Column("mark", Float(53)),
)
FILLS = _of_symbols(
    "fills",
    _key("purpose", Text),
    _key("sequence", Integer),
    Column("quantity", BigInteger, nullable=False),
    Column("price", Float(53), nullable=False),
    Column("reference", Float(53), nullable=False),
    Column("commission_cents", BigInteger, nullable=False),
)
POSITIONS = _of_symbols(
    "positions",
    Column("quantity", BigInteger, nullable=False),
    Column("mark", Float(53)),
    Column("unpriced", Integer, nullable=False),
)
BOOK_RETURNS = _clustered(
    "book_returns",
    _key("book_id", Integer),
    _key("as_of", BigInteger),
    Column("session", Integer, nullable=False),
    Column("model_version", Integer, nullable=False),
    Column("cash_cents", BigInteger, nullable=False),
    Column("equity", Float(53)),
    Column("net", Float(53)),
    Column("signal", Float(53)),
    Column("execution", Float(53)),
    Column("cost", Float(53)),
    Column("turnover", Float(53)),
    Column("outcome", Text, nullable=False),
)
ORDERS = Table(
    "orders",
    METADATA,
    _key("order_id", Integer),
    Column("seq", BigInteger, nullable=False),
    Column("book_id", Integer, nullable=False),
    Column("as_of", BigInteger, nullable=False),
    Column("symbol_id", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("session", Integer, nullable=False),
    Column("client_order_id", Text, nullable=False, unique=True),
    Column("quantity", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("book_id", "as_of", "symbol_id", "purpose"),
    Index("orders_by_session", "book_id", "session"),
)
ORDER_STATES = _clustered(
    "order_states",
    _key("order_id", Integer),
    _key("sequence", Integer),
    Column("seq", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("n_fills", Integer, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)
ORDER_FILLS = _clustered(
    "order_fills",
    _key("order_id", Integer),
    _key("sequence", Integer),
    Column("seq", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("price", Float(53), nullable=False),
    Column("reference", Float(53), nullable=False),
    Column("commission_cents", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)

SESSION_FACTS = (PREDICTIONS, TARGETS, FILLS, POSITIONS, BOOK_RETURNS)
"""What a book leaves behind in a session, under the session's event."""
