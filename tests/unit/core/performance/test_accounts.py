"""What lies between decision and return: by hand, and adding up for any book."""

import numpy as np
import pytest

from shadowbook.core.performance.accounts import (
    ACCOUNTS,
    BookRows,
    Trades,
    asked_beyond_band,
    book_accounts,
)
from shadowbook.errors import SchemaError


def trades(*rows):
    """Rows of session, symbol, quantity, price, reference, commission."""
    table = np.array(rows, dtype=float).reshape(len(rows), 6)
    return Trades(
        rows=table[:, 0].astype(np.int64),
        columns=table[:, 1].astype(np.int64),
        quantities=table[:, 2],
        prices=table[:, 3],
        references=table[:, 4],
        commissions=table[:, 5],
        in_auction=np.ones(len(table), dtype=bool),
    )


def one_symbol(held, ideal, asked, marks, done, **more):
    """Rows of a book of one symbol; equity stays 1,000, so that parts are thousandths."""
    column = [np.array(values, dtype=float)[:, None] for values in (held, ideal, asked, marks)]
    count = len(held)
    nothing = np.zeros(count)
    more = {name: np.array(values, dtype=float)[:, None] for name, values in more.items()}
    return BookRows(np.full(count, 1000.0), nothing, nothing, *column, done, **more)


def cash(values):
    return (np.nan_to_num(values) * 1000.0).round(9).tolist()


def test_an_order_that_waits_for_its_auction_then_leaves_a_rest():
    # 10 wanted at 10.00; 6 bought at 11.05 where the auction was 11.00; the rest a day later at 12.
    rows = one_symbol(
        held=[0, 6, 10, 10],
        ideal=[10, 10, 10, 10],
        asked=[0, 10, 4, 0],
        marks=[10.0, 11.0, 12.0, 13.0],
        done=trades((1, 0, 6, 11.05, 11.0, 0.5), (2, 0, 4, 12.0, 12.0, 0.0)),
    )
    found = book_accounts(rows, half_spread_bps=10.0)
    assert cash(found.latency) == [0.0, -10.0, 0.0, 0.0]
    assert cash(found.missed_fills) == [0.0, 0.0, -4.0, 0.0]
    assert cash(found.spread) == [0.0, -0.066, -0.048, 0.0]
    assert cash(found.slippage) == [0.0, -0.234, 0.048, 0.0]
    assert cash(found.fees) == [0.0, -0.5, 0.0, 0.0]
    assert cash(found.band) == [0.0] * 4


def test_what_is_wanted_anew_waits_and_what_failed_is_missed():
    # 10 failed; the next decision wants 15 and asks for all: 10 are missed, 5 wait.
    rows = one_symbol(
        held=[0, 0, 15], ideal=[10, 15, 15], asked=[0, 10, 15], marks=[10.0, 10.0, 11.0],
        done=trades((2, 0, 15, 11.0, 11.0, 0.0)),
    )  # fmt: skip
    found = book_accounts(rows, 0.0)
    assert cash(found.missed_fills) == [0.0, 0.0, -10.0]
    assert cash(found.latency) == [0.0, 0.0, -5.0]


def test_a_rest_within_the_band_is_missed_until_it_is_not_wanted():
    rows = one_symbol(
        held=[0, 8, 8, 8], ideal=[10, 10, 9, 9], asked=[0, 10, 0, 0], marks=[10, 10, 11, 12],
        done=trades((1, 0, 8, 10.0, 10.0, 0.0)),
    )  # fmt: skip
    found = book_accounts(rows, 0.0)
    assert cash(found.missed_fills) == [0.0, 0.0, -2.0, -1.0]
    assert cash(found.band) == [0.0, 0.0, 0.0, 0.0]


def test_a_change_that_nobody_asks_for_is_the_bands():
    rows = one_symbol([10, 10], [11, 11], [0, 0], [10.0, 12.0], trades())
    assert cash(book_accounts(rows, 0.0).band) == [0.0, -2.0]


def test_an_order_for_a_later_auction_is_latency():
    rows = one_symbol(
        [0, 0, 10], [10, 10, 10], [0, 0, 10], [10.0, 11.0, 12.0],
        trades((2, 0, 10, 12.0, 12.0, 0.0)), pending=[0, 10, 0],
    )  # fmt: skip
    found = book_accounts(rows, 0.0)
    assert cash(found.latency) == [0.0, -10.0, -10.0]
    assert cash(found.missed_fills) == [0.0, 0.0, 0.0]


