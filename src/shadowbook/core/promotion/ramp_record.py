"""A ramp's state as JSON, and what holds where it cannot be read: the champion alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from shadowbook.core.promotion.ramp_state import (
    RAMPED,
    CloseAB,
    Effect,
    MoveAlias,
    Phase,
    RampState,
    RecordEvent,
    SetShares,
    SwitchBooks,
)
from shadowbook.errors import IntegrityError


def told(state: RampState) -> dict[str, Any]:
    """Return what JSON has words for.

    >>> from datetime import UTC, datetime
    >>> state = RampState("weekly", Phase.SHADOW, 3, datetime(2020, 1, 2, 21, tzinfo=UTC))
    >>> told(state)["phase"], told(state)["changed_at"]
    ('SHADOW', '2020-01-02T21:00:00+00:00')
    """
    document: dict[str, Any] = {}
    for name in (field.name for field in fields(RampState)):
        value = getattr(state, name)
        if isinstance(value, date):  # a datetime is one
            value = value.isoformat()
        elif isinstance(value, tuple):
            value = list(value)
        document[name] = value.value if isinstance(value, Phase) else value
    return document


def read(
    document: object, strategy: str, champion: int, now: datetime
) -> tuple[RampState, tuple[Effect, ...]]:
    """Read ``told`` back; what cannot be read is ROLLED_BACK to the champion.

    Parameters
    ----------
    document : as JSON gives it.
    strategy : whose it must be.
    champion : version that the ledger last committed as champion; used where nothing can be read.
    now : aware UTC.

    Returns
    -------
    The state; and what has to be done before anything else: nothing where it could be read, else
    everything that gives the champion all of the capital. The versions that were barred are then
    unknown.

    >>> from datetime import UTC, datetime
    >>> state, effects = read({"phase": "ASLEEP"}, "weekly", 3, datetime(2020, 1, 2, tzinfo=UTC))
    >>> state.phase.value, state.champion, effects[1]
    ('ROLLED_BACK', 3, SetShares(champion=1.0, ab=0.0))
    """
    try:
        state = _read(document)
        problem = problem_of(state)
    except (KeyError, TypeError, ValueError) as error:
        problem = f"its record cannot be read ({type(error).__name__}: {error})"
    else:
        if not problem and state.strategy != strategy:
            problem = f"its record is that of {state.strategy}"
        if not problem:
            return state, ()
    return closed(RampState(strategy, Phase.ROLLED_BACK, champion, now), problem, now)


def closed(state: RampState, problem: str, now: datetime) -> tuple[RampState, tuple[Effect, ...]]:
    """Give the champion everything, because a state contradicts itself.

    Raises
    ------
    IntegrityError
        It does not even name a champion.
    """
    if not _is_version(state.champion):
        raise IntegrityError(
            f"the ramp of {state.strategy} names {state.champion!r} as its champion: read the "
            "champion from the ledger's last commit"
        )
    reason = (
        f"the ramp of {state.strategy} counts as rolled back to version {state.champion}: {problem}"
    )
    after = RampState(state.strategy, Phase.ROLLED_BACK, state.champion, now, reason=reason)
    body = {"act": "unreadable", "to": after.phase.value, "reason": reason, "state": told(after)}
    return after, (RecordEvent(now, body), *settled(after))


def settled(state: RampState) -> tuple[Effect, ...]:
    """Return what gives a champion without a ramp everything; doing it twice changes nothing."""
    challenger = state.challenger if state.phase is Phase.SHADOW else None
    return (
        SetShares(1.0, 0.0),
        SwitchBooks(state.champion),
        CloseAB(),
        MoveAlias("previous", state.previous),
        MoveAlias("champion", state.champion),
        MoveAlias("challenger", challenger),
    )


def problem_of(state: RampState) -> str:
    """Say how a state contradicts itself; empty where it does not."""
    named = [state.champion, *(v for v in (state.challenger, state.previous) if v is not None)]
    ramped = state.phase in RAMPED
    has_challenger = state.challenger is not None
    checks = (
        (isinstance(state.phase, Phase), f"{state.phase!r} is no phase"),
        (all(_is_version(v) for v in (*named, *state.barred)), "a version is not a whole number"),
        (state.champion not in named[1:], "the champion is challenger or previous as well"),
        (
            state.challenger not in state.barred or state.phase is Phase.REJECTED,
            "its challenger is barred",
        ),
        (
            has_challenger
            if ramped or state.phase is Phase.REJECTED
            else state.phase is Phase.SHADOW or not has_challenger,
            f"{state.phase} and challenger {state.challenger} exclude each other",
        ),
        (state.previous is not None or state.phase is not Phase.PROMOTED, "nothing to go back to"),
        (not ramped or _is_ramp(state), "step, steps, evidence or requester are not a ramp's"),
        (ramped or state.step is None, "it has a step outside of a ramp"),
        (state.sessions >= 0, "its sessions are below 0"),
        (
            not state.approver or state.phase is Phase.AWAITING_APPROVAL,
            "it has an approver where nothing waits for one",
        ),
        (state.changed_at.utcoffset() is not None, "changed_at has no time zone"),
    )
    return next((what for holds, what in checks if not holds), "")


def _is_version(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_ramp(state: RampState) -> bool:
    steps = state.steps
    ascending = all(0.0 < a < b for a, b in pairwise(steps)) and len(steps) >= 2
    at = state.step is not None and 0 <= state.step < len(steps)
    return ascending and steps[-1] == 1.0 and at and bool(state.evidence and state.requested_by)


def _read(document: Any) -> RampState:
    if not isinstance(document, Mapping):
        raise TypeError("it is no object")
    known = {field.name for field in fields(RampState)}
    if set(document) != known:
        strange = sorted(str(name) for name in set(document) ^ known)
        raise KeyError(f"{strange[0]} is missing or unknown")
    texts = ("strategy", "requested_by", "approver", "approved_by", "evidence", "reason")
    return RampState(
        phase=Phase(document["phase"]),
        champion=_whole(document["champion"]),
        changed_at=datetime.fromisoformat(document["changed_at"]),
        challenger=_whole_or_none(document["challenger"]),
        previous=_whole_or_none(document["previous"]),
        steps=tuple(_share(value) for value in _list(document["steps"])),
        step=_whole_or_none(document["step"]),
        sessions=_whole(document["sessions"]),
        judged=_day(document["judged"]),
        after=_day(document["after"]),
        held=tuple(_text(value) for value in _list(document["held"])),
        barred=tuple(_whole(value) for value in _list(document["barred"])),
        **{name: _text(document[name]) for name in texts},
    )


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _whole_or_none(value: object) -> int | None:
    return None if value is None else _whole(value)


def _share(value: object) -> float:
    # canonical JSON writes 1.0 as 1
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no share")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def _day(value: object) -> date | None:
    return None if value is None else date.fromisoformat(_text(value))
