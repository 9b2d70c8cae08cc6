"""Joining feature rows with labels on one grid."""

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.learning.dataset import assemble
from shadowbook.core.learning.labels import LabelPolicy, make_labels
from shadowbook.errors import InsufficientDataError, SchemaError

POLICY = LabelPolicy(transform="demean", min_names=2)
HORIZON = 2
NAMES = ("up", "down")


@pytest.fixture
def panel(make_panel):
    return make_panel(rows=12, names=6, seed=4)


def rows_of(panel, first=3):
    """A row for every symbol and session from ``first`` on: up = 100 * session + symbol."""
    at, column = np.meshgrid(
        np.arange(first, len(panel.sessions)), np.arange(len(panel.symbols)), indexing="ij"
    )
    at, column = at.ravel(), column.ravel()
    return pd.DataFrame(
        {
            "symbol": np.array(panel.symbols, dtype=object)[column],
            "session": panel.sessions[at].astype("datetime64[us]"),
            "up": 100.0 * at + column,
            "down": -(100.0 * at + column),
        }
    )


def test_each_row_lands_at_its_session_and_symbol(panel):
    made = assemble(rows_of(panel), NAMES, panel, HORIZON, POLICY)
    assert made.features.shape == (9, 6, 2)
    assert made.sessions[0] == panel.sessions[3]
    assert made.features[4, 2].tolist() == [702.0, -702.0]
    assert (made.names, made.symbols, made.n_rows) == (NAMES, panel.symbols, 54)
    np.testing.assert_array_equal(made.prices, panel.prices[3:])


def test_labels_are_those_of_the_panel_cut_to_the_rows(panel):
    made = assemble(rows_of(panel), NAMES, panel, HORIZON, POLICY)
    np.testing.assert_array_equal(made.labels, make_labels(panel.prices, HORIZON, POLICY)[3:])
    returns = panel.prices[5 + HORIZON] / panel.prices[5] - 1.0
    np.testing.assert_allclose(made.labels[2], returns - returns.mean(), rtol=1e-12)
    assert np.isnan(made.labels[-HORIZON:]).all()
    assert np.isfinite(made.labels[:-HORIZON]).all()


def test_the_order_of_rows_and_names_does_not_matter_but_is_kept(panel):
    rows = rows_of(panel)
    shuffled = rows.sample(frac=1.0, random_state=3)
    made = assemble(rows, NAMES, panel, HORIZON, POLICY)
    np.testing.assert_array_equal(
        assemble(shuffled, NAMES, panel, HORIZON, POLICY).features, made.features
    )
    swapped = assemble(rows, NAMES[::-1], panel, HORIZON, POLICY)
    np.testing.assert_array_equal(swapped.features, made.features[..., ::-1])
    assert swapped.names == ("down", "up")


def test_where_there_is_no_row_there_is_neither_feature_nor_label(panel):
    rows = rows_of(panel)
    gone = (rows["symbol"] == panel.symbols[1]) & (
        rows["session"] == panel.sessions[6].astype("datetime64[us]")
    )
    made = assemble(rows[~gone], NAMES, panel, HORIZON, POLICY)
    assert np.isnan(made.features[3, 1]).all()
    assert np.isnan(made.labels[3, 1])
    assert np.isfinite(made.labels[3, [0, 2, 3, 4, 5]]).all()


def test_a_session_without_rows_stays_on_the_grid(panel):
    rows = rows_of(panel)
    gone = rows["session"] == panel.sessions[6].astype("datetime64[us]")
    made = assemble(rows[~gone], NAMES, panel, HORIZON, POLICY)
    assert len(made.sessions) == 9
    assert np.isnan(made.features[3]).all()


def test_a_column_that_was_not_logged_is_named(panel):
    with pytest.raises(SchemaError, match=r"has no sideways: .* there are up, down$"):
        assemble(rows_of(panel), ("up", "sideways"), panel, HORIZON, POLICY)


def test_a_double_row_is_refused(panel):
    rows = rows_of(panel)
    with pytest.raises(SchemaError, match="stands twice"):
        assemble(pd.concat([rows, rows.head(1)]), NAMES, panel, HORIZON, POLICY)


@pytest.mark.parametrize(
    ("symbol", "session"),
    [("XYZ", "2015-01-10"), ("S000", "2014-01-02"), ("S000", "2019-01-02")],
)
def test_a_row_outside_the_prices_is_named(panel, symbol, session):
    rows = rows_of(panel)
    rows.loc[7, ["symbol", "session"]] = [symbol, pd.Timestamp(session)]
    with pytest.raises(SchemaError, match=f"feature row {symbol} {session} has no place"):
        assemble(rows, NAMES, panel, HORIZON, POLICY)


def test_no_row_at_all_is_too_little(panel):
    with pytest.raises(InsufficientDataError, match="run ingest and features"):
        assemble(rows_of(panel).head(0), NAMES, panel, HORIZON, POLICY)
