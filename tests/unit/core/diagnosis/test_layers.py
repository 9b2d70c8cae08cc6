"""What counts as the same, what as different, and how a difference is told."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from shadowbook.core.diagnosis.findings import Layer
from shadowbook.core.diagnosis.layers import Pair, Sheet, compare
from shadowbook.errors import SchemaError

ONE, TWO = date(2022, 1, 3), date(2022, 1, 4)


def sheet(rows, columns, values):
    return Sheet(tuple(rows), tuple(columns), np.array(values, dtype=float))


def compared(recorded, rebuilt):
    return compare(Layer.FEATURES, [Pair(ONE, recorded, rebuilt)])


def test_nan_equals_nan_and_both_zeros_are_equal():
    found = compared(
        sheet("AB", ["x", "y"], [[np.nan, 0.0], [1.0, 2.0]]),
        sheet("AB", ["x", "y"], [[np.nan, -0.0], [1.0, 2.0]]),
    )
    assert (found.cells, found.diverging, found.largest) == (4, 0, 0.0)
    assert (found.first_session, found.where, found.last_session) == (None, (), None)


def test_the_last_bit_counts():
    found = compared(sheet("A", ["x"], [[0.1 + 0.2]]), sheet("A", ["x"], [[0.3]]))
    assert found.diverging == 1
    assert found.largest == pytest.approx(2.0**-54)
    assert found.where == ("A x: 0.30000000000000004 recorded, 0.3 rebuilt",)


def test_a_number_against_a_missing_one_differs_by_no_number():
    found = compared(sheet("A", ["x"], [[1.0]]), sheet("A", ["x"], [[np.nan]]))
    assert found.diverging == 1
    assert np.isnan(found.largest)


def test_a_row_that_one_side_lacks_differs_even_where_it_is_missing():
    found = compared(
        sheet("AC", ["x", "y"], [[1.0, 2.0], [np.nan, 5.0]]),
        sheet("AB", ["x", "y"], [[1.0, 2.5], [3.0, 4.0]]),
    )
    # A's two cells, B's two, C's two.
    assert (found.cells, found.diverging, found.largest) == (6, 5, 0.5)
    assert found.where == (
        "A y: 2.0 recorded, 2.5 rebuilt",
        "B x: nothing recorded, 3.0 rebuilt",
        "B y: nothing recorded, 4.0 rebuilt",
        "C x: nan recorded, nothing rebuilt",
        "C y: 5.0 recorded, nothing rebuilt",
    )


def test_columns_are_found_by_name():
    found = compared(sheet("A", ["x", "y"], [[1.0, 2.0]]), sheet("A", ["y", "x"], [[2.0, 1.0]]))
    assert (found.cells, found.diverging) == (2, 0)


def test_an_infinite_number_does_not_become_the_largest_difference():
    found = compared(sheet("AB", ["x"], [[np.inf], [1.0]]), sheet("AB", ["x"], [[2.0], [4.0]]))
    assert (found.diverging, found.largest) == (2, 3.0)


def test_places_are_those_of_the_first_session_that_differs_and_at_most_five():
    rows = [f"S{i}" for i in range(9)]
    good, bad = (sheet(rows, ["x"], np.full((9, 1), value)) for value in (1.0, 1.5))
    worse = sheet(rows, ["x"], np.full((9, 1), 9.0))
    pairs = [Pair(ONE, good, good), Pair(TWO, bad, good), Pair(date(2022, 1, 5), worse, good)]
    found = compare(Layer.RAW_DATA, pairs)
    assert (found.cells, found.diverging, found.largest) == (27, 18, 8.0)
    assert (found.first_session, found.last_session) == (TWO, date(2022, 1, 5))
    assert found.where == tuple(f"S{i} x: 1.5 recorded, 1.0 rebuilt" for i in range(5))


def test_nothing_to_compare_is_no_difference():
    found = compare(Layer.ORDERS, [])
    assert (found.cells, found.diverging, found.largest, found.last_session) == (0, 0, 0.0, None)


def test_a_sheet_that_does_not_fit_its_names_is_refused():
    with pytest.raises(SchemaError, match="2 rows and 1 columns has values of shape"):
        sheet("AB", ["x"], [[1.0]])
    with pytest.raises(SchemaError, match="stands twice"):
        sheet("AA", ["x"], [[1.0], [2.0]])
