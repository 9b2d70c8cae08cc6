"""Serves the flows: registers a deployment a schedule, and works on their runs until stopped."""

from __future__ import annotations

import asyncio
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
)
from prefect.client.schemas.objects import State
from prefect.deployments.runner import RunnerDeployment
from prefect.exceptions import ObjectAlreadyExists
from prefect.schedules import Cron
from prefect.server.schemas.schedules import CronSchedule
from prefect.settings import get_current_settings
from prefect.types.entrypoint import EntrypointType
from prefect.workers.process import ProcessWorker

from flows import drift, scheduled, server
from flows.cut_short import resume
from flows.drift import ON_DRIFT, label_of
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
        _tell(served, watches_drift(opened), as_json)
        return asyncio.run(_work(pool_of(opened)))


def pool_of(workspace: Workspace) -> str:
    """Name of the workspace's work pool: its runs need its folder."""
    return f"shadowbook-{label_of(workspace)}"


def register(workspace: Workspace, params: Path | None) -> list[Served]:
    """Bring the server's deployments of this workspace in line with its params.yaml.

    The schedule of a flow that params.yaml no longer has is paused; its history stays. What an
    earlier worker left unfinished is started again. With no schedule at all nobody will work, and
    drift starts nothing either.
    """
    schedules = workspace.settings.schedules
    zone = workspace.market.calendar.zone()
    with get_client(sync_client=True) as client:
        _make_pool(client, pool_of(workspace))
        for name in schedules:
            resume(client, _deploy(workspace, params, name, zone.key))
        resume(client, _deploy_on_drift(workspace, params))
        for deployment in client.read_deployments(
            deployment_filter=DeploymentFilter(tags=DeploymentFilterTags(all_=_tags(workspace)))
        ):
            if not any(name in deployment.tags for name in (*schedules, ON_DRIFT)):
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
    return _apply(
        FLOWS[name],
        workspace,
        params,
        name,
        description=f"{name} of {workspace.root} at {policy.cron!r}, {zone}",
        schedules=[Cron(policy.cron, timezone=zone, active=policy.active)],
        paused=False,
    )


def _deploy_on_drift(workspace: Workspace, params: Path | None) -> UUID:
    active = watches_drift(workspace)
    return _apply(
        drift.retrain_on_drift,
        workspace,
        params,
        ON_DRIFT,
        description=f"retraining that the monitor of {workspace.root} asks for",
        triggers=[drift.trigger(workspace, active)],
        # Tells people alone: it is the trigger that starts it.
        paused=not active,
    )


def watches_drift(workspace: Workspace) -> bool:
    """Say whether an event of the monitor may start a retraining."""
    settings = workspace.settings
    return bool(settings.schedules) and settings.drift.retrain.active


def _apply(
    flow: Flow[..., State[Any]], workspace: Workspace, params: Path | None, tag: str, **own: Any
) -> UUID:
    deployment = RunnerDeployment.from_flow(
        flow,
        name=label_of(workspace),
        parameters={"workspace": str(workspace.root), "params": str(params) if params else None},
        tags=[*_tags(workspace), tag],
        work_pool_name=pool_of(workspace),
        job_variables={
            # Not from the working directory, which may be another checkout of the same code.
            "command": shlex.join([sys.executable, "-P", "-m", "flows.engine"]),
            "working_dir": str(workspace.root),
        },
        entrypoint_type=EntrypointType.MODULE_PATH,
        **own,
    )
    return cast(UUID, deployment.apply())


def _next(cron: str, zone: str, now: datetime) -> tuple[datetime, ...]:
    schedule = CronSchedule(cron=cron, timezone=zone)
    return tuple(asyncio.run(schedule.get_dates(SHOWN, start=now)))


def _tell(served: list[Served], on_drift: bool, as_json: bool) -> None:
    pages = str(get_current_settings().ui_url or get_current_settings().api.url)
    if as_json:
        print_json({"pages": pages, "flows": served, "retrain_on_drift": on_drift})
        return
    for one in served:
        times = ", ".join(f"{moment:%a %Y-%m-%d %H:%M}" for moment in one.next)
        typer.echo(f"{one.flow}: {times if one.active else 'switched off'} ({one.time_zone})")
    typer.echo(f"{ON_DRIFT}: {'when the monitor asks for it' if on_drift else 'switched off'}")
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
