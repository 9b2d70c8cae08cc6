import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shadowbook.core.stats.windows import (
    rolling_comoments,
    rolling_max,
    rolling_min,
    rolling_moments,
    rolling_product,
    rolling_spread,
    rolling_sum,
)

REDUCTIONS = [
    (rolling_sum, np.sum),
    (rolling_product, np.prod),
    (rolling_max, np.max),
    (rolling_min, np.min),
]


def windows(values, window):
    return np.lib.stride_tricks.sliding_window_view(values, window, axis=0)


@pytest.mark.parametrize(("rolling", "whole"), REDUCTIONS)
@pytest.mark.parametrize("window", [1, 2, 3, 7, 8, 21, 40])
def test_reduction_equals_the_reduction_of_each_window(rolling, whole, window):
    values = np.random.default_rng(window).normal(1.0, 0.1, (40, 3))
    result = rolling(values, window)
    assert np.isnan(result[: window - 1]).all()
    np.testing.assert_allclose(
        result[window - 1 :], whole(windows(values, window), axis=-1), rtol=1e-13
    )


@pytest.mark.parametrize("window", [2, 5, 21, 33])
def test_moments_equal_two_pass_moments(window):
    values = np.random.default_rng(1).normal(5.0, 2.0, (60, 2))
    moments = rolling_moments(values, window)
    cut = windows(values, window)
    mean = cut.mean(axis=-1)
    last = slice(window - 1, None)
    np.testing.assert_allclose(moments.mean[last], mean, rtol=1e-13)
    np.testing.assert_allclose(moments.squares[last], cut.var(axis=-1) * window, rtol=1e-12)
    np.testing.assert_allclose(
        moments.cubes[last], stats.moment(cut, 3, axis=-1) * window, rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize("window", [1, 5, 63, 126])
def test_spread_is_the_first_two_moments(window):
    values = np.random.default_rng(3).normal(size=(200, 3))
    spread, moments = rolling_spread(values, window), rolling_moments(values, window)
    np.testing.assert_array_equal(spread.mean, moments.mean)
    np.testing.assert_array_equal(spread.squares, moments.squares)


def test_comoments_equal_the_covariance_matrix():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(50, 1)), rng.normal(size=(50, 2))
    together = rolling_comoments(x, y, 13)
    for t in (12, 30, 49):
        for n in range(2):
            expected = np.cov(x[t - 12 : t + 1, 0], y[t - 12 : t + 1, n]) * 12
            assert together.x_squares[t, 0] == pytest.approx(expected[0, 0], rel=1e-12)
            assert together.y_squares[t, n] == pytest.approx(expected[1, 1], rel=1e-12)
            assert together.products[t, n] == pytest.approx(expected[0, 1], rel=1e-11)


def test_constant_window_after_a_million_has_exactly_no_spread():
    values = np.array([1e6, -1e6, 1e6] + [0.1] * 30)
    squares = rolling_moments(values, 21).squares
    assert (squares[23:] == 0.0).all()
    assert squares[22] > 1e11


@given(
    seed=st.integers(0, 2**32 - 1),
    window=st.integers(1, 40),
    start=st.integers(0, 30),
    tail=st.integers(0, 30),
)
def test_bits_do_not_depend_on_where_the_series_starts_or_ends(seed, window, start, tail):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(100, 2)) * 10.0 ** rng.integers(-6, 7, size=(100, 1))
    whole = rolling_moments(values, window)
    part = rolling_moments(values[start : 100 - tail], window)
    for full, cut in zip(whole, part, strict=True):
        assert np.array_equal(full[start + window - 1 : 100 - tail], cut[window - 1 :])


def test_missing_value_blanks_the_windows_that_hold_it_and_no_other():
    values = np.ones(20)
    values[8] = np.nan
    missing = np.isnan(rolling_sum(values, 4))
    assert missing.nonzero()[0].tolist() == [0, 1, 2, 8, 9, 10, 11]


def test_series_shorter_than_the_window_is_all_missing():
    assert np.isnan(rolling_sum(np.ones((3, 2)), 4)).all()


def test_window_below_one_is_refused():
    with pytest.raises(ValueError, match="window is 0: it must be at least 1"):
        rolling_sum(np.ones(3), 0)
