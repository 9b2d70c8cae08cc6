"""One session of a book's alerts: what is raised, escalated, acknowledged and cleared."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from shadowbook.core.performance.alerts import (
    TRANSITIONS,
    Alert,
    AlertState,
    Phase,
    Transition,
    family_of,
)
from shadowbook.core.performance.monitored import Limit
from shadowbook.core.performance.tiers import BAD_ABOVE, AlertAction, MonitorPolicy, Rule, Tier
from shadowbook.core.performance.wording import reason_of

Values = Mapping[tuple[str, int], float]

TOLERANCE = 1e-9
"""A value this close to its limit, as a share of it, counts as reaching it."""


@dataclass(frozen=True)
class _Session:
    """What one session brings, the same for every family."""

    session: date
    values: Values
    limits: Mapping[str, Limit]
    acknowledged: Collection[str]
    policy: MonitorPolicy


def advance(
    states: Sequence[AlertState],
    readings: Values,
    limits: Iterable[Limit],
    rules: Sequence[Rule],
    session: date,
    acknowledged: Collection[str],
    policy: MonitorPolicy,
) -> tuple[tuple[AlertState, ...], tuple[Alert, ...]]:
    """Take a book's alerts one session further.

    Parameters
    ----------
    states : after the session before; none at launch.
    readings : (metric, window) -> value, as `tail_values` gives; NaN is neither breach nor good.
    limits : of the version that scores, as `limits_of` gives.
    rules : in force (``policy.active_rules``).
    session : trading day.
    acknowledged : rules whose open alert a person has acknowledged since the session before. Any
        rule of the alert's family names it; what is not open is passed over.
    policy : owner and sessions before alerts start.

    Returns
    -------
    States, one a family, and what became of alerts in this session, in order. A family without
    rules (the policy has changed) is cleared, unless it is an incident nobody has closed.
    """
    now = _Session(session, readings, {x.rule: x for x in limits}, acknowledged, policy)
    known = {state.family: state for state in states}
    families: dict[str, list[Rule]] = {family: [] for family in known}
    for rule in rules:
        families.setdefault(family_of(rule.metric, rule.tier, rule.action), []).append(rule)
    after, alerts = [], []
    for family, members in families.items():
        state = known.get(family)
        if state is None:
            rule = members[0]
            state = AlertState(family, rule.tier, rule.action, rest=policy.min_sessions)
        moved, news = _family(state, members, now)
        alerts += news
        if members or moved.is_open:
            after.append(moved)
    return tuple(after), tuple(alerts)


def restarted(
    states: Sequence[AlertState], session: date, policy: MonitorPolicy, reason: str
) -> tuple[tuple[AlertState, ...], tuple[Alert, ...]]:
    """Begin again with a new model version: open alerts are cleared for that reason.

    An incident that no person has closed stays as it is: another version does not close it.

    Parameters
    ----------
    states, session, policy : as in `advance`.
    reason : one sentence.
    """
    after, alerts = [], []
    for state in states:
        rest = max(state.rest, policy.min_sessions)
        fresh = AlertState(state.family, state.tier, state.action, rest=rest)
        if not state.is_open:
            after.append(fresh)
        elif _is_incident(state):
            after.append(replace(state, streaks=(), tripped=()))
        else:
            after.append(fresh)
            alerts.append(_alert(state, Transition.CLEARED, None, session, policy, reason=reason))
    return tuple(after), tuple(alerts)


def capacity_of(states: Iterable[AlertState], rules: Sequence[Rule] = ()) -> float:
    """Tell what share of a book's size its alerts leave.

    Parameters
    ----------
    states : of the book.
    rules : not needed: an open alert keeps the action it was raised with.

    Returns
    -------
    0.0 while an incident waits for a person or a state cannot be read; 0.5 while a warning that
    halves is open, or an acknowledged incident has not recovered; else 1.0.
    """
    capacity = 1.0
    for state in states:
        if state.phase is Phase.UNKNOWN or (state.is_open and _is_incident(state)):
            return 0.0
        if state.is_open and state.action is not AlertAction.NOTE:
            capacity = 0.5
    return capacity


def _is_incident(state: AlertState) -> bool:
    return state.action is AlertAction.HALT and state.phase is not Phase.ACKNOWLEDGED


def _family(
    state: AlertState, members: Sequence[Rule], now: _Session
) -> tuple[AlertState, list[Alert]]:
    streaks = dict(state.streaks)
    streaks = {rule.name: _streak(streaks.get(rule.name, 0), rule, now) for rule in members}
    breached = [rule for rule in members if streaks[rule.name] >= rule.persistence]
    state = replace(state, streaks=tuple(streaks.items()))
    if state.phase is Phase.UNKNOWN:
        state = replace(state, rule=state.family.split("/")[0])
        state, alerts = _moved(state, Transition.RAISED, None, now)
        if {state.rule, state.family} & set(now.acknowledged):  # by the name it had before
            state, known = _moved(state, Transition.ACKNOWLEDGED, None, now)
            alerts += known
        return state, alerts
    if state.phase is Phase.QUIET:
        return _closed(state, breached, now)
    return _opened(state, members, breached, now)


def _closed(
    state: AlertState, breached: Sequence[Rule], now: _Session
) -> tuple[AlertState, list[Alert]]:
    if state.rest > 0:
        return replace(state, rest=state.rest - 1), []
    if not breached:
        return state, []
    names = tuple(rule.name for rule in breached)
    state = replace(state, rule=names[0], tripped=names, age=0)
    return _moved(state, Transition.RAISED, breached[0], now)


def _opened(
    state: AlertState, members: Sequence[Rule], breached: Sequence[Rule], now: _Session
) -> tuple[AlertState, list[Alert]]:
    by_name = {rule.name: rule for rule in members}
    tripped = [name for name in state.tripped if name in by_name]
    tripped += [rule.name for rule in breached if rule.name not in tripped]
    state = replace(state, age=state.age + 1, tripped=tuple(tripped))
    leader = by_name.get(state.rule)
    alerts: list[Alert] = []
    called = {state.rule, *by_name} & set(now.acknowledged)
    if called and state.phase is not Phase.ACKNOWLEDGED:
        state, alerts = _moved(state, Transition.ACKNOWLEDGED, leader, now)
    streaks = dict(state.streaks)
    recovered = all(streaks[name] <= -by_name[name].clear_sessions for name in tripped)
    if recovered and not _is_incident(state):
        rest = leader.cooldown_sessions if leader else 0
        state, cleared = _moved(replace(state, rest=rest), Transition.CLEARED, leader, now)
        return replace(state, rule="", tripped=(), age=0), alerts + cleared
    due = leader.escalate_sessions if leader else None
    if state.phase is Phase.OPEN and due is not None and state.age >= due:
        return _moved(state, Transition.ESCALATED, leader, now)
    return state, alerts


def _streak(before: int, rule: Rule, now: _Session) -> int:
    limit = now.limits.get(rule.name)
    value = now.values.get((rule.metric, rule.window), math.nan)
    if limit is None or math.isnan(value) or math.isnan(limit.value):
        return before
    side = -1.0 if rule.metric in BAD_ABOVE else 1.0
    slack = TOLERANCE * abs(limit.value)
    if side * (value - limit.value) <= slack:
        return max(before, 0) + 1
    if side * (value - limit.clear) >= -TOLERANCE * abs(limit.clear):
        return min(before, 0) - 1
    return 0


def _moved(
    state: AlertState, transition: Transition, rule: Rule | None, now: _Session
) -> tuple[AlertState, list[Alert]]:
    phase = TRANSITIONS[state.phase, transition]
    alert = _alert(state, transition, rule, now.session, now.policy, now=now)
    return replace(state, phase=phase), [alert]


def _alert(
    state: AlertState,
    transition: Transition,
    rule: Rule | None,
    session: date,
    policy: MonitorPolicy,
    now: _Session | None = None,
    reason: str = "",
) -> Alert:
    limit = now.limits.get(rule.name) if now and rule else None
    value = now.values.get((rule.metric, rule.window), math.nan) if now and rule else math.nan
    number = limit.value if limit else math.nan
    raised_critical = transition is Transition.RAISED and state.tier is Tier.CRITICAL
    return Alert(
        session=session,
        rule=state.rule,
        transition=transition,
        tier=state.tier,
        metric=state.family.split("/")[0],
        window=rule.window if rule else 0,
        value=value,
        limit=number,
        action=state.action,
        owner=policy.owner,
        pages=raised_critical or transition is Transition.ESCALATED,
        reason=reason or reason_of(state, transition, rule, value, limit),
    )
