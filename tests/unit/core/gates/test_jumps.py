"""Jumps as they happened: the shapes of real events on made prices."""

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.grid import build_grid
from shadowbook.core.gates.jumps import (
    find_spikes,
    find_splits,
    find_swaps,
    find_twins,
)
from shadowbook.core.gates.policy import MarketGatePolicy

POLICY = MarketGatePolicy()
N, DAY = 400, 300
DAYS = pd.bdate_range("2015-01-01", periods=N)


def closes(n_symbols=6, seed=0, volatility=0.015):
    steps = np.random.default_rng(seed).normal(0, volatility, (N, n_symbols))
    return np.round(np.array([20, 35, 50, 80, 130, 210])[:n_symbols] * np.exp(steps.cumsum(0)), 2)


def grid_of(prices, **more):
    n = prices.shape[1]
    frame = pd.DataFrame(
        {
            "symbol": np.tile([f"S{i}" for i in range(n)], N),
            "session": np.repeat(DAYS.astype("datetime64[us]"), n),
            "close": prices.ravel(),
            **{name: values.ravel() for name, values in more.items()},
        }
    )
    flat = pd.Series(100.0, index=DAYS)
    return build_grid(frame, flat, DAYS.to_numpy("datetime64[D]"), POLICY)


def volumes(shape, seed=1):
    return np.round(np.exp(np.random.default_rng(seed).normal(15, 0.25, shape)))


def event(fall, gap_share, dollar_volume):
    """One symbol's price times ``fall`` at DAY; how much at the open, and how it traded."""
    prices = closes()
    before = prices[DAY - 1, 0]
    prices[DAY:, 0] *= fall * before / prices[DAY, 0]
    opened = np.vstack([prices[:1], prices[:-1]])
    opened[DAY, 0] = before * fall**gap_share
    volume = volumes(prices.shape) / prices * 50
    volume[DAY, 0] = np.median(volume[DAY - 21 : DAY, 0] * prices[DAY - 21 : DAY, 0])
    volume[DAY, 0] *= dollar_volume / prices[DAY, 0]
    return grid_of(prices, open=opened, volume=volume)


@pytest.mark.parametrize(
    ("name", "fall", "gap_share", "dollar_volume", "suspected"),
    [
        ("EBAY 2015-07-20, PayPal spun off", 0.431, 1.07, 1.9, True),
        ("a 2 for 1 split", 0.5, 1.0, 1.0, True),
        ("a 3 for 2 split", 1 / 1.5, 0.98, 1.2, True),
        ("a 1 for 10 reverse split", 10.0, 1.0, 0.8, True),
        ("NFLX 2013-04-23, earnings", 1.244, 0.97, 4.65, False),
        ("FB 2013-07-25, earnings", 1.296, 0.9, 18.2, False),
        ("BIIB 2015-07-24, earnings", 0.779, 0.66, 8.5, False),
        ("FCX 2015-08-27", 1.287, 0.34, 3.5, False),
        ("WYNN 2015-10-02", 1.228, 0.32, 3.6, False),
        ("FCX 2016-01-11, near 5 for 4", 0.797, 0.01, 1.7, False),
        ("MPC 2017-09-14", 1.217, 1.1, 1.27, False),
        ("a crash by half on news", 0.5, 1.0, 8.0, False),
        ("a crash by half through the day", 0.5, 0.2, 2.5, False),
    ],
)
def test_trading_tells_a_split_from_news(name, fall, gap_share, dollar_volume, suspected):
    splits = find_splits(event(fall, gap_share, dollar_volume), POLICY)
    assert bool(splits.suspected[DAY, 0]) is suspected, name
    assert splits.suspected.sum() == int(suspected)


def split_closes(ratio, unrest=0.0):
    prices = closes(seed=3)
    moves = np.diff(np.log(prices[DAY:, 0]), prepend=np.log(prices[DAY - 1, 0]))
    moves[1:11] += unrest * np.array([1, -1] * 5)
    moves[0] -= np.log(ratio)
    prices[DAY:, 0] = np.round(prices[DAY - 1, 0] * np.exp(moves.cumsum()), 3)
    return grid_of(prices)


@pytest.mark.parametrize("ratio", [2, 3, 10, 0.5, 0.1])
def test_on_closes_alone_a_quiet_aftermath_is_a_split(ratio):
    splits = find_splits(split_closes(ratio), POLICY)
    assert splits.suspected[DAY, 0]
    assert splits.ratio[DAY, 0] == pytest.approx(ratio)
    assert splits.suspected.sum() == 1


def test_on_closes_alone_a_restless_aftermath_is_news():
    splits = find_splits(split_closes(2, unrest=0.06), POLICY)
    assert not splits.suspected.any()
    assert splits.possible[DAY, 0]


def test_before_the_aftermath_is_known_a_ratio_is_suspected():
    prices = split_closes(2, unrest=0.06).prices.copy()
    prices[DAY + 4 :] = np.nan
    assert find_splits(grid_of(prices), POLICY).suspected[DAY, 0]


def test_three_for_two_is_not_blamed_on_closes_alone():
    splits = find_splits(split_closes(1.5), POLICY)
    assert not splits.suspected.any()
    assert splits.possible[DAY, 0]


