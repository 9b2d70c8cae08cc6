"""What each event does to a ramp that may have it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from shadowbook.core.promotion.guards import GuardOutcome, GuardVerdict
from shadowbook.core.promotion.ramp_policy import RampPolicy
from shadowbook.core.promotion.ramp_record import settled, told
from shadowbook.core.promotion.ramp_state import (
    RAMPED,
    Act,
    ApprovalGiven,
    ChallengerNamed,
    CourtDecided,
    Effect,
    Expired,
    MoveAlias,
    Phase,
    RampState,
    RecordEvent,
    Refused,
    RollbackAsked,
    SessionJudged,
    SetShares,
)
from shadowbook.core.promotion.ramp_steps import after_session, changed_steps, onward, share_of

Step = tuple[RampState, tuple[Effect, ...]]


def _court(state: RampState, event: CourtDecided, now: datetime, policy: RampPolicy) -> Step:
    if state.challenger is None or event.version != state.challenger:
        stands = f"version {state.challenger}" if state.challenger else "no version"
        return refused(
            state, f"the court decided on version {event.version} and {stands} is the challenger"
        )
    if event.outcome == "PROMOTE":
        if not event.evidence or not event.requested_by.strip():
            return refused(state, "PROMOTE came without a digest of its evidence or a requester")
        after = replace(
            state,
            phase=Phase.RAMPING,
            steps=policy.steps,
            step=0,
            sessions=0,
            judged=None,
            after=None,
            held=(),
            requested_by=event.requested_by,
            approved_by="",
            evidence=event.evidence,
            changed_at=now,
            reason=f"the court decided PROMOTE on version {event.version}, evidence "
            f"{event.evidence}, asked by {event.requested_by}",
        )
        return after, (_record(state, after, Act.COURT, now), _shares(after, policy))
    if event.outcome == "REJECT":
        reason = f"the court decided REJECT on version {event.version}"
        return _rejected(state, Act.COURT, reason, now)
    if event.outcome not in ("HOLD", "NOT_COMPUTABLE"):
        return refused(state, f"{event.outcome!r} is no decision of the court")
    return state, (_record(state, state, Act.COURT, now, decided=event.outcome),)


def _session(state: RampState, event: SessionJudged, now: datetime, policy: RampPolicy) -> Step:
    guards = [_plain(verdict) for verdict in event.verdicts]
    told_more = {"session": event.session.isoformat(), "guards": guards}
    breached = [one for one in event.verdicts if one.outcome is GuardOutcome.BREACHED]
    if breached:  # also of a session that was judged before: it may have been restated
        why = "; ".join(one.reason for one in breached)
        asked = RollbackAsked(by="its guards", why=why)
        return _rollback(state, asked, now, policy, act=Act.SESSION, **told_more)
    if state.judged is not None and event.session <= state.judged:
        return refused(state, f"sessions up to {state.judged} have been judged")
    missing = [one for one in event.verdicts if one.outcome is not GuardOutcome.PASSED]
    silent = sorted(set(policy.limits) - {one.guard for one in event.verdicts})
    held = (
        *(one.reason for one in missing),
        *(f"the guard {name} said nothing" for name in silent),
        *(event.open_pages if policy.open_pages_hold else ()),
        *changed_steps(state, policy),
    )
    seen = replace(state, sessions=state.sessions + 1, judged=event.session, held=held)
    after = after_session(seen, now, policy)
    return after, (
        _record(state, after, Act.SESSION, now, **told_more),
        *_standing(after, policy),
    )


def _approval(state: RampState, event: ApprovalGiven, now: datetime, policy: RampPolicy) -> Step:
    by = event.by.strip()
    if event.version != state.challenger:
        return refused(
            state, f"version {event.version} was approved, and {state.challenger} waits for it"
        )
    if not by or by.casefold() == state.requested_by.strip().casefold():
        return refused(state, f"{by or 'nobody'} cannot approve what {state.requested_by} asked")
    if state.approver:
        return refused(state, f"{state.approver} has approved already")
    approved = replace(state, approver=by, held=(state.held or changed_steps(state, policy)))
    after = approved if approved.held else onward(approved, now)
    return after, (
        _record(state, after, Act.APPROVAL, now, by=by),
        *_standing(after, policy),
    )


def _rollback(
    state: RampState,
    event: RollbackAsked,
    now: datetime,
    policy: RampPolicy,
    act: Act = Act.ROLLBACK,
    **more: Any,
) -> Step:
    ramped = state.phase in RAMPED
    beside = ramped or state.phase is Phase.ROLLED_BACK
    target = event.to
    if target is None:
        target = state.champion if beside or state.previous is None else state.previous
    if target not in (state.champion, state.previous):
        known = f"version {state.champion} and its previous one, {state.previous or 'none'}"
        return refused(state, f"it can go back to its champion, {known}, not to {target}")
    if state.phase is Phase.ROLLED_BACK and target == state.champion:
        return state, settled(state)
    out = {state.champion, state.challenger} if ramped else {state.champion}
    after = RampState(
        strategy=state.strategy,
        phase=Phase.ROLLED_BACK,
        champion=target,
        changed_at=now,
        previous=state.previous if target == state.champion else None,
        reason=f"rolled back to version {target} by {event.by or 'nobody named'}: "
        f"{event.why or 'no reason given'}",
        barred=_barred(state, *(out - {target})),
    )
    return after, (_record(state, after, act, now, by=event.by, **more), *settled(after))


def _expiry(state: RampState, event: Expired, now: datetime, policy: RampPolicy) -> Step:
    if state.challenger is None:
        return refused(state, "there is no challenger that could expire")
    why = f"version {state.challenger} expired: {event.why or 'no reason given'}"
    if state.phase in RAMPED:
        asked = RollbackAsked(by="its age", why=why)
        return _rollback(state, asked, now, policy, act=Act.EXPIRY)
    return _rejected(state, Act.EXPIRY, why, now)


def _challenger(
    state: RampState, event: ChallengerNamed, now: datetime, policy: RampPolicy
) -> Step:
    version = event.version
    if version < 1 or version in (state.champion, state.challenger, *state.barred):
        return refused(
            state, f"version {version} is champion, challenger or barred, or no version at all"
        )
    after = RampState(
        strategy=state.strategy,
        phase=Phase.SHADOW,
        champion=state.champion,
        changed_at=now,
        challenger=version,
        previous=state.previous,
        reason=f"version {version} was named",
        barred=state.barred,
    )
    return after, (_record(state, after, Act.CHALLENGER, now), MoveAlias("challenger", version))


def _rejected(state: RampState, act: Act, reason: str, now: datetime) -> Step:
    after = replace(
        state,
        phase=Phase.REJECTED,
        changed_at=now,
        reason=reason,
        barred=_barred(state, state.challenger),
    )
    return after, (_record(state, after, act, now), MoveAlias("challenger", None))


def _barred(state: RampState, *versions: int | None) -> tuple[int, ...]:
    return tuple(sorted({*state.barred, *(one for one in versions if one is not None)}))


def _shares(state: RampState, policy: RampPolicy) -> SetShares:
    share = share_of(state, policy)
    return SetShares(1.0 - share, share)


def _standing(state: RampState, policy: RampPolicy) -> tuple[Effect, ...]:
    return (_shares(state, policy),) if state.phase in RAMPED else settled(state)


def _record(before: RampState, after: RampState, act: Act, now: datetime, **more: Any) -> Effect:
    body = {
        "act": act.value,
        "from": before.phase.value,
        "to": after.phase.value,
        "reason": after.reason,
        "state": told(after),
    }
    return RecordEvent(now, {**body, **more})


def _plain(verdict: GuardVerdict) -> dict[str, Any]:
    return {
        "guard": verdict.guard,
        "outcome": verdict.outcome.value,
        "value": verdict.value if math.isfinite(verdict.value) else None,
        "limit": verdict.limit,
        "reason": verdict.reason,
    }


def refused(state: RampState, why: str) -> Step:
    """Leave everything as it is and say why."""
    return state, (Refused(f"the ramp of {state.strategy} stays {state.phase.value}: {why}"),)


HANDLERS: Mapping[Act, Callable[..., Step]] = {
    Act.COURT: _court,
    Act.SESSION: _session,
    Act.APPROVAL: _approval,
    Act.ROLLBACK: _rollback,
    Act.EXPIRY: _expiry,
    Act.CHALLENGER: _challenger,
}
"""What to call for an event, once the table allows it."""
