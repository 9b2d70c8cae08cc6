import numpy as np

from shadowbook.core.learning.backtest import lagged_information_coefficient
from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.stats.ranks import rank_correlation

HORIZON = 5


def test_lagged_ic_is_that_of_the_scores_of_the_session_before(sample):
    prices = sample.prices[-200:]
    forward = forward_returns(prices, HORIZON)
    # Scores that know the return of their own session perfectly, and nothing else.
    lagged = lagged_information_coefficient(forward, prices, HORIZON, 5)
    older = np.vstack([np.full((1, prices.shape[1]), np.nan), forward[:-1]])
    np.testing.assert_array_equal(lagged, rank_correlation(older, forward, 5))
    assert np.isnan(lagged[0])
    assert 0.5 < np.nanmean(lagged) < 0.95
