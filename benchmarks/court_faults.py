"""What may go wrong in a refresh's training data, unseen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from shadowbook.core.learning.dataset import Dataset

STALE, VERY_STALE, TENTH = 21, 63, 10

Training = tuple[np.ndarray, np.ndarray]
"""Features (T, N, K) and labels (T, N)."""


def lagged(values: np.ndarray, sessions: int) -> np.ndarray:
    found = np.full_like(values, np.nan)
    found[sessions:] = values[:-sessions]
    return found


def shuffled_sessions(d: Dataset, rng: np.random.Generator, feature: int) -> Training:
    return d.features, d.labels[rng.permutation(len(d.labels))]


def shuffled_names(d: Dataset, rng: np.random.Generator, feature: int) -> Training:
    labels = d.labels.copy()
    for row in labels:
        there = np.flatnonzero(np.isfinite(row))
        row[there] = row[rng.permutation(there)]
    return d.features, labels


def wrong_sign(d: Dataset, rng: np.random.Generator, feature: int) -> Training:
    return d.features, -d.labels


def stale_feature(d: Dataset, rng: np.random.Generator, feature: int) -> Training:
    features = d.features.copy()
    features[:, :, feature] = lagged(features[:, :, feature], VERY_STALE)
    return features, d.labels


def stale_features(d: Dataset, rng: np.random.Generator, feature: int) -> Training:
    return lagged(d.features, STALE), d.labels


def newest_tenth(d: Dataset, rng: np.random.Generator, feature: int) -> Training:
    rows = slice(len(d.labels) - len(d.labels) // TENTH, None)
    return d.features[rows], d.labels[rows]


def random_tenth(d: Dataset, rng: np.random.Generator, feature: int) -> Training:
    rows = np.sort(rng.choice(len(d.labels), len(d.labels) // TENTH, replace=False))
    return d.features[rows], d.labels[rows]


BROKEN: dict[str, Callable[[Dataset, np.random.Generator, int], Training]] = {
    "labels shuffled among sessions": shuffled_sessions,
    "labels shuffled among names": shuffled_names,
    "wrong sign": wrong_sign,
    f"first feature stale by {VERY_STALE}": stale_feature,
    f"all features stale by {STALE}": stale_features,
    "newest tenth of the data": newest_tenth,
    "random tenth of the data": random_tenth,
}
