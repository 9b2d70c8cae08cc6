"""What became of many orders, a row each."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.books.orders import Fill, OrderState, OrderStatus
from shadowbook.core.books.states import client_order_id
from shadowbook.errors import IntegrityError

SENT = datetime(2022, 3, 1, 21, 15, 1, tzinfo=UTC)
TAKEN = SENT + timedelta(milliseconds=40)
CLOSE = datetime(2022, 3, 2, 21, 0, tzinfo=UTC)


@pytest.fixture
def order_of(make_order):
    """Make an order of a strategy and book under its own id."""

    def make(strategy, symbol, quantity, book="champion", number=0):
        plain = make_order(symbol, quantity, number)
        key = (strategy, book, plain.as_of, symbol, plain.purpose)
        return replace(plain, strategy=strategy, book=book, client_order_id=client_order_id(*key))

    return make


def fill(order, sequence, quantity, price, reference, cents, at=CLOSE):
    return Fill(order.client_order_id, sequence, quantity, price, reference, cents, at)


def test_an_order_filled_in_parts_has_the_mean_of_its_shares(ledger, order_of):
    order = order_of("weekly", "XOM", -10)
    ledger.record_orders([order], SENT)
    fills = (
        fill(order, 0, -2, 81.0, 81.5, 12),
        fill(order, 1, -5, 80.0, 80.5, 7, CLOSE + timedelta(seconds=3)),
    )
    for state, number, at in (
        (OrderState.ACCEPTED, 0, TAKEN),
        (OrderState.PARTIALLY_FILLED, 1, CLOSE),
        (OrderState.PARTIALLY_FILLED, 2, CLOSE + timedelta(seconds=3)),
        (OrderState.CANCELLED, 2, CLOSE + timedelta(hours=1)),
    ):
        why = "the day is over" if state is OrderState.CANCELLED else ""
        ledger.record_statuses([OrderStatus(order, state, fills[:number], at, why)])
    (row,) = ledger.frame("outcomes").to_dict("records")
    assert (row["quantity"], row["filled"]) == (-10, -7)
    assert row["price"] == pytest.approx((2 * 81.0 + 5 * 80.0) / 7, rel=1e-15)
    assert row["reference"] == pytest.approx((2 * 81.5 + 5 * 80.5) / 7, rel=1e-15)
    assert row["commission_cents"] == 19
    assert (row["state"], row["reason"]) == ("CANCELLED", "the day is over")
    assert (row["sent_at"], row["accepted_at"]) == (SENT, TAKEN)
    assert row["filled_at"] == CLOSE + timedelta(seconds=3)
    assert row["session"].date() == date(2022, 3, 2)


def test_what_is_not_on_record_is_not_made_up(ledger, order_of):
    ledger.record_orders([order_of("weekly", "XOM", -10)], SENT)
    (row,) = ledger.frame("outcomes").to_dict("records")
    assert (row["state"], row["reason"], row["filled"]) == ("NEW", "", 0)
    assert row["commission_cents"] == 0
    assert np.isnan([row["price"], row["reference"]]).all()
    assert [row["accepted_at"], row["filled_at"]] == [pd.NaT, pd.NaT]
    assert row["sent_at"] == SENT


@pytest.fixture
def several(ledger, order_of):
    """Orders of two strategies, one with two books, recorded out of the order of their names."""
    orders = [
        order_of("weekly", "XOM", -7),
        order_of("weekly", "KO", 5),
        order_of("monthly", "AAPL", 3),
        order_of("monthly", "XOM", 2),
        order_of("weekly", "KO", 9, book="ab/2"),
        order_of("weekly", "AAPL", 1, number=1),
    ]
    for strategy, book in (("weekly", "champion"), ("monthly", "champion"), ("weekly", "ab/2")):
        mine = [one for one in orders if (one.strategy, one.book) == (strategy, book)]
        ledger.record_orders([one for one in mine if one.as_of == orders[0].as_of], SENT)
    ledger.record_orders(orders[-1:], SENT + timedelta(days=1))
    for order in orders:
        if order.symbol != "KO":
            bought = fill(order, 0, order.quantity, 100.0 + order.quantity, 100.0, 1)
            ledger.record_statuses([OrderStatus(order, OrderState.FILLED, (bought,), CLOSE)])
    return ledger


def test_every_row_names_its_own_book_and_symbol(several):
    told = several.frame("outcomes")
    names = ["strategy", "book", "symbol", "quantity", "filled"]
    assert list(told[names].astype(object).itertuples(index=False, name=None)) == [
        ("weekly", "champion", "KO", 5, 0),
        ("weekly", "champion", "XOM", -7, -7),
        ("monthly", "champion", "AAPL", 3, 3),
        ("monthly", "champion", "XOM", 2, 2),
        ("weekly", "ab/2", "KO", 9, 0),
        ("weekly", "champion", "AAPL", 1, 1),
    ]
    assert told["price"].tolist()[1:4] == [93.0, 103.0, 102.0]
    assert list(told["strategy"].cat.categories) == ["weekly", "monthly"]
    assert list(told["book"].cat.categories) == ["champion", "ab/2"]
    assert list(told["symbol"].cat.categories) == ["AAPL", "KO", "XOM"]


@pytest.mark.parametrize(
    ("strategy", "book", "quantities"),
    [
        ("weekly", None, [5, -7, 9, 1]),
        ("weekly", "champion", [5, -7, 1]),
        ("weekly", "ab/2", [9]),
        ("monthly", None, [3, 2]),
        (None, "champion", [5, -7, 3, 2, 1]),
        ("daily", None, []),
    ],
)
def test_rows_of_some_books_alone(several, strategy, book, quantities):
    told = several.frame("outcomes", strategy, book)
    assert told["quantity"].tolist() == quantities
    for name, wanted in (("strategy", strategy), ("book", book)):
        assert wanted is None or set(told[name]) <= {wanted}


def test_decisions_of_a_span_alone(several):
    moments = several.frame("outcomes")["as_of"].drop_duplicates().tolist()
    assert several.frame("outcomes", since=moments[1])["quantity"].tolist() == [1]
    assert several.frame("outcomes", until=moments[1])["quantity"].tolist() == [5, -7, 3, 2, 9]
    assert several.frame("outcomes", until=moments[0])["quantity"].empty


@pytest.mark.parametrize("unknown", [99, 0, -1])
def test_a_symbol_that_the_ledger_does_not_know_is_refused(several, path, unknown):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE orders SET symbol_id = ? WHERE order_id = (SELECT MAX(order_id) FROM orders)",
            (unknown,),
        )
    words = "table orders has rows of symbols it does not know: run `ledger verify`"
    with pytest.raises(IntegrityError, match=words):
        several.frame("outcomes")


def test_a_fill_altered_by_hand_is_refused(several, path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE order_fills SET quantity = 'many'")
    with pytest.raises(IntegrityError, match="column quantity of the ledger's table order_fills"):
        several.frame("outcomes")
