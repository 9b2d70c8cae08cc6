"""Symbols that change their name, and bars under the wrong day, on made prices."""

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.grid import build_grid
from shadowbook.core.gates.identity import find_shifts, find_successors
from shadowbook.core.gates.policy import MarketGatePolicy

POLICY = MarketGatePolicy()
N, DAY, SYMBOLS = 504, 300, 12
TURNED = 200
DAYS = pd.bdate_range("2015-01-01", periods=N)


def closes(share=0.5, seed=2):
    """Prices of which ``share`` of the variance is the market's."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.01, (N, 1))
    own = rng.normal(0, 0.01, (N, SYMBOLS))
    steps = np.sqrt(share) * market + np.sqrt(1 - share) * own
    return np.round(np.linspace(20, 200, SYMBOLS) * np.exp(steps.cumsum(0)), 2)


def grid_of(prices, volume=None):
    frame = pd.DataFrame(
        {
            "symbol": np.tile([f"S{i:02d}" for i in range(prices.shape[1])], N),
            "session": np.repeat(DAYS.astype("datetime64[us]"), prices.shape[1]),
            "close": prices.ravel(),
        }
    )
    if volume is not None:
        frame["volume"] = volume.ravel()
    frame = frame.dropna(subset=["close"])
    empty = pd.Series(dtype=np.float64, index=pd.DatetimeIndex([]))
    return build_grid(frame, empty, DAYS.to_numpy("datetime64[D]"), POLICY)


@pytest.mark.parametrize("lag", [1, -1])
def test_a_symbol_a_session_off_is_named_with_its_side(lag):
    prices = closes()
    prices[:, 3] = np.roll(prices[:, 3], lag)
    prices[0 if lag == 1 else -1, 3] = np.nan
    shifts = find_shifts(grid_of(prices), POLICY)
    assert set(shifts) == {"S03"}
    shift = shifts["S03"]
    assert shift.lag == lag
    assert (shift.first, shift.last) == (0, N - 1)
    assert shift.correlation > 0.5
    assert abs(shift.same_day) < 0.2


def test_dates_that_turn_wrong_later_are_left_out_from_there_on():
    prices = closes()
    prices[TURNED:, 3] = np.roll(prices[TURNED:, 3], 1)
    shifts = find_shifts(grid_of(prices), POLICY)
    assert set(shifts) == {"S03"}
    assert shifts["S03"].last == N - 1
    assert TURNED - 126 <= shifts["S03"].first <= TURNED + 63


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_honest_dates_are_not_blamed(share):
    for seed in range(5):
        assert find_shifts(grid_of(closes(share, seed)), POLICY) == {}


def test_too_little_history_or_too_few_symbols_tell_nothing():
    prices = closes()
    prices[:, 3] = np.roll(prices[:, 3], 1)
    assert find_shifts(grid_of(prices[:, :4]), POLICY) == {}


def change_name(prices, at=DAY, move=1.005):
    """S03 ends before ``at``; S11 goes on from there at its price."""
    prices[at:, 11] = prices[at:, 3] * move * prices[at - 1, 3] / prices[at, 3]
    prices[:at, 11] = np.nan
    prices[at:, 3] = np.nan
    return prices


def successors(prices, volume=None):
    grid = grid_of(prices, volume)
    return find_successors(grid, np.isfinite(grid.prices), POLICY)


def test_a_name_that_goes_on_under_another_is_found():
    found = successors(change_name(closes()))
    assert set(found) == {"S03"}
    name, ratio = found["S03"]
    assert name == "S11"
    assert ratio == pytest.approx(1.005, abs=0.001)


def test_a_listing_at_another_price_is_no_successor():
    assert successors(change_name(closes(), move=1.3)) == {}


def test_a_listing_later_is_no_successor():
    prices = change_name(closes())
    prices[DAY, 11] = np.nan
    assert successors(prices) == {}


def test_two_share_classes_are_no_successors():
    prices = closes()
    prices[:, 11] = np.round(prices[:, 3] * 0.97, 2)
    assert successors(prices) == {}


@pytest.mark.parametrize(("factor", "named"), [(1.5, {"S03"}), (20, set())])
def test_dollar_volume_must_be_alike(factor, named):
    volume = np.full((N, SYMBOLS), 1e6)
    volume[:, 11] *= factor
    assert set(successors(change_name(closes()), volume)) == named
