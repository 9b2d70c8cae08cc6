"""Diagnosis of a book: a bug, decay, both, or nothing that can be told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from shadowbook.commands.opening import open_workspace
from shadowbook.errors import ConfigError
from shadowbook.frame import (
    DONE,
    HERE,
    REFUSED,
    JsonOption,
    ParamsOption,
    WorkspaceOption,
    print_json,
    reported,
)

StrategyOption = Annotated[str, typer.Option("--strategy", "-s", help="Whose book.")]
SessionOption = Annotated[
    datetime | None, typer.Option("--session", formats=["%Y-%m-%d"], help="One trading day.")
]
FromOption = Annotated[
    datetime | None,
    typer.Option(
        "--from", formats=["%Y-%m-%d"], help="First day. Default: 63 sessions before the last."
    ),
]
ToOption = Annotated[
    datetime | None,
    typer.Option("--to", formats=["%Y-%m-%d"], help="Last day. Default: the book's newest."),
]
BookOption = Annotated[str, typer.Option("--book", help="champion, or shadow/VERSION.")]
ReplayOption = Annotated[
    bool, typer.Option("--replay", help="The ledger of the newest replay, not the workspace's own.")
]
KeyOption = Annotated[
    str | None, typer.Option("--replay-key", help="The ledger of this replay: its folder's name.")
]


@reported
def diagnose(  # noqa: PLR0913, PLR0917 - the words of the command line
    strategy: StrategyOption,
    session: SessionOption = None,
    first: FromOption = None,
    last: ToOption = None,
    book: BookOption = "champion",
    replay: ReplayOption = False,
    replay_key: KeyOption = None,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Replay what a book was given, layer by layer, and weigh decay (exit 3: a layer diverges)."""
    if session is not None and (first is not None or last is not None):
        raise ConfigError("give --session, or --from and --to, not both")
    opened = open_workspace(workspace, params, as_json)
    opened.settings.strategy(strategy)
    from shadowbook.rendering_diagnosis import show_diagnosis
    from shadowbook.steps.diagnose import diagnose as step
    from shadowbook.steps.diagnose_sources import NEWEST

    days = [day.date() if day is not None else None for day in (session or first, session or last)]
    report = step(
        opened, strategy, days[0], days[1], book, replay_key or (NEWEST if replay else None)
    )
    if as_json:
        print_json(report)
    else:
        show_diagnosis(report)
    return REFUSED if report.halts else DONE
