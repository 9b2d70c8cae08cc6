"""The daily watch over the books as a Prefect flow."""

from __future__ import annotations

from datetime import date, datetime
from operator import attrgetter
from pathlib import Path
from typing import Annotated

import typer
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows import drift, prepare
from shadowbook.frame import (
    HERE,
    JsonOption,
    ParamsOption,
    WaitOption,
    WorkspaceOption,
    reported,
)
from shadowbook.rendering import progress
from shadowbook.rendering_monitor import show_report
from shadowbook.steps.monitor import MonitorReport, monitor
from shadowbook.workspace import Workspace

monitor_task = prepare.as_task(monitor, "monitor")


@flow(name="monitor")
def monitor_flow(
    workspace: Path,
    session: date | None = None,
    params: Path | None = None,
    quiet: bool = True,
    wait_minutes: float = 0.0,
) -> MonitorReport | State[MonitorReport]:
    """Watch every book as of a session; without one, the newest that the ledger holds.

    What drift and decay ask for is emitted as events.
    """
    opened = Workspace.open(workspace, params, progress(quiet))
    with opened.lease("monitor", wait_minutes):
        report = monitor_task(opened, session)
    for sentence in drift.ask(opened, report):
        typer.echo(sentence, err=True)
    if report.halts:
        return Failed(message="; ".join(report.reasons), data=report)
    return report


@reported
def main(
    session: Annotated[
        datetime | None,
        typer.Option(
            "--session", formats=["%Y-%m-%d"], help="Trading day. Default: the newest traded."
        ),
    ] = None,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Watch the books once."""
    day = session.date() if session else None
    state = monitor_flow(workspace.resolve(), day, params, as_json, wait, return_state=True)
    told = attrgetter("told")
    return prepare.answer(state, MonitorReport, show_report, as_json, told)
