"""Sessions of alerts: raised, escalated, acknowledged, cleared, and what they leave of the book."""

import json
import math
from datetime import date, timedelta

import pytest
from hypothesis import Phase as Stage
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shadowbook.core.performance.advance import advance, capacity_of, restarted
from shadowbook.core.performance.alerts import TRANSITIONS, AlertState, Phase, Transition
from shadowbook.core.performance.monitored import Limit
from shadowbook.core.performance.tiers import AlertAction, MonitorPolicy, Rule, Tier

START = date(2020, 1, 1)
POLICY = MonitorPolicy(min_sessions=0, owner="desk")
ACTIONS = {
    Tier.WATCH: AlertAction.NOTE,
    Tier.WARNING: AlertAction.HALVE,
    Tier.CRITICAL: AlertAction.HALT,
}
NAN = math.nan


def a_rule(tier="warning", window=63, metric="sharpe", **changes):
    base = {"name": f"{metric}_{window}_{tier}", "metric": metric, "window": window, "tier": tier}
    base |= {"kind": "absolute", "limit": 1.0, "action": ACTIONS[Tier(tier)]}
    return Rule(**{**base, "clear_sessions": 2, "cooldown_sessions": 3, **changes})


def a_limit(given, value=1.0, clear=2.0):
    return Limit(given.name, given.metric, given.window, given.tier, value, clear)


class Book:
    """A book whose readings are told session by session."""

    def __init__(self, *rules, policy=POLICY, limits=None):
        self.rules, self.policy = rules, policy
        self.limits = limits or [a_limit(given) for given in rules]
        self.states, self.session = (), START

    def see(self, *values, acknowledged=()):
        """Show the rules' readings, one a rule; all rules see the only one given."""
        values = values * len(self.rules) if len(values) == 1 else values
        readings = {(g.metric, g.window): v for g, v in zip(self.rules, values, strict=True)}
        self.session += timedelta(1)
        self.states, alerts = advance(
            self.states,
            readings,
            self.limits,
            self.rules,
            self.session,
            acknowledged,
            self.policy,
        )
        return [(alert.transition.value, alert.pages) for alert in alerts]

    def see_all(self, *values):
        return [self.see(value) for value in values]

    @property
    def capacity(self):
        return capacity_of(self.states, self.rules)


RAISED, CLEARED = [("raised", False)], [("cleared", False)]
ACKNOWLEDGED, PAGED = [("acknowledged", False)], [("raised", True)]


def test_a_value_at_its_limit_has_reached_it():
    for value, raised in ((1.0, RAISED), (1.0 + 5e-10, RAISED), (1.0 + 1e-8, [])):
        assert Book(a_rule()).see(value) == raised
    above = a_rule(metric="volatility")
    for value, raised in ((1.0, RAISED), (1.0 - 5e-10, RAISED), (1.0 - 1e-8, [])):
        assert Book(above, limits=[a_limit(above, 1.0, 0.5)]).see(value) == raised


def test_an_alert_waits_for_its_persistence_and_begins_again_after_a_good_session():
    book = Book(a_rule(persistence=3))
    assert book.see_all(0.5, 0.5, 3.0, 0.5, 0.5, 0.5) == [[], [], [], [], [], RAISED]


def test_a_missing_value_is_neither_a_breach_nor_good():
    book = Book(a_rule(persistence=2))
    assert book.see_all(0.5, NAN, NAN, 0.5) == [[], [], [], RAISED]
    assert book.see_all(3.0, NAN, 3.0) == [[], [], CLEARED]


def test_what_has_no_limit_raises_nothing():
    given = a_rule()
    assert Book(given, limits=[a_limit(given, NAN, NAN)]).see(-9.0) == []


def test_an_open_alert_is_not_raised_again():
    book = Book(a_rule())
    assert book.see_all(*[0.5] * 20) == [RAISED, *[[]] * 19]


def test_an_alert_is_cleared_only_beyond_its_hysteresis():
    book = Book(a_rule())
    assert book.see_all(0.5, 1.5, 1.9, 2.0, 1.5, 2.0, 2.0) == [RAISED, *[[]] * 5, CLEARED]


