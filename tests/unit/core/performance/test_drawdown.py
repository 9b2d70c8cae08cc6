import math

import numpy as np
import pytest

from shadowbook.core.performance import drawdown
from shadowbook.core.performance.rolling import rolling_drawdown


def test_by_hand():
    found = drawdown(np.array([0.25, -0.2, -0.5, 1.5, 0.25, -0.1, 0.0]))
    np.testing.assert_allclose(found.path, [0.0, -0.2, -0.6, 0.0, 0.0, -0.1, -0.1], atol=1e-15)
    assert found.path[3] == 0.0
    assert (found.current, found.maximum) == pytest.approx((-0.1, -0.6))
    assert found.length == 2.0
    assert found._fields == ("path", "current", "maximum", "length")


def test_the_base_is_a_peak():
    found = drawdown(np.array([-0.5, 0.5]))
    assert (found.current, found.maximum, found.length) == (-0.25, -0.5, 2.0)


def test_equals_the_running_peak_of_the_values():
    returns = np.random.default_rng(0).normal(0.0, 0.01, (500, 4))
    values = np.vstack([np.ones(4), np.cumprod(1.0 + returns, axis=0)])
    expected = (values / np.maximum.accumulate(values, axis=0) - 1.0)[1:]
    found = drawdown(returns)
    np.testing.assert_allclose(found.path, expected, atol=1e-13)
    np.testing.assert_allclose(found.maximum, expected.min(axis=0), atol=1e-13)
    np.testing.assert_array_equal(found.length, 500 - np.argmax(values, axis=0))


def test_a_window_over_everything_says_the_same():
    returns = np.random.default_rng(1).normal(0.0, 0.01, 120)
    found, windowed = drawdown(returns), rolling_drawdown(returns, 120)
    assert windowed.current[-1] == pytest.approx(found.current, abs=1e-14)
    assert windowed.maximum[-1] == pytest.approx(found.maximum, abs=1e-14)
    assert windowed.length[-1] == found.length


def test_a_missing_return_leaves_the_value_where_it_is():
    found = drawdown(np.array([np.nan, 0.1, -0.5, np.nan, np.inf]))
    np.testing.assert_array_equal(found.path, [np.nan, 0.0, -0.5, np.nan, np.nan])
    assert (found.current, found.maximum, found.length) == (-0.5, -0.5, 3.0)


@pytest.mark.parametrize("loss", [-1.0, -1.5])
def test_a_loss_of_everything_is_final(loss):
    found = drawdown(np.array([0.1, loss, 9.0, 1e6]))
    np.testing.assert_array_equal(found.path[1:], [-1.0, -1.0, -1.0])
    assert (found.current, found.maximum, found.length) == (-1.0, -1.0, 3.0)


def test_a_long_boom_does_not_overflow():
    found = drawdown(np.append(np.full(400, 1e6), -0.5))
    assert (found.current, found.length) == (-0.5, 1.0)


@pytest.mark.parametrize("returns", [np.empty(0), np.full(3, np.nan)])
def test_nothing_known_is_missing(returns):
    found = drawdown(returns)
    assert found.path.shape == returns.shape
    assert all(math.isnan(figure) for figure in found[1:])


def test_one_series_of_many_may_be_missing():
    found = drawdown(np.array([[0.1, np.nan], [-0.5, np.nan]]))
    np.testing.assert_array_equal(found.current, [-0.5, np.nan])
    assert drawdown(np.empty((0, 2))).current.shape == (2,)


def test_a_cube_is_refused():
    with pytest.raises(ValueError, match="give"):
        drawdown(np.zeros((2, 2, 2)))
