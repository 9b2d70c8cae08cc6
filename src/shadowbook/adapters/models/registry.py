"""The model registry: retrainings, their candidates, versions and aliases. The one MLflow door.

The database holds what is searched, the artifact folder what is big. Files are found relative
to ``artifact_folder`` and not by the absolute addresses MLflow stores, so a workspace that was
moved or copied for an audit can still be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from shadowbook.adapters.models.aliases import check_alias, point
from shadowbook.adapters.models.catalog import Catalog
from shadowbook.adapters.models.database import database_path, settle, translated
from shadowbook.adapters.models.entries import (
    LATEST,
    TRAINING,
    flow_record,
    maker_of,
    named,
    run_record,
)
from shadowbook.adapters.models.files import MODEL_FILE, load_estimator, sha256_of
from shadowbook.adapters.models.recording import Recording
from shadowbook.adapters.models.records import (
    MANIFEST,
    CandidateRecord,
    LoggedCandidate,
    LoggedTrial,
    StepRecord,
    TrainingRecord,
    check_run_key,
    check_strategy,
)
from shadowbook.adapters.models.step_recording import ROLE, StepRecording
from shadowbook.adapters.models.trials import candidates_of, logged_trials
from shadowbook.core.values import FlowRecord, Pin, RunRecord
from shadowbook.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sklearn.base import BaseEstimator

__all__ = ["CandidateRecord", "LoggedCandidate", "Models", "StepRecord", "TrainingRecord"]

_FINISHED = "tags.role = 'retraining' AND attributes.status = 'FINISHED'"
_STEP = f"tags.role = '{ROLE}' AND attributes.status = 'FINISHED'"


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
        self._catalog = Catalog(tracking_uri, self._folder)

    @property
    def _client(self) -> MlflowClient:
        return self._catalog.client

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
        recording = Recording(self._client, self._folder, record)
        with translated(f"record a retraining of {record.strategy}"):
            recording.check()
            self._settle()
            recording.complete()
        found = self.find(record.run_key)
        if found is None:
            raise IntegrityError(f"run key {record.run_key} is recorded, but not in {self._uri}.")
        return found

    def record_step(self, record: StepRecord) -> str:
        """Record one run of a step and return its id; the same run key again finds it.

        Raises
        ------
        SchemaError
            A manifest that is not JSON.
        """
        check_run_key(record.run_key)
        recording = StepRecording(self._client, self._folder, record)
        with translated(f"record the {record.kind}"):
            self._settle()
            return recording.complete()

    def _settle(self) -> None:
        if self._database is not None:
            settle(self._database, self._folder)

    def records(self, kind: str | None = None) -> list[FlowRecord]:
        """Finished runs of every flow, or of one kind, the last finished first."""
        found: list[FlowRecord] = []
        if kind in (None, TRAINING):
            found += [flow_record(run) for run in self._catalog.runs(_FINISHED)]
        if kind != TRAINING:
            wanted = "" if kind is None else f" AND tags.kind = '{kind}'"
            found += [flow_record(run) for run in self._catalog.runs(_STEP + wanted, role=ROLE)]
        return sorted(found, key=lambda record: record.finished_at, reverse=True)

    def maker(self, pin: Pin) -> FlowRecord | None:
        """Return the last finished run of a step that wrote what is pinned, found by content."""
        where = f"{_STEP} AND tags.`made.{pin.name}` = '{pin.md5}'"
        found = self._catalog.runs(where, role=ROLE)
        return flow_record(found[0]) if found else None

    def manifests(self) -> Iterator[dict[str, Any]]:
        """Manifests of all finished runs, the last finished first; errors as ``manifest``."""
        for record in self.records():
            yield self.manifest(record.run_id)

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

    def caused(self, strategy: str) -> dict[str, RunRecord]:
        """Return the first finished run that bears each cause as its tag ``cause``."""
        check_strategy(strategy)
        told = self._catalog.runs(f"{_FINISHED} AND tags.strategy = '{strategy}'")
        aliases = self._catalog.aliases(strategy)
        return {
            run.data.tags["cause"]: run_record(run, aliases)
            for run in told
            if "cause" in run.data.tags
        }

    def resolve(self, run: str) -> RunRecord:
        """Find a run by its id, a unique beginning of it (4 characters or more), or ``latest``.

        Raises
        ------
        ConfigError
            No such run, or several.
        """
        return named(run, self.runs(), self._uri)

    def resolve_any(self, run: str) -> FlowRecord:
        """Find a run of any flow; errors as ``resolve``, and ``latest`` is the last training."""
        if run == LATEST:
            latest = self.resolve(run).run_id
            return next(record for record in self.records(TRAINING) if record.run_id == latest)
        return named(run, self.records(), self._uri)

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

    def has_artifact(self, run_id: str, path: str) -> bool:
        """Tell whether a run has an artifact."""
        return (self._folder / run_id / "artifacts" / PurePosixPath(path)).exists()

    def children(self, run_id: str) -> list[LoggedCandidate]:
        """Every candidate of a retraining."""
        return candidates_of(self._catalog, run_id)

    def trials(self, strategy: str) -> list[LoggedTrial]:
        """Every candidate fit ever logged for a strategy; see ``logged_trials``."""
        return logged_trials(self._catalog, strategy)

    def count_trials(self, strategy: str) -> int:
        """Count what ``trials`` lists."""
        return len(self.trials(strategy))

    def aliases(self, strategy: str) -> Mapping[str, int]:
        """Return every alias of a strategy's versions; none before the first one."""
        return {name: int(to) for name, to in self._catalog.aliases(strategy).items()}

    def move_alias(self, strategy: str, alias: str, version: int | None) -> None:
        """Let an alias point at a version, or at none; done again it changes nothing.

        Raises
        ------
        ConfigError
            A name that is none, or a version that no finished run has made.
        IntegrityError
            The manifest of the version's run was altered since.
        """
        check_alias(alias)
        if self.aliases(strategy).get(alias) == version:
            return
        if version is not None:
            self.manifest(maker_of(version, self.runs(strategy), self._uri).run_id)
        with translated(f"move {alias} of {strategy}"):
            self._settle()
            point(self._client, strategy, alias, version)

    def version_of(self, strategy: str, alias: str) -> int | None:
        """Return the version an alias points at, ``champion`` say; None without one."""
        return self.aliases(strategy).get(alias)

    def load(self, strategy: str, version: str | int) -> BaseEstimator:
        """Load the estimator of a version or an alias, after checking its bytes.

        Raises
        ------
        ConfigError
            No such version or alias.
        IntegrityError
            The stored file is not the recorded one.
        """
        tags = self._tags(strategy, version)
        trusted = json.loads(tags["trusted_types"])
        what = f"{strategy}/{self._number(strategy, version)}"
        return load_estimator(self._model_file(tags), tags["artifact_sha256"], trusted, what)

    def model_file(self, strategy: str, version: str | int) -> Path:
        """Where the estimator of a version or an alias is stored; errors as ``load``."""
        return self._model_file(self._tags(strategy, version))

    def _model_file(self, tags: Mapping[str, str]) -> Path:
        return self._folder / "models" / tags["model_id"] / "artifacts" / MODEL_FILE

    def _number(self, strategy: str, version: str | int) -> int | None:
        return self.version_of(strategy, version) if isinstance(version, str) else version

    def _tags(self, strategy: str, version: str | int) -> Mapping[str, str]:
        number = self._number(strategy, version)
        found = None if number is None else self._catalog.version(strategy, number)
        if found is None:
            raise ConfigError(
                f"strategy {strategy} has no model {version!r} in {self._uri}: "
                "see `shadowbook runs`."
            )
        tags: Mapping[str, str] = found.tags
        return tags

    def _runs(self, where: str) -> list[RunRecord]:
        runs = self._catalog.runs(where)
        strategies = {run.data.tags["strategy"] for run in runs}
        aliases = {name: self._catalog.aliases(name) for name in strategies}
        return [run_record(run, aliases[run.data.tags["strategy"]]) for run in runs]
