"""Judgments are read from a replay's ledger in the order in which they were said."""

from datetime import UTC, datetime
from types import SimpleNamespace

from shadowbook.core.events import Event
from shadowbook.steps.replay_summary import judgments_of

NAMES = {"strategy": "weekly", "champion": 1, "kind": "refresh"}


class Recorded:
    """A ledger that yields the events of a kind."""

    def __init__(self, *events):
        self._given = events

    def events(self, kind=None):
        return (SimpleNamespace(event=one) for one in self._given if kind in (None, one.kind))


def event(kind, day, challenger):
    body = NAMES | {"challenger": challenger}
    if kind == "judgment":
        body |= {"outcome": "HOLD", "criteria": [], "evidence": {"n_sessions": day}}
    return Event(kind, f"{kind}/{day}/{challenger}", datetime(2024, 5, day, 20, tzinfo=UTC), body)


def test_openings_and_judgments_by_session():
    ledger = Recorded(
        event("case", 2, 3),
        event("judgment", 6, 3),
        Event("training", "training/weekly/4", datetime(2024, 5, 6, tzinfo=UTC), {}),
        event("case", 6, 4),
        event("judgment", 9, 4),
    )
    found = judgments_of(ledger)
    assert [(one.session.day, one.challenger, one.outcome) for one in found] == [
        (2, 3, None),
        (6, 4, None),
        (6, 3, "HOLD"),
        (9, 4, "HOLD"),
    ]
    assert judgments_of(Recorded()) == ()
