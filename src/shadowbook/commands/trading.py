"""Trading days: one of them, or years of them replayed; and the ledger they are written to."""

from __future__ import annotations

from datetime import datetime
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
    WaitOption,
    WorkspaceOption,
    print_json,
    reported,
)

FITS_AT_ONCE = 2
TWO_YEARS = 504

SessionOption = Annotated[
    datetime,
    typer.Option("--session", formats=["%Y-%m-%d"], help="Trading day, such as 2022-12-28."),
]
FromOption = Annotated[
    datetime | None,
    typer.Option(
        "--from", formats=["%Y-%m-%d"], help="First day. Default: --sessions before the last."
    ),
]
ToOption = Annotated[
    datetime | None,
    typer.Option("--to", formats=["%Y-%m-%d"], help="Last day. Default: the newest with features."),
]
SessionsOption = Annotated[
    int, typer.Option("--sessions", min=1, max=30_000, help="How many, where --from is not given.")
]
PolicyOption = Annotated[
    list[Path] | None,
    typer.Option("--policy", help="Params file to replay beside the workspace's own."),
]


@reported
def trade(
    session: SessionOption,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Trade a session: gate its data, score, decide, send orders (exit 3: it could not be)."""
    from shadowbook.rendering_trade import show_trade
    from shadowbook.steps.trading_day import trading_day

    opened = open_workspace(workspace, params, as_json)
    with opened.lease("trade", wait):
        report = trading_day(opened, session.date())
    if as_json:
        print_json(report)
    else:
        show_trade(report)
    return REFUSED if report.halts else DONE


@reported
def replay(
    first: FromOption = None,
    last: ToOption = None,
    sessions: SessionsOption = TWO_YEARS,
    policy: PolicyOption = None,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Replay trading days as they would have been known, with retraining and shadow books."""
    from concurrent.futures import ThreadPoolExecutor

    from shadowbook.rendering_court import show_court
    from shadowbook.rendering_drift import show_drift
    from shadowbook.rendering_monitor import show_monitor
    from shadowbook.rendering_replay import show_replay
    from shadowbook.steps.replays import replay as step
    from shadowbook.steps.replays import span_of

    opened = open_workspace(workspace, params, as_json)
    days = [day.date() if day else None for day in (first, last)]
    begin, end = span_of(opened, days[0], days[1], sessions)
    with ThreadPoolExecutor(FITS_AT_ONCE) as pool:
        report = step(opened, begin, end, policy or (), pool.map)
    if as_json:
        print_json(report.told)
    else:
        show_replay(report.summaries, report.judgments)
        typer.echo(report.page)
        show_monitor(report.monitored, report.monitor_page)
        show_drift(report.drift, report.drift_page)
        show_court([one.judged for one in report.cases], report.court_page)
    return DONE


ledger = typer.Typer(help="The ledger: what was predicted, decided, traded and earned.")


@ledger.command()
@reported
def verify(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check the ledger's chain and every fact it vouches for (exit 3: a link is broken)."""
    from shadowbook.steps.ledger import verify as step

    opened = open_workspace(workspace, params, as_json)
    report = step(opened)
    if as_json:
        print_json(report)
    else:
        typer.echo(report.sentence)
    return DONE if report.whole else REFUSED
