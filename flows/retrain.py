"""The main job as a Prefect flow: ingest, gate, features, and a retraining of every strategy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import prepare
from shadowbook.frame import (
    HERE,
    AsOfOption,
    JsonOption,
    ParamsOption,
    StrategyOption,
    WaitOption,
    WorkspaceOption,
    reported,
)
from shadowbook.rendering import progress, show_training
from shadowbook.serialization import plain
from shadowbook.steps.moment import resolve_as_of
from shadowbook.steps.retrain import RetrainReport
from shadowbook.steps.retrain import retrain as step
from shadowbook.workspace import Workspace

FITS_AT_ONCE = 2

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Summary(prepare.Preparation):
    """What one run of the flow did; what a halted gate kept from happening is None or empty."""

    strategies: tuple[RetrainReport, ...]

    @property
    def halts(self) -> bool:
        """True when a gate said no, or a diagnosis that found a bug."""
        return super().halts or any(report.halts for report in self.strategies)

    @property
    def blocked(self) -> str:
        """Which strategies a diagnosis blocks, a sentence each; empty where none."""
        return "; ".join(report.blocked for report in self.strategies if report.blocked)


retrain_task = prepare.as_task(step, "retrain")


@task(name="fit", cache_policy=NO_CACHE)
def apply(call: Callable[[], Any]) -> Any:
    """Do one part of a step's work."""
    return call()


def task_map(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterable[Result]:
    """Map over the flow's task runner; results come in order, as soon as each is there."""
    # A bound call is opaque to Prefect, which would else search the items for futures.
    futures = [apply.submit(partial(function, item)) for item in items]
    return (future.result() for future in futures)


def retrain(workspace: Workspace, moment: datetime, names: Sequence[str]) -> Summary:
    """Bring data, features and the strategies' challengers up to a moment, each step a task."""
    ready = prepare.prepare(workspace, moment)
    done: tuple[RetrainReport, ...] = ()
    if not ready.halts:
        done = tuple(retrain_task(workspace, name, moment, task_map) for name in names)
        for report in done:
            publish(report)
    return Summary(ready.ingest, ready.gate, ready.features, done)


@flow(name="retrain", task_runner=ThreadPoolTaskRunner(max_workers=FITS_AT_ONCE))  # type: ignore[arg-type]
def retrain_flow(
    workspace: Path,
    params: Path | None = None,
    as_of: str | None = None,
    strategies: list[str] | None = None,
    quiet: bool = True,
    wait_minutes: float = 0.0,
) -> Summary | State[Summary]:
    """Bring the accepted data, the features and every strategy's challenger up to a moment."""
    opened = Workspace.open(workspace, params, progress(quiet))
    names = strategies or list(opened.settings.strategies)
    for name in names:
        opened.settings.strategy(name)
    with opened.lease("run", wait_minutes):
        summary = retrain(opened, resolve_as_of(opened, as_of), names)
    if summary.halts:
        return Failed(message=summary.blocked or "a gate said no", data=summary)
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
    wait: WaitOption = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Run the main job once."""
    state = retrain_flow(
        workspace.resolve(), params, as_of, strategy or None, as_json, wait, return_state=True
    )
    return prepare.answer(state, Summary, partial(show_summary, workspace=workspace), as_json)


def show_summary(done: Summary, workspace: Path) -> None:
    """Print what the gates have to say, and what was trained."""
    prepare.show(done)
    if done.strategies:
        show_training(done.strategies, workspace)
