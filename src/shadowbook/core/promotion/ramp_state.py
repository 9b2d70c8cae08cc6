"""Where a strategy's ramp stands, what can happen to it, and what has to be done then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from shadowbook.core.promotion.guards import GuardVerdict

AliasName = Literal["champion", "challenger", "previous"]


class Phase(StrEnum):
    """Where a strategy's challenger stands."""

    SHADOW = "SHADOW"
    """It has no capital; or there is no challenger at all."""
    RAMPING = "RAMPING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    """It keeps the capital of its step until a person has said that it goes on."""
    PROMOTED = "PROMOTED"
    ROLLED_BACK = "ROLLED_BACK"
    REJECTED = "REJECTED"


class Act(StrEnum):
    """What can happen."""

    COURT = "court decided"
    SESSION = "session judged"
    APPROVAL = "approval given"
    ROLLBACK = "rollback asked"
    EXPIRY = "challenger expired"
    CHALLENGER = "challenger named"


RAMPED = (Phase.RAMPING, Phase.AWAITING_APPROVAL)
"""Phases in which the challenger has capital."""


@dataclass(frozen=True)
class RampState:
    """Where a strategy stands; one state a strategy, so never two ramps and one champion.

    Attributes
    ----------
    champion : model version that has the capital, but for the challenger's share.
    challenger : version the phase is about, the rejected one included; None where there is none,
        and once it is promoted or rolled back.
    previous : version that was champion before this one; None where there is none.
    steps : shares that this ramp goes through, as the policy had them when it began.
    step : number in ``steps``, from 0; None outside of a ramp.
    sessions : judged in this step.
    judged : the last session that was judged in this ramp.
    after : the last one before this step, whose own sessions follow it; None in the first step.
    held : why the last judged session lets no step begin, one sentence each; empty: nothing does.
    requested_by : who asked the court.
    approver : who let the ramp go on past the pending approval, while the guards still hold it.
    approved_by : who let the last step begin; empty where nobody has.
    evidence : digest of what the court had seen.
    changed_at : when phase, step or challenger last changed, aware UTC.
    reason : of that change, one sentence.
    barred : versions that were rejected or rolled back: never challengers again. One may still be
        ``previous``, and so the way back.
    """

    strategy: str
    phase: Phase
    champion: int
    changed_at: datetime
    challenger: int | None = None
    previous: int | None = None
    steps: tuple[float, ...] = ()
    step: int | None = None
    sessions: int = 0
    judged: date | None = None
    after: date | None = None
    held: tuple[str, ...] = ()
    requested_by: str = ""
    approver: str = ""
    approved_by: str = ""
    evidence: str = ""
    reason: str = ""
    barred: tuple[int, ...] = ()


@dataclass(frozen=True)
class CourtDecided:
    """The court's decision; ``evidence`` is the digest of all that it saw."""

    version: int
    outcome: str
    evidence: str
    requested_by: str


@dataclass(frozen=True)
class SessionJudged:
    """The guards over a session; ``open_pages`` are alerts that page, one sentence each."""

    session: date
    verdicts: tuple[GuardVerdict, ...]
    open_pages: tuple[str, ...] = ()


@dataclass(frozen=True)
class ApprovalGiven:
    """A person lets the ramp of a version go on."""

    version: int
    by: str


@dataclass(frozen=True)
class RollbackAsked:
    """A person, or a machine, wants the earlier champion back.

    Attributes
    ----------
    to : a version; None: the champion beside whom the ramp runs, else the one before the champion.
    """

    by: str
    why: str
    to: int | None = None


@dataclass(frozen=True)
class Expired:
    """The challenger is too old."""

    why: str


@dataclass(frozen=True)
class ChallengerNamed:
    """Another version stands as the challenger."""

    version: int


RampEvent = CourtDecided | SessionJudged | ApprovalGiven | RollbackAsked | Expired | ChallengerNamed

ACTS: Mapping[type, Act] = {
    CourtDecided: Act.COURT,
    SessionJudged: Act.SESSION,
    ApprovalGiven: Act.APPROVAL,
    RollbackAsked: Act.ROLLBACK,
    Expired: Act.EXPIRY,
    ChallengerNamed: Act.CHALLENGER,
}


@dataclass(frozen=True)
class RecordEvent:
    """Write an event into the ledger; ``body`` is JSON with the state after it."""

    at: datetime
    body: Mapping[str, Any]
    kind: str = "ramp"


@dataclass(frozen=True)
class SetShares:
    """Give each book its share of the strategy's risk; they add up to 1.

    `ramp_steps.capital_split` turns a share into currency, with ``max_capital``.
    """

    champion: float
    ab: float


@dataclass(frozen=True)
class SwitchBooks:
    """The champion's book is run by this version from its next decision on."""

    version: int


@dataclass(frozen=True)
class CloseAB:
    """Hand whatever the strategy's A/B book holds to the champion's book, and close it."""


@dataclass(frozen=True)
class MoveAlias:
    """Point a registry's alias at a version; None takes the alias away."""

    name: AliasName
    version: int | None


@dataclass(frozen=True)
class Refused:
    """Nothing has changed; ``reason`` is one sentence."""

    reason: str


Effect = RecordEvent | SetShares | SwitchBooks | CloseAB | MoveAlias | Refused
