"""Detectors of concept drift over one stream: river's ADWIN and DDM, holes passed over.

Positions count from 0 in the stream as given, missing observations included, which is how the
published cases count: an alarm at 1023 was raised by ``values[1023]``. After an alarm river's
detectors forget everything, the observation that raised it included, and begin anew with the next.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from shadowbook.core.values import Floats

Detector = Literal["DDM", "ADWIN"]

PAPER: Mapping[Detector, Mapping[str, float]] = MappingProxyType(
    {
        "DDM": {"warm_start": 30, "warning_threshold": 2.0, "drift_threshold": 3.0},
        "ADWIN": {"delta": 0.002, "clock": 32},
    }
)
"""The settings of the papers, as river has them: its ADWIN looks every 32 observations."""

LARGEST_DELTA = 4.75
"""ADWIN's bound takes ln(2 ln(width) / delta) from 11 observations on; where that is negative,
river's ADWIN is mute without a word."""


class Detection(NamedTuple):
    """What a detector said of a stream.

    Attributes
    ----------
    alarms, warnings : positions in the stream, ascending; DDM alone warns, at every observation
        that finds it in its warning zone.
    skipped : missing observations.
    """

    alarms: tuple[int, ...]
    warnings: tuple[int, ...]
    skipped: int


def adwin(values: ArrayLike, delta: float = 0.002, clock: int = 32) -> Detection:
    """Run ADWIN: look for newest observations whose mean is not that of those before.

    Bifet & Gavalda (2007), "Learning from time-changing data with adaptive windowing". Changes of
    either sign alarm. The paper looks at every observation (``clock`` 1); river's default of 32 is
    that of the authors' own program.

    Parameters
    ----------
    values : (M,) in time order; NaN = missing. The bound is proved for values in [0, 1]; others
        that are finite are taken as well.
    delta : above 0, at most `LARGEST_DELTA`; a significance only where below 1.
    clock : observations from one look to the next.

    Raises
    ------
    ValueError
        When ``values`` is not one series, a value is infinite, or a setting is out of range.

    >>> adwin([0.0] * 32 + [float("nan")] + [1.0] * 32, clock=1)
    Detection(alarms=(60,), warnings=(), skipped=1)
    """
    return detect("ADWIN", values, {"delta": delta, "clock": clock})


def ddm(
    values: ArrayLike,
    warm_start: int = 30,
    warning_threshold: float = 2.0,
    drift_threshold: float = 3.0,
) -> Detection:
    """Run DDM: look for a rate of errors far above the lowest that it has been.

    Gama, Medas, Castillo & Rodrigues (2004), "Learning with drift detection": with the rate p and
    its deviation s = sqrt(p (1 - p) / n), an alarm where p + s exceeds p_min + 3 s_min, a warning
    where it exceeds p_min + 2 s_min, both taken where p + s was lowest. Only increases alarm.

    Parameters
    ----------
    values : (M,) in time order, 1 = error, 0 = none; NaN = missing.
    warm_start : observations that pass before it speaks, after each alarm again.
    warning_threshold, drift_threshold : in units of s_min, above 0.

    Raises
    ------
    ValueError
        When ``values`` is not one series, a value is not 0, 1 or NaN, or a setting is out of range.

    >>> ddm([0, 1] * 20 + [1] * 40).alarms
    (59,)
    """
    return detect(
        "DDM",
        values,
        {
            "warm_start": warm_start,
            "warning_threshold": warning_threshold,
            "drift_threshold": drift_threshold,
        },
    )


def detect(detector: Detector, values: ArrayLike, parameters: Mapping[str, float]) -> Detection:
    """Run a detector by its name; see `adwin` and `ddm`."""
    series = checked(detector, values)
    known = np.flatnonzero(~np.isnan(series))
    running = machine(detector, parameters)
    alarms, warnings = [], []
    for position, value in zip(known.tolist(), series[known].tolist(), strict=True):
        running.update(value)
        if running.drift_detected:
            alarms.append(position)
        elif detector == "DDM" and running.warning_detected:
            warnings.append(position)
    return Detection(tuple(alarms), tuple(warnings), len(series) - len(known))


def machine(detector: Detector, parameters: Mapping[str, float]) -> Any:
    """Make a fresh detector of river's.

    Raises
    ------
    ValueError
        When a setting is out of range.
    """
    # Inside, because importing any of river's detectors brings its data sets and takes a second.
    from river.drift import ADWIN
    from river.drift.binary import DDM

    wrong = [name for name, value in parameters.items() if not 0.0 < value < math.inf]
    if wrong:
        raise ValueError(f"{wrong[0]} of {detector} is {parameters[wrong[0]]}: give more than 0")
    if parameters.get("delta", 0.0) > LARGEST_DELTA:
        raise ValueError(
            f"delta of {detector} is {parameters['delta']}: give at most {LARGEST_DELTA}"
        )
    kinds: Mapping[Detector, Any] = {"DDM": DDM, "ADWIN": ADWIN}
    whole = {name: int(parameters[name]) for name in ("warm_start", "clock") if name in parameters}
    return kinds[detector](**{**parameters, **whole})


def late_alarms(running: Any, history: Iterable[float], start: int) -> int:
    """Count the alarms from position ``start`` on; nothing may be missing in the history."""
    count = 0
    for position, value in enumerate(history):
        running.update(value)
        if running.drift_detected and position >= start:
            count += 1
    return count


def checked(detector: Detector, values: ArrayLike) -> Floats:
    """Refuse what is no stream of a detector's.

    Raises
    ------
    ValueError
        When ``values`` is not one series, a value is infinite, or DDM's is not 0, 1 or NaN.
    """
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1:
        raise ValueError(f"the stream of {detector} has shape {series.shape}: give one series")
    if np.isinf(series).any():
        raise ValueError(
            f"the stream of {detector} holds an infinite value: NaN is what is missing"
        )
    if detector == "DDM" and not np.isin(series[~np.isnan(series)], (0.0, 1.0)).all():
        raise ValueError("the stream of DDM holds a value that is neither 0 nor 1")
    return series
