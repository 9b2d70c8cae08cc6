"""A reference cut into fine cells, and a panel's values counted in them session by session.

Counting once makes every window, and every resample of whole sessions, a sum of counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.drift.cells import EMPTY, Cells, cells_of
from shadowbook.core.values import Floats

FINE = 100
"""Quantile cells that the Kolmogorov-Smirnov distance is taken on: it loses 0.011 at most."""

HEAVY = 0.001
"""Share of the reference that one value must have to be a cell of its own."""

Counts = NDArray[np.float32]
"""Whole numbers below 2**24, so that sums are exact in any order."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A partition of the line, finer than that of the population stability index.

    Attributes
    ----------
    edges : (C - 1,) ascending; cells are closed on the left, the outer ones open.
    group : (C,) cell of the population stability index that each cell lies in, from 0.
    """

    edges: Floats
    group: NDArray[np.int64]

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.group)

    @property
    def coarse(self) -> Cells:
        """Cells of the population stability index that this partition was made from."""
        if self.group[0] > 0:
            return Cells(self.edges[::2], discrete=True)
        return Cells(self.edges[np.diff(self.group) > 0], discrete=False)


def grid_of(ordered: Floats, n_bins: int) -> Grid:
    """Cut the line by a reference sample.

    Parameters
    ----------
    ordered : (n,) ascending, finite, at least one.
    n_bins : cells of the population stability index at most; see `cells.cells_of`.

    >>> grid_of(np.array([0.0, 0.0, 1.0]), 4).group
    array([2, 0, 2, 1, 2])
    """
    cells = cells_of(ordered, n_bins)
    if cells.discrete:
        after = np.nextafter(cells.edges, np.inf)
        group = np.full(2 * len(cells.edges) + 1, len(cells.edges))
        group[1::2] = np.arange(len(cells.edges))
        return Grid(np.column_stack([cells.edges, after]).ravel(), group)
    fine = np.quantile(ordered, np.linspace(0.0, 1.0, FINE + 1)[1:-1])
    at, after = (np.searchsorted(ordered, fine, side=side) for side in ("left", "right"))
    heavy = after - at > max(HEAVY * len(ordered), 1.0)
    # Beside a heavy value in its cell, all that moves would be hidden.
    behind = np.nextafter(fine[heavy], np.inf)
    edges = np.union1d(np.append(fine[heavy | (fine > ordered[0])], behind), cells.edges)
    starts = np.concatenate([[-np.inf], edges])
    return Grid(edges, np.searchsorted(cells.edges, starts, side="right"))


def counts_of(grid: Grid, values: Floats, present: NDArray[np.bool_] | None = None) -> Counts:
    """Count a panel's values by session and cell.

    Parameters
    ----------
    values : (T, N); values that are not finite count as missing.
    present : (T, N) where a value could be: a name that is not there yet is not missing. None:
        everywhere.

    Returns
    -------
    (T, C + 1) counts, missing values last.
    """
    size = grid.size
    known = np.isfinite(values) if present is None else np.isfinite(values) & present
    missing = ~known if present is None else present & ~known
    rows, _ = np.nonzero(known)
    places = rows * size + np.searchsorted(grid.edges, values[known], side="right")
    counts = np.bincount(places, minlength=len(values) * size).reshape(len(values), size)
    return np.column_stack([counts, missing.sum(axis=1)]).astype(np.float32)


def distances(grid: Grid, reference: Counts, current: Counts) -> tuple[Floats, Floats]:
    """Take both distances of counted samples, many at once.

    Parameters
    ----------
    reference, current : (..., C) counts, of any total.

    Returns
    -------
    Kolmogorov and Smirnov's distance at the grid's edges, and the population stability index;
    NaN where a sample has no value.
    """
    n, m = reference.sum(axis=-1), current.sum(axis=-1)
    known = (n > 0) & (m > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.cumsum(current, axis=-1) / m[..., None]
        apart -= np.cumsum(reference, axis=-1) / n[..., None]
        ks = np.abs(apart, out=apart).max(axis=-1)
        index = _psi(_grouped(grid, reference), _grouped(grid, current), n, m)
    return np.where(known, ks, np.nan).astype(np.float64), np.where(known, index, np.nan)


def _grouped(grid: Grid, counts: Counts) -> Counts:
    """Add up the cells of each group."""
    members = np.zeros((grid.size, int(grid.group.max()) + 1), dtype=np.float32)
    members[np.arange(grid.size), grid.group] = 1.0
    grouped: Counts = counts @ members
    return grouped


def _psi(expected: Counts, actual: Counts, n: Floats, m: Floats) -> Floats:
    e = np.where(expected == 0, EMPTY, expected) / n[..., None].astype(np.float64)
    a = np.where(actual == 0, EMPTY, actual) / m[..., None].astype(np.float64)
    index: Floats = ((a - e) * np.log(a / e)).sum(axis=-1)
    return index
