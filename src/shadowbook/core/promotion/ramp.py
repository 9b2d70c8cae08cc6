"""The ramp: capital for a challenger in steps, and the way back from each of them.

A state machine as data and a pure function: what is not in `TRANSITIONS` is refused. Storage, the
registry and the books are elsewhere; they carry out the effects in the order they are given.
"""

from __future__ import annotations

from datetime import datetime

from shadowbook.core.promotion.ramp_events import HANDLERS, Step, refused
from shadowbook.core.promotion.ramp_policy import RampPolicy
from shadowbook.core.promotion.ramp_record import closed, problem_of
from shadowbook.core.promotion.ramp_state import ACTS, Phase, RampEvent, RampState
from shadowbook.core.promotion.ramp_table import TRANSITIONS
from shadowbook.errors import SchemaError


def begun(strategy: str, champion: int, now: datetime) -> RampState:
    """Return the state of a strategy that has a champion and no challenger yet."""
    return RampState(strategy, Phase.SHADOW, champion, now, reason="it has its first champion")


def transition(state: RampState, event: RampEvent, now: datetime, policy: RampPolicy) -> Step:
    """Take a strategy's ramp one event further.

    Parameters
    ----------
    state : before it. One that contradicts itself counts as ROLLED_BACK to its champion.
    event : what happened.
    now : aware UTC.
    policy : in force now. A ramp keeps the steps it began with; while the policy's differ, it
        holds, with the smaller of both shares.

    Returns
    -------
    The state after it, and what has to be done, in order. An illegal event leaves the state as it
    is and gives a `Refused` alone.

    Raises
    ------
    SchemaError
        ``now`` has no time zone.
    IntegrityError
        The state does not even name a champion.

    >>> from datetime import UTC, datetime
    >>> from shadowbook.core.promotion.ramp_state import ChallengerNamed, CourtDecided
    >>> now = datetime(2020, 1, 2, 21, 15, tzinfo=UTC)
    >>> state, _ = transition(begun("weekly", 3, now), ChallengerNamed(4), now, RampPolicy())
    >>> promote = CourtDecided(4, "PROMOTE", "5f1c", "ann")
    >>> state, effects = transition(state, promote, now, RampPolicy())
    >>> state.phase.value, state.step, effects[1]
    ('RAMPING', 0, SetShares(champion=0.95, ab=0.05))
    """
    if now.utcoffset() is None:
        raise SchemaError(f"now {now.isoformat()} has no time zone: give an aware UTC moment")
    problem = problem_of(state)
    if problem:
        state, before = closed(state, problem, now)
        after, effects = _taken(state, event, now, policy)
        return after, (*before, *effects)
    return _taken(state, event, now, policy)


def _taken(state: RampState, event: RampEvent, now: datetime, policy: RampPolicy) -> Step:
    act = ACTS.get(type(event))
    if act is None:
        return refused(state, f"{type(event).__name__} is no event of a ramp")
    if not any(move.source is state.phase and move.act is act for move in TRANSITIONS):
        return refused(state, f"'{act.value}' is not allowed while it is {state.phase.value}")
    return HANDLERS[act](state, event, now, policy)
