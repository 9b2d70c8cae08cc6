"""Every way of the ramp from one phase to another, as data."""

from __future__ import annotations

from dataclasses import dataclass

from shadowbook.core.promotion.ramp_state import Act, Phase


@dataclass(frozen=True)
class Move:
    """One way from one phase to another."""

    source: Phase
    act: Act
    target: Phase
    when: str


_S, _R, _A = Phase.SHADOW, Phase.RAMPING, Phase.AWAITING_APPROVAL
_P, _B, _X = Phase.PROMOTED, Phase.ROLLED_BACK, Phase.REJECTED

TRANSITIONS: tuple[Move, ...] = (
    Move(_S, Act.COURT, _R, "PROMOTE: the first step begins"),
    Move(_S, Act.COURT, _X, "REJECT"),
    Move(_S, Act.COURT, _S, "HOLD or NOT_COMPUTABLE"),
    Move(_R, Act.SESSION, _R, "too few sessions, a hold, or the next step begins"),
    Move(_R, Act.SESSION, _A, "the last step needs a person, or the step has lasted too long"),
    Move(_R, Act.SESSION, _P, "the last step has passed"),
    Move(_R, Act.SESSION, _B, "a guard is breached"),
    Move(_A, Act.SESSION, _A, "nobody has approved, or a hold"),
    Move(_A, Act.SESSION, _R, "approved before, and the hold is over: the next step begins"),
    Move(_A, Act.SESSION, _P, "approved before, and the hold is over, after the last step"),
    Move(_A, Act.SESSION, _B, "a guard is breached"),
    Move(_A, Act.APPROVAL, _R, "by somebody else than the requester: the next step begins"),
    Move(_A, Act.APPROVAL, _P, "the same, after the last step"),
    Move(_A, Act.APPROVAL, _A, "approved, but a guard holds"),
    *(Move(phase, Act.ROLLBACK, _B, "always; a second time changes nothing") for phase in Phase),
    Move(_S, Act.EXPIRY, _X, "the challenger is too old"),
    Move(_R, Act.EXPIRY, _B, "the challenger is too old"),
    Move(_A, Act.EXPIRY, _B, "the challenger is too old"),
    *(
        Move(phase, Act.CHALLENGER, _S, "a version that is neither champion nor barred")
        for phase in (_S, _P, _B, _X)
    ),
)
"""Every way there is; what is not here is refused."""
