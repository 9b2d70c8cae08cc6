"""Perold's four parts: the published answer, and what holds for any order."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.performance.shortfall import implementation_shortfall
from shadowbook.errors import SchemaError

PRICES = st.floats(0.01, 1e5)
FILLS = st.lists(st.tuples(st.floats(0.01, 1e4), PRICES), max_size=4)
CFA = {
    "quantity": 1000,
    "decision_price": 40.0,
    "fills": [(700, 40.05)],
    "arrival_price": 40.04,
    "closing_price": 40.08,
    "commission": 17,
}


def test_the_published_answer():
    found = implementation_shortfall("buy", **CFA)
    expected = {
        "explicit": 0.000425,
        "realized": 0.000175,
        "delay": 0.0007,
        "opportunity": 0.0006,
        "total": 0.0019,
    }
    for name, value in expected.items():
        assert getattr(found, name) == pytest.approx(value, abs=1e-12), name
    assert found.total_cash == pytest.approx(76.0, abs=1e-9)


def test_a_sale_that_fell_costs_what_a_purchase_that_rose_does():
    fallen = CFA | {"fills": [(700, 39.95)], "arrival_price": 39.96, "closing_price": 39.92}
    sold, bought = (
        implementation_shortfall("sell", **fallen),
        implementation_shortfall("buy", **CFA),
    )
    for name in ("explicit", "realized", "delay", "opportunity", "total"):
        assert getattr(sold, name) == pytest.approx(getattr(bought, name), abs=1e-12), name


def test_fills_may_be_read_only_once():
    found = implementation_shortfall("buy", **CFA | {"fills": zip([700], [40.05], strict=True)})
    assert found == implementation_shortfall("buy", **CFA)


def test_without_an_arrival_the_order_was_there_at_once():
    found = implementation_shortfall("buy", **CFA | {"arrival_price": None})
    assert found.delay == 0.0
    assert found.realized == pytest.approx(700 * 0.05 / 40_000)
    assert found.total == pytest.approx(0.0019)


def test_what_was_left_has_no_worth_without_a_closing_price():
    found = implementation_shortfall("buy", **CFA | {"closing_price": None})
    assert math.isnan(found.opportunity)
    assert math.isnan(found.total)
    assert math.isnan(found.total_cash)
    assert found.delay == pytest.approx(0.0007)


def test_nothing_left_needs_no_closing_price():
    whole = {"fills": [(0.1, 40.0), (0.2, 40.0)], "quantity": 0.3, "closing_price": None}
    found = implementation_shortfall("sell", **CFA | whole)
    assert found.opportunity == 0.0
    assert math.isfinite(found.total)


@given(
    st.sampled_from(["buy", "sell"]), PRICES, FILLS, PRICES, PRICES, st.floats(0.0, 1e4),
    st.floats(0.0, 100.0),
)  # fmt: skip
def test_parts_add_up_to_paper_gain_less_real_gain(
    side, decision, fills, arrival, closing, left, commission
):
    sign = 1.0 if side == "buy" else -1.0
    quantity = math.fsum(shares for shares, _ in fills) + left + 1.0
    found = implementation_shortfall(side, quantity, decision, fills, arrival, closing, commission)
    paper = sign * quantity * (closing - decision)
    real = sign * math.fsum(shares * (closing - price) for shares, price in fills) - commission
    scale = quantity * max(decision, closing, arrival, *(price for _, price in fills), 1.0)
    assert found.total_cash == pytest.approx(paper - real, abs=1e-9 * scale)
    parts = found.explicit + found.realized + found.delay + found.opportunity
    assert found.total == pytest.approx(parts, abs=1e-9 * scale / (quantity * decision))
    assert found.total_cash == pytest.approx(found.total * quantity * decision, rel=1e-9, abs=1e-9)


@given(PRICES, FILLS, PRICES, PRICES, st.floats(0.0, 100.0))
def test_the_other_side_of_the_same_prices_costs_the_opposite(
    decision, fills, arrival, closing, commission
):
    quantity = math.fsum(shares for shares, _ in fills) + 5.0
    bought, sold = (
        implementation_shortfall(side, quantity, decision, fills, arrival, closing, commission)
        for side in ("buy", "sell")
    )
    assert (sold.realized, sold.delay) == (-bought.realized, -bought.delay)
    assert sold.opportunity == -bought.opportunity
    assert sold.explicit == bought.explicit


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"side": "long"}, "an order's side is 'long': give buy or sell"),
        ({"quantity": 0}, "the order's quantity is 0: give a number above 0"),
        ({"quantity": math.nan}, "the order's quantity is nan: give a number above 0"),
        ({"quantity": 699}, "700 were filled of an order for 699: check the fills"),
        ({"decision_price": -1.0}, "the decision price is -1.0: give a positive number"),
        ({"arrival_price": math.inf}, "the arrival price is inf: give a positive number"),
        ({"closing_price": 0.0}, "the closing price is 0.0: give a positive number"),
        ({"fills": [(700, math.nan)]}, "the price of fill 0 is nan: give a positive number"),
        ({"fills": [(1, 40.0), (-1, 40.0)]}, "the quantity of fill 1 is -1: give a number above 0"),
        ({"commission": math.nan}, "the commission is nan: give a number"),
    ],
)
def test_what_is_no_order_is_refused_in_a_sentence(changed, words):
    with pytest.raises(SchemaError) as caught:
        implementation_shortfall(**{"side": "buy"} | CFA | changed)
    assert str(caught.value) == words
