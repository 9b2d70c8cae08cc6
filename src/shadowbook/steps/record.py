"""What a retraining leaves in the registry: candidates, artifacts, and the manifest."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from shadowbook.adapters.code.code import CodeState
from shadowbook.adapters.host import sha256_file
from shadowbook.adapters.models.records import Artifact, CandidateRecord, TrainingRecord
from shadowbook.core.audit import digest_array
from shadowbook.core.learning.candidates import trusted_types
from shadowbook.core.learning.dataset import Dataset
from shadowbook.core.learning.fit import fit_final
from shadowbook.core.values import Metric, Pin
from shadowbook.serialization import plain
from shadowbook.settings import Settings
from shadowbook.steps import drift_file, layers
from shadowbook.steps.audit_files import audit_files
from shadowbook.steps.baseline import BACKTEST, baseline, packed
from shadowbook.steps.drift_profile import profile_of
from shadowbook.steps.known import service_name
from shadowbook.steps.manifest import common, parents, told
from shadowbook.steps.measure import EQUITY, INFORMATION_COEFFICIENT, Evaluated, tested_of
from shadowbook.steps.stored import PATCH, digests
from shadowbook.steps.train import Trained, describe_folds, fit_policy, out_of_sample_frame
from shadowbook.workspace import INSTALLATION, Workspace

EXAMPLE_ROWS = 5
CANDIDATES = "candidates"
"""Folder of each candidate's own plots, under the strategy's build folder."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """Everything that decides what a run gives.

    Attributes
    ----------
    features : the manifest's layer of that name.
    key : identity of the run.
    """

    code: CodeState
    dataset: Dataset
    pins: tuple[Pin, ...]
    features: dict[str, Any]
    key: str


def training_record(
    workspace: Workspace,
    inputs: Inputs,
    trained: Trained,
    evaluated: Evaluated,
    cause: Mapping[str, Any] | None = None,
) -> TrainingRecord:
    """Fit the best candidate on everything and put the whole run together.

    Parameters
    ----------
    cause : what it answers, ``alert`` and more; None where nothing but its time asked for it.
    """
    settings = workspace.settings
    best = evaluated.best
    estimator = final_fit(trained, best, settings)
    made = _layers(workspace, inputs, trained, evaluated, estimator)
    candidates = _candidates(settings, trained, evaluated)
    artifacts = _artifacts(workspace, inputs, trained, evaluated, estimator)
    manifest = {
        **common(workspace, "training", trained.as_of, inputs.code),
        "run_key": inputs.key,
        "outcome": "DONE",
        "strategy": trained.strategy,
        "candidate": best,
        "prediction_digest": made["predictions"]["prediction_digest"],
        "seed": settings.seed,
        "pins": told(inputs.pins),
        "made": {},
        "parents": parents(workspace, inputs.pins),
        "verdicts": plain(trained.verdicts),
        "dvc_lock_sha256": sha256_file(workspace.root / "dvc.lock"),
        "candidates": candidates,
        "artifacts": digests(artifacts),
        "layers": made,
        **({"cause": dict(cause)} if cause else {}),
    }

    def manifest_of(run_id: str, version: int, artifact_sha256: str) -> Mapping[str, object]:
        own = {"run_id": run_id, "model_version": version, "artifact_sha256": artifact_sha256}
        return {**own, **manifest}

    packages = made["environment"]["packages"]
    return TrainingRecord(
        run_key=inputs.key,
        strategy=trained.strategy,
        as_of=trained.as_of,
        parameters=_parameters(settings, trained),
        metrics={name: m.value for name, m in evaluated.evaluations[best].metrics.items()},
        pins=inputs.pins,
        feature_service=service_name(workspace, trained.strategy),
        candidates=tuple(
            _record(item, workspace.build / trained.strategy / CANDIDATES) for item in candidates
        ),
        best=best,
        prediction_digest=manifest["prediction_digest"],
        estimator=estimator,
        trusted_types=trusted_types(estimator),
        input_example=_example(trained.dataset),
        pip_requirements=[f"{name}=={packages[name]}" for name in ("scikit-learn", "skops")],
        manifest_of=manifest_of,
        artifacts=artifacts,
        tags={"cause": str(cause["alert"])} if cause else {},
    )


def final_fit(trained: Trained, candidate: str, settings: Settings) -> Any:
    """Fit a candidate on the labels that its strategy's window takes of all there are."""
    dataset = trained.dataset
    own, policy = settings.learning.candidates[candidate], fit_policy(settings, trained.strategy)
    return fit_final(own, dataset.features, dataset.labels, dataset.names, policy)


