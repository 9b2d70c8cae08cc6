"""A recipe's digest: what changes it, what does not, and that it is canonical JSON's."""

from dataclasses import asdict, replace

import pytest
import rfc8785

from shadowbook.core.audit import digest
from shadowbook.core.promotion.recipes import Recipe, recipe_digest, request_kind

RECIPE = Recipe(
    estimator="hist_gradient_boosting",
    parameters={"learning_rate": 0.05, "max_iter": 80, "max_depth": None},
    features=("momentum_21", "volatility_21"),
    definitions="f" * 64,
    label={"transform": "rank", "min_names": 5},
    horizon=5,
    window={"kind": "expanding"},
    min_feature_share=0.5,
)


def test_is_the_digest_of_canonical_json():
    assert recipe_digest(RECIPE) == digest(asdict(RECIPE))


@pytest.mark.parametrize(
    "change",
    [
        {"estimator": "ridge"},
        {"parameters": {"learning_rate": 0.05, "max_iter": 81, "max_depth": None}},
        {"parameters": {"learning_rate": 0.05, "max_iter": 80}},
        {"features": ("momentum_21",)},
        {"features": ("momentum_21", "volatility_63")},
        {"definitions": "e" * 64},
        {"label": {"transform": "demean", "min_names": 5}},
        {"horizon": 21},
        {"window": {"kind": "rolling", "sessions": 1260}},
        {"min_feature_share": 1.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_way_of_making_it_is_a_replacement(change):
    other = replace(RECIPE, **change)
    assert recipe_digest(other) != recipe_digest(RECIPE)
    assert request_kind(RECIPE, other) == request_kind(other, RECIPE) == "replacement"


@pytest.mark.parametrize(
    "change",
    [
        {"features": ("volatility_21", "momentum_21")},
        {"parameters": {"max_depth": None, "max_iter": 80.0, "learning_rate": 5e-2}},
    ],
    ids=["order of features", "order and spelling of numbers"],
)
def test_the_same_in_other_words_is_a_refresh(change):
    assert request_kind(RECIPE, replace(RECIPE, **change)) == "refresh"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_what_json_has_not_is_refused(value):
    with pytest.raises(rfc8785.CanonicalizationError):
        recipe_digest(replace(RECIPE, parameters={"alpha": value}))
