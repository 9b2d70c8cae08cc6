"""What was done: runs and their manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from shadowbook.commands.opening import open_workspace
from shadowbook.errors import ConfigError
from shadowbook.frame import (
    DONE,
    HERE,
    JsonOption,
    ParamsOption,
    WorkspaceOption,
    print_json,
    reported,
)

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Run id, the beginning of one, or 'latest'.")
]


KindOption = Annotated[
    Literal["training", "ingest", "gate", "features", "trade", "monitor", "all"],
    typer.Option("--kind", help="Runs of this step, or of all."),
]


@reported
def runs(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    strategy: Annotated[str | None, typer.Option("--strategy", "-s", help="Only this one.")] = None,
    kind: KindOption = "training",
    as_json: JsonOption = False,
) -> int:
    """List finished runs, newest first: trainings, unless another kind is named."""
    from shadowbook.rendering import show_records, show_runs

    models = open_workspace(workspace, params, as_json).models
    if kind == "training":
        trained = models.runs(strategy)
        print_json(trained) if as_json else show_runs(trained)
    elif strategy is not None:
        raise ConfigError(f"--strategy goes with training runs: {kind} runs serve all strategies")
    else:
        found = models.records(None if kind == "all" else kind)
        print_json(found) if as_json else show_records(found)
    return DONE


@reported
def show(
    run: RunArgument,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show a run's manifest: what it read, with what code, what came of it, and its parents."""
    from shadowbook.manifest_page import show_manifest
    from shadowbook.steps.lineage import lineage

    opened = open_workspace(workspace, params, as_json)
    run_id = opened.models.resolve_any(run).run_id
    if as_json:
        print_json(opened.models.manifest(run_id))
    else:
        show_manifest(lineage(opened, run_id))
    return DONE


@reported
def report(
    run: RunArgument,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Write the page here.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Find the page that shows a run to people, one HTML file, and print where it is."""
    from shadowbook.steps.report import stored_page

    page = stored_page(open_workspace(workspace, params, as_json), run, to)
    if as_json:
        print_json(page)
    else:
        typer.echo(page.path)
    return DONE
