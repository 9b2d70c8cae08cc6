"""Rebuilding past runs, restoring their data, and deleting what no run names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowbook.commands.opening import open_workspace
from shadowbook.commands.records import RunArgument
from shadowbook.errors import PermanentError
from shadowbook.frame import (
    DONE,
    FAILURE,
    HERE,
    REFUSED,
    JsonOption,
    ParamsOption,
    WaitOption,
    WorkspaceOption,
    print_json,
    reported,
)

if TYPE_CHECKING:
    from shadowbook.steps.reproduce import Reproduction
    from shadowbook.workspace import Workspace

JOBS = 2
"""Rebuilds at once: each is one process that keeps one core busy and takes about 1.2 GB."""

RunsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RUN...", help="Run ids, beginnings of them, or 'latest'.", show_default=False
    ),
]


@reported
def reproduce(
    run: RunsArgument = None,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    last: Annotated[
        int | None, typer.Option("--last", metavar="N", min=1, help="The newest N training runs.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Of several runs, rebuilds at once.")] = JOBS,
    as_json: JsonOption = False,
) -> int:
    """Rebuild runs from their pinned data in fresh processes and compare (exit 3: one differs)."""
    from shadowbook.audit_page import show_reproductions
    from shadowbook.rendering import show_reproduction
    from shadowbook.steps.reproduce import reproduce as step
    from shadowbook.steps.reproductions import chosen_runs, reproduce_all

    opened = open_workspace(workspace, params, as_json)
    if run is not None and len(run) == 1 and last is None:
        result = step(opened, run[0])
        _remember(opened, [result])
        print_json(result) if as_json else show_reproduction(result)
        return DONE if result.reproduced else REFUSED
    found = reproduce_all(opened, chosen_runs(opened, run or [], last), jobs)
    _remember(opened, [attempt for attempt in found if attempt.error is None])
    print_json(found) if as_json else show_reproductions(found)
    if all(attempt.reproduced for attempt in found):
        return DONE
    return REFUSED if any(a.error is None and not a.reproduced for a in found) else FAILURE


def _remember(workspace: Workspace, results: Sequence[Reproduction]) -> None:
    """Note the outcome for the doctor; a workspace that is read-only has still been reproduced."""
    from shadowbook.steps.proofs import remember

    try:
        remember(workspace, results)
    except PermanentError as error:
        typer.echo(f"note: the outcome is not remembered: {error}", err=True)


@reported
def rebuild(
    request: Annotated[Path, typer.Argument(help="What reproduce asks of the fresh process.")],
    as_json: JsonOption = True,
) -> int:
    """Rebuild a run from restored files and print what came out (used by reproduce)."""
    from shadowbook.adapters.machine import die_with_owner
    from shadowbook.steps.rebuild import rebuild as step

    die_with_owner()
    print_json(step(request))
    return DONE


@reported
def restore(
    run: RunArgument,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    to: Annotated[
        Path | None,
        typer.Option(
            help="Where to; restored/RUN in the workspace by default.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Write the data that a run read to a folder, every object hashed."""
    from shadowbook.audit_page import show_restored
    from shadowbook.steps.restore import restore as step

    result = step(open_workspace(workspace, params, as_json), run, to)
    print_json(result) if as_json else show_restored(result)
    return DONE


@reported
def gc(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go.")] = False,
    remote: Annotated[
        bool,
        typer.Option("--remote", help="The remote too; only this workspace may keep data there."),
    ] = False,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Delete pinned data that no run, no commit and nothing in the workspace names."""
    from shadowbook.audit_page import show_collection
    from shadowbook.steps.collect import collect

    opened = open_workspace(workspace, params, as_json)
    with opened.lease("gc", wait):
        result = collect(opened, with_remote=remote, dry_run=dry_run)
    print_json(result) if as_json else show_collection(result)
    return DONE
