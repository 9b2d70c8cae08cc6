"""Scans of trailing windows, session by session, and one session in full."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.drift.calibration import (
    CalibratedColumn,
    Calibration,
    Rolled,
    Sample,
    rolled,
)
from shadowbook.core.drift.cells import EMPTY
from shadowbook.core.drift.distributions import ks_distance, ordered, psi_from_proportions
from shadowbook.core.drift.found import ColumnDrift, ScanPath
from shadowbook.core.drift.grid import Counts, counts_of
from shadowbook.core.stats.multiple import adjusted_p_values
from shadowbook.core.values import Floats, Sessions

LARGE = 1000
"""Size of a sample from which on Kolmogorov's limit stands for his distribution."""

BAND = 0.95
"""Share of windows that stay below a band when nothing changed."""


class Judged(NamedTuple):
    """Every test of a calibration's scans; arrays (T, K, W), NaN = not computable.

    Attributes
    ----------
    p_value, p_missing : see `calibration.Rolled`.
    psi : at the calibration's cells.
    adjusted : smaller of both tests' adjusted p-values, over all columns and windows of a session.
    """

    p_value: Floats
    p_missing: Floats
    psi: Floats
    adjusted: Floats


def judged(calibration: Calibration, rolls: Sequence[Sequence[Rolled]]) -> Judged:
    """Put columns and windows together and correct for their number.

    Parameters
    ----------
    rolls : by column, by window.
    """
    p_value, p_missing, psi = (
        np.stack([np.stack([getattr(one, name) for one in own], axis=-1) for own in rolls], axis=1)
        for name in ("p_value", "p_missing", "psi")
    )
    n_sessions, shape = len(p_value), p_value.shape
    tests = np.concatenate(
        [p_value.reshape(n_sessions, -1), p_missing.reshape(n_sessions, -1)], axis=1
    )
    adjusted = adjusted_p_values(tests).reshape(n_sessions, 2, *shape[1:])
    return Judged(p_value, p_missing, psi, np.fmin(adjusted[:, 0], adjusted[:, 1]))


def scan_path(
    calibration: Calibration, samples: Sequence[Sample], sessions: Sessions, since: int = 0
) -> ScanPath:
    """Scan every session's trailing windows.

    Parameters
    ----------
    samples : a column each of the calibration, in its order, (T, N) over consecutive sessions;
        the first ones fill the windows.
    sessions : (T,).
    since : the first row that is told of.

    Raises
    ------
    ValueError
        When columns are others than the calibration's.
    """
    found = judged(calibration, rolls_of(calibration, samples))
    p = np.fmin(found.p_value, found.p_missing)[since:]
    least = np.fmin.reduce(p, axis=2)
    adjusted = np.fmin.reduce(found.adjusted[since:], axis=2)
    lowest = np.fmin.reduce(adjusted, axis=1)
    in_alarm = lowest <= calibration.rate * (1.0 + 1e-9)
    return ScanPath(
        sessions=sessions[since:],
        columns=tuple(one.name for one in calibration.columns),
        p_values=least,
        psi=found.psi[since:, :, 0],
        drifted=adjusted <= calibration.rate * (1.0 + 1e-9),
        adjusted=lowest,
        alarm=np.where(np.isnan(lowest), -1, in_alarm).astype(np.int8),
    )


def rolls_of(calibration: Calibration, samples: Sequence[Sample]) -> list[list[Rolled]]:
    """Roll every window over every column; see ``scan_path``."""
    _check(calibration, samples)
    return [
        _rolled(column, sample, calibration)
        for column, sample in zip(calibration.columns, samples, strict=True)
    ]


def _check(calibration: Calibration, samples: Sequence[Sample]) -> None:
    names, wanted = [one.name for one in samples], [one.name for one in calibration.columns]
    if names != wanted:
        raise ValueError(f"the columns are {names}, the reference's are {wanted}")


def _rolled(column: CalibratedColumn, sample: Sample, calibration: Calibration) -> list[Rolled]:
    counts = _counts(column, sample)
    return [rolled(column, counts, w, calibration) for w in calibration.windows]


def _counts(column: CalibratedColumn, sample: Sample) -> Counts:
    if column.grid is None:
        return np.zeros((len(sample.values), 1), dtype=np.float32)
    return counts_of(column.grid, sample.values, sample.present)


