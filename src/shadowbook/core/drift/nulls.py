"""What distances come to when nothing changed: whole sessions resampled in blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.drift.grid import Counts, Grid, distances
from shadowbook.core.stats.block_length import optimal_block_length
from shadowbook.core.values import Floats

Singles = NDArray[np.float32]

LONGER = 1.5
"""Blocks against those that are best for the variance of a mean: a distance needs the whole
distribution of a window, and its tests were too large by up to a third without it."""

SHARED = 32
"""Draws of the current window that are held against one draw of the reference."""


@dataclass(frozen=True, eq=False)
class Null:
    """Distances of a window from its reference when nothing changed; arrays (B,), ascending.

    They are kept in single precision, which a window's own are rounded to before they are held
    against them, so that ties stay ties.

    Attributes
    ----------
    ks, psi : each distance alone.
    least : the smaller p-value of the two, of each draw.
    missing : absolute differences of missing shares.
    """

    ks: Singles
    psi: Singles
    least: Singles
    missing: Singles

    def p_value(self, ks: Floats, psi: Floats) -> Floats:
        """Return the chance of distances like these together; NaN where one is.

        Draws that reach a value count, and the window itself as one more, so it is never 0. It is 1
        where Kolmogorov and Smirnov's distance is 0.
        """
        of_ks, of_psi = exceeding(self.ks, ks), exceeding(self.psi, psi)
        least = np.minimum(of_ks, of_psi)
        reached = np.searchsorted(self.least, least.astype(np.float32), side="right")
        # Where one distance alone is that unlikely, the draw that is as unlikely by the other
        # counts as well: two tests have two chances.
        reached += (of_ks != of_psi) & (reached < len(self.least))
        p: Floats = (reached + 1.0) / (len(self.least) + 1.0) + 0.0 * least
        # Of samples that lie alike, the index is what empty cells count as: how many values there
        # are, which would call one more missing value of a constant column drift.
        return np.where(ks == 0.0, 1.0 + 0.0 * least, p)

    def p_missing(self, difference: Floats) -> Floats:
        """Return the chance of a difference of missing shares that is as large."""
        return exceeding(self.missing, np.abs(difference))


def exceeding(ascending: Singles, values: Floats) -> Floats:
    """Return the share of draws that reach a value, the value itself counted as one more.

    >>> exceeding(np.array([1.0, 2.0, 3.0], dtype=np.float32), np.array([2.0, 9.0, np.nan]))
    array([0.75, 0.25,  nan])
    """
    below = np.searchsorted(ascending, values.astype(np.float32), side="left")
    p: Floats = (len(ascending) - below + 1.0) / (len(ascending) + 1.0) + 0.0 * values
    return p


def block_of(values: Floats, ordered: Floats) -> int:
    """Choose how many sessions a block has, for a column.

    The sessions' mean rank in the reference, and its squared deviation, must both be kept; the
    longer block of the two counts.

    Parameters
    ----------
    values : (T, N) of the reference; NaN = missing.
    ordered : (n,) its finite values, ascending.
    """
    known = np.isfinite(values)
    ranks = np.searchsorted(ordered, np.where(known, values, 0.0)) / len(ordered)
    n = known.sum(axis=1)
    location = np.full(len(values), np.nan)
    np.divide(np.where(known, ranks, 0.0).sum(axis=1), n, out=location, where=n > 0)
    spread = np.full(len(values), np.nan)
    np.divide(np.where(known, (ranks - 0.5) ** 2, 0.0).sum(axis=1), n, out=spread, where=n > 0)
    return _longest(len(values), location, spread)


def blocks_of(values: Floats, ordered: Floats, counts: Counts) -> Blocks:
    """Choose both blocks of a column; see ``block_of``.

    Parameters
    ----------
    counts : (T, C + 1) of the sessions by cell, missing values last.
    """
    return Blocks(block_of(values, ordered), _longest(len(values), missing_share(counts)))


def _longest(n_sessions: int, *series: Floats) -> int:
    lengths = [optimal_block_length(one).circular for one in series]
    longest = max((one for one in lengths if math.isfinite(one)), default=1.0)
    return min(max(1, math.ceil(LONGER * longest)), n_sessions)


@dataclass(frozen=True)
class Blocks:
    """Sessions that resamples keep together.

    Attributes
    ----------
    values : for the distances.
    missing : for the missing shares, whose memory is another.
    """

    values: int
    missing: int


def nulls_of(
    grid: Grid,
    counts: Counts,
    windows: Sequence[int],
    blocks: Blocks,
    n_draws: int,
    rng: np.random.Generator,
) -> tuple[Null, ...]:
    """Resample both the reference and a window of it, and take their distances.

    Parameters
    ----------
    counts : (T, C + 1) of the reference's sessions by cell, missing values last.
    windows : sessions of each current window.
    n_draws : of each current window, at least.

    Returns
    -------
    A null a window.
    """
    sums = running_sums(counts)
    n_references = -(-n_draws // SHARED)
    reference = _drawn_windows(sums, len(counts), blocks.values, (n_references, 1), rng)
    found = []
    for window in windows:
        current = _drawn_windows(sums, window, blocks.values, (n_references, SHARED), rng)
        ks, psi = distances(grid, reference[..., :-1], current[..., :-1])
        missing = _missing(counts, window, blocks.missing, n_references, rng)
        found.append(_null(ks.ravel(), psi.ravel(), missing))
    return tuple(found)


def _missing(
    counts: Counts, window: int, block: int, n_references: int, rng: np.random.Generator
) -> Floats:
    """Draw absolute differences of missing shares."""
    if not counts[:, -1].any():
        return np.zeros(n_references * SHARED)
    sums = running_sums(np.column_stack([counts[:, :-1].sum(axis=1), counts[:, -1]]))
    shares = [
        missing_share(_drawn_windows(sums, length, block, (n_references, draws), rng))
        for length, draws in ((len(counts), 1), (window, SHARED))
    ]
    return np.abs(shares[1] - shares[0]).ravel()


def _drawn_windows(
    sums: Counts, length: int, block: int, shape: tuple[int, int], rng: np.random.Generator
) -> Counts:
    """Draw windows of blocks, (*shape, C)."""
    n_sessions = (len(sums) - 1) // 2
    starts = _starts(n_sessions, length, block, shape[0] * shape[1], rng)
    return drawn(sums, starts).reshape(*shape, -1)


def running_sums(counts: Counts) -> Counts:
    """Return (2 T + 1, C) running sums of counts, gone through twice: blocks run over the end."""
    twice = np.concatenate([np.zeros_like(counts[:1]), counts, counts])
    sums: Counts = np.cumsum(twice, axis=0, dtype=np.float32)
    return sums


def drawn(sums: Counts, starts: Sequence[tuple[int, NDArray[np.int64]]]) -> Counts:
    """Add up the sessions of drawn blocks, (B, C).

    Parameters
    ----------
    sums : `running_sums` of the sessions.
    starts : (sessions of a block, (B,) the first of them), block by block.
    """
    total = np.zeros((len(starts[0][1]), sums.shape[1]), dtype=np.float32)
    for size, first in starts:
        total += sums[first + size]
        total -= sums[first]
    return total


def missing_share(counts: Counts) -> Floats:
    """Return the share of values that are missing, (...); 0 where there are none at all.

    Parameters
    ----------
    counts : (..., C + 1), missing values last.
    """
    n = counts.sum(axis=-1, dtype=np.float64)
    share = np.zeros(n.shape)
    np.divide(counts[..., -1], n, out=share, where=n > 0)
    return share


def _starts(
    n_sessions: int, length: int, block: int, n_draws: int, rng: np.random.Generator
) -> list[tuple[int, NDArray[np.int64]]]:
    whole, rest = divmod(length, block)
    sizes = [block] * whole + ([rest] if rest else [])
    return [(size, rng.integers(0, n_sessions, n_draws)) for size in sizes]


def _null(ks: Floats, psi: Floats, missing: Floats) -> Null:
    """Order draws; one without a value counts as one that nothing is as far as."""
    ks, psi = np.where(np.isnan(ks), 0.0, ks), np.where(np.isnan(psi), 0.0, psi)
    ks_ordered, psi_ordered = (np.sort(one.astype(np.float32)) for one in (ks, psi))
    least = np.minimum(exceeding(ks_ordered, ks), exceeding(psi_ordered, psi))
    return Null(
        ks_ordered,
        psi_ordered,
        np.sort(least.astype(np.float32)),
        np.sort(missing.astype(np.float32)),
    )
