"""Runs of unchanged prices, compared with what tick and history explain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from shadowbook.core.gates.grid import Grid
from shadowbook.core.gates.policy import MarketGatePolicy
from shadowbook.core.values import Floats

HISTORY = 252
"""Sessions before a run that tell how often the price rests."""


def chance_of_rest(relative_tick: float, volatility: float) -> float:
    """Chance that a price rounded to a tick does not change in a session.

    A normal move of deviation ``volatility`` stays within half a tick either side.

    Parameters
    ----------
    relative_tick : tick over price.
    volatility : deviation of one session's return.

    Examples
    --------
    >>> round(chance_of_rest(0.0002, 0.01), 3)
    0.008
    """
    return float(2 * ndtr(relative_tick / (2 * volatility)) - 1)


def longest_rest(relative_tick: float, volatility: float, chance: float) -> float:
    """Sessions that a walk may stay within one tick before it is less likely than ``chance``.

    The first exit of a Brownian path from an interval of width w starting at its middle:
    P(T > n) is about (4 / pi) exp(-pi^2 s^2 n / (2 w^2)) (Feller 1971, vol. II, XIV.5). A walk
    looked at once a session sees both ends 0.5826 s further away (Broadie, Glasserman and Kou
    1997, theorem 1.1).

    Examples
    --------
    >>> round(longest_rest(0.083, 0.01, 1e-8))
    339
    >>> round(longest_rest(0.0002, 0.01, 1e-8), 1)
    5.3
    """
    width = relative_tick / volatility + 2 * 0.5826
    steps = 2 * (width / np.pi) ** 2
    return float(steps * np.log(4 / (np.pi * chance)))


def rest_runs(grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count unchanged sessions in a row.

    Returns
    -------
    length : (T, N) unchanged sessions in a row up to and including the row.
    last : (T, N) the length where the run ends at this row, else 0. A missing bar neither
        lengthens nor ends a run.
    """
    unchanged = grid.returns == 0
    moved = np.isfinite(grid.returns) & ~unchanged
    rests = np.cumsum(unchanged, axis=0)
    base = np.maximum.accumulate(np.where(moved, rests, 0), axis=0)
    length = np.where(unchanged, rests - base, 0)
    ends = np.zeros_like(length)
    for column in range(length.shape[1]):
        rows = np.flatnonzero(np.isfinite(grid.returns[:, column]))
        runs = length[rows, column]
        closing = np.append(runs[1:] == 0, True)[: len(runs)] & (runs > 0)
        ends[rows[closing], column] = runs[closing]
    return length, ends


def frozen_runs(grid: Grid, policy: MarketGatePolicy) -> tuple[Floats, NDArray[np.int64]]:
    """Compare runs of unchanged prices with what tick and history explain.

    Returns
    -------
    excess : (T, N) length over the longest explained, at the run's last row; NaN elsewhere and
        for runs of up to ``min_frozen_sessions``.
    start : (T, N) row of the run's first unchanged session, where ``excess`` is given.
    """
    _, ends = rest_runs(grid)
    excess = np.full(ends.shape, np.nan)
    start = np.zeros(ends.shape, dtype=np.int64)
    unchanged = grid.returns == 0
    for row, column in np.argwhere(ends > policy.min_frozen_sessions):
        rows = np.flatnonzero(np.isfinite(grid.returns[: row + 1, column]))
        run = rows[-ends[row, column] :]
        before = unchanged[rows[: -ends[row, column]][-HISTORY:], column]
        tick = grid.tick[row, column] / grid.prices[row, column]
        explained = _explained(before, float(tick), policy)
        excess[row, column] = ends[row, column] / explained
        start[row, column] = run[0]
    return excess, start


def rest_chances(grid: Grid, policy: MarketGatePolicy) -> Floats:
    """(T, N) chance of an unchanged session: the larger of the tick's and the history's."""
    ticks = np.nan_to_num(grid.tick / grid.prices)
    by_tick = 2 * ndtr(ticks / (2 * policy.calm_volatility)) - 1
    history = _trailing_share(grid.returns == 0, np.isfinite(grid.returns))
    larger: Floats = np.fmax(by_tick, history)
    return larger


def _trailing_share(hit: NDArray[np.bool_], present: NDArray[np.bool_]) -> Floats:
    """(T, N) share of hits among the present of the ``HISTORY`` rows before; NaN without any."""
    hits, counts = (
        np.vstack([np.zeros((1, mask.shape[1])), np.cumsum(mask, axis=0)])
        for mask in (hit, present)
    )
    upper = np.arange(len(hit))
    lower = np.maximum(upper - HISTORY, 0)
    number = counts[upper] - counts[lower]
    share: Floats = np.full(hit.shape, np.nan)
    np.divide(hits[upper] - hits[lower], number, out=share, where=number >= 21)
    return share


def _explained(before: NDArray[np.bool_], tick: float, policy: MarketGatePolicy) -> float:
    """Longest run that is not blamed, in sessions."""
    if not np.isfinite(tick):
        return float(policy.min_frozen_sessions)
    chance = chance_of_rest(tick, policy.calm_volatility)
    if len(before) >= 21:
        chance = max(chance, float(before.mean()))
    # A chance of one would explain everything: a price that always rested is not explained.
    chance = min(chance, 1 - 1 / (len(before) + 2))
    by_chance = np.log(policy.frozen_chance) / np.log(max(chance, 1e-6))
    by_walk = longest_rest(tick, policy.calm_volatility, policy.frozen_chance)
    return max(float(policy.min_frozen_sessions), float(by_chance), by_walk)
