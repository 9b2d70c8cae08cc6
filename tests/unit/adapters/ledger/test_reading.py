"""Tables as frames: some of their columns alone."""

from __future__ import annotations

import itertools
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.books.day import Traded
from shadowbook.errors import ConfigError

KEYS = {
    "predictions": ["strategy", "book", "session", "as_of", "symbol"],
    "book_returns": ["strategy", "book", "session", "as_of"],
    "orders": ["strategy", "book", "session", "as_of", "symbol"],
}
OWN = {
    "predictions": ["score"],
    "targets": ["weight", "ideal", "mark"],
    "fills": ["purpose", "sequence", "quantity", "price", "reference", "commission_cents"],
    "positions": ["quantity", "mark", "unpriced"],
    "book_returns": [
        *("model_version", "cash_cents", "equity", "net", "signal"),
        *("execution", "cost", "turnover", "outcome"),
    ],
    "orders": ["purpose", "client_order_id", "quantity", "kind"],
}


@pytest.fixture
def filled(ledger, make_day, make_order):
    """Two books whose symbols were first seen out of order, orders, a symbol not wanted."""
    traded = (
        Traded("KO", "rebalance", 1, 2, 60.5, 60.4, 3),
        Traded("KO", "rebalance", 0, 4, 60.6, 60.4, 4),
        Traded("AAPL", "split", 0, 1, 0.0, 165.0, 0),
        Traded("AAPL", "rebalance", 0, 5, 165.2, 165.0, 9),
    )
    for number, symbols in enumerate((("KO", "XOM", "Z"), ("AAPL", "KO", "XOM"))):
        for book in ("champion", "shadow/1"):
            made = traded if number else ()
            targets = np.array([0.1, np.nan, -0.2 - number])
            changes = {"symbols": symbols, "traded": made, "targets": targets}
            ledger.record([], [make_day(number, book=book, **changes)])
    orders = [make_order("XOM", -7), make_order("KO", 5)]
    ledger.record_orders(orders, orders[0].as_of)
    return ledger


@pytest.mark.parametrize("table", OWN)
def test_some_columns_are_those_of_the_whole_table(filled, table):
    whole = filled.frame(table)
    keys = KEYS.get(table, KEYS["predictions"])
    late = ["at"] if table == "orders" else []
    assert len(whole) > 1
    assert list(whole.columns) == [*keys, *OWN[table], *late]
    for count in (0, 1, 2):
        for some in itertools.combinations(OWN[table], count):
            found = filled.frame(table, columns=some)
            pd.testing.assert_frame_equal(found, whole[[*keys, *some, *late]], check_exact=True)


def test_some_columns_of_one_book_and_span(filled):
    whole = filled.frame("fills")
    since = whole["as_of"].max()
    found = filled.frame("fills", "weekly", "shadow/1", since, columns=["price"])
    mine = whole[(whole["book"] == "shadow/1") & (whole["as_of"] == since)]
    assert found["price"].tolist() == mine["price"].tolist() == [165.2, 0.0, 60.6, 60.5]
    assert filled.frame("fills", until=since, columns=["price"]).empty
    assert filled.frame("fills", "monthly", columns=["price"]).columns[-1] == "price"
    beyond = since + timedelta(days=1)
    assert filled.frame("positions", since=beyond, columns=["mark"])["mark"].empty


def test_a_column_that_is_not_there_is_refused(filled):
    with pytest.raises(ConfigError, match="table targets has no column idea: it has as_of"):
        filled.frame("targets", columns=["ideal", "idea"])
