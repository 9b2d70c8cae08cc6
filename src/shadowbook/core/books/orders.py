"""Orders: their identity, and the states they go through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

OrderKind = Literal["market_on_close", "market_on_open"]
Purpose = Literal["rebalance", "delisting"]


class OrderState(StrEnum):
    """Where an order stands; the last three are final."""

    NEW = "NEW"
    ACCEPTED = "ACCEPTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"

    @property
    def final(self) -> bool:
        """True when nothing can happen to the order any more."""
        return self in (OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED)


@dataclass(frozen=True)
class Order:
    """What a book asks a broker to trade.

    Attributes
    ----------
    client_order_id : made from the key (strategy, book, as_of, symbol, purpose), so that the same
        order sent again is the same order.
    as_of : the decision it comes from.
    quantity : whole shares, below 0 to sell; never 0.
    session : the session whose auction it is for; what that leaves open is cancelled.
    """

    client_order_id: str
    strategy: str
    book: str
    as_of: datetime
    symbol: str
    purpose: Purpose
    quantity: int
    kind: OrderKind
    session: date


@dataclass(frozen=True)
class Fill:
    """A part of an order that was traded.

    Attributes
    ----------
    sequence : 0 for an order's first fill, then 1, 2, ...
    quantity : whole shares, signed like the order's.
    price : currency a share, costs of the trade (spread, impact) included.
    reference : currency a share before those costs: the auction's price.
    commission_cents : paid on top, at least 0.
    at : when it was traded, aware UTC.
    """

    client_order_id: str
    sequence: int
    quantity: int
    price: float
    reference: float
    commission_cents: int
    at: datetime


@dataclass(frozen=True)
class OrderStatus:
    """An order as its broker has it.

    Attributes
    ----------
    fills : so far, in their order.
    reason : why it was rejected or cancelled; else empty.
    changed_at : when the state was entered, aware UTC.
    """

    order: Order
    state: OrderState
    fills: tuple[Fill, ...]
    changed_at: datetime
    reason: str = ""

    @property
    def filled(self) -> int:
        """Whole shares traded, signed."""
        return sum(fill.quantity for fill in self.fills)
