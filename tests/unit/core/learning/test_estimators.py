import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from shadowbook.core.learning.estimators import FixedOrderRidge, MomentumRule


def data(rows=30_000, columns=25, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)) + rng.normal(size=columns)
    return x, x @ rng.normal(size=columns) + 3.0 + rng.normal(size=rows)


@pytest.mark.parametrize("alpha", [1e-6, 1.0, 1e4])
def test_ridge_equals_scikit_learn(alpha):
    x, y = data(2_000, 6)
    ours, theirs = FixedOrderRidge(alpha).fit(x, y), Ridge(alpha).fit(x, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-10)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, rel=1e-10)
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("alpha", [1e-6, 1.0, 1e4])
def test_weighted_ridge_equals_scikit_learn(alpha):
    x, y = data(2_000, 6)
    weights = np.random.default_rng(1).exponential(size=len(y))
    weights[:100] = 0.0
    ours = FixedOrderRidge(alpha).fit(x, y, weights)
    theirs = Ridge(alpha).fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
    assert ours.intercept_ == pytest.approx(theirs.intercept_, rel=1e-9)


def test_a_weight_of_ridge_counts_rows():
    x, y = data(300, 4)
    counts = np.random.default_rng(2).integers(0, 4, size=300)
    weighted = FixedOrderRidge(3.0).fit(x, y, counts)
    repeated = FixedOrderRidge(3.0).fit(np.repeat(x, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-12)
    assert weighted.intercept_ == pytest.approx(repeated.intercept_, rel=1e-12)


def test_ridge_gives_the_same_bits_on_any_number_of_threads():
    x, y = data()
    for weights in (None, np.linspace(0.1, 2.0, len(y))):
        with threadpool_limits(1):
            one = FixedOrderRidge(10.0).fit(x, y, weights).predict(x)
        with threadpool_limits(2):
            two = FixedOrderRidge(10.0).fit(x, y, weights).predict(x)
        assert one.tobytes() == two.tobytes()


def test_ridge_leaves_its_input_alone_and_bears_a_constant_column():
    x, y = data(100, 3)
    x[:, 1] = 0.0
    kept = x.copy()
    fitted = FixedOrderRidge().fit(x, y)
    assert np.array_equal(x, kept)
    assert fitted.coef_[1] == 0.0


@pytest.mark.parametrize("estimator", [FixedOrderRidge(), MomentumRule(2)])
def test_row_is_predicted_alike_alone_and_among_others(estimator):
    x, y = data(500, 7)
    fitted = clone(estimator).fit(x, y)
    together = fitted.predict(x)
    alone = np.array([fitted.predict(x[i : i + 1])[0] for i in range(len(x))])
    assert together.tobytes() == alone.tobytes()


def test_momentum_rule_returns_its_feature():
    x = np.array([[1.0, 5.0], [np.nan, -2.0], [3.0, np.nan]])
    np.testing.assert_array_equal(MomentumRule(1).fit(x).predict(x), [5.0, -2.0, np.nan])


@pytest.mark.parametrize("estimator", [FixedOrderRidge(), MomentumRule()])
def test_unfitted_estimators_refuse_to_predict(estimator):
    with pytest.raises(NotFittedError):
        estimator.predict(np.ones((2, 2)))
