import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.preprocessing import PolynomialFeatures

from shadowbook.core.drift.explanations import attribute
from shadowbook.core.learning.candidates import CandidatePolicy, build_estimator

NAMES = ("a", "b", "c", "d")


def rows_and_labels(n=600, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)) * [1.0, 5.0, 0.1, 2.0] + [0.0, 30.0, -1.0, 0.0]
    x[rng.random(x.shape) < 0.1] = np.nan
    known = np.nan_to_num(x)
    y = known[:, 0] * known[:, 3] + 0.2 * known[:, 1] + rng.normal(size=n)
    return x, y


def fitted(kind, **parameters):
    x, y = rows_and_labels()
    policy = CandidatePolicy(name="it", kind=kind, parameters=parameters)
    return build_estimator(policy, NAMES, 1).fit(x, y)


def fresh():
    return rows_and_labels(200, 4)[0]


def test_the_ridge_is_shared_out_exactly():
    ridge, x = fitted("ridge", alpha=10.0), fresh()
    found = attribute(ridge, x, NAMES)
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, ridge.predict(x), atol=1e-12)
    # By hand: weight per unit times distance from the mean of the imputed training rows.
    training = rows_and_labels()[0]
    imputed = np.where(np.isnan(training), np.nanmedian(training, axis=0), training)
    given = np.where(np.isnan(x), np.nanmedian(training, axis=0), x)
    slope = ridge[-1].coef_ / imputed.std(axis=0)
    np.testing.assert_allclose(found.values, slope * (given - imputed.mean(axis=0)), atol=1e-12)
    assert found.base == pytest.approx(float(ridge.predict(training).mean()))


def test_a_missing_value_contributes_what_its_imputed_value_does():
    ridge, x = fitted("ridge"), fresh()[:1]
    gone, put = x.copy(), x.copy()
    gone[0, 1], put[0, 1] = np.nan, ridge[0].statistics_[1]
    np.testing.assert_array_equal(
        attribute(ridge, gone, NAMES).values, attribute(ridge, put, NAMES).values
    )
    gone[0, 1] = np.inf
    np.testing.assert_array_equal(
        attribute(ridge, gone, NAMES).values, attribute(ridge, put, NAMES).values
    )


def test_a_background_moves_what_the_ridge_is_explained_against():
    ridge, x = fitted("ridge"), fresh()
    ground = x[:50] + 1.0
    found = attribute(ridge, x, NAMES, ground)
    assert found.base == pytest.approx(float(ridge.predict(ground).mean()))
    np.testing.assert_allclose(found.values.sum(axis=1) + found.base, ridge.predict(x), atol=1e-12)


def test_the_momentum_rule_is_its_column_alone():
    rule, x = fitted("momentum", feature="c"), fresh()
    assert np.isnan(x[:, 2]).any()
    found = attribute(rule, x, NAMES)
    assert (found.base, found.status) == (0.0, "OK")
    np.testing.assert_array_equal(found.values[:, 2], x[:, 2])
    assert (found.values[:, [0, 1, 3]] == 0.0).all()
    against = attribute(rule, x, NAMES, x)
    assert against.base == pytest.approx(np.nanmean(x[:, 2]))
    assert np.nanmean(against.values[:, 2]) == pytest.approx(0.0, abs=1e-12)


def test_a_column_without_any_value_is_explained_as_missing():
    x = fresh()
    x[:, 2] = np.nan
    found = attribute(fitted("momentum", feature="c"), x, NAMES, x)
    assert (found.status, found.base) == ("OK", 0.0)
    assert np.isnan(found.values[:, 2]).all()
    assert attribute(fitted("ridge"), x, NAMES).status == "OK"


class Curved(DummyRegressor):
    """It says that it is one column, and is another thing."""

    column = 0

    def predict(self, X):  # noqa: N803
        return np.nan_to_num(X[:, 0]) ** 2


def curved_ridge():
    ridge = fitted("ridge")
    ridge.steps.insert(1, ("powers", PolynomialFeatures(1, include_bias=False)))
    ridge[1].fit(np.zeros((1, 4)))
    return ridge


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: DummyRegressor().fit(*rows_and_labels()), "type DummyRegressor has no exact"),
        (curved_ridge, "type Pipeline has no exact"),
        (lambda: Curved().fit(*rows_and_labels()), "do not add up to the predictions"),
    ],
)
def test_other_models_are_not_computable_and_say_why(make, reason):
    found = attribute(make(), fresh(), NAMES)
    assert found.status == "NOT_COMPUTABLE"
    assert reason in found.reason
    assert found.values.shape == (200, 4)
    assert np.isnan(found.values).all()
    assert np.isnan(found.base)


