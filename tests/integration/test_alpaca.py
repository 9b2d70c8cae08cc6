"""The HTTP broker against a server that loses answers: no order is ever doubled or lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowbook.adapters.broker.alpaca import AlpacaBroker
from shadowbook.adapters.broker.alpaca_connection import AlpacaPolicy
from shadowbook.core.books.orders import Order, OrderState
from shadowbook.core.books.states import client_order_id, opened
from shadowbook.errors import (
    ConfigError,
    IntegrityError,
    PermanentError,
    SchemaError,
    TransientError,
)
from tests.integration.alpaca_server import KEY_ID, SECRET, AlpacaServer, Fault

DECIDED = datetime(2020, 1, 2, 21, 15, tzinfo=UTC)
SESSION = date(2020, 1, 3)
POLICY = AlpacaPolicy(timeout_seconds=2.0, attempts=4, backoff_seconds=0.5)
QUICK = AlpacaPolicy(timeout_seconds=0.15, attempts=4, backoff_seconds=0.0)


@pytest.fixture
def server() -> Iterator[AlpacaServer]:
    with AlpacaServer(SESSION) as running:
        yield running


def order(symbol: str, quantity: int, kind: Any = "market_on_close") -> Order:
    key = ("us", "champion", DECIDED, symbol, "rebalance")
    return Order(client_order_id(*key), *key, quantity=quantity, kind=kind, session=SESSION)


def broker(server: AlpacaServer, policy: AlpacaPolicy = POLICY, **options: Any) -> AlpacaBroker:
    options.setdefault("sleep", lambda seconds: None)
    return AlpacaBroker(server.url, KEY_ID, SECRET, policy, **options)


def posts(server: AlpacaServer) -> int:
    return sum(call == ("POST", "/v2/orders") for call in server.calls)


def test_an_order_goes_out_as_the_api_wants_it_and_comes_back_filled(server):
    line = broker(server)
    buy, sell = order("KO", 10), order("GE", -5, "market_on_open")
    assert [s.state for s in line.submit([buy, sell], DECIDED)] == [OrderState.ACCEPTED] * 2
    told = [
        [server.orders[o.client_order_id][name] for name in ("symbol", "qty", "side", "type")]
        + [server.orders[o.client_order_id]["time_in_force"]]
        for o in (buy, sell)
    ]
    assert told == [["KO", "10", "buy", "market", "cls"], ["GE", "5", "sell", "market", "opg"]]
    server.fill(buy.client_order_id, 10, "50.25")
    server.fill(sell.client_order_id, 5, "9.99")
    bought, sold = line.statuses([buy.client_order_id, sell.client_order_id])
    assert (bought.state, bought.filled, bought.fills[0].price) == (OrderState.FILLED, 10, 50.25)
    assert (sold.state, sold.filled, sold.fills[0].price) == (OrderState.FILLED, -5, 9.99)
    assert bought.fills[0].reference == 50.25
    assert bought.fills[0].at.tzinfo is UTC
    assert line.positions() == {"GE": -5, "KO": 10}
    # 100,000 - 502.50 + 49.95
    assert (line.account().cash_cents, line.account().equity) == (9_954_745, 100_000.0)


def test_partial_fills_are_differences_of_what_the_api_tells(server):
    line = broker(server)
    sent = order("KO", -100)
    line.submit([sent], DECIDED)
    server.fill(sent.client_order_id, 40, "10.00")
    [part] = line.statuses([sent.client_order_id])
    assert (part.state, part.filled) == (OrderState.PARTIALLY_FILLED, -40)
    assert line.statuses([sent.client_order_id]) == [part]
    server.fill(sent.client_order_id, 60, "10.50")
    [done] = line.statuses([sent.client_order_id])
    assert [(f.sequence, f.quantity, f.price) for f in done.fills] == [
        (0, -40, 10.0),
        (1, -60, 10.5),
    ]
    assert done.state is OrderState.FILLED


def test_a_new_process_goes_on_from_what_the_ledger_knows(server):
    first = broker(server)
    sent = order("KO", 100)
    first.submit([sent], DECIDED)
    server.fill(sent.client_order_id, 40, "10.00")
    told = first.statuses([sent.client_order_id])
    server.fill(sent.client_order_id, 20, "10.50")
    server.end(sent.client_order_id, "canceled")
    [done] = broker(server, known=told).statuses([sent.client_order_id])
    assert done.fills[:1] == told[0].fills
    assert (done.fills[1].quantity, done.fills[1].price) == (20, 10.5)
    assert (done.state, done.reason) == (OrderState.CANCELLED, "canceled at the broker")
    calls = len(server.calls)
    assert broker(server, known=[done]).statuses([sent.client_order_id]) == [done]
    assert len(server.calls) == calls, "a final order needs no question"


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.NONE])
def test_an_order_survives_each_fault_once(server, fault):
    server.faults.extend([Fault.NONE, fault])
    line = broker(server, QUICK if "timeout" in fault.value else POLICY)
    [status] = line.submit([order("KO", 10)], DECIDED)
    assert status.state is OrderState.ACCEPTED
    assert len(server.orders) == 1
    # What was carried out is asked for, never sent again.
    assert posts(server) == (1 if "after" in fault.value else 2)


@pytest.mark.parametrize("fault", [Fault.SILENT_BEFORE, Fault.SILENT_AFTER])
def test_silence_has_an_end(fault):
    with AlpacaServer(SESSION, silence_seconds=20.0) as server:
        server.faults.extend([Fault.NONE, fault])
        began = time.monotonic()
        broker(server, QUICK).submit([order("KO", 10)], DECIDED)
        assert time.monotonic() - began < 10.0


def test_what_may_have_arrived_is_asked_for_by_the_next_process(server):
    # Accepted, cut off, and then nothing answers: the broker has the order and we do not know.
    server.unique_ids = False
    server.faults.extend([Fault.NONE, Fault.CUT_AFTER, *[Fault.CUT_BEFORE] * 4])
    with pytest.raises(TransientError):
        broker(server).submit([order("KO", 10)], DECIDED)
    intent = opened(order("KO", 10), DECIDED)
    [status] = broker(server, known=[intent]).submit([intent.order], DECIDED)
    assert status.state is OrderState.ACCEPTED
    assert server.taken == [intent.order.client_order_id]


def test_an_order_that_the_broker_takes_its_time_to_show_is_not_lost(server):
    server.faults.extend([Fault.NONE, Fault.CUT_AFTER])
    server.unseen = 2
    [status] = broker(server).submit([order("KO", 10)], DECIDED)
    assert status.state is OrderState.ACCEPTED
    assert len(server.taken) == 1


def test_a_duplicate_id_is_the_same_order_or_a_contradiction(server):
    broker(server).submit([order("KO", 10)], DECIDED)
    [again] = broker(server).submit([order("KO", 10)], DECIDED)
    assert (again.state, again.order.quantity) == (OrderState.ACCEPTED, 10)
    with pytest.raises(IntegrityError, match="qty 10 and not 11"):
        broker(server).submit([order("KO", 11)], DECIDED)
    assert [o["qty"] for o in server.orders.values()] == ["10"]


def test_an_order_known_with_other_content_is_not_sent(server):
    line = broker(server)
    line.submit([order("KO", 10)], DECIDED)
    with pytest.raises(IntegrityError, match="nothing was sent"):
        line.submit([order("GE", 1), order("KO", 11)], DECIDED)
    with pytest.raises(IntegrityError, match="nothing was sent"):
        line.submit([order("GE", 1), order("GE", 2)], DECIDED)
    assert len(server.orders) == 1


def test_the_broker_decides_how_long_we_wait(server):
    waits: list[float] = []
    server.faults.extend([Fault.NONE, Fault.LIMITED, Fault.NONE, Fault.BROKEN_BEFORE])
    broker(server, sleep=waits.append).submit([order("KO", 10)], DECIDED)
    # Retry-After 3; then the second attempt's own backoff, twice 0.5.
    assert waits == [3.0, 1.0]
    waits.clear()
    server.retry_after = "86400"
    server.faults.append(Fault.LIMITED)
    broker(server, sleep=waits.append).positions()
    assert waits == [60.0]
    waits.clear()
    server.retry_after = "Wed, 21 Oct 2020 07:28:00 GMT"
    server.faults.append(Fault.LIMITED)
    broker(server, sleep=waits.append).positions()
    assert waits == [0.5]


def test_what_stays_away_is_transient_and_can_be_tried_again(server):
    line = broker(server)
    server.faults.extend([Fault.NONE] + [Fault.CUT_BEFORE] * 20)
    with pytest.raises(TransientError, match="did not give order sb-"):
        line.submit([order("KO", 10)], DECIDED)
    server.faults.clear()
    server.faults.extend([Fault.NONE, *[Fault.BROKEN_BEFORE, Fault.NONE] * 4])
    with pytest.raises(TransientError, match=r"did not take order sb-.* in 4 attempts"):
        line.submit([order("GE", 10)], DECIDED)
    assert server.orders == {}
    line.submit([order("KO", 10), order("GE", 10)], DECIDED)
    assert len(server.orders) == 2


def test_nobody_listens(server):
    url = server.url
    server.__exit__()
    line = AlpacaBroker(url, KEY_ID, SECRET, POLICY, sleep=lambda seconds: None)
    with pytest.raises(TransientError, match="did not give its positions in 4 attempts"):
        line.positions()


def test_a_wrong_key_is_permanent_and_never_told(server):
    line = AlpacaBroker(server.url, KEY_ID, "wrong-secret", POLICY)
    with pytest.raises(PermanentError, match="401: request is not authorized") as caught:
        line.account()
    assert "wrong-secret" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_what_the_broker_refuses_is_rejected_in_its_words_and_the_rest_goes_out(server):
    server.refusals = {
        "XX": (422, 42210000, 'asset "XX" is not active'),
        "YY": (403, 40310000, "insufficient buying power"),
    }
    states = broker(server).submit([order("XX", 1), order("YY", 1), order("KO", 1)], DECIDED)
    assert [status.state for status in states] == [
        OrderState.REJECTED,
        OrderState.REJECTED,
        OrderState.ACCEPTED,
    ]
    assert states[0].reason == 'refused by the broker: asset "XX" is not active'
    assert states[1].reason == "refused by the broker: insufficient buying power"


def test_an_account_that_may_not_trade_is_permanent(server):
    server.refusals = {"KO": (403, 40110000, "account is not authorized to trade")}
    with pytest.raises(PermanentError, match="account is not authorized to trade"):
        broker(server).submit([order("KO", 1)], DECIDED)


def test_an_order_that_missed_its_auction_is_not_sent_for_another(server):
    line = broker(server)
    line.submit([order("KO", 10)], DECIDED)
    server.next_session = SESSION + timedelta(days=3)
    late = broker(server)
    sent, missed = late.submit([order("KO", 10), order("GE", 5)], DECIDED)
    assert sent.state is OrderState.ACCEPTED
    assert missed.state is OrderState.REJECTED
    assert missed.reason == (
        "not sent: the broker's next auction is that of 2020-01-06, the order is for 2020-01-03"
    )
    assert len(server.orders) == 1


def test_ids_unknown_to_the_broker_are_left_out(server):
    intent = opened(order("KO", 10), DECIDED)
    line = broker(server, known=[intent])
    assert line.statuses(["sb-nobody", intent.order.client_order_id]) == []
    line.submit([intent.order], DECIDED)
    assert len(line.statuses(["sb-nobody", intent.order.client_order_id])) == 1


def test_contradictions_are_told(server):
    line = broker(server)
    sent = order("KO", 10)
    key = sent.client_order_id
    line.submit([sent], DECIDED)
    with pytest.raises(IntegrityError, match="nothing is recorded"):
        broker(server).statuses([key])
    server.fill(key, 6, "10.00")
    line.statuses([key])
    server.orders[key]["filled_qty"] = "4"
    with pytest.raises(IntegrityError, match="a fill of -2 does not fit 4 left"):
        line.statuses([key])
    server.orders[key] |= {"filled_qty": "6", "status": "filled"}
    with pytest.raises(IntegrityError, match="with 6 of 10 shares"):
        line.statuses([key])
    server.orders[key]["status"] = "haunted"
    with pytest.raises(IntegrityError, match="'haunted', which is no state we know"):
        line.statuses([key])
    del server.orders[key]["status"]
    with pytest.raises(SchemaError, match="not of the Alpaca API's shape"):
        line.statuses([key])
    server.orders.clear()
    with pytest.raises(IntegrityError, match="no longer has order"):
        line.statuses([key])
    server.held["KO"] = server.cash / 3
    with pytest.raises(IntegrityError, match="whole shares"):
        line.positions()


@pytest.mark.parametrize(
    ("status", "filled", "state"),
    [
        ("rejected", 0, OrderState.REJECTED),
        ("expired", 0, OrderState.CANCELLED),
        ("expired", 3, OrderState.CANCELLED),
        ("rejected", 3, OrderState.CANCELLED),
        ("done_for_day", 3, OrderState.PARTIALLY_FILLED),
        ("pending_cancel", 0, OrderState.ACCEPTED),
    ],
)
def test_the_brokers_states_are_ours(server, status, filled, state):
    sent = order("KO", 10)
    line = broker(server)
    line.submit([sent], DECIDED)
    if filled:
        server.fill(sent.client_order_id, filled, "10")
    server.end(sent.client_order_id, status)
    [found] = line.statuses([sent.client_order_id])
    assert (found.state, found.filled) == (state, filled)
    [fresh] = broker(server, known=[opened(sent, DECIDED)]).statuses([sent.client_order_id])
    assert (fresh.state, fresh.filled) == (state, filled)


def test_many_statuses_are_one_question(server):
    line = broker(server)
    sent = [order(f"S{i}", i + 1) for i in range(30)]
    line.submit(sent, DECIDED)
    server.calls.clear()
    found = line.statuses([o.client_order_id for o in sent])
    assert [status.order for status in found] == sent
    assert len(server.calls) == 1


def test_an_address_without_the_api_and_settings_without_a_key_are_told(server):
    with pytest.raises(PermanentError, match=r"broker\.base_url is an Alpaca"):
        AlpacaBroker(f"{server.url}/elsewhere", KEY_ID, SECRET, POLICY).account()
    with pytest.raises(ConfigError, match="must begin with https"):
        AlpacaBroker("paper-api.alpaca.markets", KEY_ID, SECRET, POLICY)
    with pytest.raises(ConfigError, match="no key"):
        AlpacaBroker(server.url, KEY_ID, "", POLICY)
    assert AlpacaBroker(f"{server.url}/v2/", KEY_ID, SECRET, POLICY).positions() == {}


quick_faults = st.lists(
    st.sampled_from([f for f in Fault if "timeout" not in f.value]), max_size=24
)


@settings(max_examples=40)
@given(
    quick_faults,
    st.lists(st.integers(-50, 50).filter(bool), min_size=1, max_size=4),
    st.booleans(),
)
def test_whatever_is_lost_every_order_is_there_exactly_once(faults, quantities, unique_ids):
    sent = [order(f"S{i}", quantity) for i, quantity in enumerate(quantities)]
    with AlpacaServer(SESSION) as server:
        server.faults.extend(faults)
        # We do not rely on the broker's own guard alone.
        server.unique_ids = unique_ids
        line = broker(server)
        for _ in range(30):
            try:
                states = line.submit(sent, DECIDED)
                break
            except TransientError:
                # The ledger has what was meant to be sent; all else is lost with the process.
                line.close()
                line = broker(server, known=[opened(o, DECIDED) for o in sent])
        assert [s.state for s in states] == [OrderState.ACCEPTED] * len(sent)
        signs = {"buy": 1, "sell": -1}
        had = {k: signs[o["side"]] * int(o["qty"]) for k, o in server.orders.items()}
        assert had == {o.client_order_id: o.quantity for o in sent}
        assert sorted(server.taken) == sorted(o.client_order_id for o in sent)
        line.close()


def test_an_order_is_another_one_when_any_of_it_differs(server):
    base = order("KO", 10)
    broker(server).submit([base], DECIDED)
    for other in (replace(base, quantity=-10), replace(base, symbol="PEP")):
        with pytest.raises(IntegrityError, match="with other content"):
            broker(server).submit([other], DECIDED)
    with pytest.raises(IntegrityError, match="time_in_force cls and not opg"):
        broker(server).submit([replace(base, kind="market_on_open")], DECIDED)
