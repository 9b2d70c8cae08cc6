"""Opening the workspace that a command works in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shadowbook.workspace import Workspace


def open_workspace(workspace: Path, params: Path | None, as_json: bool) -> Workspace:
    """Open the workspace a command works in."""
    from shadowbook.rendering import progress
    from shadowbook.workspace import Workspace

    return Workspace.open(workspace, params, progress(as_json))


def chosen(workspace: Workspace, strategies: list[str] | None) -> list[str]:
    """Return the named strategies, each of which must exist; all of them by default."""
    for name in strategies or ():
        workspace.settings.strategy(name)
    return strategies or list(workspace.settings.strategies)
