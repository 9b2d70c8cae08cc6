"""Whether the ledger is whole."""

from __future__ import annotations

from dataclasses import dataclass

from shadowbook.adapters.ledger.verification import Broken
from shadowbook.workspace import Workspace


@dataclass(frozen=True)
class LedgerReport:
    """What a check of the ledger found.

    Attributes
    ----------
    events : how many there are.
    head : hash of the last one; whoever keeps it elsewhere can tell later that none was cut off.
    broken : the first link that does not hold; None for a whole ledger.
    """

    events: int
    head: str
    broken: Broken | None

    @property
    def whole(self) -> bool:
        """True when every link holds."""
        return self.broken is None

    @property
    def sentence(self) -> str:
        """What a person reads."""
        if self.broken is not None:
            return (
                f"BROKEN at event {self.broken.seq} ({self.broken.key}): {self.broken.reason}; "
                "restore the ledger from a copy that verifies"
            )
        if not self.events:
            return "the ledger is empty: nothing was traded yet"
        return f"WHOLE: {self.events:,} events, the last one {self.head}"


def verify(workspace: Workspace) -> LedgerReport:
    """Check every link of the ledger, and every fact against the event that vouches for it."""
    broken = workspace.ledger.verify()
    events, head = workspace.ledger.head()
    return LedgerReport(events, head, broken)