def scan(calibration: Calibration, samples: Sequence[Sample]) -> tuple[ColumnDrift, ...]:
    """Hold the newest windows against the reference, in full.

    Parameters
    ----------
    samples : as for ``scan_path``; the last rows are the newest.

    Returns
    -------
    One a column and window, in order of the calibration.
    """
    _check(calibration, samples)
    longest = calibration.windows[-1]
    newest = [
        replace(
            one,
            values=one.values[-longest:],
            present=None if one.present is None else one.present[-longest:],
        )
        for one in samples
    ]
    if not len(newest[0].values):
        raise ValueError("there are no sessions to scan")
    pairs = list(zip(calibration.columns, newest, strict=True))
    rolls = [_newest(column, sample, calibration) for column, sample in pairs]
    adjusted = judged(calibration, rolls).adjusted[-1]
    exact = [_exact(column, sample, calibration.windows) for column, sample in pairs]
    textbook = _textbook(exact)
    return tuple(
        _told(
            column,
            (window, len(sample.values)),
            rolls[k][w],
            exact[k][w],
            (float(textbook[k, w]), float(adjusted[k, w])),
            calibration.rate,
        )
        for k, (column, sample) in enumerate(pairs)
        for w, window in enumerate(calibration.windows)
    )


def _newest(column: CalibratedColumn, sample: Sample, calibration: Calibration) -> list[Rolled]:
    """Roll every window over its newest sessions alone; arrays (1,)."""
    counts = _counts(column, sample)
    rolls = [
        rolled(column, counts[-window:], window, calibration) for window in calibration.windows
    ]
    return [
        Rolled(one.psi[-1:], one.ks[-1:], one.missing[-1:], one.p_value[-1:], one.p_missing[-1:])
        for one in rolls
    ]


def _told(
    column: CalibratedColumn,
    sessions: tuple[int, int],
    roll: Rolled,
    exact: _Exact,
    chances: tuple[float, float],
    rate: float,
) -> ColumnDrift:
    """Put one window together; ``sessions`` wanted and there, ``chances`` textbook and adjusted."""
    (window, there), (p_textbook, adjusted) = sessions, chances
    reason = column.reason
    if not reason and there < window:
        reason = f"{there} sessions were lived through and {window} are needed"
    if not reason and not exact.n_current:
        reason = f"no value of the last {window} sessions is known"
    null = column.nulls.get(window)
    return ColumnDrift(
        column=column.name,
        kind=column.kind,
        window=window,
        n_current=exact.n_current,
        psi=exact.psi,
        ks_statistic=exact.ks,
        missing_difference=float(roll.missing[-1]),
        p_value=float(roll.p_value[-1]),
        p_missing=float(roll.p_missing[-1]),
        psi_band=_band(null.psi) if null else math.nan,
        ks_band=_band(null.ks) if null else math.nan,
        ks_p_textbook=p_textbook,
        adjusted=adjusted,
        drifted=bool(adjusted <= rate * (1.0 + 1e-9)),
        status="NOT_COMPUTABLE" if reason else "OK",
        reason=reason,
    )


class _Exact(NamedTuple):
    """Distances of one window's finite values; NaN where not computable."""

    psi: float
    ks: float
    n_reference: int
    n_current: int


def _exact(column: CalibratedColumn, sample: Sample, windows: Sequence[int]) -> list[_Exact]:
    there = (
        sample.values if sample.present is None else np.where(sample.present, sample.values, np.nan)
    )
    cells = column.grid.coarse if column.grid is not None else None
    n, expected = int(column.counts[:-1].sum()), np.zeros(0)
    if column.grid is not None:
        grouped = np.bincount(column.grid.group, column.counts[:-1])
        expected = np.where(grouped == 0.0, EMPTY, grouped) / n
    found = []
    for window in windows:
        finite = ordered(there[-window:].ravel())
        index = distance = math.nan
        if cells is not None and len(finite) and len(there) >= window:
            index = psi_from_proportions(expected, cells.shares(finite))
            distance = ks_distance(column.finite, finite)
        found.append(_Exact(index, distance, n, len(finite)))
    return found


def _textbook(exact: Sequence[Sequence[_Exact]]) -> Floats:
    """Return the chance of each distance among independent values; one call, since each is slow."""
    from scipy.special import kolmogorov
    from scipy.stats import kstwo

    ks, n, m = (
        np.array([[getattr(one, name) for one in own] for own in exact], dtype=np.float64)
        for name in ("ks", "n_reference", "n_current")
    )
    known = np.isfinite(ks)
    found = np.full(ks.shape, np.nan)
    # Hodges (1958), as scipy's ks_2samp takes it for large samples; beyond that its limit, which
    # costs nothing, while the other takes longer the more values there are.
    size = np.zeros(ks.shape)
    size[known] = np.round(n[known] * m[known] / (n[known] + m[known]))
    few, many = known & (size <= LARGE), known & (size > LARGE)
    found[few] = kstwo.sf(ks[few], size[few])
    found[many] = kolmogorov(np.sqrt(size[many]) * ks[many])
    return found


def _band(ascending: NDArray[np.floating[Any]]) -> float:
    """Return the quantile of draws that are in order already, between neighbors."""
    place = BAND * (len(ascending) - 1)
    low = int(place)
    before, after = float(ascending[low]), float(ascending[min(low + 1, len(ascending) - 1)])
    return before + (after - before) * (place - low)
