"""Cells that a reference sample cuts the line into, and shares of samples in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats

EMPTY = 0.5
"""Observations that an empty cell counts as, so that its logarithm is finite."""


@dataclass(frozen=True, eq=False)
class Cells:
    """A partition of the line.

    Attributes
    ----------
    edges : (B - 1,) ascending inner edges of B intervals, closed on the left, the outer ones open;
        or, where ``discrete``, the (V,) values that have a cell each, everything else sharing one.
    """

    edges: Floats
    discrete: bool

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.edges) + 1

    def counts(self, ordered: Floats) -> NDArray[np.int64]:
        """Count a sample's values by cell.

        Parameters
        ----------
        ordered : (n,) ascending, finite.
        """
        left = np.searchsorted(ordered, self.edges, side="left")
        if not self.discrete:
            return np.diff(np.concatenate([[0], left, [len(ordered)]])).astype(np.int64)
        here = np.searchsorted(ordered, self.edges, side="right") - left
        return np.append(here, len(ordered) - here.sum()).astype(np.int64)

    def shares(self, ordered: Floats) -> Floats:
        """Return a sample's share in each cell; an empty one counts half an observation.

        The shares are not brought back to a sum of one. NaN for a sample without values.
        """
        if not len(ordered):
            return np.full(self.size, np.nan)
        counts = self.counts(ordered)
        return np.where(counts == 0, EMPTY, counts) / len(ordered)


def cells_of(ordered: Floats, n_bins: int) -> Cells:
    """Cut the line by a reference sample's quantiles, or by its values where they are few.

    Parameters
    ----------
    ordered : (n,) ascending, finite, at least one.
    n_bins : cells at most; edges that fall on one value merge.

    >>> cells_of(np.arange(8.0), 4).edges
    array([1.75, 3.5 , 5.25])
    >>> cells_of(np.array([0.0, 0.0, 1.0]), 4)
    Cells(edges=array([0., 1.]), discrete=True)
    """
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    if len(starts) <= n_bins:
        return Cells(ordered[starts], discrete=True)
    edges = np.unique(np.quantile(ordered, np.linspace(0.0, 1.0, n_bins + 1)))
    # The lowest value is in the first cell, which is open below: its edge would cut nothing.
    return Cells(edges[(edges > ordered[0]) & (edges < ordered[-1])], discrete=False)
