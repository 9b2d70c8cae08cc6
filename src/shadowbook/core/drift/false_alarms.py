"""How often scans cry wolf: years of the reference, each held against the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.drift.calibration import CalibratedColumn, Sample, calibrate
from shadowbook.core.drift.found import FalseAlarms
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.scan import judged, rolls_of
from shadowbook.core.values import Floats

A_YEAR = 252
"""Sessions that are called a year."""

TEXTBOOK_PSI = 0.2
TEXTBOOK_KS = math.sqrt(-math.log(0.05 / 2.0) / 2.0)
"""Kolmogorov and Smirnov's critical value at 5 %, times the root of n m / (n + m)."""


def measure_false_alarms(
    samples: Sequence[Sample], policy: DriftPolicy, rng: np.random.Generator
) -> FalseAlarms:
    """Count the incidents that years of the reference open, each scanned as if it came after.

    A reference counts as unchanged throughout, so what its own years open is a false alarm. Each
    year, with the sessions before it that fill its first windows, is left out and held against all
    the rest. Draws from the reference itself would never hold what it has not seen, and told of a
    fifth of the incidents that real years opened.

    Parameters
    ----------
    samples : the reference's columns, each (T, N).
    policy : how many years are held out, at most; they are spread evenly and overlap where the
        reference holds fewer.
    rng : for the draws.

    Returns
    -------
    Not measured (0 years) where the rest would be shorter than a year, or no year is asked for. The
    interval takes incidents as a Poisson process (Garwood 1936).
    """
    n_sessions = len(samples[0].values) if samples else 0
    fill = policy.windows[-1] - 1
    n_years = min(policy.held_out_years, n_sessions // A_YEAR)
    if n_years < 1 or n_sessions < 2 * A_YEAR + fill:
        return FalseAlarms(math.nan, math.nan, math.nan, 0.0)
    last = n_sessions - A_YEAR - fill
    starts = np.linspace(0, last, n_years).round().astype(int)
    children = rng.spawn(n_years)
    years = [
        _year(samples, slice(start, start + A_YEAR + fill), policy, own)
        for start, own in zip(starts, children, strict=True)
    ]
    incidents = sum(year.incidents for year in years)
    return FalseAlarms(
        expected_a_year=incidents / n_years,
        textbook_psi=float(np.mean([year.psi for year in years])),
        textbook_ks=float(np.mean([year.ks for year in years])),
        years=float(n_years),
        interval=_poisson(incidents, n_years),
    )


def _poisson(count: int, years: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a rate a year."""
    from scipy.stats import chi2

    low = chi2.ppf(0.025, 2 * count) / 2.0 if count else 0.0
    return float(low / years), float(chi2.ppf(0.975, 2 * count + 2) / 2.0 / years)


@dataclass(frozen=True)
class _Year:
    """Incidents of a year, and shares of columns in alarm by the textbook; NaN without a column."""

    incidents: int
    psi: float
    ks: float


def _year(
    samples: Sequence[Sample], held: slice, policy: DriftPolicy, rng: np.random.Generator
) -> _Year:
    there = np.ones(len(samples[0].values), dtype=bool)
    there[held] = False
    rest, year = [_cut(one, there) for one in samples], [_cut(one, ~there) for one in samples]
    days = np.arange(int(there.sum())).astype("datetime64[D]")
    calibration = calibrate(rest, days, policy, rng)
    rolls = rolls_of(calibration, year)
    since = policy.windows[-1] - 1
    adjusted = judged(calibration, rolls).adjusted[since:]
    lowest = np.fmin.reduce(adjusted.reshape(len(adjusted), -1), axis=1)
    alarms = lowest <= calibration.rate * (1.0 + 1e-9)
    shares = [
        (
            np.mean(own[0].psi[since:] > TEXTBOOK_PSI),
            _textbook(column, sample, own[0].ks, policy.windows[0])[since:].mean(),
        )
        for column, sample, own in zip(calibration.columns, year, rolls, strict=True)
        if column.grid is not None
    ]
    psi, ks = np.mean(shares, axis=0) if shares else (math.nan, math.nan)
    incidents = count_incidents(alarms, policy.persistence, policy.clear_sessions)
    return _Year(incidents, float(psi), float(ks))


def _cut(sample: Sample, rows: NDArray[np.bool_]) -> Sample:
    present = None if sample.present is None else sample.present[rows]
    return replace(sample, values=sample.values[rows], present=present)


def _textbook(
    column: CalibratedColumn, sample: Sample, ks: Floats, window: int
) -> NDArray[np.bool_]:
    """Tell which windows K-S at 5 % on independent values would call drifted."""
    known = np.isfinite(sample.values)
    if sample.present is not None:
        known &= sample.present
    sums = np.concatenate([[0], np.cumsum(known.sum(axis=1))]).astype(np.float64)
    n, m = len(column.finite), np.full(len(ks), np.nan)
    m[window - 1 :] = sums[window:] - sums[:-window]
    with np.errstate(divide="ignore", invalid="ignore"):
        limit = TEXTBOOK_KS * np.sqrt((n + m) / (n * m))
    return np.asarray(ks > limit)


def count_incidents(
    alarms: Sequence[bool] | NDArray[np.bool_], persistence: int, clear: int
) -> int:
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
