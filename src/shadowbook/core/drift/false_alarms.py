"""How often scans cry wolf: years in which nothing changes, drawn from the reference itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shadowbook.core.drift.calibration import (
    CalibratedColumn,
    Calibration,
    Sample,
    rolled,
)
from shadowbook.core.drift.found import FalseAlarms
from shadowbook.core.drift.grid import Counts, counts_of
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.scan import judged
from shadowbook.core.stats.resampling import circular_block_indices
from shadowbook.core.values import Floats

A_YEAR = 252
"""Sessions that are called a year."""

TEXTBOOK_PSI = 0.2
TEXTBOOK_KS = math.sqrt(-math.log(0.05 / 2.0) / 2.0)
"""Kolmogorov and Smirnov's critical value at 5 %, times the root of n m / (n + m)."""


def measure_false_alarms(
    calibration: Calibration,
    samples: Sequence[Sample],
    policy: DriftPolicy,
    n_years: int,
    rng: np.random.Generator,
) -> FalseAlarms:
    """Simulate years without any change and count the incidents that scans open in them.

    A year is a stretch of the reference as it was, because a joint between blocks would look like
    a change to whatever has a calendar; what it is held against is drawn from the reference in
    circular blocks of whole sessions, all columns together, as long as the longest of any column.

    Parameters
    ----------
    samples : the columns that the calibration was made from.
    n_years : to simulate; 0: nothing is measured, nor from a reference that holds no year.
    """
    columns = [column for column in calibration.columns if column.grid is not None]
    n_sessions = len(samples[0].values) if samples else 0
    if not n_years or not columns or n_sessions < calibration.windows[-1] - 1 + A_YEAR:
        return calibration.false_alarms
    by_name = {sample.name: sample for sample in samples}
    counts = [
        counts_of(column.grid, by_name[column.name].values, by_name[column.name].present)
        for column in columns
        if column.grid is not None
    ]
    known = replace(calibration, columns=tuple(columns))
    block = max(column.block for column in columns)
    years = [_year(known, counts, block, policy, rng) for _ in range(n_years)]
    return FalseAlarms(
        expected_a_year=float(np.mean([year.incidents for year in years])),
        textbook_psi=float(np.mean([year.psi for year in years])),
        textbook_ks=float(np.mean([year.ks for year in years])),
        years=float(n_years),
    )


@dataclass(frozen=True)
class _Year:
    incidents: int
    psi: float
    ks: float


def _year(
    calibration: Calibration,
    counts: Sequence[Counts],
    block: int,
    policy: DriftPolicy,
    rng: np.random.Generator,
) -> _Year:
    n_sessions, longest = len(counts[0]), calibration.windows[-1]
    reference = circular_block_indices(n_sessions, block, 1, rng)[0]
    length = longest - 1 + A_YEAR
    first = int(rng.integers(0, n_sessions - length + 1))
    rows = slice(first, first + length)
    rolls, psi, ks = [], [], []
    for column, own in zip(calibration.columns, counts, strict=True):
        drawn = replace(column, counts=own[reference].sum(axis=0))
        rolls.append([rolled(drawn, own[rows], w, calibration) for w in calibration.windows])
        shortest = rolls[-1][0]
        psi.append(np.mean(shortest.psi[longest - 1 :] > TEXTBOOK_PSI))
        ks.append(_textbook(drawn, own[rows], shortest.ks, calibration.windows[0], longest - 1))
    found = judged(calibration, rolls).adjusted[longest - 1 :]
    lowest = np.fmin.reduce(found.reshape(len(found), -1), axis=1)
    alarms = lowest <= calibration.rate * (1.0 + 1e-9)
    incidents = count_incidents(alarms, policy.persistence, policy.clear_sessions)
    return _Year(incidents, float(np.mean(psi)), float(np.mean(ks)))


def _textbook(
    column: CalibratedColumn, counts: Counts, ks: Floats, window: int, skipped: int
) -> float:
    """Return the share of windows that K-S at 5 % on independent values would call drifted."""
    n = column.counts[:-1].sum()
    sums = np.concatenate([[0.0], np.cumsum(counts[:, :-1].sum(axis=1), dtype=np.float64)])
    m = sums[window:] - sums[:-window]
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = TEXTBOOK_KS * np.sqrt((n + m) / (n * m))
    return float(np.mean((ks[window - 1 :] > limit)[skipped - window + 1 :]))


def count_incidents(alarms: Sequence[bool] | np.ndarray, persistence: int, clear: int) -> int:
    """Count the incidents that a series of scans opens; see `incidents.advance`.

    >>> count_incidents([True, True, False, False, True, True], persistence=2, clear=2)
    2
    """
    is_open, run, calm, n_incidents = False, 0, 0, 0
    for alarm in alarms:
        run, calm = (run + 1, 0) if alarm else (0, calm + 1)
        if not is_open and run >= persistence:
            is_open, n_incidents = True, n_incidents + 1
        elif is_open and calm >= clear:
            is_open = False
    return n_incidents
