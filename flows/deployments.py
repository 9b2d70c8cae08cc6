"""Serves the flows: registers a deployment a schedule, and works on their runs until stopped."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shlex
import signal
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import typer
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterTags,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists
from prefect.schedules import Cron
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import get_current_settings
from prefect.states import Crashed, Scheduled
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from flows import scheduled, server
from shadowbook.errors import PermanentError, TransientError
from shadowbook.frame import (
    DONE,
    FAILURE,
    HERE,
    INTERRUPTED,
    JsonOption,
    ParamsOption,
    WorkspaceOption,
    print_json,
    reported,
)
from shadowbook.steps.preflight import check_any
from shadowbook.workspace import Workspace

FLOWS: dict[str, Flow[..., State[Any]]] = {
    "prepare": scheduled.prepare_on_schedule,
    "retrain": scheduled.retrain_on_schedule,
    "trade": scheduled.trade_on_schedule,
    "monitor": scheduled.monitor_on_schedule,
}
AT_ONCE = 4
"""Runs at work or waiting at the same time; each is a process."""

GRACE_SECONDS, LOOK_SECONDS = 60, 5
"""How long the server may be away, and how often it is looked for."""

STOP_SECONDS = 20
"""How long the runs that are at work may take to end."""

SHOWN = 3
LEFT = (StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
CUT_SHORT = (StateType.CRASHED, *LEFT)


@dataclass(frozen=True)
class Served:
    """One schedule that is being worked on; ``next`` in the exchange's time zone."""

    flow: str
    cron: str
    time_zone: str
    active: bool
    next: tuple[datetime, ...]


@reported
def main(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_json: JsonOption = False,
) -> int:
    """Register the schedules and work on them until Ctrl-C or SIGTERM."""
    opened = Workspace.open(workspace, params)
    named = None if server.own() else str(get_current_settings().api.url)
    if named is not None and not server.answers(named):
        raise PermanentError(
            f"no Prefect server answers at {named}: start it, or correct or unset PREFECT_API_URL"
        )
    with opened.serving(named):
        served = register(opened, params.resolve() if params else None)
        check_any(opened)
        _tell(served, as_json)
        return asyncio.run(_work(pool_of(opened)))


def label_of(workspace: Workspace) -> str:
    """Name a workspace on a server that it may share with others: folder, and host and path."""
    place = f"{socket.gethostname()}:{workspace.root}"
    return f"{workspace.root.name}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"


def pool_of(workspace: Workspace) -> str:
    """Name of the workspace's work pool: its runs need its folder."""
    return f"shadowbook-{label_of(workspace)}"


def register(workspace: Workspace, params: Path | None) -> list[Served]:
    """Bring the server's deployments of this workspace in line with its params.yaml.

    The schedule of a flow that params.yaml no longer has is paused; its history stays. What an
    earlier worker left unfinished is started again.
    """
    schedules = workspace.settings.schedules
    zone = workspace.market.calendar.zone()
    with get_client(sync_client=True) as client:
        _make_pool(client, pool_of(workspace))
        for name in schedules:
            _resume(client, _deploy(workspace, params, name, zone.key))
        for deployment in client.read_deployments(
            deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=_tags(workspace)))
        ):
            if not any(name in deployment.tags for name in schedules):
                client.pause_deployment(deployment.id)
    now = datetime.now(UTC).astimezone(zone)
    return [
        Served(name, policy.cron, zone.key, policy.active, _next(policy.cron, zone.key, now))
        for name, policy in schedules.items()
    ]


def _tags(workspace: Workspace) -> list[str]:
    return ["shadowbook", label_of(workspace)]


def _make_pool(client: SyncPrefectClient, name: str) -> None:
    template = ProcessWorker.get_default_base_job_template()
    pool = WorkPoolCreate(name=name, type=ProcessWorker.type, base_job_template=template)
    try:
        client.create_work_pool(pool)
    except ObjectAlreadyExists:
        return


