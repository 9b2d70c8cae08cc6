"""Volumes against their own past, and against prices."""

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.grid import build_grid
from shadowbook.core.gates.policy import MarketGatePolicy
from shadowbook.core.gates.volumes import either_way, moved_untraded, over_median, volume_shift

N, DAY = 200, 120
DAYS = pd.bdate_range("2015-01-01", periods=N)


def grid_of(volume, prices=None):
    frame = pd.DataFrame(
        {
            "symbol": "S",
            "session": DAYS.astype("datetime64[us]"),
            "close": np.linspace(40, 50, N) if prices is None else prices,
            "volume": volume,
        }
    )
    flat = pd.Series(100.0, index=DAYS)
    return build_grid(frame, flat, DAYS.to_numpy("datetime64[D]"), MarketGatePolicy())


def volumes():
    return np.round(np.exp(np.random.default_rng(1).normal(15, 0.4, N)))


def test_over_median_needs_five_and_does_not_see_itself():
    values = np.array([[1.0], [1], [1], [1], [1], [9], [np.nan]])
    ratio = over_median(values)
    assert np.isnan(ratio[:5]).all()
    assert ratio[5, 0] == 9
    assert np.isnan(ratio[6, 0])


def test_either_way_takes_the_larger():
    assert either_way(np.array([4.0, 0.25, np.nan, 0.0])).tolist()[:2] == [4.0, 4.0]


@pytest.mark.parametrize("factor", [7, 1 / 7])
def test_a_lasting_change_of_units_is_told_once(factor):
    volume = volumes()
    volume[DAY:] = np.round(volume[DAY:] * factor)
    told = volume_shift(grid_of(volume))[:, 0]
    (row,) = np.flatnonzero(np.nan_to_num(told) > 5)
    assert abs(row - DAY) <= 2
    assert told[row] == pytest.approx(7, rel=0.25)


def test_a_busy_day_is_no_change_of_units():
    volume = volumes()
    volume[DAY] *= 20
    assert np.nanmax(volume_shift(grid_of(volume))) < 2


def test_a_price_that_moves_without_trades_is_told():
    volume = volumes()
    volume[[DAY, DAY + 1]] = 0
    prices = np.linspace(40, 50, N)
    prices[DAY + 1] = prices[DAY]
    assert np.flatnonzero(moved_untraded(grid_of(volume, prices))[:, 0]).tolist() == [DAY]
