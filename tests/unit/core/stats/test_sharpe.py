import numpy as np
import pytest

from shadowbook.core.stats.sharpe import sharpe_and_influence


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
