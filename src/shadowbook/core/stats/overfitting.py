"""How often the best trial of one half of the history is below the middle of the other half."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from shadowbook.core.values import Floats

_SHORTEST_BLOCK = 10


def probability_of_backtest_overfitting(returns: Floats, n_blocks: int = 16) -> float:
    """Cross-validate a choice among trials, combinatorially and symmetrically (CSCV).

    Bailey, Borwein, Lopez de Prado & Zhu (2015), section 3: the rows are cut into blocks; for every
    way to take half of them, the trial with the best Sharpe ratio there is ranked among all trials
    by its Sharpe ratio in the other half. The result is the share of ways in which that rank is
    no higher than the middle (a logit of at most 0).

    Parameters
    ----------
    returns : (T, M) net returns, a column a trial; rows with a NaN are left out, and so are
        columns that do not vary. Odd rows are dropped at the start.
    n_blocks : even, at least 2; fewer where a block would have fewer than ten rows.

    Returns
    -------
    Share, about 0.5 where no trial is better than the others; NaN with fewer than two trials or
    four blocks.

    Raises
    ------
    ValueError
        When ``n_blocks`` is odd or below 2.

    >>> steady = np.tile([0.01, 0.02], 40)
    >>> probability_of_backtest_overfitting(np.column_stack([steady, -steady, 0.3 - steady]))
    0.0
    """
    if n_blocks < 2 or n_blocks % 2:
        raise ValueError(f"n_blocks is {n_blocks}: it must be even and at least 2")
    whole = returns[np.isfinite(returns).all(axis=1)]
    blocks = min(n_blocks, len(whole) // _SHORTEST_BLOCK // 2 * 2)
    if blocks < min(4, n_blocks):
        return math.nan
    whole = whole[:, whole.std(axis=0) > 1e-12]
    if whole.shape[1] < 2:
        return math.nan
    inside = _sharpes_of_halves(whole, blocks)
    outside = inside[::-1]  # in lexicographic order the n-th half's complement is the n-th last
    chosen = np.argmax(inside, axis=1)
    own = outside[np.arange(len(chosen)), chosen][:, None]
    # Ranked among the others, ties halved: in the middle or below it where no more are worse
    # than are better.
    return float(((outside < own).sum(axis=1) <= (outside > own).sum(axis=1)).mean())


def _sharpes_of_halves(returns: Floats, n_blocks: int) -> Floats:
    """Sharpe ratio of each trial over each half of the blocks; (ways, M)."""
    length = len(returns) // n_blocks
    kept = returns[-length * n_blocks :]
    center = kept.mean(axis=0)
    cut = (kept - center).reshape(n_blocks, length, -1)
    sums, squares = cut.sum(axis=1), (cut * cut).sum(axis=1)
    halves = np.array(list(combinations(range(n_blocks), n_blocks // 2)))
    taken = np.zeros((len(halves), n_blocks))
    np.put_along_axis(taken, halves, 1.0, axis=1)
    rows = length * n_blocks // 2
    # einsum, not a matrix product: BLAS may split it over threads, and the last bits with it.
    shift = np.einsum("cb,bm->cm", taken, sums) / rows
    spread = np.einsum("cb,bm->cm", taken, squares) - rows * shift * shift
    deviation = np.sqrt(np.maximum(spread, 0.0) / (rows - 1))
    # A trial that stands still over a half was no choice there: the last of all.
    sharpes = np.full(shift.shape, -np.inf)
    np.divide(shift + center, deviation, out=sharpes, where=deviation > 1e-12)
    return sharpes
