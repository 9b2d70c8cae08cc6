"""Orders of one strategy taken out of all, with the groups that are left."""

import math
from dataclasses import fields

import numpy as np
import pytest

from shadowbook.core.performance.execution import columns_quality
from shadowbook.core.performance.order_columns import OrderColumns, labels_of, selected

STRATEGIES = ["weekly", "monthly", "weekly", "monthly", "weekly"]
SYMBOLS = ["C", "A", "B", "A", "C"]
HOURS = ["16", "09", "", "", "10"]
NUMBERS = tuple(f.name for f in fields(OrderColumns) if f.name not in ("groups", "rejected"))


@pytest.fixture
def orders():
    """Five orders of two strategies; every column tells its orders apart."""
    counted = np.arange(1.0, 6.0)
    columns = {name: 10.0 * (place + 1) + counted for place, name in enumerate(NUMBERS)}
    columns["signs"] = np.array([1.0, -1.0, -1.0, 1.0, 1.0])
    columns["filled"] = columns["quantities"] - np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    columns["later_prices"][2] = math.nan
    words = {"strategy": STRATEGIES, "symbol": SYMBOLS, "hour": HOURS}
    return OrderColumns(
        **columns,
        rejected=np.array([False, True, True, False, False]),
        groups={name: labels_of(given) for name, given in words.items()},
    )


def words_of(labels):
    return [labels.names[code] if code >= 0 else "" for code in labels.codes.tolist()]


@pytest.mark.parametrize(
    ("group", "name", "rows"),
    [
        ("strategy", "weekly", [0, 2, 4]),
        ("strategy", "monthly", [1, 3]),
        ("symbol", "B", [2]),
        ("hour", "09", [1]),
    ],
)
def test_the_rows_of_one_name_come_in_their_order(orders, group, name, rows):
    found = selected(orders, group, name)
    for column in (*NUMBERS, "rejected"):
        np.testing.assert_array_equal(getattr(found, column), getattr(orders, column)[rows])
    given = {"strategy": STRATEGIES, "symbol": SYMBOLS, "hour": HOURS}
    assert {key: words_of(one) for key, one in found.groups.items()} == {
        key: [words[row] for row in rows] for key, words in given.items()
    }


def test_no_group_is_told_of_without_orders(orders):
    found = selected(orders, "strategy", "weekly")
    assert {key: one.names for key, one in found.groups.items()} == {
        "strategy": ("weekly",),
        "symbol": ("B", "C"),
        "hour": ("10", "16"),
    }
    told = columns_quality(found).by
    assert {key: list(one) for key, one in told.items()} == {
        "strategy": ["weekly"],
        "symbol": ["B", "C"],
        "hour": ["10", "16"],
    }
    assert [one.orders for one in told["symbol"].values()] == [1, 2]


def test_what_is_measured_of_a_selection_is_what_its_group_has_of_all(orders):
    whole = columns_quality(orders).by["strategy"]
    for name in ("weekly", "monthly"):
        assert columns_quality(selected(orders, "strategy", name)).total == whole[name]


def test_a_name_that_no_order_has_selects_none(orders):
    found = selected(orders, "strategy", "daily")
    assert [len(getattr(found, name)) for name in (*NUMBERS, "rejected")] == [0] * 11
    assert {key: one.names for key, one in found.groups.items()} == {
        "strategy": (),
        "symbol": (),
        "hour": (),
    }
    # Orders that belong to no hour are not those of an unknown one.
    assert len(selected(orders, "hour", "23").signs) == 0
