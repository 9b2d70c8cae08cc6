"""Two distributions on the same cells."""

import numpy as np
import pytest

from shadowbook.core.drift.overlays import N_CELLS, TAIL, overlay


def test_shares_of_both_samples_in_the_same_cells():
    rng = np.random.default_rng(1)
    reference, current = rng.normal(size=(300, 5)), rng.normal(2.0, 1.0, size=(30, 5))
    found = overlay("momentum", 21, reference, current)
    assert (found.column, found.window) == ("momentum", 21)
    assert len(found.edges) == N_CELLS + 1
    assert np.diff(found.edges) == pytest.approx(np.ptp(found.edges) / N_CELLS)
    assert found.edges[0] == np.quantile(reference, TAIL)
    assert found.edges[-1] == np.quantile(current, 1 - TAIL)
    for shares, sample in ((found.reference, reference), (found.current, current)):
        assert len(shares) == N_CELLS
        assert shares.sum() == pytest.approx(1.0)
        inner = np.histogram(sample, found.edges[1:-1])[0] / sample.size
        assert shares[1:-2].tolist() == inner[:-1].tolist()
        assert shares[0] == np.mean(sample < found.edges[1])
        assert shares[-1] == np.mean(sample >= found.edges[-2])


def test_values_that_are_not_finite_are_left_out():
    reference, current = np.arange(100.0), np.arange(50.0, 90.0)
    plain = overlay("a", 5, reference, current)
    holes = overlay("a", 5, np.append(reference, [np.nan, np.inf]), np.append(-np.inf, current))
    assert holes.edges.tolist() == plain.edges.tolist()
    assert holes.reference.tolist() == plain.reference.tolist()
    assert holes.current.tolist() == plain.current.tolist()


@pytest.mark.parametrize("value", [0.0, 3.0, -250.0, 1e-12, 1e12])
def test_a_constant_lies_in_the_middle(value):
    found = overlay("a", 5, np.full(30, value), np.full(7, value))
    assert found.edges[0] < value < found.edges[-1]
    assert (np.diff(found.edges) > 0).all()
    for shares in (found.reference, found.current):
        assert shares.max() == 1.0
        assert shares.sum() == 1.0
        assert found.edges[shares.argmax()] <= value <= found.edges[shares.argmax() + 1]


def test_two_constants_lie_apart():
    found = overlay("a", 5, np.full(30, 1.0), np.full(7, 2.0))
    assert (found.edges[0], found.edges[-1]) == (1.0, 2.0)
    assert (found.reference[0], found.current[-1]) == (1.0, 1.0)


@pytest.mark.parametrize("empty", [[], [np.nan, np.inf]])
def test_a_sample_without_values_has_no_picture(empty):
    assert overlay("a", 5, np.array(empty), np.arange(5.0)) is None
    assert overlay("a", 5, np.arange(5.0), np.array(empty)) is None
