"""The life of an order: which states follow which, and the id that makes it one order.

NEW -> ACCEPTED | REJECTED
ACCEPTED -> PARTIALLY_FILLED | FILLED | CANCELLED | REJECTED
PARTIALLY_FILLED -> PARTIALLY_FILLED | FILLED | CANCELLED
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from shadowbook.core.books.orders import Fill, Order, OrderState, OrderStatus
from shadowbook.errors import IntegrityError, SchemaError


class OrderAct(StrEnum):
    """What can happen to an order."""

    ACCEPT = "accept"
    FILL = "fill"
    CANCEL = "cancel"
    REJECT = "reject"


@dataclass(frozen=True)
class OrderEvent:
    """Something that happened to an order.

    Attributes
    ----------
    fill : of a FILL, else None.
    reason : of a CANCEL or REJECT, else empty.
    """

    act: OrderAct
    fill: Fill | None = None
    reason: str = ""


TRANSITIONS: dict[tuple[OrderState, OrderAct], tuple[OrderState, ...]] = {
    (OrderState.NEW, OrderAct.ACCEPT): (OrderState.ACCEPTED,),
    (OrderState.NEW, OrderAct.REJECT): (OrderState.REJECTED,),
    (OrderState.ACCEPTED, OrderAct.FILL): (OrderState.PARTIALLY_FILLED, OrderState.FILLED),
    (OrderState.ACCEPTED, OrderAct.CANCEL): (OrderState.CANCELLED,),
    (OrderState.ACCEPTED, OrderAct.REJECT): (OrderState.REJECTED,),
    (OrderState.PARTIALLY_FILLED, OrderAct.FILL): (
        OrderState.PARTIALLY_FILLED,
        OrderState.FILLED,
    ),
    (OrderState.PARTIALLY_FILLED, OrderAct.CANCEL): (OrderState.CANCELLED,),
}
"""Every state that an act may lead to; what is not here is illegal. A fill leads to the first of
its two states while shares are left, else to the second."""


def opened(order: Order, at: datetime) -> OrderStatus:
    """Return the order as it begins: NEW, nothing filled."""
    return OrderStatus(order=order, state=OrderState.NEW, fills=(), changed_at=at)


def advance(status: OrderStatus, event: OrderEvent, at: datetime) -> OrderStatus:
    """Take an order one step further.

    Parameters
    ----------
    status : the order so far.
    event : what happened to it.
    at : when, aware UTC.

    Returns
    -------
    The order after it, with the event's fill appended and the event's reason.

    Raises
    ------
    IntegrityError
        The event is not allowed in this state, or its fill does not belong to the order: another
        order's, out of sequence, of the wrong sign, of no share, or beyond what is left.
    """
    allowed = TRANSITIONS.get((status.state, event.act))
    if allowed is None:
        raise _illegal(status, event, f"{event.act.value} is not allowed in this state")
    if event.act is not OrderAct.FILL:
        return OrderStatus(status.order, allowed[0], status.fills, at, event.reason)
    fill = event.fill
    if fill is None:
        raise _illegal(status, event, "the event carries no fill")
    left = status.order.quantity - status.filled
    if fill.client_order_id != status.order.client_order_id:
        raise _illegal(status, event, f"the fill belongs to {fill.client_order_id}")
    if fill.sequence != len(status.fills):
        raise _illegal(
            status, event, f"fill {fill.sequence} came where {len(status.fills)} is next"
        )
    if fill.quantity == 0 or (fill.quantity > 0) != (left > 0) or abs(fill.quantity) > abs(left):
        raise _illegal(status, event, f"a fill of {fill.quantity} does not fit {left} left")
    state = allowed[1] if fill.quantity == left else allowed[0]
    return OrderStatus(status.order, state, (*status.fills, fill), at)


def _illegal(status: OrderStatus, event: OrderEvent, what: str) -> IntegrityError:
    order = status.order
    return IntegrityError(
        f"order {order.client_order_id} ({order.quantity} {order.symbol}) is {status.state.value} "
        f"and got {event.act.value}: {what}; compare the broker's record with the ledger's"
    )


def client_order_id(strategy: str, book: str, as_of: datetime, symbol: str, purpose: str) -> str:
    """Return the id of the one order that this key can have.

    Returns
    -------
    ``sb-`` and 40 hexadecimal digits of SHA-256 over the key (43 characters; Alpaca takes 48).

    Raises
    ------
    SchemaError
        ``as_of`` has no time zone.

    >>> from datetime import UTC, datetime
    >>> as_of = datetime(2020, 1, 2, 21, 15, tzinfo=UTC)
    >>> client_order_id("us", "champion", as_of, "KO", "rebalance")
    'sb-a352f9e6da00dc470cb9c007fa5d98c685f64971'
    """
    if as_of.tzinfo is None:
        raise SchemaError(f"as_of {as_of.isoformat()} has no time zone: give an aware UTC moment")
    key = [strategy, book, as_of.astimezone(UTC).isoformat(), symbol, purpose]
    text = json.dumps(key, ensure_ascii=True, separators=(",", ":"))
    return "sb-" + hashlib.sha256(text.encode("ascii")).hexdigest()[:40]
