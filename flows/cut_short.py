"""Runs whose worker ended before they did: closed, and started again by the next worker."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Crashed, Scheduled

from flows import drift

LEFT = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
CUT_SHORT = (StateType.CRASHED, *LEFT)


def resume(client: SyncPrefectClient, deployment: UUID) -> None:
    """Close the runs whose worker ended, and start the newest of them again.

    The newest of each alert, where alerts start them. No other worker of this server serves the
    workspace: what is not finished is nobody's.
    """
    begun = client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=[deployment]),
            expected_start_time=FlowRunFilterExpectedStartTime(before_=datetime.now(UTC)),
        ),
        sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        limit=200,
    )
    for run in begun:
        if run.state_type in LEFT:
            left: State[Any] = Crashed(message="the worker ended before the run did")
            client.set_flow_run_state(run.id, left, force=True)
    for alert in dict.fromkeys(_alert(run) for run in begun):
        own = [run for run in begun if _alert(run) == alert]
        newest = [run for run in own if run.expected_start_time == own[0].expected_start_time]
        if all(run.state_type in CUT_SHORT for run in newest):
            _start_again(client, deployment, newest[0])


def _alert(run: FlowRun) -> str | None:
    alert: str | None = run.parameters.get("alert")
    return alert


def _start_again(client: SyncPrefectClient, deployment: UUID, run: FlowRun) -> None:
    again: State[Any] = Scheduled(
        scheduled_time=run.expected_start_time, message=f"{run.name} was cut short"
    )
    asked = {name: run.parameters[name] for name in drift.ASKED if name in run.parameters}
    client.create_flow_run_from_deployment(deployment, parameters=asked, state=again)
