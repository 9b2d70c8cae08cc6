import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.grid import build_grid, own_scale
from shadowbook.core.gates.policy import MarketGatePolicy

POLICY = MarketGatePolicy()
NO_INDEX = pd.Series(dtype=float, index=pd.DatetimeIndex([]))


def sessions(n):
    return pd.bdate_range("2015-01-01", periods=n).to_numpy("datetime64[D]")


def long(prices, **more):
    """Long bars of a (T, N) array of closes."""
    days = sessions(len(prices)).astype("datetime64[us]")
    n = prices.shape[1]
    frame = pd.DataFrame(
        {
            "symbol": np.tile([f"S{i}" for i in range(n)], len(prices)),
            "session": np.repeat(days, n),
            "close": prices.ravel(),
        }
    )
    return frame.assign(**{k: v.ravel() for k, v in more.items()})


def test_a_gap_is_bridged_and_the_market_over_it_is_taken_out():
    prices = np.array([[100.0], [np.nan], [110.0]])
    index = pd.Series([1.0, 1.05, 1.1], index=pd.DatetimeIndex(sessions(3)))
    grid = build_grid(long(prices).dropna(), index, sessions(3), POLICY)
    np.testing.assert_allclose(grid.returns[:, 0], [np.nan, np.nan, np.log(1.1)])
    np.testing.assert_allclose(grid.residuals[2, 0], 0.0, atol=1e-12)
    assert grid.previous[2, 0] == 0


def test_the_median_stands_for_a_missing_index():
    prices = np.ones((2, 6)) * 100
    prices[1] = 103
    prices[1, 0] = 50
    grid = build_grid(long(prices), NO_INDEX, sessions(2), POLICY)
    np.testing.assert_allclose(grid.residuals[1, 1:], 0, atol=1e-12)
    np.testing.assert_allclose(grid.residuals[1, 0], np.log(0.5 / 1.03))


@pytest.mark.parametrize("bad", [0.0, -5.0, np.inf, np.nan])
def test_impossible_prices_are_no_prices(bad):
    prices = np.array([[100.0], [bad], [101.0]])
    grid = build_grid(long(prices), NO_INDEX, sessions(3), POLICY)
    assert np.isnan(grid.prices[1, 0])
    np.testing.assert_allclose(grid.returns[2, 0], np.log(1.01))


def test_returns_come_from_adjusted_closes_where_there_are_any():
    close = np.array([[100.0], [50.0]])
    adjusted = np.array([[50.0], [50.0]])
    grid = build_grid(long(close, adjusted_close=adjusted), NO_INDEX, sessions(2), POLICY)
    assert grid.returns[1, 0] == 0


def test_scale_is_the_deviation_of_the_sessions_before():
    rng = np.random.default_rng(1)
    returns = rng.normal(0, 0.02, (3000, 1))
    scale = own_scale(returns, POLICY)
    assert np.mean(scale) == pytest.approx(0.019, rel=0.02)
    jumped = returns.copy()
    jumped[1500] = 0.5
    later = own_scale(jumped, POLICY)
    assert later[1500] == scale[1500]
    assert later[1520] == pytest.approx(scale[1520], rel=0.05)


def test_scale_has_no_hole_and_a_floor():
    scale = own_scale(np.zeros((100, 1)), POLICY)
    np.testing.assert_array_equal(scale, POLICY.least_volatility)
    fresh = own_scale(np.full((5, 1), 0.01), POLICY)
    np.testing.assert_array_equal(fresh, POLICY.typical_volatility)


def test_the_tick_is_found_where_prices_are_steps_and_where_they_are_fine():
    rng = np.random.default_rng(2)
    path = 20 * np.exp(np.cumsum(rng.normal(0, 0.02, (1500, 1)), axis=0))
    eighths = np.round(path * 8) / 8
    cents = np.round(path, 2)
    grid = build_grid(long(np.hstack([eighths, cents])), NO_INDEX, sessions(1500), POLICY)
    np.testing.assert_allclose(grid.tick[:, 0], 0.125)
    assert np.median(grid.tick[:, 1]) == pytest.approx(0.01)


def test_a_price_that_never_moved_has_no_tick():
    grid = build_grid(long(np.full((30, 1), 7.0)), NO_INDEX, sessions(30), POLICY)
    assert np.isnan(grid.tick).all()
