"""A retraining that drift asked for: once an alert, recorded with what caused it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from shadowbook.core.drift.found import RetrainRequest
from shadowbook.core.drift.trigger import Permission, Retraining, permission
from shadowbook.core.events import Event
from shadowbook.core.values import RunRecord
from shadowbook.serialization import plain
from shadowbook.steps.retrain import RetrainReport, made_before
from shadowbook.steps.retrain import retrain as make
from shadowbook.steps.train import FitMap
from shadowbook.workspace import Workspace

KIND = "retraining"
"""Kind of the ledger's events that say which alert had its retraining."""

BY_HAND = "`shadowbook monitor --act` does it, or schedule the monitor with `shadowbook serve`"
"""How a request is met where nobody listens for it."""

AROUND = timedelta(days=20)
"""No exchange rests this long."""


class Answer(StrEnum):
    """What came of a request."""

    RETRAINED = "RETRAINED"
    SKIPPED = "SKIPPED"
    """The alert was answered before, or drift may start nothing now."""
    HALTED = "HALTED"
    """A gate or a diagnosis said no."""


@dataclass(frozen=True, eq=False)
class AlertRetrained:
    """What came of a request to retrain.

    Attributes
    ----------
    reason : one sentence: what was made, or why nothing was.
    report : of the retraining; None where none was started.
    """

    request: RetrainRequest
    outcome: Answer
    reason: str
    report: RetrainReport | None

    @property
    def halts(self) -> bool:
        """True when a gate said no, or a diagnosis that found a bug."""
        return self.outcome is Answer.HALTED

    @property
    def told(self) -> dict[str, Any]:
        """What a program reads."""
        run = self.report.run if self.report else None
        return {
            "alert": self.request.alert,
            "strategy": self.request.strategy,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "run_id": run.run_id if run else None,
            "model_version": run.model_version if run else None,
        }


def request_of(strategy: str, alert: str, as_of: datetime, evidence: str) -> RetrainRequest:
    """Read a request as it came from elsewhere.

    Parameters
    ----------
    evidence : JSON, as ``evidence_of`` writes it.
    """
    return RetrainRequest(alert, strategy, as_of, json.loads(evidence))


def evidence_of(request: RetrainRequest) -> str:
    """Write what a request rests on, to be sent elsewhere."""
    return json.dumps(plain(request.evidence), allow_nan=False)


def wanted(request: RetrainRequest) -> str:
    """Say in words what a request asks for."""
    return f"{request.strategy} wants a retraining as of {request.as_of:%Y-%m-%d} ({request.alert})"


def retrain_on_alert(
    workspace: Workspace,
    request: RetrainRequest,
    fit_map: FitMap = map,
    retrain: Callable[..., RetrainReport] = make,
) -> AlertRetrained:
    """Retrain a strategy because of an alert, if that is granted; call it under the lease.

    Data and features are those of the trading day that asks. A run that was registered by an
    attempt that was killed before the ledger knew of it is recorded first, whatever asks.

    Parameters
    ----------
    fit_map : applies the fits; see ``train``.
    retrain : makes the run; see ``steps.retrain``.

    Raises
    ------
    ConfigError
        There is no such strategy, or no git repository.
    StaleDataError, InsufficientDataError, LeakageError
        See ``steps.retrain``.
    """
    workspace.settings.strategy(request.strategy)
    with workspace.trading():
        made = _completed(workspace, request.strategy).get(request.alert)
        granted = _permission(workspace, request)
    if made is not None:
        return AlertRetrained(
            request, Answer.RETRAINED, _made(made, request.alert), made_before(workspace, made)
        )
    if not granted.granted:
        return AlertRetrained(request, Answer.SKIPPED, granted.reason, None)
    cause = {"kind": "drift", "alert": request.alert, "evidence": plain(request.evidence)}
    report = retrain(workspace, request.strategy, request.as_of, fit_map, cause)
    if report.run is None:
        gate = f"a gate said no to the labels or predictions of {request.strategy}"
        return AlertRetrained(request, Answer.HALTED, report.blocked or gate, report)
    with workspace.trading():
        workspace.ledger.record([_event(report.run, cause, report.existing)])
    reason = _made(report.run, request.alert, report.existing)
    return AlertRetrained(request, Answer.RETRAINED, reason, report)


def _completed(workspace: Workspace, strategy: str) -> dict[str, RunRecord]:
    """Record the runs that an alert has caused and whose event is missing: alert -> run."""
    told = {stored.event.body["alert"] for stored in workspace.ledger.events(KIND)}
    left, events = {}, []
    for alert, run in workspace.models.caused(strategy).items():
        # Begun for the alert and finished without it, a run has the tag and no cause.
        cause = None if alert in told else workspace.models.manifest(run.run_id).get("cause")
        if cause is not None:
            left[alert] = run
            events.append(_event(run, cause))
    workspace.ledger.record(events)
    return left


def _permission(workspace: Workspace, request: RetrainRequest) -> Permission:
    history = [
        Retraining(body["alert"], body["strategy"], datetime.fromisoformat(body["as_of"]))
        for body in (stored.event.body for stored in workspace.ledger.events(KIND))
    ]
    own = [one.as_of for one in history if one.strategy == request.strategy]
    moments = [request.as_of, *own]
    schedule = workspace.market.calendar.schedule(min(moments).date() - AROUND, max(moments).date())
    return permission(request, history, workspace.settings.drift.retrain, schedule)


def _event(run: RunRecord, cause: Mapping[str, Any], existing: bool = False) -> Event:
    body = {
        "strategy": run.strategy,
        "alert": cause["alert"],
        "as_of": run.as_of.isoformat(),
        "run_id": run.run_id,
        "model_version": run.model_version,
        "existing": existing,
        "evidence": cause["evidence"],
    }
    return Event(KIND, f"{KIND}/{cause['alert']}", run.as_of, body)


def _made(run: RunRecord, alert: str, existing: bool = False) -> str:
    what = f"{run.strategy} version {run.model_version} as of {run.as_of:%Y-%m-%d}"
    if existing:
        return f"{what} had been trained before {alert} asked for it: it is the answer"
    return f"{what} was trained because of {alert}"
