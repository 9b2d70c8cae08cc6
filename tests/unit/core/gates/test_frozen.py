import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.frozen import (
    chance_of_rest,
    frozen_runs,
    longest_rest,
    rest_chances,
    rest_runs,
)
from shadowbook.core.gates.grid import build_grid
from shadowbook.core.gates.policy import MarketGatePolicy

POLICY = MarketGatePolicy()


def grid_of(prices):
    days = pd.bdate_range("2015-01-01", periods=len(prices))
    frame = pd.DataFrame(
        {"symbol": "KO", "session": days.astype("datetime64[us]"), "close": prices}
    ).dropna()
    no_index = pd.Series(dtype=float, index=pd.DatetimeIndex([]))
    return build_grid(frame, no_index, days.to_numpy("datetime64[D]"), POLICY)


def walk(n=800, start=50.0, volatility=0.015, seed=0):
    steps = np.random.default_rng(seed).normal(0, volatility, n)
    return start * np.exp(np.cumsum(steps))


def test_chance_of_rest_agrees_with_drawing():
    draws = np.random.default_rng(4).normal(0, 0.02, 400_000)
    tick = 0.01
    assert chance_of_rest(tick, 0.02) == pytest.approx(np.mean(np.abs(draws) < tick / 2), abs=3e-3)


def test_longest_rest_agrees_with_drawing():
    """A walk within one tick: the run it exceeds one time in a hundred."""
    rng = np.random.default_rng(5)
    paths = np.cumsum(rng.normal(0, 0.01, (20_000, 200)), axis=1)
    alive = (np.abs(paths) < 0.05).cumprod(axis=1).sum(axis=1)
    assert longest_rest(0.10, 0.01, 0.01) == pytest.approx(np.quantile(alive, 0.99), rel=0.1)


def test_runs_are_counted_over_missing_bars():
    prices = np.array([10, 11, 11, np.nan, 11, 12, 12.0])
    length, ends = rest_runs(grid_of(prices))
    np.testing.assert_array_equal(length[:, 0], [0, 0, 1, 0, 2, 0, 1])
    np.testing.assert_array_equal(ends[:, 0], [0, 0, 0, 0, 2, 0, 1])


@pytest.mark.parametrize(("sessions", "blamed"), [(5, False), (10, True), (40, True)])
def test_a_fine_price_may_rest_a_week_not_two(sessions, blamed):
    prices = np.round(walk(), 2)
    prices[400 : 400 + sessions + 1] = prices[400]
    excess, start = frozen_runs(grid_of(prices), POLICY)
    row = 400 + sessions
    assert bool(excess[row, 0] > 1) is blamed
    if blamed:
        assert start[row, 0] == 401
    assert np.isfinite(excess).sum() <= 1


def test_a_coarse_price_may_rest_for_months():
    """Twelve ticks of 0.277, as RRC in 1990: 68 sessions are within what a calm walk does."""
    prices = np.round(walk(start=12 * 0.277) / 0.277) * 0.277
    prices[400:469] = prices[400]
    excess, _ = frozen_runs(grid_of(prices), POLICY)
    assert np.nanmax(excess) < 1


def test_a_run_at_the_very_beginning_is_judged_by_the_ticks_of_later():
    fine = np.round(walk(), 2)
    fine[:69] = fine[0]
    assert np.nanmax(frozen_runs(grid_of(fine), POLICY)[0]) > 1
    coarse = np.round(walk(start=12 * 0.277) / 0.277) * 0.277
    coarse[:69] = coarse[0]
    assert np.nanmax(frozen_runs(grid_of(coarse), POLICY)[0]) < 1


def test_a_price_that_never_moved_is_blamed():
    excess, _ = frozen_runs(grid_of(np.full(60, 9.0)), POLICY)
    assert excess[-1, 0] > 1


def test_history_explains_a_thinly_traded_symbol():
    rng = np.random.default_rng(6)
    prices = walk(seed=6)
    rested = rng.random(len(prices)) < 0.6
    rested[0] = False
    prices = pd.Series(np.where(rested, np.nan, prices)).ffill().to_numpy()
    chances = rest_chances(grid_of(prices), POLICY)[-1, 0]
    assert chances == pytest.approx(0.6, abs=0.08)
    excess, _ = frozen_runs(grid_of(prices), POLICY)
    assert np.isnan(excess).all() or np.nanmax(excess) < 1
