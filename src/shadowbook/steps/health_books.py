"""The doctor's look at the ledger and the books."""

from __future__ import annotations

from collections.abc import Iterator

from shadowbook.steps.health import Item, Patient

HEAD = 12
"""Digits of a hash that tell it from another."""


def ledger(patient: Patient) -> Iterator[Item]:
    """Say how far the books have gone, and whether orders are open; makes no ledger."""
    workspace = patient.opened()
    own = workspace.ledger_file
    if own is not None and not own.exists():
        yield Item("ledger", "ok", "empty: nothing was traded yet")
        return
    events, head = workspace.ledger.head()
    last = workspace.ledger.last_as_of()
    if last is None:
        yield Item("ledger", "ok", f"{events:,} events, no session was traded yet")
        return
    n_open = len(workspace.ledger.open_orders())
    yield Item(
        "ledger",
        "ok",
        f"{events:,} events to {head[:HEAD]}, {len(workspace.ledger.books())} books, last session "
        f"{last:%Y-%m-%d}, {n_open} open orders (`shadowbook ledger verify` checks every link)",
    )
