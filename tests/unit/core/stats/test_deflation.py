import csv
import gzip
import importlib.metadata
import io
import math

import numpy as np
import pytest
from scipy.special import ndtri

from shadowbook.core.stats.deflation import (
    deflated_distance,
    deflated_sharpe_ratio,
    effective_number_of_trials,
    expected_maximum_sharpe,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
)


@pytest.mark.parametrize(
    ("skew", "kurtosis", "expected"),
    [(0.0, 3.0, 0.9816749190910771), (-2.448, 10.164, 0.913361083860933)],
)
def test_probabilistic_ratio_is_that_of_bailey_and_lopez_de_prado(skew, kurtosis, expected):
    # Bailey & Lopez de Prado (2012): 0.982 and 0.913
    assert probabilistic_sharpe_ratio(0.458, 24, skew, kurtosis) == pytest.approx(
        expected, abs=1e-12
    )


@pytest.mark.parametrize(
    ("n_trials", "variance", "expected"),
    [
        (100, 0.002, 0.11317200186513214),
        (2, 1.0, 0.5197553442805939),
        (10, 1.0, 1.57459830134575),
        (100, 1.0, 2.5306028932016846),
    ],
)
def test_expected_maximum(n_trials, variance, expected):
    assert expected_maximum_sharpe(n_trials, variance) == pytest.approx(expected, abs=1e-12)


def test_expected_maximum_is_near_that_of_simulated_trials():
    best = np.random.default_rng(4).normal(size=(20_000, 100)).max(axis=1).mean()
    assert expected_maximum_sharpe(100, 1.0) == pytest.approx(best, rel=0.02)


def test_deflated_ratio_is_that_of_the_worked_example():
    sharpe = 0.15811388300841897
    found = deflated_sharpe_ratio(sharpe, 1250, -3.0, 10.0, 100, 0.002)
    assert found == pytest.approx(0.9003968344493903, abs=1e-9)
    one = deflated_sharpe_ratio(sharpe, 1250, -3.0, 10.0, 1, 0.002)
    assert one == probabilistic_sharpe_ratio(sharpe, 1250, -3.0, 10.0)


def test_minimum_track_record_length():
    months = minimum_track_record_length(0.7079, -0.225, 2.957)
    assert months == pytest.approx(8.58258833154216, abs=1e-9)
    days = minimum_track_record_length(2.0 / 250**0.5, 0.0, 3.0, 1.0 / 250**0.5)
    assert days / 250.0 == pytest.approx(2.731187801728176, abs=1e-9)


def test_five_years_allow_no_more_than_45_trials():
    """Bailey, Borwein, Lopez de Prado & Zhu (2014): until luck makes a ratio of 1 a year."""
    # In y years a ratio without an edge has variance 1 / y, so luck reaches 1 at y = maximum^2.
    years = expected_maximum_sharpe(45, 1.0) ** 2
    assert years == pytest.approx(4.998087004443404, abs=1e-6)
    assert expected_maximum_sharpe(45, 1.0 / years) == pytest.approx(1.0, abs=1e-12)


def index_returns(first, last):
    """Daily returns of the S&P 500, from the file that skfolio ships."""
    package = importlib.metadata.distribution("skfolio")
    path = str(package.locate_file("skfolio/datasets/data/sp500_index.csv.gz"))
    with gzip.open(path) as file:
        rows = list(csv.reader(io.TextIOWrapper(file, "utf-8")))[1:]
    level = np.array([float(value) for _, value in rows])
    years = np.array([int(day[:4]) for day, _ in rows[1:]])
    return (level[1:] / level[:-1] - 1.0)[(years >= first) & (years <= last)]