def test_a_tick_too_coarse_to_tell_ratios_is_no_evidence():
    """RRC 1990-04-10 fell from twelve ticks to four."""
    prices = closes()
    prices[:, 0] = np.round(prices[:, 0] / prices[:, 0].mean() * 12) * 0.277
    prices[DAY:, 0] = np.round(prices[DAY:, 0] / 0.277 / 3) * 0.277
    splits = find_splits(grid_of(prices), POLICY)
    assert not splits.suspected[:, 0].any()


def test_a_market_wide_fall_is_no_split():
    prices = closes()
    prices[DAY:] *= 0.5
    index = pd.Series(100.0, index=DAYS)
    index.iloc[DAY:] = 50.0
    frame = pd.DataFrame(
        {
            "symbol": np.tile([f"S{i}" for i in range(6)], N),
            "session": np.repeat(DAYS.astype("datetime64[us]"), 6),
            "close": prices.ravel(),
        }
    )
    grid = build_grid(frame, index, DAYS.to_numpy("datetime64[D]"), POLICY)
    assert not find_splits(grid, POLICY).suspected.any()


@pytest.mark.parametrize(
    ("size", "with_volume", "wrong", "doubtful"),
    [(0.3, False, True, False), (0.1, False, False, True), (0.1, True, True, False)],
)
def test_a_jump_taken_back_is_a_bad_tick(size, with_volume, wrong, doubtful):
    prices = closes(seed=8)
    prices[DAY, 0] = prices[DAY - 1, 0] * (1 + size)
    prices[DAY + 1 :, 0] *= prices[DAY - 1, 0] / prices[DAY + 1, 0]
    more = {"volume": volumes(prices.shape)} if with_volume else {}
    found = find_spikes(grid_of(prices, **more), POLICY)
    assert bool(found.wrong[DAY, 0]) is wrong
    assert bool(found.doubtful[DAY, 0]) is doubtful
    assert found.wrong.sum() + found.doubtful.sum() == 1
    assert not found.strayed.any()


def whole_bar(moves, dollar_volume=1.0):
    """Each symbol's whole bar, its open too, stands elsewhere at DAY and comes back."""
    prices = closes(seed=8)
    opened = np.vstack([prices[:1], prices[:-1]])
    volume = volumes(prices.shape)
    for symbol, move in moves.items():
        prices[DAY, symbol] = opened[DAY, symbol] * (1 + move)
        opened[DAY + 1, symbol] = prices[DAY - 1, symbol]
        prices[DAY + 1 :, symbol] *= prices[DAY - 1, symbol] / prices[DAY + 1, symbol]
        opened[DAY, symbol] *= (1 + move) * 1.001
        usual = np.median(volume[DAY - 21 : DAY, symbol] * prices[DAY - 21 : DAY, symbol])
        volume[DAY, symbol] = dollar_volume * usual / prices[DAY, symbol]
    return grid_of(prices, open=opened, volume=volume)


@pytest.mark.parametrize(("move", "wrong"), [(0.2168, False), (-0.15, False), (0.3, True)])
def test_a_whole_bar_away_for_a_session_is_noted_up_to_what_honest_openings_do(move, wrong):
    """MPC 2017-09-14 opened 24 % higher, closed 21.7 % higher and was back the next session."""
    found = find_spikes(whole_bar({0: move}), POLICY)
    assert bool(found.wrong[DAY, 0]) is wrong
    assert bool(found.strayed[DAY, 0]) is not wrong
    assert found.wrong.sum() + found.strayed.sum() + found.doubtful.sum() == 1


def test_a_bar_at_the_price_of_another_that_strays_too_says_whose():
    """2017-09-14: HAL stood at COP's price, COP at MPC's, MPC at MRK's, at their own volumes."""
    before = closes(seed=8)[DAY - 1]
    as_next = before[4] / before[3] - 1
    found = find_spikes(
        whole_bar({3: as_next, 4: -0.1}), POLICY.model_copy(update={"spike_whole_bar": 1.0})
    )
    assert found.near[DAY, 3] == ", at the price of S4"
    assert found.near[DAY, 4] == ""


def test_a_jump_that_stays_is_no_bad_tick():
    prices = closes(seed=8)
    prices[DAY:, 0] *= 1.3
    found = find_spikes(grid_of(prices), POLICY)
    assert not (found.wrong | found.doubtful | found.strayed).any()


def test_the_newest_session_cannot_have_been_taken_back():
    prices = closes(seed=8)
    prices[-1, 0] *= 1.3
    assert not find_spikes(grid_of(prices), POLICY).wrong.any()


def test_swapped_symbols_are_both_named():
    prices = closes(seed=9)
    prices[DAY:, [1, 4]] = prices[DAY:, [4, 1]]
    swapped, partner = find_swaps(grid_of(prices), POLICY)
    assert np.argwhere(swapped).tolist() == [[DAY, 1], [DAY, 4]]
    assert partner[DAY, 1] == "S4"
    assert partner[DAY, 4] == "S1"


def test_twins_are_named_from_the_block_they_begin_in():
    prices = closes(seed=10)
    prices[DAY:, 2] = prices[DAY:, 5]
    twins = find_twins(grid_of(prices))
    assert set(twins) == {"S2", "S5"}
    assert twins["S2"][0] == "S5"
    assert DAY <= twins["S2"][1] < DAY + 21
    assert find_twins(grid_of(closes(seed=10))) == {}


def test_resting_prices_are_no_twins():
    prices = closes(seed=10)
    prices[:, :2] = 5.0
    assert find_twins(grid_of(prices)) == {}