def test_without_hysteresis_a_value_at_the_limit_is_still_a_breach():
    given = a_rule(clear_sessions=1)
    book = Book(given, limits=[a_limit(given, 1.0, 1.0)])
    assert book.see_all(1.0, 1.0, 1.1) == [RAISED, [], CLEARED]


def test_nothing_is_raised_inside_the_cool_down():
    book = Book(a_rule())
    assert book.see_all(0.5, 3.0, 3.0) == [RAISED, [], CLEARED]
    assert book.see_all(0.5, 0.5, 0.5, 0.5) == [[], [], [], RAISED]


def test_nothing_is_raised_in_the_first_sessions():
    book = Book(a_rule(), policy=MonitorPolicy(min_sessions=2))
    assert book.see_all(0.5, 0.5, 0.5) == [[], [], RAISED]


def test_windows_of_one_metric_open_one_alert_that_is_cleared_when_all_have_recovered():
    book = Book(a_rule(window=63), a_rule(window=126))
    assert book.see(0.5, 3.0) == RAISED
    assert book.see(0.5, 0.5) == []
    assert [book.see(3.0, 0.5) for _ in range(4)] == [[]] * 4
    assert [book.see(3.0, 3.0) for _ in range(2)] == [[], CLEARED]


def test_a_window_that_never_breached_does_not_keep_the_alert_open():
    book = Book(a_rule(window=63), a_rule(window=126))
    assert book.see(0.5, 1.5) == RAISED
    assert [book.see(3.0, 1.5) for _ in range(2)] == [[], CLEARED]


def test_tiers_and_metrics_are_alerts_of_their_own():
    book = Book(a_rule("watch"), a_rule("warning"), a_rule("warning", metric="hit_rate"))
    assert len(book.see(0.5)) == 3


def test_a_watch_never_pages_and_leaves_the_whole_capacity():
    book = Book(a_rule("watch"))
    assert book.see_all(*[0.5] * 300)[0] == RAISED
    assert book.capacity == 1.0


def test_a_warning_halves_while_it_is_open_acknowledged_or_not():
    book = Book(a_rule())
    assert book.capacity == 1.0
    book.see(0.5)
    assert book.capacity == 0.5
    assert book.see(0.5, acknowledged={"sharpe_63_warning"}) == ACKNOWLEDGED
    assert book.capacity == 0.5
    book.see_all(3.0, 3.0)
    assert book.capacity == 1.0


def test_a_warning_that_nobody_acknowledges_pages_once():
    book = Book(a_rule(escalate_sessions=3))
    assert book.see_all(*[0.5] * 6) == [RAISED, [], [], [("escalated", True)], [], []]
    assert book.see_all(3.0, 3.0) == [[], CLEARED]


def test_an_acknowledged_warning_is_not_escalated():
    book = Book(a_rule(escalate_sessions=3))
    book.see(0.5)
    assert book.see(0.5, acknowledged={"sharpe_63_warning"}) == ACKNOWLEDGED
    assert book.see(0.5, acknowledged={"sharpe_63_warning"}) == []
    assert book.see_all(*[0.5] * 9) == [[]] * 9


def test_any_rule_of_the_family_names_the_alert_and_other_names_are_passed_over():
    book = Book(a_rule(window=63), a_rule(window=126))
    book.see(0.5, 3.0)
    assert book.see(0.5, 3.0, acknowledged={"nothing"}) == []
    assert book.see(0.5, 3.0, acknowledged={"sharpe_126_warning"}) == ACKNOWLEDGED


def test_an_acknowledgement_of_what_is_not_open_does_nothing():
    book = Book(a_rule("critical"))
    assert book.see(3.0, acknowledged={"sharpe_63_critical"}) == []
    assert book.see(0.5) == PAGED
    assert book.capacity == 0.0


def test_an_incident_stays_until_a_person_closes_it_though_the_metric_has_recovered():
    book = Book(a_rule("critical"))
    assert book.see(0.5) == PAGED
    assert book.see_all(*[3.0] * 30) == [[]] * 30
    assert book.capacity == 0.0
    assert book.see(3.0, acknowledged={"sharpe_63_critical"}) == ACKNOWLEDGED + CLEARED
    assert book.capacity == 1.0


