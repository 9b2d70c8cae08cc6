"""The first layer that differs is the cause; those after it are effects."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.audit import LAYERS, Mismatch, first_mismatch

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=6,
)
RECORDS = st.dictionaries(st.sampled_from([*LAYERS, "extra"]), VALUES)


@given(RECORDS)
def test_a_record_equals_itself(record):
    assert first_mismatch(record, record) is None


@given(RECORDS, RECORDS)
def test_both_ways_round_name_the_same_place(one, other):
    there, back = first_mismatch(one, other), first_mismatch(other, one)
    assert (there is None) == (back is None)
    if there is not None:
        assert there.layer == back.layer


def test_causes_come_before_effects():
    recorded = {layer: {"x": 1} for layer in reversed(LAYERS)}
    for at, layer in enumerate(LAYERS):
        rebuilt = {name: {"x": 1 + (name in LAYERS[at:])} for name in LAYERS}
        assert first_mismatch(recorded, rebuilt) == Mismatch(layer, "x", 1, 2)


def test_the_place_within_a_layer_is_named():
    recorded = {"folds": {"a": [{"first": "x"}, {"first": "y"}]}}
    rebuilt = {"folds": {"a": [{"first": "x"}, {"first": "z"}]}}
    assert first_mismatch(recorded, rebuilt) == Mismatch("folds", "a.1.first", "y", "z")


@pytest.mark.parametrize(
    ("recorded", "rebuilt"),
    [
        ({"data": {"a": 1}}, {"data": {}}),
        ({"data": {"a": None}}, {"data": {}}),
        ({"data": {"a": [1]}}, {"data": {"a": [1, 2]}}),
        ({"data": {"a": 1}}, {"data": {"a": "1"}}),
        ({"data": {"a": True}}, {"data": {"a": 1}}),
        ({"data": {"a": 1.0}}, {"data": {"a": math.nextafter(1.0, 2)}}),
        ({"data": {"a": math.nan}}, {"data": {"a": 1.0}}),
        ({"data": {"a": [1]}}, {"data": {"a": 1}}),
        ({"data": {"a": "ab"}}, {"data": {"a": ["a", "b"]}}),
        ({"data": {}}, {}),
        ({}, {"extra": 1}),
    ],
)
def test_what_differs(recorded, rebuilt):
    assert first_mismatch(recorded, rebuilt) is not None
    assert first_mismatch(rebuilt, recorded) is not None


@pytest.mark.parametrize(
    ("recorded", "rebuilt"),
    [
        ({"data": {"a": 1}}, {"data": {"a": 1.0}}),
        ({"data": {"a": math.nan}}, {"data": {"a": math.nan}}),
        ({"data": {"a": (1, 2)}}, {"data": {"a": [1, 2]}}),
        ({"data": {"a": 1, "b": 2}}, {"data": {"b": 2, "a": 1}}),
        ({}, {}),
    ],
)
def test_what_is_the_same(recorded, rebuilt):
    assert first_mismatch(recorded, rebuilt) is None


def test_layers_that_are_not_known_come_last_by_name():
    found = first_mismatch({"zeta": 1, "alpha": 1}, {"zeta": 2, "alpha": 2})
    assert found == Mismatch("alpha", "", 1, 2)
