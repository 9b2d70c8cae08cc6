"""A version's reference with everything that scans are judged by, made once a version."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.drift.distributions import ordered
from shadowbook.core.drift.found import FalseAlarms, Kind
from shadowbook.core.drift.grid import Counts, Grid, counts_of, distances, grid_of
from shadowbook.core.drift.nulls import Null, blocks_of, missing_share, nulls_of
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.values import Floats, Sessions

KEPT = 100_000
"""Values of a column that are kept: beyond them distances are off by 0.00001 at most."""

EXACT = 2**24
"""Whole numbers below are exact in single precision."""

LEAST_SESSIONS = 252
"""Sessions with values that a reference needs: blocks and tails rest on them."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One column of a panel.

    Attributes
    ----------
    name : unique among the columns.
    values : (T, N); NaN or infinite = missing.
    present : (T, N) where a value could be; None: everywhere.
    """

    name: str
    kind: Kind
    values: Floats
    present: NDArray[np.bool_] | None = None


@dataclass(frozen=True, eq=False)
class CalibratedColumn:
    """One column of a reference.

    Attributes
    ----------
    finite : (n,) its finite values, ascending; of more than `KEPT`, evenly spaced ones.
    grid : cells that scans count in; none where the column is not computable.
    counts : (C + 1,) of the reference by cell, missing values last.
    block : sessions that its resamples keep together.
    nulls : window -> distances when nothing changed.
    reason : why nothing can be said of it; empty where it can.
    """

    name: str
    kind: Kind
    finite: Floats
    grid: Grid | None
    counts: Counts
    block: int
    nulls: Mapping[int, Null]
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What a version is held against.

    Attributes
    ----------
    span : first and last session of the reference.
    windows : trailing sessions of a scan, ascending.
    n_bins : cells of the population stability index.
    rate : false discovery rate of a scan.
    least_distance : a Kolmogorov-Smirnov distance up to it never counts.
    least_missing : smaller differences of missing shares never count.
    false_alarms : how often scans cry wolf.
    """

    columns: tuple[CalibratedColumn, ...]
    span: tuple[np.datetime64, np.datetime64]
    windows: tuple[int, ...]
    n_bins: int
    rate: float
    least_distance: float
    least_missing: float
    false_alarms: FalseAlarms


def calibrate(
    samples: Sequence[Sample],
    sessions: Sessions,
    policy: DriftPolicy,
    rng: np.random.Generator,
) -> Calibration:
    """Cut, count and resample a reference.

    Each null distribution has at least `DriftPolicy.n_resamples` draws, and so many that one column
    alone can count among all columns and windows, as long as few of them ever miss values.

    Parameters
    ----------
    samples : columns, each (T, N) over the same sessions.
    sessions : (T,) of the reference, ascending.
    rng : source of the draws; a column's own do not depend on what the others hold.

    Raises
    ------
    ValueError
        When a column has another number of sessions, or two have one name.
    """
    names = [one.name for one in samples]
    if len(set(names)) != len(names):
        raise ValueError("two columns of the reference have one name")
    n_tests = 2 * len(samples) * len(policy.windows)
    n_draws = max(policy.n_resamples, math.ceil(n_tests / policy.false_discovery_rate))
    columns = []
    for one, own in zip(samples, rng.spawn(len(samples)), strict=True):
        if len(one.values) != len(sessions):
            raise ValueError(
                f"{one.name} has {len(one.values)} sessions and the reference {len(sessions)}"
            )
        columns.append(_calibrated(one, policy, n_draws, own))
    return Calibration(
        columns=tuple(columns),
        span=(sessions[0], sessions[-1]),
        windows=policy.windows,
        n_bins=policy.n_bins,
        rate=policy.false_discovery_rate,
        least_distance=policy.min_distance,
        least_missing=policy.min_missing_difference,
        false_alarms=FalseAlarms(math.nan, math.nan, math.nan, 0.0),
    )


