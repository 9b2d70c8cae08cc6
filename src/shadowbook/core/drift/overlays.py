"""Two distributions on the same cells, for the eye."""

from __future__ import annotations

import numpy as np

from shadowbook.core.drift.distributions import ordered
from shadowbook.core.drift.found import Overlay
from shadowbook.core.values import Floats

N_CELLS = 40
TAIL = 0.005
"""Share of either sample that lies beyond the drawn range, on each side."""


def overlay(column: str, window: int, reference: Floats, current: Floats) -> Overlay | None:
    """Count two samples in cells of equal width over the range that holds nearly all of both.

    Parameters
    ----------
    reference, current : any shape; values that are not finite are left out.

    Returns
    -------
    None where a sample has no finite value.
    """
    before, after = ordered(np.ravel(reference)), ordered(np.ravel(current))
    if not (len(before) and len(after)):
        return None
    ends = np.quantile(before, [TAIL, 1.0 - TAIL]), np.quantile(after, [TAIL, 1.0 - TAIL])
    low, high = min(ends[0][0], ends[1][0]), max(ends[0][1], ends[1][1])
    if high <= low:
        middle = low
        low, high = middle - max(abs(middle), 1.0) / 2.0, middle + max(abs(middle), 1.0) / 2.0
    edges = np.linspace(low, high, N_CELLS + 1)
    shares = [np.histogram(np.clip(one, low, high), edges)[0] / len(one) for one in (before, after)]
    return Overlay(column, window, edges, *shares)
