"""One session cut out of a panel."""

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.books.view import LEAST, REACH, WINDOW

NAN = np.nan


@pytest.fixture(scope="module")
def walked(panel_of):
    """400 sessions of five names from a seed, with holes."""
    rng = np.random.default_rng(11)
    closes = 30.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (400, 5)), axis=0))
    closes[rng.random(closes.shape) < 0.1] = NAN
    names = dict(zip("ABCDE", closes.T, strict=True))
    return panel_of(names, open=names, volume=names)


def test_a_session_is_its_row(walked, look):
    view = look(walked, 300, ["C", "A"], 20)
    assert view.symbols == ("A", "C")
    assert (view.session, view.as_of) == (
        date(2020, 11, 1),
        datetime(2020, 11, 1, 21, 15, tzinfo=UTC),
    )
    assert view.market.opened_at < view.market.closed_at < view.as_of
    expected = walked.fields["close"][280:301][:, [0, 2]]
    np.testing.assert_array_equal(view.history, expected)
    for part in (view.market.closes, view.market.opens, view.market.volumes):
        np.testing.assert_array_equal(part, expected[-1])
    assert view.actions.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("row", [0, 5, 63, 64, 399])
def test_volatilities_are_those_of_pandas(walked, look, row):
    frame = pd.DataFrame(walked.prices[max(row - WINDOW, 0) : row + 1])
    moves = (frame / frame.shift(1))[1:]
    expected = moves.std().where(moves.count() >= LEAST).to_numpy()
    found = look(walked, row).market.volatilities
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("row", [0, 1, 399])
def test_other_names_and_later_sessions_move_no_bit(walked, look, cut_at, row):
    everything = look(walked, row)
    for i, name in enumerate(everything.symbols):
        alone = look(cut_at(walked, row), row, [name, "unknown"])
        assert alone.history[:, 0].tobytes() == everything.history[:, i].tobytes()
        for part in ("closes", "opens", "volumes", "volatilities", "last_prices"):
            one, all_of_them = getattr(alone.market, part), getattr(everything.market, part)
            assert one[0].tobytes() == all_of_them[i].tobytes()


@pytest.fixture(scope="module")
def cut_at(panel_of):
    """The same panel without what came after a row: panel, row -> Panel."""

    def cut(panel, row):
        fields = {
            name: dict(zip(panel.symbols, values[: row + 1].T, strict=True))
            for name, values in panel.fields.items()
        }
        return panel_of(fields.pop("close"), **fields)

    return cut


def test_a_name_that_the_panel_does_not_know_has_no_price(walked, look):
    view = look(walked, 100, ["A", "GONE"])
    found = view.market
    for part in (found.closes, found.opens, found.volumes, found.volatilities, found.last_prices):
        assert np.isnan(part[1])
    assert view.actions[1] == 1.0
    assert np.isnan(view.history[:, 1]).all()


def test_the_last_price_is_the_newest_that_is_one(panel_of, look):
    closes = {"A": [5.0, 6.0, NAN], "B": [5.0, -1.0, 0.0], "C": [NAN] * 3, "D": [1.0, np.inf, 3.0]}
    found = look(panel_of(closes), 2).market.last_prices
    np.testing.assert_array_equal(found, [6.0, 5.0, NAN, 3.0])


def test_the_last_price_reaches_over_the_longest_wait_for_a_delisting(panel_of, look):
    panel = panel_of({"A": [7.0] + [NAN] * (REACH + 1)})
    # Silent for 252 sessions, it is closed in the one after: the 253rd.
    assert look(panel, 253).market.last_prices.tolist() == [7.0]
    assert np.isnan(look(panel, 254).market.last_prices).all()


def test_actions_are_what_the_closes_do_not_show(panel_of, look):
    closes = {
        "A": [100.0, NAN, 50.0],  # split two for one in or after a hole
        "B": [51.0, 51.0, 50.0],  # a dividend of 1
        "C": [51.0, NAN, 50.0],  # the same over a hole
        "D": [10.0, 11.0, NAN],  # nothing is known today
        "E": [NAN, NAN, 9.0],  # nothing was known before
    }
    adjusted = {
        "A": [50.0, NAN, 50.0],
        "B": [50.0, 50.0, 50.0],
        "C": [50.0, NAN, 50.0],
        "D": [5.0, 5.5, NAN],
        "E": [NAN, NAN, 4.5],
    }
    panel = panel_of(closes, adjusted_close=adjusted)
    np.testing.assert_allclose(look(panel, 2).actions, [2.0, 1.02, 1.02, 1.0, 1.0], rtol=1e-15)
    assert look(panel, 1).actions.tolist() == [1.0] * 5
    assert look(panel, 0).actions.tolist() == [1.0] * 5


def test_an_action_counts_once(panel_of, look):
    panel = panel_of({"A": [100.0, 50.0, 51.0]}, adjusted_close={"A": [50.0, 50.0, 51.0]})
    assert [look(panel, row).actions.tolist() for row in range(3)] == [[1.0], [2.0], [1.0]]


def test_without_opens_and_volumes_nothing_is_known_of_them(panel_of, look):
    found = look(panel_of({"A": [1.0, 2.0]}), 1).market
    assert np.isnan([found.opens[0], found.volumes[0], found.volatilities[0]]).all()
