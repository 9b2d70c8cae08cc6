"""Metrics of trailing windows on blocks of series, written into room that the caller made.

Here a series is a row and time runs along the last axis, where it is contiguous in memory: every
step is one pass over values that the cache holds. An array without columns is not wanted. Overflow
and division by zero are expected (the caller keeps numpy silent) and end as NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.stats.trees import fold_windows
from shadowbook.core.stats.windows import Blocks, merge_spread
from shadowbook.core.values import Floats

CONSTANT = 1e-12
"""A deviation of this share of the mean, or less, is rounding: the window is constant."""


class RollingDrawdown(NamedTuple):
    """Drawdowns of each window; arrays of the shape of the returns.

    Attributes
    ----------
    current : value over the highest of the window, less 1; the value just before the window's
        first return is the base and counts.
    maximum : deepest fall from a peak inside the window; at most 0.
    length : sessions since that peak; 0 at it.
    """

    current: Floats
    maximum: Floats
    length: Floats


class WindowMetrics(NamedTuple):
    """Metrics of one window, per session; arrays of the shape of the returns."""

    mean: Floats
    volatility: Floats
    sharpe: Floats
    hit_rate: Floats
    drawdown: RollingDrawdown


Parts = Mapping[int, WindowMetrics]
"""Window -> room (S, T) for its metrics."""


def fill_moments(values: Floats, parts: Parts) -> None:
    """Fill mean, volatility and Sharpe ratio of every window; ``values`` (S, T), NaN = missing."""
    _start(parts, lambda part: part[:3])
    leaves = (values, np.zeros_like(values))
    for window, (mean, squares) in fold_windows(leaves, tuple(parts), merge_spread):
        part, last = parts[window], slice(window - 1, None)
        if part.mean.size:
            part.mean[:, last] = np.where(np.isinf(mean), np.nan, mean)
        if not (part.volatility.size or part.sharpe.size):
            continue
        deviation = np.sqrt(squares / (window - 1.0))  # 0 / 0 of one row: NaN
        if not np.isfinite(squares.max(initial=0.0)):
            deviation[np.isinf(deviation)] = np.nan
        if part.volatility.size:
            part.volatility[:, last] = deviation
        if part.sharpe.size:
            ratio = np.divide(mean, deviation, out=part.sharpe[:, last])
            ratio[np.abs(ratio) >= 1.0 / CONSTANT] = np.nan


def fill_hits(values: Floats, parts: Parts) -> None:
    """Fill the share of values above 0; counts are whole numbers, so a running sum is exact."""
    _start(parts, lambda part: (part.hit_rate,))
    hits = _running_count(values > 0.0)
    missing = np.isnan(values)
    holes = _running_count(missing) if missing.any() else None
    for window, part in parts.items():
        room = part.hit_rate[:, window - 1 :]
        np.subtract(hits[:, window:], hits[:, :-window], out=room)
        room /= window
        if holes is not None:
            room[holes[:, window:] > holes[:, :-window]] = np.nan


def fill_drawdowns(values: Floats, parts: Parts) -> None:
    """Fill current, maximum and length of the drawdown; returns of -1 or less lose everything."""
    _start(parts, lambda part: part.drawdown)
    growth = np.maximum(values + 1.0, 0.0)
    peak = np.maximum(growth, 1.0)
    trough = np.minimum(growth, 1.0)
    leaves: Blocks = (growth, peak, trough, trough)
    if any(part.drawdown.length.size for part in parts.values()):
        leaves = (*leaves, (growth < 1.0).astype(np.float64))
    for window, state in fold_windows(leaves, tuple(parts), _merge_falls):
        room, last = parts[window].drawdown, slice(window - 1, None)
        total, highest, _, deepest, *age = state
        if room.current.size:
            current = np.divide(total, highest, out=room.current[:, last])
            current -= 1.0
            np.subtract(deepest, 1.0, out=room.maximum[:, last])
        if room.length.size:
            room.length[:, last] = age[0]
        if not np.isfinite(highest.max(initial=0.0)):  # missing, or beyond what a float can hold
            unknown = ~np.isfinite(highest)
            for part in room:
                if part.size:
                    part[:, last][unknown] = np.nan


def _merge_falls(left: Blocks, right: Blocks, _n_left: int, n_right: int) -> Blocks:
    """Merge growth, highest and lowest value, deepest fall and age of the peak; base 1 before."""
    growth, peak, trough, deepest, *age = left
    later_peak = growth * right[1]
    later_trough = growth * right[2]
    fall = later_trough / peak
    np.minimum(fall, deepest, out=fall)
    np.minimum(fall, right[3], out=fall)
    ages = [np.where(later_peak >= peak, right[4], age[0] + n_right)] if age else []
    np.maximum(later_peak, peak, out=later_peak)
    np.minimum(later_trough, trough, out=later_trough)
    return (growth * right[0], later_peak, later_trough, fall, *ages)


def _running_count(flags: NDArray[np.bool_]) -> Floats:
    """Count of flags before each place, (S, T + 1)."""
    counts = np.zeros((flags.shape[0], flags.shape[1] + 1))
    np.cumsum(flags, axis=1, out=counts[:, 1:])
    return counts


def _start(parts: Parts, of: Callable[[WindowMetrics], tuple[Floats, ...]]) -> None:
    """Nothing is known before the first window is full."""
    for window, part in parts.items():
        for room in of(part):
            room[:, : window - 1] = np.nan
