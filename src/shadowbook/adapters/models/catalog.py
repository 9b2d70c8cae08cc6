"""Looks things up in MLflow; makes no database to find out that there is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.adapters.models.database import database_path, open_client, translated
from shadowbook.adapters.models.records import check_strategy

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion


class Catalog:
    """What the tracking store and the registry of one workspace hold.

    Parameters
    ----------
    tracking_uri, folder : as for ``Models``; the database is made when the client is first used.
    """

    def __init__(self, tracking_uri: str, folder: Path) -> None:
        self._uri = tracking_uri
        self._database = database_path(tracking_uri)
        self._folder = folder

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client of this workspace alone."""
        return open_client(self._uri, self._folder)

    @property
    def nothing_yet(self) -> bool:
        """True before the first record."""
        return self._database is not None and not self._database.exists()

    def version(self, strategy: str, number: int) -> ModelVersion | None:
        """Return a version of a strategy's model, None without it."""
        check_strategy(strategy)
        if self.nothing_yet:
            return None
        client = self.client
        with translated(f"read model {strategy}"):
            found = client.search_model_versions(f"name = '{strategy}'")
        return next((v for v in found if int(v.version) == number), None)

    def aliases(self, strategy: str) -> Mapping[str, str]:
        """Return alias -> version of a strategy's model."""
        check_strategy(strategy)
        if self.nothing_yet:
            return {}
        client = self.client
        with translated(f"read model {strategy}"):
            found = client.search_registered_models(f"name = '{strategy}'")
            return found[0].aliases if found else {}

    def runs(
        self,
        where: str,
        order: str = "attributes.end_time DESC",
        deleted: bool = False,
        role: str = "retraining",
    ) -> list[Run]:
        """Return runs that match, of the experiments of a role.

        Parameters
        ----------
        where, order : in MLflow's search language.
        deleted : also those that somebody deleted in MLflow.
        """
        if self.nothing_yet:
            return []
        client = self.client
        with translated(f"search {self._uri}"):
            from mlflow.entities import ViewType

            view = ViewType.ALL if deleted else ViewType.ACTIVE_ONLY
            experiments = client.search_experiments(view, filter_string=f"tags.role = '{role}'")
            ids = [e.experiment_id for e in experiments]
            found: list[Run] = []
            token: str | None = None
            while ids:
                page = client.search_runs(ids, where, view, order_by=[order], page_token=token)
                found += page
                token = page.token
                if not token:
                    break
            return found
