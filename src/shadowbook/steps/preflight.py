"""What must hold before a flow starts a server and does minutes of work."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shadowbook.errors import ConfigError, PermanentError
from shadowbook.steps.moment import named_moment
from shadowbook.workspace import Workspace


def preflight(
    workspace: Workspace,
    strategies: Sequence[str] | None,
    as_of: str | None = None,
    wait_minutes: float = 0.0,
) -> Path:
    """Check what can be checked at once; return the folder that Prefect keeps its files in.

    Parameters
    ----------
    wait_minutes : how long to wait for a workspace that is in use.

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
    with workspace.lease("run", wait_minutes):
        workspace.code.state()
        workspace.snapshots.check()
    return _home(workspace)


def preflight_serving(workspace: Workspace, server: str | None) -> Path:
    """Check what every scheduled run needs; return the folder that Prefect keeps its files in.

    Parameters
    ----------
    server : address of the Prefect server that the user named; None: one's own.

    Raises
    ------
    ConfigError
        Without a schedule, a git repository or a DVC repository.
    PermanentError
        When the workspace cannot be written.
    WorkspaceBusyError
        When another process serves it for this server.
    """
    if server is None:
        check_any(workspace)  # else the server may still have one that must go
    with workspace.serving(server):
        workspace.market.calendar.zone()
        workspace.code.state()
        workspace.snapshots.check()
    return _home(workspace)


def check_any(workspace: Workspace) -> None:
    """Refuse to serve nothing.

    Raises
    ------
    ConfigError
        When params.yaml has no schedule.
    """
    if not workspace.settings.schedules:
        raise ConfigError(
            "params.yaml has no schedules: add a section such as "
            '`schedules: {retrain: {cron: "30 16 * * 1-5"}}`'
        )


def _home(workspace: Workspace) -> Path:
    home = workspace.root / ".shadowbook" / "prefect"
    try:
        # Prefect makes its own folder but not the one above it.
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(
            f"{home} cannot be made ({error.strerror}): the workspace must be writable"
        ) from error
    return home
