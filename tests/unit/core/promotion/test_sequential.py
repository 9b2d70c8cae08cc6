import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import norm
from scipy.stats import t as student

from shadowbook.core.promotion.sequential import (
    MIXTURE_SESSIONS,
    confidence_sequence,
    lower_bounds,
    mixture_boundary,
    student_boundary,
)


def plain_lower_bound(values, alpha):
    """Compute the bound at the last value from its definition, with residuals that are made."""
    n = len(values)
    mean = sum(values) / n
    deviations = [value - mean for value in values]
    gamma = [sum(deviations[i] * deviations[i - k] for i in range(k, n)) / n for k in range(9)]
    r = gamma[1] / gamma[0]
    r = max(min(r + (1.0 + 4.0 * r) / n, 0.97), -0.97)
    lags = int(4.0 * (n / 100.0) ** (2.0 / 9.0))
    residual = [(1 + r * r) * gamma[0] - 2 * r * gamma[1]]
    residual += [
        (1 + r * r) * gamma[k] - r * (gamma[k - 1] + gamma[k + 1]) for k in range(1, lags + 1)
    ]
    total = residual[0] + 2 * sum((1 - k / (lags + 1)) * residual[k] for k in range(1, lags + 1))
    long_run = max(max(total, 0.0) / (1.0 - r) ** 2, gamma[0]) * n / (n - 1)
    a = n / 30.0
    z = math.sqrt(2.0 * (a + 1.0) / a * math.log(1.0 + math.sqrt(a + 1.0) / (2.0 * alpha)))
    freedom = max(n / (long_run / (gamma[0] * n / (n - 1))) ** 2 - 1.0, 3.0)
    u = z * (8.0 * freedom + 3.0) / (8.0 * freedom + 1.0)
    width = math.sqrt(freedom * (math.exp(u * u / freedom) - 1.0))
    skewness = sum(value**3 for value in deviations) / n / gamma[0] ** 1.5
    width += max(-skewness, 0.0) * (2.0 * width**2 + 1.0) / (6.0 * math.sqrt(n))
    return mean - width * math.sqrt(long_run / n)


@pytest.mark.parametrize("phi", [0.0, 0.6, -0.5])
@pytest.mark.parametrize("alpha", [0.05, 0.002])
def test_bounds_equal_a_plain_implementation_at_every_look(phi, alpha):
    rng = np.random.default_rng(3)
    values = 3.0 - 0.01 * rng.exponential(size=130)
    for i in range(1, len(values)):
        values[i] += phi * (values[i - 1] - 3.0)
    found = confidence_sequence(values, alpha, side="lower").lower
    for t in (21, 22, 40, 75, 100, 130):
        assert found[t - 1] == pytest.approx(
            plain_lower_bound(values[:t].tolist(), alpha), abs=1e-9
        )


def test_boundary_is_near_that_of_the_mixture_it_approximates():
    """Robbins' mixture itself: its martingale reaches 1 / alpha; the closed form is never below."""
    for t in (21.0, 84.0, 252.0, 2520.0):
        a = t / MIXTURE_SESSIONS

        def martingale(z, a=a):
            inside = 2.0 / math.sqrt(1.0 + a) * math.exp(0.5 * z * z * a / (1.0 + a))
            return inside * norm.cdf(z * math.sqrt(a / (1.0 + a))) - 1.0 / 0.05

        exact = brentq(martingale, 0.0, 20.0)
        closed = mixture_boundary(np.array([t]), 0.05)[0]
        assert exact <= closed <= 1.015 * exact


def test_the_mixture_is_tuned_to_a_quarter_up_to_a_year_after_the_start():
    t = np.arange(84.0, 274.0)
    scales = np.arange(5.0, 200.0)[:, None]
    boundary = np.sqrt((1 + scales / t) * 2 * np.log1p(np.sqrt(1 + t / scales) / 0.1))
    assert np.max(mixture_boundary(t, 0.05) / boundary.min(axis=0)) < 1.031


@pytest.mark.parametrize("freedom", [3.0, 10.0, 20.0, 251.0, 1e6])
def test_students_boundary_is_students_quantile_or_a_little_more(freedom):
    normal = np.array([2.5, 3.5, 4.5])
    exact = student.isf(norm.sf(normal), freedom)
    ratio = student_boundary(normal, np.full(3, freedom)) / exact
    assert (ratio >= 1.0 - 1e-6).all()
    assert freedom < 10.0 or (ratio <= 1.01).all()


def test_sides_mirror_each_other_and_share_alpha():
    values = np.random.default_rng(1).gamma(2.0, size=80)
    low = confidence_sequence(values, 0.05, side="lower")
    high = confidence_sequence(-values, 0.05, side="upper")
    assert np.array_equal(low.lower, -high.upper, equal_nan=True)
    assert np.isnan(low.upper).all()
    assert np.isnan(high.lower).all()
    both = confidence_sequence(values, 0.1, side="two-sided")
    assert np.array_equal(both.lower, low.lower, equal_nan=True)
    assert (both.upper[20:] > both.lower[20:]).all()


