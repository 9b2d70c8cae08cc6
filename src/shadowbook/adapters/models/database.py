"""Opens the MLflow database and translates its errors.

Only SQLite databases are made here. MLflow would migrate an empty or older database where it
lies, statement by statement: a kill in between leaves a file that neither opens nor migrates
again. So a new one is made aside and linked into place whole, and an existing one is opened only
if its schema is exactly this MLflow's.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.adapters.disk import sync_folder
from shadowbook.errors import AdapterError, ConfigError, PermanentError, TransientError

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"
PATIENCE_SECONDS = 20.0
"""How long an opening waits for another process; MLflow waits as long for a write."""

_BUSY = ("database is locked", "database table is locked", "database is busy")


def database_path(tracking_uri: str) -> Path | None:
    """Where the SQLite database lies; None for a server's address.

    Raises
    ------
    ConfigError
        A relative path: it would depend on the working directory.
    """
    if not tracking_uri.startswith(_SQLITE):
        return None
    path = Path(tracking_uri.removeprefix(_SQLITE))
    if not path.is_absolute():
        raise ConfigError(
            f"tracking_uri {tracking_uri} is relative: give an absolute path (four slashes)."
        )
    return path


def open_client(tracking_uri: str, artifact_folder: Path) -> MlflowClient:
    """Open the tracking store and registry, making an SQLite database that is not there yet.

    No global state of MLflow is set: several workspaces live side by side in one process.

    Raises
    ------
    PermanentError
        The database is not MLflow's, or of another version's schema.
    TransientError
        Another process holds the database.
    """
    with translated(f"open {tracking_uri}"):
        from mlflow import MlflowClient

        _quiet()
        path = database_path(tracking_uri)
        if path is not None:
            if not path.exists():
                _make_database(path, artifact_folder)
            _check_schema(path)
        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def _quiet() -> None:
    """MLflow and alembic talk on the root handler; what matters of it comes as our errors."""
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It prints the traceback of every database error that is raised and translated anyway.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    # Its own type hints, judged by itself as it imports.
    warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType", UserWarning)


def _make_database(path: Path, artifact_folder: Path) -> None:
    from mlflow.store.db import utils
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy import event

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".making-") as folder:
        aside = Path(folder, path.name)
        engine = utils.create_sqlalchemy_engine(f"{_SQLITE}{aside}")
        # Some 400 small commits; the file is synced once, when it is whole.
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous = OFF"))
        utils._initialize_tables(engine)
        engine.dispose()
        # Opened once with our folder: the default experiment would else lie where we stand.
        SqlAlchemyStore(f"{_SQLITE}{aside}", artifact_folder.as_uri()).engine.dispose()
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        try:
            path.hardlink_to(aside)
        except FileExistsError:
            return  # another process was first, and its database is as good
        sync_folder(path.parent)


LOCATIONS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Where MLflow keeps absolute addresses of files that lie in the artifact folder."""


def settle(path: Path, artifact_folder: Path) -> None:
    """Let the database know where its files lie now, after its workspace was moved or copied.

    MLflow keeps absolute addresses: a copy would else write into the folder it was copied from.
    One transaction, so a kill leaves either the old addresses or the new ones.
    """
    here = artifact_folder.as_uri()
    with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS)) as raw, raw:
        query = "SELECT artifact_location FROM experiments WHERE experiment_id = 0"
        found = [row[0].removesuffix("/0") for row in raw.execute(query)]
        for there in found:
            if there == here:
                continue
            for table, column in LOCATIONS:
                raw.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - our names
                    f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                    (here, len(there) + 1, there, len(there) + 1, f"{there}/"),
                )


def _check_schema(path: Path) -> None:
    from mlflow import __version__
    from mlflow.store.db.utils import _get_latest_schema_revision

    try:
        # Not read-only: what a killed process left in the journal is rolled back by who may write.
        with closing(
            sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=PATIENCE_SECONDS)
        ) as raw:
            found = [row[0] for row in raw.execute("SELECT version_num FROM alembic_version")]
    except sqlite3.DatabaseError as error:
        if _is_busy(error):
            raise
        raise PermanentError(
            f"{path} is not a database of MLflow ({error}): move it away, or restore it."
        ) from error
    expected = _get_latest_schema_revision()
    if found != [expected]:
        raise PermanentError(
            f"{path} has the schema {', '.join(found) or 'none'} of another MLflow; {__version__} "
            f"has {expected}: install the MLflow that wrote it, or, if it is older, back the file "
            f"up and run `mlflow db upgrade sqlite:///{path}`."
        )


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Translate what MLflow, SQLAlchemy and the disk raise, keeping the cause.

    Raises
    ------
    TransientError
        The database is held by another process.
    PermanentError
        Everything else.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise _ours(error, doing) from error


def _ours(error: Exception, doing: str) -> AdapterError:
    if _is_busy(error):
        return TransientError(f"cannot {doing}: another process holds the database; try again.")
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return PermanentError(f"cannot {doing}: {reason}.")


def _is_busy(error: Exception) -> bool:
    return any(text in str(error).lower() for text in _BUSY)