def test_an_incident_acknowledged_before_it_has_recovered_leaves_half():
    book = Book(a_rule("critical"))
    book.see(0.5)
    assert book.see(0.5, acknowledged={"sharpe_63_critical"}) == ACKNOWLEDGED
    assert book.capacity == 0.5
    assert book.see_all(0.5, 3.0, 3.0) == [[], [], CLEARED]
    assert book.capacity == 1.0


def test_another_version_clears_what_is_open_but_no_incident():
    book = Book(a_rule("warning"), a_rule("critical"), policy=MonitorPolicy(min_sessions=2))
    book.see_all(0.5, 0.5, 0.5)
    states, alerts = restarted(book.states, START, book.policy, "version 2 scores from here on")
    assert [(a.rule, a.transition, a.reason) for a in alerts] == [
        ("sharpe_63_warning", Transition.CLEARED, "version 2 scores from here on")
    ]
    assert capacity_of(states) == 0.0
    book.states = states
    assert book.see(3.0, acknowledged={"sharpe_63_critical"}) == ACKNOWLEDGED + CLEARED
    assert book.see(0.5) == []
    assert book.capacity == 1.0
    assert book.see(0.5) == RAISED  # two sessions after the change; the incident's family cools


def test_another_version_does_not_end_a_cool_down():
    book = Book(a_rule())
    assert book.see_all(0.5, 3.0, 3.0) == [RAISED, [], CLEARED]
    book.states, _ = restarted(book.states, START, book.policy, "version 2 scores from here on")
    assert book.see_all(0.5, 0.5, 0.5, 0.5) == [[], [], [], RAISED]


def test_a_rule_that_left_the_policy_is_cleared_unless_it_is_an_incident():
    book = Book(a_rule("warning"), a_rule("critical"))
    book.see(0.5)
    states, alerts = advance(book.states, {}, [], (), START, (), POLICY)
    assert [(a.rule, a.transition) for a in alerts] == [("sharpe_63_warning", Transition.CLEARED)]
    assert "no longer among the rules" in alerts[0].reason
    assert [state.rule for state in states] == ["sharpe_63_critical"]
    states, alerts = advance(states, {}, [], (), START, {"sharpe_63_critical"}, POLICY)
    assert [a.transition.value for a in alerts] == ["acknowledged", "cleared"]
    assert states == ()


def test_an_unreadable_state_is_raised_once_and_halts_until_a_person_acknowledges_it():
    book = Book(a_rule("watch"))
    book.states = (AlertState.of_plain({"family": "sharpe/watch/note"}),)
    assert book.capacity == 0.0
    assert book.see(3.0) == PAGED
    book.states = tuple(AlertState.of_plain(json.loads(json.dumps(s.plain()))) for s in book.states)
    assert book.see_all(3.0, 3.0) == [[], []]
    assert book.capacity == 0.0
    assert book.see(3.0, acknowledged={"sharpe.watch.note"}) == ACKNOWLEDGED + CLEARED
    assert book.capacity == 1.0
    assert book.see(0.5) == RAISED


@pytest.mark.parametrize("name", ["sharpe.watch.note", "sharpe.watch.note/critical/halt"])
def test_an_unreadable_state_may_be_acknowledged_before_it_is_raised(name):
    book = Book(a_rule("watch"))
    book.states = (AlertState.of_plain({"family": "sharpe/watch/note"}),)
    assert book.see(3.0, acknowledged={name}) == PAGED + ACKNOWLEDGED
    assert book.capacity == 0.5
    assert book.see(3.0) == CLEARED
    assert book.capacity == 1.0


def test_an_alert_tells_what_it_saw():
    given = a_rule("critical")
    _, (alert,) = advance((), {("sharpe", 63): 0.5}, [a_limit(given)], [given], START, (), POLICY)
    assert (alert.session, alert.rule, alert.metric, alert.window) == (
        START,
        "sharpe_63_critical",
        "sharpe",
        63,
    )
    assert (alert.value, alert.limit, alert.owner) == (0.5, 1.0, "desk")
    assert alert.action is AlertAction.HALT


