"""Training windows: which sessions are learned from, what each counts, and that fits obey."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from shadowbook.core.learning import fit
from shadowbook.core.learning.candidates import CandidatePolicy
from shadowbook.core.learning.fit import FitPolicy, fit_final, fit_fold, plan_tasks
from shadowbook.core.learning.splits import PurgedWalkForward
from shadowbook.core.learning.windows import WindowPolicy, recency_weights
from shadowbook.errors import ConfigError

NAMES = ("a", "b", "c", "d")
RIDGE = CandidatePolicy(name="linear", kind="ridge", parameters={"alpha": 5.0})
TREES = CandidatePolicy(
    name="trees",
    kind="hist_gradient_boosting",
    parameters={"max_iter": 8, "min_samples_leaf": 20},
)
RULE = CandidatePolicy(name="rule", kind="momentum", parameters={"feature": "b"})
ROLLING = WindowPolicy(kind="rolling", sessions=30)
RECENT = WindowPolicy(kind="recency_weighted", half_life_sessions=25)
HORIZON = 5


@pytest.fixture
def market():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(160, 10, 4))
    labels = 0.4 * values[:, :, 1] + rng.normal(size=(160, 10))
    labels[-HORIZON:] = np.nan
    return values, labels


def tasks_of(market, window, candidate=RIDGE):
    folds = PurgedWalkForward(3, HORIZON, 2).split(range(160))
    return plan_tasks(*market, NAMES, folds, [candidate], FitPolicy(seed=7, window=window))


class TestPolicy:
    @pytest.mark.parametrize(
        ("given_", "key", "said"),
        [
            ({"kind": "rolling"}, "sessions", "must be a number of sessions: a rolling window"),
            ({"kind": "recency_weighted"}, "half_life_sessions", "a recency_weighted window needs"),
            ({"sessions": 5}, "sessions", "does not belong to a window of kind expanding"),
            (
                {"kind": "rolling", "sessions": 5, "half_life_sessions": 5},
                "half_life_sessions",
                "does not belong to a window of kind rolling",
            ),
            ({"kind": "rolling", "sessions": 0}, "sessions", "greater than or equal to 1"),
            ({"kind": "rolled"}, "kind", "'expanding', 'rolling' or 'recency_weighted'"),
        ],
    )
    def test_a_fault_lies_at_its_key(self, given_, key, said):
        with pytest.raises(ValidationError) as caught:
            WindowPolicy(**given_)
        (fault,) = caught.value.errors()
        assert fault["loc"] == (key,)
        assert said in fault["msg"]

    @pytest.mark.parametrize("window", [WindowPolicy(), ROLLING, RECENT])
    def test_comes_back_from_a_manifest(self, window):
        assert WindowPolicy.model_validate(window.model_dump(mode="json")) == window

    def test_first_session_that_is_kept(self):
        assert [ROLLING.first(n) for n in (0, 29, 30, 31, 100)] == [0, 0, 0, 1, 70]
        assert WindowPolicy().first(100) == RECENT.first(100) == 0


class TestWeights:
    @given(st.lists(st.integers(0, 9_000), min_size=1, max_size=50), st.floats(1.0, 3_000.0))
    def test_halve_with_age_and_mean_one(self, sessions, half_life):
        rows = np.array(sessions)
        policy = WindowPolicy(kind="recency_weighted", half_life_sessions=half_life)
        weights = recency_weights(rows, policy)
        assert weights.mean() == pytest.approx(1.0, rel=1e-12)
        newest = weights[rows.argmax()]
        expected = 0.5 ** ((rows.max() - rows) / half_life)
        np.testing.assert_allclose(weights / newest, expected, rtol=1e-12, atol=1e-300)

    def test_other_kinds_weigh_nothing(self):
        assert recency_weights(np.arange(5), WindowPolicy()) is None
        assert recency_weights(np.arange(5), ROLLING) is None


class TestFits:
    @pytest.mark.parametrize("candidate", [RIDGE, TREES, RULE])
    def test_rolling_is_a_fit_on_the_newest_sessions_alone(self, market, candidate):
        values, labels = market
        tasks = tasks_of(market, ROLLING, candidate)
        cut = [(task.train[-30:], task.test) for task in tasks]
        alone = plan_tasks(values, labels, NAMES, cut, [candidate], FitPolicy(seed=7))
        for task, own in zip(tasks, alone, strict=True):
            found, expected = fit_fold(task), fit_fold(own)
            assert len(task.train) > 30
            assert found.n_train == 300
            assert found.predictions.tobytes() == expected.predictions.tobytes()

    def test_rolling_final_fit_ends_with_the_newest_label(self, market):
        values, labels = market
        final = fit_final(TREES, values, labels, NAMES, FitPolicy(seed=7, window=ROLLING))
        cut = slice(160 - HORIZON - 30, 160 - HORIZON)
        alone = fit_final(TREES, values[cut], labels[cut], NAMES, FitPolicy(seed=7))
        probe = values.reshape(-1, 4)
        assert final.predict(probe).tobytes() == alone.predict(probe).tobytes()

    def test_what_a_window_leaves_out_changes_no_bit(self, market):
        values, labels = (part.copy() for part in market)
        before = [fit_fold(t).predictions.tobytes() for t in tasks_of((values, labels), ROLLING)]
        oldest = min(t.train[-1] for t in tasks_of(market, ROLLING)) - 29
        values[:oldest], labels[:oldest] = 7.0, -7.0
        after = [fit_fold(t).predictions.tobytes() for t in tasks_of((values, labels), ROLLING)]
        assert before == after

    def test_recency_weighted_ridge_equals_scikit_learns(self, market):
        """The whole pipeline, folds and final fit, beside scikit-learn's own ridge."""
        values, labels = market
        values[3, :4, 2] = np.nan
        tasks = tasks_of(market, RECENT)
        fits = [(t.train, fit_fold(t).estimator) for t in tasks]
        policy = FitPolicy(seed=7, window=RECENT)
        final = fit_final(RIDGE, values, labels, NAMES, policy)
        probe = values[100:].reshape(-1, 4)
        for train, ours in [*fits, (np.arange(160 - HORIZON), final)]:
            weights = np.repeat(0.5 ** ((train[-1] - train) / 25.0), 10)
            theirs = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), Ridge(5.0))
            theirs.fit(
                values[train].reshape(-1, 4),
                labels[train].ravel(),
                ridge__sample_weight=weights / weights.mean(),
            )
            np.testing.assert_allclose(ours.predict(probe), theirs.predict(probe), rtol=1e-9)

    def test_trees_are_weighted_and_the_rule_is_not_estimated(self, market):
        even = fit_fold(tasks_of(market, WindowPolicy(), TREES)[2])
        recent = fit_fold(tasks_of(market, RECENT, TREES)[2])
        assert even.n_train == recent.n_train
        assert np.abs(even.predictions - recent.predictions).max() > 1e-4
        rule = [fit_fold(tasks_of(market, w, RULE)[2]).predictions for w in (RECENT, ROLLING)]
        np.testing.assert_array_equal(rule[0], rule[1])

    def test_a_half_life_beyond_history_is_nearly_the_even_fit(self, market):
        slow = WindowPolicy(kind="recency_weighted", half_life_sessions=25_200)
        even = fit_fold(tasks_of(market, WindowPolicy())[2]).predictions
        found = fit_fold(tasks_of(market, slow)[2]).predictions
        np.testing.assert_allclose(found, even, atol=2e-3)
        assert not np.array_equal(found, even)

    def test_an_estimator_without_weights_is_refused(self, market, monkeypatch):
        class Stubborn:
            def fit(self, rows, labels):
                raise AssertionError("it must not come to this")

        monkeypatch.setattr(fit, "build_estimator", lambda *_: Stubborn())
        with pytest.raises(ConfigError, match="candidate linear is a ridge, which takes no weigh"):
            fit_fold(tasks_of(market, RECENT)[0])
