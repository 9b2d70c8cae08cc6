"""What a session did to a book, by hand."""

import numpy as np
import pytest

from shadowbook.core.books.accounts import cash_of, settle
from shadowbook.core.books.day import BookState, Traded

NAN = np.nan


@pytest.fixture(scope="module")
def second(panel_of, look):
    """View of the second of two sessions: closes, adjusted closes -> View."""

    def make(closes, adjusted=None):
        panel = panel_of(closes, **({"adjusted_close": adjusted} if adjusted else {}))
        return look(panel, 1)

    return make


@pytest.mark.parametrize(
    ("quantity", "price", "commission", "cents"),
    [
        (100, 150.0, 0, -1_500_000),
        (-100, 150.0, 7, 1_499_993),
        (3, 10.01, 0, -3_003),
        (1, 0.0001, 0, 0),
        (-(10**12), 9_999.9999, 0, 999_999_990_000_000_000),
        (0, 0.0, -250, 250),
    ],
)
def test_cash_is_rounded_to_the_cent_once_a_fill(quantity, price, commission, cents):
    assert cash_of(Traded("A", "rebalance", 0, quantity, price, price, commission)) == cents


def test_the_return_of_a_session_in_its_parts(second, state_of):
    # Held 10, wanted 30, 15 of the 20 bought at 11.02 where the auction was 11.00, close 11.50.
    state = state_of(90_000, {"A": 10}, {"A": 10.0}, ideal={"A": 30})
    bought = Traded("A", "rebalance", 0, 15, 11.02, 11.0, 25)
    done = settle(state, second({"A": [10.0, 11.5]}), [bought])
    assert (done.cash_cents, done.quantities.tolist()) == (90_000 - 16_530 - 25, [25])
    assert done.equity == 734.45 + 25 * 11.5
    assert done.signal == pytest.approx(30 * 1.5 / 1_000, abs=1e-15)
    assert done.cost == pytest.approx((15 * -0.02 - 0.25) / 1_000, abs=1e-15)
    assert done.execution == pytest.approx((-20 * 1.5 + 15 * 0.5) / 1_000, abs=1e-15)
    assert done.net == pytest.approx((734.45 + 287.5 - 1_000) / 1_000, abs=1e-15)
    assert done.turnover == pytest.approx(15 * 11.02 / 1_000, abs=1e-15)


@pytest.mark.parametrize(("held", "extra", "cents"), [(101, 50, 2_500), (-101, -50, -2_500)])
def test_a_split_pays_the_fraction_and_moves_no_equity(held, extra, cents, second, state_of):
    state = state_of(5_000_000, {"A": held}, {"A": 75.0}, ideal={"A": held})
    view = second({"A": [75.0, 50.0]}, {"A": [50.0, 50.0]})
    done = settle(state, view, [])
    assert done.traded == (Traded("A", "split", 0, extra, 0.0, 0.0, -cents),)
    assert (done.quantities.tolist(), done.cash_cents) == ([held + extra], 5_000_000 + cents)
    assert (done.net, done.signal, done.execution, done.turnover) == (0.0, 0.0, 0.0, 0.0)


def test_a_reverse_split_leaves_whole_shares_and_cash(second, state_of):
    state = state_of(100_000, {"A": 107}, {"A": 1.0})
    done = settle(state, second({"A": [1.0, 10.0]}, {"A": [10.0, 10.0]}), [])
    assert (done.quantities.tolist(), done.cash_cents) == ([10], 100_700)
    assert done.net == 0.0


def test_a_dividend_is_earned_long_and_owed_short(second, state_of):
    view = second({"A": [51.0, 50.0], "B": [51.0, 50.0]}, {"A": [50.0] * 2, "B": [50.0] * 2})
    state = state_of(1_000_000, {"A": 100, "B": -40}, {"A": 51.0, "B": 51.0})
    done = settle(state, view, [])
    assert [one.commission_cents for one in done.traded] == [-10_000, 4_000]
    assert (done.cash_cents, done.quantities.tolist(), done.net) == (1_006_000, [100, -40], 0.0)


def test_a_split_across_a_hole_counts_once(panel_of, look, state_of):
    closes, adjusted = {"A": [100.0, NAN, 50.0, 50.0]}, {"A": [50.0, NAN, 50.0, 50.0]}
    panel = panel_of(closes, adjusted_close=adjusted)
    state = state_of(0, {"A": 10}, {"A": 100.0})
    silent = settle(state, look(panel, 1), [])
    assert (silent.quantities.tolist(), silent.equity, silent.unpriced.tolist()) == ([10], 1e3, [1])
    assert settle(state, look(panel, 2), []).quantities.tolist() == [20]
    later = state_of(0, {"A": 20}, {"A": 50.0})
    assert settle(later, look(panel, 3), []).quantities.tolist() == [20]


@pytest.mark.parametrize("price", [NAN, 0.0, -3.0, np.inf])
def test_without_a_price_a_holding_keeps_its_mark(price, second, state_of):
    state = state_of(5_000, {"A": 7}, {"A": 9.0}, unpriced={"A": 2})
    done = settle(state, second({"A": [9.0, price]}), [])
    assert (done.marks.tolist(), done.equity, done.net) == ([9.0], 113.0, 0.0)
    assert done.unpriced.tolist() == [3]


def test_a_new_book_has_no_return(second):
    done = settle(BookState(None, 12_345, 123.45), second({"A": [1.0, 2.0]}), [])
    assert (done.cash_cents, done.equity) == (12_345, 123.45)
    assert np.isnan([done.net, done.signal, done.execution, done.cost, done.turnover]).all()


@pytest.mark.parametrize("short", [10, 11])
def test_a_book_without_equity_has_no_return(short, second, state_of):
    state = state_of(1_000, {"A": -short}, {"A": 1.0})
    done = settle(state, second({"A": [1.0, 0.5]}), [])
    assert done.equity == 10.0 - short * 0.5
    assert np.isnan(done.net)


def test_pennies_are_not_lost_beside_a_fortune(second, state_of):
    state = state_of(10**14 + 1, {"A": -(10**9), "B": 10**9}, {"A": 1e5, "B": 1e5})
    done = settle(state, second({"A": [1e5, 1e5], "B": [1e5, 1e5]}), [])
    assert done.equity == 1e12 + 0.01
    assert done.cash_cents == 10**14 + 1
