"""Looks into the MLflow database without MLflow: quick, read-only, and of a damaged file too.

MLflow takes seconds to import, and opening a store writes. Here a copy is read, so that what a
killed process left in the journal is rolled back there and not in the file itself.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from shadowbook.adapters.models.records import MANIFEST
from shadowbook.errors import PermanentError

_RUNS = """
SELECT runs.run_uuid, runs.status, runs.start_time, runs.end_time, tags.key, tags.value
FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid
WHERE runs.lifecycle_stage = 'active'
  AND tags.key IN ('role', 'kind', 'strategy', 'as_of', 'outcome')
"""
_REVISION = re.compile(r"^(down_revision|revision)\s*=\s*[\"']([0-9a-f]+)[\"']", re.MULTILINE)


@dataclass(frozen=True)
class Attempt:
    """One run of a flow as the database tells it, finished or not.

    Attributes
    ----------
    kind : training, ingest, gate or features.
    strategy : of a training run; empty for others.
    ended_at : None while it is unfinished.
    """

    run_id: str
    kind: str
    strategy: str
    outcome: str
    as_of: datetime | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class Inspection:
    """What the database holds.

    Attributes
    ----------
    schema, expected : revision of the file, and of the MLflow that is installed.
    finished, unfinished : runs of flows, the newest first.
    """

    schema: str
    expected: str
    finished: tuple[Attempt, ...]
    unfinished: tuple[Attempt, ...]

    def trainings(self) -> tuple[Attempt, ...]:
        """Finished training runs, the newest first."""
        return tuple(run for run in self.finished if run.strategy)


def inspect(database: Path) -> Inspection | None:
    """Look into a database; None where there is none.

    Raises
    ------
    PermanentError
        When it is damaged, or no database of MLflow.
    """
    if not database.exists():
        return None
    try:
        with TemporaryDirectory(prefix="shadowbook-inspect-") as folder:
            for name in (database.name, f"{database.name}-journal", f"{database.name}-wal"):
                if (path := database.with_name(name)).exists():
                    shutil.copyfile(path, Path(folder, name))
            with closing(sqlite3.connect(Path(folder, database.name))) as raw:
                problem = raw.execute("PRAGMA quick_check(1)").fetchone()[0]
                if problem != "ok":
                    raise sqlite3.DatabaseError(problem)
                schema = [row[0] for row in raw.execute("SELECT version_num FROM alembic_version")]
                rows = raw.execute(_RUNS).fetchall()
    except sqlite3.Error as error:
        reason = str(error).splitlines()[0]
        raise PermanentError(
            f"{database} is damaged or no database of MLflow ({reason}): restore it from a backup"
        ) from error
    runs = _attempts(rows)
    return Inspection(
        schema=", ".join(schema) or "none",
        expected=installed_schema(),
        finished=tuple(run for run in runs if run.ended_at is not None),
        unfinished=tuple(run for run in runs if run.ended_at is None),
    )


def _attempts(rows: list[tuple[Any, ...]]) -> list[Attempt]:
    tags: dict[str, dict[str, str]] = {}
    facts: dict[str, tuple[str, int, int | None]] = {}
    for run_id, status, start, end, key, value in rows:
        tags.setdefault(run_id, {})[key] = value
        facts[run_id] = (status, start, end)
    found = [
        _attempt(run_id, tags[run_id], *facts[run_id])
        for run_id in facts
        if tags[run_id].get("role") in ("retraining", "step")
    ]
    return sorted(found, key=lambda run: run.ended_at or run.started_at, reverse=True)


def _attempt(
    run_id: str, tags: Mapping[str, str], status: str, start: int, end: int | None
) -> Attempt:
    over = status == "FINISHED" and end is not None
    return Attempt(
        run_id=run_id,
        kind="training" if tags["role"] == "retraining" else tags.get("kind", "step"),
        strategy=tags.get("strategy", ""),
        outcome=tags.get("outcome", "DONE"),
        as_of=datetime.fromisoformat(tags["as_of"]) if "as_of" in tags else None,
        started_at=_moment(start),
        ended_at=_moment(end) if over and end is not None else None,
    )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def installed_schema() -> str:
    """Return the newest schema revision of the installed MLflow, read from its migrations.

    Raises
    ------
    PermanentError
        When MLflow is not installed.
    """
    spec = importlib.util.find_spec("mlflow")
    if spec is None or spec.origin is None:
        raise PermanentError("MLflow is not installed: run make setup")
    folder = Path(spec.origin).parent / "store" / "db_migrations" / "versions"
    told = [dict(_REVISION.findall(path.read_text("utf-8"))) for path in folder.glob("*.py")]
    followed = {one.get("down_revision") for one in told}
    heads = [one["revision"] for one in told if one.get("revision") not in followed]
    return ", ".join(heads) or "none"


def stored_manifest(artifacts: Path, run_id: str) -> dict[str, Any] | None:
    """Return a run's manifest without checking its digest, or None where it has none.

    Raises
    ------
    PermanentError
        When it is no JSON.
    """
    path = artifacts / run_id / "artifacts" / MANIFEST
    if not path.exists():
        return None
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise PermanentError(f"{path} is no JSON ({error}): restore it from a backup") from error
    return manifest
