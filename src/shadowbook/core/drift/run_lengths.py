"""Settings of detectors that keep to a wanted run length between false alarms.

The detectors of a live book are warmed up: they first see the end of the version's out-of-sample
backtest, where they raise no alarm for anybody, since on live errors alone they would be silent for
years (DDM for 30 observations: of a monthly strategy, two and a half years). False alarms are
measured in the same use: histories drawn from the backtest's errors, the part that warms up and the
part that counts alike, because a live book is as likely to differ from a lucky end of the backtest
as two draws from each other.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from shadowbook.core.drift.detectors import (
    LARGEST_DELTA,
    PAPER,
    Detector,
    checked,
    late_alarms,
    machine,
)
from shadowbook.core.drift.found import Status
from shadowbook.core.stats.block_length import optimal_block_length
from shadowbook.core.stats.resampling import circular_block_indices
from shadowbook.core.values import Floats

MIN_REFERENCE = 50
"""Known observations that a reference must have."""

WARM_UP = 120
"""Observations that warm a detector up, at most. Calibrated detectors see a planted change about as
soon after 60 or 250 of them."""

SHORTEST, LONGEST = 120, 756
"""Observations of a history that count: the wanted run length, within these."""

LADDERS: Mapping[Detector, tuple[Mapping[str, float], ...]] = MappingProxyType(
    {
        "DDM": tuple(
            {"warm_start": 30, "warning_threshold": round(at / 1.5, 3), "drift_threshold": at}
            for at in (np.arange(20, 121) / 20.0).tolist()
        ),
        "ADWIN": tuple(
            {"delta": at, "clock": 1}
            for at in (
                *np.arange(LARGEST_DELTA, 0.5, -0.125).tolist(),
                *(mantissa * 10.0**power for power in range(-1, -9, -1) for mantissa in (5, 2, 1)),
            )
        ),
    }
)
"""Settings that are tried, from the quickest to alarm on. ADWIN looks at every observation, as in
its paper: with one a month, river's every 32nd would be years. Its delta goes beyond 1, where it is
no significance: its bound allows for any errors in [0, 1], and those of a book fill little of it,
so that at 0.002 it would hardly ever speak. What counts is the run length that was measured."""


class RunLength(NamedTuple):
    """Observations between false alarms.

    Attributes
    ----------
    observations : all that were seen, over all alarms; where there was none, what the run length
        is above with 95 % confidence: a third of all seen (for a Poisson count).
    is_bound : whether it is that.
    """

    observations: float
    is_bound: bool


class Calibration(NamedTuple):
    """Settings of one detector for one version.

    Attributes
    ----------
    parameters : the quickest whose run length is at least the wanted one; empty where there are
        none.
    run_length, paper_run_length : of those and of the paper's settings, on the same histories; NaN
        where not computable.
    """

    parameters: Mapping[str, float]
    run_length: RunLength
    paper_run_length: RunLength
    status: Status = "OK"
    reason: str = ""


_UNKNOWN = RunLength(math.nan, False)
_BOUND = -1.0 / math.log(0.05)
"""Of all observations without an alarm, what the run length is above with 95 % confidence."""


def calibrated(
    reference: Floats,
    detector: Detector,
    wanted: float,
    n_histories: int,
    rng: np.random.Generator,
) -> Calibration:
    """Find the quickest settings that keep to a run length between false alarms.

    Histories are drawn from the reference in circular blocks (Politis & Romano 1992) whose length
    is `optimal_block_length`'s, 1 where errors have no memory. The run length is all observations
    that count over all alarms in them, alarms after a first one included: the estimate for a
    constant rate of alarms, which a history that ends without one does not bias, as the mean of the
    waiting times that were seen would be. The ladder is bisected, every setting on the same
    histories.

    Parameters
    ----------
    reference : (M,) errors out of sample, non-overlapping, in time order; NaN is left out.
    detector : DDM (errors 0 or 1) or ADWIN (in [0, 1]).
    wanted : observations between false alarms.
    n_histories : histories drawn.
    rng : source of randomness.

    Returns
    -------
    NOT_COMPUTABLE where fewer than `MIN_REFERENCE` errors are known, all are alike, no setting of
    the ladder is slow enough, or the histories are too few to show the wanted run length.

    Raises
    ------
    ValueError
        When errors are not the detector's, or the wanted run length is not above 0.
    """
    if not 0.0 < wanted < math.inf:
        raise ValueError(f"a run length of {wanted} observations is wanted: give more than 0")
    errors = checked(detector, reference)
    known = errors[~np.isnan(errors)]
    warm_up = min(len(known), WARM_UP)
    counted = int(min(max(math.ceil(wanted), SHORTEST), LONGEST))
    lacking = _lacking(known, wanted, n_histories * counted)
    if lacking:
        return _refused(lacking)
    histories = _histories(known, warm_up + counted, n_histories, rng)
    ladder = LADDERS[detector]

    def measured(parameters: Mapping[str, float], most: float = math.inf) -> RunLength:
        return _run_length(histories, warm_up, detector, parameters, most)

    lengths: dict[int, RunLength] = {}

    def slow_enough(rung: int) -> bool:
        lengths[rung] = measured(ladder[rung], n_histories * counted / wanted)
        return lengths[rung].observations >= wanted

    paper = measured(PAPER[detector])
    rung = bisect_left(range(len(ladder)), True, key=slow_enough)
    if rung == len(ladder):
        return _refused(
            f"the strictest setting alarms more often than every {wanted:.0f} observations", paper
        )
    return Calibration(ladder[rung], lengths[rung], paper)


def _refused(reason: str, paper: RunLength = _UNKNOWN) -> Calibration:
    return Calibration({}, _UNKNOWN, paper, "NOT_COMPUTABLE", reason)


def _lacking(known: Floats, wanted: float, seen: int) -> str:
    if len(known) < MIN_REFERENCE:
        return (
            f"the backtest has {len(known)} errors that do not overlap: {MIN_REFERENCE} are needed"
        )
    if np.ptp(known) == 0.0:
        return "the errors of the backtest are all alike"
    if seen * _BOUND < wanted:
        return f"{seen} resampled errors are too few to show {wanted:.0f} without an alarm"
    return ""


def _histories(
    known: Floats, length: int, n_histories: int, rng: np.random.Generator
) -> list[list[float]]:
    """Draw histories of any length; two resamples that meet in one are as two blocks."""
    block = optimal_block_length(known).circular
    steps = max(math.ceil(block), 1) if math.isfinite(block) else 1
    times = -(-length // len(known))
    rows = circular_block_indices(len(known), steps, n_histories * times, rng)
    drawn = known[rows.reshape(n_histories, -1)[:, :length]]
    return [[float(value) for value in history] for history in drawn]


def _run_length(
    histories: list[list[float]],
    warm_up: int,
    detector: Detector,
    parameters: Mapping[str, float],
    most: float,
) -> RunLength:
    """Measure a run length; with more than ``most`` alarms only that it is too short is known."""
    alarms = 0
    for history in histories:
        alarms += late_alarms(machine(detector, parameters), history, warm_up)
        if alarms > most:
            break
    seen = float(len(histories) * (len(histories[0]) - warm_up))
    if alarms:
        return RunLength(seen / alarms, False)
    return RunLength(seen * _BOUND, True)
