"""Running the whole, and looking after it."""

from __future__ import annotations

import os
import sys

from shadowbook.commands.opening import open_workspace
from shadowbook.environment import of_flow
from shadowbook.frame import (
    DONE,
    FAILURE,
    HERE,
    AsOfOption,
    JsonOption,
    ParamsOption,
    StrategyOption,
    WorkspaceOption,
    print_json,
    reported,
)


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

    home = preflight(open_workspace(workspace, params, as_json), strategy, as_of)
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
