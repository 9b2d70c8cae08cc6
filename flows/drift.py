"""Drift asks for a retraining: the event that the monitor emits, and the flow that it starts."""

from __future__ import annotations

import hashlib
import socket
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

import httpx
import typer
from prefect import flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterTags
from prefect.client.schemas.objects import State
from prefect.events import DeploymentEventTrigger, Event
from prefect.events.schemas.events import RelatedResource, Resource
from prefect.settings import get_current_settings
from prefect.states import Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import server
from shadowbook.errors import ShadowbookError, TransientError
from shadowbook.workspace import Workspace

if TYPE_CHECKING:
    from shadowbook.steps.monitor import MonitorReport

EVENT = "shadowbook.drift.retrain"
PLACE = "shadowbook.workspace"
"""Label of the event's resource that says whose it is; a server may be shared."""

ON_DRIFT = "retrain on drift"
"""Tag of the deployment that no time starts, but the event."""

ASKED = ("strategy", "alert", "as_of", "evidence")
"""What the event's payload holds, and the flow takes."""

FITS_AT_ONCE = 2
SKIPPED = "Skipped"


def place_of(workspace: Workspace) -> str:
    """Tell a workspace from every other one, on whichever host: a hash of host and path."""
    place = f"{socket.gethostname()}:{workspace.root}"
    return hashlib.sha256(place.encode()).hexdigest()[:8]


def label_of(workspace: Workspace) -> str:
    """Name a workspace on a server that it may share with others: folder, and host and path."""
    return f"{workspace.root.name}-{place_of(workspace)}"


def ask(workspace: Workspace, report: MonitorReport) -> tuple[str, ...]:
    """Emit each of a report's requests as an event; return what was asked, a sentence each.

    A server of this process alone is not asked: nobody works for it.

    Raises
    ------
    TransientError
        The server did not take them.
    """
    if not report.requests:
        return ()
    from shadowbook.steps.drift_retrain import BY_HAND, evidence_of, wanted

    if server.own() is not None:
        return tuple(f"{wanted(request)}: {BY_HAND}" for request in report.requests)
    events = [
        _event(
            workspace,
            {
                "strategy": request.strategy,
                "alert": request.alert,
                "as_of": request.as_of.isoformat(),
                "evidence": evidence_of(request),
            },
        )
        for request in report.requests
    ]
    heard = _send(events, [label_of(workspace), ON_DRIFT])
    came = (
        "Prefect was asked for it"
        if heard
        else f"Prefect was told, but no `shadowbook serve` has asked it to act on that; {BY_HAND}"
    )
    return tuple(f"{wanted(request)}: {came}" for request in report.requests)


def _event(workspace: Workspace, payload: dict[str, Any]) -> Event:
    run = str(runtime.flow_run.id or "")
    label = label_of(workspace)
    resource = {
        "prefect.resource.id": f"shadowbook.strategy.{label}.{payload['strategy']}",
        "prefect.resource.name": payload["strategy"],
        PLACE: place_of(workspace),
    }
    asks = {"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "flow-run"}
    # Sent again by the same run it is the same event. Another run of the monitor asks anew: a
    # retraining that failed may be wanted still, and one that did not says so.
    named = f"{EVENT} {label} {payload['alert']} {payload['as_of']} {run}"
    return Event(
        event=EVENT,
        resource=Resource(resource),
        related=[RelatedResource(asks)] if run else [],
        payload=payload,
        id=uuid5(NAMESPACE_URL, named),
    )


def _send(events: list[Event], tags: list[str]) -> bool:
    """Hand events to the server; say whether a deployment with the tags waits for them."""
    # Not `emit_event`, which queues and gives up in silence: the server has it, or we say so.
    try:
        with get_client(sync_client=True) as client:
            body = [event.model_dump(mode="json") for event in events]
            client.request("POST", "/events", json=body)
            own = DeploymentFilter(tags=DeploymentFilterTags(all_=tags))
            return any(not one.paused for one in client.read_deployments(deployment_filter=own))
    except httpx.HTTPError as error:
        url = get_current_settings().api.url
        raise TransientError(
            f"a retraining is wanted, but the Prefect server at {url} did not take the event "
            f"({type(error).__name__}): run the monitor again, or `shadowbook monitor --act`"
        ) from error


def trigger(workspace: Workspace, enabled: bool) -> DeploymentEventTrigger:
    """Start the flow for each event of a workspace, with what the event holds."""
    return DeploymentEventTrigger(
        name=f"{ON_DRIFT}, {label_of(workspace)}",
        description=f"retrains what the monitor of {workspace.root} asks for",
        enabled=enabled,
        expect={EVENT},
        match={PLACE: place_of(workspace)},
        parameters={name: f"{{{{ event.payload.{name} }}}}" for name in ASKED},
    )


@flow(name=ON_DRIFT, task_runner=ThreadPoolTaskRunner(max_workers=FITS_AT_ONCE))  # type: ignore[arg-type]
def retrain_on_drift(
    workspace: Path,
    strategy: str,
    alert: str,
    as_of: datetime,
    evidence: str,
    params: Path | None = None,
) -> State[Any]:
    """Retrain a strategy because of an alert, if that is granted."""
    try:
        state = _once(workspace, params, strategy, alert, as_of, evidence)
    except ShadowbookError as error:
        state = Failed(message=str(error))
    typer.echo(f"{as_of:%Y-%m-%d %H:%M} UTC {alert}: {state.name}: {state.message}", err=True)
    return state


def _once(
    root: Path, params: Path | None, strategy: str, alert: str, as_of: datetime, evidence: str
) -> State[Any]:
    from flows.prepare import as_task
    from flows.retrain import publish, task_map
    from shadowbook.steps.drift_retrain import Answer, request_of, retrain_on_alert

    opened = Workspace.open(root, params)
    request = request_of(strategy, alert, as_of, evidence)
    with opened.lease(ON_DRIFT, opened.settings.drift.retrain.patience_minutes):
        # Opened anew: whoever held the workspace has changed it.
        workspace = Workspace.open(root, params)
        found = as_task(retrain_on_alert, ON_DRIFT)(workspace, request, task_map)
    if found.halts:
        return Failed(message=found.reason)
    if found.outcome is Answer.SKIPPED or found.report is None:
        return Completed(name=SKIPPED, message=found.reason)
    publish(found.report)
    return Completed(message=found.reason)
