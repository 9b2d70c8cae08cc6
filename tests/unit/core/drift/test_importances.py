import numpy as np
import pytest

from shadowbook.core.drift.importances import drawn_means


@pytest.mark.parametrize(("length", "block"), [(7, 3), (30, 4), (5, 9), (12, 1)])
def test_samples_are_blocks_of_the_circle(length, block):
    values = np.random.default_rng(2).normal(size=(12, 1))
    found = drawn_means(values, length, block, 400, np.random.default_rng(1))
    rng = np.random.default_rng(1)
    size = min(block, length)
    whole = rng.integers(0, 12, (400, length // size))
    rest = rng.integers(0, 12, (400, 1)) if length % size else whole[:, :0]
    for draw in range(0, 400, 57):
        picked = [(start + i) % 12 for start in whole[draw] for i in range(size)]
        picked += [(start + i) % 12 for start in rest[draw] for i in range(length % size)]
        assert len(picked) == length
        assert found[draw, 0] == pytest.approx(values[picked, 0].mean(), abs=1e-14)


def test_columns_share_their_draws():
    values = np.random.default_rng(2).normal(size=(40, 3))
    values[:, 2] = values[:, 0] - 2.0 * values[:, 1]
    found = drawn_means(values, 25, 4, 300, np.random.default_rng(1))
    np.testing.assert_allclose(found[:, 2], found[:, 0] - 2.0 * found[:, 1], atol=1e-13)


def test_many_draws_are_made_in_parts(monkeypatch):
    values = np.random.default_rng(2).normal(size=(200, 2))
    monkeypatch.setattr("shadowbook.core.drift.importances._DRAWS", 1)
    found = drawn_means(values, 200, 1, 2000, np.random.default_rng(1))
    np.testing.assert_allclose(found.mean(axis=0), values.mean(axis=0), atol=0.01)
    expected = values.std(axis=0) / np.sqrt(200)
    np.testing.assert_allclose(found.std(axis=0), expected, rtol=0.08)
