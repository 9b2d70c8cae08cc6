"""Examine a workspace: what is set up, what is missing, how far it has come; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shadowbook.errors import ShadowbookError
from shadowbook.steps import health_books, health_machine, health_records, maturity
from shadowbook.steps.health import Item, Look, Patient, guarded
from shadowbook.workspace import Workspace

ANYWHERE: tuple[Look, ...] = (
    health_machine.python,
    health_machine.packages,
    health_machine.clock,
    health_machine.disk,
    health_machine.permissions,
    health_machine.lease,
    health_machine.leftovers,
    health_records.profile,
    health_records.prefect,
    health_records.registry,
    health_records.feast,
)
"""Looks that need no settings."""

OPENED: tuple[Look, ...] = (
    health_records.git,
    health_records.remote,
    health_records.data,
    health_records.features,
    health_records.runs,
    health_books.ledger,
)


@dataclass(frozen=True)
class Examination:
    """Everything that was looked at."""

    items: tuple[Item, ...]
    maturity: maturity.Maturity | None = None

    @property
    def healthy(self) -> bool:
        """True when nothing is missing."""
        return all(item.state != "missing" for item in self.items)


def examine(root: Path, params: Path | None) -> Examination:
    """Look at the machine, the packages and the workspace; never raises for what it finds."""
    root = root.resolve()
    workspace: Workspace | None = None
    try:
        workspace = Workspace.open(root, params)
        strategies = len(workspace.settings.strategies)
        settings = Item("settings", "ok", f"{strategies} strategies")
    except ShadowbookError as error:
        told = str(error).splitlines()
        more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
        settings = Item("settings", "missing", f"{told[0]}{more}")
    patient = Patient(root, workspace)
    items = [item for look in ANYWHERE for item in guarded(look, patient)]
    items.append(settings)
    if workspace is None:
        return Examination(tuple(items), None)
    items += [item for look in OPENED for item in guarded(look, patient)]
    reached = maturity.measure(patient)
    return Examination((*items, _rung(reached)), reached)


def _rung(reached: maturity.Maturity) -> Item:
    said = f"level {reached.level} of {len(maturity.LEVELS) - 1}, {reached.name}"
    if reached.missing:
        lacks = "; ".join(f"{c.name} ({c.said})" for c in reached.missing)
        said += f"; level {reached.level + 1}, {maturity.LEVELS[reached.level + 1]}, lacks {lacks}"
    return Item("maturity", "ok" if reached.level else "note", said, maturity.ADVICE)
