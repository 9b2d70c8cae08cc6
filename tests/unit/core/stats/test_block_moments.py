import numpy as np
import pytest

from shadowbook.core.stats.block_moments import circular_block_moments
from shadowbook.core.stats.resampling import circular_block_indices


@pytest.mark.parametrize(("n", "block"), [(60, 6), (60, 1), (61, 7), (5, 5), (40, 23)])
def test_moments_are_those_of_the_samples_themselves(n, block):
    """The same law as samples that are made row by row: compared by their spread."""
    values = np.random.default_rng(0).normal(0.1, 1.0, n).cumsum()
    means, deviations = circular_block_moments(values, block, 20_000, np.random.default_rng(1))
    rows = circular_block_indices(n, block, 20_000, np.random.default_rng(2))
    samples = values[rows]
    if block < n:
        assert means.std() == pytest.approx(samples.mean(axis=1).std(), rel=0.03)
        assert deviations.std() == pytest.approx(samples.std(axis=1, ddof=1).std(), rel=0.05)
    error = 5.0 * samples.mean(axis=1).std() / np.sqrt(20_000) + 1e-12
    assert means.mean() == pytest.approx(values.mean(), abs=error)
    assert deviations.mean() == pytest.approx(samples.std(axis=1, ddof=1).mean(), rel=0.01)


def test_blocks_of_the_whole_series_give_the_series_itself():
    values = 1e6 + np.random.default_rng(0).normal(size=30)
    means, deviations = circular_block_moments(values, 30, 50, np.random.default_rng(0))
    np.testing.assert_allclose(means, values.mean(), rtol=1e-15)
    np.testing.assert_allclose(deviations, values.std(ddof=1), rtol=1e-9)


@pytest.mark.parametrize(("n", "block", "samples"), [(1, 1, 1), (5, 0, 1), (5, 6, 1), (5, 2, 0)])
def test_impossible_requests_are_refused(n, block, samples):
    with pytest.raises(ValueError, match="give at least"):
        circular_block_moments(np.arange(float(n)), block, samples, np.random.default_rng(0))