@pytest.mark.parametrize(
    ("phase", "transition"), [(p, t) for p in Phase for t in Transition if (p, t) in TRANSITIONS]
)
def test_every_transition_of_the_table_happens(phase, transition):
    """Each pair is reached by showing the machine what makes it happen."""
    state = AlertState(
        "sharpe/warning/halve",
        Tier.WARNING,
        AlertAction.HALVE,
        phase,
        rule="" if phase is Phase.QUIET else "sharpe_63_warning",
        age=9,
        tripped=() if phase is Phase.QUIET else ("sharpe_63_warning",),
        streaks=(("sharpe_63_warning", 0),),
    )
    book = Book(a_rule(escalate_sessions=3, clear_sessions=1))
    book.states = (state,)
    value = 3.0 if transition is Transition.CLEARED else 0.5
    called = {"sharpe_63_warning"} if transition is Transition.ACKNOWLEDGED else ()
    assert [told for told, _ in book.see(value, acknowledged=called)] == [transition.value]
    assert book.states[0].phase is TRANSITIONS[phase, transition]


RULES = (
    a_rule("watch"),
    a_rule("warning", escalate_sessions=4),
    a_rule("warning", window=126, escalate_sessions=4, persistence=2),
    a_rule("critical", persistence=2),
    a_rule("critical", window=126),
)


class Alerts(RuleBasedStateMachine):
    """Any sequence of sessions, acknowledgements, restarts and changes of version."""

    def __init__(self):
        super().__init__()
        self.book = Book(*RULES)
        self.now = 0
        self.open, self.cleared, self.pages = {}, {}, {}

    @rule(values=st.tuples(*[st.sampled_from([0.5, 1.5, 3.0, NAN])] * 2), named=st.data())
    def session(self, values, named):
        short, long = values
        told = named.draw(st.sets(st.sampled_from([given.name for given in RULES]), max_size=1))
        readings = {("sharpe", 63): short, ("sharpe", 126): long}
        self.now += 1
        before = {state.family: state for state in self.book.states}
        self.book.states, alerts = advance(
            self.book.states, readings, self.book.limits, RULES, START, told, POLICY
        )
        for alert in alerts:
            family = f"sharpe/{alert.tier.value}/{alert.action.value}"
            self.take(family, alert, before.get(family))

    def take(self, family, alert, before):
        if alert.transition is Transition.RAISED:
            assert family not in self.open
            assert self.now - self.cleared.get(family, -99) > 3
            self.open[family], self.pages[family] = False, 0
        else:
            assert family in self.open
            assert before.is_open
        self.pages[family] += alert.pages
        assert self.pages[family] <= 1
        assert not (alert.pages and alert.tier is Tier.WATCH)
        if alert.transition is Transition.ACKNOWLEDGED:
            self.open[family] = True
        if alert.transition is Transition.CLEARED:
            assert self.open.pop(family) or alert.action is not AlertAction.HALT
            self.cleared[family] = self.now

    @precondition(lambda self: self.open)
    @rule()
    def another_version(self):
        self.book.states, alerts = restarted(self.book.states, START, POLICY, "why")
        for alert in alerts:
            family = f"sharpe/{alert.tier.value}/{alert.action.value}"
            assert self.open.pop(family) or alert.action is not AlertAction.HALT
            self.cleared.pop(family, None)

    @rule()
    def through_the_ledger(self):
        kept = json.loads(json.dumps([state.plain() for state in self.book.states]))
        assert tuple(AlertState.of_plain(item) for item in kept) == self.book.states
        self.book.states = tuple(AlertState.of_plain(item) for item in kept)

    @invariant()
    def capacity_is_what_open_alerts_leave(self):
        halted = self.open.get("sharpe/critical/halt") is False
        halved = {"sharpe/critical/halt", "sharpe/warning/halve"} & set(self.open)
        assert self.book.capacity == (0.0 if halted else 0.5 if halved else 1.0)

    @invariant()
    def states_agree_with_the_alerts(self):
        assert {s.family for s in self.book.states if s.is_open} == set(self.open)


TestAlerts = Alerts.TestCase
TestAlerts.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    phases=(Stage.explicit, Stage.reuse, Stage.generate),  # to shrink a failure takes minutes
)
