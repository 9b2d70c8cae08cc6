import math

import numpy as np
import pytest
import statsmodels.api as sm

from shadowbook.core.stats.change_point import change_point, linear_trend
from shadowbook.core.stats.hac import bandwidth, small_sample_factor


def autocorrelated(rng, n, memory=0.4):
    values = rng.normal(size=n)
    for t in range(1, n):
        values[t] += memory * values[t - 1]
    return values


def test_a_planted_change_is_found_where_it_is():
    rng = np.random.default_rng(1)
    values = autocorrelated(rng, 400) + np.where(np.arange(400) < 250, 0.0, 1.5)
    values[[3, 260]] = np.nan
    found = change_point(values)
    assert abs(found.position - 250) < 15
    assert found.shift == pytest.approx(1.5, abs=0.4)
    assert found.p_value < 0.01


def test_change_point_seldom_finds_what_is_not_there():
    rng = np.random.default_rng(2)
    found = [change_point(autocorrelated(rng, 252)).p_value for _ in range(400)]
    assert 0.005 < np.mean(np.array(found) < 0.05) < 0.09


def test_trend_equals_statsmodels():
    values = autocorrelated(np.random.default_rng(3), 300) + np.linspace(1.0, 0.0, 300)
    lags = bandwidth(300)
    fit = sm.OLS(values, sm.add_constant(np.arange(300.0))).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    line = linear_trend(values)
    assert line.change == pytest.approx(fit.params[1] * 299.0)
    stretch = small_sample_factor(300, lags)
    assert line.change_error == pytest.approx(fit.bse[1] * 299.0 * stretch)
    assert line.level == pytest.approx(values.mean())


def test_too_few_values_and_constants_are_not_computable():
    assert change_point(np.arange(19.0)).position == -1
    assert math.isnan(change_point(np.full(50, 0.1)).p_value)
    assert math.isnan(linear_trend(np.full(50, np.nan)).level)
    assert math.isnan(linear_trend(np.arange(9.0)).change)
