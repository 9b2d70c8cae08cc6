"""The command line: one command a verb; whatever is heavy is imported inside the command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shadowbook.environment import of_flow
from shadowbook.frame import (
    DONE,
    FAILURE,
    HERE,
    REFUSED,
    AsOfOption,
    Commands,
    JsonOption,
    ParamsOption,
    StrategyOption,
    WorkspaceOption,
    print_json,
    reported,
)

if TYPE_CHECKING:
    from shadowbook.workspace import Workspace

app = typer.Typer(
    name="shadowbook",
    cls=Commands,
    help="Keeps live trading models honest: gated data, point-in-time features, pinned retraining, "
    "auditable runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _open(workspace: Path, params: Path | None, as_json: bool) -> Workspace:
    from shadowbook.rendering import progress
    from shadowbook.workspace import Workspace

    return Workspace.open(workspace, params, progress(as_json))


def _chosen(workspace: Workspace, strategies: list[str] | None) -> list[str]:
    for name in strategies or ():
        workspace.settings.strategy(name)
    return strategies or list(workspace.settings.strategies)


@app.command()
@reported
def run(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    strategy: StrategyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Do the main job: ingest, gate, features, retraining of every strategy (a Prefect flow)."""
    from shadowbook.steps.preflight import preflight

    home = preflight(_open(workspace, params, as_json), strategy, as_of)
    options: list[str] = ["--workspace", str(workspace)]
    options += ["--params", str(params)] if params else []
    options += ["--as-of", as_of] if as_of else []
    for name in strategy or []:
        options += ["--strategy", name]
    options += ["--json"] if as_json else []
    # The flow takes this process over, so that Ctrl-C, signals and the exit code are its own.
    os.execve(  # noqa: S606 - our own interpreter and module
        sys.executable, [sys.executable, "-P", "-m", "flows", "retrain", *options], of_flow(home)
    )


@app.command()
@reported
def ingest(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> int:
    """Bring in what the source tells and what was known at a moment."""
    from shadowbook.steps.ingest import ingest as step
    from shadowbook.steps.moment import resolve_as_of

    opened = _open(workspace, params, as_json)
    with opened.lease("ingest"):
        report = step(opened, resolve_as_of(opened, as_of))
    if as_json:
        print_json(report)
    return DONE


@app.command()
@reported
def gate(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> int:
    """Judge what the last ingest brought; accept it, or say why not (exit 3)."""
    from shadowbook.rendering import show_gate
    from shadowbook.steps.gate import gate as step
    from shadowbook.steps.moment import resolve_as_of

    opened = _open(workspace, params, as_json)
    with opened.lease("gate"):
        report = step(opened, resolve_as_of(opened, as_of))
    if as_json:
        print_json(report)
    else:
        show_gate(report)
    return REFUSED if report.halts else DONE


@app.command()
@reported
def features(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
) -> int:
    """Extend the feature log, register it with Feast and bring the online store up to date."""
    from shadowbook.rendering import show_features
    from shadowbook.steps.build_features import build_features
    from shadowbook.steps.moment import resolve_as_of

    opened = _open(workspace, params, as_json)
    with opened.lease("features"):
        report = build_features(opened, resolve_as_of(opened, as_of))
    if as_json:
        print_json(report)
    else:
        show_features(report)
    return REFUSED if report.halts else DONE


@app.command()
@reported
def retrain(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    strategy: StrategyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Fit, test and register challengers on the features there are, without Prefect."""
    from shadowbook.rendering import show_training
    from shadowbook.steps.moment import resolve_as_of
    from shadowbook.steps.retrain import retrain as step

    opened = _open(workspace, params, as_json)
    moment, names = resolve_as_of(opened, as_of), _chosen(opened, strategy)
    with opened.lease("retrain"):
        reports = [step(opened, name, moment) for name in names]
    if as_json:
        print_json(reports)
    else:
        show_training(reports, workspace)
    return REFUSED if any(report.halts for report in reports) else DONE


@app.command()
@reported
def train(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    strategy: StrategyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Fit every candidate on every fold and keep the predictions (a DVC stage)."""
    from shadowbook.steps.moment import resolve_as_of
    from shadowbook.steps.train import train as step

    opened = _open(workspace, params, as_json)
    moment, names = resolve_as_of(opened, as_of), _chosen(opened, strategy)
    with opened.lease("train"):
        done = [step(opened, name, moment) for name in names]
    if as_json:
        print_json([trained.summary for trained in done])
    return REFUSED if any(trained.halts for trained in done) else DONE


@app.command()
@reported
def evaluate(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    strategy: StrategyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Measure the kept predictions after costs: metrics and plots (a DVC stage)."""
    from shadowbook.steps.evaluate import evaluate_kept

    opened = _open(workspace, params, as_json)
    names = _chosen(opened, strategy)
    with opened.lease("evaluate"):
        done = [evaluate_kept(opened, name) for name in names]
    if as_json:
        print_json(done)
    return DONE


@app.command()
@reported
def runs(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    strategy: Annotated[str | None, typer.Option("--strategy", "-s", help="Only this one.")] = None,
    as_json: JsonOption = False,
) -> int:
    """List finished training runs, newest first."""
    from shadowbook.rendering import show_runs

    found = _open(workspace, params, as_json).models.runs(strategy)
    if as_json:
        print_json(found)
    else:
        show_runs(found)
    return DONE


RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Run id, the beginning of one, or 'latest'.")
]


@app.command()
@reported
def show(
    run: RunArgument,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show a run's manifest: data, code, environment, folds, candidates, digests."""
    from shadowbook.manifest_page import show_manifest

    models = _open(workspace, params, as_json).models
    manifest = models.manifest(models.resolve(run).run_id)
    if as_json:
        print_json(manifest)
    else:
        show_manifest(manifest)
    return DONE


@app.command()
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

    result = step(_open(workspace, params, as_json), run)
    if as_json:
        print_json(result)
    else:
        show_reproduction(result)
    return DONE if result.reproduced else REFUSED


@app.command(hidden=True)
@reported
def rebuild(
    request: Annotated[Path, typer.Argument(help="What reproduce asks of the fresh process.")],
    as_json: JsonOption = True,
) -> int:
    """Rebuild a run from restored files and print what came out (used by reproduce)."""
    from shadowbook.steps.rebuild import rebuild as step

    print_json(step(request))
    return DONE


@app.command()
@reported
def doctor(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say what is set up, what is missing and which versions there are (exit 1: something is)."""
    from shadowbook.rendering import show_examination
    from shadowbook.steps.doctor import examine

    report = examine(workspace, params)
    if as_json:
        print_json(report)
    else:
        show_examination(report)
    return DONE if report.healthy else FAILURE


def main() -> None:
    """Entry point of the console script."""
    app()
