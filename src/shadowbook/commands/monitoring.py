"""The daily watch over the books, and a person's word on its alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from shadowbook.commands.opening import open_workspace
from shadowbook.errors import ConfigError
from shadowbook.frame import (
    DONE,
    HERE,
    JsonOption,
    ParamsOption,
    WaitOption,
    WorkspaceOption,
    print_json,
    reported,
)

StrategyOption = Annotated[str | None, typer.Option("--strategy", "-s", help="Only this one.")]


@reported
def monitor(
    session: Annotated[
        datetime | None,
        typer.Option("--session", formats=["%Y-%m-%d"], help="Newest day expected."),
    ] = None,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Measure every book against its backtest: rolling metrics, alerts, execution, the gap."""
    from shadowbook.rendering_monitor import show_monitor
    from shadowbook.steps.monitor import monitor as step

    opened = open_workspace(workspace, params, as_json)
    with opened.lease("monitor", wait):
        report = step(opened, session.date() if session else None)
    if as_json:
        print_json(report.told)
    else:
        show_monitor(report.monitored, report.page)
    return DONE


@reported
def alerts(
    strategy: StrategyOption = None,
    acknowledge: Annotated[
        str | None,
        typer.Option("--acknowledge", metavar="RULE", help="Say that it is known; ends its halt."),
    ] = None,
    by: Annotated[str, typer.Option("--by", help="Who acknowledges.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why trading may go on.")] = "",
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """List open alerts of the champions, or acknowledge one."""
    from shadowbook.rendering_alerts import show_alerts
    from shadowbook.steps.alerts import acknowledge as give
    from shadowbook.steps.alerts import open_alerts

    if acknowledge is None and (by or reason):
        raise ConfigError(
            "--by and --reason are of an acknowledgment: name its alert with --acknowledge RULE"
        )
    opened = open_workspace(workspace, params, as_json)
    if acknowledge is None:
        found = open_alerts(opened, strategy)
    else:
        if strategy is None:
            raise ConfigError("name the strategy whose alert is acknowledged: --strategy NAME")
        with opened.lease("alerts", wait):
            found = (give(opened, strategy, acknowledge, by, reason),)
    if as_json:
        print_json(found)
    else:
        show_alerts(found)
    return DONE
