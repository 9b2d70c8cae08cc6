"""Orders settled by a session: filled, in part, or not, each with its states and reason."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from shadowbook.core.books.auction import latency, run_auction, take_in
from shadowbook.core.books.execution import ExecutionPolicy, SessionMarket, execute
from shadowbook.core.books.orders import Order, OrderState
from shadowbook.core.books.states import client_order_id

DECIDED = datetime(2020, 1, 2, 21, 15, tzinfo=UTC)
SESSION = date(2020, 1, 3)
MARKET = SessionMarket(
    session=SESSION,
    as_of=datetime(2020, 1, 3, 21, 15, tzinfo=UTC),
    symbols=("GE", "KO", "XX"),
    closes=np.array([10.0, 50.0, np.nan]),
    opens=np.array([11.0, 51.0, np.nan]),
    volumes=np.array([1_000.0, np.nan, np.nan]),
    volatilities=np.array([0.02, 0.01, np.nan]),
    last_prices=np.array([10.0, 50.0, 3.25]),
    opened_at=datetime(2020, 1, 3, 14, 30, tzinfo=UTC),
    closed_at=datetime(2020, 1, 3, 21, 0, tzinfo=UTC),
)
POLICY = ExecutionPolicy(half_spread_bps=10.0, impact_coefficient=0.0)


def waiting(symbol, quantity, kind="market_on_close", purpose="rebalance", now=DECIDED):
    key = ("us", "champion", DECIDED, symbol, purpose)
    order = Order(client_order_id(*key), *key, quantity=quantity, kind=kind, session=SESSION)
    return take_in(order, now, timedelta(milliseconds=50))[1]


def settled(*orders):
    return run_auction(orders, MARKET, POLICY)


def test_each_order_trades_in_its_own_auction():
    [close], [open_] = settled(waiting("KO", 5), waiting("KO", -5, kind="market_on_open"))
    assert (close.state, close.fills[0].price, close.changed_at) == (
        OrderState.FILLED,
        50.05,
        MARKET.closed_at,
    )
    assert (open_.state, open_.fills[0].price, open_.fills[0].at) == (
        OrderState.FILLED,
        50.949,
        MARKET.opened_at,
    )
    assert open_.fills[0].reference == 51.0


def test_what_the_cap_leaves_is_cancelled():
    [history] = settled(waiting("GE", -250))
    assert [status.state for status in history] == [
        OrderState.PARTIALLY_FILLED,
        OrderState.CANCELLED,
    ]
    assert history[-1].filled == -100
    assert history[-1].reason == "100 of 250 shares of GE fit into 0.1 of the volume of 2020-01-03"


@pytest.mark.parametrize("symbol", ["XX", "ZZ"])
def test_without_a_price_or_a_place_in_the_market_nothing_is_traded(symbol):
    [[only]] = settled(waiting(symbol, 5))
    assert (only.state, only.fills) == (OrderState.CANCELLED, ())
    assert only.reason == f"{symbol} had no price in the closing auction of 2020-01-03"


def test_an_order_in_old_shares_is_cancelled_where_the_symbol_was_split():
    row = MARKET.row["KO"]
    actions = np.ones(len(MARKET.symbols))
    actions[row] = 0.1
    market = replace(MARKET, actions=actions)
    [[ko], [ge]] = run_auction([waiting("KO", -7), waiting("GE", 30)], market, ExecutionPolicy())
    assert (ko.state, ko.fills) == (OrderState.CANCELLED, ())
    assert ko.reason == "KO was split in 2020-01-03, and the order is in old shares"
    assert ge.state is OrderState.FILLED
    assert execute(np.array([30, -7, 0]), market, ExecutionPolicy()).filled.tolist() == [30, 0, 0]


def test_a_delisted_holding_settles_at_its_last_price():
    [[only]] = settled(waiting("XX", -5, purpose="delisting"))
    assert (only.state, only.fills[0].price, only.fills[0].reference) == (
        OrderState.FILLED,
        3.25,
        3.25,
    )


def test_an_order_accepted_after_its_auction_trades_nothing():
    late = MARKET.opened_at - timedelta(milliseconds=49)
    [[missed], [caught]] = settled(
        waiting("KO", 5, kind="market_on_open", now=late), waiting("KO", 5, now=late)
    )
    assert (missed.state, missed.filled) == (OrderState.CANCELLED, 0)
    assert missed.reason == "accepted after the opening auction of 2020-01-03"
    assert missed.changed_at == late + timedelta(milliseconds=50)
    assert caught.state is OrderState.FILLED


def test_the_broker_fills_what_a_shadow_book_computes_for_itself():
    policy = ExecutionPolicy()
    wanted = np.array([30, -7, 0])
    done = execute(wanted, MARKET, policy)
    orders = [waiting("KO", -7), waiting("GE", 30)]
    [[ko], [ge]] = run_auction(orders, MARKET, policy)
    assert [ge.fills[0].price, ko.fills[0].price] == done.prices[:2].tolist()
    assert [ge.filled, ko.filled] == done.filled[:2].tolist()


def test_a_refused_order_is_rejected_with_its_reason():
    order = waiting("KO", 5).order
    new, rejected = take_in(order, DECIDED, timedelta(milliseconds=50), "closed")
    assert (new.state, new.changed_at) == (OrderState.NEW, DECIDED)
    assert (rejected.state, rejected.reason) == (OrderState.REJECTED, "closed")


def test_latency_is_lognormal_around_its_median_and_moves_with_id_and_seed():
    waits = [latency(f"sb-{i}", 50.0, 7) / timedelta(milliseconds=1) for i in range(4_000)]
    logs = np.log(waits)
    assert np.median(waits) == pytest.approx(50.0, rel=0.03)
    assert logs.std() == pytest.approx(0.5, rel=0.05)
    assert latency("sb-1", 50.0, 7) != latency("sb-1", 50.0, 8)
    assert latency("sb-1", 50.0, 7) != latency("sb-2", 50.0, 7)
    assert latency("sb-1", 0.0, 7) == timedelta(0)


def test_no_order_is_moved_by_another():
    one, other = waiting("GE", 250), waiting("KO", 3)
    twin = replace(one, order=replace(one.order, client_order_id="sb-twin", strategy="other"))
    alone = settled(one)[0]
    assert settled(other, twin, one)[2] == alone
