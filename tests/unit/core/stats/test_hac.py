import numpy as np
import pytest
import statsmodels.api as sm

from shadowbook.core.stats.hac import (
    bandwidth,
    long_run_variance,
    mean_standard_error,
    small_sample_factor,
)


def test_long_run_variance_by_hand():
    # deviations 1, -1, 1, -1: gamma_0 = 1, gamma_1 = -3/4; weight of one lag of one: 1/2
    values = np.array([3.0, 1.0, 3.0, 1.0])
    assert long_run_variance(values, 1) == pytest.approx(1.0 - 0.75)


@pytest.mark.parametrize("lags", [0, 4, 12, 60])
def test_standard_error_of_the_mean_equals_statsmodels(lags):
    rng = np.random.default_rng(3)
    values = np.convolve(rng.normal(size=400), np.ones(5), mode="valid") + 0.2
    fit = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    assert mean_standard_error(values, lags) == pytest.approx(fit.bse[0], rel=1e-12)


def test_without_lags_it_is_the_usual_error_of_the_mean():
    values = np.random.default_rng(5).normal(size=100)
    assert mean_standard_error(values, 0) == pytest.approx(values.std(ddof=0) / 10.0)


def test_bandwidth_grows_with_the_overlap_and_never_exceeds_the_series():
    assert bandwidth(10_000, 5) == 130
    assert bandwidth(100, 5) == 15
    assert bandwidth(10, 21) == 9
    assert bandwidth(0) == 0


def test_too_short_series_have_no_error():
    assert np.isnan(long_run_variance(np.array([1.0]), 0))
    assert np.isnan(mean_standard_error(np.array([]), 0))


def test_error_respects_overlap_where_the_usual_one_does_not():
    rng = np.random.default_rng(8)
    means, errors, usual = [], [], []
    for _ in range(300):
        values = np.convolve(rng.normal(size=1_004), np.ones(5) / 5.0, mode="valid")
        means.append(values.mean())
        errors.append(mean_standard_error(values, bandwidth(len(values), 5)))
        usual.append(values.std() / np.sqrt(len(values)))
    spread = np.std(means)
    assert np.mean(errors) == pytest.approx(spread, rel=0.12)
    assert np.mean(usual) < 0.55 * spread


def test_stretched_errors_reject_a_true_null_one_time_in_twenty():
    rng = np.random.default_rng(12)
    values = rng.normal(size=(2_000, 200))
    lags = 39
    ratios = np.array([abs(v.mean()) / mean_standard_error(v, lags) for v in values])
    assert (ratios > 1.96).mean() > 0.08
    assert (ratios > 1.96 * small_sample_factor(200, lags)).mean() == pytest.approx(0.05, abs=0.012)
