"""Estimators of a replay: one file a version, checked against the digest kept beside it.

A replay makes models by the dozen that nobody serves, so they do not go through the registry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.adapters.disk import replace_file, replace_text
from shadowbook.adapters.models.files import check_trusted, load_estimator
from shadowbook.errors import IntegrityError

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


class ModelShelf:
    """Estimators under ``folder``, by strategy and version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(
        self,
        strategy: str,
        version: int,
        estimator: BaseEstimator,
        trusted: Sequence[str],
        about: Mapping[str, str],
        backtest: bytes,
    ) -> None:
        """Store an estimator; the note with its digest, and what it is, is written last.

        Parameters
        ----------
        backtest : what it did out of sample, as a file's content.

        Raises
        ------
        ConfigError
            When it holds a type that ``trusted`` does not name.
        """
        import skops.io

        check_trusted(estimator, trusted, f"{strategy}/{version}")
        data = skops.io.dumps(estimator)
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_file(self._file(strategy, version), lambda path: path.write_bytes(data))
        record = self._backtest(strategy, version)
        replace_file(record, lambda path: path.write_bytes(backtest))
        note = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "backtest_sha256": hashlib.sha256(backtest).hexdigest(),
            "trusted": list(trusted),
            "about": dict(about),
        }
        replace_text(self._note(strategy, version), json.dumps(note) + "\n")

    def load(self, strategy: str, version: int) -> tuple[BaseEstimator, dict[str, str]] | None:
        """Read an estimator and what it is back; None when it was not kept to the end.

        Raises
        ------
        IntegrityError
            When the file is not the one that was kept.
        """
        note = self._note(strategy, version)
        if not note.exists():
            return None
        kept = json.loads(note.read_text("utf-8"))
        path = self._file(strategy, version)
        what = f"{strategy}/{version}"
        return load_estimator(path, kept["sha256"], kept["trusted"], what), kept["about"]

    def backtest(self, strategy: str, version: int) -> bytes | None:
        """Read what a version did out of sample; None when it was not kept (to the end).

        Raises
        ------
        IntegrityError
            When the file is not the one that was kept.
        """
        note = self._note(strategy, version)
        if not note.exists():
            return None
        path, kept = self._backtest(strategy, version), json.loads(note.read_text("utf-8"))
        if "backtest_sha256" not in kept:
            return None
        data = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(data).hexdigest() != kept["backtest_sha256"]:
            raise IntegrityError(
                f"{path} is not the backtest that was kept: delete the replay's folder to begin "
                "again"
            )
        return data

    def _backtest(self, strategy: str, version: int) -> Path:
        return self.folder / f"{strategy}-{version}.backtest.parquet"

    def _file(self, strategy: str, version: int) -> Path:
        return self.folder / f"{strategy}-{version}.skops"

    def _note(self, strategy: str, version: int) -> Path:
        return self.folder / f"{strategy}-{version}.json"
