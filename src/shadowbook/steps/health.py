"""What the doctor says of one thing it looked at, and how a look survives what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shadowbook.adapters.models.inspection import Inspection, inspect
from shadowbook.errors import ShadowbookError
from shadowbook.workspace import Workspace

WOUNDS = (
    ShadowbookError,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    ImportError,
    RuntimeError,
)
"""What a look may raise on a broken workspace; it becomes a line, and the next look goes on."""


@dataclass(frozen=True)
class Item:
    """One thing that was looked at; ``remedy`` says what to do where it is not ok."""

    name: str
    state: Literal["ok", "note", "missing"]
    said: str
    remedy: str = ""


Look = Callable[["Patient"], Iterable[Item]]


@dataclass(frozen=True)
class Patient:
    """What is examined.

    Attributes
    ----------
    root : the workspace's folder.
    workspace : opened; None where the settings cannot be read.
    """

    root: Path
    workspace: Workspace | None

    @property
    def database(self) -> Path:
        """MLflow's database."""
        return self.root / "mlruns" / "mlflow.db"

    @property
    def lease(self) -> Path:
        """What a writer holds."""
        return self.root / ".shadowbook" / "lease"

    @property
    def written(self) -> tuple[Path, ...]:
        """Folders that a run writes."""
        names = ("data", "build", "mlruns", ".shadowbook", ".dvc/cache", ".dvc/tmp")
        return tuple(self.root / name for name in names)

    def opened(self) -> Workspace:
        """Return the workspace, which looks that need settings are given."""
        assert self.workspace is not None  # noqa: S101 - such looks are left out without it
        return self.workspace

    def records(self) -> Inspection | None:
        """Return what the registry holds; None where nothing was recorded yet."""
        return inspect(self.database)


def guarded(look: Look, patient: Patient) -> list[Item]:
    """Look, and make a line of whatever that raises."""
    try:
        return list(look(patient))
    except WOUNDS as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        told = said[0] if isinstance(error, ShadowbookError) else f"cannot be read ({said[0]})"
        return [Item(look.__name__, "missing", told)]
