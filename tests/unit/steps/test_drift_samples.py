"""Columns that drift is looked for in: against plain loops, by the session that knows a label."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowbook.steps.drift_samples import LABEL, PREDICTION, outcomes_of, samples_of

NAN = math.nan


def naive_outcomes(prices, horizon):
    """Each session's newest outcome, a name at a time."""
    found = np.full(prices.shape, NAN)
    for t, n in np.ndindex(*prices.shape):
        span = prices[max(t - horizon, 0) : t + 1, n]
        if t >= horizon and np.isfinite(span).all():
            found[t, n] = span[-1] / span[0] - 1.0
    return found


@settings(max_examples=60)
@given(st.integers(0, 12), st.integers(1, 6), st.integers(0, 999))
def test_outcomes_are_those_of_a_loop(n_sessions, horizon, seed):
    rng = np.random.default_rng(seed)
    prices = rng.lognormal(3.0, 0.1, (n_sessions, 3))
    prices[rng.random(prices.shape) < 0.1] = NAN
    found = outcomes_of(prices, horizon)
    np.testing.assert_allclose(found, naive_outcomes(prices, horizon), rtol=1e-12, equal_nan=True)


def test_an_outcome_stands_in_the_session_that_knows_it():
    prices = np.array([[10.0], [11.0], [12.0], [18.0]])
    found = outcomes_of(prices, 2).ravel().tolist()
    assert found == pytest.approx([NAN, NAN, 0.2, 18.0 / 11.0 - 1.0], nan_ok=True)
    # What comes later changes nothing that was known.
    assert outcomes_of(prices[:3], 2).ravel().tolist() == pytest.approx(found[:3], nan_ok=True)


def table(n_sessions=8, n_names=4, seed=3):
    """Features of two kinds, some missing, some rows absent."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n_sessions, n_names, 2))
    features[rng.random(features.shape) < 0.3] = NAN
    features[rng.random(features.shape[:2]) < 0.2] = NAN
    return features


@settings(max_examples=40)
@given(st.integers(1, 9), st.integers(1, 6), st.integers(0, 999))
def test_who_is_there_is_who_has_a_row(n_sessions, horizon, seed):
    features = table(n_sessions, seed=seed)
    scores, outcomes = np.zeros(features.shape[:2]), np.ones(features.shape[:2])
    columns = samples_of(("a", "b"), features, scores, outcomes, horizon)
    for t, n in np.ndindex(*scores.shape):
        there = bool(np.isfinite(features[t, n]).any())
        rated = t >= horizon and bool(np.isfinite(features[t - horizon, n]).any())
        told = [bool(column.present[t, n]) for column in columns]
        assert told == [there, there, there, rated]


def test_the_columns_and_what_they_hold():
    features = table()
    scores, outcomes = np.arange(32.0).reshape(8, 4), -np.arange(32.0).reshape(8, 4)
    columns = samples_of(("a", "b"), features, scores, outcomes, 3)
    told = [(column.name, column.kind) for column in columns]
    assert told == [
        ("a", "feature"),
        ("b", "feature"),
        (PREDICTION, "prediction"),
        (LABEL, "label"),
    ]
    for k, column in enumerate(columns[:2]):
        np.testing.assert_array_equal(column.values, features[:, :, k])
    assert columns[2].values.tolist() == scores.tolist()
    assert columns[3].values.tolist() == outcomes.tolist()


def test_an_absent_name_is_not_missing_and_a_hole_is():
    features = np.ones((2, 3, 2))
    features[:, 1] = NAN
    features[1, 2, 0] = NAN
    first = samples_of(("a", "b"), features, np.ones((2, 3)), np.ones((2, 3)), 1)[0]
    missing = first.present & ~np.isfinite(first.values)
    assert missing.tolist() == [[False, False, False], [False, False, True]]