def test_ten_years_of_the_index():
    returns = index_returns(2010, 2019)
    standard = (returns - returns.mean()) / returns.std()
    sharpe = returns.mean() / returns.std(ddof=1)
    skew, kurtosis = (standard**3).mean(), (standard**4).mean()
    assert len(returns) == 2516
    assert sharpe == pytest.approx(0.05011121017854083, abs=1e-12)
    found = probabilistic_sharpe_ratio(sharpe, len(returns), skew, kurtosis)
    assert found == pytest.approx(0.9934828867489747, abs=1e-8)
    needed = minimum_track_record_length(sharpe, skew, kurtosis)
    assert needed == pytest.approx(1104.8182450570307, rel=1e-8)
    # The same moments by way of the series: with the series among two trials, twice the luck.
    flat = np.column_stack([returns, -returns])
    distance, effective = deflated_distance(returns, flat)
    assert effective == pytest.approx(1.0)
    benchmark = expected_maximum_sharpe(effective, 2.0 * sharpe**2)
    deflated = probabilistic_sharpe_ratio(sharpe, len(returns), skew, kurtosis, benchmark)
    assert distance == pytest.approx(float(ndtri(deflated)), rel=1e-6)


def test_what_cannot_be_computed_is_nan():
    assert math.isnan(probabilistic_sharpe_ratio(0.1, 1, 0.0, 3.0))
    assert math.isnan(probabilistic_sharpe_ratio(1.0, 50, 5.0, 3.0))  # a variance below zero
    assert math.isnan(expected_maximum_sharpe(0, 1.0))
    assert math.isnan(expected_maximum_sharpe(5, math.nan))
    assert math.isnan(minimum_track_record_length(0.1, 0.0, 3.0, benchmark=0.1))
    assert math.isnan(effective_number_of_trials(np.ones((10, 2))))
    assert all(map(math.isnan, deflated_distance(np.arange(9.0), np.ones((9, 3)))))


def test_effective_trials_count_copies_once_and_strangers_each():
    rng = np.random.default_rng(2)
    strangers = rng.normal(size=(20_000, 4))
    assert effective_number_of_trials(strangers) == pytest.approx(4.0, rel=0.01)
    copies = np.column_stack([strangers, 2.0 * strangers[:, :1], np.ones(20_000)])
    # five that vary: 5^2 over five ones on the diagonal and two for the pair of copies
    assert effective_number_of_trials(copies) == pytest.approx(25.0 / 7.0, rel=0.01)


def test_distance_is_the_normal_quantile_of_the_deflated_ratio():
    rng = np.random.default_rng(3)
    trials = rng.normal(0.0, 0.01, size=(1000, 40))
    best = trials[:, np.argmax(trials.mean(axis=0) / trials.std(axis=0))]
    distance, effective = deflated_distance(best, trials)
    assert 35.0 < effective < 40.0
    assert -1.5 < distance < 1.5  # the best of noise is as good as luck
    good = best + 0.002
    assert deflated_distance(good, np.column_stack([trials, good]))[0] > 3.0


def test_each_look_counts_as_more_trials():
    rng = np.random.default_rng(5)
    trials = rng.normal(0.0, 0.01, size=(1000, 40))
    once, effective = deflated_distance(trials[:, 0], trials)
    four, same = deflated_distance(trials[:, 0], trials, looks=4)
    assert same == effective
    spread = (trials.mean(axis=0) / trials.std(axis=0, ddof=1)).var(ddof=1)
    more = expected_maximum_sharpe(4 * effective, spread) - expected_maximum_sharpe(
        effective, spread
    )
    # A standard error of a ratio near zero is about 1 / sqrt(T).
    assert once - four == pytest.approx(more * math.sqrt(1000), rel=0.02)


def test_a_kurtosis_in_excess_is_noticed():
    assert probabilistic_sharpe_ratio(0.1, 100, 0.0, 3.0) == pytest.approx(0.8395, abs=1e-4)
    assert math.isnan(probabilistic_sharpe_ratio(0.1, 100, 0.0, 0.0))
    assert math.isnan(probabilistic_sharpe_ratio(0.1, 100, 2.0, 3.0))
