"""A trading day as a Prefect flow: data, features, books, orders."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows import prepare
from shadowbook.frame import (
    HERE,
    JsonOption,
    ParamsOption,
    WaitOption,
    WorkspaceOption,
    reported,
)
from shadowbook.rendering import progress
from shadowbook.rendering_trade import show_trade
from shadowbook.steps.trade import TradeReport
from shadowbook.steps.trading_day import trading_day
from shadowbook.workspace import Workspace

trade_task = prepare.as_task(trading_day, "trade")


@flow(name="trade")
def trade_flow(
    workspace: Path,
    session: date,
    params: Path | None = None,
    quiet: bool = True,
    wait_minutes: float = 0.0,
) -> TradeReport | State[TradeReport]:
    """Take every strategy's books through a session."""
    opened = Workspace.open(workspace, params, progress(quiet))
    with opened.lease("trade", wait_minutes):
        report = trade_task(opened, session)
    if report.halts:
        return Failed(message=report.outcome.value, data=report)
    return report


@reported
def main(
    session: Annotated[
        datetime,
        typer.Option("--session", formats=["%Y-%m-%d"], help="Trading day, such as 2022-12-28."),
    ],
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Trade a session once."""
    root, day = workspace.resolve(), session.date()
    state = trade_flow(root, day, params, as_json, wait, return_state=True)
    return prepare.answer(state, TradeReport, show_trade, as_json)
