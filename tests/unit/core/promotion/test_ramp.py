"""The ramp as a whole: its table, and walks over all of its states held against a small model."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from shadowbook.core.promotion.guards import GuardOutcome, GuardVerdict
from shadowbook.core.promotion.ramp import begun, transition
from shadowbook.core.promotion.ramp_policy import RampPolicy
from shadowbook.core.promotion.ramp_record import problem_of, read, told
from shadowbook.core.promotion.ramp_state import (
    ACTS,
    Act,
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
from shadowbook.core.promotion.ramp_table import TRANSITIONS
from shadowbook.errors import SchemaError

NOW = datetime(2020, 1, 2, 21, 15, tzinfo=UTC)
STEPS = (0.05, 0.5, 1.0)
POLICY = RampPolicy(steps=STEPS, min_sessions=2, max_sessions=3, first_look=2)


def test_the_table_names_each_way_once():
    assert max(Counter((m.source, m.act, m.target) for m in TRANSITIONS).values()) == 1
    assert {m.source for m in TRANSITIONS if m.act is Act.ROLLBACK} == set(Phase)
    assert {m.target for m in TRANSITIONS if m.act is Act.ROLLBACK} == {Phase.ROLLED_BACK}
    assert {m.source for m in TRANSITIONS if m.target is Phase.PROMOTED} == {
        Phase.RAMPING,
        Phase.AWAITING_APPROVAL,
    }
    assert all(m.when for m in TRANSITIONS)
    assert set(ACTS.values()) == {m.act for m in TRANSITIONS} == set(Act)


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(SchemaError, match="has no time zone"):
        transition(begun("weekly", 1, NOW), ChallengerNamed(2), datetime(2020, 1, 2), POLICY)  # noqa: DTZ001
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-5)))
    state, _ = transition(begun("weekly", 1, NOW), ChallengerNamed(2), elsewhere, POLICY)
    assert state.changed_at == NOW


WAYS = {(move.source, move.act, move.target) for move in TRANSITIONS}


def verdicts(kinds):
    """One verdict a guard; 'silent' leaves it out."""
    return tuple(
        GuardVerdict(name, GuardOutcome(kind), math.nan, limit, f"{name} is {kind}")
        for (name, limit), kind in zip(POLICY.limits.items(), kinds, strict=True)
        if kind != "silent"
    )


KINDS = st.one_of(
    st.just(("PASSED",) * 5),
    st.tuples(*[st.sampled_from(["PASSED"] * 6 + ["MISSING", "silent"])] * 5),
    st.tuples(*[st.sampled_from(["PASSED"] * 9 + ["BREACHED"])] * 5),
)
PEOPLE = st.sampled_from(["bob", "ann", "cid", "Ann ", ""])


@dataclass
class Model:
    """What the rules say, in other words: nothing of the code is used."""

    approval: bool
    champion: int = 1
    challenger: int | None = None
    previous: int | None = None
    out: set[int] = field(default_factory=set)
    where: str = "SHADOW"
    level: int = 0
    good: int = 0
    """Sessions of this level."""
    calm: bool = True
    """The last session held nothing."""
    asked: str = ""
    signed: bool = False
    """Somebody has signed what waits now."""
    licence: bool = False
    """Somebody has signed for the last level."""
    newest: int = -1

    @property
    def has_capital(self):
        return self.where in ("RAMPING", "AWAITING_APPROVAL")

    @property
    def share(self):
        return STEPS[self.level] if self.has_capital else 0.0

    def court(self, version, outcome, by):
        if self.where != "SHADOW" or version != self.challenger:
            return
        if outcome == "REJECT":
            self.where = "REJECTED"
            self.out.add(version)
        if outcome == "PROMOTE" and by.strip():
            self.where, self.level, self.good, self.calm = "RAMPING", 0, 0, True
            self.asked, self.signed, self.licence, self.newest = by, False, False, -1

    def session(self, day, kinds, pages):
        if not self.has_capital:
            return
        if "BREACHED" in kinds:
            self.back(None)
            return
        if day <= self.newest:
            return
        self.newest, self.good = day, self.good + 1
        self.calm = set(kinds) == {"PASSED"} and not pages
        if self.where == "AWAITING_APPROVAL":
            if self.signed and self.calm:
                self.up()
        elif self.calm and self.good >= 2:
            needs = self.level == 1 or (self.level == 2 and not self.licence)
            if self.approval and needs:
                self.where, self.signed = "AWAITING_APPROVAL", False
            else:
                self.up()
        elif self.good >= 3:
            self.where, self.signed = "AWAITING_APPROVAL", False

    def approve(self, version, by):
        stranger = by.strip().lower() not in ("", self.asked.strip().lower())
        if self.where == "AWAITING_APPROVAL" and version == self.challenger and stranger:
            self.signed = True
            if self.calm:
                self.up()

    def up(self):
        if self.level == 2:
            self.champion, self.previous = self.challenger, self.champion
            self.where, self.challenger = "PROMOTED", None
            return
        self.level, self.good, self.calm = self.level + 1, 0, True
        self.licence = self.signed and self.level == 2
        self.where, self.signed = "RAMPING", False

    def back(self, to):
        if to not in (None, self.champion, self.previous):
            return
        if to is None:
            stays = self.has_capital or self.where == "ROLLED_BACK" or self.previous is None
            to = self.champion if stays else self.previous
        losing = {self.challenger} if self.has_capital else set()
        if to != self.champion:
            losing.add(self.champion)
            self.champion, self.previous = to, None
        self.out |= losing - {to}
        self.where, self.challenger = "ROLLED_BACK", None

    def expire(self):
        if self.has_capital:
            self.back(None)
        elif self.where == "SHADOW" and self.challenger is not None:
            self.where = "REJECTED"
            self.out.add(self.challenger)

    def name(self, version):
        free = version not in {self.champion, self.challenger} | self.out
        if not self.has_capital and free:
            self.where, self.challenger = "SHADOW", version


class World:
    """What the effects do: shares, books, aliases, ledger."""

    def __init__(self):
        self.shares, self.book, self.ab_open = (1.0, 0.0), 1, False
        self.aliases = {"champion": 1}
        self.ledger = []

    def carry_out(self, effects):
        for effect in effects:
            if isinstance(effect, SetShares):
                self.shares = (effect.champion, effect.ab)
                self.ab_open = self.ab_open or effect.ab > 0.0
            elif isinstance(effect, SwitchBooks):
                self.book = effect.version
            elif isinstance(effect, CloseAB):
                self.ab_open = False
            elif isinstance(effect, MoveAlias):
                self.aliases[effect.name] = effect.version
            elif isinstance(effect, RecordEvent):
                self.ledger.append(json.loads(json.dumps(dict(effect.body), allow_nan=False)))


class Ramp(RuleBasedStateMachine):
    """Any sequence of events, sensible or not."""

    taken: ClassVar[set[tuple[Phase, Act, Phase]]] = set()

    @initialize(approval=st.booleans())
    def begin(self, approval):
        self.policy = POLICY.model_copy(update={"approval_for_last_step": approval})
        self.state, self.model, self.world = begun("weekly", 1, NOW), Model(approval), World()
        self.now, self.day, self.newest = NOW, 0, 1
        self.climbed, self.stranger = [], False

    def take(self, event):
        self.now += timedelta(hours=1)
        before = self.state
        self.state, effects = transition(before, event, self.now, self.policy)
        if any(isinstance(effect, Refused) for effect in effects):
            assert self.state == before
            assert len(effects) == 1
        else:
            way = (before.phase, ACTS[type(event)], self.state.phase)
            assert way in WAYS
            self.taken.add(way)
        self.world.carry_out(effects)
        self.watch(before, event)

    def watch(self, before, event):
        """Keep, from the world alone, through which shares a challenger came."""
        if self.world.shares[1] and (not self.climbed or self.climbed[-1] != self.world.shares[1]):
            self.climbed.append(self.world.shares[1])
        if isinstance(event, ApprovalGiven) and self.state != before:
            self.stranger = event.by.strip().lower() != before.requested_by.strip().lower()
        if self.world.book != before.champion and not isinstance(event, RollbackAsked):
            assert self.climbed == list(STEPS)
            assert self.stranger or not self.policy.approval_for_last_step
        if not self.world.ab_open:
            self.climbed, self.stranger = [], False

    def court_decides(self, version, outcome, by):
        self.take(CourtDecided(version, outcome, "5f1c", by))
        self.model.court(version, outcome, by)

    def session_is_judged(self, kinds, pages, ahead):
        self.day += ahead
        event = SessionJudged(date(2020, 1, 2) + timedelta(self.day), verdicts(kinds), pages)
        self.take(event)
        self.model.session(self.day, kinds, pages)

    def is_approved(self, version, by):
        self.take(ApprovalGiven(version, by))
        self.model.approve(version, by)

    def is_named(self, version):
        self.newest = max(self.newest, version)
        self.take(ChallengerNamed(version))
        self.model.name(version)

    def expires(self):
        self.take(Expired("old"))
        self.model.expire()

    @precondition(lambda self: self.model.where == "SHADOW")
    @rule(outcome=st.sampled_from(["PROMOTE"] * 3 + ["HOLD", "REJECT"]), by=PEOPLE)
    def court(self, outcome, by):
        self.court_decides(self.model.challenger or 1, outcome, by)

    @precondition(lambda self: not self.model.has_capital)
    @rule(version=st.sampled_from(["new", "new", "previous", 1]))
    def another_challenger(self, version):
        known = {"new": self.newest + 1, "previous": self.model.previous or 1}
        self.is_named(known.get(version, version))

    @precondition(lambda self: self.model.has_capital)
    @rule(kinds=KINDS, pages=st.sampled_from([(), (), (), ("pages",)]), ahead=st.integers(0, 2))
    def session(self, kinds, pages, ahead):
        self.session_is_judged(kinds, pages, ahead)

    @precondition(lambda self: self.model.has_capital)
    @rule(number=st.integers(1, 7))
    def good_sessions(self, number):
        for _ in range(number):
            self.session_is_judged(("PASSED",) * 5, (), 1)

    @precondition(lambda self: self.model.has_capital)
    @rule(number=st.integers(1, 4))
    def sessions_without_numbers(self, number):
        for _ in range(number):
            self.session_is_judged(("MISSING",) * 5, (), 1)

    @precondition(lambda self: self.model.where == "AWAITING_APPROVAL")
    @rule(by=PEOPLE)
    def approval(self, by):
        self.is_approved(self.model.challenger, by)

    @rule(sort=st.integers(0, 6), version=st.integers(0, 9), by=PEOPLE, kinds=KINDS)
    def anything(self, sort, version, by, kinds):
        """Most often what makes no sense just now."""
        if sort == 0:
            self.court_decides(version, "PROMOTE", by)
        elif sort == 1:
            self.session_is_judged(kinds, (), 1)
        elif sort == 2:
            self.is_approved(version, by)
        elif sort == 3 and version:
            self.is_named(version)
        elif sort == 4:
            self.expires()
        elif sort == 5:
            self.rollback(version)
        else:
            self.rollback(None)

    def rollback(self, to):
        beside = self.world.aliases.get("champion")
        ramped, last = self.model.has_capital, self.model.previous
        self.take(RollbackAsked("ann", "losing", to))
        self.model.back(to)
        if to is None:
            once, aliases = self.state, dict(self.world.aliases)
            assert once.phase is Phase.ROLLED_BACK
            assert aliases["champion"] in ({beside} if ramped else {beside, last})
            self.take(RollbackAsked("bob", "again"))
            assert (self.state, self.world.aliases) == (once, aliases)

    @rule()
    def through_the_ledger(self):
        document = json.loads(json.dumps(told(self.state)))
        found, effects = read(document, "weekly", 99, self.now)
        assert (found, effects) == (self.state, ())
        self.state = found

    @rule(rare=st.integers(0, 19), name=st.sampled_from(["step", "phase", "champion", "steps"]))
    def broken_record(self, rare, name):
        if rare:
            return
        document = told(self.state) | {name: "?"}
        self.state, effects = read(document, "weekly", self.model.champion, self.now)
        self.world.carry_out(effects)
        self.climbed, self.stranger = [], False
        self.model = Model(self.model.approval, champion=self.model.champion, where="ROLLED_BACK")

    @invariant()
    def state_is_the_model_s(self):
        state, model = self.state, self.model
        assert problem_of(state) == ""
        assert (state.phase.value, state.champion, state.previous) == (
            model.where,
            model.champion,
            model.previous,
        )
        assert state.challenger == model.challenger
        assert set(state.barred) == model.out
        if model.has_capital:
            assert (state.step, state.sessions) == (model.level, model.good)

    @invariant()
    def capital_is_below_its_cap(self):
        champion, ab = self.world.shares
        assert 0.0 <= champion <= 1.0
        assert champion + ab <= 1.0
        assert ab == self.model.share
        assert self.world.ab_open == (ab > 0.0)

    @invariant()
    def there_is_one_champion(self):
        aliases = self.world.aliases
        assert aliases["champion"] == self.world.book == self.state.champion
        assert aliases.get("challenger") != aliases["champion"]
        assert aliases.get("previous") == self.state.previous

    @invariant()
    def the_ledger_ends_in_the_state(self):
        if self.world.ledger:
            newest, _ = read(self.world.ledger[-1]["state"], "weekly", 99, self.now)
            assert newest == self.state


TestRamp = Ramp.TestCase
TestRamp.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_long_walk_takes_every_way_of_the_table():
    """Hypothesis looks for the odd; this one, from a seed, makes sure that each way was gone."""
    rng = np.random.default_rng(20)
    Ramp.taken.clear()
    for number in range(40):
        walk = Ramp()
        walk.begin(approval=bool(number % 2))
        for _ in range(100):
            one_step(walk, rng)
            for holds in (
                walk.state_is_the_model_s,
                walk.capital_is_below_its_cap,
                walk.there_is_one_champion,
                walk.the_ledger_ends_in_the_state,
            ):
                holds()
    assert Ramp.taken == WAYS


def one_step(walk, rng):
    """Take a step that makes sense in nine of ten cases."""
    where, by = walk.model.where, rng.choice(["bob", "cid", "ann"])
    kinds = rng.choice(["PASSED", "MISSING", "silent"], 5, p=[0.9, 0.05, 0.05]).tolist()
    if rng.random() < 0.02:
        kinds[0] = "BREACHED"
    if rng.random() < 0.1:
        sort, version = int(rng.integers(0, 7)), int(rng.integers(0, walk.newest + 2))
        walk.anything(sort=sort, version=version, by=str(by), kinds=tuple(kinds))
    elif where == "SHADOW" and walk.model.challenger and rng.random() < 0.9:
        outcome = rng.choice(["PROMOTE", "HOLD", "REJECT"], p=[0.8, 0.1, 0.1])
        walk.court(outcome=str(outcome), by=str(by))
    elif not walk.model.has_capital:
        version = rng.choice(["new", "previous"], p=[0.8, 0.2])
        walk.another_challenger(version=str(version))
    elif where == "AWAITING_APPROVAL" and rng.random() < 0.4:
        walk.approval(by=str(by))
    elif rng.random() < 0.6:
        walk.good_sessions(number=1)
    elif rng.random() < 0.3:
        walk.sessions_without_numbers(number=int(rng.integers(1, 5)))
    else:
        walk.session(kinds=tuple(kinds), pages=(), ahead=1)


def test_one_state_a_strategy_is_all_there_is():
    """Two ramps of one strategy cannot be told: a state names one challenger and one step."""
    state = begun("weekly", 1, NOW)
    assert problem_of(replace(state, step=0)) == "it has a step outside of a ramp"
