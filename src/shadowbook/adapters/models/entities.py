"""Logs our records as MLflow's entities, in as few transactions as it allows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shadowbook.adapters.models.files import sha256_of
from shadowbook.adapters.models.records import MANIFEST, Artifact
from shadowbook.core.values import Pin
from shadowbook.errors import SchemaError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Metric, Run

_MOST_TEXTS = 100  # MLflow's limit of parameters or tags in one batch


def log_batch(
    client: MlflowClient,
    run_id: str,
    metrics: Sequence[Metric] = (),
    params: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
) -> None:
    """Log numbers and texts; MLflow cuts a parameter after 6,000 characters."""
    from mlflow.entities import Param, RunTag

    texts = [Param(k, str(v)) for k, v in (params or {}).items()]
    marks = [RunTag(k, str(v)) for k, v in (tags or {}).items()]
    client.log_batch(run_id, metrics, texts[:_MOST_TEXTS], marks, synchronous=True)
    for start in range(_MOST_TEXTS, len(texts), _MOST_TEXTS):
        client.log_batch(run_id, params=texts[start : start + _MOST_TEXTS], synchronous=True)


def log_artifacts(client: MlflowClient, run_id: str, artifacts: Mapping[str, Artifact]) -> None:
    """Log artifacts under their paths inside the run."""
    if not artifacts:
        return
    with TemporaryDirectory(prefix="shadowbook-artifacts-") as folder:
        for name, content in artifacts.items():
            _place(content, Path(folder, name))
        client.log_artifacts(run_id, folder)


def log_manifest(client: MlflowClient, run_id: str, manifest: Mapping[str, object]) -> str:
    """Log a run's manifest as JSON and return its SHA-256.

    Raises
    ------
    SchemaError
        When it is not JSON.
    """
    try:
        text = json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            f"the manifest of run {run_id} is not JSON ({error}): give plain values, and null "
            "for what cannot be computed."
        ) from error
    with TemporaryDirectory(prefix="shadowbook-manifest-") as folder:
        path = Path(folder, MANIFEST)
        path.write_text(text + "\n", encoding="utf-8")
        client.log_artifact(run_id, str(path))
        return sha256_of(path)


def _place(content: Artifact, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        target.write_bytes(content)
    elif isinstance(content, str):
        target.write_text(content, encoding="utf-8")
    elif content.is_dir():
        shutil.copytree(content, target)
    else:
        shutil.copy2(content, target)


def metrics_of(
    values: Mapping[str, float], run: Run, step: int = 0, model_id: str | None = None
) -> list[Metric]:
    """Date metrics at the run's own start, so that a second attempt adds none.

    MLflow drops the exact repetition of a metric: name, time, step and value. NaN stays NaN.
    """
    from mlflow.entities import Metric

    at = run.info.start_time
    return [Metric(k, float(v), at, step, model_id=model_id) for k, v in values.items()]


def dataset_of(pin: Pin) -> DatasetInput:
    """Turn a pin into a dataset input with source ``dvc://<md5>``.

    The entity itself: ``mlflow.data.from_pandas(source="dvc://...")`` raises, and reads the data.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": f"dvc://{pin.md5}", "path": pin.path})
    profile = json.dumps({"size_bytes": pin.size_bytes, "n_files": pin.n_files})
    dataset = Dataset(pin.name, pin.md5, "dvc", source, profile=profile)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])
