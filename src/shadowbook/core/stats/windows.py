"""Rolling statistics whose every value depends on its own window alone, to the last bit.

A running sum carries the rounding of everything it ever saw: a standard deviation after a value
of 1e6 is wrong for ever, and a series that starts one row later gives other bits. Here a window
is a fixed tree of blocks of 1, 2, 4, ... rows that are merged pairwise. Nothing outside the
window enters, so a rebuild from the last ``window`` rows returns exactly what the full build
returned; the cost is log2(window) passes. Moments are merged by the pairwise update of Chan,
Golub & LeVeque (1983) and Pébay (2008), which is exact (zero) on constant windows.

Time runs along the first axis. The first ``window - 1`` rows are NaN, and so is every row with a
NaN in its window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from shadowbook.core.values import Floats

Blocks = tuple[Floats, ...]
Merge = Callable[[Blocks, Blocks, int, int], Blocks]
"""Merge of two neighboring blocks, given with the number of rows in each."""


class Spread(NamedTuple):
    """Mean and sum of squared deviations from it, for each window."""

    mean: Floats
    squares: Floats


class Moments(NamedTuple):
    """Mean and sums of squared and cubed deviations from it, for each window."""

    mean: Floats
    squares: Floats
    cubes: Floats


class Comoments(NamedTuple):
    """Sums of squared deviations of two series and of their products, for each window."""

    x_squares: Floats
    y_squares: Floats
    products: Floats


def rolling_sum(values: Floats, window: int) -> Floats:
    """Sum of each window.

    Parameters
    ----------
    values : (T,) or (T, N).
    window : rows, at least 1.

    Returns
    -------
    Same shape.

    >>> rolling_sum(np.array([1.0, 2.0, 3.0, 4.0]), 3)
    array([nan, nan,  6.,  9.])
    """
    return _reduce(values, window, np.add)


def rolling_product(values: Floats, window: int) -> Floats:
    """Product of each window; shapes and NaN as in `rolling_sum`."""
    return _reduce(values, window, np.multiply)


def rolling_max(values: Floats, window: int) -> Floats:
    """Largest value of each window; shapes and NaN as in `rolling_sum`."""
    return _reduce(values, window, np.maximum)


def rolling_min(values: Floats, window: int) -> Floats:
    """Smallest value of each window; shapes and NaN as in `rolling_sum`."""
    return _reduce(values, window, np.minimum)


def rolling_spread(values: Floats, window: int) -> Spread:
    """Mean and sum of squared deviations of each window.

    Parameters
    ----------
    values : (T,) or (T, N).
    window : rows, at least 1.

    Returns
    -------
    Spread, each part of the shape of ``values``. The sample variance is
    ``squares / (window - 1)``.

    >>> rolling_spread(np.array([1e6, 3.0, 3.0, 3.0, 6.0]), 3).squares[3:]
    array([0., 6.])
    """
    return Spread(*_fold((values, np.zeros_like(values)), window, merge_spread))


def rolling_moments(values: Floats, window: int) -> Moments:
    """Mean, sum of squared and sum of cubed deviations of each window; as `rolling_spread`."""
    zeros = np.zeros_like(values)
    return Moments(*_fold((values, zeros, zeros), window, _merge_moments))


def rolling_comoments(x: Floats, y: Floats, window: int) -> Comoments:
    """Sum squared deviations and their products over each window.

    Parameters
    ----------
    x : (T, 1), a series all columns of ``y`` are compared with.
    y : (T, N).
    window : rows, at least 1.

    Returns
    -------
    Comoments with ``x_squares`` (T, 1), the others (T, N).
    """
    zeros_x, zeros_y = np.zeros_like(x), np.zeros_like(y)
    blocks = (x, y, zeros_x, zeros_y, zeros_y)
    return Comoments(*_fold(blocks, window, _merge_comoments)[2:])


def _reduce(values: Floats, window: int, operation: np.ufunc) -> Floats:
    def merge(left: Blocks, right: Blocks, _n_left: int, _n_right: int) -> Blocks:
        return (operation(left[0], right[0]),)

    return _fold((values,), window, merge)[0]


def merge_spread(left: Blocks, right: Blocks, n_left: int, n_right: int) -> Blocks:
    """Mean and sum of squared deviations of two neighboring blocks together; a `Merge`."""
    n = n_left + n_right
    delta = right[0] - left[0]
    mean = delta * (n_right / n)
    mean += left[0]
    squares = left[1] + right[1]
    delta *= delta
    delta *= n_left * n_right / n
    squares += delta
    return mean, squares


def _merge_moments(left: Blocks, right: Blocks, n_left: int, n_right: int) -> Blocks:
    n = n_left + n_right
    mean_l, squares_l, cubes_l = left
    mean_r, squares_r, cubes_r = right
    delta = mean_r - mean_l
    mean = mean_l + delta * (n_right / n)
    spread = delta * delta * (n_left * n_right / n)
    squares = squares_l + squares_r + spread
    cubes = (
        cubes_l
        + cubes_r
        + spread * delta * ((n_left - n_right) / n)
        + (3.0 / n) * delta * (n_left * squares_r - n_right * squares_l)
    )
    return mean, squares, cubes


def _merge_comoments(left: Blocks, right: Blocks, n_left: int, n_right: int) -> Blocks:
    n = n_left + n_right
    share, weight = n_right / n, n_left * n_right / n
    delta_x, delta_y = right[0] - left[0], right[1] - left[1]
    weighted_x = delta_x * weight
    return (
        left[0] + delta_x * share,
        left[1] + delta_y * share,
        left[2] + right[2] + delta_x * weighted_x,
        left[3] + right[3] + delta_y * delta_y * weight,
        left[4] + right[4] + delta_y * weighted_x,
    )


def _fold(leaves: Blocks, window: int, merge: Merge) -> Blocks:
    """Merge ``window`` neighboring leaves into one value a row, always along the same tree."""
    if window < 1:
        raise ValueError(f"window is {window}: it must be at least 1")
    rows = len(leaves[0])
    if rows < window:
        return tuple(np.full_like(leaf, np.nan) for leaf in leaves)
    blocks, size = leaves, 1  # blocks[i] holds rows i .. i + size - 1
    folded: Blocks | None = None
    covered = 0  # folded[i] holds rows i .. i + covered - 1
    while covered < window:
        if window & size:
            if folded is None:
                folded = blocks
            else:
                n = rows - covered - size + 1
                head = tuple(part[:n] for part in folded)
                tail = tuple(part[covered : covered + n] for part in blocks)
                folded = merge(head, tail, covered, size)
            covered += size
        if covered < window:
            blocks = merge(
                tuple(part[:-size] for part in blocks),
                tuple(part[size:] for part in blocks),
                size,
                size,
            )
            size *= 2
    assert folded is not None  # noqa: S101  (window >= 1 has a bit set)
    padded = []
    for leaf, part in zip(leaves, folded, strict=True):
        whole = np.full(leaf.shape, np.nan)
        whole[window - 1 :] = part
        padded.append(whole)
    return tuple(padded)
