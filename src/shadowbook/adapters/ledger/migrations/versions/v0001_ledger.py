"""The first schema: events, names, facts of sessions and of orders."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    _names_and_events()
    _session_facts()
    _order_facts()


def _names_and_events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("simulated", sa.Integer, nullable=False),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("key"),
    )
    op.create_table(
        "inputs",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "books",
        sa.Column("book_id", sa.Integer, autoincrement=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("book", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("book_id"),
        sa.UniqueConstraint("strategy", "book"),
    )
    op.create_table(
        "symbols",
        sa.Column("symbol_id", sa.Integer, autoincrement=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("symbol_id"),
        sa.UniqueConstraint("symbol"),
    )


def _session_facts() -> None:
    _of_symbols("predictions", (), sa.Column("score", sa.Float(53), nullable=False))
    _of_symbols(
        "targets",
        (),
        sa.Column("weight", sa.Float(53)),
        sa.Column("ideal", sa.BigInteger, nullable=False),
        sa.Column("mark", sa.Float(53)),
    )
    _of_symbols(
        "fills",
        ("purpose", "sequence"),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("price", sa.Float(53), nullable=False),
        sa.Column("reference", sa.Float(53), nullable=False),
        sa.Column("commission_cents", sa.BigInteger, nullable=False),
    )
    _of_symbols(
        "positions",
        (),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("mark", sa.Float(53)),
        sa.Column("unpriced", sa.Integer, nullable=False),
    )
    op.create_table(
        "book_returns",
        sa.Column("book_id", sa.Integer, nullable=False),
        sa.Column("as_of", sa.BigInteger, nullable=False),
        sa.Column("session", sa.Integer, nullable=False),
        sa.Column("model_version", sa.Integer, nullable=False),
        sa.Column("cash_cents", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.Float(53))
            for name in ("equity", "net", "signal", "execution", "cost", "turnover")
        ),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("book_id", "as_of"),
        sqlite_with_rowid=False,
    )


def _of_symbols(name: str, more_keys: tuple[str, ...], *columns: sa.Column[Any]) -> None:
    op.create_table(
        name,
        sa.Column("book_id", sa.Integer, nullable=False),
        sa.Column("as_of", sa.BigInteger, nullable=False),
        sa.Column("symbol_id", sa.Integer, nullable=False),
        *columns,
        sa.PrimaryKeyConstraint("book_id", "as_of", "symbol_id", *more_keys),
        sqlite_with_rowid=False,
    )


def _order_facts() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Integer, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("book_id", sa.Integer, nullable=False),
        sa.Column("as_of", sa.BigInteger, nullable=False),
        sa.Column("symbol_id", sa.Integer, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("session", sa.Integer, nullable=False),
        sa.Column("client_order_id", sa.Text, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("order_id"),
        sa.UniqueConstraint("client_order_id"),
        sa.UniqueConstraint("book_id", "as_of", "symbol_id", "purpose"),
    )
    op.create_index("orders_by_session", "orders", ["book_id", "session"])
    op.create_table(
        "order_states",
        sa.Column("order_id", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("n_fills", sa.Integer, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "sequence"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "order_fills",
        sa.Column("order_id", sa.Integer, nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("price", sa.Float(53), nullable=False),
        sa.Column("reference", sa.Float(53), nullable=False),
        sa.Column("commission_cents", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("order_id", "sequence"),
        sqlite_with_rowid=False,
    )
