import math

import numpy as np
import pytest

from shadowbook.core.promotion.non_inferiority import harm
from shadowbook.core.promotion.planning import shadow_power
from shadowbook.core.promotion.sequential import confidence_sequence


def drawn(seed, annual, n=252, deviation=0.2):
    return np.random.default_rng(seed).normal(annual / math.sqrt(252), deviation, size=n)


def test_bounds_are_annual_and_one_sided_each():
    values = drawn(1, 0.0)
    found = harm(values, 0.5, 0.05)
    lower = confidence_sequence(values, 0.05, side="lower").lower
    upper = confidence_sequence(values, 0.05, side="upper").upper
    assert np.array_equal(found.lower_annual, math.sqrt(252) * lower, equal_nan=True)
    assert np.array_equal(found.upper_annual, math.sqrt(252) * upper, equal_nan=True)
    assert not found.not_inferior[:20].any()
    assert not found.harmful[:20].any()


def test_answers_compare_the_bounds_with_the_margin_and_with_zero():
    found = harm(drawn(2, -3.0, 500), 1.0, 0.05)
    known = ~np.isnan(found.lower_annual)
    assert np.array_equal(found.harmful[known], found.upper_annual[known] < 0.0)
    assert found.harmful[-1]
    assert not found.not_inferior.any()
    better = harm(drawn(3, 2.0, 500), 0.5, 0.05)
    assert better.not_inferior[-1]
    assert not better.harmful.any()


def test_a_little_worse_for_sure_may_be_both():
    found = harm(drawn(4, -0.5, 2000, deviation=0.05), 1.0, 0.05)
    assert found.not_inferior[-1]
    assert found.harmful[-1]


def test_a_bound_at_the_margin_reaches_it():
    values = drawn(5, 0.0)
    at = -harm(values, 1.0, 0.05).lower_annual[-1]
    assert at > 0.0
    assert harm(values, at, 0.05).not_inferior[-1]
    assert not harm(values, at * (1.0 - 1e-6), 0.05).not_inferior[-1]


def test_missing_sessions_leave_the_answers_and_constant_ones_have_none():
    values = np.append(drawn(6, 3.0), [np.nan, np.nan])
    found = harm(values, 0.5, 0.05)
    assert found.not_inferior[-3:].all()
    still = harm(np.full(60, 0.01), 0.5, 0.05)
    assert not still.not_inferior.any()
    assert not still.harmful.any()
    assert np.isnan(still.lower_annual).all()


def test_one_worse_by_the_margin_seldom_passes_and_an_equal_one_as_planned():
    deviation = math.sqrt(2 * (1 - 0.99))
    worse = [harm(drawn([7, k], -1.0, 252, deviation), 1.0, 0.05) for k in range(400)]
    passed = np.mean([found.not_inferior.any() for found in worse])
    assert passed <= 0.05
    equal = [
        harm(drawn([8, k], 0.0, 126, deviation), 0.5, 0.05).not_inferior.any() for k in range(400)
    ]
    assert np.mean(equal) == pytest.approx(shadow_power(126, 0.5, 0.99), abs=0.07)


def test_wrong_input_is_refused():
    values = drawn(9, 0.0)
    for margin in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="margin"):
            harm(values, margin, 0.05)
    with pytest.raises(ValueError, match="sessions a year"):
        harm(values, 0.5, 0.05, periods_per_year=0)
    with pytest.raises(ValueError, match="alpha"):
        harm(values, 0.5, 0.0)
