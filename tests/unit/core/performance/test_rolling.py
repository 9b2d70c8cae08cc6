"""Rolling metrics against sums that do not round (math.fsum), pandas and their definitions."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from shadowbook.core.performance.rolling import (
    rolling_drawdown,
    rolling_hit_rate,
    rolling_information_coefficient,
    rolling_mean,
    rolling_metrics,
    rolling_sharpe,
    rolling_volatility,
)

WINDOWS = (1, 2, 3, 7, 21, 30, 63)


def made(rows=200, series=3, seed=0):
    return np.random.default_rng(seed).normal(0.0005, 0.01, (rows, series))


def exact_sharpe(window):
    """Mean over deviation of one window, by sums that do not round."""
    mean = math.fsum(window) / len(window)
    squares = math.fsum((value - mean) ** 2 for value in window)
    return mean / math.sqrt(squares / (len(window) - 1))


def falls(window):
    """Current, deepest and length of one window's drawdown, step by step."""
    value, peak, deepest, since = 1.0, 1.0, 0.0, 0
    for step in window:
        value *= 1.0 + step
        since += 1
        if value >= peak:
            peak, since = value, 0
        deepest = min(deepest, value / peak - 1.0)
    return value / peak - 1.0, deepest, since


@pytest.mark.parametrize("window", [2, 3, 5, 21, 30, 63])
def test_sharpe_equals_the_exact_sums_also_after_a_million(window):
    returns = made()
    returns[90] = 1e6
    found = rolling_sharpe(returns, window)
    assert np.isnan(found[: window - 1]).all()
    for at in range(window - 1, len(returns)):
        for series in range(returns.shape[1]):
            expected = exact_sharpe(returns[at - window + 1 : at + 1, series])
            assert found[at, series] == pytest.approx(expected, rel=1e-11, abs=1e-13)


