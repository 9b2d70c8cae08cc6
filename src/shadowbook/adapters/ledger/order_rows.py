"""Orders, their states and fills as rows, and read back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    exists,
    func,
    or_,
    select,
    true,
)

from shadowbook.adapters.ledger.columns import digestible
from shadowbook.adapters.ledger.moments import of_day, of_micros
from shadowbook.adapters.ledger.tables import (
    BOOKS,
    ORDER_FILLS,
    ORDER_STATES,
    ORDERS,
    SESSION_FACTS,
    SYMBOLS,
)
from shadowbook.core.audit import digest_array
from shadowbook.core.books.orders import Fill, Order, OrderKind, OrderState, OrderStatus, Purpose

Row = tuple[Any, ...]
Condition = ColumnElement[bool]

_FINAL = [state.value for state in OrderState if state.final]

IS_OPEN = ~exists().where(
    ORDER_STATES.c.order_id == ORDERS.c.order_id, ORDER_STATES.c.state.in_(_FINAL)
)
"""Of an order that something can still happen to."""

CONTENTS: dict[str, Select[Any]] = {
    "orders": select(
        ORDERS.c.seq,
        BOOKS.c.strategy,
        BOOKS.c.book,
        ORDERS.c.as_of,
        SYMBOLS.c.symbol,
        ORDERS.c.purpose,
        ORDERS.c.session,
        ORDERS.c.client_order_id,
        ORDERS.c.quantity,
        ORDERS.c.kind,
        ORDERS.c.at,
    )
    .join(BOOKS, BOOKS.c.book_id == ORDERS.c.book_id)
    .join(SYMBOLS, SYMBOLS.c.symbol_id == ORDERS.c.symbol_id)
    .order_by(ORDERS.c.seq, ORDERS.c.order_id),
    "order_states": select(
        ORDER_STATES.c.seq,
        ORDERS.c.client_order_id,
        ORDER_STATES.c.sequence,
        ORDER_STATES.c.state,
        ORDER_STATES.c.n_fills,
        ORDER_STATES.c.changed_at,
        ORDER_STATES.c.reason,
    )
    .join(ORDERS, ORDERS.c.order_id == ORDER_STATES.c.order_id)
    .order_by(ORDER_STATES.c.seq, ORDER_STATES.c.order_id, ORDER_STATES.c.sequence),
    "order_fills": select(
        ORDER_FILLS.c.seq,
        ORDERS.c.client_order_id,
        ORDER_FILLS.c.sequence,
        ORDER_FILLS.c.quantity,
        ORDER_FILLS.c.price,
        ORDER_FILLS.c.reference,
        ORDER_FILLS.c.commission_cents,
        ORDER_FILLS.c.at,
    )
    .join(ORDERS, ORDERS.c.order_id == ORDER_FILLS.c.order_id)
    .order_by(ORDER_FILLS.c.seq, ORDER_FILLS.c.order_id, ORDER_FILLS.c.sequence),
}
"""Each table's rows by the event they came with (``seq``), ids put back to names."""


def _strays(table: Table, **names: Column[Any]) -> Select[Any]:
    missing = [table.columns[name].not_in(select(key)) for name, key in names.items()]
    return select(func.count()).select_from(table).where(or_(*missing))


STRAYS: dict[str, Select[Any]] = {
    **{table.name: _strays(table, book_id=BOOKS.c.book_id) for table in SESSION_FACTS},
    "orders": _strays(ORDERS, book_id=BOOKS.c.book_id, symbol_id=SYMBOLS.c.symbol_id),
    "order_states": _strays(ORDER_STATES, order_id=ORDERS.c.order_id),
    "order_fills": _strays(ORDER_FILLS, order_id=ORDERS.c.order_id),
}
"""How many rows of each table name a book, symbol or order that the ledger does not have."""


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Return what an event says of its rows; they are as in ``CONTENTS``, without ``seq``."""
    columns = [
        digestible(np.array(values, dtype=object if isinstance(values[0], str) else None))
        for values in zip(*rows, strict=True)
    ]
    return {"rows": len(rows), "digest": digest_array(*columns)}


def of_book(strategy: str | None, book: str | None) -> Condition:
    """Return the condition on ``BOOKS`` that names one; None: any."""
    condition: Condition = true()
    if strategy is not None:
        condition &= BOOKS.c.strategy == strategy
    if book is not None:
        condition &= BOOKS.c.book == book
    return condition


def read(connection: Connection, condition: Condition) -> dict[int, OrderStatus]:
    """Return the orders that meet a condition on ``ORDERS`` and ``BOOKS``, by their ids."""
    query = (
        select(ORDERS, BOOKS.c.strategy, BOOKS.c.book, SYMBOLS.c.symbol)
        .join(BOOKS, BOOKS.c.book_id == ORDERS.c.book_id)
        .join(SYMBOLS, SYMBOLS.c.symbol_id == ORDERS.c.symbol_id)
        .where(condition)
    )
    rows = connection.execute(query.order_by(ORDERS.c.order_id)).all()
    ids = (
        select(ORDERS.c.order_id).join(BOOKS, BOOKS.c.book_id == ORDERS.c.book_id).where(condition)
    )
    states = {}
    query = select(ORDER_STATES).where(ORDER_STATES.c.order_id.in_(ids))
    for state in connection.execute(query.order_by(ORDER_STATES.c.sequence)):
        states[state.order_id] = state
    fills = defaultdict(list)
    query = select(ORDER_FILLS).where(ORDER_FILLS.c.order_id.in_(ids))
    for fill in connection.execute(query.order_by(ORDER_FILLS.c.sequence)):
        fills[fill.order_id].append(fill)
    return {
        row.order_id: _status(row, states.get(row.order_id), fills.get(row.order_id, []))
        for row in rows
    }


def n_states(connection: Connection, order_ids: Sequence[int]) -> dict[int, int]:
    """Return how many states of each order are recorded; an order without any is left out."""
    query = select(ORDER_STATES.c.order_id, ORDER_STATES.c.sequence).where(
        ORDER_STATES.c.order_id.in_(order_ids)
    )
    counts: dict[int, int] = defaultdict(int)
    for order_id, _ in connection.execute(query):
        counts[order_id] += 1
    return counts


def _status(row: Any, state: Any, fills: Sequence[Any]) -> OrderStatus:
    order = Order(
        client_order_id=row.client_order_id,
        strategy=row.strategy,
        book=row.book,
        as_of=of_micros(row.as_of),
        symbol=row.symbol,
        purpose=cast(Purpose, row.purpose),
        quantity=row.quantity,
        kind=cast(OrderKind, row.kind),
        session=of_day(row.session),
    )
    if state is None:
        return OrderStatus(order, OrderState.NEW, (), of_micros(row.at))
    return OrderStatus(
        order,
        OrderState(state.state),
        tuple(
            Fill(
                order.client_order_id,
                fill.sequence,
                fill.quantity,
                fill.price,
                fill.reference,
                fill.commission_cents,
                of_micros(fill.at),
            )
            for fill in fills
        ),
        of_micros(state.changed_at),
        state.reason,
    )
