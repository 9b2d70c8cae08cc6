"""Readings at the last session: the rolling functions' last row, whatever lies before."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowbook.core.performance.readings import (
    tail_readings,
    tail_values,
    values_of,
    window_metrics,
)
from shadowbook.core.performance.rolling import rolling_mean, rolling_metrics
from shadowbook.core.performance.tiers import METRICS
from shadowbook.core.track import LiveRecord

WINDOWS = (5, 21, 63)


def record(net, ic=None, turnover=None, cost=None):
    net = np.asarray(net, dtype=float)
    blank = np.zeros(len(net))
    sessions = np.datetime64("2015-01-01", "D") + np.arange(len(net))
    versions = np.ones(len(net), dtype=np.int64)
    ic, turnover, cost = (blank if x is None else np.asarray(x) for x in (ic, turnover, cost))
    return LiveRecord(
        "us", "champion", sessions, versions, net, net, blank, cost, turnover, ic, blank
    )


def sample(n, seed=3):
    rng = np.random.default_rng(seed)
    ic = rng.normal(0.02, 0.1, n)
    ic[-5:] = np.nan
    net = rng.normal(0.0005, 0.01, n)
    net[0] = np.nan
    return record(net, ic, rng.random(n), -rng.random(n) / 1e4)


def expected(live, window):
    net = live.net[np.isfinite(live.net)]
    rolled = rolling_metrics(net, (window,))[window]
    ic = live.information_coefficient
    return {
        "sharpe": rolled.sharpe[-1],
        "hit_rate": rolled.hit_rate[-1],
        "volatility": rolled.volatility[-1],
        "drawdown_current": rolled.drawdown.current[-1],
        "drawdown_maximum": rolled.drawdown.maximum[-1],
        "drawdown_length": rolled.drawdown.length[-1],
        "information_coefficient": rolling_mean(ic[np.isfinite(ic)], window)[-1],
        "turnover": rolling_mean(live.turnover, window)[-1],
        "cost": rolling_mean(-live.cost, window)[-1],
    }


def assert_equal_to_rolling(live):
    values = tail_values(live, WINDOWS)
    assert set(values) == {(metric, window) for metric in METRICS for window in WINDOWS}
    for window in WINDOWS:
        for metric, value in expected(live, window).items():
            assert values[metric, window] == pytest.approx(
                value, rel=1e-12, abs=1e-14, nan_ok=True
            ), (metric, window)


@pytest.mark.parametrize("seed", range(5))
def test_values_are_the_last_row_of_the_rolling_functions(seed):
    assert_equal_to_rolling(sample(300, seed))


@pytest.mark.parametrize("back", [1, 3, 10, 40, 70])
def test_a_value_of_a_million_leaves_no_trace_once_it_is_out_of_the_window(back):
    live = sample(200)
    live.net[-back] = 1e6
    assert_equal_to_rolling(live)


def test_a_small_spread_around_a_large_mean_keeps_its_digits():
    net = 100.0 + 1e-4 * np.random.default_rng(6).standard_normal(80)
    values = tail_values(record(net), WINDOWS)
    for window in WINDOWS:
        deviation = net[-window:].std(ddof=1)
        assert values["volatility", window] == pytest.approx(deviation, rel=1e-9)


def test_a_loss_of_everything_is_final():
    live = sample(100)
    live.net[-10] = -1.5
    assert_equal_to_rolling(live)
    assert tail_values(live, WINDOWS)["drawdown_current", 21] == -1.0


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-6, 6), min_size=30, max_size=80),
    st.lists(st.booleans(), min_size=80, max_size=80),
)
def test_values_are_the_rolling_ones_on_coarse_returns_with_gaps(steps, gaps):
    net = np.array(steps) / 16.0  # sums and products of these are exact enough for ties
    net[np.array(gaps[: len(net)]) & (np.arange(len(net)) % 7 == 0)] = np.nan
    live = record(net)
    values = tail_values(live, (5, 21))
    for metric in ("sharpe", "hit_rate", "drawdown_current", "drawdown_maximum"):
        assert values[metric, 5] == pytest.approx(
            expected(live, 5)[metric], rel=1e-12, abs=1e-13, nan_ok=True
        )


def test_only_known_values_count_however_far_back_they_are():
    net = np.full(1000, np.nan)
    net[::50] = np.arange(20.0) / 100.0
    values = tail_values(record(net), (5, 21))
    assert values["sharpe", 5] == pytest.approx(0.17 / math.sqrt(0.00025))
    assert math.isnan(values["sharpe", 21])


def test_constant_returns_have_no_sharpe_ratio():
    for constant in (0.0, 0.001, 0.1):
        values = tail_values(record(np.full(40, constant)), (21,))
        assert math.isnan(values["sharpe", 21])
        assert values["volatility", 21] == 0.0


def test_a_reading_says_how_sure_it_is_and_why_it_is_missing():
    live = sample(40)
    readings = {(r.metric, r.window): r for r in tail_readings(live, WINDOWS, overlap=5)}
    assert list(readings) == [(metric, window) for metric in METRICS for window in WINDOWS]
    short = readings["sharpe", 63]
    assert (short.status, short.n_obs) == ("NOT_COMPUTABLE", 39)
    assert short.reason == "39 sessions have a value, 63 are needed"
    assert math.isnan(readings["drawdown_current", 21].standard_error)
    hits = readings["hit_rate", 21]
    assert hits.standard_error == pytest.approx(math.sqrt(hits.value * (1 - hits.value) / 21))
    turnover = live.turnover[-21:]
    assert readings["turnover", 21].standard_error == pytest.approx(
        turnover.std(ddof=1) / math.sqrt(21)
    )
    assert values_of(readings.values()) == pytest.approx(tail_values(live, WINDOWS), nan_ok=True)
    flat = tail_readings(record(np.zeros(40)), (21,))[0]
    assert flat.reason == "the returns of the last 21 sessions do not vary"


def test_the_sharpe_ratios_error_is_mertens():
    net = np.random.default_rng(1).standard_t(4, 63) / 100.0
    reading = tail_readings(record(net), (63,))[0]
    z = (net - net.mean()) / net.std()
    skew, kurtosis, s = (z**3).mean(), (z**4).mean(), reading.value
    mertens = math.sqrt((1.0 - skew * s + (kurtosis - 1.0) / 4.0 * s * s) / 63)
    assert reading.standard_error == pytest.approx(mertens, rel=1e-12)


def test_the_volatilitys_error_is_that_of_the_variance():
    net = np.random.default_rng(3).standard_t(5, 63) / 100.0
    found = {r.metric: r for r in tail_readings(record(net), (63,))}["volatility"]
    error = ((net - net.mean()) ** 2).std() / math.sqrt(63) / (2.0 * net.std())
    assert found.standard_error == pytest.approx(error, rel=1e-12)


def test_the_error_of_the_coefficient_grows_with_its_overlap():
    rng = np.random.default_rng(5)
    steps = rng.normal(size=400)
    ic = np.convolve(steps, np.ones(10) / 10.0, mode="valid")
    live = record(np.zeros(len(ic)), ic)
    reading = {r.metric: r for r in tail_readings(live, (252,), overlap=10)}
    naive = ic[-252:].std(ddof=1) / math.sqrt(252)
    assert reading["information_coefficient"].standard_error > 2.0 * naive


def test_many_series_at_once_are_each_as_alone():
    series = np.random.default_rng(2).normal(0.0, 0.02, (7, 63))
    together = window_metrics(series, WINDOWS, METRICS[:1] + METRICS[2:7])
    for k in range(7):
        alone = tail_values(record(series[k]), WINDOWS)
        for key, column in together.items():
            assert column[k] == pytest.approx(alone[key], rel=1e-12)
