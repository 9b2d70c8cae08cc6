"""One feature's contributions over two windows: how far apart, and how far chance puts them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.drift.summaries import MINIMUM
from shadowbook.core.stats.block_length import optimal_block_length
from shadowbook.core.values import Floats

Complexes = NDArray[Any]
"""Numbers, real or complex."""

LONGER = 1.5
"""Blocks against those that are best for the variance of a mean; the tests were too large by up to
a fifth without it."""

NOTHING = 1e-9
"""Differences that count as none, in units of the importance: sums have their rounding."""

_DRAWS = 2_000_000
"""Numbers drawn at once, so that memory does not grow with the sessions."""


class Compared(NamedTuple):
    """One feature.

    Attributes
    ----------
    before, after : (2,) signed and absolute means of the reference and the current window.
    block : sessions of a block; 1 where nothing was drawn.
    p_value : chance of the two importances when nothing changed.
    mean_interval, absolute_interval : 95 % intervals of current less reference.
    """

    before: Floats
    after: Floats
    block: int = 1
    p_value: float = math.nan
    mean_interval: tuple[float, float] = (math.nan, math.nan)
    absolute_interval: tuple[float, float] = (math.nan, math.nan)


def compare(reference: Floats, current: Floats, n_draws: int, rng: np.random.Generator) -> Compared:
    """Compare a feature's two windows; `attributions.attribution_shift` says how.

    Parameters
    ----------
    reference, current : (S, 2) signed and absolute session means, NaN = no value that session.
    n_draws : samples of both windows.
    rng : source of randomness.

    Returns
    -------
    p-value and intervals are NaN with fewer than 10 sessions with values in a window.
    """
    from scipy.special import stdtrit

    reference, current = (side[np.isfinite(side).all(axis=1)] for side in (reference, current))
    before, after = (
        side.mean(axis=0) if len(side) else np.full(2, np.nan) for side in (reference, current)
    )
    if min(len(reference), len(current)) < MINIMUM:
        return Compared(before, after)
    block = _block(reference)
    # Signed and absolute in one number: drawing reads memory at random, so it is done once.
    both = (reference - before).view(np.complex128)
    then, now = (
        before + drawn_means(both, length, block, n_draws, rng).view(np.float64)
        for length in (len(reference), len(current))
    )
    freedom = max(len(reference) / block - 1.0, 1.0)
    ratio = float(after[1] / before[1]) if before[1] > 0.0 else 1.0
    # Sums of the draws are rounded: below this nothing differs and nothing varies.
    nothing = NOTHING * max(before[1], after[1])
    reach = _deviation(ratio * (now - before) - (then - before), nothing)
    reach *= float(stdtrit(freedom, 0.975))
    intervals = [
        _interval(float(change), float(width), nothing)
        for change, width in zip(after - before, reach, strict=True)
    ]
    pair = before[1], after[1], then[:, 1], now[:, 1]
    if min(float(np.min(one)) for one in pair) > nothing:
        pair, nothing = tuple(np.log(one) for one in pair), NOTHING
    spread = float(_deviation(pair[3] - pair[2], nothing))
    p_value = _p_value(float(pair[1] - pair[0]), spread, freedom, nothing, n_draws)
    return Compared(before, after, block, p_value, *intervals)


def drawn_means(
    values: Complexes, length: int, block: int, n_draws: int, rng: np.random.Generator
) -> Complexes:
    """Means of circular block bootstrap samples of whole sessions.

    Parameters
    ----------
    values : (S, C) of real or complex numbers, without missing values.
    length : sessions of a sample.
    block : sessions that stay together.
    n_draws : samples.
    rng : source of randomness.

    Returns
    -------
    (n_draws, C).

    >>> drawn_means(np.arange(4.0)[:, None], 4, 4, 2, np.random.default_rng(0)).ravel()
    array([1.5, 1.5])
    """
    n, width = values.shape
    running = np.cumsum(np.concatenate([np.zeros_like(values[:1]), values, values]), axis=0)
    size = min(block, length)
    total = np.zeros((n_draws, width), dtype=values.dtype)
    at_once = max(_DRAWS // (n_draws * width), 1)
    for sessions, how_many in ((size, length // size), (length % size, 1)):
        if not sessions:
            continue
        blocks = running[sessions : sessions + n] - running[:n]
        for done in range(0, how_many, at_once):
            starts = rng.integers(0, n, (n_draws, min(at_once, how_many - done)))
            total += np.take(blocks, starts, axis=0).sum(axis=1)
    means: Complexes = total / length
    return means


def _block(series: Floats) -> int:
    """Sessions that stay together: the longer need of the signed and the absolute means."""
    lengths = [optimal_block_length(one).circular for one in series.T]
    longest = max((one for one in lengths if math.isfinite(one)), default=0.0)
    return min(max(1, math.ceil(LONGER * longest)), len(series))


def _deviation(draws: Floats, nothing: float) -> Floats:
    found = np.asarray(draws.std(axis=0))
    return np.where(found <= nothing, 0.0, found)


def _interval(change: float, width: float, nothing: float) -> tuple[float, float]:
    if width == 0.0 and abs(change) > nothing:
        return math.nan, math.nan
    return change - width, change + width


def _p_value(change: float, spread: float, freedom: float, nothing: float, n_draws: int) -> float:
    from scipy.special import stdtr

    if abs(change) <= nothing:
        return 1.0
    if spread == 0.0:
        return 1.0 / (n_draws + 1.0)
    return float(2.0 * stdtr(freedom, -abs(change) / spread))
