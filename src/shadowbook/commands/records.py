"""What was done: runs, their manifests, and rebuilding them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shadowbook.commands.opening import open_workspace
from shadowbook.frame import (
    DONE,
    HERE,
    REFUSED,
    JsonOption,
    ParamsOption,
    WorkspaceOption,
    print_json,
    reported,
)

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Run id, the beginning of one, or 'latest'.")
]


@reported
def runs(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    strategy: Annotated[str | None, typer.Option("--strategy", "-s", help="Only this one.")] = None,
    as_json: JsonOption = False,
) -> int:
    """List finished training runs, newest first."""
    from shadowbook.rendering import show_runs

    found = open_workspace(workspace, params, as_json).models.runs(strategy)
    if as_json:
        print_json(found)
    else:
        show_runs(found)
    return DONE


@reported
def show(
    run: RunArgument,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show a run's manifest: data, code, environment, folds, candidates, digests."""
    from shadowbook.manifest_page import show_manifest

    models = open_workspace(workspace, params, as_json).models
    manifest = models.manifest(models.resolve(run).run_id)
    if as_json:
        print_json(manifest)
    else:
        show_manifest(manifest)
    return DONE


@reported
def reproduce(
    run: RunArgument,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Rebuild a run from its pinned data in a fresh process and compare (exit 3: it differs)."""
    from shadowbook.rendering import show_reproduction
    from shadowbook.steps.reproduce import reproduce as step

    result = step(open_workspace(workspace, params, as_json), run)
    if as_json:
        print_json(result)
    else:
        show_reproduction(result)
    return DONE if result.reproduced else REFUSED


@reported
def rebuild(
    request: Annotated[Path, typer.Argument(help="What reproduce asks of the fresh process.")],
    as_json: JsonOption = True,
) -> int:
    """Rebuild a run from restored files and print what came out (used by reproduce)."""
    from shadowbook.steps.rebuild import rebuild as step

    print_json(step(request))
    return DONE
