"""What each feature carries, measured by shuffling it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.inspection import permutation_importance as peer

from shadowbook.core.learning.candidates import CandidatePolicy
from shadowbook.core.learning.fit import FitPolicy, fit_fold, plan_tasks
from shadowbook.core.learning.importance import (
    Conditions,
    HeldOut,
    permutation_importance,
    shuffle_order,
)
from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.learning.splits import PurgedWalkForward
from shadowbook.errors import InsufficientDataError

NAMES = ("planted", "null", "other")


class Weighted:
    """Scores are a weighted sum; missing values count as 0."""

    def __init__(self, *weights):
        self.weights = np.array(weights)

    def fit(self, *_):
        return self  # scikit-learn asks for it

    def predict(self, rows):
        return np.nan_to_num(rows) @ self.weights


def world(seed, sessions=250, symbols=10, horizon=1):
    """Features, and outcomes over ``horizon`` sessions that the first feature alone drives."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(sessions, symbols, 3))
    noise = rng.normal(size=(sessions + horizon - 1, symbols))
    spread = np.stack([noise[k : k + sessions] for k in range(horizon)]).sum(axis=0)
    return values, 0.3 * values[:, :, 0] + spread / np.sqrt(horizon)


def measure(estimator, values, outcomes, seed=0, folds=1, **conditions):
    held = [HeldOut(estimator, rows) for rows in np.array_split(np.arange(len(values)), folds)]
    told = {"horizon": 1, "min_feature_share": 0.5, **conditions}
    rng = np.random.default_rng(seed)
    return permutation_importance(held, values, outcomes, NAMES, Conditions(**told), rng)


def test_a_planted_feature_is_found_by_models_that_were_fitted_on_other_sessions():
    rng = np.random.default_rng(5)
    values = rng.normal(size=(600, 12, 3))
    drift = 0.004 * values[:-1, :, 0]
    moves = np.concatenate([np.zeros((1, 12)), drift + rng.normal(0, 0.01, size=(599, 12))])
    prices = 100.0 * np.exp(np.cumsum(moves, axis=0))
    outcomes = forward_returns(prices, 1)
    folds = list(PurgedWalkForward(3, horizon=1, embargo=2, min_train=200).split(600))
    tasks = plan_tasks(
        values,
        outcomes - outcomes.mean(axis=1, keepdims=True),
        NAMES,
        folds,
        [CandidatePolicy(name="ridge", kind="ridge")],
        FitPolicy(seed=1),
    )
    with ThreadPoolExecutor(3) as pool:
        threads = list(pool.map(fit_fold, tasks))

    def found(done):
        held = [HeldOut(fold.estimator, fold.rows) for fold in done]
        rng = np.random.default_rng(0)
        return permutation_importance(held, values, outcomes, NAMES, Conditions(1, 0.5), rng)

    planted, null, other = found(map(fit_fold, tasks))
    assert planted.feature == "planted"
    assert planted.interval[0] > 0.2
    assert max(abs(null.value), abs(other.value)) < 0.05 * planted.value
    assert planted.n_obs == sum(len(test) for _, test in folds) - 1
    assert found(threads) == (planted, null, other)  # however the fits were mapped


def test_equal_to_a_loop_over_sessions_with_scipys_correlation():
    values, outcomes = world(1, sessions=40, symbols=7)
    values[3, 2] = np.nan  # no row at all
    values[5, 1, 0] = np.nan  # one value missing: shuffled with the others
    outcomes[8, 4] = np.nan
    outcomes[9] = np.nan  # nothing to rank
    estimator = Weighted(1.0, 0.4, -0.2)

    found = measure(estimator, values, outcomes, seed=3)

    usable = np.isfinite(values).sum(axis=2) >= 1.5
    usable &= np.isfinite(outcomes).any(axis=1)[:, None]
    to, source = shuffle_order(usable, np.random.default_rng(3).spawn(1)[0])
    for k, name in enumerate(NAMES):
        moved = values[:, :, k].copy()
        moved.ravel()[to] = values[:, :, k].ravel()[source]
        falls = []
        for session in range(len(values)):
            pairs = usable[session] & np.isfinite(outcomes[session])
            if pairs.sum() < 5:
                continue
            rows = values[session, pairs].copy()
            before = spearmanr(estimator.predict(rows), outcomes[session, pairs])[0]
            rows[:, k] = moved[session, pairs]
            falls.append(before - spearmanr(estimator.predict(rows), outcomes[session, pairs])[0])
        assert found[k].feature == name
        assert found[k].n_obs == len(falls) == 39
        assert found[k].value == pytest.approx(np.mean(falls), abs=1e-12)


