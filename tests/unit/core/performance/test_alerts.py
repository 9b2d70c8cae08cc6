"""Where an alert stands, as the ledger keeps it: what cannot be read counts as a halt."""

import json
from dataclasses import replace
from itertools import product

import pytest

from shadowbook.core.performance.advance import capacity_of
from shadowbook.core.performance.alerts import (
    TRANSITIONS,
    AlertState,
    Phase,
    Transition,
    family_of,
)
from shadowbook.core.performance.tiers import AlertAction, Tier

OPEN = AlertState(
    "sharpe/warning/halve",
    Tier.WARNING,
    AlertAction.HALVE,
    Phase.OPEN,
    rule="sharpe_63",
    age=3,
    tripped=("sharpe_63",),
    streaks=(("sharpe_63", 5), ("sharpe_126", -2)),
)


@pytest.mark.parametrize(("phase", "tier"), list(product(Phase, Tier)))
def test_a_state_is_read_back_from_json(phase, tier):
    family = family_of("sharpe", tier, AlertAction.HALVE)
    state = replace(OPEN, phase=phase, tier=tier, family=family)
    assert AlertState.of_plain(json.loads(json.dumps(state.plain()))) == state


@pytest.mark.parametrize(
    "changes",
    [
        {"phase": "asleep"},
        {"tier": "mild"},
        {"action": None},
        {"age": -1},
        {"rest": "soon"},
        {"rule": ""},
        {"streaks": [1, 2]},
        {"family": "sharpe/critical/halt"},
        {"tripped": 3},
    ],
)
def test_a_state_that_cannot_be_read_counts_as_a_halt(changes):
    state = AlertState.of_plain({**OPEN.plain(), **changes})
    assert state.phase is Phase.UNKNOWN
    assert state.is_open
    assert capacity_of([state]) == 0.0
    assert AlertState.of_plain(state.plain()) == state


@pytest.mark.parametrize("item", [None, 7, "open", [], {}, {"family": None}])
def test_what_is_no_state_at_all_counts_as_a_halt(item):
    assert capacity_of([AlertState.of_plain(item)]) == 0.0


def test_the_table_leads_from_every_open_phase_to_quiet_and_nowhere_from_quiet_but_open():
    assert {after for (before, _), after in TRANSITIONS.items() if before is Phase.QUIET} == {
        Phase.OPEN
    }
    for phase in (Phase.OPEN, Phase.ESCALATED, Phase.ACKNOWLEDGED):
        assert TRANSITIONS[phase, Transition.CLEARED] is Phase.QUIET
    assert (Phase.ACKNOWLEDGED, Transition.ESCALATED) not in TRANSITIONS
    assert (Phase.UNKNOWN, Transition.CLEARED) not in TRANSITIONS
