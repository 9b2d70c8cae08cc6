"""What the court has said of a challenger, and when it said something else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shadowbook.core.promotion.case import Case
from shadowbook.core.promotion.court import Criterion, Decision, Outcome
from shadowbook.core.promotion.evidence import Evidence, Kind

NAMED = 4
"""Criteria that a sentence names."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What the court says of a challenger as of a session.

    Attributes
    ----------
    as_of : decision moment that it was judged at.
    evidence : what is known of it by then.
    """

    strategy: str
    as_of: datetime
    case: Case
    evidence: Evidence
    decision: Decision

    @property
    def sentence(self) -> str:
        """What stands against it, or that nothing does."""
        against = [one.name.replace("_", " ") for one in self.decision.against]
        more = f" and {len(against) - NAMED} more" if len(against) > NAMED else ""
        why = f": {', '.join(against[:NAMED])}{more}" if against else ""
        return f"{self.decision.outcome}{why}"

    def promotes(self, but: str = "") -> bool:
        """Say whether nothing stands against it, one named criterion aside."""
        if self.decision.outcome is Outcome.REJECT:
            return False
        return all(one.name == but for one in self.decision.against)


@dataclass(frozen=True)
class Judgment:
    """One time that the court said something new of a challenger, as it was recorded.

    Attributes
    ----------
    session : it was said at.
    outcome : None where the case was opened.
    criteria : with values and thresholds of that session; empty at the opening.
    evidence : field of `Evidence` -> value as JSON has it; at the opening those of `Case`.
    """

    strategy: str
    session: date
    champion: int
    challenger: int
    kind: Kind
    outcome: Outcome | None
    criteria: tuple[Criterion, ...]
    evidence: dict[str, object]
