"""The daily watch over the books, and a person's word on its alerts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from shadowbook.commands.opening import open_workspace
from shadowbook.errors import ConfigError
from shadowbook.frame import (
    DONE,
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
    from shadowbook.steps.drift_retrain import AlertRetrained

StrategyOption = Annotated[str | None, typer.Option("--strategy", "-s", help="Only this one.")]


@reported
def monitor(
    session: Annotated[
        datetime | None,
        typer.Option("--session", formats=["%Y-%m-%d"], help="Newest day expected."),
    ] = None,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    act: Annotated[
        bool, typer.Option("--act", help="Retrain where drift and decay ask for it.")
    ] = False,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Measure every book against its backtest: rolling metrics, alerts, execution, the gap."""
    from shadowbook.rendering_monitor import show_answers, show_report, show_requests
    from shadowbook.steps.monitor import monitor as step

    opened = open_workspace(workspace, params, as_json)
    answers: tuple[AlertRetrained, ...] = ()
    with opened.lease("monitor", wait):
        report = step(opened, session.date() if session else None)
        if not as_json:
            show_report(report)
        if act and report.requests:
            from shadowbook.steps.drift_retrain import retrain_on_alert

            answers = tuple(retrain_on_alert(opened, request) for request in report.requests)
    if as_json:
        acted = {"answers": [one.told for one in answers]} if act else {}
        print_json(report.told | acted)
    elif act:
        show_answers(answers)
    else:
        show_requests(report.requests)
    return REFUSED if any(one.halts for one in answers) else DONE


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