def _layers(
    workspace: Workspace, inputs: Inputs, trained: Trained, evaluated: Evaluated, estimator: Any
) -> dict[str, Any]:
    return {
        "environment": layers.environment_layer(workspace.host, INSTALLATION / layers.LOCK),
        "code": layers.source_layer(),
        "data": layers.data_layer(inputs.pins),
        "features": inputs.features,
        "folds": layers.folds_layer(trained),
        "predictions": layers.predictions_layer(
            trained, evaluated.best, estimator, workspace.settings
        ),
        "metrics": layers.metrics_layer(evaluated.evaluations[evaluated.best]),
    }


def _candidates(settings: Settings, trained: Trained, evaluated: Evaluated) -> list[dict[str, Any]]:
    """Describe every candidate ever tried in this run, best first."""
    policies = settings.learning.candidates
    return [
        {
            "name": name,
            "kind": policies[name].kind,
            "parameters": dict(policies[name].parameters),
            "out_of_sample": digest_array(trained.scores[name]),
            "n_train": list(trained.n_train[name]),
            "metrics": {metric: _metric(m) for metric, m in found.metrics.items()},
        }
        for name, found in evaluated.evaluations.items()
    ]


def _record(item: Mapping[str, Any], plots: Path) -> CandidateRecord:
    values = {}
    for name, metric in item["metrics"].items():
        values[name] = math.nan if metric["value"] is None else metric["value"]
        error = metric["standard_error"]
        values[f"{name}_standard_error"] = math.nan if error is None else error
    return CandidateRecord(
        name=item["name"],
        kind=item["kind"],
        parameters=item["parameters"],
        metrics=values,
        oos_digest=item["out_of_sample"],
        artifacts={
            f"plots/{name}": plots / item["name"] / name
            for name in (INFORMATION_COEFFICIENT, EQUITY)
        },
    )


def _metric(metric: Metric) -> dict[str, Any]:
    return {
        "value": None if math.isnan(metric.value) else metric.value,
        "standard_error": None if math.isnan(metric.standard_error) else metric.standard_error,
        "n_obs": metric.n_obs,
        "status": metric.status,
        "reason": metric.reason,
    }


def _parameters(settings: Settings, trained: Trained) -> dict[str, object]:
    strategy = settings.strategy(trained.strategy)
    return {
        "horizon": strategy.horizon,
        "label": strategy.label.transform,
        "n_splits": len(trained.folds),
        "embargo": settings.learning.splits.embargo,
        "cost_bps": settings.learning.evaluation.cost_bps,
        "selection": settings.learning.selection,
        "window": settings.window_of(trained.strategy).kind,
        "seed": settings.seed,
        "symbols": len(trained.dataset.symbols),
        "features": len(trained.dataset.names),
    }


def _example(dataset: Dataset) -> pd.DataFrame:
    """Return the newest complete feature rows."""
    flat = dataset.features.reshape(-1, len(dataset.names))
    known = np.flatnonzero(np.isfinite(flat).all(axis=1))[-EXAMPLE_ROWS:]
    return pd.DataFrame(flat[known], columns=list(dataset.names))


def _artifacts(
    workspace: Workspace, inputs: Inputs, trained: Trained, evaluated: Evaluated, estimator: Any
) -> dict[str, Artifact]:
    folder = workspace.build / trained.strategy
    window = trained.folds[-1][1]
    final = layers.final_predictions(trained, estimator, workspace.settings)
    evaluation_set = pd.DataFrame(
        final,
        index=pd.Index(trained.dataset.sessions[window].astype("datetime64[us]"), name="session"),
        columns=list(trained.dataset.symbols),
    ).reset_index()
    folds = {"folds": describe_folds(trained.dataset, trained.folds)}
    backtest = baseline(tested_of(trained), evaluated, workspace.settings)
    profile = profile_of(trained.dataset, estimator, backtest, workspace.settings, trained.strategy)
    return {
        "predictions/out_of_sample.parquet": _parquet(out_of_sample_frame(trained)),
        "predictions/evaluation_set.parquet": _parquet(evaluation_set),
        BACKTEST: packed(backtest),
        drift_file.PROFILE: drift_file.packed(profile),
        "folds.json": json.dumps(folds, indent=1),
        "gate/market.json": (workspace.market.accepted.folder / "verdict.json"),
        "metrics.json": folder / "metrics.json",
        "plots/information_coefficient.png": folder / "information_coefficient.png",
        "plots/equity.png": folder / "equity.png",
        "plots/drift.html": folder / "drift.html",
        PATCH: inputs.code.patch,
        **audit_files(workspace.settings, trained.as_of, inputs.pins),
    }


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()
