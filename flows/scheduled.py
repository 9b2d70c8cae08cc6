"""What a deployment runs: a flow for the session of its scheduled time, once, when data is there.

Nothing is imported that a skipped run does not need.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from shadowbook.errors import ShadowbookError
from shadowbook.steps.schedule import (
    Due,
    NotDue,
    await_session,
    due,
    policy_of,
    prepared,
    untrained,
)
from shadowbook.workspace import Workspace

FITS_AT_ONCE = 2
SKIPPED = "Skipped"
GOING_ON = [StateType.SCHEDULED, StateType.PENDING, StateType.RUNNING]

Work = Callable[[Workspace, Due], State[Any]]


@flow(name="prepare on schedule")
def prepare_on_schedule(workspace: Path, params: Path | None = None) -> State[Any]:
    """Ingest, gate and features of the scheduled session."""
    return _attend("prepare", workspace, params, _prepare)


@flow(name="retrain on schedule", task_runner=ThreadPoolTaskRunner(max_workers=FITS_AT_ONCE))  # type: ignore[arg-type]
def retrain_on_schedule(workspace: Path, params: Path | None = None) -> State[Any]:
    """Retrain every strategy as of the scheduled session."""
    return _attend("retrain", workspace, params, _retrain)


@flow(name="trade on schedule")
def trade_on_schedule(workspace: Path, params: Path | None = None) -> State[Any]:
    """Trade the scheduled session."""
    return _attend("trade", workspace, params, _trade)


@flow(name="monitor on schedule")
def monitor_on_schedule(workspace: Path, params: Path | None = None) -> State[Any]:
    """Watch the books as of the scheduled session."""
    return _attend("monitor", workspace, params, _monitor)


def _attend(name: str, root: Path, params: Path | None, work: Work) -> State[Any]:
    at: datetime = runtime.flow_run.scheduled_start_time
    try:
        state = _once(name, at, root, params, work)
    except ShadowbookError as error:
        state = Failed(message=str(error))
    typer.echo(f"{at:%Y-%m-%d %H:%M} UTC {name}: {state.name}: {state.message}", err=True)
    return state


def _once(name: str, at: datetime, root: Path, params: Path | None, work: Work) -> State[Any]:
    workspace = Workspace.open(root, params)
    policy = policy_of(workspace, name)
    if isinstance(policy, NotDue):
        return _skipped(policy.reason)
    found = due(workspace, at, _later(at))
    if isinstance(found, NotDue):
        return _skipped(found.reason)
    await_session(workspace, found, name, policy)
    with workspace.lease(f"{name} on schedule", policy.patience_minutes):
        # Opened anew: whoever held the workspace has changed it.
        return work(Workspace.open(root, params), found)


def _prepare(workspace: Workspace, found: Due) -> State[Any]:
    if prepared(workspace, found):
        return _skipped(f"session {found.session} was prepared before")
    from flows.prepare import prepare

    done = prepare(workspace, found.as_of)
    if done.halts:
        return Failed(message=f"a gate said no to session {found.session}: see `shadowbook gate`")
    return Completed(message=f"session {found.session} is accepted and its features are logged")


def _retrain(workspace: Workspace, found: Due) -> State[Any]:
    names = untrained(workspace, found, list(workspace.settings.strategies))
    if not names:
        return _skipped(f"every strategy was trained as of session {found.session} or later")
    from flows.retrain import retrain

    done = retrain(workspace, found.as_of, names)
    if done.halts:
        gate = f"a gate said no to session {found.session}: see `shadowbook gate`"
        return Failed(message=done.blocked or gate)
    return Completed(message=f"trained as of session {found.session}: {', '.join(names)}")


def _trade(workspace: Workspace, found: Due) -> State[Any]:
    from flows.trade import trade_task
    from shadowbook.steps.trade import TradeOutcome

    report = trade_task(workspace, found.session)
    told = "; ".join(report.reasons)
    if report.outcome is TradeOutcome.ALREADY_TRADED:
        return _skipped(told)
    if report.halts:
        return Failed(message=f"{report.outcome}: {told}")
    return Completed(message=f"session {found.session} is traded, {report.orders} orders are open")


def _monitor(workspace: Workspace, found: Due) -> State[Any]:
    from flows.drift import ask
    from flows.monitor import monitor_task

    report = monitor_task(workspace, found.session)
    told = "; ".join((*report.reasons, *ask(workspace, report)))
    if report.halts:
        return Failed(message=told)
    return Completed(message=told)


def _skipped(reason: str) -> State[Any]:
    return Completed(name=SKIPPED, message=reason)


def _later(at: datetime) -> list[datetime]:
    """When other runs of this deployment were to start that are over-due as well, newest first."""
    if runtime.deployment.id is None:
        return []
    chosen = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[runtime.deployment.id]),
        expected_start_time=FlowRunFilterExpectedStartTime(after_=at, before_=datetime.now(UTC)),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=GOING_ON)),
    )
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=chosen)
    times = [run.expected_start_time for run in runs if run.expected_start_time is not None]
    return sorted((moment for moment in times if moment > at), reverse=True)