def test_first_bound_stands_at_the_start():
    values = np.random.default_rng(2).normal(size=40)
    for start in (5, 21, 40):
        found = confidence_sequence(values, start=start).lower
        assert np.isnan(found[: start - 1]).all()
        assert np.isfinite(found[start - 1 :]).all()
    assert np.isnan(confidence_sequence(values, start=41).lower).all()
    assert confidence_sequence(np.array([])).lower.shape == (0,)


@given(
    seed=st.integers(0, 1000),
    cut=st.integers(21, 89),
    later=st.floats(-1e6, 1e6),
    missing=st.floats(0.0, 0.5),
)
def test_a_bound_never_changes_when_later_values_come(seed, cut, later, missing):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(90) < missing, np.nan, rng.standard_t(3, size=90))
    changed = np.concatenate([values[:cut], rng.normal(later, 10.0, size=200)])
    whole, other = (confidence_sequence(one, side="two-sided") for one in (values, changed))
    short = confidence_sequence(values[:cut], side="two-sided")
    for one in (whole, other):
        assert np.array_equal(one.lower[:cut], short.lower, equal_nan=True)
        assert np.array_equal(one.upper[:cut], short.upper, equal_nan=True)


@given(seed=st.integers(0, 1000), scale=st.floats(1e-6, 1e6), shift=st.floats(-100.0, 100.0))
def test_bounds_move_and_stretch_with_the_values(seed, scale, shift):
    values = np.random.default_rng(seed).normal(size=60)
    plain = confidence_sequence(values).lower[20:]
    moved = confidence_sequence(scale * (values + shift)).lower[20:]
    assert moved == pytest.approx(scale * (plain + shift), rel=1e-9, abs=1e-9 * scale)


def test_missing_values_are_no_looks_and_leave_the_bounds():
    values = np.random.default_rng(4).normal(size=60)
    gaps = np.insert(values, [0, 30, 30, 45], np.nan)
    known = ~np.isnan(gaps)
    found, plain = confidence_sequence(gaps).lower, confidence_sequence(values).lower
    assert np.array_equal(found[known], plain, equal_nan=True)
    assert np.flatnonzero(~known).tolist() == [0, 31, 32, 48]
    assert np.isnan(found[0])
    assert found[30] == found[31] == found[32]
    assert found[47] == found[48]


def test_constant_differences_have_no_bound_until_they_vary():
    values = np.full(60, 0.001)
    assert np.isnan(confidence_sequence(values).lower).all()
    values[40:] += np.random.default_rng(0).normal(size=20)
    found = confidence_sequence(values).lower
    assert np.isnan(found[:40]).all()
    assert np.isfinite(found[40:]).all()


def test_a_level_far_above_the_variation_costs_no_digits():
    values = np.random.default_rng(6).normal(size=300)
    high = confidence_sequence(1e6 + values).lower - 1e6
    assert high[20:] == pytest.approx(confidence_sequence(values).lower[20:], abs=1e-8)


def test_many_histories_at_once_are_as_one_by_one():
    values = np.random.default_rng(7).normal(size=(4, 90))
    together = lower_bounds(values, 0.05)
    for one, bound in zip(values, together, strict=True):
        alone = confidence_sequence(one).lower
        assert bound[20:] == pytest.approx(alone[20:], abs=1e-12)


def test_negative_autocorrelation_does_not_narrow_the_bound():
    values = np.tile([1.0, -1.0], 60)
    t = 120.0
    width = student_boundary(mixture_boundary(np.array([t]), 0.05), np.array([t - 1.0]))[0]
    assert confidence_sequence(values).lower[-1] == pytest.approx(-width / np.sqrt(t - 1.0))


def test_wrong_input_is_refused():
    values = np.zeros(30)
    with pytest.raises(ValueError, match="infinite"):
        confidence_sequence(np.append(values, np.inf))
    with pytest.raises(ValueError, match="one series"):
        confidence_sequence(np.zeros((30, 2)))
    for alpha in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="not between 0 and 1"):
            confidence_sequence(values, alpha)
    with pytest.raises(ValueError, match="start of 4"):
        confidence_sequence(values, start=4)
    with pytest.raises(ValueError, match="side 'both'"):
        confidence_sequence(values, side="both")


def autocorrelated(rng, phi, n, sessions):
    values = rng.normal(size=(n, sessions))
    for i in range(1, sessions):
        values[:, i] = phi * values[:, i - 1] + math.sqrt(1 - phi * phi) * values[:, i]
    return values


def test_error_of_all_looks_together_is_below_its_nominal_value():
    rng = np.random.default_rng(20)
    shares = {
        "normal": rng.normal(size=(2000, 252)),
        "t3": rng.standard_t(3, size=(2000, 252)),
        "skewed": 1.0 - rng.exponential(size=(2000, 252)),
        "autocorrelated": autocorrelated(rng, 0.3, 2000, 252),
    }
    found = {
        name: (lower_bounds(values, 0.05)[:, 20:] > 0.0).any(axis=1).mean()
        for name, values in shares.items()
    }
    assert max(found.values()) <= 0.05
    assert min(found.values()) >= 0.005


def test_an_advantage_is_found():
    rng = np.random.default_rng(21)
    values = rng.normal(0.25, 1.0, size=(300, 252))
    assert (lower_bounds(values, 0.05)[:, 20:] > 0.0).any(axis=1).mean() > 0.8
