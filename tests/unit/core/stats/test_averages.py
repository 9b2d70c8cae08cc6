"""Rolling means with gaps, and their errors."""

import numpy as np
import pytest

from shadowbook.core.stats.averages import rolling_mean, rolling_mean_error


def test_rolling_mean_leaves_a_gap_where_nothing_was_measured():
    values = np.arange(10.0)
    values[6] = np.nan

    means = rolling_mean(values, 4)

    assert np.isnan(means[[0, 1, 2, 6]]).all()
    assert means[5] == pytest.approx(np.mean([2, 3, 4, 5]))
    assert means[8] == pytest.approx(np.mean([5, 7, 8]))


def test_rolling_mean_needs_half_of_its_window():
    values = np.array([np.nan, np.nan, np.nan, 1.0, 3.0])

    assert np.isnan(rolling_mean(values, 4)[3])
    assert rolling_mean(values, 4)[4] == 2.0


def test_band_covers_the_true_mean_of_overlapping_coefficients():
    """Sums of 21 shocks, as labels over 21 sessions make them: 1.96 errors cover about 95 %."""
    rng = np.random.default_rng(3)
    window, covered = 252, []
    for _ in range(300):
        shocks = rng.normal(size=2520 + 20)
        values = np.convolve(shocks, np.ones(21) / 21, mode="valid")
        mean = rolling_mean(values, window)[-1]
        error = rolling_mean_error(values, window, overlap=21)[-1]
        covered.append(abs(mean) <= 1.96 * error)

    assert 0.92 <= np.mean(covered) <= 0.98
