"""What a run is made of, layer by layer, in the same words when recorded and when rebuilt."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import shadowbook
from shadowbook.adapters.host import Host, sha256_file
from shadowbook.core.audit import digest, digest_array
from shadowbook.core.learning.evaluation import Evaluation
from shadowbook.core.learning.features import fingerprint
from shadowbook.core.learning.fit import predict_scores
from shadowbook.core.values import BAR_FIELDS, Pin
from shadowbook.settings import Settings
from shadowbook.steps.train import Trained, describe_folds

LOCK = "requirements.lock"


def environment_layer(host: Host, lock: Path) -> dict[str, Any]:
    """Python, platform, packages."""
    return {**host.describe(), "packages": host.versions(), "lock_sha256": sha256_file(lock)}


def source_layer() -> dict[str, str]:
    """Content of the running code, wherever it was installed from."""
    package = Path(shadowbook.__file__).parent
    sources = {str(path.relative_to(package)): sha256_file(path) for path in package.rglob("*.py")}
    return {"version": shadowbook.__version__, "source_sha256": digest(sources)}


def data_layer(pins: Sequence[Pin]) -> dict[str, str]:
    """Content of every input."""
    return {pin.name: pin.md5 for pin in pins}


def features_layer(rows: pd.DataFrame, definitions: Path, names: Sequence[str]) -> dict[str, Any]:
    """Definitions, and what they gave at every decision up to the run's moment."""
    ordered = rows.sort_values(["session", "symbol"], ignore_index=True)
    columns = [name for name in ordered if name not in ("symbol", "session", "available_at")]
    return {
        "fingerprint": fingerprint(BAR_FIELDS),
        "definitions_sha256": sha256_file(definitions / "definitions.py"),
        "columns": columns,
        "names": list(names),
        "n_rows": len(ordered),
        "values": digest_array(
            ordered["session"].to_numpy("datetime64[D]").astype("int64"),
            ordered["symbol"].to_numpy(dtype=object),
            ordered["available_at"].dt.as_unit("us").astype("int64").to_numpy(),
            ordered[columns].to_numpy("float64"),
        ),
    }


def folds_layer(trained: Trained) -> dict[str, Any]:
    """Boundaries and members of every fold."""
    return {
        "folds": describe_folds(trained.dataset, trained.folds),
        "members": digest_array(*[part for fold in trained.folds for part in fold]),
        "labels": digest_array(trained.dataset.labels),
    }


def predictions_layer(trained: Trained, candidate: str, estimator: Any, settings: Settings) -> Any:
    """Digests of a candidate's out-of-sample predictions and of the final model's."""
    return {
        "out_of_sample": digest_array(trained.scores[candidate]),
        "prediction_digest": digest_array(final_predictions(trained, estimator, settings)),
    }


def final_predictions(trained: Trained, estimator: Any, settings: Settings) -> np.ndarray:
    """Predict the pinned evaluation set (the last test window) with the final model; (S, N)."""
    window = trained.folds[-1][1]
    return predict_scores(
        estimator, trained.dataset.features[window], settings.learning.min_feature_share
    )


def metrics_layer(evaluation: Evaluation) -> dict[str, float | None]:
    """Every metric's value; None where it cannot be computed, for JSON has no NaN."""
    return {
        name: None if math.isnan(metric.value) else metric.value
        for name, metric in evaluation.metrics.items()
    }


def settings_digest(settings: Settings) -> str:
    """Digest of every setting, defaults included."""
    return digest(settings.model_dump(mode="json"))


def text_sha256(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def run_key(strategy: str, parts: Mapping[str, Any]) -> str:
    """Identity of a run: the same inputs and code give the same key, so nothing is done twice."""
    return digest({"strategy": strategy, **parts})
