"""An order's states: what may follow what, and the id that makes it one order."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.books.orders import Fill, Order, OrderState, OrderStatus
from shadowbook.core.books.states import (
    TRANSITIONS,
    OrderAct,
    OrderEvent,
    advance,
    client_order_id,
    opened,
)
from shadowbook.errors import IntegrityError, SchemaError

DECIDED = datetime(2020, 1, 2, 21, 15, tzinfo=UTC)
CLOSED = datetime(2020, 1, 3, 21, 0, tzinfo=UTC)


def order(quantity: int) -> Order:
    key = ("us", "champion", DECIDED, "KO", "rebalance")
    return Order(
        client_order_id(*key), *key, quantity=quantity, kind="market_on_close", session=date.min
    )


def fill(status: OrderStatus, quantity: int) -> OrderEvent:
    key, sequence = status.order.client_order_id, len(status.fills)
    return OrderEvent(OrderAct.FILL, Fill(key, sequence, quantity, 50.0, 50.0, 0, CLOSED))


def accepted(quantity: int) -> OrderStatus:
    return advance(opened(order(quantity), DECIDED), OrderEvent(OrderAct.ACCEPT), DECIDED)


def in_state(state: OrderState) -> OrderStatus:
    status = accepted(10)
    if state is OrderState.NEW:
        return opened(order(10), DECIDED)
    if state is OrderState.PARTIALLY_FILLED:
        return advance(status, fill(status, 4), CLOSED)
    if state is OrderState.FILLED:
        return advance(status, fill(status, 10), CLOSED)
    acts = {OrderState.CANCELLED: OrderAct.CANCEL, OrderState.REJECTED: OrderAct.REJECT}
    if state in acts:
        return advance(status, OrderEvent(acts[state], reason="why"), CLOSED)
    return status


def test_an_order_is_filled_in_two_parts():
    status = accepted(-10)
    assert status.state is OrderState.ACCEPTED
    status = advance(status, fill(status, -4), CLOSED)
    assert (status.state, status.filled) == (OrderState.PARTIALLY_FILLED, -4)
    status = advance(status, fill(status, -6), CLOSED + timedelta(seconds=1))
    assert (status.state, status.filled) == (OrderState.FILLED, -10)
    assert [part.sequence for part in status.fills] == [0, 1]
    assert status.changed_at == CLOSED + timedelta(seconds=1)


def test_what_is_left_is_cancelled_with_its_reason_and_keeps_its_fill():
    status = in_state(OrderState.PARTIALLY_FILLED)
    status = advance(status, OrderEvent(OrderAct.CANCEL, reason="cap"), CLOSED)
    assert (status.state, status.filled, status.reason) == (OrderState.CANCELLED, 4, "cap")


@pytest.mark.parametrize(("state", "act"), list(product(OrderState, OrderAct)))
def test_only_the_tables_transitions_are_allowed(state, act):
    status = in_state(state)
    assert status.state is state
    left = status.order.quantity - status.filled
    event = fill(status, left or 1) if act is OrderAct.FILL else OrderEvent(act)
    if (state, act) in TRANSITIONS:
        assert advance(status, event, CLOSED).state in TRANSITIONS[state, act]
        return
    with pytest.raises(IntegrityError) as caught:
        advance(status, event, CLOSED)
    for word in (status.order.client_order_id, state.value, act.value):
        assert word in str(caught.value)


def test_final_states_allow_nothing():
    assert {state for state, _ in TRANSITIONS}.isdisjoint(s for s in OrderState if s.final)


@pytest.mark.parametrize("quantity", [11, -1, 0])
def test_a_fill_that_does_not_fit_is_refused(quantity):
    status = accepted(10)
    with pytest.raises(IntegrityError, match=f"a fill of {quantity} does not fit 10 left"):
        advance(status, fill(status, quantity), CLOSED)


def test_a_second_fill_beyond_the_rest_is_refused():
    status = in_state(OrderState.PARTIALLY_FILLED)
    with pytest.raises(IntegrityError, match="a fill of 7 does not fit 6 left"):
        advance(status, fill(status, 7), CLOSED)


def test_a_fill_of_another_order_or_out_of_sequence_is_refused():
    status = accepted(10)
    key = status.order.client_order_id
    second = OrderEvent(OrderAct.FILL, Fill(key, 1, 1, 50.0, 50.0, 0, CLOSED))
    foreign = OrderEvent(OrderAct.FILL, Fill("sb-other", 0, 1, 50.0, 50.0, 0, CLOSED))
    with pytest.raises(IntegrityError, match="fill 1 came where 0 is next"):
        advance(status, second, CLOSED)
    with pytest.raises(IntegrityError, match="belongs to sb-other"):
        advance(status, foreign, CLOSED)
    with pytest.raises(IntegrityError, match="carries no fill"):
        advance(status, OrderEvent(OrderAct.FILL), CLOSED)


texts = st.text(max_size=8)
moments = st.datetimes(timezones=st.just(UTC))


@given(st.lists(st.tuples(texts, texts, moments, texts, texts), min_size=2, max_size=2))
def test_ids_differ_exactly_when_their_keys_do(keys):
    first, second = (client_order_id(*key) for key in keys)
    assert (first == second) == (keys[0] == keys[1])
    assert len(first) == 43
    assert first.isascii()


def test_an_id_names_the_moment_and_not_its_writing():
    there = DECIDED.astimezone(timezone(timedelta(hours=-5)))
    assert client_order_id("a", "b", there, "c", "d") == client_order_id(
        "a", "b", DECIDED, "c", "d"
    )
    with pytest.raises(SchemaError, match="no time zone"):
        client_order_id("a", "b", DECIDED.replace(tzinfo=None), "c", "d")
