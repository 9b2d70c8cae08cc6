"""Differences and their standard errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import lfilter

from shadowbook.core.promotion.ab_differences import BookSessions, difference, paired

NAN = math.nan
NONE = np.empty(0)


def book(days, **given):
    length = len(days)
    arrays = {
        name: np.full(length, 0.0)
        for name in ("net", "signal", "execution", "cost", "slippage_bps")
    }
    arrays |= {"notional": np.ones(length), "fill_ratio": np.ones(length)}
    arrays |= {name: np.asarray(values, dtype=float) for name, values in given.items()}
    return BookSessions(np.array(days, "datetime64[D]"), **arrays)


def test_sessions_are_matched_by_their_date():
    ab = book(["2020-01-02", "2020-01-03", "2020-01-06"], net=[0.1, 0.2, 0.3], notional=[1, -2, 3])
    champion = book(["2020-01-01", "2020-01-02", "2020-01-06", "2020-01-07"], net=[9, 0, 0.1, 9])
    found = paired(ab, champion)
    np.testing.assert_allclose(found["net"], [0.1, NAN, 0.2], rtol=1e-15)
    np.testing.assert_array_equal(found["weight"], [1.0, 2.0, 3.0])
    nothing = paired(ab, book([]))
    assert np.isnan(nothing["net"]).all()


def test_what_is_not_finite_is_missing_and_rounding_is_nothing():
    days = ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"]
    ab = book(days, net=[NAN, math.inf, 0.3, 0.1 + 0.2])
    champion = book(days, net=[0.0, 0.0, 0.2, 0.3])
    found = paired(ab, champion)["net"]
    np.testing.assert_allclose(found, [NAN, NAN, 0.1, 0.0], rtol=1e-12, atol=0)


def newey_west(x, lags):
    """Newey and West's error of a mean as a quadratic form, not as a sum over lags."""
    n = len(x)
    weights = 1.0 - np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / (lags + 1.0)
    d = x - x.mean()
    return math.sqrt(max(d @ np.maximum(weights, 0.0) @ d, 0.0)) / n


def factor(n, lags):
    b = min((lags + 1) / n, 1.0)
    return (1.96 + 2.9694 * b + 0.416 * b**2 - 0.5324 * b**3) / 1.96


@pytest.mark.parametrize("n", [2, 5, 10, 63])
def test_the_error_is_the_largest_of_three(n):
    rng = np.random.default_rng(n)
    x = lfilter([1.0], [1.0, -0.5], rng.standard_normal(n + 20))[20:]
    earlier = 0.8 * rng.standard_normal(100)
    lags = min(math.ceil(1.3 * math.sqrt(n)), n - 1)
    iid = x.std(ddof=1) / math.sqrt(n)
    hac = newey_west(x, lags) * factor(n, lags)
    past = newey_west(earlier, 13) * factor(100, 13) * math.sqrt(100 / n)
    alone = difference("net", x, None, NONE)
    assert alone.value == pytest.approx(x.mean(), rel=1e-12)
    assert alone.standard_error == pytest.approx(max(iid, hac), rel=1e-12)
    with_past = difference("net", x, None, np.append(earlier, NAN))
    assert with_past.standard_error == pytest.approx(max(iid, hac, past), rel=1e-12)
    too_short = difference("net", x, None, 100.0 * earlier[:62])
    assert too_short.standard_error == alone.standard_error


def test_independent_sessions_are_the_least_that_is_assumed():
    """Sessions that swing back look too sure of themselves to Newey and West."""
    x = (-1.0) ** np.arange(10) + 0.1 * np.arange(10)
    iid = x.std(ddof=1) / math.sqrt(10)
    assert newey_west(x, 5) * factor(10, 5) < 0.9 * iid
    assert difference("net", x, None, NONE).standard_error == pytest.approx(iid, rel=1e-12)


def test_a_quarter_before_the_step_is_enough():
    x, earlier = np.linspace(-1.0, 1.0, 10), 100.0 * np.sin(np.arange(63.0))
    alone = difference("net", x, None, NONE).standard_error
    assert difference("net", x, None, earlier).standard_error > 2.0 * alone
    assert difference("net", x, None, earlier[1:]).standard_error == alone


def test_weights_count_and_sessions_without_any_are_left_out():
    x = np.array([1.0, 3.0, 50.0, 50.0, NAN])
    weight = np.array([1.0, 3.0, 0.0, NAN, 1.0])
    found = difference("slippage_bps", x, weight, NONE)
    assert (found.value, found.n_obs) == (2.5, 2)
    # by hand: moves are (1 - 2.5) / 2 and 3 (3 - 2.5) / 2; with n = 2, lag 1 has weight 1/2,
    # so Newey and West's is sqrt((2 - 1) * 0.75^2) / 2 = 0.375, stretched by 2.4560 (b = 1)
    assert found.standard_error == pytest.approx(max(0.75, 0.375 * factor(2, 1)), rel=1e-12)


def test_nothing_one_session_and_no_variation_have_their_outcomes():
    none = difference("net", np.array([NAN, NAN]), None, NONE)
    assert (none.status, none.n_obs) == ("NOT_COMPUTABLE", 0)
    assert math.isnan(none.value)
    assert "no session" in none.reason
    one = difference("net", np.array([NAN, 0.5]), None, NONE)
    assert (one.value, one.n_obs, one.status) == (0.5, 1, "OK")
    assert math.isnan(one.standard_error)
    assert "one session" in one.reason
    for n in (7, 10):  # the mean of seven is off in its last bit
        same = difference("net", np.full(n, 1e-4), None, NONE)
        assert same.value == pytest.approx(1e-4, rel=1e-12)
        assert same.standard_error == 0.0
    assert difference("net", np.zeros(10), None, NONE).standard_error == 0.0
    assert difference("net", np.zeros(10), None, np.ones(100)).standard_error == 0.0


@pytest.mark.parametrize("rho", [0.0, 0.3])
def test_with_a_past_intervals_of_a_step_cover_what_they_should(rho):
    """Ten sessions after a quarter's shadow: 1.96 errors hold the true 0 in 95 % and more."""
    rng = np.random.default_rng(3)
    missed = 0
    for _ in range(400):
        x = lfilter([1.0], [1.0, -rho], rng.standard_normal(156))[20:]
        found = difference("net", x[126:], None, x[:126])
        missed += abs(found.value) > 1.96 * found.standard_error
    assert missed / 400 < 0.05
