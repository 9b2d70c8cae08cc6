"""The main job as a Prefect flow: ingest, gate, features, and a retraining of every strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import Task

from shadowbook.errors import TransientError
from shadowbook.frame import (
    DONE,
    HERE,
    REFUSED,
    AsOfOption,
    JsonOption,
    ParamsOption,
    StrategyOption,
    WorkspaceOption,
    print_json,
    reported,
)
from shadowbook.rendering import progress, show_features, show_gate, show_training
from shadowbook.serialization import plain
from shadowbook.steps.build_features import FeatureReport, build_features
from shadowbook.steps.gate import GateReport, gate
from shadowbook.steps.ingest import IngestReport, ingest
from shadowbook.steps.moment import resolve_as_of
from shadowbook.steps.retrain import RetrainReport, retrain
from shadowbook.workspace import Workspace

FITS_AT_ONCE = 2

P = ParamSpec("P")
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Summary:
    """What one run of the flow did; what a halted gate kept from happening is None or empty."""

    ingest: IngestReport
    gate: GateReport
    features: FeatureReport | None
    strategies: tuple[RetrainReport, ...]

    @property
    def halts(self) -> bool:
        """True when a gate said no."""
        reports = (self.gate, self.features, *self.strategies)
        return any(report.halts for report in reports if report is not None)


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
retrain_task = as_task(retrain, "retrain")


@task(name="fit", cache_policy=NO_CACHE)
def apply(call: Callable[[], Any]) -> Any:
    """Do one part of a step's work."""
    return call()


def task_map(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterable[Result]:
    """Map over the flow's task runner; results come in order, as soon as each is there."""
    # A bound call is opaque to Prefect, which would else search the items for futures.
    futures = [apply.submit(partial(function, item)) for item in items]
    return (future.result() for future in futures)


@flow(name="retrain", task_runner=ThreadPoolTaskRunner(max_workers=FITS_AT_ONCE))  # type: ignore[arg-type]
def retrain_flow(
    workspace: Path,
    params: Path | None = None,
    as_of: str | None = None,
    strategies: list[str] | None = None,
    quiet: bool = True,
) -> Summary | State[Summary]:
    """Bring the accepted data, the features and every strategy's challenger up to a moment."""
    opened = Workspace.open(workspace, params, progress(quiet))
    names = strategies or list(opened.settings.strategies)
    for name in names:
        opened.settings.strategy(name)
    with opened.lease("run"):
        moment = resolve_as_of(opened, as_of)
        summary = Summary(ingest_task(opened, moment), gate_task(opened, moment), None, ())
        if not summary.halts:
            features = features_task(opened, moment)
            summary = Summary(summary.ingest, summary.gate, features, ())
        if not summary.halts:
            done = tuple(retrain_task(opened, name, moment, task_map) for name in names)
            summary = Summary(summary.ingest, summary.gate, summary.features, done)
            for report in done:
                publish(report)
    if summary.halts:
        return Failed(message="a gate said no", data=summary)
    return summary


def publish(report: RetrainReport) -> None:
    """Keep the table of candidates where Prefect's pages show it."""
    rows = [
        {"candidate": name}
        | {key: metric["value"] for key, metric in plain(metrics).items()}
        | {"chosen": name == report.best}
        for name, metrics in report.candidates.items()
    ]
    create_table_artifact(
        key=f"candidates-{report.strategy.replace('_', '-').lower()}",
        table=rows,
        description=f"Candidates of {report.strategy} as of {report.as_of:%Y-%m-%d %H:%M} UTC",
    )


@reported
def main(
    workspace: WorkspaceOption = HERE,
    params: ParamsOption = None,
    as_of: AsOfOption = None,
    strategy: StrategyOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run the main job once."""
    state = retrain_flow(
        workspace.resolve(), params, as_of, strategy or None, as_json, return_state=True
    )
    found = state.result(raise_on_failure=False)
    if isinstance(found, BaseException):
        raise found
    assert isinstance(found, Summary)  # noqa: S101 - the flow returns nothing else
    if as_json:
        print_json(found)
    else:
        show(found, workspace)
    return REFUSED if found.halts else DONE


def show(summary: Summary, workspace: Path) -> None:
    """Print what a person wants to know at the end."""
    if summary.gate.halts or any(verdict.reasons for verdict in summary.gate.verdicts):
        show_gate(summary.gate)
    if summary.features is not None and summary.features.verdict.reasons:
        show_features(summary.features)
    if summary.strategies:
        show_training(summary.strategies, workspace)
