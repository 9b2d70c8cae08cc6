import numpy as np
import pytest
from scipy.stats import skew

from shadowbook.core.promotion.running_moments import lags_at, running_moments


def prewhitened(values, lags):
    """Make the residuals and weigh their autocovariances: the same up to the ends of the series."""
    n = len(values)
    deviations = values - values.mean()
    r = np.sum(deviations[1:] * deviations[:-1]) / np.sum(deviations**2)
    r += (1 + 4 * r) / n
    residuals = deviations[1:] - r * deviations[:-1]
    total = np.sum(residuals**2)
    for lag in range(1, lags + 1):
        total += 2 * (1 - lag / (lags + 1)) * np.sum(residuals[lag:] * residuals[:-lag])
    return total / len(residuals) / (1 - r) ** 2


def test_long_run_variance_is_that_of_residuals_up_to_the_ends():
    rng = np.random.default_rng(1)
    values = np.convolve(rng.normal(size=2004), np.ones(5), mode="valid")
    found = running_moments(values, 21)
    for t in (500, 2000):
        expected = prewhitened(values[:t], int(lags_at(np.array([t]))[0]))
        assert found.long_run_variance[t - 1] == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize(("phi", "tolerance"), [(0.0, 0.06), (0.3, 0.06), (0.5, 0.08)])
def test_long_run_variance_of_an_autoregression_is_the_true_one(phi, tolerance):
    rng = np.random.default_rng(2)
    values = rng.normal(size=(300, 1000))
    for i in range(1, 1000):
        values[:, i] += phi * values[:, i - 1]
    found = running_moments(values[:, 200:], 21).long_run_variance[:, -1].mean()
    assert found == pytest.approx(1.0 / (1.0 - phi) ** 2, rel=tolerance)


def test_mean_variance_and_skewness_are_those_of_the_values_so_far():
    values = 50.0 + np.random.default_rng(3).gamma(2.0, size=(2, 80))
    found = running_moments(values, 21)
    for t in (21, 50, 80):
        so_far = values[:, :t]
        assert found.mean[:, t - 1] == pytest.approx(so_far.mean(axis=1), rel=1e-12)
        assert found.skewness[:, t - 1] == pytest.approx(skew(so_far, axis=1), rel=1e-9)
        assert found.variance[:, t - 1] == pytest.approx(so_far.var(axis=1, ddof=1), rel=1e-9)
        assert (found.long_run_variance[:, t - 1] >= so_far.var(axis=1, ddof=1) * (1 - 1e-9)).all()
    assert np.isnan(found.long_run_variance[:, :20]).all()


def test_the_plain_variance_is_the_least():
    values = np.tile([1.0, -1.0], 50)
    assert running_moments(values, 21).long_run_variance[-1] == pytest.approx(100 / 99)


def test_values_that_do_not_vary_have_no_variance():
    found = running_moments(np.full(40, 0.1), 21)
    assert np.isnan(found.long_run_variance).all()
    assert np.isnan(found.skewness).all()
    assert found.mean == pytest.approx(np.full(40, 0.1))
