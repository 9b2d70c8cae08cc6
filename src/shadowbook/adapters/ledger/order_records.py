"""Writes orders before they are sent, and what the broker tells of them after."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from shadowbook.adapters.ledger import chain
from shadowbook.adapters.ledger.database import Database
from shadowbook.adapters.ledger.moments import of_micros, to_day, to_micros
from shadowbook.adapters.ledger.names import Names
from shadowbook.adapters.ledger.order_rows import n_states, read, summary
from shadowbook.adapters.ledger.tables import ORDER_FILLS, ORDER_STATES, ORDERS
from shadowbook.core.books.orders import Fill, Order, OrderState, OrderStatus
from shadowbook.core.events import Event
from shadowbook.errors import IntegrityError, SchemaError

_AT_ONCE = 500

_RANK = {OrderState.NEW: 0, OrderState.ACCEPTED: 1, OrderState.PARTIALLY_FILLED: 2}
"""Order of the states that are not final; those are last."""


def record_orders(
    connection: Connection, database: Database, names: Names, orders: Sequence[Order], at: datetime
) -> int:
    """Chain what a decision is about to send; see `Ledger.record_orders`."""
    decisions: dict[tuple[str, str, datetime], list[Order]] = defaultdict(list)
    for order in sorted(orders, key=lambda one: (one.symbol, one.purpose)):
        decisions[order.strategy, order.book, order.as_of].append(order)
    names.refresh(connection)
    count = 0
    for (strategy, book, as_of), group in sorted(decisions.items()):
        moment = to_micros(as_of)
        book_id = names.book_id(strategy, book)
        here = (ORDERS.c.book_id == book_id) & (ORDERS.c.as_of == moment)
        new = _unknown_orders(connection, group, here)
        if not new:
            continue
        if book_id is not None and (known := len(read(connection, here))):
            raise IntegrityError(
                f"the decision of {strategy}/{book} at {as_of.isoformat()} has {known} orders on "
                f"record, and {new[0].purpose} of {new[0].symbol} is not one of them: "
                "nothing can be added to a decision"
            )
        names.add(connection, database, [(strategy, book)], [order.symbol for order in new])
        rows = [
            (
                *(strategy, book, moment, order.symbol, order.purpose, to_day(order.session)),
                *(order.client_order_id, int(order.quantity), order.kind, to_micros(at)),
            )
            for order in new
        ]
        key = f"orders/{strategy}/{book}/{of_micros(moment).isoformat()}"
        body = {"strategy": strategy, "book": book, "as_of": as_of, "facts": _facts(orders=rows)}
        seq = chain.append(connection, database, [Event("orders", key, at, body)])
        _insert_orders(connection, database, names, seq, rows)
        count += len(new)
    return count


def record_statuses(
    connection: Connection, database: Database, statuses: Sequence[OrderStatus]
) -> int:
    """Chain what has changed since the last telling; see `Ledger.record_statuses`."""
    known: dict[str, tuple[int, OrderStatus]] = {}
    ids = [status.order.client_order_id for status in statuses]
    if len(set(ids)) < len(ids):
        raise SchemaError("the same order is told twice in one call: give its newest status")
    for start in range(0, len(ids), _AT_ONCE):
        found = read(connection, ORDERS.c.client_order_id.in_(ids[start : start + _AT_ONCE]))
        known.update((status.order.client_order_id, (i, status)) for i, status in found.items())
    changes: dict[tuple[str, str], list[tuple[int, OrderStatus, OrderStatus]]] = defaultdict(list)
    for status in sorted(statuses, key=lambda one: one.order.client_order_id):
        order = status.order
        if order.client_order_id not in known:
            raise IntegrityError(
                f"order {order.client_order_id} ({order.quantity} {order.symbol}) is not in the "
                "ledger: its intent is recorded before it is sent"
            )
        order_id, before = known[order.client_order_id]
        if _has_news(before, status):
            changes[order.strategy, order.book].append((order_id, before, status))
    for (strategy, book), group in sorted(changes.items()):
        _append_changes(connection, database, (strategy, book), group)
    return sum(map(len, changes.values()))


def _append_changes(
    connection: Connection,
    database: Database,
    book: tuple[str, str],
    changes: Sequence[tuple[int, OrderStatus, OrderStatus]],
) -> None:
    counts = n_states(connection, [order_id for order_id, *_ in changes])
    states: list[tuple[Any, ...]] = []
    fills: list[tuple[Any, ...]] = []
    state_ids: list[int] = []
    fill_ids: list[int] = []
    for order_id, before, told in sorted(changes, key=lambda change: change[0]):
        name = told.order.client_order_id
        states.append(
            (
                *(name, counts.get(order_id, 0), told.state.value, len(told.fills)),
                *(to_micros(told.changed_at), told.reason),
            )
        )
        state_ids.append(order_id)
        for fill in told.fills[len(before.fills) :]:
            fills.append(
                (
                    *(name, fill.sequence, int(fill.quantity), float(fill.price) + 0.0),
                    *(float(fill.reference) + 0.0, int(fill.commission_cents)),
                    to_micros(fill.at),
                )
            )
            fill_ids.append(order_id)
    facts = _facts(order_states=states, order_fills=fills)
    body = {"strategy": book[0], "book": book[1], "facts": facts}
    at = max(told.changed_at for _, _, told in changes)
    key = f"statuses/{book[0]}/{book[1]}/{facts['order_states']['digest']}"
    seq = chain.append(connection, database, [Event("statuses", key, at, body)])
    rows = [(i, row[1], seq, *row[2:]) for i, row in zip(state_ids, states, strict=True)]
    database.insert(connection, ORDER_STATES, rows)
    rows = [(i, row[1], seq, *row[2:]) for i, row in zip(fill_ids, fills, strict=True)]
    database.insert(connection, ORDER_FILLS, rows)


def _insert_orders(
    connection: Connection,
    database: Database,
    names: Names,
    seq: int,
    contents: Sequence[tuple[Any, ...]],
) -> None:
    first = (connection.execute(select(func.max(ORDERS.c.order_id))).scalar() or 0) + 1
    rows = []
    for order_id, content in enumerate(contents, start=first):
        strategy, book, as_of, symbol, purpose, *rest = content
        ids = (names.book_id(strategy, book), as_of, int(names.ids([symbol])[0]))
        rows.append((order_id, seq, *ids, purpose, *rest))
    database.insert(connection, ORDERS, rows)


def _unknown_orders(connection: Connection, orders: Sequence[Order], here: Any) -> list[Order]:
    """Return those that are not recorded; one that is with other content is an error."""
    recorded: list[Order] = []
    for start in range(0, len(orders), _AT_ONCE):
        ids = [order.client_order_id for order in orders[start : start + _AT_ONCE]]
        found = read(connection, or_(here, ORDERS.c.client_order_id.in_(ids)))
        recorded += [status.order for status in found.values()]
    by_id = {order.client_order_id: order for order in recorded}
    by_key = {_key(order): order for order in recorded}
    new: list[Order] = []
    for order in orders:
        if order.quantity == 0:
            raise SchemaError(f"order {order.client_order_id} is for no share of {order.symbol}")
        before = by_id.get(order.client_order_id) or by_key.get(_key(order))
        if before is None:
            by_id[order.client_order_id] = by_key[_key(order)] = order
            new.append(order)
        elif before != order:
            raise _differs(before, order)
    return new


def _key(order: Order) -> tuple[Any, ...]:
    return (order.strategy, order.book, order.as_of, order.symbol, order.purpose)


def _has_news(before: OrderStatus, told: OrderStatus) -> bool:
    """Say whether a telling is newer than what is recorded.

    A telling from before is left alone, and so is the same state with another moment or reason: a
    broker touches an order's time without a change.

    Raises
    ------
    IntegrityError
        It contradicts what is recorded.
    """
    if before.order != told.order:
        raise _differs(before.order, told.order)
    _check_fills(before, told)
    fewer = len(told.fills) < len(before.fills)
    if before.state.final:
        if told.state.final and (told.state is not before.state or fewer):
            raise _contradicts(before, told, f"is {before.state.value} for good")
        if len(told.fills) > len(before.fills):
            raise _contradicts(
                before, told, f"is {before.state.value} for good, and has more fills"
            )
        return False
    if told.state.final:
        if fewer:
            raise _contradicts(before, told, f"has {len(before.fills)} fills on record")
        return True
    return (_RANK[told.state], len(told.fills)) > (_RANK[before.state], len(before.fills))


def _check_fills(before: OrderStatus, told: OrderStatus) -> None:
    order = told.order
    for i, fill in enumerate(told.fills):
        if fill.client_order_id != order.client_order_id or fill.sequence != i:
            raise _contradicts(before, told, f"has fill {i} under another id or number")
        if not (math.isfinite(fill.price) and math.isfinite(fill.reference)):
            raise SchemaError(f"fill {i} of order {order.client_order_id} has a price of no number")
    for mine, theirs in zip(before.fills, told.fills, strict=False):
        if mine != theirs:
            raise _contradicts(
                before, told, f"has fill {mine.sequence} as {_text(mine)}, now {_text(theirs)}"
            )
    if abs(told.filled) > abs(order.quantity) or told.filled * order.quantity < 0:
        raise _contradicts(before, told, f"is filled with {told.filled} shares")
    if told.state is OrderState.FILLED and told.filled != order.quantity:
        raise _contradicts(before, told, f"is FILLED with {told.filled} shares")


def _text(fill: Fill) -> str:
    return f"{fill.quantity} at {fill.price} on {fill.at.isoformat()}"


def _contradicts(before: OrderStatus, told: OrderStatus, what: str) -> IntegrityError:
    order = before.order
    return IntegrityError(
        f"order {order.client_order_id} ({order.quantity} {order.symbol}) {what}, and the broker "
        f"tells {told.state.value} with {len(told.fills)} fills: compare both records by hand"
    )


def _differs(before: Order, order: Order) -> IntegrityError:
    names = [
        name for name in Order.__dataclass_fields__ if getattr(before, name) != getattr(order, name)
    ]
    name = names[0]
    return IntegrityError(
        f"order {order.client_order_id} ({order.symbol}, {order.purpose}) is recorded with other "
        f"content: {name} is {getattr(before, name)}, and is now {getattr(order, name)}; "
        "what is recorded stays"
    )


def _facts(**tables: Sequence[tuple[Any, ...]]) -> dict[str, dict[str, Any]]:
    return {name: summary(rows) for name, rows in tables.items() if rows}
