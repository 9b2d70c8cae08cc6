"""How many trials there were: fits of many candidates, counted by how alike their returns are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats, Sessions
from shadowbook.errors import ConfigError

MIN_SHARED = 63
"""Sessions that two trials must share for their correlation to say how alike they are."""


def aligned(series: Sequence[tuple[Sessions, Floats]]) -> tuple[Sessions, Floats]:
    """Lay series of different spans side by side.

    Parameters
    ----------
    series : M pairs of (S,) sessions, each once, and (S,) values.

    Returns
    -------
    (T,) sessions of any of them, ascending, and (T, M) values; NaN where a series has none.

    >>> days = np.arange("2024-01-01", "2024-01-04", dtype="datetime64[D]")
    >>> aligned([(days[:2], np.array([1.0, 2.0])), (days[1:], np.array([3.0, 4.0]))])[1]
    array([[ 1., nan],
           [ 2.,  3.],
           [nan,  4.]])
    """
    if not series:
        return np.empty(0, dtype="datetime64[D]"), np.empty((0, 0))
    sessions: Sessions = np.unique(np.concatenate([own for own, _ in series]))
    table = np.full((len(sessions), len(series)), np.nan)
    for column, (own, values) in enumerate(series):
        table[np.searchsorted(sessions, own), column] = values
    return sessions, table


def independent_trials(
    returns: Floats, recipes: Sequence[str], min_shared: int = MIN_SHARED
) -> float:
    """Count trials so that those alike count as one, however many they are.

    Each trial counts 1 / (sum of its likeness to all trials, 1 to itself): the effective number of
    order 0 of Leinster & Cobbold (2012), with the squared correlation as the likeness of
    two trials. The order 2 of the same family is the participation ratio of
    `effective_number_of_trials`. That one falls when a trial is repeated: a hundred refits of one
    recipe beside one of another are 1.02 trials to it, and 2 here. Where all trials are equally
    alike both are the same.

    Two trials are as alike as their returns in the sessions that both have: 0 for a correlation
    below 0, since the opposite of a trial is another; else its square, less what chance makes of
    it (Ezekiel 1930: 1 - (1 - r^2)(n - 1)/(n - 2)). Where they share fewer than ``min_shared``
    sessions, or one does not vary there, they are as alike as other fits of their two recipes are
    on average, and not at all where no two of these share enough.

    Parameters
    ----------
    returns : (T, M), a column a trial; NaN = not tested.
    recipes : M digests; the fits of one recipe have the same one.
    min_shared : sessions, at least 3.

    Returns
    -------
    0 without a trial, else 1 ... M.

    Raises
    ------
    ConfigError
        When there is not one recipe a column, or ``min_shared`` is below 3.

    >>> noise = np.random.default_rng(1).normal(size=(500, 2))
    >>> tried = noise[:, [0, 0, 0, 0, 1]]
    >>> round(independent_trials(tried, ["a", "a", "a", "a", "b"]), 2)
    2.0
    """
    if len(recipes) != returns.shape[1] or min_shared < 3:
        raise ConfigError(
            f"{returns.shape[1]} trials have {len(recipes)} recipes and must share {min_shared} "
            "sessions: give one recipe a trial, and at least 3 sessions"
        )
    if not recipes:
        return 0.0
    likeness, known = _likeness(returns, min_shared)
    likeness = np.where(known, likeness, _of_their_recipes(likeness, known, recipes))
    np.fill_diagonal(likeness, 1.0)
    return float((1.0 / np.maximum(likeness.sum(axis=1), 1.0)).sum())


def _likeness(returns: Floats, min_shared: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Compare each two trials where both were tested; (M, M), and whether that says anything."""
    tested = np.isfinite(returns)
    counts = tested.sum(axis=0)
    means = np.where(tested, returns, 0.0).sum(axis=0) / np.maximum(counts, 1)
    # Around its own mean a column's squares lose no digits when a part of them is taken.
    values, there = np.where(tested, returns - means, 0.0), tested.astype(np.float64)
    shared = there.T @ there
    n = np.maximum(shared, 3.0)
    sums, squares = values.T @ there, (values * values).T @ there
    variances = squares - sums * sums / n
    covariances = values.T @ values - sums * sums.T / n
    varying = variances > 1e-12 * squares
    known = (shared >= min_shared) & varying & varying.T
    scale = np.where(known, variances * variances.T, 1.0)
    squared = np.clip(covariances * covariances / scale, 0.0, 1.0)
    beyond_chance = 1.0 - (1.0 - squared) * (n - 1.0) / (n - 2.0)
    return np.where(known & (covariances > 0.0), beyond_chance, 0.0), known


def _of_their_recipes(likeness: Floats, known: NDArray[np.bool_], recipes: Sequence[str]) -> Floats:
    """(M, M): how alike known fits of each two trials' recipes are on average; 0 without any."""
    names, group = np.unique(np.array(recipes, dtype=object).astype(str), return_inverse=True)
    member = np.equal.outer(group, np.arange(len(names))).astype(np.float64)
    others = known & ~np.eye(len(recipes), dtype=bool)
    counts = member.T @ others.astype(np.float64) @ member
    totals = member.T @ np.where(others, likeness, 0.0) @ member
    means = np.divide(totals, counts, out=np.zeros_like(totals), where=counts > 0.0)
    return np.asarray(np.maximum(means, 0.0)[np.ix_(group, group)])


def newest(recipes: Sequence[str], moments: Sequence[datetime]) -> dict[str, int]:
    """Find the newest trial of each recipe; of several of one moment the last.

    Parameters
    ----------
    recipes : M digests.
    moments : M, what each trial knew.

    Returns
    -------
    Recipe -> number of the trial, in order of the recipes' first trials.

    >>> newest(["a", "b", "a"], [datetime(2024, month, 1) for month in (2, 1, 1)])
    {'a': 0, 'b': 1}
    """
    found: dict[str, int] = {}
    for number, recipe in enumerate(recipes):
        if recipe not in found or moments[number] >= moments[found[recipe]]:
            found[recipe] = number
    return found
