import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import rankdata

from shadowbook.core.stats.overfitting import probability_of_backtest_overfitting


def by_hand(returns, n_blocks):
    blocks = np.array_split(np.arange(len(returns)), n_blocks)
    below = []
    for half in combinations(range(n_blocks), n_blocks // 2):
        taken = np.concatenate([blocks[b] for b in half])
        left = np.setdiff1d(np.arange(len(returns)), taken)
        inside = returns[taken].mean(axis=0) / returns[taken].std(axis=0, ddof=1)
        outside = returns[left].mean(axis=0) / returns[left].std(axis=0, ddof=1)
        share = rankdata(outside)[np.argmax(inside)] / (returns.shape[1] + 1.0)
        below.append(math.log(share / (1.0 - share)) <= 1e-12)
    return np.mean(below)


@pytest.mark.parametrize("n_trials", [2, 5, 12])
def test_it_equals_the_definition(n_trials):
    returns = np.random.default_rng(n_trials).standard_t(4, size=(240, n_trials)) * 0.01
    expected = by_hand(returns, 8)
    assert probability_of_backtest_overfitting(returns, 8) == pytest.approx(expected, abs=1e-12)


def test_noise_is_a_coin_and_one_good_trial_is_none():
    rng = np.random.default_rng(1)
    noise = [probability_of_backtest_overfitting(rng.normal(size=(400, 20)), 8) for _ in range(40)]
    assert 0.4 < np.mean(noise) < 0.65
    good = rng.normal(size=(400, 20))
    good[:, 3] += 0.5
    assert probability_of_backtest_overfitting(good) == 0.0


def test_missing_rows_constant_columns_and_short_series():
    rng = np.random.default_rng(2)
    returns = rng.normal(size=(160, 4))
    holed = np.insert(np.column_stack([returns, np.zeros(160)]), 80, np.nan, axis=0)
    assert probability_of_backtest_overfitting(holed) == probability_of_backtest_overfitting(
        returns
    )
    assert math.isnan(probability_of_backtest_overfitting(returns[:30]))
    assert math.isnan(probability_of_backtest_overfitting(returns[:, :1]))
    with pytest.raises(ValueError, match="n_blocks is 3"):
        probability_of_backtest_overfitting(returns, 3)
