"""Orders before they are sent, and what a broker tells of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from shadowbook.core.books.orders import Fill, OrderState, OrderStatus
from shadowbook.errors import IntegrityError, SchemaError

AT = datetime(2022, 3, 1, 21, 15, tzinfo=UTC)
LATER = AT + timedelta(hours=20)


def told(order, state, *quantities, at=LATER, reason="") -> OrderStatus:
    fills = tuple(
        Fill(order.client_order_id, i, quantity, 81.3 + i, 81.35, 12, at)
        for i, quantity in enumerate(quantities)
    )
    return OrderStatus(order, OrderState(state), fills, at, reason)


def test_an_intent_is_open_and_new(ledger, make_order):
    orders = [make_order("XOM", -7), make_order("KO", 5)]
    assert ledger.record_orders(orders, AT) == 2
    assert ledger.record_orders(orders[:1], AT + timedelta(hours=1)) == 0
    found = ledger.open_orders()
    assert found == [OrderStatus(order, OrderState.NEW, (), AT) for order in orders[::-1]]
    assert ledger.open_orders("weekly", "shadow/1") == []
    assert ledger.order_statuses("weekly", "champion", date(2022, 3, 2)) == found
    assert ledger.order_statuses("weekly", "champion", date(2022, 3, 3)) == []
    rows = ledger.frame("orders")
    assert rows["symbol"].tolist() == ["KO", "XOM"]
    assert rows["quantity"].tolist() == [5, -7]
    assert rows["session"].dt.date.tolist() == [date(2022, 3, 2)] * 2
    assert [stored.event.kind for stored in ledger.events()] == ["orders"]
    assert ledger.verify() is None


def test_a_life(ledger, make_order):
    order, other = make_order(), make_order("KO", 3)
    ledger.record_orders([order, other], AT)
    steps = [
        told(order, "ACCEPTED"),
        told(order, "PARTIALLY_FILLED", -2),
        told(order, "PARTIALLY_FILLED", -2, -1),
        told(order, "FILLED", -2, -1, -4),
    ]
    for step in steps:
        assert ledger.record_statuses([step]) == 1
        assert ledger.order_statuses("weekly", "champion", order.session)[1] == step
    head = ledger.head()
    for step in [*steps, told(order, "NEW"), replace(steps[-1], changed_at=AT)]:
        assert ledger.record_statuses([step, told(other, "NEW")]) == 0
    assert ledger.head() == head
    assert [status.order for status in ledger.open_orders()] == [other]
    assert ledger.record_statuses([told(other, "REJECTED", reason="no such symbol")]) == 1
    assert ledger.open_orders() == []
    assert ledger.order_statuses("weekly", "champion", order.session)[0].reason == "no such symbol"
    assert ledger.verify() is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": -8}, "quantity is -7, and is now -8"),
        ({"client_order_id": "another"}, "client_order_id is sb-"),
        ({"session": date(2022, 3, 3)}, "session is 2022-03-02"),
        ({"symbol": "KO"}, "symbol is XOM, and is now KO"),
    ],
)
def test_another_order_under_a_key_is_refused(ledger, make_order, changes, words):
    ledger.record_orders([make_order()], AT)
    with pytest.raises(IntegrityError, match=words):
        ledger.record_orders([make_order(number=1), replace(make_order(), **changes)], AT)
    assert ledger.head()[0] == 1


def test_a_broker_that_tells_of_another_order(ledger, make_order):
    ledger.record_orders([make_order()], AT)
    with pytest.raises(IntegrityError, match="quantity is -7, and is now -8"):
        ledger.record_statuses([told(replace(make_order(), quantity=-8), "ACCEPTED")])


def test_nothing_is_added_to_a_decision(ledger, make_order):
    ledger.record_orders([make_order()], AT)
    with pytest.raises(IntegrityError, match="rebalance of KO is not one of them"):
        ledger.record_orders([make_order(), make_order("KO", 1)], AT)
    with pytest.raises(SchemaError, match="no share"):
        ledger.record_orders([make_order("KO", 0, number=1)], AT)


@pytest.mark.parametrize(
    ("first", "then", "words"),
    [
        (("FILLED", -7), ("CANCELLED", -7), "is FILLED for good"),
        (("CANCELLED", -2), ("CANCELLED", -2, -1), "for good, and has more fills"),
        (("PARTIALLY_FILLED", -2), ("CANCELLED",), "has 1 fills on record"),
        (("PARTIALLY_FILLED", -2), ("PARTIALLY_FILLED", -3, -1), "has fill 0 as -2 at 81.3"),
        (("ACCEPTED",), ("PARTIALLY_FILLED", -8), "is filled with -8 shares"),
        (("ACCEPTED",), ("PARTIALLY_FILLED", 3), "is filled with 3 shares"),
        (("ACCEPTED",), ("FILLED", -3), "is FILLED with -3 shares"),
    ],
)
def test_a_broker_that_contradicts_itself(ledger, make_order, first, then, words):
    order = make_order()
    ledger.record_orders([order], AT)
    ledger.record_statuses([told(order, *first)])
    head = ledger.head()
    with pytest.raises(IntegrityError, match=words):
        ledger.record_statuses([told(order, *then)])
    assert ledger.head() == head


def test_a_telling_from_before_is_left_alone(ledger, make_order):
    order = make_order()
    ledger.record_orders([order], AT)
    ledger.record_statuses([told(order, "PARTIALLY_FILLED", -2, -3)])
    for old in (told(order, "ACCEPTED"), told(order, "PARTIALLY_FILLED", -2)):
        assert ledger.record_statuses([old]) == 0
    assert ledger.open_orders()[0].filled == -5


def test_an_order_that_was_never_meant(ledger, make_order):
    with pytest.raises(IntegrityError, match="not in the ledger"):
        ledger.record_statuses([told(make_order(), "ACCEPTED")])
    ledger.record_orders([make_order()], AT)
    with pytest.raises(SchemaError, match="told twice"):
        ledger.record_statuses([told(make_order(), "ACCEPTED")] * 2)
