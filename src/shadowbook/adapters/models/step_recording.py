"""Writes one run of a step into MLflow so that a kill at any moment loses and doubles nothing.

A run is found again by its key, which MLflow writes in the same transaction as the run itself; it
counts only when it is FINISHED, which is written last, after the manifest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.adapters.disk import sync_tree
from shadowbook.adapters.models.entities import dataset_of, log_batch, log_manifest
from shadowbook.adapters.models.records import STEPS, StepRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

ROLE = "step"


@dataclass(frozen=True)
class StepRecording:
    """One attempt at recording; ``folder`` is where MLflow keeps the artifacts."""

    client: MlflowClient
    folder: Path
    record: StepRecord

    def complete(self) -> str:
        """Bring the record from whatever is there to FINISHED and return the run's id."""
        record, client = self.record, self.client
        run = self._run(self._experiment())
        run_id = str(run.info.run_id)
        if run.info.status == "FINISHED":
            return run_id
        if record.pins:
            client.log_inputs(run_id, [dataset_of(pin) for pin in record.pins])
        digest = log_manifest(client, run_id, record.manifest_of(run_id))
        log_batch(client, run_id, tags={"manifest_sha256": digest})
        sync_tree(self.folder / run_id)
        client.set_terminated(run_id, "FINISHED")
        return run_id

    def _experiment(self) -> str:
        found = self.client.get_experiment_by_name(STEPS)
        if found is not None:
            return str(found.experiment_id)
        return str(self.client.create_experiment(STEPS, self.folder.as_uri(), {"role": ROLE}))

    def _run(self, experiment: str) -> Run:
        record = self.record
        found = self.client.search_runs(
            [experiment], f"tags.role = '{ROLE}' AND tags.run_key = '{record.run_key}'"
        )
        if found:
            return found[0]
        tags = {
            "role": ROLE,
            "run_key": record.run_key,
            "kind": record.kind,
            "as_of": record.as_of.astimezone(UTC).isoformat(),
            "outcome": record.outcome,
            "mlflow.source.name": "shadowbook",
            **{f"made.{pin.name}": pin.md5 for pin in record.made},
        }
        name = f"{record.kind} {record.as_of.astimezone(UTC):%Y-%m-%d}"
        return self.client.create_run(experiment, tags=tags, run_name=name)
