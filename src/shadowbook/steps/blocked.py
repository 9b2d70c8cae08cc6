"""Whether a strategy may be retrained: a bug would be trained into its next model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shadowbook.core.diagnosis.findings import Layer
from shadowbook.steps.desk import CHAMPION
from shadowbook.workspace import Workspace

KIND = "diagnosis"
"""Kind of the ledger's events that hold verdicts."""


def blocked_by(workspace: Workspace, strategy: str) -> str:
    """Return why a strategy may not be retrained, in one sentence; empty where it may.

    A fault blocks from the session that it was last seen in, until that session or a later one is
    found whole, so an old fault that is found again does not block anew. A shadow book that is
    whole speaks for itself alone, the champion for every book.
    """
    file = workspace.ledger_file
    if file is not None and not file.exists():
        return ""
    told = [
        (_faulty(stored.event.body) or stored.event.body["last"], stored.seq, stored.event.body)
        for stored in workspace.ledger.events(KIND)
        if stored.event.body["strategy"] == strategy
    ]
    for book in sorted({body["book"] for _, _, body in told}):
        newest = max((one for one in told if _speaks_for(one[2], book)), key=lambda one: one[:2])[2]
        if _faulty(newest):
            return _sentence(strategy, newest)
    return ""


def _faulty(body: Mapping[str, Any]) -> str:
    """Return the last session that diverges; empty where every layer is whole."""
    # An event without the key may mean any session of its span.
    return str(body.get("last_diverging", body["last"] if body["first_layer"] else "") or "")


def _speaks_for(body: Mapping[str, Any], book: str) -> bool:
    return bool(body["book"] == book or (body["book"] == CHAMPION and not _faulty(body)))


def _sentence(strategy: str, body: Mapping[str, Any]) -> str:
    layer, day = Layer(body["first_layer"]), _faulty(body)
    book = body["book"]
    which, option = ("", "") if book == CHAMPION else (f" of {book}", f" --book {book}")
    return (
        f"{strategy} is not retrained: its diagnosis{which} of {body['first']} to {body['last']} "
        f"is {body['verdict']} (the first layer that diverges: {layer}; last seen on {day}); fix "
        f"what is wrong, then run `shadowbook diagnose --strategy {strategy}{option} --session "
        f"DAY` with a day after {day}"
    )
