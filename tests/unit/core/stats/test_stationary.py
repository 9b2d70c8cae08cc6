"""Resampled means without samples: against samples row by row, their law, and arch's variance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.stats.batches import batches
from shadowbook.core.stats.stationary import (
    small_sample,
    stationary_counts,
    stationary_means,
    stationary_variance,
)


def by_hand(values, mean_block, batch):
    """Politis and Romano's recipe, a row at a time, from the same random numbers."""
    rng = np.random.default_rng(batch.seed)
    n = len(values)
    expected = n / mean_block
    shape = batch.size, int(np.ceil(expected + 6.0 * np.sqrt(expected))) + 6
    scale = -1.0 / np.log1p(-1.0 / mean_block)
    lengths = np.floor(rng.standard_exponential(shape) * scale).astype(int) + 1
    starts = rng.integers(0, n, size=shape)
    means = []
    for sample_lengths, sample_starts in zip(lengths, starts, strict=True):
        rows = []
        for length, start in zip(sample_lengths, sample_starts, strict=True):
            rows += [(start + step) % n for step in range(length)]
        assert len(rows) >= n
        means.append(values[rows[:n]].mean(axis=0))
    return np.array(means)


@pytest.mark.parametrize(("n", "mean_block"), [(7, 2.0), (50, 10.0), (50, 1.5), (30, 100.0)])
def test_means_are_those_of_samples_made_row_by_row(n, mean_block):
    values = np.random.default_rng(n).normal(3.0, 1.0, size=(n, 3))
    found = stationary_means(values, mean_block, 300, np.random.default_rng(1))
    expected = [
        by_hand(values, mean_block, batch) for batch in batches(300, np.random.default_rng(1))
    ]
    np.testing.assert_allclose(found, np.concatenate(expected) - values.mean(axis=0), atol=1e-12)


@given(st.integers(1, 40), st.floats(1.0, 60.0), st.integers(0, 2**32 - 1))
def test_every_sample_has_as_many_rows_as_the_series(n, mean_block, seed):
    batch = batches(20, np.random.default_rng(seed))[0]
    counts = stationary_counts(n, mean_block, batch)
    assert counts.shape == (20, n)
    assert counts.min() >= 0.0
    assert counts.sum(axis=1).tolist() == [float(n)] * 20


def test_a_block_of_one_is_the_plain_bootstrap():
    counts = stationary_counts(10, 1.0, batches(20_000, None)[0]._replace(rows=slice(0, 20_000)))
    assert counts.mean(axis=0) == pytest.approx(np.ones(10), abs=0.03)
    assert counts.var(axis=0) == pytest.approx(np.full(10, 0.9), abs=0.04)


def test_more_blocks_are_drawn_where_they_do_not_suffice(monkeypatch):
    import shadowbook.core.stats.stationary as module

    drawn = []
    real = module._geometric

    def short(rng, mean, shape, most):
        drawn.append(shape)
        return np.ones_like(real(rng, mean, shape, most))

    monkeypatch.setattr(module, "_geometric", short)
    counts = stationary_counts(100, 50.0, batches(3, None)[0])
    assert len(drawn) > 1
    assert counts.sum(axis=1).tolist() == [100.0] * 3


def test_the_variance_is_that_of_the_resampled_means():
    rng = np.random.default_rng(8)
    values = np.cumsum(rng.normal(size=(60, 2)), axis=0)
    means = stationary_means(values, 6.0, 40_000, rng)
    assert 60 * means.var(axis=0) == pytest.approx(stationary_variance(values, 6.0), rel=0.03)
    assert means.mean(axis=0) == pytest.approx(np.zeros(2), abs=0.05)


@pytest.mark.parametrize("n", [2, 9, 64, 251])
def test_the_variance_is_the_sum_of_the_paper(n):
    x = np.random.default_rng(n).normal(size=n).cumsum()
    deviations, q = x - x.mean(), 1.0 / 7.0
    expected = np.mean(deviations**2)
    for i in range(1, n):
        weight = (1 - i / n) * (1 - q) ** i + i / n * (1 - q) ** (n - i)
        expected += 2.0 * weight * np.sum(deviations[i:] * deviations[:-i]) / n
    assert stationary_variance(x[:, None], 7.0)[0] == pytest.approx(expected, rel=1e-10)


def test_the_variance_is_archs():
    """SPA(..., block_size=10)._loss_diff_var of arch 8.0.0; importing arch takes seconds."""
    x = np.random.default_rng(3).normal(size=(500, 3)).cumsum(axis=0)
    expected = [662.2566784467299, 2886.449025642121, 327.12112517710636]
    assert stationary_variance(x, 10.0) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("mean_block", [1.0, 5.0, 10.0])
def test_what_a_finite_sample_lacks(mean_block):
    """White noise has variance 1: what is found of it, and how it spreads, over many samples."""
    values = np.random.default_rng(1).normal(size=(400, 4_000))
    found = stationary_variance(values, mean_block)
    shrinkage, freedom = small_sample(400, mean_block)
    assert shrinkage**2 == pytest.approx(found.mean(), abs=0.005)
    assert 2.0 / freedom == pytest.approx(found.var(), rel=0.15)


def test_a_constant_column_has_no_variance():
    assert stationary_variance(np.full((20, 1), 0.1), 5.0)[0] == pytest.approx(0.0, abs=1e-30)


@pytest.mark.parametrize("mean_block", [0.9, np.nan, np.inf, -3.0])
def test_impossible_blocks_are_refused(mean_block):
    with pytest.raises(ValueError, match="mean block"):
        stationary_means(np.ones((5, 1)), mean_block, 10, None)
    with pytest.raises(ValueError, match="mean block"):
        stationary_variance(np.ones((5, 1)), mean_block)
