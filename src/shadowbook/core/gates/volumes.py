"""Volumes that do not go with their prices."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shadowbook.core.gates.grid import Grid
from shadowbook.core.values import Floats

MONTH = 21
"""Sessions on either side whose median volumes are compared."""


def over_median(values: Floats, window: int = MONTH) -> Floats:
    """(T, N) value over the median of the ``window`` before it; NaN without five of them."""
    frame = pd.DataFrame(values)
    usual = frame.rolling(window, min_periods=5).median().shift(1)
    ratio: Floats = (frame / usual.where(usual > 0)).to_numpy(np.float64)
    return ratio


def either_way(ratio: Floats) -> Floats:
    """Return the ratio or its inverse, whichever is larger."""
    with np.errstate(divide="ignore"):
        return np.fmax(ratio, 1 / np.where(ratio > 0, ratio, np.nan))


def volume_shift(grid: Grid) -> Floats:
    """(T, N) median volume from here on over that before, or its inverse; a month on each side.

    Given only where it is largest within a month either way, so that one change is told once; NaN
    elsewhere, and where a side has less than half a month.
    """
    frame = pd.DataFrame(grid.fields["volume"]).where(lambda held: held > 0)
    half = MONTH // 2
    before = frame.rolling(MONTH, min_periods=half).median().shift(1)
    after = frame[::-1].rolling(MONTH, min_periods=half).median()[::-1]
    size = pd.DataFrame(either_way((after / before).to_numpy(np.float64)))
    peak = size.rolling(2 * MONTH + 1, center=True, min_periods=1).max()
    first = (size == peak) & ~(size.shift(1) == peak)
    told: Floats = size.where(first).to_numpy(np.float64)
    return told


def moved_untraded(grid: Grid) -> NDArray[np.bool_]:
    """(T, N) the price changed though nothing was traded."""
    moved = np.isfinite(grid.returns) & (grid.returns != 0)
    untraded: NDArray[np.bool_] = moved & (grid.fields["volume"] == 0)
    return untraded
