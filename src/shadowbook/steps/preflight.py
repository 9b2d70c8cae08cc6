"""What must hold before the main job starts a server and does minutes of work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shadowbook.errors import PermanentError
from shadowbook.steps.moment import named_moment
from shadowbook.workspace import Workspace


def preflight(
    workspace: Workspace, strategies: Sequence[str] | None, as_of: str | None = None
) -> Path:
    """Check what can be checked at once; return the folder that Prefect keeps its files in.

    Raises
    ------
    ConfigError
        An unknown strategy, a wrong moment, no git repository, no DVC repository.
    PermanentError
        When the workspace cannot be written.
    WorkspaceBusyError
        When another process holds it.
    """
    for name in strategies or ():
        workspace.settings.strategy(name)
    if as_of is not None:
        named_moment(workspace, as_of)
    with workspace.lease("run"):
        workspace.code.state()
        workspace.snapshots.check()
    home = workspace.root / ".shadowbook" / "prefect"
    try:
        # Prefect makes its own folder but not the one above it.
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(
            f"{home} cannot be made ({error.strerror}): the workspace must be writable"
        ) from error
    return home