def _calibrated(
    sample: Sample, policy: DriftPolicy, n_draws: int, rng: np.random.Generator
) -> CalibratedColumn:
    there = np.isfinite(sample.values)
    if sample.present is not None:
        there &= sample.present
    finite = ordered(sample.values[there])
    n_known = int(there.any(axis=1).sum())
    reason = ""
    if n_known < LEAST_SESSIONS:
        reason = f"the reference has values in {n_known} sessions and {LEAST_SESSIONS} are needed"
    if 2 * sample.values.size >= EXACT:
        reason = (
            f"the reference has {sample.values.size:,} values, which are too many to be counted "
            "exactly: shorten drift.reference_sessions"
        )
    if reason:
        empty = np.zeros(0, dtype=np.float32)
        return CalibratedColumn(sample.name, sample.kind, _kept(finite), None, empty, 0, {}, reason)
    grid = grid_of(finite, policy.n_bins)
    counts = counts_of(grid, sample.values, sample.present)
    blocks = blocks_of(np.where(there, sample.values, np.nan), finite, counts)
    nulls = nulls_of(grid, counts, policy.windows, blocks, n_draws, rng)
    return CalibratedColumn(
        name=sample.name,
        kind=sample.kind,
        finite=_kept(finite),
        grid=grid,
        counts=counts.sum(axis=0),
        block=blocks.values,
        nulls=dict(zip(policy.windows, nulls, strict=True)),
    )


def _kept(finite: Floats) -> Floats:
    if len(finite) <= KEPT:
        return finite
    return finite[np.linspace(0, len(finite) - 1, KEPT).round().astype(np.int64)]


@dataclass(frozen=True, eq=False)
class Rolled:
    """One column's windows, session by session; arrays (T,), NaN where not computable.

    Attributes
    ----------
    psi, ks : distances at the calibration's cells.
    missing : difference of missing shares, current less reference; NaN where the window could have
        no value at all.
    p_value : of both distances together; 1 where they are too small to count.
    p_missing : of the missing shares; 1 where the difference is too small to count, NaN where no
        value is missing on either side.
    """

    psi: Floats
    ks: Floats
    missing: Floats
    p_value: Floats
    p_missing: Floats


def rolled(
    column: CalibratedColumn, counts: Counts, window: int, calibration: Calibration
) -> Rolled:
    """Hold every trailing window of counted sessions against a column's reference.

    Parameters
    ----------
    column : of the calibration, or one like it.
    counts : (T, C + 1) `grid.counts_of` of consecutive sessions.

    Returns
    -------
    (T,) series; NaN before the window is full.
    """
    n = len(counts)
    nothing = np.full(n, np.nan)
    if column.grid is None or n < window:
        return Rolled(nothing, nothing, nothing, nothing, nothing)
    sums = np.concatenate(
        [np.zeros((1, counts.shape[1])), np.cumsum(counts, axis=0, dtype=np.float64)]
    )
    current = (sums[window:] - sums[:-window]).astype(np.float32)
    ks, psi = distances(column.grid, column.counts[None, :-1], current[:, :-1])
    before, after = missing_share(column.counts), missing_share(current)
    # Of a window in which nothing could have a value, nothing is known to be missing.
    difference = np.where(current.any(axis=1), after - before, np.nan)
    null = column.nulls[window]
    p_value = null.p_value(ks, psi)
    # Distances come from sums in single precision.
    p_value[ks <= calibration.least_distance * (1.0 + 1e-6)] = 1.0
    p_missing = null.p_missing(difference)
    p_missing[np.abs(difference) < calibration.least_missing * (1.0 - 1e-9)] = 1.0
    p_missing[(after == 0.0) & (before == 0.0)] = np.nan
    return Rolled(
        *(
            np.concatenate([nothing[: window - 1], part])
            for part in (psi, ks, difference, p_value, p_missing)
        )
    )
