"""Which runs were rebuilt in this workspace, and how that ended."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.adapters.disk import replace_text
from shadowbook.errors import IntegrityError

if TYPE_CHECKING:
    from shadowbook.steps.reproduce import Reproduction
    from shadowbook.workspace import Workspace

NAME = "reproductions.json"
KEPT = 200


@dataclass(frozen=True)
class Proof:
    """One rebuild of a run."""

    run_id: str
    outcome: str
    at: datetime

    @property
    def reproduced(self) -> bool:
        """True unless something differed."""
        return self.outcome.startswith("REPRODUCED")


def proofs(root: Path) -> list[Proof]:
    """Return what is remembered, the last last.

    Raises
    ------
    IntegrityError
        When the note cannot be read.
    """
    path = _path(root)
    if not path.exists():
        return []
    try:
        return [
            Proof(item["run_id"], item["outcome"], datetime.fromisoformat(item["at"]))
            for item in json.loads(path.read_text("utf-8"))
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{path} cannot be read: delete it, then reproduce latest") from error


def remember(workspace: Workspace, results: Sequence[Reproduction]) -> None:
    """Note how rebuilds ended; the last of a run counts.

    Raises
    ------
    PermanentError
        When the workspace cannot be written.
    IntegrityError
        When the note cannot be read.
    """
    now = workspace.clock.now()
    new = [Proof(result.run_id, result.outcome, now) for result in results]
    again = {proof.run_id for proof in new}
    kept = [proof for proof in proofs(workspace.root) if proof.run_id not in again]
    told = [
        {"run_id": proof.run_id, "outcome": proof.outcome, "at": proof.at.isoformat()}
        for proof in [*kept, *new][-KEPT:]
    ]
    replace_text(_path(workspace.root), json.dumps(told, indent=1) + "\n")


def _path(root: Path) -> Path:
    return root / ".shadowbook" / NAME
