"""Distances of samples: published values, a naive twin, and what must not be drift."""

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from shadowbook.core.drift import ks_two_sample, psi, psi_from_proportions
from shadowbook.core.drift.distributions import ks_distance

SAMPLES = st.lists(st.integers(-4, 4) | st.floats(-3, 3, width=16), min_size=1, max_size=40)


def naive(reference, current, n_bins=10):
    """The definition, cell by cell in plain Python."""
    values = sorted(set(reference))
    if len(values) <= n_bins:
        inside = [lambda x, v=v: x == v for v in values] + [lambda x: x not in values]
    else:
        edges = sorted({float(q) for q in np.quantile(reference, np.linspace(0, 1, n_bins + 1))})
        edges[0], edges[-1] = -math.inf, math.inf
        inside = [lambda x, a=a, b=b: a <= x < b for a, b in itertools.pairwise(edges)]
    total = 0.0
    for cell in inside:
        e = (sum(map(cell, reference)) or 0.5) / len(reference)
        a = (sum(map(cell, current)) or 0.5) / len(current)
        total += (a - e) * math.log(a / e)
    return total


def test_the_index_of_published_shares():
    found = psi_from_proportions([0.25] * 4, [0.1, 0.2, 0.3, 0.4])
    assert found == pytest.approx(0.22821740957339182, abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(SAMPLES, SAMPLES, st.integers(2, 12))
def test_the_index_is_its_definition(reference, current, n_bins):
    found = psi(reference, current, n_bins)
    assert found == pytest.approx(naive(reference, current, n_bins), rel=1e-12, abs=1e-15)
    assert found >= 0.0


def test_edges_that_fall_on_one_value_merge():
    rng = np.random.default_rng(0)
    reference = np.where(rng.random(2_000) < 0.7, 0.0, rng.normal(size=2_000))
    current = np.where(rng.random(500) < 0.4, 0.0, rng.normal(size=500))
    assert psi(reference, current) == pytest.approx(naive(list(reference), list(current)))
    assert psi(reference, reference) == 0.0


def test_a_value_beyond_the_reference_hides_nothing():
    rng = np.random.default_rng(1)
    reference, current = rng.normal(size=5_000), rng.normal(0.6, 1.0, size=500)
    plain = psi(reference, current)
    assert psi(reference, [*current[:-1], 1e12]) == pytest.approx(plain, rel=0.05)
    assert psi([*reference[:-1], 1e12], current) == pytest.approx(plain, rel=0.05)


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf])
def test_what_is_missing_neither_makes_nor_hides_drift(missing):
    rng = np.random.default_rng(2)
    reference, current = rng.normal(size=1_000), rng.normal(0.5, 1.0, size=300)
    holes = np.concatenate([current, np.full(100, missing)])
    assert psi(reference, holes) == psi(reference, current)
    whole, found = ks_two_sample(reference, current), ks_two_sample(reference, holes)
    assert (found.statistic, found.p_value) == (whole.statistic, whole.p_value)
    assert (whole.missing_difference, found.missing_difference) == (0.0, 0.25)
    assert ks_two_sample(holes, current).missing_difference == -0.25


def test_published_distances():
    found = ks_two_sample([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
    assert found.statistic == 1.0
    assert found.p_value == pytest.approx(0.007936507936507936, abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(SAMPLES, SAMPLES)
def test_the_distance_is_scipys(reference, current):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = ks_2samp(reference, current)
    found = ks_two_sample(reference, current)
    assert (found.statistic, found.p_value) == (there.statistic, there.pvalue)
    quick = ks_distance(np.sort(np.array(reference, float)), np.sort(np.array(current, float)))
    assert quick == pytest.approx(there.statistic, abs=1e-15)


@pytest.mark.parametrize("decimals", [16, 2, 1, 0])
@pytest.mark.parametrize("seed", range(6))
def test_the_distance_of_long_samples_is_scipys(seed, decimals):
    """Long enough for stretches that are left out, with and without ties."""
    rng = np.random.default_rng(seed)
    reference = np.sort(np.round(rng.normal(size=4_000 + 37 * seed), decimals))
    current = np.sort(np.round(rng.normal(0.05 * seed, 1.0 + 0.1 * seed, 1_500), decimals))
    expected = ks_2samp(reference, current, method="asymp").statistic
    assert ks_distance(reference, current) == pytest.approx(expected, abs=1e-15)
    assert ks_distance(current, reference) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("nothing", [[], [math.nan, math.inf]])
def test_a_sample_without_values_has_no_distance(nothing):
    for samples in ((nothing, [1.0]), ([1.0], nothing)):
        assert math.isnan(psi(*samples))
        found = ks_two_sample(*samples)
        assert found.status == "NOT_COMPUTABLE"
        assert math.isnan(found.statistic)
        assert math.isnan(found.p_value)


def test_a_constant_is_a_value_like_another():
    assert psi([5.0] * 100, [5.0] * 100) == 0.0
    assert ks_two_sample([5.0] * 100, [5.0] * 50)[:2] == (0.0, 1.0)
    assert ks_two_sample([5.0] * 100, [6.0] * 50).statistic == 1.0
    assert psi([5.0] * 100, [6.0] * 100) > 5.0


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="shapes \\(2,\\) and \\(3,\\)"):
        psi_from_proportions([0.5, 0.5], [0.2, 0.3, 0.5])
    with pytest.raises(ValueError, match="not above 0"):
        psi_from_proportions([0.5, 0.5], [0.0, 1.0])
    with pytest.raises(ValueError, match="n_bins is 1"):
        psi([1.0], [1.0], 1)
    with pytest.raises(ValueError, match="shape \\(2, 2\\)"):
        ks_two_sample(np.ones((2, 2)), [1.0])
