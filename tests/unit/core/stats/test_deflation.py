import math

import numpy as np
import pytest

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