def test_sharpe_and_volatility_equal_pandas_and_annualize_by_the_root():
    returns = made()
    rolled = pd.DataFrame(returns).rolling(21)
    np.testing.assert_allclose(rolling_volatility(returns, 21), rolled.std(), rtol=1e-9)
    np.testing.assert_allclose(rolling_mean(returns, 21), rolled.mean(), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(
        rolling_sharpe(returns, 21, 252),
        rolled.mean() / rolled.std() * math.sqrt(252),
        rtol=1e-8,
        atol=1e-12,
    )


@given(st.integers(0, 60), st.sampled_from([2, 5, 21, 30]))
def test_nothing_before_the_window_enters_to_the_last_bit(start, window):
    returns = made(100)
    returns[7] = 1e6
    whole, part = rolling_metrics(returns, (window,)), rolling_metrics(returns[start:], (window,))
    for full, late in zip(flat(whole[window]), flat(part[window]), strict=True):
        np.testing.assert_array_equal(full[start + window - 1 :], late[window - 1 :])


def flat(metrics):
    return [*metrics[:4], *metrics.drawdown]


def test_several_windows_at_once_equal_one_by_one():
    returns = made(300)
    together = rolling_metrics(returns, WINDOWS)
    assert sorted(together) == sorted(WINDOWS)
    for window in WINDOWS:
        alone = rolling_metrics(returns, (window,))[window]
        for joint, single in zip(flat(together[window]), flat(alone), strict=True):
            np.testing.assert_allclose(joint, single, rtol=1e-10, atol=1e-14)


def test_one_series_equals_its_column_of_many():
    returns = made(100)
    for joint, single in zip(
        flat(rolling_metrics(returns, (21,))[21]),
        flat(rolling_metrics(returns[:, 1], (21,))[21]),
        strict=True,
    ):
        assert single.shape == (100,)
        np.testing.assert_array_equal(joint[:, 1], single)


@pytest.mark.parametrize("level", [0.0, 0.1, -0.3, 1e6, 1e-9, 1e-160])
@pytest.mark.parametrize("window", [2, 3, 21])
def test_constant_windows_have_no_sharpe(level, window):
    returns = np.full(60, level)
    returns[30] = level + 1.0
    found = rolling_sharpe(returns, window)
    varied = np.arange(60)
    expected = (varied >= 30) & (varied < 30 + window)
    np.testing.assert_array_equal(np.isnan(found), ~expected | (varied < window - 1))


def test_variation_of_a_last_bit_is_rounding():
    returns = np.full(40, 0.1)
    returns[::2] = np.nextafter(0.1, 1.0)
    assert np.isnan(rolling_sharpe(returns, 21)).all()


def test_small_but_real_variation_is_no_constant():
    returns = 1e-9 * (1.0 + 1e-6 * made()[:, 0])
    assert np.isfinite(rolling_sharpe(returns, 21)[20:]).all()


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_missing_values_spoil_their_own_windows_only(hole):
    returns = made(80)
    clean = rolling_metrics(returns, (1, 5, 21))
    returns[40, 1] = hole
    holed = rolling_metrics(returns, (1, 5, 21))
    for window in (1, 5, 21):
        spoiled = np.zeros(returns.shape, dtype=bool)
        spoiled[40 : 40 + window, 1] = True
        for before, after in zip(flat(clean[window]), flat(holed[window]), strict=True):
            assert np.isnan(after[spoiled]).all()
            np.testing.assert_array_equal(after[~spoiled], before[~spoiled])


def test_hit_rate_counts_returns_above_zero():
    returns = np.array([0.01, 0.0, -0.02, 0.03, 0.04])
    np.testing.assert_array_equal(
        rolling_hit_rate(returns, 3), [np.nan, np.nan, 1 / 3, 1 / 3, 2 / 3]
    )


@given(
    hnp.arrays(
        np.float64,
        st.integers(1, 40),
        elements=st.sampled_from([-1.0, -0.75, -0.5, 0.0, 0.25, 1.0, 3.0]),
    ),
    st.integers(1, 12),
)
@settings(max_examples=200)
def test_windowed_drawdown_equals_the_walk(returns, window):
    """Products of these returns are exact, so peaks that are regained to the last bit tell."""
    found = rolling_drawdown(returns, window)
    for at in range(window - 1, len(returns)):
        expected = falls(returns[at - window + 1 : at + 1])
        assert (found.current[at], found.maximum[at], found.length[at]) == expected


def test_windowed_drawdown_after_a_million_equals_the_walk():
    returns = made()[:, 0]
    returns[90] = 1e6
    found = rolling_drawdown(returns, 30)
    for at in range(29, 200):
        current, deepest, since = falls(returns[at - 29 : at + 1])
        assert found.current[at] == pytest.approx(current, abs=1e-13)
        assert found.maximum[at] == pytest.approx(deepest, abs=1e-13)
        assert found.length[at] == since


def test_length_of_drawdown_by_hand():
    found = rolling_drawdown(np.array([0.1, -0.1, 0.0, 0.5, -0.5, 0.0]), 3)
    np.testing.assert_array_equal(found.length[2:], [2.0, 0.0, 1.0, 2.0])
    # the value before the window's first return is a peak itself
    np.testing.assert_allclose(found.current[2:], [-0.1, 0.0, -0.5, -0.5], atol=1e-15)
    np.testing.assert_allclose(found.maximum[2:], [-0.1, -0.1, -0.5, -0.5], atol=1e-15)


def test_growth_beyond_a_float_is_missing_not_infinite():
    returns = np.full(60, 1e6)
    found = rolling_drawdown(returns, 55)
    assert np.isnan(found.current[54:]).all()
    assert np.isnan(found.length[54:]).all()


def test_information_coefficient_is_the_mean_of_spearman():
    rng = np.random.default_rng(2)
    scores, outcomes = rng.normal(size=(2, 30, 8))
    outcomes[4, :4] = np.nan  # four pairs are left, five are needed
    found = rolling_information_coefficient(scores, outcomes, 5)
    daily = [stats.spearmanr(a, b).statistic for a, b in zip(scores, outcomes, strict=True)]
    assert np.isnan(found[:9]).all()
    for at in range(9, 30):
        assert found[at] == pytest.approx(np.mean(daily[at - 4 : at + 1]), abs=1e-12)
    fewer = rolling_information_coefficient(scores, outcomes, 5, min_names=4)
    assert np.isfinite(fewer[4:]).all()


def test_lists_and_tables_are_taken_as_arrays_are():
    scores, outcomes = np.random.default_rng(4).normal(size=(2, 6, 7))
    expected = rolling_information_coefficient(scores, outcomes, 3)
    for kind in (np.ndarray.tolist, pd.DataFrame):
        found = rolling_information_coefficient(kind(scores), kind(outcomes), 3)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(4,), (4, 7), (4, 6, 1)])
def test_scores_without_their_outcomes_are_refused(shape):
    with pytest.raises(ValueError, match="both"):
        rolling_information_coefficient(np.zeros((4, 6)), np.zeros(shape), 2)


@pytest.mark.parametrize(
    ("returns", "windows"),
    [(np.zeros(3), ()), (np.zeros(3), (0,)), (np.zeros((2, 2, 2)), (1,)), (np.float64(1.0), (1,))],
)
def test_impossible_requests_are_refused(returns, windows):
    with pytest.raises(ValueError, match="give"):
        rolling_metrics(returns, windows)


def test_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="choose"):
        rolling_metrics(np.zeros(3), (2,), frozenset({"alpha"}))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (4,)])
def test_a_record_shorter_than_the_window_is_missing(shape):
    found = rolling_metrics(np.zeros(shape), (5,))[5]
    for part in flat(found):
        assert part.shape == shape
        assert np.isnan(part).all()
