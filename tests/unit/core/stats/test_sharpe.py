import math

import numpy as np
import pytest

from shadowbook.core.stats.sharpe import (
    annualization_factor,
    sharpe_and_influence,
    sharpe_standard_error,
)


def test_influence_is_what_one_more_observation_does():
    """Against the definition: the derivative of the ratio when a session's weight grows."""
    returns = np.random.default_rng(0).normal(0.001, 0.01, 2_000)
    _, influence = sharpe_and_influence(returns)
    weights = np.full(2_000, 1.0 / 2_000)
    for at in (0, 7, 1_999):
        step = 1e-6
        moved = weights * (1.0 - step)
        moved[at] += step
        mean = float(moved @ returns)
        ratio = mean / np.sqrt(float(moved @ (returns - mean) ** 2))
        start = returns.mean() / returns.std()
        assert influence[at] == pytest.approx((ratio - start) / step, rel=2e-3)


@pytest.mark.parametrize("returns", [[], [0.01], [0.01] * 50])
def test_what_does_not_vary_has_no_ratio(returns):
    ratio, influence = sharpe_and_influence(np.array(returns))
    assert np.isnan(ratio)
    assert len(influence) == len(returns)
    assert np.isnan(influence).all()


def test_standard_error_of_the_published_case():
    """Bailey & Lopez de Prado (2012): 134 months, published as 0.1028."""
    found = sharpe_standard_error(0.7079, 134, -0.225, 2.957)
    assert found == pytest.approx(0.10276082308007262, rel=1e-9)


@pytest.mark.parametrize("sharpe", [0.0, 0.1, -2.0])
def test_without_moments_it_is_lo(sharpe):
    expected = math.sqrt((1.0 + sharpe**2 / 2.0) / 60)
    assert sharpe_standard_error(sharpe, 60, ddof=0) == pytest.approx(expected, rel=1e-14)


def test_standard_error_is_that_of_simulated_ratios():
    rng = np.random.default_rng(1)
    returns = rng.exponential(0.01, (4_000, 500)) - 0.008  # skew 2, kurtosis 9
    ratios = returns.mean(axis=1) / returns.std(axis=1, ddof=1)
    found = sharpe_standard_error(0.2, 500, 2.0, 9.0)
    assert ratios.std() == pytest.approx(found, rel=0.05)
    assert sharpe_standard_error(0.2, 500) > 1.15 * found  # the skew is no detail


@pytest.mark.parametrize(
    "given",
    [
        (0.1, 1),
        (0.1, 0),
        (math.nan, 100),
        (math.inf, 100),
        (0.1, 100, 0.0, 0.5),
        (2.0, 100, 3.0, 3.0),
        (0.1, 100, math.nan),
    ],
)
def test_impossible_moments_and_too_few_observations_have_no_error(given):
    assert math.isnan(sharpe_standard_error(*given))


@pytest.mark.parametrize(
    ("rho", "expected"),
    [
        (0.9, 1.2070375285423405),
        (0.5, 2.12128797552083),
        (0.2, 2.87884869052744),
        (0.1, 3.160110974295498),
        (0.0, 3.464101615137755),
        (-0.1, 3.7978732284797094),
        (-0.2, 4.170848014103785),
        (-0.5, 5.692169273215387),
    ],
)
def test_annualization_of_months_is_lo(rho, expected):
    assert annualization_factor(12, rho) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("given", [(0,), (-3,), (math.nan,), (12, 1.0), (12, -1.0), (12, math.nan)])
def test_no_annualization_out_of_range(given):
    assert math.isnan(annualization_factor(*given))
