"""Feast's registry: opening a store in a workspace, registering definitions, its errors in ours."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import sys
import threading
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from shadowbook.errors import ConfigError, PermanentError, TransientError

if TYPE_CHECKING:
    from feast import FeatureService, FeatureStore, FeatureView

_ONE_AT_A_TIME = threading.RLock()

SESSION = "session"
"""The value beside the features of a row that says which session it is about."""


def _import_feast() -> None:
    """Import Feast and undo what that does to the whole process.

    It replaces warning filters, and switches prometheus_client, in this process and in those it
    starts, to files in a temporary folder.
    """
    if "feast" in sys.modules:
        return
    names = ("PROMETHEUS_MULTIPROCESS_DIR", "PROMETHEUS_MULTIPROC_DIR")
    before = {name: os.environ.get(name) for name in names}
    import prometheus_client  # noqa: F401 (imported before the switch, it keeps to memory)

    with warnings.catch_warnings():
        import feast  # noqa: F401
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)


def open_store(repo_folder: Path, data_folder: Path) -> FeatureStore:
    """Open the store that ``feature_store.yaml`` describes, with its state in ``data_folder``.

    Raises
    ------
    ConfigError
        When the file is missing or Feast refuses it.
    """
    _import_feast()
    import yaml
    from feast import FeatureStore, RepoConfig
    from pydantic import ValidationError

    path = repo_folder / "feature_store.yaml"
    try:
        settings = yaml.safe_load(path.read_text("utf-8"))
        settings["registry"]["path"] = str(data_folder / "registry.db")
        settings["online_store"]["path"] = str(data_folder / "online.db")
        config = RepoConfig(**settings, repo_path=repo_folder)
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing: restore it from the repository") from error
    except (yaml.YAMLError, KeyError, TypeError, ValidationError) as error:
        raise ConfigError(f"{path} is not a Feast configuration: {error}") from error
    data_folder.mkdir(parents=True, exist_ok=True)
    return FeatureStore(config=config)


def register(
    store: FeatureStore,
    repo_folder: Path,
    log_folder: Path,
    columns: Collection[str],
    services: Mapping[str, Sequence[str]],
) -> bool:
    """Make the registry hold these views and services, and no other service.

    Returns
    -------
    False when it did already and nothing was written.
    """
    entity, views = _definitions(repo_folder).define(log_folder, columns)
    wanted = [_service(name, features, views) for name, features in services.items()]
    with guarded("registering features"):
        held_views, held = _held(store)
        online = Path(store.config.online_store.path)
        if online.exists() and _signature(views, wanted) == _signature(held_views, held):
            return False
        store.apply([entity, *views, *wanted])
        for service in held:
            if service.name not in services:
                store.delete_feature_service(service.name)
        store.refresh_registry()
    return True


def _held(store: FeatureStore) -> tuple[list[FeatureView], list[FeatureService]]:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        return store.list_feature_views(), store.list_feature_services()
    except DecodeError:
        # A kill while Feast wrote it; all it held comes from the definitions and the strategies.
        Path(store.config.registry.path).unlink()
        return store.list_feature_views(), store.list_feature_services()


def _service(name: str, features: Sequence[str], views: Sequence[FeatureView]) -> FeatureService:
    """Make a service; its first view brings the session along."""
    from feast import FeatureService

    owner = {field.name: view for view in reversed(views) for field in view.features}
    unknown = [feature for feature in features if feature not in owner or feature == SESSION]
    if unknown:
        raise ConfigError(
            f"strategy {name} asks for feature {unknown[0]!r}, which no view in "
            "feature_repo/definitions.py has: add it there"
        )
    projections: list[FeatureView] = []
    for view in views:
        chosen = [feature for feature in features if owner[feature] is view]
        if chosen:
            projections.append(view[chosen if projections else [SESSION, *chosen]])
    return FeatureService(name=name, features=projections)


def _signature(views: Sequence[FeatureView], services: Sequence[FeatureService]) -> object:
    """Tell what a query depends on: registries with the same signature answer alike."""
    return (
        sorted(
            (
                view.name,
                view.ttl,
                view.batch_source.path,
                view.batch_source.timestamp_field,
                sorted((field.name, str(field.dtype)) for field in view.features),
            )
            for view in views
        ),
        sorted(
            (
                service.name,
                [
                    (projection.name, [field.name for field in projection.features])
                    for projection in service.feature_view_projections
                ],
            )
            for service in services
        ),
    )


def _definitions(repo_folder: Path) -> ModuleType:
    path = repo_folder / "definitions.py"
    spec = importlib.util.spec_from_file_location("shadowbook_feature_definitions", path)
    if spec is None or spec.loader is None or not path.exists():
        raise ConfigError(f"{path} is missing: restore it from the repository")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def guarded(action: str) -> Iterator[None]:
    """Make one call into Feast at a time, and turn its, DuckDB's and SQLite's errors into ours.

    Every store of a process shares one DuckDB connection, which refuses a second caller.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        _import_feast()
        from duckdb import Error as DuckError
        from feast.errors import FeastError, FeatureServiceNotFoundException
        from google.protobuf.message import DecodeError
        from ibis.common.exceptions import IbisError  # type: ignore[import-untyped]
        from pyarrow import ArrowException

        # ibis calls a DuckDB method that is about to be renamed.
        warnings.filterwarnings("ignore", "fetch_arrow_table", DeprecationWarning)
        try:
            yield
        except FeatureServiceNotFoundException as error:
            raise ConfigError(
                f"{action}: the strategy was not registered; run `shadowbook features` first"
            ) from error
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise TransientError(f"{action}: the online store is locked; try again") from error
            raise PermanentError(
                f"{action}: the online store cannot be used ({error}); delete online.db and run "
                "`shadowbook features`"
            ) from error
        except DecodeError as error:
            raise PermanentError(
                f"{action}: registry.db is damaged; run `shadowbook features`, which writes it anew"
            ) from error
        except (FeastError, DuckError, IbisError, ArrowException, OSError) as error:
            raise PermanentError(f"{action} failed in Feast: {error}") from error


def view_features(store: FeatureStore) -> dict[str, tuple[str, ...]]:
    """Return the registered views and their features, in the order of their names."""
    with guarded("listing feature views"):
        views: Sequence[Any] = store.list_feature_views(allow_cache=True)
    return {
        view.name: tuple(field.name for field in view.features if field.name != SESSION)
        for view in sorted(views, key=lambda view: str(view.name))
    }
