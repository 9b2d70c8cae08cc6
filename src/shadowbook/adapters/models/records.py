"""What one retraining hands to the model registry, and what the registry hands back."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shadowbook.core.values import Pin
from shadowbook.errors import ConfigError, SchemaError

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import BaseEstimator

Artifact = Path | bytes | str
"""A file or folder to copy, or the content itself."""

MANIFEST, REPORT = "manifest.json", "report.html"

OURS = (MANIFEST, REPORT)
"""Artifacts that the registry writes by itself."""

STEPS = "shadowbook-steps"
"""Experiment of the runs that train nothing; a strategy's name has no hyphen."""

RESERVED_TAGS = frozenset(
    {"role", "run_key", "strategy", "as_of", "feature_service", "candidate", "kind", "oos_digest"}
    | {"model_version", "artifact_sha256", "manifest_sha256", "outcome"}
)
"""Tags that the registry finds its way by; a caller's own tags may not be called so."""

_RUN_KEY = re.compile(r"[0-9a-f]{64}")
_STRATEGY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class CandidateRecord:
    """One candidate as it was fitted over all folds.

    Attributes
    ----------
    name, kind : unique in its retraining; the kind of estimator.
    parameters : flat; values are stored as text.
    metrics : out-of-sample numbers; NaN = not computable, infinity is refused.
    oos_digest : SHA-256 of the out-of-sample predictions.
    artifacts : path inside the run -> file, folder or content.
    fold_metrics : name -> one value a fold, in fold order.
    """

    name: str
    kind: str
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    oos_digest: str
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    fold_metrics: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingRecord:
    """One retraining, ready to be recorded.

    Attributes
    ----------
    run_key : SHA-256 (64 hex digits) of everything that went in; the same key is the same run.
    strategy : also the name of the registered model.
    as_of : aware; what the run knew.
    parameters, metrics, tags : of the run as a whole; metrics as for a candidate.
    pins : the data the run read.
    feature_service : name of the Feast feature service.
    candidates : every candidate fitted, in order.
    best : name of the candidate that is registered.
    prediction_digest : SHA-256 of the final model's predictions on the pinned evaluation set.
    estimator : the best candidate, fitted on everything.
    trusted_types : skops types beyond its own list that may be loaded.
    input_example : a few rows of features, float64 columns in the order of the fit.
    pip_requirements : what a process needs to load the model.
    manifest_of : (run id, model version, artifact SHA-256) -> the manifest, plain JSON values.
    page_of : manifest -> the run's report, HTML; None: there is none.
    artifacts : as for a candidate.
    """

    run_key: str
    strategy: str
    as_of: datetime
    parameters: Mapping[str, object]
    metrics: Mapping[str, float]
    pins: tuple[Pin, ...]
    feature_service: str
    candidates: tuple[CandidateRecord, ...]
    best: str
    prediction_digest: str
    estimator: BaseEstimator
    trusted_types: Sequence[str]
    input_example: pd.DataFrame
    pip_requirements: Sequence[str]
    manifest_of: Callable[[str, int, str], Mapping[str, object]]
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    page_of: Callable[[Mapping[str, object]], str] | None = None

    @property
    def best_candidate(self) -> CandidateRecord:
        """The candidate that is registered."""
        return next(c for c in self.candidates if c.name == self.best)


@dataclass(frozen=True)
class StepRecord:
    """One run of a step that trains nothing, ready to be recorded.

    Attributes
    ----------
    kind : which step: ingest, gate, features.
    run_key : SHA-256 of everything that went in and of what came out; the same key is the same run.
    as_of : aware; what the run knew.
    outcome : what it came to, one word.
    pins, made : the data it read, and the data it wrote.
    manifest_of : run id -> the manifest, plain JSON values.
    """

    kind: str
    run_key: str
    as_of: datetime
    outcome: str
    pins: tuple[Pin, ...]
    made: tuple[Pin, ...]
    manifest_of: Callable[[str], Mapping[str, object]]


@dataclass(frozen=True)
class LoggedCandidate:
    """One candidate as the registry remembers it; parameters come back as text."""

    name: str
    kind: str
    run_id: str
    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    fold_metrics: Mapping[str, tuple[float, ...]]
    oos_digest: str


@dataclass(frozen=True)
class LoggedTrial:
    """One candidate that was fitted for a strategy, whatever became of its run.

    Attributes
    ----------
    run_id : of the retraining that it was fitted in.
    as_of : what that run knew; None where the run itself is gone.
    finished : that run was recorded to its end.
    deleted : somebody deleted it in MLflow.
    chosen : it was registered, as ``model_version``; None for runs that did not finish.
    sharpe, sharpe_standard_error : annual, after costs, out of sample; NaN = not recorded.
    """

    run_id: str
    candidate: str
    as_of: datetime | None
    finished: bool
    deleted: bool
    chosen: bool
    model_version: int | None
    sharpe: float
    sharpe_standard_error: float


def check_run_key(run_key: str) -> None:
    """Refuse what is not a SHA-256 in hexadecimal.

    Raises
    ------
    ConfigError
    """
    if not _RUN_KEY.fullmatch(run_key):
        raise ConfigError(
            f"run key {run_key!r} is not a SHA-256: give its 64 lower-case hex digits."
        )


def check_strategy(strategy: str) -> None:
    """Refuse a name that MLflow cannot register or search for.

    Raises
    ------
    ConfigError
    """
    if not _STRATEGY.fullmatch(strategy):
        raise ConfigError(
            f"strategy {strategy!r} cannot name a model: use letters, digits, '.', '_' and '-'."
        )


def check_record(record: TrainingRecord) -> None:
    """Refuse a record that contradicts itself, before anything is written.

    Raises
    ------
    ConfigError
        Bad run key, strategy, naive as_of, unknown best, repeated candidate, reserved tag, an
        artifact path that leaves the run, or an artifact file that is not there.
    SchemaError
        An infinite metric: MLflow would store the largest float in its place.
    """
    check_run_key(record.run_key)
    check_strategy(record.strategy)
    if record.as_of.utcoffset() is None:
        raise ConfigError(f"as_of {record.as_of} of {record.strategy} is naive: give it a zone.")
    names = [c.name for c in record.candidates]
    if record.best not in names or len(set(names)) != len(names):
        raise ConfigError(
            f"candidates {names} of {record.strategy} must be named once each and hold the best, "
            f"{record.best!r}."
        )
    if taken := sorted(RESERVED_TAGS & set(record.tags)):
        raise ConfigError(f"tags {taken} of {record.strategy} are the registry's own: rename them.")
    _check_content(record.strategy, record.metrics, record.artifacts)
    for candidate in record.candidates:
        folds = {f"{k}[{i}]": v for k, x in candidate.fold_metrics.items() for i, v in enumerate(x)}
        where = f"{record.strategy}/{candidate.name}"
        _check_content(where, {**candidate.metrics, **folds}, candidate.artifacts)


def _check_content(
    where: str, metrics: Mapping[str, float], artifacts: Mapping[str, Artifact]
) -> None:
    for name, value in metrics.items():
        if math.isinf(value):
            raise SchemaError(
                f"metric {name} of {where} is {value}: give NaN where it cannot be computed."
            )
    for path, content in artifacts.items():
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or not parts.name or path in OURS:
            raise ConfigError(
                f"artifact path {path!r} of {where} is not allowed: use a path inside the run "
                f"other than {' and '.join(OURS)}."
            )
        if isinstance(content, Path) and not content.exists():
            raise ConfigError(f"artifact {path!r} of {where} has no file {content}: make it first.")
