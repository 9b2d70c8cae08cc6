"""How the books did, and how their orders were executed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

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


@reported
def execution(
    strategy: Annotated[str | None, typer.Option("--strategy", "-s", help="Only this one.")] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First session of the auctions."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session of them.")
    ] = None,
    quotes: Annotated[
        Path | None, typer.Option("--quotes", metavar="FILE", help="Quotes, .parquet or .csv.")
    ] = None,
    trades: Annotated[
        Path | None, typer.Option("--trades", metavar="FILE", help="Trades, .parquet or .csv.")
    ] = None,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show how orders were executed: the champions', or those of a tape of quotes and trades."""
    from shadowbook import rendering_performance as rendering

    if (quotes is None) != (trades is None):
        raise ConfigError("--quotes and --trades go together: give both files, or none")
    if quotes is not None and trades is not None:
        from shadowbook.steps.tapes import tapes

        if strategy or first or last:
            raise ConfigError("--strategy, --from and --to are of the ledger: leave out the files")
        tape = tapes(quotes, trades)
        print_json(tape) if as_json else rendering.show_tape(tape)
        return DONE
    begin, end = (day.date() if day else None for day in (first, last))
    if begin and end and end < begin:
        raise ConfigError(f"the span ends on {end}, before it begins on {begin}: swap the days")
    from shadowbook.steps.execution import execution as step

    opened = open_workspace(workspace, params, as_json)
    report = step(opened, strategy, begin, end)
    print_json(report) if as_json else rendering.show_execution(report)
    return DONE
