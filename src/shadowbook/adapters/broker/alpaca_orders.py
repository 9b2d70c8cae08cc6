"""Orders as the Alpaca trading API tells them, turned into ours; no network here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shadowbook.core.books.orders import Fill, Order, OrderState, OrderStatus
from shadowbook.core.books.states import OrderAct, OrderEvent, advance
from shadowbook.errors import IntegrityError, SchemaError

OPEN = frozenset(
    [
        "new",
        "accepted",
        "pending_new",
        "accepted_for_bidding",
        "partially_filled",
        "done_for_day",
        "stopped",
        "suspended",
        "calculated",
        "held",
        "pending_cancel",
        "pending_replace",
        "pending_review",
    ]
)
"""States in which more may come."""

ENDED = frozenset(("canceled", "expired", "replaced"))
"""States in which what is not filled never will be."""

REFUSED, FILLED = "rejected", "filled"

TIMES_IN_FORCE = {"market_on_close": "cls", "market_on_open": "opg"}

_PRICE_DIGITS = 6
"""A fill's price is told as a difference of averages; what lies beyond is their rounding."""


def check_same(order: Order, remote: Mapping[str, Any]) -> None:
    """Compare what we asked for with what the broker has under the same id.

    Raises
    ------
    IntegrityError
        They differ.
    """
    asked = content(order)
    had = {
        "symbol": remote["symbol"],
        "qty": str(whole(remote["qty"], "qty", order.client_order_id)),
        "side": remote["side"],
        "type": remote["type"],
        "time_in_force": remote["time_in_force"],
    }
    told = ", ".join(f"{k} {had[k]} and not {asked[k]}" for k in asked if had[k] != asked[k])
    if told:
        raise IntegrityError(
            f"the broker has order {order.client_order_id} with other content ({told}): nothing "
            "was overwritten; find out which of the two is right"
        )


def content(order: Order) -> dict[str, str]:
    """Return what the API is asked for, without the order's id."""
    return {
        "symbol": order.symbol,
        "qty": str(abs(order.quantity)),
        "side": "buy" if order.quantity > 0 else "sell",
        "type": "market",
        "time_in_force": TIMES_IN_FORCE[order.kind],
    }


def brought_up(status: OrderStatus, remote: Mapping[str, Any]) -> OrderStatus:
    """Take an order from what we knew to what the broker says now.

    The API tells how much is filled and at which average, not each fill: what is new since
    ``status`` becomes one fill, at the price that moves the average there. It does not tell the
    auction's price apart, so a fill's reference is its price.

    Parameters
    ----------
    status : what we knew, not final.
    remote : the API's order.

    Raises
    ------
    IntegrityError
        The broker's order is another one, or contradicts what it told before.
    SchemaError
        The answer is not an order of the API.
    """
    with readable(f"order {_id(status)}"):
        check_same(status.order, remote)
        state, filled = remote["status"], whole(remote["filled_qty"], "filled_qty", _id(status))
        if state not in OPEN | ENDED | {REFUSED, FILLED}:
            raise IntegrityError(
                f"the broker says that order {_id(status)} is {state!r}, which is no state we "
                "know: look at it there before anything is traded"
            )
        if status.state is OrderState.NEW and not (state == REFUSED and filled == 0):
            at = moment(remote, "submitted_at", "updated_at")
            status = advance(status, OrderEvent(OrderAct.ACCEPT), at)
        status = _with_fill(status, remote, filled if status.order.quantity > 0 else -filled)
        return _ended(status, remote, state)


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Say in our words that an answer lacks what the API promises.

    Raises
    ------
    SchemaError
        A field is missing or unreadable.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise SchemaError(
            f"the broker's answer about {what} is not of the Alpaca API's shape ({error!r}): check "
            "broker.base_url"
        ) from error


def _with_fill(status: OrderStatus, remote: Mapping[str, Any], filled: int) -> OrderStatus:
    new = filled - status.filled
    if new == 0:
        return status
    average = float(remote["filled_avg_price"])
    paid = sum(fill.quantity * fill.price for fill in status.fills)
    price = round((average * filled - paid) / new, _PRICE_DIGITS) if status.fills else average
    if not price > 0.0:
        raise IntegrityError(
            f"the broker's average price {average} of order {_id(status)} contradicts the fills it "
            "told before: compare its record with the ledger's"
        )
    at = moment(remote, "filled_at", "updated_at")
    fill = Fill(_id(status), len(status.fills), new, price, price, 0, at)
    return advance(status, OrderEvent(OrderAct.FILL, fill), at)


def _ended(status: OrderStatus, remote: Mapping[str, Any], state: str) -> OrderStatus:
    if state == FILLED and status.state is not OrderState.FILLED:
        raise IntegrityError(
            f"the broker says that order {_id(status)} is filled, but with {status.filled} of "
            f"{status.order.quantity} shares: compare its record with the ledger's"
        )
    if status.state.final or state in OPEN or state == FILLED:
        return status
    at = moment(remote, "canceled_at", "expired_at", "failed_at", "replaced_at", "updated_at")
    act = OrderAct.REJECT if state == REFUSED and not status.fills else OrderAct.CANCEL
    return advance(status, OrderEvent(act, reason=f"{state} at the broker"), at)


def whole(text: str | float, name: str, whose: str) -> int:
    """Read a number of shares.

    Raises
    ------
    IntegrityError
        It is no whole number: someone traded fractions in this account.
    """
    number = Decimal(str(text))
    if not number.is_finite() or number != number.to_integral_value():
        raise IntegrityError(
            f"the broker's {name} of {whose} is {text}: Shadowbook trades whole shares; close the "
            "fraction at the broker"
        )
    return int(number)


def moment(remote: Mapping[str, Any], *names: str) -> datetime:
    """Read the first of these times that the order has, as aware UTC."""
    text = next((remote[name] for name in names if remote.get(name)), None)
    if text is None:
        raise KeyError(names[-1])
    return datetime.fromisoformat(text).astimezone(UTC)


def _id(status: OrderStatus) -> str:
    return status.order.client_order_id
