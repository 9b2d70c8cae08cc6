"""What a book asks of a broker, whichever it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shadowbook.core.books.execution import SessionMarket
from shadowbook.core.books.orders import Order, OrderStatus


@dataclass(frozen=True)
class Account:
    """What the broker says there is.

    Attributes
    ----------
    cash_cents : whole cents, proceeds of short sales included; below 0 = borrowed.
    equity : cash and holdings (shorts count below zero) at the last marks, in currency.
    """

    cash_cents: int
    equity: float


class Broker(Protocol):
    """Takes orders and says what became of them."""

    def submit(self, orders: Sequence[Order], now: datetime) -> list[OrderStatus]:
        """Send orders; one that the broker has already is not sent again.

        Returns
        -------
        The orders as the broker has them now, in the order given. What it refuses is REJECTED,
        with its reason.

        Raises
        ------
        IntegrityError
            It has an order of the same id and other content; nothing is overwritten.
        TransientError
            It cannot be reached; the same call can be made again and doubles nothing.
        PermanentError
            It will not serve us: credentials, a broken file, a full disk.
        """
        ...

    def statuses(self, client_order_ids: Sequence[str]) -> list[OrderStatus]:
        """Return the orders of these ids, in the order given; ids it does not know are left out.

        Raises
        ------
        TransientError, PermanentError
            As of `submit`.
        """
        ...

    def observe(self, market: SessionMarket) -> None:
        """Let a session happen: an embedded broker settles its orders, a remote one does not.

        Raises
        ------
        IntegrityError
            The session lies before one that has happened.
        """
        ...

    def positions(self) -> Mapping[str, int]:
        """Symbol -> whole shares held, below 0 for a short; those held only."""
        ...

    def account(self) -> Account:
        """Cash and equity now."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
