import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.promotion.matched import (
    sharpe_influence_differences,
    trailing_volatility,
    volatility_matched_differences,
)
from shadowbook.core.stats.hac import long_run_variance


def two_books(seed, n, rho=0.8, sharpes=(0.0, 0.0), volatilities=(0.01, 0.02)):
    rng = np.random.default_rng(seed)
    market, *own = rng.normal(size=(3, n))
    return [
        v * (s + math.sqrt(rho) * market + math.sqrt(1 - rho) * mine)
        for v, s, mine in zip(volatilities, sharpes, own, strict=True)
    ]


def test_mean_of_the_influence_differences_is_the_difference_of_the_ratios():
    a, b = two_books(1, 200, sharpes=(0.2, 0.1))
    found = sharpe_influence_differences(a, b)
    expected = a.mean() / a.std(ddof=1) - b.mean() / b.std(ddof=1)
    assert found.mean() == pytest.approx(expected, rel=1e-12)


def test_variance_of_the_influence_differences_is_memmels():
    """Jobson & Korkie's variance of normal returns, as corrected by Memmel (2003)."""
    a, b = two_books(2, 200_000, sharpes=(0.5, 0.2))
    one, other = a.mean() / a.std(), b.mean() / b.std()
    rho = np.corrcoef(a, b)[0, 1]
    memmel = 2 - 2 * rho + 0.5 * (one**2 + other**2 - 2 * one * other * rho**2)
    found = long_run_variance(sharpe_influence_differences(a, b), 0)
    assert found == pytest.approx(memmel, rel=0.01)


def test_influence_differences_use_the_sessions_that_both_know():
    a, b = two_books(3, 50)
    a[[0, 7]], b[[7, 20]] = np.nan, np.nan
    found = sharpe_influence_differences(a, b)
    both = ~np.isnan(a + b)
    assert np.flatnonzero(np.isnan(found)).tolist() == [0, 7, 20]
    expected = sharpe_influence_differences(a[both], b[both])
    assert np.array_equal(found[both], expected)


@pytest.mark.parametrize("n", [0, 1, 40])
def test_a_book_without_volatility_has_no_differences(n):
    a = np.random.default_rng(0).normal(size=n)
    still = np.full(n, 0.001)
    for pair in ((a, still), (still, a), (np.full(n, np.nan), a)):
        assert np.isnan(sharpe_influence_differences(*pair)).all()
        assert np.isnan(volatility_matched_differences(*pair)).all()


def plain_volatility(past, half_life):
    weights = [0.5 ** ((len(past) - 1 - i) / half_life) for i in range(len(past))]
    total = sum(weights)
    mean = sum(w * x for w, x in zip(weights, past, strict=True)) / total
    scatter = sum(w * (x - mean) ** 2 for w, x in zip(weights, past, strict=True))
    return math.sqrt(scatter / (total - sum(w * w for w in weights) / total))


def test_matched_differences_equal_a_plain_implementation():
    a, b = two_books(4, 60, sharpes=(0.1, 0.0))
    found = volatility_matched_differences(a, b, half_life=20.0, warm_up=10)
    assert np.isnan(found[:10]).all()
    for i in (10, 11, 30, 59):
        expected = a[i] / plain_volatility(a[:i], 20.0) - b[i] / plain_volatility(b[:i], 20.0)
        assert found[i] == pytest.approx(expected, rel=1e-10)


def test_trailing_volatility_is_the_samples_without_weights():
    values = np.random.default_rng(5).normal(size=(2, 30))
    found = trailing_volatility(values, 1e12, 2)
    assert found[:, 25] == pytest.approx(values[:, :25].std(axis=1, ddof=1), rel=1e-9)


@given(seed=st.integers(0, 1000), cut=st.integers(22, 59), later=st.floats(-1e3, 1e3))
def test_a_matched_difference_never_changes_when_later_returns_come(seed, cut, later):
    a, b = two_books(seed, 60)
    early = volatility_matched_differences(a[:cut], b[:cut])
    a[cut:] += later
    b[cut:] *= later
    assert np.array_equal(volatility_matched_differences(a, b)[:cut], early, equal_nan=True)


@given(scale=st.floats(1e-3, 1e3))
def test_leverage_changes_nothing(scale):
    a, b = two_books(6, 60)
    plain = volatility_matched_differences(a, b)[21:]
    assert volatility_matched_differences(scale * a, b)[21:] == pytest.approx(plain, abs=1e-9)
    assert volatility_matched_differences(a, scale * a)[21:] == pytest.approx(0.0, abs=1e-9)


def test_a_missing_session_is_left_out_of_both_books():
    a, b = two_books(7, 50)
    a[30] = np.nan
    found = volatility_matched_differences(a, b)
    kept = np.delete(np.arange(50), 30)
    assert np.isnan(found[30])
    expected = volatility_matched_differences(a[kept], b[kept])
    assert np.array_equal(found[kept], expected, equal_nan=True)


def test_a_book_that_starts_to_move_is_matched_from_then_on():
    a, b = two_books(8, 60)
    a[:30] = 0.0
    found = volatility_matched_differences(a, b)
    assert np.isnan(found[:31]).all()
    assert np.isfinite(found[31:]).all()


def test_equal_ratios_have_no_mean_difference_where_plain_returns_have():
    a, b = two_books(9, 60_000, sharpes=(0.1, 0.1))
    assert np.nanmean(volatility_matched_differences(a, b)) == pytest.approx(0.0, abs=0.006)
    assert (a - b).mean() / (a - b).std() < -0.05


def test_mean_is_the_difference_of_the_ratios():
    a, b = two_books(10, 60_000, sharpes=(0.15, 0.05))
    assert np.nanmean(volatility_matched_differences(a, b)) == pytest.approx(0.1, abs=0.008)


def test_wrong_input_is_refused():
    a, b = two_books(11, 30)
    for function in (sharpe_influence_differences, volatility_matched_differences):
        with pytest.raises(ValueError, match="same sessions"):
            function(a, b[:-1])
        with pytest.raises(ValueError, match="infinite"):
            function(a, np.where(np.arange(30) == 3, np.inf, b))
    with pytest.raises(ValueError, match="too small"):
        volatility_matched_differences(a, b, half_life=0.0)
    with pytest.raises(ValueError, match="too small"):
        volatility_matched_differences(a, b, warm_up=1)
