"""Orders as rows of the paper broker's file, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shadowbook.core.books.orders import Fill, Order, OrderState, OrderStatus

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Kept:
    """An order as the file has it.

    Attributes
    ----------
    number : its place among all orders, from 1.
    steps : how many states it has had, the present one included.
    """

    number: int
    steps: int
    status: OrderStatus


Step = tuple[int, int, OrderStatus]
"""Number of the order, number of the step, the order after it."""


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(micros: int) -> datetime:
    return _EPOCH + micros * _MICROSECOND


def order_row(item: tuple[int, Order]) -> Row:
    """Row of ``orders``."""
    number, order = item
    return (
        number,
        order.client_order_id,
        order.strategy,
        order.book,
        _micros(order.as_of),
        order.symbol,
        order.purpose,
        order.quantity,
        order.kind,
        order.session.isoformat(),
    )


def state_row(step: Step) -> Row:
    """Row of ``states``."""
    number, place, status = step
    return number, place, status.state.value, _micros(status.changed_at), status.reason


def fill_rows(steps: Iterable[Step]) -> Iterator[Row]:
    """Rows of ``fills``: the new fill of each step that has one."""
    for number, _, status in steps:
        if status.state in (OrderState.PARTIALLY_FILLED, OrderState.FILLED):
            fill = status.fills[-1]
            yield (
                number,
                fill.sequence,
                fill.quantity,
                fill.price,
                fill.reference,
                fill.commission_cents,
                _micros(fill.at),
            )


def kept_order(row: Row, fills: Sequence[Row]) -> Kept:
    """Read an order from its row with its last state, and from its fills' rows."""
    number, key, strategy, book, as_of, symbol, purpose, quantity, kind, session = row[:10]
    step, state, at, reason = row[10:]
    order = Order(
        client_order_id=key,
        strategy=strategy,
        book=book,
        as_of=_instant(as_of),
        symbol=symbol,
        purpose=purpose,
        quantity=quantity,
        kind=kind,
        session=date.fromisoformat(session),
    )
    told = tuple(
        Fill(key, sequence, filled, price, reference, commission, _instant(traded_at))
        for sequence, filled, price, reference, commission, traded_at in fills
    )
    status = OrderStatus(order, OrderState(state), told, _instant(at), reason)
    return Kept(number=number, steps=step + 1, status=status)