def test_an_opening_auction_earns_from_there_to_the_close():
    rows = one_symbol([0, 10], [10, 10], [0, 10], [10.0, 12.0], trades((1, 0, 10, 11.0, 11.0, 0.0)))
    assert cash(book_accounts(rows, 0.0).latency) == [0.0, -10.0]


def test_over_a_split_everything_is_in_the_shares_of_its_day():
    # Wanted 10 at 10; two for one, the order is in old shares and fails; 20 at 5.50 are missing.
    rows = one_symbol(
        [0, 0, 20], [10, 20, 20], [0, 10, 20], [10.0, 5.0, 5.5],
        trades((2, 0, 20, 5.5, 5.5, 0.0)), splits=[1, 2, 1],
    )  # fmt: skip
    found = book_accounts(rows, 0.0)
    assert cash(found.latency) == [0.0, 0.0, 0.0]
    assert cash(found.missed_fills) == [0.0, 0.0, -10.0]


def test_a_sale_pays_the_spread_as_a_purchase_does():
    rows = one_symbol([10, 0], [0, 0], [0, -10], [10.0, 10.0], trades((1, 0, -10, 9.98, 10.0, 0.0)))
    found = book_accounts(rows, half_spread_bps=10.0)
    assert cash(found.spread) == [0.0, -0.1]
    assert cash(found.slippage) == [0.0, -0.1]


@pytest.mark.parametrize("seed", range(20))
def test_parts_add_up_to_net_less_signal_for_any_rows(seed):
    rng = np.random.default_rng(seed)
    shape = (30, 4)
    fills = [
        (row, column, rng.integers(-9, 9), rng.uniform(9, 11), rng.uniform(9, 11), 0.1)
        for row in range(1, 30)
        for column in range(4)
        if rng.random() < 0.4
    ]
    marks = rng.uniform(9.0, 11.0, shape)
    marks[rng.random(shape) < 0.1] = np.nan
    rows = BookRows(
        *(rng.uniform(900, 1100, 30), rng.normal(size=30), rng.normal(size=30)),
        *(rng.integers(-9, 9, shape).astype(float) for _ in range(3)),
        marks,
        trades(*fills),
        pending=rng.integers(-1, 2, shape).astype(float),
        factors=rng.uniform(0.9, 1.1, shape),
    )
    found = book_accounts(rows, 5.0)
    total = np.sum([getattr(found, name) for name in ACCOUNTS], axis=0)
    assert np.isnan(total[0])
    np.testing.assert_allclose(total[1:], (rows.net - rows.signal)[1:], rtol=0, atol=1e-9)
    # All of the waiting is told, whatever the orders were: rounding does not depend on them.
    unasked = BookRows(**vars(rows) | {"asked": np.zeros(shape), "pending": None})
    np.testing.assert_allclose(book_accounts(unasked, 5.0).rounding, found.rounding, atol=1e-12)


def test_a_shadow_book_asks_beyond_its_band_and_for_every_close():
    rows = BookRows(
        *(np.full(2, 1000.0), np.zeros(2), np.zeros(2)),
        held=np.array([[10.0, 10.0, 1.0], [0, 0, 0]]),
        ideal=np.array([[13.0, 12.0, 0.0], [0, 0, 0]]),
        asked=np.zeros((2, 3)),
        marks=np.full((2, 3), 10.0),
        trades=trades(),
    )
    assert asked_beyond_band(rows, 0.02).tolist() == [[0, 0, 0], [3, 0, -1]]


def test_rows_that_do_not_lie_alike_are_refused():
    rows = one_symbol([0, 0], [0, 0], [0, 0], [1, 1], trades((5, 0, 1, 1.0, 1.0, 0.0)))
    with pytest.raises(SchemaError, match="a fill is of a session or symbol"):
        book_accounts(rows, 0.0)
    with pytest.raises(SchemaError, match="marks has shape"):
        book_accounts(BookRows(**vars(rows) | {"marks": np.ones((2, 2))}), 0.0)
