"""The model registry: retrainings, their candidates, versions and aliases. The one MLflow door.

The database holds what is searched, the artifact folder what is big. Files are found relative
to ``artifact_folder`` and not by the absolute addresses MLflow stores, so a workspace that was
moved or copied for an audit can still be read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from shadowbook.adapters.models.database import database_path, open_client, translated
from shadowbook.adapters.models.files import MODEL_FILE, load_estimator, sha256_of
from shadowbook.adapters.models.recording import FOLD_PREFIX, Recording
from shadowbook.adapters.models.records import (
    MANIFEST,
    CandidateRecord,
    LoggedCandidate,
    TrainingRecord,
    check_run_key,
    check_strategy,
)
from shadowbook.core.values import RunRecord
from shadowbook.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion
    from sklearn.base import BaseEstimator

__all__ = ["CandidateRecord", "LoggedCandidate", "Models", "TrainingRecord"]

_FINISHED = "tags.role = 'retraining' AND attributes.status = 'FINISHED'"
_SHORTEST_PREFIX = 4


class Models:
    """The registry of one workspace.

    Parameters
    ----------
    tracking_uri : ``sqlite:////absolute/path/mlflow.db``, made on first write.
    artifact_folder : where runs and models keep their files.

    Every method raises TransientError while another process holds the database and
    PermanentError when MLflow or the disk fails otherwise.
    """

    def __init__(self, tracking_uri: str, artifact_folder: Path) -> None:
        self._uri = tracking_uri
        self._database = database_path(tracking_uri)
        self._folder = artifact_folder.absolute()

    @cached_property
    def _client(self) -> MlflowClient:
        return open_client(self._uri, self._folder)

    @property
    def _nothing_yet(self) -> bool:
        """Reading makes no database."""
        return self._database is not None and not self._database.exists()

    def record_training(self, record: TrainingRecord) -> RunRecord:
        """Record one retraining; the same run key again completes or returns what is there.

        Raises
        ------
        ConfigError
            The record contradicts itself, or holds a type skops does not trust.
        SchemaError
            An infinite metric or a manifest that is not JSON.
        IntegrityError
            The run key is there with other predictions.
        """
        client = self._client
        with translated(f"record a retraining of {record.strategy}"):
            Recording(client, self._folder, record).complete()
        found = self.find(record.run_key)
        if found is None:
            raise IntegrityError(
                f"run key {record.run_key} was recorded but cannot be found in {self._uri}."
            )
        return found

    def find(self, run_key: str) -> RunRecord | None:
        """Return the finished run with this key, or None."""
        check_run_key(run_key)
        found = self._runs(f"{_FINISHED} AND tags.run_key = '{run_key}'")
        return found[0] if found else None

    def runs(self, strategy: str | None = None) -> list[RunRecord]:
        """Finished runs, the last finished first."""
        if strategy is None:
            return self._runs(_FINISHED)
        check_strategy(strategy)
        return self._runs(f"{_FINISHED} AND tags.strategy = '{strategy}'")

    def resolve(self, run: str) -> RunRecord:
        """Find a run by its id, a unique beginning of it (4 characters or more), or ``latest``.

        Raises
        ------
        ConfigError
            No such run, or several.
        """
        records = self.runs()
        if run == "latest":
            if not records:
                raise ConfigError(f"there is no finished run in {self._uri}: run a retraining.")
            return records[0]
        if len(run) < _SHORTEST_PREFIX:
            raise ConfigError(f"run {run!r} is too short: give {_SHORTEST_PREFIX} characters.")
        matches = [r for r in records if r.run_id.startswith(run)]
        if not matches:
            raise ConfigError(f"no finished run {run!r} in {self._uri}: see `shadowbook runs`.")
        if len(matches) > 1:
            ids = ", ".join(r.run_id for r in matches)
            raise ConfigError(f"run {run!r} may be any of {ids}: give more characters.")
        return matches[0]

    def manifest(self, run_id: str) -> dict[str, Any]:
        """Return the manifest of a finished run, byte for byte the one that was logged.

        Raises
        ------
        ConfigError
            The run has none, or is not finished.
        IntegrityError
            The file was altered since.
        """
        path = self.artifact(run_id, MANIFEST)
        client = self._client
        with translated(f"read run {run_id}"):
            recorded = client.get_run(run_id).data.tags.get("manifest_sha256")
        if recorded is None:
            raise ConfigError(f"run {run_id} is not finished: run the same retraining again.")
        found = sha256_of(path)
        if found != recorded:
            raise IntegrityError(
                f"the manifest of run {run_id} in {path} has SHA-256 {found}, the registry "
                f"recorded {recorded}: restore the file."
            )
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return manifest

    def artifact(self, run_id: str, path: str) -> Path:
        """Where an artifact of a run lies on this disk.

        Raises
        ------
        ConfigError
            The run has no such artifact.
        """
        root = self._folder / run_id / "artifacts"
        found = root / PurePosixPath(path)
        if not found.exists() or not found.resolve().is_relative_to(root.resolve()):
            raise ConfigError(f"run {run_id} has no artifact {path!r} in {root}.")
        return found

    def children(self, run_id: str) -> list[LoggedCandidate]:
        """Every candidate of a retraining, in the order they were logged."""
        runs = self._search(
            f"tags.`mlflow.parentRunId` = '{run_id}' AND tags.role = 'candidate'",
            order="attributes.start_time ASC",
        )
        with translated(f"read run {run_id}"):
            return [self._candidate(run) for run in runs]

    def count_trials(self, strategy: str) -> int:
        """Count candidate fits ever logged for a strategy.

        A fit is one candidate of one run key: an attempt repeated after a kill counts once, an
        unfinished retraining's candidates count, and so do runs somebody deleted in MLflow.
        """
        check_strategy(strategy)
        return len(
            self._search(f"tags.role = 'candidate' AND tags.strategy = '{strategy}'", deleted=True)
        )

    def version_of(self, strategy: str, alias: str) -> int | None:
        """Return the version ``champion`` or ``challenger`` points at, None without one."""
        version = self._aliases(strategy).get(alias)
        return None if version is None else int(version)

    def load(self, strategy: str, version: str | int) -> BaseEstimator:
        """Load the estimator of a version or an alias, after checking its bytes.

        Raises
        ------
        ConfigError
            No such version or alias.
        IntegrityError
            The stored file is not the recorded one.
        """
        number = self.version_of(strategy, version) if isinstance(version, str) else version
        found = None if number is None else self._model_version(strategy, number)
        if found is None:
            raise ConfigError(
                f"strategy {strategy} has no model {version!r} in {self._uri}: "
                "see `shadowbook runs`."
            )
        tags: Mapping[str, str] = found.tags
        path = self._folder / "models" / tags["model_id"] / "artifacts" / MODEL_FILE
        trusted = json.loads(tags["trusted_types"])
        return load_estimator(path, tags["artifact_sha256"], trusted, f"{strategy}/{number}")

    def _model_version(self, strategy: str, number: int) -> ModelVersion | None:
        check_strategy(strategy)
        if self._nothing_yet:
            return None
        client = self._client
        with translated(f"read model {strategy}"):
            found = client.search_model_versions(f"name = '{strategy}'")
        return next((v for v in found if int(v.version) == number), None)

    def _aliases(self, strategy: str) -> Mapping[str, str]:
        check_strategy(strategy)
        if self._nothing_yet:
            return {}
        client = self._client
        with translated(f"read model {strategy}"):
            found = client.search_registered_models(f"name = '{strategy}'")
            return found[0].aliases if found else {}

    def _search(
        self, where: str, order: str = "attributes.end_time DESC", deleted: bool = False
    ) -> list[Run]:
        if self._nothing_yet:
            return []
        client = self._client
        with translated(f"search {self._uri}"):
            from mlflow.entities import ViewType

            view = ViewType.ALL if deleted else ViewType.ACTIVE_ONLY
            experiments = client.search_experiments(view, filter_string="tags.role = 'retraining'")
            ids = [e.experiment_id for e in experiments]
            found: list[Run] = []
            token: str | None = None
            while ids:
                page = client.search_runs(ids, where, view, order_by=[order], page_token=token)
                found += page
                token = page.token
                if not token:
                    break
            return found

    def _runs(self, where: str) -> list[RunRecord]:
        runs = self._search(where)
        strategies = {run.data.tags["strategy"] for run in runs}
        aliases = {name: self._aliases(name) for name in strategies}
        return [_run_record(run, aliases[run.data.tags["strategy"]]) for run in runs]

    def _candidate(self, run: Run) -> LoggedCandidate:
        metrics = dict(run.data.metrics)
        folds = {name: metrics.pop(name) for name in list(metrics) if name.startswith(FOLD_PREFIX)}
        histories = {
            name.removeprefix(FOLD_PREFIX): self._client.get_metric_history(run.info.run_id, name)
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


def _run_record(run: Run, aliases: Mapping[str, str]) -> RunRecord:
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
