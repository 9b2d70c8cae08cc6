"""A ramp's state through JSON, and what stands where it cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.promotion.ramp import transition
from shadowbook.core.promotion.ramp_policy import RampPolicy
from shadowbook.core.promotion.ramp_record import closed, problem_of, read, told
from shadowbook.core.promotion.ramp_state import (
    ChallengerNamed,
    CloseAB,
    MoveAlias,
    Phase,
    RampState,
    RecordEvent,
    RollbackAsked,
    SetShares,
    SwitchBooks,
)
from shadowbook.errors import IntegrityError

NOW = datetime(2020, 3, 2, 21, 15, tzinfo=UTC)
STEPS = (0.05, 0.5, 1.0)
RAMPING = RampState(
    "weekly",
    Phase.RAMPING,
    3,
    NOW,
    challenger=5,
    previous=2,
    steps=STEPS,
    step=1,
    sessions=4,
    judged=date(2020, 3, 2),
    after=date(2020, 2, 25),
    held=("the newest session has no value",),
    requested_by="ann",
    evidence="5f1c",
    reason="step 1 has passed",
    barred=(1, 4),
)


def through_json(state: RampState) -> object:
    return json.loads(json.dumps(told(state)))


@pytest.mark.parametrize(
    "state",
    [
        RAMPING,
        replace(RAMPING, phase=Phase.AWAITING_APPROVAL, approver="bob"),
        RampState("weekly", Phase.SHADOW, 3, NOW),
        RampState("weekly", Phase.SHADOW, 3, NOW, challenger=2, previous=2),
        RampState("weekly", Phase.PROMOTED, 5, NOW, previous=3, approved_by="bob"),
        RampState("weekly", Phase.ROLLED_BACK, 3, NOW, barred=(5,)),
        RampState("weekly", Phase.REJECTED, 3, NOW, challenger=5, barred=(5,)),
    ],
)
def test_what_is_told_is_read(state):
    assert problem_of(state) == ""
    assert read(through_json(state), "weekly", 9, NOW) == (state, ())


def test_shares_that_canonical_json_writes_as_whole_numbers_are_read():
    document = told(RAMPING) | {"steps": [0.05, 0.5, 1]}
    assert read(document, "weekly", 9, NOW) == (RAMPING, ())


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "RAMPING",
        [],
        {},
        {"phase": "ASLEEP"},
        {"phase": None},
        {"strategy": "monthly"},
        {"champion": "3"},
        {"champion": True},
        {"champion": 3.0},
        {"champion": 5},
        {"champion": 0},
        {"challenger": None},
        {"challenger": 4},
        {"previous": 3},
        {"step": None},
        {"step": 3},
        {"step": -1},
        {"steps": [0.05, 0.5]},
        {"steps": [0.5, 0.05, 1.0]},
        {"steps": ["0.05", "1.0"]},
        {"steps": None},
        {"sessions": -1},
        {"judged": "yesterday"},
        {"evidence": ""},
        {"requested_by": ""},
        {"approver": "bob"},
        {"held": "x"},
        {"held": [1]},
        {"changed_at": "2020-03-02T21:15:00"},
        {"changed_at": 5},
        {"more": 1},
        {"phase": "SHADOW"},
        {"phase": "PROMOTED"},
        {"phase": "ROLLED_BACK"},
        {"phase": "REJECTED"},
    ],
)
def test_what_cannot_be_read_is_rolled_back_to_the_champion(wrong):
    document = told(RAMPING) | wrong if wrong and isinstance(wrong, dict) else wrong
    state, effects = read(document, "weekly", 3, NOW)
    assert (state.strategy, state.phase, state.champion) == ("weekly", Phase.ROLLED_BACK, 3)
    assert (state.challenger, state.previous, state.step, state.barred) == (None, None, None, ())
    assert state.reason.startswith("the ramp of weekly counts as rolled back to version 3: ")
    assert isinstance(effects[0], RecordEvent)
    assert effects[0].body["state"] == told(state)
    assert effects[1:] == (
        SetShares(1.0, 0.0),
        SwitchBooks(3),
        CloseAB(),
        MoveAlias("previous", None),
        MoveAlias("champion", 3),
        MoveAlias("challenger", None),
    )


def test_a_record_without_a_field_is_unreadable():
    for name in told(RAMPING):
        document = {key: value for key, value in told(RAMPING).items() if key != name}
        state, _ = read(document, "weekly", 3, NOW)
        assert state.phase is Phase.ROLLED_BACK
        assert name in state.reason


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(told(RAMPING))), JSON)
def test_no_value_makes_it_raise_or_move_the_champion_s_capital(name, value):
    state, effects = read(told(RAMPING) | {name: value}, "weekly", 3, NOW)
    assert problem_of(state) == ""
    if effects:
        assert (state.phase, state.champion) == (Phase.ROLLED_BACK, 3)
    else:
        assert state.strategy == "weekly"


def test_a_state_in_memory_that_contradicts_itself_loses_its_capital_first():
    broken = replace(RAMPING, step=7)
    state, effects = transition(broken, ChallengerNamed(8), NOW, RampPolicy())
    assert SetShares(1.0, 0.0) in effects
    assert CloseAB() in effects
    assert (state.phase, state.champion, state.challenger) == (Phase.SHADOW, 3, 8)
    back, _ = transition(broken, RollbackAsked("ann", "why"), NOW, RampPolicy())
    assert (back.phase, back.champion) == (Phase.ROLLED_BACK, 3)


def test_an_unknown_phase_in_memory_counts_as_rolled_back():
    broken = replace(RAMPING, phase="ASLEEP")
    state, effects = transition(broken, RollbackAsked("ann", "why"), NOW, RampPolicy())
    assert (state.phase, state.champion, state.previous) == (Phase.ROLLED_BACK, 3, None)
    assert "'ASLEEP' is no phase" in state.reason
    assert SetShares(1.0, 0.0) in effects


def test_without_a_champion_there_is_nothing_to_go_back_to():
    with pytest.raises(IntegrityError, match="names 0 as its champion"):
        closed(replace(RAMPING, champion=0), "why", NOW)
