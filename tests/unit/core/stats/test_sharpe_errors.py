"""Errors of Sharpe differences: the authors' figures and their R code written out in numpy."""

import json
from pathlib import Path

import numpy as np
import pytest

from shadowbook.core.stats.sharpe_errors import (
    andrews_bandwidth,
    hac_standard_error,
    influence_on_sharpe,
    memmel_standard_error,
    prewhitened_standard_error,
)

GOLDEN = json.loads(
    (Path(__file__).parents[3] / "golden" / "ledoit_wolf_sharpe_difference.json").read_text()
)
FUNDS = np.array(GOLDEN["returns"]).T
EXPECTED = GOLDEN["expected"]


def returns(rho, n, seed):
    e = np.random.default_rng(seed).standard_t(5, size=(3, n))
    x = rho**0.5 * e[0] + (1.0 - rho) ** 0.5 * e[1:]
    for at in range(1, n):
        x[:, at] += 0.3 * x[:, at - 1]
    return 0.01 * x + 0.001


def by_the_authors(a, b):
    """Wolf's compute.se.Parzen: covariance matrix of four moments, and a gradient."""
    n = len(a)
    first, second = a.mean(), b.mean()
    first2, second2 = np.mean(a * a), np.mean(b * b)
    one, other = (first2 - first**2) ** 1.5, (second2 - second**2) ** 1.5
    gradient = np.array([first2 / one, -second2 / other, -0.5 * first / one, 0.5 * second / other])
    v = np.column_stack([a - first, b - second, a * a - first2, b * b - second2])
    above = below = 0.0
    for x in v.T:
        design = np.column_stack([np.ones(n - 1), x[:-1]])
        fit, rest, *_ = np.linalg.lstsq(design, x[1:], rcond=None)
        variance = rest[0] / (n - 1)
        above += 4.0 * fit[1] ** 2 * variance**2 / (1.0 - fit[1]) ** 8
        below += variance**2 / (1.0 - fit[1]) ** 4
    width = 2.6614 * (above / below * n) ** 0.2
    psi, lag = v.T @ v / n, 1
    while lag < width:
        x = lag / width
        weight = 1 - 6 * x**2 + 6 * x**3 if x <= 0.5 else 2 * (1 - x) ** 3
        gamma = v[lag:].T @ v[:-lag] / n
        psi, lag = psi + weight * (gamma + gamma.T), lag + 1
    return np.sqrt(gradient @ psi @ gradient / (n - 4.0))


def test_the_two_funds():
    assert memmel_standard_error(*FUNDS) == pytest.approx(EXPECTED["jk_memmel_se"], rel=1e-12)
    assert hac_standard_error(*FUNDS) == pytest.approx(EXPECTED["hac_se"], abs=1e-7)
    # Not their procedure (four moments prewhitened together), but the same error in practice.
    assert prewhitened_standard_error(*FUNDS) == pytest.approx(EXPECTED["hacpw_se"], abs=1e-4)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("n", [30, 252])
def test_it_is_the_authors_code(rho, n):
    for seed in range(5):
        a, b = returns(rho, n, seed)
        assert hac_standard_error(a, b) == pytest.approx(by_the_authors(a, b), rel=1e-9)
        a, b = 100.0 * a, 100.0 * b
        assert hac_standard_error(a, b) == pytest.approx(by_the_authors(a, b), rel=1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.99, 0.999999])
def test_memmels_formula(rho):
    a, b = returns(rho, 200, 3)
    first, second = a.mean() / a.std(ddof=1), b.mean() / b.std(ddof=1)
    r = np.corrcoef(a, b)[0, 1]
    v = 2 - 2 * r + 0.5 * (first**2 + second**2 - 2 * first * second * r**2)
    assert memmel_standard_error(a, b) == pytest.approx(np.sqrt(v / 200), rel=1e-7)


@pytest.mark.parametrize("error", [memmel_standard_error, prewhitened_standard_error])
def test_errors_have_no_unit(error):
    a, b = returns(0.7, 252, 1)
    assert error(100.0 * a, 3.0 * b) == pytest.approx(error(a, b), rel=1e-9)


@pytest.mark.parametrize(
    "error", [memmel_standard_error, hac_standard_error, prewhitened_standard_error]
)
def test_the_order_of_the_two_does_not_matter(error):
    a, b = returns(0.7, 252, 1)
    assert error(b, a) == pytest.approx(error(a, b), rel=1e-12)


def test_errors_are_the_spread_of_the_difference():
    found = []
    for seed in range(600):
        a, b = returns(0.9, 500, seed)
        difference = a.mean() / a.std() - b.mean() / b.std()
        found.append([difference, hac_standard_error(a, b), prewhitened_standard_error(a, b)])
    differences, hac, prewhitened = np.array(found).T
    assert hac.mean() == pytest.approx(differences.std(), rel=0.1)
    assert prewhitened.mean() == pytest.approx(differences.std(), rel=0.08)


def test_influence_is_the_derivative_of_the_ratio():
    a, _ = returns(0.0, 40, 2)
    for at in (0, 7, 39):
        weights = np.full(40, 1.0 / 40.0)
        step = 1e-6
        weights *= 1.0 - step
        weights[at] += step
        mean = weights @ a
        ratio = mean / np.sqrt(weights @ (a - mean) ** 2)
        slope = (ratio - a.mean() / a.std()) / step
        assert influence_on_sharpe(a)[at] == pytest.approx(slope, rel=1e-4)


def test_series_without_a_next_value_to_explain_have_no_bandwidth():
    assert andrews_bandwidth([np.ones(10)]) == 0.0
    own = andrews_bandwidth([FUNDS[0]])
    assert andrews_bandwidth([np.ones(120), FUNDS[0]]) == pytest.approx(own)


def test_a_random_walk_has_a_bandwidth():
    walk = np.random.default_rng(0).normal(size=500).cumsum()
    assert 0.0 < andrews_bandwidth([walk]) < 500.0
