"""Execution quality: a few orders by hand, and what holds for any."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.performance.execution import ExecutedOrder, execution_quality, quality_of
from shadowbook.core.performance.shortfall import implementation_shortfall
from shadowbook.errors import SchemaError

NAN = math.nan
AT = datetime(2020, 1, 6, 21, tzinfo=UTC)
BOUGHT = ExecutedOrder(
    strategy="weekly",
    book="champion",
    symbol="A",
    decided_at=AT,
    side="buy",
    quantity=1000,
    filled=700,
    decision_price=40.0,
    arrival_price=40.04,
    average_price=40.05,
    closing_price=40.08,
    later_price=40.06,
    commission=17.0,
    latency_seconds=0.1,
    rejected=False,
    hour=16,
)
SOLD = replace(
    BOUGHT,
    symbol="B",
    side="sell",
    arrival_price=39.96,
    average_price=39.95,
    closing_price=39.92,
    later_price=39.94,
    hour=9,
)
REJECTED = replace(
    BOUGHT,
    filled=0,
    arrival_price=NAN,
    average_price=NAN,
    later_price=NAN,
    commission=0.0,
    latency_seconds=NAN,
    rejected=True,
    hour=None,
)


def test_one_order_by_hand():
    found = quality_of([BOUGHT])
    assert (found.orders, found.rejects) == (1, 0)
    assert found.notional == pytest.approx(700 * 40.05)
    assert found.fill_ratio == pytest.approx(0.7)
    assert found.slippage_bps == pytest.approx(1e4 * 0.01 / 40.04)
    assert found.effective_spread_bps == pytest.approx(2e4 * 0.01 / 40.04)
    assert found.realized_spread_bps == pytest.approx(2e4 * -0.01 / 40.04)
    assert found.latency_seconds == {50: 0.1, 95: 0.1, 99: 0.1}
    parts = (found.explicit_bps, found.realized_bps, found.delay_bps, found.opportunity_bps)
    assert parts == pytest.approx((4.25, 1.75, 7.0, 6.0))
    assert found.shortfall_bps == pytest.approx(19.0)


def test_a_sale_below_arrival_costs_what_a_purchase_above_it_does():
    sold = quality_of([SOLD])
    assert sold.slippage_bps == pytest.approx(1e4 * 0.01 / 39.96)
    assert sold.realized_spread_bps == pytest.approx(2e4 * -0.01 / 39.96)
    parts = (sold.explicit_bps, sold.realized_bps, sold.delay_bps, sold.opportunity_bps)
    assert parts == pytest.approx((4.25, 1.75, 7.0, 6.0))


def test_a_rejected_order_costs_the_opportunity_alone():
    found = quality_of([REJECTED])
    assert (found.orders, found.rejects, found.notional, found.fill_ratio) == (1, 1, 0.0, 0.0)
    assert found.opportunity_bps == pytest.approx(20.0)
    assert found.shortfall_bps == pytest.approx(20.0)
    for unknown in (found.slippage_bps, found.effective_spread_bps, found.latency_seconds[50]):
        assert math.isnan(unknown)


def test_orders_by_strategy_symbol_and_hour():
    found = execution_quality([BOUGHT, SOLD, REJECTED, replace(SOLD, strategy="monthly")])
    assert found.total.orders == 4
    assert {name: one.orders for name, one in found.by["strategy"].items()} == {
        "monthly": 1,
        "weekly": 3,
    }
    assert {name: one.orders for name, one in found.by["symbol"].items()} == {"A": 2, "B": 2}
    assert {name: one.orders for name, one in found.by["hour"].items()} == {"09": 2, "16": 1}
    assert found.by["hour"]["16"] == quality_of([BOUGHT])
    assert found.by["symbol"]["A"].rejects == 1


def test_slippage_is_weighted_by_what_was_traded():
    large = replace(BOUGHT, quantity=100_000, filled=100_000, average_price=40.24)
    found = quality_of([BOUGHT, large])
    expected = (700 * 0.01 + 100_000 * 0.2) / (100_700 * 40.04)
    assert found.slippage_bps == pytest.approx(1e4 * expected)


def test_latencies_are_those_numpy_finds():
    waits = np.random.default_rng(3).lognormal(size=101)
    orders = [replace(BOUGHT, latency_seconds=float(wait)) for wait in waits]
    found = execution_quality([*orders, replace(SOLD, latency_seconds=7.0), REJECTED])
    expected = np.percentile(waits, [50, 95, 99])
    assert list(found.by["hour"]["16"].latency_seconds.values()) == pytest.approx(expected.tolist())
    assert found.by["symbol"]["B"].latency_seconds[99] == 7.0


def test_nothing_is_measured_of_no_orders():
    found = execution_quality([])
    assert (found.total.orders, found.total.notional) == (0, 0.0)
    assert math.isnan(found.total.fill_ratio)
    assert found.by == {"strategy": {}, "symbol": {}, "hour": {}}


def test_an_order_with_an_unknown_part_is_left_out_of_the_shortfall_alone():
    unknown = replace(BOUGHT, closing_price=NAN)
    found = quality_of([BOUGHT, unknown])
    assert found.shortfall_bps == pytest.approx(19.0)
    assert found.notional == pytest.approx(2 * 700 * 40.05)


PRICES = st.floats(1.0, 1e4)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 500), st.integers(0, 500), PRICES, PRICES,
                          PRICES, PRICES), min_size=1, max_size=6))  # fmt: skip
def test_the_shortfall_of_a_group_is_that_of_its_orders(rows):
    orders, cash, paper = [], 0.0, 0.0
    for buys, quantity, filled, decision, arrival, price, closing in rows:
        side, done = "buy" if buys else "sell", min(filled, quantity)
        orders.append(
            replace(
                BOUGHT,
                side=side,
                quantity=quantity,
                filled=done,
                decision_price=decision,
                arrival_price=arrival if done else NAN,
                average_price=price if done else NAN,
                closing_price=closing,
                commission=1.0,
            )
        )
        fills = [(done, price)] if done else []
        one = implementation_shortfall(side, quantity, decision, fills, arrival, closing, 1.0)
        cash += one.total_cash
        paper += quantity * decision
    found = quality_of(orders)
    assert found.shortfall_bps == pytest.approx(1e4 * cash / paper, rel=1e-9, abs=1e-4)
    parts = (found.explicit_bps, found.realized_bps, found.delay_bps, found.opportunity_bps)
    assert found.shortfall_bps == pytest.approx(math.fsum(parts), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"side": "short"}, "the side of the order for A is 'short': give buy or sell"),
        ({"filled": 1001}, "more was filled than ordered in order 1 of 2: mend the orders"),
        ({"quantity": -1}, "a quantity is not a number of at least 0 in order 1 of 2"),
        ({"arrival_price": 0.0}, "an arrival price is not positive in order 1 of 2"),
        ({"average_price": math.inf}, "an average price is not positive in order 1 of 2"),
        ({"commission": NAN}, "a commission is not a number in order 1 of 2"),
    ],
)
def test_what_cannot_be_is_refused(changed, words):
    with pytest.raises(SchemaError, match=words.split(":")[0]):
        quality_of([SOLD, replace(BOUGHT, **changed)])
