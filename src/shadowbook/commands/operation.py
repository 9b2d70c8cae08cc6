"""Running the whole, and looking after it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

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
    WaitOption,
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
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Do the main job: ingest, gate, features, retraining of every strategy (a Prefect flow)."""
    from shadowbook.steps.preflight import preflight

    home = preflight(open_workspace(workspace, params, as_json), strategy, as_of, wait)
    options = ["--as-of", as_of] if as_of else []
    for name in strategy or []:
        options += ["--strategy", name]
    options += ["--wait", str(wait)] if wait else []
    _become("retrain", home, workspace, params, [*options, *(["--json"] if as_json else [])])


@reported
def serve(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run the flows at the times that params.yaml gives (schedules), until stopped."""
    from shadowbook.steps.preflight import preflight_serving

    server = os.environ.get("PREFECT_API_URL")
    home = preflight_serving(open_workspace(workspace, params, as_json), server)
    _become("serve", home, workspace, params, ["--json"] if as_json else [])


def _become(
    flow: str, home: Path, workspace: Path, params: Path | None, options: list[str]
) -> NoReturn:
    """Let a flow take this process over, so that Ctrl-C, signals and the exit code are its own."""
    command = [sys.executable, "-P", "-m", "flows", flow, "--workspace", str(workspace)]
    command += ["--params", str(params)] if params else []
    # Until the flow's own answer to it stands, Ctrl-C would be a traceback of the interpreter's.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.execve(sys.executable, [*command, *options], of_flow(home))  # noqa: S606 - our own


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
