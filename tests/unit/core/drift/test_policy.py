"""The policy: its defaults, and what it refuses."""

import pytest
from pydantic import ValidationError

from shadowbook.core.drift.policy import DriftPolicy


def test_what_holds_without_a_word():
    policy = DriftPolicy()
    assert (policy.reference_sessions, policy.windows, policy.n_bins) == (1260, (21, 63), 10)
    assert policy.false_discovery_rate == 0.02
    assert policy.min_missing_difference == 0.01
    assert (policy.persistence, policy.clear_sessions) == (3, 21)
    assert policy.streams.years_between_false_alarms == 10.0
    assert (policy.retrain.cooldown_sessions, policy.retrain.max_a_month) == (21, 2)


@pytest.mark.parametrize("windows", [(5,), (5, 504), (10, 20, 40, 80)])
def test_windows_that_ascend_are_taken(windows):
    assert DriftPolicy(windows=windows).windows == windows


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ((), "at least 1"),
        ((5, 6, 7, 8, 9), "at most 4"),
        ((4, 21), "must be of 5 to 504 sessions"),
        ((21, 505), "must be of 5 to 504 sessions"),
        ((63, 21), "must ascend without repeating"),
        ((21, 21), "must ascend without repeating"),
        ((21.5,), "valid integer"),
    ],
)
def test_other_windows_are_refused(windows, words):
    with pytest.raises(ValidationError, match=words):
        DriftPolicy(windows=windows)


@pytest.mark.parametrize(
    "given",
    [
        {"reference_sessions": 251},
        {"n_bins": 1},
        {"n_resamples": 199},
        {"false_discovery_rate": 0.0},
        {"false_discovery_rate": 0.5},
        {"false_discovery_rate": float("nan")},
        {"min_missing_difference": 0.0},
        {"min_missing_difference": 1.0},
        {"persistence": 0},
        {"clear_sessions": 0},
        {"held_out_years": -1},
        {"windws": (21,)},
        {"streams": {"n_histories": 19}},
        {"streams": {"years_between_false_alarms": 0.0}},
        {"attributions": {"rows": 99}},
        {"retrain": {"cooldown_sessions": -1}},
        {"retrain": {"max_a_month": 32}},
        {"retrain": {"patience_minutes": -1}},
    ],
)
def test_numbers_out_of_range_and_unknown_names_are_refused(given):
    with pytest.raises(ValidationError, match=next(iter(given))):
        DriftPolicy.model_validate(given)


def test_it_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        DriftPolicy().n_bins = 20
