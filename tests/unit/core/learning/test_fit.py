import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from shadowbook.core.learning.candidates import CandidatePolicy
from shadowbook.core.learning.fit import (
    FitPolicy,
    fit_final,
    fit_fold,
    fit_seed,
    join_folds,
    plan_tasks,
    predict_scores,
)
from shadowbook.core.learning.splits import PurgedWalkForward
from shadowbook.errors import InsufficientDataError

NAMES = ("first", "second", "third", "fourth")
CANDIDATES = (
    CandidatePolicy(name="linear", kind="ridge", parameters={"alpha": 1.0}),
    CandidatePolicy(
        name="trees",
        kind="hist_gradient_boosting",
        parameters={"max_iter": 10, "min_samples_leaf": 20, "max_features": 0.5},
    ),
    CandidatePolicy(name="rule", kind="momentum", parameters={"feature": "second"}),
)
POLICY = FitPolicy(seed=7)


@pytest.fixture
def market():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(200, 12, 4))
    labels = 0.4 * values[:, :, 1] + rng.normal(size=(200, 12))
    labels[-5:] = np.nan
    return values, labels


def tasks_of(market, candidates=CANDIDATES):
    values, labels = market
    folds = PurgedWalkForward(3, 5, 2).split(range(len(values)))
    return plan_tasks(values, labels, NAMES, folds, candidates, POLICY)


def test_plan_is_every_candidate_on_every_fold(market):
    tasks = tasks_of(market)
    assert [(t.candidate.name, t.fold) for t in tasks] == [
        (name, fold) for name in ("linear", "trees", "rule") for fold in range(3)
    ]
    assert len({t.seed for t in tasks}) == 9


def test_every_test_row_is_predicted_even_without_a_label(market):
    scores = join_folds([fit_fold(t) for t in tasks_of(market)[:3]], market[1].shape)
    first_test = tasks_of(market)[0].test[0]
    assert np.isfinite(scores[first_test:]).all()
    assert np.isnan(scores[:first_test]).all()


def test_any_map_gives_the_same_bits(market):
    tasks = tasks_of(market)
    plain = list(map(fit_fold, tasks))
    with ThreadPoolExecutor(2) as pool:
        threaded = list(pool.map(fit_fold, tasks))
    # What a process pool does to a task.
    thawed = [fit_fold(pickle.loads(pickle.dumps(t))) for t in reversed(tasks)][::-1]  # noqa: S301
    for a, b, c in zip(plain, threaded, thawed, strict=True):
        assert (a.candidate, a.fold, a.n_train) == (b.candidate, b.fold, b.n_train)
        assert a.predictions.tobytes() == b.predictions.tobytes() == c.predictions.tobytes()


def test_number_of_threads_changes_nothing(market):
    with threadpool_limits(1):
        one = [fit_fold(t).predictions.tobytes() for t in tasks_of(market)]
    with threadpool_limits(2):
        assert [fit_fold(t).predictions.tobytes() for t in tasks_of(market)] == one


def test_another_candidate_in_the_list_changes_no_fit(market):
    alone = [fit_fold(t).predictions for t in tasks_of(market, CANDIDATES[1:2])]
    among = [fit_fold(t).predictions for t in tasks_of(market)[3:6]]
    assert all(np.array_equal(a, b) for a, b in zip(alone, among, strict=True))


def test_future_changes_no_prediction(market):
    values, labels = (part.copy() for part in market)
    before = [fit_fold(t) for t in tasks_of((values, labels))]
    begin = before[0].rows[-1] + 1
    values[begin:], labels[begin - 5 :] = 99.0, -99.0
    after = [fit_fold(t) for t in tasks_of((values, labels))]
    for k in (0, 3, 6):  # the first fold of every candidate
        assert before[k].predictions.tobytes() == after[k].predictions.tobytes()


def test_rows_without_label_or_with_few_features_are_not_trained_on(market):
    values, labels = market
    task = tasks_of(market)[0]
    complete = fit_fold(task).n_train
    assert complete == len(task.train) * 12
    labels[3, :4] = np.nan
    values[5, :6, :2] = np.nan  # half is known: still used
    values[6, :6, :3] = np.nan  # a quarter: not used
    assert fit_fold(tasks_of(market)[0]).n_train == complete - 4 - 6


def test_rows_with_few_features_are_not_predicted(market):
    values, _ = market
    values[-1, 0] = np.nan
    values[-1, 1, :2] = np.nan
    last = fit_fold(tasks_of(market)[2]).predictions[-1]
    assert np.isnan(last[0])
    assert np.isfinite(last[1:]).all()


def test_final_fit_predicts_today_alike_alone_and_in_history(market):
    values, labels = market
    for candidate in CANDIDATES:
        estimator = fit_final(candidate, values, labels, NAMES, POLICY)
        history = predict_scores(estimator, values, POLICY.min_feature_share)
        today = predict_scores(estimator, values[-1:], POLICY.min_feature_share)
        assert today[0].tobytes() == history[-1].tobytes()


def test_nothing_to_train_on_is_said(market):
    values, labels = market
    labels[:] = np.nan
    with pytest.raises(InsufficientDataError, match="candidate linear has no row with a label"):
        fit_fold(tasks_of((values, labels))[0])


def test_seed_depends_on_root_name_and_fold_alone():
    assert fit_seed(POLICY, "trees", 1) == fit_seed(FitPolicy(seed=7), "trees", 1)
    others = [
        fit_seed(FitPolicy(seed=8), "trees", 1),
        fit_seed(POLICY, "linear", 1),
        fit_seed(POLICY, "trees", 2),
        fit_seed(POLICY, "trees", -1),
    ]
    assert len({fit_seed(POLICY, "trees", 1), *others}) == 5


@pytest.mark.parametrize("kind", ["ridge", "hist_gradient_boosting", "momentum"])
def test_a_feature_that_is_still_warming_up_teaches_nothing(kind):
    rng = np.random.default_rng(8)
    values, labels = rng.normal(size=(60, 5, 4)), rng.normal(size=(60, 5))
    values[:40, :, 3] = np.nan
    candidate = CandidatePolicy(
        name="any", kind=kind, parameters={"feature": "b"} if kind == "momentum" else {}
    )
    folds = [(np.arange(40), np.arange(45, 60))]
    policy = FitPolicy(seed=1, min_feature_share=0.5)
    (task,) = plan_tasks(values, labels, "abcd", folds, [candidate], policy)
    found = fit_fold(task).predictions
    assert np.isfinite(found).all()
    values[45:, :, 3] *= -7.0
    (task,) = plan_tasks(values, labels, "abcd", folds, [candidate], policy)
    np.testing.assert_array_equal(fit_fold(task).predictions, found)
