"""From step to step: what a judged session, or an approval, makes of a ramp."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime

from shadowbook.core.promotion.ramp_policy import RampPolicy
from shadowbook.core.promotion.ramp_record import problem_of
from shadowbook.core.promotion.ramp_state import RAMPED, Phase, RampState


def share_of(state: RampState, policy: RampPolicy) -> float:
    """Return the A/B book's share of risk: its step's, or less where the policy now gives less.

    0 outside of a ramp and for a state that contradicts itself.
    """
    if state.phase not in RAMPED or state.step is None or problem_of(state):
        return 0.0
    now = policy.steps[min(state.step, len(policy.steps) - 1)]
    return min(state.steps[state.step], now)


def capital_split(share: float, capital: float, policy: RampPolicy) -> tuple[float, float]:
    """Return the champion's and the A/B book's capital in currency; together all of it.

    >>> capital_split(0.25, 1_000_000.0, RampPolicy(max_capital=100_000.0))
    (900000.0, 100000.0)
    """
    most = math.inf if policy.max_capital is None else policy.max_capital
    ab = min(share * capital, most)
    return capital - ab, ab


def after_session(state: RampState, now: datetime, policy: RampPolicy) -> RampState:
    """Say where a ramp goes after a session that breached nothing and is counted already."""
    if state.phase is Phase.AWAITING_APPROVAL:
        return onward(state, now) if state.approver and not state.held else state
    if not state.held and state.sessions >= policy.min_sessions:
        last = len(state.steps) - 1
        enters_last = _at(state) == last - 1
        unapproved = _at(state) == last and not state.approved_by
        if policy.approval_for_last_step and (enters_last or unapproved):
            return _waiting(state, now, "the last step needs a person's approval")
        return onward(state, now)
    if state.sessions >= policy.max_sessions:
        lasts = f"step {_at(state) + 1} has lasted {state.sessions} sessions and holds"
        return _waiting(state, now, f"{lasts}: {'; '.join(state.held)}")
    return state


def onward(state: RampState, now: datetime) -> RampState:
    """Begin the next step, or after the last one promote."""
    last, step = len(state.steps) - 1, _at(state)
    if step == last:
        return RampState(
            strategy=state.strategy,
            phase=Phase.PROMOTED,
            champion=state.challenger or state.champion,
            changed_at=now,
            previous=state.champion,
            requested_by=state.requested_by,
            approved_by=state.approver or state.approved_by,
            evidence=state.evidence,
            reason=f"version {state.challenger} has passed every step",
            barred=state.barred,
        )
    return replace(
        state,
        phase=Phase.RAMPING,
        step=step + 1,
        sessions=0,
        after=state.judged,
        held=(),
        approver="",
        # an approval is of one step: only the last one's is asked for
        approved_by=state.approver if step + 1 == last else "",
        changed_at=now,
        reason=f"step {step + 1} has passed in {state.sessions} sessions",
    )


def _waiting(state: RampState, now: datetime, why: str) -> RampState:
    return replace(state, phase=Phase.AWAITING_APPROVAL, approver="", changed_at=now, reason=why)


def changed_steps(state: RampState, policy: RampPolicy) -> tuple[str, ...]:
    """Return why steps that are not the policy's hold the ramp; nothing where they are."""
    if policy.steps == state.steps:
        return ()
    return ("the policy's steps have changed since the ramp began: put them back or roll back",)


def _at(state: RampState) -> int:
    return 0 if state.step is None else state.step
