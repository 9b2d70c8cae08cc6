"""Counting in cells: against numpy and a plain loop, and against the distances of raw samples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from shadowbook.core.drift import psi
from shadowbook.core.drift.cells import cells_of
from shadowbook.core.drift.distributions import ordered
from shadowbook.core.drift.grid import HEAVY, counts_of, distances, grid_of

GRID_LOSS = 0.01 + HEAVY

VALUES = st.integers(-3, 3).map(float) | st.floats(-4, 4, width=16)
WILD = VALUES | st.sampled_from([math.nan, math.inf, -math.inf])


def measured(reference, current, n_bins=10):
    """Both distances of raw samples by way of the grid."""
    grid = grid_of(ordered(reference), n_bins)
    before, after = (counts_of(grid, one[None, :])[0, :-1] for one in (reference, current))
    ks, index = distances(grid, before, after)
    return float(ks), float(index)


def naive(grid, values, present):
    """Counted value by value."""
    found = np.zeros((len(values), grid.size + 1))
    for t, row in enumerate(values):
        for value, there in zip(row, present[t], strict=True):
            if there:
                cell = sum(edge <= value for edge in grid.edges)
                found[t, cell if math.isfinite(value) else grid.size] += 1
    return found


def naive_distance(reference, current):
    """The largest gap of two distribution functions, value by value."""
    points = np.concatenate([reference, current])
    return max(abs((reference <= x).mean() - (current <= x).mean()) for x in points)


def test_cells_of_a_continuous_reference_are_numpys_percentiles():
    sample = ordered(np.random.default_rng(1).normal(size=1000))
    grid = grid_of(sample, 10)
    percentiles = np.quantile(sample, np.arange(1, 100) / 100)
    # The tenths are percentiles too, up to the last bit, so some are there twice.
    np.testing.assert_allclose(np.unique(grid.edges.round(9)), percentiles, atol=1e-9)
    middles = (grid.edges[:-1] + grid.edges[1:]) / 2
    tenths = np.searchsorted(cells_of(sample, 10).edges, middles, side="right")
    assert grid.group.tolist() == [0, *tenths, 9]
    bounds = np.concatenate([[-np.inf], grid.edges, [np.inf]])
    other = np.random.default_rng(2).normal(0.3, 2.0, size=(40, 7))
    for row, counted in zip(other, counts_of(grid, other), strict=True):
        inside = np.histogram(np.clip(row, -50, 50), np.clip(bounds, -50, 50))[0]
        assert counted.tolist() == [*inside, 0]


def test_a_few_values_have_a_cell_each_and_the_rest_one_group():
    grid = grid_of(np.array([0.0, 0.0, 1.0, 2.0]), 3)
    assert grid.group.tolist() == [3, 0, 3, 1, 3, 2, 3]
    row = np.array([[-1.0, 0.0, 0.0, 0.5, 1.0, 1.0 + 1e-9, 2.0, 2.1, np.nan]])
    assert counts_of(grid, row).tolist() == [[1, 2, 1, 1, 1, 1, 1, 1]]


@given(st.lists(VALUES, min_size=1, max_size=60), st.sampled_from([2, 5, 10]))
def test_the_coarse_cells_are_found_again(reference, n_bins):
    sample = ordered(np.array(reference))
    found, wanted = grid_of(sample, n_bins).coarse, cells_of(sample, n_bins)
    assert found.discrete is wanted.discrete
    assert found.edges.tolist() == wanted.edges.tolist()


def test_neighbors_among_the_floats_keep_their_own_cells():
    near = np.nextafter(1.0, 2.0)
    ks, index = measured(np.array([1.0, near] * 5), np.array([near] * 10))
    assert ks == 0.5
    assert index == pytest.approx(psi([1.0, near] * 5, [near] * 10), abs=1e-12)


def test_a_value_on_an_edge_lies_above_it():
    grid = grid_of(np.arange(101.0), 4)
    at = grid.edges.tolist().index(50.0)
    row = np.array([[np.nextafter(50.0, 0.0), 50.0, 50.0, np.nextafter(50.0, 99.0)]])
    counted = counts_of(grid, row)[0]
    assert np.flatnonzero(counted).tolist() == [at, at + 1]
    assert counted[[at, at + 1]].tolist() == [1, 3]
    assert (grid.group[at], grid.group[at + 1]) == (1, 2)


@pytest.mark.parametrize("reference", [[0.0, 1.0], list(np.linspace(-2, 2, 30))])
@settings(max_examples=60)
@given(
    cells=st.lists(st.tuples(WILD, st.booleans()), min_size=6, max_size=6),
)
def test_counts_are_those_of_a_loop(reference, cells):
    grid = grid_of(np.array(reference), 10)
    values = np.array([value for value, _ in cells]).reshape(3, 2)
    present = np.array([there for _, there in cells]).reshape(3, 2)
    counted = counts_of(grid, values, present)
    assert counted.dtype == np.float32
    assert counted.tolist() == naive(grid, values, present).tolist()
    everywhere = np.ones((3, 2), dtype=bool)
    assert counts_of(grid, values).tolist() == naive(grid, values, everywhere).tolist()


def test_what_is_not_finite_is_missing_and_what_is_absent_is_nothing():
    grid = grid_of(np.array([0.0, 1.0]), 10)
    values = np.array([[np.nan, np.inf, -np.inf, 1.0], [np.nan, 0.0, 1.0, np.nan]])
    assert counts_of(grid, values)[:, -1].tolist() == [3, 2]
    present = np.array([[True, False, True, True], [False, True, False, False]])
    assert counts_of(grid, values, present).tolist() == [[0, 0, 0, 1, 0, 2], [0, 1, 0, 0, 0, 0]]


@settings(max_examples=150)
@given(
    st.lists(VALUES, min_size=1, max_size=60),
    st.lists(VALUES, min_size=1, max_size=40),
    st.sampled_from([2, 5, 10]),
)
def test_distances_are_those_of_the_samples(reference, current, n_bins):
    before, after = np.array(reference), np.array(current)
    ks, index = measured(before, after, n_bins)
    assert index == pytest.approx(psi(before, after, n_bins), abs=1e-6)
    exact = naive_distance(before, after)
    assert ks <= exact + 1e-6
    if cells_of(ordered(before), n_bins).discrete:
        assert ks == pytest.approx(exact, abs=1e-6)


def shapes():
    rng = np.random.default_rng(3)
    normal = rng.normal(size=6000)
    inflated = np.where(rng.random(6000) < 0.5, 0.0, np.abs(normal))
    mostly = np.where(rng.random(6000) < 0.995, 0.0, np.abs(normal))
    clipped = np.clip(normal, -9.0, -0.5)
    tall = np.where(rng.random(6000) < 0.015, 0.0, normal)
    return [normal, rng.standard_cauchy(6000), inflated, mostly, -mostly, clipped, tall]


@pytest.mark.parametrize("shape", range(7))
@pytest.mark.parametrize("change", ["same", "moved", "wider", "behind", "above", "below"])
def test_hardly_any_of_the_largest_distance_is_lost(shape, change):
    reference = shapes()[shape]
    draw = np.random.default_rng(shape).choice(reference, 900)
    current = {
        "same": draw,
        "moved": draw + 0.3,
        "wider": draw * 1.5,
        "behind": np.nextafter(draw, np.inf),
        "above": np.full(900, reference.max() + 1.0),
        "below": np.full(900, reference.min() - 1.0),
    }[change]
    ks, index = measured(reference, current)
    exact = ks_2samp(reference, current, method="asymp").statistic
    assert exact - GRID_LOSS - 1 / 6000 <= ks <= exact + 1e-6
    assert index == pytest.approx(psi(reference, current), abs=1e-6)


def test_a_heavy_value_hides_nothing_that_lies_behind_it():
    reference = np.array([0.0] * 500 + list(np.arange(1.0, 501.0)))
    assert measured(reference, np.where(reference == 0.0, 0.001, reference))[0] == 0.5


def test_many_samples_at_once_are_each_alone():
    rng = np.random.default_rng(5)
    sample = rng.normal(size=400)
    grid = grid_of(ordered(sample), 10)
    reference = counts_of(grid, rng.normal(size=(3, 300)))[:, :-1]
    current = counts_of(grid, rng.normal(0.4, 1.0, size=(6, 50)))[:, :-1].reshape(3, 2, -1)
    ks, index = distances(grid, reference[:, None], current)
    assert ks.shape == index.shape == (3, 2)
    for at in np.ndindex(3, 2):
        alone = distances(grid, reference[at[0]], current[at])
        assert (ks[at], index[at]) == (float(alone[0]), float(alone[1]))


def test_a_side_without_values_has_no_distance():
    grid = grid_of(np.array([0.0, 1.0]), 10)
    some, none = counts_of(grid, np.array([[0.0, 1.0], [np.nan, np.inf]]))[:, :-1]
    for pair in ((some, none), (none, some), (none, none)):
        assert [bool(np.isnan(one)) for one in distances(grid, *pair)] == [True, True]
    both = distances(grid, np.stack([some, some]), np.stack([some, none]))
    assert both[0][0] == both[1][0] == 0.0
    assert np.isnan([both[0][1], both[1][1]]).all()


def test_an_empty_cell_counts_half_an_observation():
    ks, index = measured(np.array([0.0, 1.0]), np.array([5.0, 5.0, 5.0, 5.0]))
    # Cells 0, 1 and all else: shares 1/2, 1/2, 1/4 against 1/8, 1/8, 1.
    expected = 2 * (1 / 8 - 1 / 2) * math.log(1 / 4) + (1 - 1 / 4) * math.log(4)
    assert ks == 1.0
    assert index == pytest.approx(expected, abs=1e-12)


def test_counts_stay_whole_at_the_size_of_a_universe():
    grid = grid_of(np.array([0.0, 1.0]), 10)
    counted = counts_of(grid, np.zeros((2000, 500)))
    assert counted.sum() == 1_000_000
    assert np.cumsum(counted, axis=0)[-1].max() == 1_000_000
