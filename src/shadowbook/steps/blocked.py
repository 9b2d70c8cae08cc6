"""Whether a strategy may be retrained: a bug would be trained into its next model."""

from __future__ import annotations

from shadowbook.core.diagnosis.findings import Layer
from shadowbook.core.diagnosis.verdict import BLOCKING
from shadowbook.workspace import Workspace

KIND = "diagnosis"
"""Kind of the ledger's events that hold verdicts."""


def blocked_by(workspace: Workspace, strategy: str) -> str:
    """Return why a strategy may not be retrained, in one sentence; empty where it may.

    Of the diagnoses that found every layer whole or one that diverges, the one of the latest
    session counts, and of several of that session the newest: a clean one lifts the block.
    """
    file = workspace.ledger_file
    if file is not None and not file.exists():
        return ""
    found = [
        (stored.event.body["last"], stored.seq, stored.event.body)
        for stored in workspace.ledger.events(KIND)
        if stored.event.body["strategy"] == strategy
    ]
    telling = [one for one in found if one[2]["whole"] or one[2]["verdict"] in BLOCKING]
    if not telling:
        return ""
    _, _, body = max(telling, key=lambda one: one[:2])
    if body["verdict"] not in BLOCKING:
        return ""
    layer = Layer(body["first_layer"])
    return (
        f"{strategy} is not retrained: its diagnosis of {body['first']} to {body['last']} is "
        f"{body['verdict']} (the first layer that diverges: {layer}); fix what is wrong, then run "
        f"`shadowbook diagnose --strategy {strategy}` on a session after it"
    )