def test_no_rows_and_other_features_are_not_computable():
    ridge = fitted("ridge")
    assert "no rows are left" in attribute(ridge, np.empty((0, 4)), NAMES).reason
    assert "fitted on 4 features and is given 2" in attribute(ridge, np.ones((3, 2)), "ab").reason
    with pytest.raises(ValueError, match=r"features have shape \(3, 3\): give \(n, 4\)"):
        attribute(ridge, np.ones((3, 3)), NAMES)
    with pytest.raises(ValueError, match="background have shape"):
        attribute(ridge, np.ones((3, 4)), NAMES, np.ones(4))


@pytest.mark.slow  # shap takes seconds to import
@pytest.mark.parametrize(
    "parameters",
    [
        {"max_iter": 40, "max_leaf_nodes": 15, "min_samples_leaf": 20},
        {"max_iter": 40, "max_leaf_nodes": 31, "min_samples_leaf": 5, "max_features": 0.5},
    ],
)
def test_trees_add_up_and_start_from_the_training_mean(parameters):
    trees, x = fitted("hist_gradient_boosting", **parameters), fresh()
    found = attribute(trees, x, NAMES)
    assert found.status == "OK"
    np.testing.assert_allclose(
        found.values.sum(axis=1) + found.base, trees.predict(x), rtol=0, atol=1e-13
    )
    assert found.base == pytest.approx(float(trees.predict(rows_and_labels()[0]).mean()), abs=1e-9)
    idle = fitted("hist_gradient_boosting", max_iter=1, max_leaf_nodes=2, min_samples_leaf=20)
    used = np.abs(attribute(idle, x, NAMES).values).max(axis=0) > 0.0
    assert used.sum() == 1


@pytest.mark.slow  # shap takes seconds to import
def test_trees_agree_with_the_definition_over_all_orders():
    from itertools import permutations

    trees = fitted("hist_gradient_boosting", max_iter=5, max_leaf_nodes=6, min_samples_leaf=30)
    x = fresh()[:20]

    def expected(nodes, at, row, told):
        node = nodes[at]
        if node["is_leaf"]:
            return node["value"]
        left, right = int(node["left"]), int(node["right"])
        if node["feature_idx"] in told:
            value = row[node["feature_idx"]]
            low = node["missing_go_to_left"] if np.isnan(value) else value <= node["num_threshold"]
            return expected(nodes, left if low else right, row, told)
        share = nodes[left]["count"] / node["count"]
        return share * expected(nodes, left, row, told) + (1.0 - share) * expected(
            nodes, right, row, told
        )

    def game(row, told):
        return sum(expected(one[0].nodes, 0, row, told) for one in trees._predictors)

    shares = np.zeros(x.shape)
    orders = list(permutations(range(4)))
    for i, row in enumerate(x):
        for order in orders:
            for place, k in enumerate(order):
                more = game(row, order[: place + 1]) - game(row, order[:place])
                shares[i, k] += more / len(orders)
    np.testing.assert_allclose(attribute(trees, x, NAMES).values, shares, atol=1e-12)


@pytest.mark.slow  # shap takes seconds to import
def test_the_ridge_agrees_with_shap():
    import warnings

    ridge, x = fitted("ridge"), fresh()
    ground = rows_and_labels()[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its plots
        import shap
    prepared = ridge[:-1]
    explainer = shap.LinearExplainer(
        (ridge[-1].coef_, ridge[-1].intercept_),
        shap.maskers.Independent(prepared.transform(ground), max_samples=len(ground)),
    )
    expected = explainer.shap_values(prepared.transform(x))
    for given in (None, ground):
        np.testing.assert_allclose(attribute(ridge, x, NAMES, given).values, expected, atol=1e-12)


@pytest.mark.slow  # shap takes seconds to import
def test_trees_whose_output_is_bent_are_not_computable():
    x, y = rows_and_labels()
    poisson = HistGradientBoostingRegressor(loss="poisson", max_iter=5).fit(x, np.abs(y))
    found = attribute(poisson, x, NAMES)
    assert found.status == "NOT_COMPUTABLE"
    assert "do not add up" in found.reason


@pytest.mark.slow  # a process of its own
def test_the_ridge_is_explained_without_importing_shap():
    import subprocess
    import sys

    code = (
        "import sys, numpy as np\n"
        "from shadowbook.core.drift.explanations import attribute\n"
        "from sklearn.impute import SimpleImputer\n"
        "from sklearn.linear_model import Ridge\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "x = np.arange(12.0).reshape(6, 2) ** 2\n"
        "line = make_pipeline(SimpleImputer(), StandardScaler(), Ridge()).fit(x, x[:, 0])\n"
        "assert attribute(line, x, ('a', 'b')).status == 'OK'\n"
        "assert 'shap' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
