"""Recipes from manifests, old and new, and from the settings that a replay fits under."""

import copy
import json
import math

import pytest

from shadowbook.core.learning.features import fingerprint
from shadowbook.core.promotion.recipes import recipe_digest, request_kind
from shadowbook.core.values import BAR_FIELDS
from shadowbook.errors import ConfigError
from shadowbook.settings import Settings
from shadowbook.steps.recipes import (
    n_labels_of,
    recipe_digests,
    recipe_of,
    recipe_of_version,
    recipes_of,
    recipes_of_settings,
)

NAMES = ("momentum_21", "momentum_252_21", "volatility_21")
PARAMS = {
    "seed": 7,
    "learning": {
        "candidates": {
            "ridge": {"kind": "ridge", "parameters": {"alpha": 100}},
            "trees": {"kind": "hist_gradient_boosting"},
            "rule": {"kind": "momentum"},
        }
    },
    "strategies": {"weekly": {"horizon": 5, "label": {"transform": "demean"}}},
}


class World:
    """What the steps read of a workspace: settings, the feature log's columns, the registry."""

    def __init__(self, params=None, manifests=None):
        self.settings = Settings.model_validate(params or PARAMS)
        self.feature_log = self.models = self
        self._manifests = manifests or {}

    def columns(self):
        return tuple(reversed(NAMES))

    def runs(self, strategy):
        return [Run(version) for version in self._manifests]

    def manifest(self, run_id):
        return self._manifests[int(run_id)]


class Run:
    def __init__(self, version):
        self.model_version, self.run_id = version, str(version)


def changed(**learning):
    params = copy.deepcopy(PARAMS)
    params["learning"].update(learning)
    return params


def manifest_of(params=PARAMS, candidate="ridge"):
    """A manifest as a run writes it, and as the registry reads it back."""
    settings = Settings.model_validate(params)
    return json.loads(
        json.dumps(
            {
                "strategy": "weekly",
                "candidate": candidate,
                "as_of": "2022-12-28T21:15:00+00:00",
                "seed": settings.seed,
                "settings": settings.model_dump(mode="json"),
                "candidates": [
                    {"name": "trees", "n_train": [90, 190]},
                    {"name": "ridge", "n_train": [100, 200]},
                    {"name": "rule", "n_train": []},
                ],
                "layers": {
                    "features": {"names": list(NAMES), "fingerprint": fingerprint(BAR_FIELDS)}
                },
            }
        )
    )


def test_is_read_from_the_manifest():
    found = recipe_of(manifest_of())
    assert (found.estimator, found.parameters) == ("ridge", {"alpha": 100.0})
    assert (found.features, found.horizon) == (NAMES, 5)
    assert found.label == {"transform": "demean", "min_names": 5}
    assert found.window == {"kind": "expanding"}


def test_every_candidate_has_its_own():
    manifest = manifest_of(candidate="trees")
    found = recipes_of(manifest)
    assert list(found) == ["trees", "ridge", "rule"]
    assert found["trees"] == recipe_of(manifest)
    assert recipe_digests(manifest) == {n: recipe_digest(r) for n, r in found.items()}
    assert len(set(recipe_digests(manifest).values())) == 3


def test_a_run_before_there_were_windows_had_an_expanding_one():
    old = manifest_of()
    del old["settings"]["learning"]["window"], old["settings"]["strategies"]["weekly"]["window"]
    assert request_kind(recipe_of(old), recipe_of(manifest_of())) == "refresh"


def test_a_parameter_that_came_later_had_its_default():
    old = manifest_of(candidate="trees")
    del old["settings"]["learning"]["candidates"]["trees"]["parameters"]["max_bins"]
    assert recipe_of(old) == recipe_of(manifest_of(candidate="trees"))


@pytest.mark.parametrize(
    "params",
    [
        {**PARAMS, "seed": 8},
        changed(selection="sharpe"),
        changed(splits={"n_splits": 3, "min_train": 300}),
        changed(evaluation={"cost_bps": 1.0}),
    ],
    ids=["seed", "selection", "folds", "costs"],
)
def test_what_is_no_part_of_it_makes_a_refresh(params):
    manifest = manifest_of(params) | {"as_of": "2023-12-28T21:15:00+00:00"}
    assert request_kind(recipe_of(manifest_of()), recipe_of(manifest)) == "refresh"


@pytest.mark.parametrize(
    "window", [{"kind": "rolling", "sessions": 500}, {"kind": "rolling", "sessions": 501}]
)
def test_a_window_is_part_of_it_wherever_it_is_set(window):
    everywhere = recipe_of(manifest_of(changed(window=window)))
    own = copy.deepcopy(PARAMS)
    own["strategies"]["weekly"]["window"] = window
    assert recipe_of(manifest_of(own)) == everywhere
    assert everywhere.window == window
    assert request_kind(recipe_of(manifest_of()), everywhere) == "replacement"


@pytest.mark.parametrize(
    "params", [PARAMS, changed(window={"kind": "recency_weighted", "half_life_sessions": 252})]
)
def test_a_fit_under_the_settings_is_that_of_a_recorded_run(params):
    assert recipes_of_settings(World(params), "weekly") == dict(
        sorted(recipe_digests(manifest_of(params)).items(), key=lambda item: item[0])
    )


def test_of_a_version():
    world = World(manifests={1: manifest_of(), 2: manifest_of(candidate="trees")})
    assert recipe_of_version(world, "weekly", 2).estimator == "hist_gradient_boosting"
    with pytest.raises(ConfigError, match="no finished run made weekly/3"):
        recipe_of_version(world, "weekly", 3)


def test_labels_of_the_last_fold():
    assert n_labels_of(manifest_of()) == 200.0
    assert math.isnan(n_labels_of(manifest_of(candidate="rule")))
