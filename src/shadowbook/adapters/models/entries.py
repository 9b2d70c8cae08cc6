"""What MLflow's runs are in our words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from shadowbook.adapters.models.recording import FOLD_PREFIX
from shadowbook.adapters.models.records import LoggedCandidate
from shadowbook.core.values import FlowRecord, RunRecord
from shadowbook.errors import ConfigError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

TRAINING = "training"
LATEST = "latest"
SHORTEST_PREFIX = 4

Found = TypeVar("Found", RunRecord, FlowRecord)


def named(run: str, records: Sequence[Found], place: str) -> Found:
    """Find a run by its id, a unique beginning of it, or ``latest``, among records newest first.

    Raises
    ------
    ConfigError
        No such run, or several.
    """
    if run == LATEST:
        if not records:
            raise ConfigError(f"there is no finished run in {place}: run a retraining.")
        return records[0]
    if len(run) < SHORTEST_PREFIX:
        raise ConfigError(f"run {run!r} is too short: give {SHORTEST_PREFIX} characters.")
    matches = [record for record in records if record.run_id.startswith(run)]
    if not matches:
        raise ConfigError(f"no finished run {run!r} in {place}: see `shadowbook runs`.")
    if len(matches) > 1:
        ids = ", ".join(record.run_id for record in matches)
        raise ConfigError(f"run {run!r} may be any of {ids}: give more characters.")
    return matches[0]


def maker_of(version: int, runs: Sequence[RunRecord], place: str) -> RunRecord:
    """Find the finished run that made a version, among a strategy's.

    Raises
    ------
    ConfigError
        There is none.
    """
    made = [run for run in runs if run.model_version == version]
    if not made:
        raise ConfigError(
            f"no finished run in {place} made version {version}: see `shadowbook runs`."
        )
    return made[0]


def flow_record(run: Run) -> FlowRecord:
    """Read a run of any flow."""
    tags = run.data.tags
    return FlowRecord(
        run_id=run.info.run_id,
        # A candidate's run has a kind as well, but is no run of a flow.
        kind=TRAINING if tags["role"] == "retraining" else tags["kind"],
        as_of=datetime.fromisoformat(tags["as_of"]),
        outcome=tags.get("outcome", "DONE"),
        run_key=tags["run_key"],
        finished_at=datetime.fromtimestamp(run.info.end_time / 1000, UTC),
    )


def run_record(run: Run, aliases: Mapping[str, str]) -> RunRecord:
    """Read a training run; ``aliases`` are those of its strategy."""
    tags = run.data.tags
    version = int(tags["model_version"])
    return RunRecord(
        run_id=run.info.run_id,
        strategy=tags["strategy"],
        as_of=datetime.fromisoformat(tags["as_of"]),
        model_version=version,
        candidate=tags["candidate"],
        run_key=tags["run_key"],
        aliases=tuple(sorted(a for a, v in aliases.items() if int(v) == version)),
        metrics=dict(run.data.metrics),
    )


def logged_candidate(client: MlflowClient, run: Run) -> LoggedCandidate:
    """Read a candidate's run, its folds in order."""
    metrics = dict(run.data.metrics)
    folds = {name: metrics.pop(name) for name in list(metrics) if name.startswith(FOLD_PREFIX)}
    histories = {
        name.removeprefix(FOLD_PREFIX): client.get_metric_history(run.info.run_id, name)
        for name in folds
    }
    return LoggedCandidate(
        name=run.data.tags["candidate"],
        kind=run.data.tags["kind"],
        run_id=run.info.run_id,
        parameters=dict(run.data.params),
        metrics=metrics,
        fold_metrics={
            name: tuple(m.value for m in sorted(history, key=lambda m: m.step))
            for name, history in histories.items()
        },
        oos_digest=run.data.tags["oos_digest"],
    )
