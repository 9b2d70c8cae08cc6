"""What the runs behind two versions say of a case: recipes, walk forward, labels, refits."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from shadowbook.core.learning.candidates import CandidatePolicy
from shadowbook.core.learning.dataset import Dataset
from shadowbook.core.learning.fit import FitPolicy, fit_final, predict_scores
from shadowbook.core.stats.ranks import rank_correlation
from shadowbook.core.track import Backtest
from shadowbook.core.values import Floats, Sessions

JUDGED_SESSIONS = 252
"""Newest sessions of history that two refits are compared in, neither having seen their labels."""

MIN_NAMES = 5


class CaseFiles(ABC):
    """Files of one strategy's versions."""

    @abstractmethod
    def recipe(self, version: int) -> str:
        """Return the digest of a version's recipe."""

    @abstractmethod
    def recipes(self, version: int) -> Mapping[str, str]:
        """Return candidate -> digest of its recipe, for all that were tried with a version."""

    @abstractmethod
    def backtest(self, version: int) -> Backtest | None:
        """Return what a version and its rivals did out of sample; None where it is not known."""

    def others(self) -> tuple[Sessions, Mapping[str, Floats]]:
        """Return (T,) sessions and digest -> (T,) net returns of recipes that other runs tried."""
        return np.array([], dtype="datetime64[D]"), {}

    @abstractmethod
    def n_labels(self, version: int) -> float:
        """Count the labels that a version's last fold was fitted on; NaN = not known."""

    @abstractmethod
    def n_trials(self, version: int) -> int:
        """Count the candidates fitted for the strategy up to a version."""

    @abstractmethod
    def n_unknown(self, version: int) -> int:
        """Count those of them whose returns nobody kept."""

    @abstractmethod
    def training_data(self, version: int) -> bool | None:
        """Say whether what a version learned from is what prices give; None = not known."""

    @abstractmethod
    def refit_correlation(self, champion: int, challenger: int) -> float:
        """Return the rank correlation of refits of a challenger's recipe, as far apart in time."""


def walk_forward_of(
    files: CaseFiles, champion: int, challenger: int
) -> tuple[Floats, dict[str, Floats]] | None:
    """Return the champion's recipe out of sample, and all others beside it, on the same sessions.

    Series are the challenger's run's, where every candidate was refitted in the same folds; a
    recipe that was not tried there comes from the champion's run, or from the newest that has it.

    Returns
    -------
    (T,) net returns, and digest -> (T,); NaN = not tested. None where a run kept no backtest, or
    the champion's recipe is nowhere.
    """
    newest = files.backtest(challenger)
    if newest is None:
        return None
    found = _by_recipe(newest, files.recipes(challenger))
    older = files.backtest(champion)
    if older is not None:
        _add(found, newest.sessions, older.sessions, _by_recipe(older, files.recipes(champion)))
    _add(found, newest.sessions, *files.others())
    its = found.pop(files.recipe(champion), None)
    return None if its is None else (its, found)


def refit_correlation(
    dataset: Dataset, horizon: int, candidate: CandidatePolicy, policy: FitPolicy, apart: int
) -> float:
    """Refit a recipe twice and say how alike both rank what neither has seen.

    Parameters
    ----------
    horizon : sessions that a label spans.
    apart : sessions between the two training moments, at least 1.

    Returns
    -------
    Mean Spearman correlation over the newest sessions of history; NaN where it is too short.
    """
    stop = len(dataset.sessions) - JUDGED_SESSIONS
    scores = []
    for end in (stop, stop - apart):
        labels = dataset.labels[: max(end - horizon, 0)]
        if not np.isfinite(labels).any():
            return math.nan
        values = dataset.features[: len(labels)]
        model = fit_final(candidate, values, labels, dataset.names, policy)
        judged = dataset.features[stop:]
        scores.append(predict_scores(model, judged, policy.min_feature_share))
    found = rank_correlation(scores[0], scores[1], MIN_NAMES)
    known = found[np.isfinite(found)]
    return float(known.mean()) if len(known) else math.nan


def _by_recipe(backtest: Backtest, recipes: Mapping[str, str]) -> dict[str, Floats]:
    return {recipes[name]: net for name, net in backtest.candidates.items() if name in recipes}


def _add(
    found: dict[str, Floats], wanted: Sessions, own: Sessions, recipes: Mapping[str, Floats]
) -> None:
    """Add the recipes that are not there yet."""
    for digest, series in recipes.items():
        if digest not in found:
            found[digest] = _aligned(series, own, wanted)


def _aligned(series: Floats, own: Sessions, wanted: Sessions) -> Floats:
    found = np.full(len(wanted), np.nan)
    at = np.searchsorted(own, wanted)
    there = at < len(own)
    there[there] = own[at[there]] == wanted[there]
    found[there] = series[at[there]]
    return found
