"""The steps of the main job, one command each."""

from __future__ import annotations

from shadowbook.commands.opening import chosen, open_workspace
from shadowbook.frame import (
    DONE,
    HERE,
    REFUSED,
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
def ingest(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Bring in what the source tells and what was known at a moment."""
    from shadowbook.steps.ingest import ingest as step
    from shadowbook.steps.moment import resolve_as_of

    opened = open_workspace(workspace, params, as_json)
    with opened.lease("ingest", wait):
        report = step(opened, resolve_as_of(opened, as_of))
    if as_json:
        print_json(report)
    return DONE


@reported
def gate(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Judge what the last ingest brought; accept it, or say why not (exit 3)."""
    from shadowbook.rendering import show_gate
    from shadowbook.steps.gate import gate as step
    from shadowbook.steps.moment import resolve_as_of

    opened = open_workspace(workspace, params, as_json)
    with opened.lease("gate", wait):
        report = step(opened, resolve_as_of(opened, as_of))
    if as_json:
        print_json(report)
    else:
        show_gate(report)
    return REFUSED if report.halts else DONE


@reported
def features(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Extend the feature log, register it with Feast and bring the online store up to date."""
    from shadowbook.rendering import show_features
    from shadowbook.steps.build_features import build_features
    from shadowbook.steps.moment import resolve_as_of

    opened = open_workspace(workspace, params, as_json)
    with opened.lease("features", wait):
        report = build_features(opened, resolve_as_of(opened, as_of))
    if as_json:
        print_json(report)
    else:
        show_features(report)
    return REFUSED if report.halts else DONE


@reported
def retrain(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    strategy: StrategyOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Fit, test and register challengers on the features there are, without Prefect."""
    from shadowbook.rendering import show_training
    from shadowbook.steps.moment import resolve_as_of
    from shadowbook.steps.retrain import retrain as step

    opened = open_workspace(workspace, params, as_json)
    moment, names = resolve_as_of(opened, as_of), chosen(opened, strategy)
    with opened.lease("retrain", wait):
        reports = [step(opened, name, moment) for name in names]
    if as_json:
        print_json(reports)
    else:
        show_training(reports, workspace)
    return REFUSED if any(report.halts for report in reports) else DONE


@reported
def train(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    strategy: StrategyOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Fit every candidate on every fold and keep the predictions (a DVC stage)."""
    from shadowbook.steps.moment import resolve_as_of
    from shadowbook.steps.train import train as step

    opened = open_workspace(workspace, params, as_json)
    moment, names = resolve_as_of(opened, as_of), chosen(opened, strategy)
    with opened.lease("train", wait):
        done = [step(opened, name, moment) for name in names]
    if as_json:
        print_json([trained.summary for trained in done])
    return REFUSED if any(trained.halts for trained in done) else DONE


@reported
def measure(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    strategy: StrategyOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Measure the kept predictions after costs: metrics and plots (a DVC stage)."""
    from shadowbook.steps.measure import measure_kept

    opened = open_workspace(workspace, params, as_json)
    names = chosen(opened, strategy)
    with opened.lease("measure", wait):
        done = [measure_kept(opened, name) for name in names]
    if as_json:
        print_json(done)
    return DONE
