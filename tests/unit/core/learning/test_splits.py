from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from shadowbook.core.learning import PurgedWalkForward
from shadowbook.core.learning.causality import audit_overlap
from shadowbook.core.learning.splits import SplitPolicy
from shadowbook.errors import ConfigError, DataError, InsufficientDataError, LeakageError

optional = st.none() | st.integers(1, 60)


@given(
    n_sessions=st.integers(0, 400),
    n_splits=st.integers(1, 8),
    horizon=st.integers(0, 30),
    embargo=st.integers(0, 20),
    min_train=optional,
    test_size=optional,
    max_train=optional,
)
def test_no_training_label_touches_its_test_window(
    n_sessions, n_splits, horizon, embargo, min_train, test_size, max_train
):
    assume(min_train is None or max_train is None or min_train <= max_train)
    splitter = PurgedWalkForward(n_splits, horizon, embargo, min_train, test_size, max_train)
    try:
        folds = list(splitter.split(range(n_sessions)))
    except InsufficientDataError:
        least = (min_train or 1) + horizon + embargo + n_splits * (test_size or 1)
        assert n_sessions < least
        return
    assert len(folds) == n_splits
    previous_end = -1
    for train, test in folds:
        for i in train:
            assert i + horizon < test[0] or i > test[-1] + horizon + embargo
        audit_overlap(train, test, horizon, embargo)
        assert train[-1] + horizon + embargo < test[0]
        assert np.array_equal(test, np.arange(test[0], test[-1] + 1))
        assert test[0] > previous_end
        previous_end = test[-1]
        assert len(train) >= min(min_train or 1, max_train or 10**9)
        assert max_train is None or len(train) <= max_train
        assert test_size is None or len(test) == test_size
        assert train.dtype.kind == test.dtype.kind == "i"
    assert previous_end == n_sessions - 1
    starts = [test[0] for _, test in folds]
    assert set(np.diff(starts)) <= {len(folds[0][1])}


def test_folds_by_hand():
    folds = list(PurgedWalkForward(2, horizon=3, embargo=1, min_train=4).split(range(14)))
    # 14 sessions - gap 4 - 4 to train on leave 6: two windows of 3
    assert [(f[0].tolist(), f[1].tolist()) for f in folds] == [
        ([0, 1, 2, 3], [8, 9, 10]),
        ([0, 1, 2, 3, 4, 5, 6], [11, 12, 13]),
    ]


def test_rolling_window_forgets_the_oldest():
    folds = list(PurgedWalkForward(3, 1, max_train=5, test_size=4).split(range(30)))
    assert [(int(a[0]), int(a[-1])) for a, _ in folds] == [(12, 16), (16, 20), (20, 24)]


def test_a_split_without_the_purge_is_caught_by_the_audit():
    train, test = next(PurgedWalkForward(1, 5, 0, test_size=10).split(range(50)))
    audit_overlap(train, test, 5, 0)
    with pytest.raises(LeakageError, match="training label 35 spans sessions 35 to 40"):
        audit_overlap(np.append(train, train[-1] + 1), test, 5, 0)


def sessions_in_many_forms():
    days = [date(2020, 1, 1) + timedelta(days=i) for i in range(40)]
    stamps = pd.DatetimeIndex(days)
    return [
        range(40),
        40,
        days,
        np.array(days, dtype="datetime64[D]"),
        stamps,
        stamps.tz_localize("UTC"),
        pd.Series(stamps),
        [str(day) for day in days],
        np.zeros((40, 3)),
        np.zeros(40),
        (day for day in days),
    ]


@pytest.mark.parametrize("form", range(len(sessions_in_many_forms())))
def test_sessions_may_come_in_many_forms(form):
    expected = list(PurgedWalkForward(3, 4, 2).split(range(40)))
    folds = list(PurgedWalkForward(3, 4, 2).split(sessions_in_many_forms()[form]))
    assert all(
        np.array_equal(a, c) and np.array_equal(b, d)
        for (a, b), (c, d) in zip(folds, expected, strict=True)
    )


def test_sessions_out_of_order_are_named():
    days = np.array(["2020-01-02", "2020-01-03", "2020-01-03"], dtype="datetime64[D]")
    with pytest.raises(DataError, match="session 2020-01-03 at row 2 does not come after"):
        PurgedWalkForward(1, 0).split(days)


def test_too_short_a_history_says_how_many_sessions_there_are_and_are_needed():
    with pytest.raises(
        InsufficientDataError, match="there are 100 sessions and 171 are needed for 5 test windows"
    ):
        PurgedWalkForward(5, 21, 5, min_train=120, test_size=5).split(range(100))


@pytest.mark.parametrize(
    "arguments",
    [
        {"n_splits": 0, "horizon": 1},
        {"n_splits": 2.5, "horizon": 1},
        {"n_splits": True, "horizon": 1},
        {"n_splits": 2, "horizon": -1},
        {"n_splits": 2, "horizon": 1, "embargo": -1},
        {"n_splits": 2, "horizon": 1, "min_train": 0},
        {"n_splits": 2, "horizon": 1, "test_size": 0},
        {"n_splits": 2, "horizon": 1, "min_train": 10, "max_train": 9},
    ],
)
def test_impossible_settings_are_refused(arguments):
    with pytest.raises(ConfigError):
        PurgedWalkForward(**arguments)


def test_policy_makes_the_splitter():
    folds = list(SplitPolicy(n_splits=4, embargo=10, min_train=500).splitter(21).split(8_313))
    assert len(folds) == 4
    assert len(folds[0][0]) >= 500
    assert folds[0][0][-1] + 31 < folds[0][1][0]


def test_policy_refuses_what_makes_no_sense():
    for wrong in (
        {"n_splits": 0},
        {"embargo": -1},
        {"unknown": 1},
        {"min_train": 9, "max_train": 8},
    ):
        with pytest.raises(ValidationError):
            SplitPolicy(**wrong)
