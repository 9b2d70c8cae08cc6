"""Each rule of the ramp, one by one."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from shadowbook.core.promotion.guards import GuardOutcome, GuardVerdict
from shadowbook.core.promotion.ramp import begun, transition
from shadowbook.core.promotion.ramp_policy import RampPolicy
from shadowbook.core.promotion.ramp_record import read
from shadowbook.core.promotion.ramp_state import (
    ApprovalGiven,
    ChallengerNamed,
    CloseAB,
    CourtDecided,
    Expired,
    MoveAlias,
    Phase,
    RecordEvent,
    Refused,
    RollbackAsked,
    SessionJudged,
    SetShares,
    SwitchBooks,
)

NOW = datetime(2020, 1, 2, 21, 15, tzinfo=UTC)
POLICY = RampPolicy(
    steps=(0.05, 0.5, 1.0),
    min_sessions=2,
    max_sessions=4,
    first_look=2,
    max_shortfall=None,
    max_excess_slippage_bps=None,
    min_fill_ratio=None,
    min_position_agreement=None,
)
FREE = POLICY.model_copy(update={"approval_for_last_step": False})
PROMOTE = CourtDecided(5, "PROMOTE", "5f1c", "ann")
GOOD = (GuardVerdict("drawdown", GuardOutcome.PASSED, 0.01, 0.15, "drawdown is 0.01"),)
MISSING = (GuardVerdict("drawdown", GuardOutcome.MISSING, math.nan, 0.15, "drawdown: no value"),)
BREACHED = (GuardVerdict("drawdown", GuardOutcome.BREACHED, 0.2, 0.15, "drawdown is 0.2"),)


class Walk:
    """A ramp and the moments of its events."""

    def __init__(self, policy=POLICY):
        self.policy, self.day = policy, 0
        self.state = begun("weekly", 3, NOW)
        self.effects = ()

    def take(self, event):
        moment = NOW + timedelta(days=self.day)
        self.state, self.effects = transition(self.state, event, moment, self.policy)
        return self

    def session(self, verdicts=GOOD, pages=()):
        self.day += 1
        return self.take(SessionJudged(date(2020, 1, 2) + timedelta(self.day), verdicts, pages))

    def sessions(self, number):
        for _ in range(number):
            self.session()
        return self

    @property
    def refused(self):
        (only,) = self.effects
        assert isinstance(only, Refused)
        return only.reason

    @property
    def shares(self):
        (only,) = [effect for effect in self.effects if isinstance(effect, SetShares)]
        return only.champion, only.ab

    @property
    def recorded(self):
        (only,) = [effect for effect in self.effects if isinstance(effect, RecordEvent)]
        return only.body


def named(policy=POLICY):
    return Walk(policy).take(ChallengerNamed(5))


def ramping(policy=POLICY):
    return named(policy).take(PROMOTE)


def waiting():
    """Before the last step, with a good session behind it."""
    walk = ramping().sessions(4)
    assert (walk.state.phase, walk.state.step) == (Phase.AWAITING_APPROVAL, 1)
    return walk


def promoted():
    return ramping(FREE).sessions(6)


def test_the_first_step_begins_when_the_court_promotes():
    walk = ramping()
    assert (walk.state.phase, walk.state.step, walk.shares) == (Phase.RAMPING, 0, (0.95, 0.05))
    assert (walk.state.evidence, walk.state.requested_by) == ("5f1c", "ann")
    assert walk.recorded["from"] == "SHADOW"
    assert walk.recorded["act"] == "court decided"
    assert read(json.loads(json.dumps(walk.recorded["state"])), "weekly", 9, NOW)[0] == walk.state


def test_a_court_that_holds_changes_nothing_and_is_recorded():
    for outcome in ("HOLD", "NOT_COMPUTABLE"):
        walk = named()
        before = walk.state
        walk.take(CourtDecided(5, outcome, "5f1c", "ann"))
        assert walk.state == before
        assert walk.recorded["decided"] == outcome


def test_rejected_is_final_for_this_challenger():
    walk = named().take(CourtDecided(5, "REJECT", "5f1c", "ann"))
    assert (walk.state.phase, walk.state.barred) == (Phase.REJECTED, (5,))
    assert MoveAlias("challenger", None) in walk.effects
    assert "is not allowed while it is REJECTED" in walk.take(PROMOTE).refused
    assert "barred" in walk.take(ChallengerNamed(5)).refused
    assert walk.take(ChallengerNamed(6)).state.phase is Phase.SHADOW
    assert "barred" in walk.take(ChallengerNamed(5)).refused


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (CourtDecided(6, "PROMOTE", "5f1c", "ann"), "version 6 and version 5 is the challenger"),
        (CourtDecided(5, "PROMOTE", "", "ann"), "without a digest"),
        (CourtDecided(5, "PROMOTE", "5f1c", " "), "without a digest of its evidence or a requ"),
        (CourtDecided(5, "MAYBE", "5f1c", "ann"), "'MAYBE' is no decision"),
        (SessionJudged(date(2020, 1, 3), GOOD), "not allowed while it is SHADOW"),
        (ApprovalGiven(5, "bob"), "not allowed while it is SHADOW"),
        (ChallengerNamed(3), "version 3 is champion"),
        (ChallengerNamed(5), "version 5 is champion, challenger"),
        (ChallengerNamed(0), "no version at all"),
        (RollbackAsked("ann", "why", to=7), "not to 7"),
        ("promote!", "str is no event"),
    ],
)
def test_what_is_illegal_leaves_the_state_and_says_why(event, said):
    walk = named()
    before = walk.state
    assert said in walk.take(event).refused
    assert walk.refused.startswith("the ramp of weekly stays SHADOW: ")
    assert walk.state == before


def test_without_a_challenger_there_is_nothing_to_promote_or_to_expire():
    assert "no version is the challenger" in Walk().take(PROMOTE).refused
    assert "no challenger" in Walk().take(Expired("old")).refused


def test_no_second_ramp_begins_beside_the_first():
    walk = ramping()
    assert "not allowed while it is RAMPING" in walk.take(ChallengerNamed(6)).refused
    assert "not allowed while it is RAMPING" in walk.take(PROMOTE).refused


def test_steps_follow_one_another_and_end_in_another_champion():
    walk, seen = ramping(FREE), []
    for _ in range(5):
        walk.session()
        seen.append((walk.state.step, walk.state.sessions, walk.shares[1]))
    assert seen == [(0, 1, 0.05), (1, 0, 0.5), (1, 1, 0.5), (2, 0, 1.0), (2, 1, 1.0)]
    assert walk.state.after == date(2020, 1, 6)
    walk.session()
    state = walk.state
    assert (state.phase, state.champion, state.previous) == (Phase.PROMOTED, 5, 3)
    assert (state.challenger, state.step, state.barred) == (None, None, ())
    assert walk.effects[1:] == (
        SetShares(1.0, 0.0),
        SwitchBooks(5),
        CloseAB(),
        MoveAlias("previous", 3),
        MoveAlias("champion", 5),
        MoveAlias("challenger", None),
    )


def test_a_guard_that_is_missing_holds():
    walk = ramping().session().session(MISSING)
    assert (walk.state.step, walk.state.held) == (0, ("drawdown: no value",))
    assert walk.recorded["guards"][0]["value"] is None
    assert walk.session(()).state.held == ("the guard drawdown said nothing",)
    walk = ramping().session().session(MISSING).session()
    assert (walk.state.step, walk.state.held) == (1, ())


def test_a_page_that_is_open_holds_where_the_policy_says_so():
    walk = ramping().session().session(GOOD, ("sharpe of champion pages",))
    assert (walk.state.step, walk.state.held) == (0, ("sharpe of champion pages",))
    deaf = POLICY.model_copy(update={"open_pages_hold": False})
    assert ramping(deaf).session().session(GOOD, ("sharpe pages",)).state.step == 1


@pytest.mark.parametrize("begin", [ramping, waiting, lambda: ramping().session()])
def test_a_guard_that_is_breached_rolls_back_by_itself(begin):
    walk = begin().session((*MISSING, *BREACHED))
    state = walk.state
    assert (state.phase, state.champion, state.barred) == (Phase.ROLLED_BACK, 3, (5,))
    assert state.reason == "rolled back to version 3 by its guards: drawdown is 0.2"
    assert walk.effects[1:] == (
        SetShares(1.0, 0.0),
        SwitchBooks(3),
        CloseAB(),
        MoveAlias("previous", None),
        MoveAlias("champion", 3),
        MoveAlias("challenger", None),
    )
    assert walk.recorded["guards"][1]["value"] == 0.2


def test_a_guard_that_the_policy_has_not_rolls_back_as_well():
    other = replace(BREACHED[0], guard="other")
    assert ramping().session((*GOOD, other)).state.phase is Phase.ROLLED_BACK


def test_a_session_counts_once_but_breaches_at_any_time():
    walk = ramping().session()
    again = SessionJudged(walk.state.judged, GOOD)
    assert "sessions up to 2020-01-03 have been judged" in walk.take(again).refused
    assert walk.state.sessions == 1
    assert walk.take(SessionJudged(walk.state.judged, BREACHED)).state.phase is Phase.ROLLED_BACK


def test_a_step_that_lasts_too_long_waits_for_a_person_and_says_so():
    walk = ramping()
    for _ in range(4):
        walk.session(MISSING)
    assert (walk.state.phase, walk.state.step) == (Phase.AWAITING_APPROVAL, 0)
    assert walk.state.reason == "step 1 has lasted 4 sessions and holds: drawdown: no value"
    walk.sessions(3)
    assert (walk.state.phase, walk.shares) == (Phase.AWAITING_APPROVAL, (0.95, 0.05))
    walk.take(ApprovalGiven(5, "bob"))
    assert (walk.state.phase, walk.state.step, walk.state.approved_by) == (Phase.RAMPING, 1, "")


def test_an_approval_of_an_earlier_step_is_none_of_the_last_one():
    walk = ramping()
    for _ in range(4):
        walk.session(MISSING)
    walk.take(ApprovalGiven(5, "bob")).session(MISSING).take(ApprovalGiven(5, "bob"))
    walk.sessions(3)
    assert walk.state.step == 1
    assert (walk.state.phase, walk.state.approver) == (Phase.AWAITING_APPROVAL, "")


def test_the_last_step_waits_for_somebody_else_than_the_requester():
    walk = waiting()
    assert walk.shares == (0.5, 0.5)
    for by in ("ann", " Ann ", "", "  "):
        assert "cannot approve what ann asked" in walk.take(ApprovalGiven(5, by)).refused
    assert "version 6 was approved" in walk.take(ApprovalGiven(6, "bob")).refused
    assert walk.sessions(9).state.phase is Phase.AWAITING_APPROVAL
    walk.take(ApprovalGiven(5, " bob "))
    assert (walk.state.phase, walk.state.step, walk.shares) == (Phase.RAMPING, 2, (0.0, 1.0))
    assert walk.sessions(2).state.phase is Phase.PROMOTED
    assert walk.state.approved_by == "bob"


def test_an_approval_while_a_guard_is_missing_counts_when_it_is_back():
    walk = waiting().session(MISSING).take(ApprovalGiven(5, "bob"))
    assert (walk.state.phase, walk.state.approver) == (Phase.AWAITING_APPROVAL, "bob")
    assert walk.shares == (0.5, 0.5)
    assert "bob has approved already" in walk.take(ApprovalGiven(5, "cid")).refused
    assert walk.session(MISSING).state.phase is Phase.AWAITING_APPROVAL
    walk.session()
    assert (walk.state.phase, walk.state.step) == (Phase.RAMPING, 2)
    assert (walk.state.approver, walk.state.approved_by) == ("", "bob")


def test_a_last_step_that_was_entered_without_an_approval_waits_once_it_is_asked_for():
    walk = ramping(FREE).sessions(5)
    assert walk.state.step == 2
    walk.policy = POLICY
    assert walk.session().state.phase is Phase.AWAITING_APPROVAL
    assert walk.take(ApprovalGiven(5, "bob")).state.phase is Phase.PROMOTED
    assert walk.state.approved_by == "bob"


def test_steps_that_were_changed_hold_the_ramp_with_the_smaller_share():
    walk = ramping().sessions(3)
    assert walk.shares == (0.5, 0.5)
    walk.policy = POLICY.model_copy(update={"steps": (0.1, 0.2, 1.0)})
    walk.sessions(1)
    assert (walk.state.step, walk.shares) == (1, (0.8, 0.2))
    assert "put them back or roll back" in walk.state.held[0]
    walk.policy = POLICY.model_copy(update={"steps": (0.9, 1.0)})
    assert walk.session().shares == (0.5, 0.5)
    walk = waiting()
    walk.policy = POLICY.model_copy(update={"steps": (0.1, 0.2, 1.0)})
    assert walk.take(ApprovalGiven(5, "bob")).state.phase is Phase.AWAITING_APPROVAL
    walk.policy = POLICY
    assert walk.session().state.step == 2


@pytest.mark.parametrize(
    ("begin", "champion", "previous", "barred"),
    [
        (Walk, 3, None, ()),
        (named, 3, None, ()),
        (ramping, 3, None, (5,)),
        (waiting, 3, None, (5,)),
        (promoted, 3, None, (5,)),
        (lambda: ramping().take(RollbackAsked("ann", "first")), 3, None, (5,)),
        (lambda: named().take(CourtDecided(5, "REJECT", "5f1c", "ann")), 3, None, (5,)),
        (lambda: promoted().take(ChallengerNamed(6)), 3, None, (5,)),
        (lambda: promoted().take(ChallengerNamed(3)), 3, None, (5,)),
        (
            lambda: (
                promoted().take(ChallengerNamed(6)).take(CourtDecided(6, "PROMOTE", "77", "ann"))
            ),
            5,
            3,
            (6,),
        ),
    ],
)
def test_rollback_goes_back_from_everywhere_and_twice_is_once(begin, champion, previous, barred):
    walk = begin().take(RollbackAsked("ann", "losing"))
    state, effects = walk.state, walk.effects
    assert (state.phase, state.champion) == (Phase.ROLLED_BACK, champion)
    assert (state.previous, state.barred) == (previous, barred)
    walk.take(RollbackAsked("bob", "again"))
    assert walk.state == state
    assert walk.effects == tuple(e for e in effects if not isinstance(e, RecordEvent))


def test_a_rollback_may_name_the_version_before_the_champion():
    walk = promoted().take(ChallengerNamed(6)).take(CourtDecided(6, "PROMOTE", "77", "ann"))
    walk.take(RollbackAsked("ann", "both lose", to=3))
    assert (walk.state.champion, walk.state.previous, walk.state.barred) == (3, None, (5, 6))
    state = walk.state
    assert walk.take(RollbackAsked("ann", "both lose", to=3)).state == state
    assert "not to 5" in walk.take(RollbackAsked("ann", "back", to=5)).refused


def test_a_rolled_back_ramp_may_be_followed_by_the_version_before_the_champion():
    walk = promoted().take(ChallengerNamed(6)).take(CourtDecided(6, "PROMOTE", "77", "ann"))
    walk.session(BREACHED)
    assert (walk.state.phase, walk.state.champion, walk.state.previous) == (
        Phase.ROLLED_BACK,
        5,
        3,
    )
    walk.take(RollbackAsked("ann", "it loses as well", to=3))
    assert (walk.state.champion, walk.state.previous) == (3, None)


def test_a_rollback_needs_no_words():
    walk = ramping().take(RollbackAsked("", ""))
    assert walk.state.reason == "rolled back to version 3 by nobody named: no reason given"


@pytest.mark.parametrize(
    ("begin", "phase"),
    [
        (named, Phase.REJECTED),
        (ramping, Phase.ROLLED_BACK),
        (waiting, Phase.ROLLED_BACK),
    ],
)
def test_a_challenger_that_is_too_old_goes(begin, phase):
    walk = begin().take(Expired("126 sessions"))
    assert (walk.state.phase, walk.state.champion, walk.state.barred) == (phase, 3, (5,))
    assert "version 5 expired: 126 sessions" in walk.state.reason


def test_a_champion_does_not_expire():
    assert "not allowed while it is PROMOTED" in promoted().take(Expired("old")).refused


def test_another_challenger_takes_the_place_of_one_without_capital():
    walk = named().take(ChallengerNamed(6))
    assert (walk.state.challenger, walk.state.barred) == (6, ())
    assert walk.effects[1:] == (MoveAlias("challenger", 6),)
    assert "version 5 and version 6 is the challenger" in walk.take(PROMOTE).refused