def _deploy(workspace: Workspace, params: Path | None, name: str, zone: str) -> UUID:
    policy = workspace.settings.schedules[name]
    deployment = RunnerDeployment.from_flow(
        FLOWS[name],
        name=label_of(workspace),
        schedules=[Cron(policy.cron, timezone=zone, active=policy.active)],
        parameters={"workspace": str(workspace.root), "params": str(params) if params else None},
        tags=[*_tags(workspace), name],
        description=f"{name} of {workspace.root} at {policy.cron!r}, {zone}",
        work_pool_name=pool_of(workspace),
        job_variables={
            # Not from the working directory, which may be another checkout of the same code.
            "command": shlex.join([sys.executable, "-P", "-m", "flows.engine"]),
            "working_dir": str(workspace.root),
        },
        entrypoint_type=EntrypointType.MODULE_PATH,
        paused=False,
    )
    return cast(UUID, deployment.apply())


def _resume(client: SyncPrefectClient, deployment: UUID) -> None:
    """Close the runs whose worker ended, and start the newest of them again.

    No other worker of this server serves the workspace: what is not finished is nobody's.
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
    newest = [run for run in begun if run.expected_start_time == begun[0].expected_start_time]
    if newest and all(run.state_type in CUT_SHORT for run in newest):
        _start_again(client, deployment, newest[0])


def _start_again(client: SyncPrefectClient, deployment: UUID, run: FlowRun) -> None:
    again: State[Any] = Scheduled(
        scheduled_time=run.expected_start_time, message=f"{run.name} was cut short"
    )
    client.create_flow_run_from_deployment(deployment, state=again)


def _next(cron: str, zone: str, now: datetime) -> tuple[datetime, ...]:
    schedule = CronSchedule(cron=cron, timezone=zone)
    return tuple(asyncio.run(schedule.get_dates(SHOWN, start=now)))


def _tell(served: list[Served], as_json: bool) -> None:
    pages = str(get_current_settings().ui_url or get_current_settings().api.url)
    if as_json:
        print_json({"pages": pages, "flows": served})
        return
    for one in served:
        times = ", ".join(f"{moment:%a %Y-%m-%d %H:%M}" for moment in one.next)
        typer.echo(f"{one.flow}: {times if one.active else 'switched off'} ({one.time_zone})")
    typer.echo(f"pages: {pages}")
    typer.echo("working until Ctrl-C; a changed schedule counts when serve is started again")


async def _work(pool: str) -> int:
    """Poll for runs and start them; return the exit code that the signal asks for."""
    worker = ProcessWorker(
        work_pool_name=pool,
        name=f"{socket.gethostname()}-{os.getpid()}",
        limit=AT_ONCE,
        create_pool_if_not_found=False,
    )
    work = asyncio.create_task(worker.start(printer=_say_nothing))
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[int] = loop.create_future()
    for number, code in ((signal.SIGINT, INTERRUPTED), (signal.SIGTERM, DONE)):
        loop.add_signal_handler(number, _once, asked, code)
    watch = asyncio.create_task(_outlive(asked))
    ends: list[asyncio.Future[Any]] = [work, asked]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    watch.cancel()
    if asked.done() and asked.result() != FAILURE:
        typer.echo("stopped: the next serve makes up for what was under way", err=True)
    if not asked.done():
        raise TransientError("Prefect's worker ended by itself: serve again") from work.exception()
    work.cancel()
    ended, _ = await asyncio.wait({work}, timeout=STOP_SECONDS)
    if not ended:
        # It tells a server that is gone what it does. Its runs die with this process.
        sys.stdout.flush()
        os._exit(asked.result())
    return asked.result()


def _once(asked: asyncio.Future[int], code: int) -> None:
    if not asked.done():
        asked.set_result(code)


async def _outlive(asked: asyncio.Future[int]) -> None:
    """Stop when the server is gone: nobody would start a run any more."""
    url, process = str(get_current_settings().api.url), server.own()
    seen = time.monotonic()
    while time.monotonic() - seen < GRACE_SECONDS and (process is None or process.poll() is None):
        if await asyncio.to_thread(server.answers, url):
            seen = time.monotonic()
        await asyncio.sleep(LOOK_SECONDS)
    typer.echo(f"error: the Prefect server at {url} is gone: start serve again", err=True)
    _once(asked, FAILURE)


def _say_nothing(_text: str) -> None:
    """Print nothing: each run says what came of it."""
