"""What is found of a book: scans of its samples, attributions, streams, and where that puts it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.drift.quadrant import Quadrant
from shadowbook.core.values import Floats, Sessions

Kind = Literal["feature", "prediction", "label"]
Status = Literal["OK", "NOT_COMPUTABLE"]


@dataclass(frozen=True)
class ColumnDrift:
    """One column over one trailing window, held against its version's reference.

    Attributes
    ----------
    column : name of the feature; ``prediction`` or ``label`` for those.
    window : sessions.
    n_current : finite values of the window.
    psi, ks_statistic : exact, of the finite values.
    missing_difference : share of values that are not finite, current less reference.
    p_value : chance of both distances together when nothing changed, by calibration.
    p_missing : the same of the difference of missing shares.
    psi_band, ks_band : what 5 % of windows reach when nothing changed.
    ks_p_textbook : the p-value that takes the values as independent.
    adjusted : the smallest false discovery rate at which the column counts as drifted, of all
        columns and windows of the scan.
    drifted : whether it counts at the policy's rate.
    """

    column: str
    kind: Kind
    window: int
    n_current: int
    psi: float
    ks_statistic: float
    missing_difference: float
    p_value: float
    p_missing: float
    psi_band: float
    ks_band: float
    ks_p_textbook: float
    adjusted: float
    drifted: bool
    status: Status = "OK"
    reason: str = ""


@dataclass(frozen=True)
class FalseAlarms:
    """How often scans cry wolf, measured on years of the reference, each held against the others.

    Attributes
    ----------
    expected_a_year : incidents of the calibrated scan.
    textbook_psi, textbook_ks : mean share of columns in alarm at any time by PSI above 0.2, and by
        K-S at 5 % on independent values.
    years : held out; 0 where it was not measured, the others being NaN then.
    interval : 95 % interval of the incidents a year.
    """

    expected_a_year: float
    textbook_psi: float
    textbook_ks: float
    years: float
    interval: tuple[float, float] = (math.nan, math.nan)


@dataclass(frozen=True, eq=False)
class ScanPath:
    """Scans session by session; arrays (T, ...), NaN where not computable.

    Attributes
    ----------
    sessions : (T,) scanned.
    columns : K names.
    p_values : (T, K) smallest over windows, of distances and missing shares.
    psi : (T, K) over the shortest window, on the calibration's cells.
    drifted : (T, K) whether the column counts in some window.
    adjusted : (T,) smallest adjusted p-value of the scan.
    alarm : (T,) 1 = the scan is in alarm, 0 = not, -1 = not computable.
    """

    sessions: Sessions
    columns: tuple[str, ...]
    p_values: Floats
    psi: Floats
    drifted: NDArray[np.bool_]
    adjusted: Floats
    alarm: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Overlay:
    """Two distributions on the same cells, to be drawn over each other.

    Attributes
    ----------
    edges : (B + 1,) ascending.
    reference, current : (B,) shares of the finite values; values beyond count in the outer cells.
    """

    column: str
    window: int
    edges: Floats
    reference: Floats
    current: Floats


@dataclass(frozen=True)
class AttributionShift:
    """What a feature does to a model's predictions, then and now (SHAP values).

    Attributes
    ----------
    mean_reference, mean_current : signed mean, in units of the prediction.
    absolute_reference, absolute_current : mean absolute value: the importance.
    mean_interval, absolute_interval : 95 % interval of current less reference.
    rank_reference, rank_current : by importance, 1 the largest.
    p_value : chance of the difference in importance when nothing changed.
    shifted : whether it counts at the false discovery rate, over all features.
    """

    feature: str
    mean_reference: float
    mean_current: float
    mean_interval: tuple[float, float]
    absolute_reference: float
    absolute_current: float
    absolute_interval: tuple[float, float]
    rank_reference: int
    rank_current: int
    p_value: float
    shifted: bool


@dataclass(frozen=True)
class Attributions:
    """Attributions of a model over a reference and a current window.

    Attributes
    ----------
    rows : by importance in the reference, largest first; empty where not computable.
    ndcg : normalized discounted cumulative gain of the current ranking against the reference's
        importances; 1 = the same order.
    ndcg_band : what 5 % of windows fall below when nothing changed.
    n_reference, n_current : sessions.
    """

    rows: tuple[AttributionShift, ...]
    ndcg: float
    ndcg_band: float
    n_reference: int
    n_current: int
    status: Status = "OK"
    reason: str = ""


@dataclass(frozen=True, eq=False)
class StreamReading:
    """A detector on a stream of matured, non-overlapping errors; arrays (M,).

    Attributes
    ----------
    stream : ``direction_error`` (0 or 1) or ``scaled_error`` (0 to 1).
    detector : DDM or ADWIN.
    setting : ``paper`` or ``calibrated``; the calibrated one decides.
    parameters : of the detector.
    matured : session in which each observation's label was known.
    values : NaN = missing: skipped and counted.
    alarms, warnings : positions in the stream; DDM alone warns.
    skipped : missing observations.
    run_length_wanted : observations between false alarms that the calibration aimed at; NaN for
        the paper's settings.
    run_length : observations between false alarms, measured on resampled histories; NaN where the
        reference is too short.
    run_length_is_bound : no resampled history alarmed, so the run length is at least that.
    warmed_on : observations of the reference's end that the detector saw before; they raise no
        alarm here.
    """

    stream: str
    detector: Literal["DDM", "ADWIN"]
    setting: Literal["paper", "calibrated"]
    parameters: Mapping[str, float]
    matured: Sessions
    values: Floats
    alarms: tuple[int, ...]
    warnings: tuple[int, ...]
    skipped: int
    run_length_wanted: float
    run_length: float
    status: Status = "OK"
    reason: str = ""
    run_length_is_bound: bool = False
    warmed_on: int = 0


@dataclass(frozen=True)
class QuadrantPoint:
    """Where a book stood after a session.

    Attributes
    ----------
    adjusted : smallest adjusted p-value of the scan; NaN = not computable.
    tier : of its worst open alert: 0 none, 1 watch, 2 warning, 3 critical; -1 = not computable.
    """

    session: date
    adjusted: float
    tier: int
    drift: bool | None
    decay: bool | None


@dataclass(frozen=True)
class RetrainRequest:
    """A wish to retrain that drift and decay together have led to.

    Attributes
    ----------
    alert : identity of the incident, ``drift/<strategy>/<its first session>``: one retraining
        each, however often it is asked for.
    as_of : decision moment of the session that asks.
    evidence : what was found, JSON-ready.
    """

    alert: str
    strategy: str
    as_of: datetime
    evidence: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class DriftBook:
    """A champion book as the drift page tells of it.

    Attributes
    ----------
    reference : first and last session that the version is held against; None without a profile.
    today : newest scan, every column and window; empty where not computable.
    path : scans of the sessions since its version scores.
    overlays : of the columns that differ most.
    points : quadrant by session, oldest first.
    verdict : why nothing may be retrained, where a diagnosis has found a bug; empty otherwise.
    quadrant : today's cell and action.
    incident : first session of the open incident; None without one.
    ticket : what is not monitored, a line each; empty unless a coverage ticket is open.
    request : today's wish to retrain.
    notes : what could not be computed and why, one sentence each.
    """

    strategy: str
    book: str
    model_version: int
    reference: tuple[date, date] | None
    today: tuple[ColumnDrift, ...]
    path: ScanPath | None
    false_alarms: FalseAlarms | None
    overlays: tuple[Overlay, ...]
    attributions: Attributions | None
    streams: tuple[StreamReading, ...]
    points: tuple[QuadrantPoint, ...]
    quadrant: Quadrant
    verdict: str = ""
    incident: date | None = None
    ticket: tuple[str, ...] = ()
    request: RetrainRequest | None = None
    notes: tuple[str, ...] = field(default=())
