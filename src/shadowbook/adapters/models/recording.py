"""Writes one retraining into MLflow so that a kill at any moment loses and doubles nothing.

Every step finds what an earlier attempt left before it makes anything. Things are found by tags
or names that MLflow writes in the same transaction as the thing itself, and a thing counts as
complete only by what is written last: a candidate's run by FINISHED, a model by READY, the
retraining by FINISHED. Order: candidates, model, run, version, manifest, aliases, FINISHED; so
an alias never points at a version without a manifest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shadowbook.adapters.disk import sync_tree
from shadowbook.adapters.models.entities import (
    dataset_of,
    log_artifacts,
    log_batch,
    log_manifest,
    metrics_of,
)
from shadowbook.adapters.models.files import check_trusted, save_estimator
from shadowbook.adapters.models.records import (
    REPORT,
    CandidateRecord,
    TrainingRecord,
    check_record,
)
from shadowbook.errors import IntegrityError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

FOLD_PREFIX = "fold."


@dataclass(frozen=True)
class Recording:
    """One attempt at recording; ``folder`` is where MLflow keeps the artifacts."""

    client: MlflowClient
    folder: Path
    record: TrainingRecord

    def check(self) -> None:
        """Refuse what cannot be recorded, before anything is written.

        Raises
        ------
        ConfigError
            The record contradicts itself, or names a type skops does not trust.
        SchemaError
            An infinite metric.
        """
        record = self.record
        check_record(record)
        check_trusted(record.estimator, record.trusted_types, f"{record.strategy}/{record.best}")

    def complete(self) -> None:
        """Bring the retraining from whatever is there to FINISHED.

        Raises
        ------
        IntegrityError
            An earlier attempt under the same run key recorded something else.
        """
        record = self.record
        experiment = self._experiment()
        parent = self._parent(experiment)
        children = {run.data.tags["candidate"]: run for run in self._children(parent)}
        self._check_same(parent, children)
        if parent.info.status == "FINISHED":
            return
        for candidate in record.candidates:
            child = children.get(candidate.name) or self._child(parent, candidate)
            children[candidate.name] = child
            if child.info.status != "FINISHED":
                self._log_candidate(child, candidate)
        model = self._model(parent)
        self._log_measures(children[record.best], model)
        self._log_parent(parent, model)
        version = self._version(parent, model)
        self._link(model, version)
        digest = self._log_manifest(parent, version, model.tags["artifact_sha256"])
        run_id = parent.info.run_id
        # MLflow flushes its database, not the files: what an alias leads to must be on the disk.
        sync_tree(self.folder / run_id)
        sync_tree(self.folder / "models" / model.model_id)
        self._move_aliases(experiment, version)
        log_batch(
            self.client,
            run_id,
            tags={
                **record.tags,
                "model_version": version,
                "candidate": record.best,
                "artifact_sha256": model.tags["artifact_sha256"],
                "manifest_sha256": digest,
            },
        )
        self.client.set_terminated(run_id, "FINISHED")

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(self.record.strategy)
        if found is None:
            # The kind chooses the columns that MLflow's pages show.
            tags = {"role": "retraining", "mlflow.experimentKind": "custom_model_development"}
            return str(
                self.client.create_experiment(self.record.strategy, self.folder.as_uri(), tags)
            )
        return str(found.experiment_id)

    def _parent(self, experiment: str) -> Run:
        record = self.record
        found = self.client.search_runs(
            [experiment], f"tags.role = 'retraining' AND tags.run_key = '{record.run_key}'"
        )
        if found:
            return found[0]
        tags = {
            **record.tags,
            "role": "retraining",
            "run_key": record.run_key,
            "strategy": record.strategy,
            "as_of": record.as_of.astimezone(UTC).isoformat(),
            "feature_service": record.feature_service,
            "mlflow.source.name": "shadowbook",
        }
        name = f"{record.strategy} {record.as_of.astimezone(UTC):%Y-%m-%d}"
        return self.client.create_run(experiment, tags=tags, run_name=name)

    def _children(self, parent: Run) -> list[Run]:
        # One page holds a thousand; a retraining has a handful.
        return list(
            self.client.search_runs(
                [parent.info.experiment_id],
                f"tags.`mlflow.parentRunId` = '{parent.info.run_id}' AND tags.role = 'candidate'",
            )
        )

    def _check_same(self, parent: Run, children: Mapping[str, Run]) -> None:
        record, run_id = self.record, parent.info.run_id
        told = {c.name: c.oos_digest for c in record.candidates}
        for name, child in children.items():
            recorded = child.data.tags["oos_digest"]
            if told.get(name) != recorded:
                raise IntegrityError(
                    f"candidate {name} of run {run_id} was recorded with predictions {recorded}, "
                    f"now it has {told.get(name, 'none')} under the same run key: the fit is not "
                    "reproducible, find out why before retraining."
                )

    def _child(self, parent: Run, candidate: CandidateRecord) -> Run:
        tags = {
            "mlflow.parentRunId": parent.info.run_id,
            "role": "candidate",
            "run_key": self.record.run_key,
            "strategy": self.record.strategy,
            "candidate": candidate.name,
            "kind": candidate.kind,
            "oos_digest": candidate.oos_digest,
            "feature_service": self.record.feature_service,
        }
        return self.client.create_run(parent.info.experiment_id, tags=tags, run_name=candidate.name)

    def _log_candidate(self, child: Run, candidate: CandidateRecord) -> None:
        run_id = child.info.run_id
        metrics = metrics_of(candidate.metrics, child)
        for name, values in candidate.fold_metrics.items():
            for fold, value in enumerate(values):
                metrics += metrics_of({FOLD_PREFIX + name: value}, child, step=fold)
        log_batch(self.client, run_id, metrics, candidate.parameters)
        self._log_inputs(run_id)
        log_artifacts(self.client, run_id, candidate.artifacts)
        self.client.set_terminated(run_id, "FINISHED")

    def _log_inputs(self, run_id: str) -> None:
        """Name the data that was read; MLflow keeps an input once, however often it is told."""
        if self.record.pins:
            self.client.log_inputs(run_id, [dataset_of(pin) for pin in self.record.pins])

    def _log_parent(self, parent: Run, model: LoggedModel) -> None:
        from mlflow.entities import LoggedModelOutput

        record, run_id = self.record, parent.info.run_id
        log_batch(self.client, run_id, metrics_of(record.metrics, parent), record.parameters)
        self._log_inputs(run_id)
        outputs = self.client.get_run(run_id).outputs
        if model.model_id not in [o.model_id for o in outputs.model_outputs]:
            self.client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
        log_artifacts(self.client, run_id, record.artifacts)

    def _model(self, parent: Run) -> LoggedModel:
        record, client = self.record, self.client
        found = client.search_logged_models(
            [parent.info.experiment_id], f"source_run_id = '{parent.info.run_id}'"
        )
        model = (
            found[0]
            if found
            else client.create_logged_model(
                parent.info.experiment_id,
                name=record.best,
                source_run_id=parent.info.run_id,
                tags={"run_key": record.run_key, "strategy": record.strategy},
                params={k: str(v) for k, v in record.best_candidate.parameters.items()},
                model_type=record.best_candidate.kind,
            )
        )
        if str(model.status) == "READY":
            return model
        with TemporaryDirectory(prefix="shadowbook-model-") as folder:
            digest = save_estimator(
                record.estimator,
                record.input_example,
                record.trusted_types,
                record.pip_requirements,
                model,
                Path(folder, "model"),
            )
            client.log_model_artifacts(model.model_id, str(Path(folder, "model")))
        client.set_logged_model_tags(model.model_id, {"artifact_sha256": digest})
        return client.finalize_logged_model(model.model_id, "READY")

    def _log_measures(self, best: Run, model: LoggedModel) -> None:
        # MLflow shows numbers beside a model only if they are logged with its id, and there it
        # stores NaN as 0.0: what could not be computed stays with the run alone.
        measures = self.record.best_candidate.metrics
        known = {name: value for name, value in measures.items() if not math.isnan(value)}
        log_batch(self.client, best.info.run_id, metrics_of(known, best, model_id=model.model_id))

    def _version(self, parent: Run, model: LoggedModel) -> int:
        from mlflow.exceptions import MlflowException

        record, client, run_id = self.record, self.client, parent.info.run_id
        try:
            client.create_registered_model(record.strategy)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        found = client.search_model_versions(f"name = '{record.strategy}' AND run_id = '{run_id}'")
        if found:
            return int(found[0].version)
        # Not `models:/<id>`: the registry would look that id up in the global tracking store.
        made = client.create_model_version(
            record.strategy,
            source=model.artifact_location,
            run_id=run_id,
            tags={
                "run_key": record.run_key,
                "candidate": record.best,
                "prediction_digest": record.prediction_digest,
                "artifact_sha256": model.tags["artifact_sha256"],
                "as_of": record.as_of.astimezone(UTC).isoformat(),
                "model_id": model.model_id,
                "trusted_types": json.dumps(list(record.trusted_types)),
            },
            await_creation_for=0,
        )
        return int(made.version)

    def _link(self, model: LoggedModel, version: int) -> None:
        """Tell MLflow's pages which version came of a model, as its own server does."""
        came = json.dumps([{"name": self.record.strategy, "version": version}])
        self.client.set_logged_model_tags(model.model_id, {"mlflow.modelVersions": came})

    def _log_manifest(self, parent: Run, version: int, artifact_sha256: str) -> str:
        run_id = parent.info.run_id
        manifest = self.record.manifest_of(run_id, version, artifact_sha256)
        if self.record.page_of is not None:
            log_artifacts(self.client, run_id, {REPORT: self.record.page_of(manifest)})
        return log_manifest(self.client, run_id, manifest)

    def _move_aliases(self, experiment: str, version: int) -> None:
        name = self.record.strategy
        aliases = self.client.get_registered_model(name).aliases
        # An old attempt completed late must not take the alias from a newer version.
        if int(aliases.get("challenger", 0)) < version:
            self.client.set_registered_model_alias(name, "challenger", str(version))
        if "champion" in aliases:
            return
        finished = self.client.search_runs(
            [experiment],
            "tags.role = 'retraining' AND attributes.status = 'FINISHED'",
            max_results=1,
        )
        if not finished:
            self.client.set_registered_model_alias(name, "champion", str(version))