def test_agrees_with_scikit_learn_on_one_session():
    values, outcomes = world(2, sessions=1, symbols=60)
    estimator = Weighted(1.0, 0.5, 0.0)

    ours = np.array(
        [[i.value for i in measure(estimator, values, outcomes, seed)] for seed in range(400)]
    )
    theirs = peer(
        estimator,
        values[0],
        outcomes[0],
        scoring=lambda model, x, y: spearmanr(model.predict(x), y)[0],
        n_repeats=400,
        random_state=0,
    )

    error = np.sqrt((ours.var(axis=0) + theirs.importances_std**2) / 400)
    assert (np.abs(ours.mean(axis=0) - theirs.importances_mean) <= 4.0 * error + 1e-12).all()
    assert ours.std(axis=0) == pytest.approx(theirs.importances_std, rel=0.2, abs=1e-12)


@pytest.mark.parametrize("horizon", [1, 5])
def test_the_interval_of_a_null_feature_covers_zero_about_as_often_as_it_says(horizon):
    """The model leans on a feature that tells nothing; 95 % is right, its own error is 1.3 %."""
    covered = []
    for seed in range(300):
        values, outcomes = world(seed, sessions=250, symbols=8, horizon=horizon)
        _, null, _ = measure(Weighted(1.0, 0.7, 0.0), values, outcomes, seed, horizon=horizon)
        covered.append(null.interval[0] <= 0.0 <= null.interval[1])

    assert 0.90 <= np.mean(covered) <= 0.985


def test_a_feature_that_the_model_does_not_use_carries_nothing_for_certain():
    values, outcomes = world(4)

    *_, other = measure(Weighted(1.0, 1.0, 0.0), values, outcomes)

    assert (other.value, other.standard_error, other.interval) == (0.0, 0.0, (0.0, 0.0))


def test_folds_do_not_depend_on_each_other_and_steps_save_sessions():
    values, outcomes = world(6, sessions=120)
    estimator = Weighted(1.0, 0.0, 0.0)

    assert measure(estimator, values, outcomes, folds=3, step=4)[0].n_obs == 30
    first = [HeldOut(estimator, np.arange(40))]
    both = [*first, HeldOut(estimator, np.arange(40, 80))]
    rngs = [np.random.default_rng(0), np.random.default_rng(0)]
    conditions = Conditions(1, 0.5)
    outcomes[40:] = np.nan  # the second fold has nothing to rank
    alone, together = (
        permutation_importance(folds, values, outcomes, NAMES, conditions, rng)
        for folds, rng in zip((first, both), rngs, strict=True)
    )
    assert alone == together


def test_the_same_generator_gives_the_same_bits():
    values, outcomes = world(7)
    once, twice = (measure(Weighted(1.0, 0.3, 0.1), values, outcomes, 9) for _ in range(2))
    assert once == twice
    assert once != measure(Weighted(1.0, 0.3, 0.1), values, outcomes, 10)


def test_nothing_given_is_changed():
    values, outcomes = world(8, sessions=30)
    before = values.copy()
    measure(Weighted(1.0, 0.3, 0.1), values, outcomes)
    np.testing.assert_array_equal(values, before)


def test_a_shuffle_stays_within_the_session_and_takes_every_order_alike():
    usable = np.array([[True, False, True, True]] * 6000)
    to, source = shuffle_order(usable, np.random.default_rng(0))

    assert (to // 4 == source // 4).all()
    assert sorted(source) == sorted(to) == list(np.flatnonzero(usable))
    _, counts = np.unique(source.reshape(-1, 3) % 4, axis=0, return_counts=True)
    assert len(counts) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5  # chi-square, 5 degrees: 0.1 %


def test_nothing_to_rank_is_said():
    values, outcomes = world(9, sessions=20, symbols=4)
    with pytest.raises(InsufficientDataError, match="no held-out session has 5 symbols"):
        measure(Weighted(1.0, 0.0, 0.0), values, outcomes)
