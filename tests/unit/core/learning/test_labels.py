import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from shadowbook.core.learning.labels import LabelPolicy, forward_returns, make_labels
from shadowbook.errors import ConfigError


def test_forward_return_by_hand():
    prices = np.array([[100.0], [110.0], [99.0], [198.0]])
    np.testing.assert_allclose(forward_returns(prices, 2)[:, 0], [-0.01, 0.8, np.nan, np.nan])


@pytest.mark.parametrize("broken", [np.nan, 0.0, -3.0, np.inf])
def test_label_whose_span_touches_a_missing_price_is_left_out(broken):
    prices = np.ones((12, 2))
    prices[6, 0] = broken
    returns = forward_returns(prices, 3)
    assert np.flatnonzero(np.isnan(returns[:, 0])).tolist() == [3, 4, 5, 6, 9, 10, 11]
    assert np.flatnonzero(np.isnan(returns[:, 1])).tolist() == [9, 10, 11]


def test_horizon_beyond_the_history_gives_no_labels():
    assert np.isnan(forward_returns(np.ones((3, 2)), 3)).all()


def test_horizon_below_one_is_refused():
    with pytest.raises(ConfigError, match="horizon is 0"):
        forward_returns(np.ones((3, 2)), 0)


def test_rank_labels_equal_scipy_on_real_prices(sample):
    labels = make_labels(sample.prices, 21, LabelPolicy())
    returns = sample.prices[21:] / sample.prices[:-21] - 1.0
    expected = (stats.rankdata(returns, axis=1) - 1.0) / 19.0 - 0.5
    np.testing.assert_allclose(labels[:-21], expected, atol=1e-15)
    assert np.isnan(labels[-21:]).all()


def test_demeaned_labels_are_returns_minus_the_sessions_mean(sample):
    labels = make_labels(sample.prices, 5, LabelPolicy(transform="demean"))
    returns = sample.prices[5:] / sample.prices[:-5] - 1.0
    np.testing.assert_allclose(labels[:-5], returns - returns.mean(axis=1, keepdims=True))


@pytest.mark.parametrize("transform", ["rank", "demean"])
def test_sessions_with_too_few_names_have_no_labels(transform):
    prices = np.array([[1.0, 1.0, np.nan], [1.0, 2.0, 3.0], [2.0, 1.0, 6.0]])
    labels = make_labels(prices, 1, LabelPolicy(transform=transform, min_names=3))
    assert np.isnan(labels[0]).all()
    assert np.isfinite(labels[1]).all()


def test_policy_refuses_what_makes_no_sense():
    for wrong in ({"transform": "zscore"}, {"min_names": 1}, {"horizon": 5}):
        with pytest.raises(ValidationError):
            LabelPolicy(**wrong)
