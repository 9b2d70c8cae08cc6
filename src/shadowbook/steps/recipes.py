"""The recipe of every model: of a recorded training, of a registered version, of a replay's fit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

from shadowbook.core.learning.candidates import CandidatePolicy
from shadowbook.core.learning.features import fingerprint
from shadowbook.core.learning.labels import LabelPolicy
from shadowbook.core.learning.windows import WindowPolicy
from shadowbook.core.promotion.recipes import Recipe, recipe_digest
from shadowbook.core.values import BAR_FIELDS
from shadowbook.errors import ConfigError
from shadowbook.settings import Settings
from shadowbook.steps.rating import features_of
from shadowbook.workspace import Workspace


def recipe_of(manifest: Mapping[str, Any]) -> Recipe:
    """Return the recipe of the model that a training run registered, from its manifest.

    Of its settings only what a recipe holds is read, completed with the defaults of today: a run
    of a release that had no training windows learned from an expanding one.
    """
    return _told(manifest, manifest["candidate"])


def recipes_of(manifest: Mapping[str, Any]) -> dict[str, Recipe]:
    """Return the recipe of every candidate that a training run fitted, by its name."""
    return {item["name"]: _told(manifest, item["name"]) for item in manifest["candidates"]}


def recipe_of_version(workspace: Workspace, strategy: str, version: int) -> Recipe:
    """Return the recipe of a registered version.

    Raises
    ------
    ConfigError
        When no finished run made it.
    IntegrityError
        When the manifest of its run was altered.
    """
    for run in workspace.models.runs(strategy):
        if run.model_version == version:
            return recipe_of(workspace.models.manifest(run.run_id))
    raise ConfigError(f"no finished run made {strategy}/{version}: see `shadowbook runs`")


def recipe_digests(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return the digest of the recipe of every candidate that a training run fitted."""
    return {name: recipe_digest(recipe) for name, recipe in recipes_of(manifest).items()}


def recipes_of_settings(workspace: Workspace, strategy: str) -> dict[str, str]:
    """Return candidate -> digest of the recipe of a fit under the workspace's own settings.

    Fits of a replay are made so. A recorded training with the same settings has the same digests.
    """
    settings: Settings = workspace.settings
    own, features = settings.strategy(strategy), features_of(workspace, strategy)
    return {
        name: recipe_digest(
            _recipe(
                candidate,
                features,
                _definitions(),
                own.label,
                own.horizon,
                settings.window_of(strategy),
                settings.learning.min_feature_share,
            )
        )
        for name, candidate in settings.learning.candidates.items()
    }


def n_labels_of(manifest: Mapping[str, Any]) -> float:
    """Count the labels that the chosen candidate learned from in its last fold; NaN: unknown."""
    for item in manifest["candidates"]:
        if item["name"] == manifest["candidate"] and item.get("n_train"):
            return float(item["n_train"][-1])
    return math.nan


@cache
def _definitions() -> str:
    return fingerprint(BAR_FIELDS)


def _told(manifest: Mapping[str, Any], candidate: str) -> Recipe:
    learning = manifest["settings"]["learning"]
    own = manifest["settings"]["strategies"][manifest["strategy"]]
    features = manifest["layers"]["features"]
    policy = {**learning["candidates"][candidate], "name": candidate}
    return _recipe(
        CandidatePolicy.model_validate(policy),
        tuple(features["names"]),
        features["fingerprint"],
        LabelPolicy.model_validate(own.get("label", {})),
        own["horizon"],
        WindowPolicy.model_validate(own.get("window") or learning.get("window", {})),
        learning["min_feature_share"],
    )


def _recipe(
    candidate: CandidatePolicy,
    features: tuple[str, ...],
    definitions: str,
    label: LabelPolicy,
    horizon: int,
    window: WindowPolicy,
    min_feature_share: float,
) -> Recipe:
    return Recipe(
        estimator=candidate.kind,
        parameters=candidate.parameters,
        features=features,
        definitions=definitions,
        label=label.model_dump(),
        horizon=horizon,
        window=window.model_dump(exclude_none=True),
        min_feature_share=min_feature_share,
    )
