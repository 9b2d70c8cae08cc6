"""Names that point at a version of a strategy's model: champion, challenger, previous."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shadowbook.errors import ConfigError

if TYPE_CHECKING:
    from mlflow import MlflowClient

_NAME = re.compile(r"[a-z][a-z_]{0,39}")


def check_alias(alias: str) -> None:
    """Refuse what MLflow takes for a version, or cannot store.

    Raises
    ------
    ConfigError
    """
    if not _NAME.fullmatch(alias) or alias == "latest":
        raise ConfigError(
            f"{alias!r} cannot name a version: use small letters and '_', other than 'latest'."
        )


def point(client: MlflowClient, strategy: str, alias: str, version: int | None) -> None:
    """Let an alias point at a version, or at none."""
    if version is None:
        client.delete_registered_model_alias(strategy, alias)
    else:
        client.set_registered_model_alias(strategy, alias, str(version))
