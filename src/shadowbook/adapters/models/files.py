"""Estimators as files: written through MLflow in the skops format, read by digest.

MLflow reads the types it may build from the model's own MLmodel file, so whoever can write the
folder can widen the list. Here the bytes are checked against the digest the registry holds, and
the list comes from the registry too; pickle is never read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.errors import ConfigError, IntegrityError, PermanentError

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import LoggedModel
    from sklearn.base import BaseEstimator

MODEL_FILE = "model.skops"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_trusted(estimator: BaseEstimator, trusted: Sequence[str], what: str) -> None:
    """Refuse an estimator holding types that nobody named.

    Raises
    ------
    ConfigError
    """
    import skops.io

    untrusted = skops.io.get_untrusted_types(data=skops.io.dumps(estimator))
    if missing := sorted(set(untrusted) - set(trusted)):
        raise ConfigError(
            f"model {what} holds {', '.join(missing)}, which skops loads only when named: add "
            "to the candidate's trusted types what may be loaded."
        )


def save_estimator(
    estimator: BaseEstimator,
    example: pd.DataFrame,
    trusted: Sequence[str],
    requirements: Sequence[str],
    logged: LoggedModel,
    folder: Path,
) -> str:
    """Write an estimator as an MLflow model with signature and input example into a new folder.

    Returns
    -------
    str
        SHA-256 of the stored estimator.
    """
    import mlflow.sklearn
    from mlflow.models import Model, infer_signature

    # An estimator fitted on an array warns when it is asked with names.
    named = hasattr(estimator, "feature_names_in_")
    predictions = estimator.predict(example if named else example.to_numpy())
    mlflow.sklearn.save_model(
        estimator,
        str(folder),
        mlflow_model=Model(
            artifact_path=logged.artifact_location,
            run_id=logged.source_run_id,
            model_uuid=logged.model_id,
            model_id=logged.model_id,
        ),
        serialization_format="skops",
        # MLflow calls a column optional where the example has a gap; every column must be given.
        signature=infer_signature(example.fillna(0.0), predictions),
        input_example=example,
        pip_requirements=list(requirements),
        skops_trusted_types=list(trusted),
    )
    return sha256_of(folder / MODEL_FILE)


def load_estimator(path: Path, sha256: str, trusted: Sequence[str], what: str) -> BaseEstimator:
    """Read an estimator whose bytes are the recorded ones.

    Raises
    ------
    IntegrityError
        The file's SHA-256 is not the recorded one.
    PermanentError
        The file is missing, or skops cannot build it with the recorded types.
    """
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    if not path.is_file():
        raise PermanentError(f"model {what} has no file {path}: restore the artifacts folder.")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise IntegrityError(
            f"model {what} in {path} has SHA-256 {found}, the registry recorded {sha256}: restore "
            "the file, or do not use this version."
        )
    try:
        return skops.io.loads(data, trusted=list(trusted))
    except (UntrustedTypesFoundException, ImportError, AttributeError) as error:
        raise PermanentError(
            f"model {what} cannot be built here ({error}): install the code it was made with."
        ) from error
