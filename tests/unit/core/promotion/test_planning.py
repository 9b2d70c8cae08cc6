import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from shadowbook.core.promotion.planning import (
    _effective_boundary,
    required_shadow_sessions,
    shadow_power,
)
from shadowbook.core.promotion.sequential import lower_bounds


@pytest.mark.parametrize(("rho", "power"), [(0.5, 0.03), (0.9, 0.12), (0.99, 0.80)])
def test_power_within_a_year_is_that_of_the_issue(rho, power):
    assert shadow_power(252, 0.5, rho) == pytest.approx(power, abs=0.035)


@pytest.mark.parametrize(("rho", "sessions"), [(0.9, 252), (0.99, 126), (0.99, 252)])
@pytest.mark.parametrize("alpha", [0.05, 0.0025])
def test_recursion_agrees_with_paths_against_its_boundary(rho, sessions, alpha):
    rng = np.random.default_rng(5)
    drift = 0.5 / math.sqrt(252 * 2 * (1 - rho))
    t = np.arange(21.0, sessions + 1.0)
    boundary = _effective_boundary(t, alpha) * np.sqrt(t)
    sums = np.cumsum(rng.normal(drift, 1.0, size=(10_000, sessions)), axis=1)[:, 20:]
    simulated = (sums > boundary).any(axis=1).mean()
    assert shadow_power(sessions, 0.5, rho, alpha) == pytest.approx(simulated, abs=0.012)


def test_power_agrees_with_the_sequence_itself():
    rng = np.random.default_rng(6)
    drift = 0.5 / math.sqrt(252 * 0.02)
    values = rng.normal(drift, 1.0, size=(2000, 252))
    crossed = np.maximum.accumulate(lower_bounds(values, 0.05)[:, 20:] > 0.0, axis=1).mean(axis=0)
    planned = [shadow_power(t, 0.5, 0.99) for t in (63, 126, 189, 252)]
    assert planned == pytest.approx(crossed[[42, 105, 168, 231]], abs=0.035)


def test_fixed_test_is_the_closed_form():
    z = norm.isf(0.05) + norm.ppf(0.8)
    for effect, rho in ((0.5, 0.9), (0.3, 0.5), (1.0, -1.0)):
        needed = required_shadow_sessions(effect, rho, sequential=False)
        assert needed == math.ceil(2 * (1 - rho) * z * z * 252 / effect**2)
        assert shadow_power(needed, effect, rho, sequential=False) == pytest.approx(0.8, abs=0.002)


@given(
    effect=st.floats(0.1, 3.0),
    rho=st.floats(-1.0, 0.999),
    power=st.floats(0.2, 0.95),
    sequential=st.booleans(),
)
def test_the_two_directions_agree(effect, rho, power, sequential):
    needed = required_shadow_sessions(effect, rho, power=power, sequential=sequential)
    assert shadow_power(needed, effect, rho, sequential=sequential) >= power - 1e-6
    if needed > 21:
        less = shadow_power(needed - 1, effect, rho, sequential=sequential)
        assert less <= power + 1e-6


@given(effect=st.floats(0.1, 2.0), rho=st.floats(-1.0, 0.98), more=st.floats(1.05, 3.0))
def test_more_advantage_and_more_correlation_need_less(effect, rho, more):
    needed = required_shadow_sessions(effect, rho)
    assert required_shadow_sessions(effect * more, rho) <= needed
    assert required_shadow_sessions(effect, 1.0 - (1.0 - rho) / more) <= needed
    assert required_shadow_sessions(effect, rho, alpha=0.0025) >= needed
    assert required_shadow_sessions(effect, rho, sequential=False) <= needed


def test_power_grows_with_sessions_and_pays_for_looks():
    sessions = [21, 30, 63, 252, 1000, 5000]
    found = [shadow_power(n, 0.5, 0.9) for n in sessions]
    assert found == sorted(found)
    fixed = [shadow_power(n, 0.5, 0.9, sequential=False) for n in sessions]
    assert all(one < other for one, other in zip(found, fixed, strict=True))


def test_nearly_the_same_book_needs_the_first_look_alone():
    for sequential in (True, False):
        assert required_shadow_sessions(0.5, 0.999999, sequential=sequential) == 21.0
    assert shadow_power(20.9, 0.5, 0.999999) == 0.0


@pytest.mark.parametrize(
    ("effect", "rho"),
    [(0.0, 0.9), (-0.5, 0.9), (0.5, 1.0), (0.5, -1.1), (math.nan, 0.9), (0.5, math.nan)],
)
def test_what_cannot_be_planned_is_nan(effect, rho):
    for sequential in (True, False):
        assert math.isnan(required_shadow_sessions(effect, rho, sequential=sequential))
        assert math.isnan(shadow_power(252, effect, rho, sequential=sequential))


def test_more_than_ten_million_sessions_are_no_plan():
    for sequential in (True, False):
        assert math.isnan(required_shadow_sessions(1e-4, 0.0, sequential=sequential))
    assert math.isnan(shadow_power(2e7, 0.5, 0.9))
    assert math.isnan(shadow_power(math.nan, 0.5, 0.9))


def test_wrong_levels_are_refused():
    for alpha in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="alpha"):
            required_shadow_sessions(0.5, 0.9, alpha=alpha)
        with pytest.raises(ValueError, match="alpha"):
            shadow_power(252, 0.5, 0.9, alpha=alpha)
    for power in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="power"):
            required_shadow_sessions(0.5, 0.9, power=power)
