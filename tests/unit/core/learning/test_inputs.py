import numpy as np
import pytest

from shadowbook.core.learning.inputs import Inputs, moves, quotient, shift

NAN = np.nan


def inputs(price, market=None, **fields):
    price = np.asarray(price, dtype=float)[:, None]
    market = np.zeros(len(price)) if market is None else np.asarray(market, dtype=float)
    sessions = np.datetime64("2020-01-01") + np.arange(len(price))
    columns = {name: np.asarray(v, dtype=float)[:, None] for name, v in fields.items()}
    return Inputs(sessions, price, columns, market)


def test_values_that_cannot_be_are_missing():
    found = inputs([1.0, 0.0, -1.0, np.inf], [0.1, -1.0, np.inf, NAN], volume=[0.0, -1.0, 5.0, NAN])
    np.testing.assert_array_equal(found.price[:, 0], [1.0, NAN, NAN, NAN])
    np.testing.assert_array_equal(found.market[:, 0], [0.1, NAN, NAN, NAN])
    np.testing.assert_array_equal(found.fields["volume"][:, 0], [0.0, NAN, 5.0, NAN])


def test_sessions_known_counts_from_the_last_gap():
    found = inputs([1.0, 1.0, NAN, 1.0, 1.0], volume=[1.0, 1.0, 1.0, 1.0, NAN])
    assert found.sessions_known(())[:, 0].tolist() == [1, 2, 0, 1, 2]
    assert found.sessions_known(("volume",))[:, 0].tolist() == [1, 2, 0, 1, 0]


def test_shift_looks_back_and_is_missing_before_the_start():
    values = np.array([[1.0], [2.0], [3.0]])
    np.testing.assert_array_equal(shift(values, 1)[:, 0], [NAN, 1.0, 2.0])
    np.testing.assert_array_equal(shift(values, 0), values)
    assert np.isnan(shift(values, 3)).all()


def test_quotient_is_missing_where_it_is_not_defined():
    result = quotient(np.array([[1.0, 1.0]]), np.array([[2.0, 0.0]]), np.array([[True, False]]))
    np.testing.assert_array_equal(result, [[0.5, NAN]])


def test_rounding_of_returns_is_no_movement():
    price = 0.1 * 1.0003 ** np.arange(200)
    market = np.random.default_rng(0).normal(0.0, 0.01, 200)
    assert not moves(inputs(price, market).comoments, 126).any()
    tick = price.copy()
    tick[150] += 1e-6  # far below any tick, far above rounding
    assert moves(inputs(tick, market).comoments, 126)[-1, 0]


def test_beta_of_a_levered_market_is_its_leverage():
    market = np.random.default_rng(1).normal(0.0, 0.01, 300)
    price = 10.0 * np.cumprod(1.0 + 1.7 * market)
    assert inputs(price, market).beta[-1, 0] == pytest.approx(1.7, rel=1e-10)
