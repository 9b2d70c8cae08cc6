import numpy as np
import pytest
import skops.io
from pydantic import BaseModel, ConfigDict, ValidationError

from shadowbook.core.learning.candidates import CandidatePolicy, build_estimator, trusted_types
from shadowbook.errors import ConfigError

NAMES = ("momentum_21", "momentum_252_21", "beta_126")
KINDS = ("ridge", "hist_gradient_boosting", "momentum")


def candidate(kind, **parameters):
    return CandidatePolicy(name=f"a_{kind}", kind=kind, parameters=parameters)


def data(rows=3_000):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, 3))
    y = 0.5 * x[:, 1] + rng.normal(size=rows)
    x[rng.random(x.shape) < 0.05] = np.nan
    return x, y


def test_parameters_are_completed_with_the_kinds_defaults():
    assert candidate("ridge").parameters == {"alpha": 1000.0}
    boosting = candidate("hist_gradient_boosting", max_iter=7).parameters
    assert boosting["max_iter"] == 7
    assert boosting["learning_rate"] == 0.05
    assert candidate("momentum").parameters == {"feature": "momentum_252_21"}


@pytest.mark.parametrize(
    ("kind", "parameters", "key"),
    [
        ("ridge", {"alpha": 0.0}, "alpha"),
        ("ridge", {"alpha": float("nan")}, "alpha"),
        ("ridge", {"max_iter": 5}, "max_iter"),
        ("hist_gradient_boosting", {"learning_rate": 1.5}, "learning_rate"),
        ("hist_gradient_boosting", {"max_bins": 256}, "max_bins"),
        ("hist_gradient_boosting", {"early_stopping": True}, "early_stopping"),
        ("momentum", {"feature": ""}, "feature"),
    ],
)
def test_wrong_parameter_is_refused_with_its_path(kind, parameters, key):
    class Strategy(BaseModel):
        model_config = ConfigDict(extra="forbid")
        candidates: list[CandidatePolicy]

    with pytest.raises(ValidationError) as caught:
        Strategy(candidates=[{"name": "x", "kind": kind, "parameters": parameters}])
    assert [error["loc"] for error in caught.value.errors()] == [
        ("candidates", 0, "parameters", key)
    ]


def test_unknown_kind_and_bad_name_are_refused():
    with pytest.raises(ValidationError) as caught:
        CandidatePolicy(name="x", kind="forest")
    assert [error["loc"] for error in caught.value.errors()] == [("kind",)]
    with pytest.raises(ValidationError):
        CandidatePolicy(name="Has Space", kind="ridge")


@pytest.mark.parametrize("kind", KINDS)
def test_estimators_survive_skops_with_their_trusted_types_named(kind):
    x, y = data()
    fitted = build_estimator(candidate(kind), NAMES, seed=1).fit(x, y)
    stored = skops.io.dumps(fitted)
    assert skops.io.get_untrusted_types(data=stored) == trusted_types(fitted)
    loaded = skops.io.loads(stored, trusted=trusted_types(fitted))
    assert loaded.predict(x).tobytes() == fitted.predict(x).tobytes()


@pytest.mark.parametrize("kind", ["ridge", "hist_gradient_boosting"])
def test_models_learn_and_bear_missing_values(kind):
    x, y = data()
    predictions = build_estimator(candidate(kind), NAMES, seed=1).fit(x, y).predict(x)
    assert np.isfinite(predictions).all()
    assert np.corrcoef(predictions, y)[0, 1] > 0.35


def test_ridge_keeps_a_feature_that_is_missing_throughout():
    x, y = data()
    x[:, 0] = np.nan
    predictions = build_estimator(candidate("ridge"), NAMES, seed=1).fit(x, y).predict(x)
    assert np.isfinite(predictions).all()


def test_boosting_never_holds_out_rows_that_overlap_the_rest():
    x, y = data(12_000)  # scikit-learn would stop early by default from 10,000 rows on
    fitted = build_estimator(candidate("hist_gradient_boosting", max_iter=30), NAMES, 1).fit(x, y)
    assert fitted.n_iter_ == 30
    assert not fitted.do_early_stopping_


def test_momentum_scores_by_the_named_column():
    x, y = data()
    rule = build_estimator(candidate("momentum", feature="beta_126"), NAMES, seed=1).fit(x, y)
    np.testing.assert_array_equal(rule.predict(x), x[:, 2])


def test_momentum_on_an_unknown_feature_is_refused():
    with pytest.raises(ConfigError, match="scores by feature momentum_9, which is not among"):
        build_estimator(candidate("momentum", feature="momentum_9"), NAMES, seed=1)
