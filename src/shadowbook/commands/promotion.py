"""The court over challengers, and what a promotion rests on."""

from __future__ import annotations

import typer

from shadowbook.commands.opening import chosen, open_workspace
from shadowbook.frame import (
    DONE,
    HERE,
    REFUSED,
    JsonOption,
    ParamsOption,
    StrategyOption,
    WaitOption,
    WorkspaceOption,
    print_json,
    reported,
)


@reported
def evaluate(
    strategy: StrategyOption = None,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Bring every challenger before the court (exit 3: there are some, and none is promoted)."""
    from shadowbook.rendering_court import show_court
    from shadowbook.steps.evaluate import evaluate as step

    opened = open_workspace(workspace, params, as_json)
    with opened.lease("evaluate", wait):
        report = step(opened, chosen(opened, strategy))
    if as_json:
        print_json(report.told)
    else:
        show_court(report.judged, report.page)
        for reason in report.reasons:
            typer.echo(reason)
    return REFUSED if report.halts else DONE


@reported
def trials(
    strategy: StrategyOption = None,
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Count every candidate ever fitted, and how many independent trials they are."""
    from shadowbook.rendering_promotion import show_trials
    from shadowbook.steps.trials import trials as step

    opened = open_workspace(workspace, params, as_json)
    found = [step(opened, name) for name in chosen(opened, strategy)]
    if as_json:
        print_json(found)
    else:
        show_trials(found)
    return DONE
