"""Recipes: what makes two trainings the same one on newer data, decided by a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import rfc8785

RequestKind = Literal["refresh", "replacement"]


@dataclass(frozen=True)
class Recipe:
    """How a model is made, whatever data it is made of.

    The moment, the data, the seeds, the folds and how the best candidate is chosen are no part of
    it. Values are those of JSON, completed with defaults, finite.

    Attributes
    ----------
    estimator : kind of estimator.
    parameters : of the estimator.
    features : names; their order does not count.
    definitions : fingerprint of what the features compute.
    label : how forward returns become labels.
    horizon : sessions ahead that a label looks.
    window : which sessions are learned from, and how much each counts.
    min_feature_share : rows that know fewer of their features are not learned from.
    """

    estimator: str
    parameters: Mapping[str, Any]
    features: tuple[str, ...]
    definitions: str
    label: Mapping[str, Any]
    horizon: int
    window: Mapping[str, Any]
    min_feature_share: float


def recipe_digest(recipe: Recipe) -> str:
    """Return a recipe's SHA-256 over its canonical JSON (RFC 8785), as 64 hexadecimal digits.

    Raises
    ------
    rfc8785.CanonicalizationError
        When a value is none of JSON's, infinite or NaN.

    >>> one = Recipe("ridge", {"alpha": 1}, ("a", "b"), "f", {"transform": "rank"}, 5, {}, 0.5)
    >>> other = Recipe("ridge", {"alpha": 1.0}, ("b", "a"), "f", {"transform": "rank"}, 5, {}, 0.5)
    >>> recipe_digest(one) == recipe_digest(other), recipe_digest(one)[:8]
    (True, 'a0d71953')
    """
    content = {**asdict(recipe), "features": sorted(recipe.features)}
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


def request_kind(champion: Recipe, challenger: Recipe) -> RequestKind:
    """Tell a refresh, the champion's recipe on newer data, from a replacement, another recipe.

    >>> one = Recipe("ridge", {"alpha": 1}, ("a",), "f", {"transform": "rank"}, 5, {}, 0.5)
    >>> other = Recipe("ridge", {"alpha": 2}, ("a",), "f", {"transform": "rank"}, 5, {}, 0.5)
    >>> request_kind(one, one), request_kind(one, other)
    ('refresh', 'replacement')
    """
    same = recipe_digest(champion) == recipe_digest(challenger)
    return "refresh" if same else "replacement"
