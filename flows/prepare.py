"""Ingest, gate and features as a Prefect flow: what every other job begins with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from prefect import flow
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Failed
from prefect.tasks import Task

from shadowbook.errors import TransientError
from shadowbook.frame import (
    DONE,
    HERE,
    REFUSED,
    AsOfOption,
    JsonOption,
    ParamsOption,
    WaitOption,
    WorkspaceOption,
    print_json,
    reported,
)
from shadowbook.rendering import progress, show_features, show_gate
from shadowbook.steps.build_features import FeatureReport, build_features
from shadowbook.steps.gate import GateReport, gate
from shadowbook.steps.ingest import IngestReport, ingest
from shadowbook.steps.moment import resolve_as_of
from shadowbook.workspace import Workspace

P = ParamSpec("P")
Result = TypeVar("Result")


class Halts(Protocol):
    """What a flow returns."""

    @property
    def halts(self) -> bool:
        """True when it could not do its work."""


Halting = TypeVar("Halting", bound=Halts)


@dataclass(frozen=True, eq=False)
class Preparation:
    """What was brought in; features are None where the gate halted."""

    ingest: IngestReport
    gate: GateReport
    features: FeatureReport | None

    @property
    def halts(self) -> bool:
        """True when a gate said no."""
        return self.gate.halts or (self.features is not None and self.features.halts)


def may_pass(_task: Task[Any, Any], _run: TaskRun, state: State[Any]) -> bool:
    """Retry only what our errors call transient."""
    return isinstance(state.result(raise_on_failure=False), TransientError)


def as_task(function: Callable[P, Result], name: str) -> Task[P, Result]:
    """Make a task of a step."""
    return Task(
        function,
        name=name,
        retries=2,
        retry_delay_seconds=[2, 10],
        retry_condition_fn=may_pass,
        cache_policy=NO_CACHE,
    )


ingest_task = as_task(ingest, "ingest")
gate_task = as_task(gate, "gate")
features_task = as_task(build_features, "features")


def prepare(workspace: Workspace, moment: datetime) -> Preparation:
    """Bring the accepted data and the features up to a moment, each step a task."""
    brought, judged = ingest_task(workspace, moment), gate_task(workspace, moment)
    features = None if judged.halts else features_task(workspace, moment)
    return Preparation(brought, judged, features)


@flow(name="prepare")
def prepare_flow(
    workspace: Path,
    params: Path | None = None,
    as_of: str | None = None,
    quiet: bool = True,
    wait_minutes: float = 0.0,
) -> Preparation | State[Preparation]:
    """Bring the accepted data and the features up to a moment."""
    opened = Workspace.open(workspace, params, progress(quiet))
    with opened.lease("prepare", wait_minutes):
        done = prepare(opened, resolve_as_of(opened, as_of))
    if done.halts:
        return Failed(message="a gate said no", data=done)
    return done


@reported
def main(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Bring data and features up to date once."""
    state = prepare_flow(workspace.resolve(), params, as_of, as_json, wait, return_state=True)
    return answer(state, Preparation, show, as_json)


def answer(
    state: State[Any],
    kind: type[Halting],
    shown: Callable[[Halting], None],
    as_json: bool,
    told: Callable[[Halting], Any] = lambda found: found,
) -> int:
    """Print what a flow came to, and return the exit code; ``told`` gives what a program reads."""
    found = state.result(raise_on_failure=False)
    if isinstance(found, BaseException):
        raise found
    assert isinstance(found, kind)  # noqa: S101 - the flow returns nothing else
    if as_json:
        print_json(told(found))
    else:
        shown(found)
    return REFUSED if found.halts else DONE


def show(done: Preparation) -> None:
    """Print what the gates have to say."""
    if done.gate.halts or any(verdict.reasons for verdict in done.gate.verdicts):
        show_gate(done.gate)
    if done.features is not None and done.features.verdict.reasons:
        show_features(done.features)
