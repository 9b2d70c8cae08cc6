"""What people look at of a challenger, and what the ledger's events say of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from shadowbook.core.events import Event
from shadowbook.core.promotion.court import Criterion, Outcome
from shadowbook.core.promotion.judged import Judged, Judgment
from shadowbook.core.promotion.paths import LeadPath

_NAMES = ("strategy", "champion", "challenger", "kind")
"""What names a case; the rest of an opening is evidence."""


@dataclass(frozen=True, eq=False)
class CourtCase:
    """One challenger as the page of the court shows it.

    Attributes
    ----------
    judged : what the court says of it now.
    path : how its shadow's lead came about.
    judgments : what was recorded of this case, the opening among it, by session.
    """

    judged: Judged
    path: LeadPath
    judgments: tuple[Judgment, ...] = ()


def judgment_of(event: Event) -> Judgment:
    """Read an event of the kind ``case`` or ``judgment`` as it was recorded.

    Parameters
    ----------
    event : an opening has the fields of `Case`, a judgment an outcome, criteria and evidence.

    Raises
    ------
    KeyError
        When the event is of another kind: it lacks what names a case.

    >>> from datetime import UTC, datetime
    >>> body = {"strategy": "weekly", "champion": 1, "challenger": 3, "kind": "refresh"}
    >>> at = datetime(2024, 5, 2, 20, 15, tzinfo=UTC)
    >>> found = judgment_of(Event("case", "case/weekly/1/3", at, body | {"n_trials": 12}))
    >>> found.outcome, found.session.isoformat(), found.evidence
    (None, '2024-05-02', {'n_trials': 12})
    """
    body: dict[str, Any] = dict(event.body)
    opening = "outcome" not in body
    rest = {name: value for name, value in body.items() if name not in _NAMES}
    return Judgment(
        strategy=body["strategy"],
        session=event.at.date(),
        champion=int(body["champion"]),
        challenger=int(body["challenger"]),
        kind=body["kind"],
        outcome=None if opening else Outcome(body["outcome"]),
        criteria=() if opening else tuple(_criterion(one) for one in body["criteria"]),
        evidence=rest if opening else dict(body["evidence"]),
    )


def _criterion(told: dict[str, Any]) -> Criterion:
    """Read a criterion; names that a later version may have added are left out."""
    return Criterion(**{one.name: told[one.name] for one in fields(Criterion) if one.name in told})
