"""Drift of one champion book: its version's inputs, scores and outcomes against their reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np

from shadowbook.core.audit import digest
from shadowbook.core.drift.attributions import attribution_shift
from shadowbook.core.drift.calibration import Calibration, Sample
from shadowbook.core.drift.concept import stream_readings
from shadowbook.core.drift.found import (
    Attributions,
    ColumnDrift,
    DriftBook,
    Overlay,
    QuadrantPoint,
    RetrainRequest,
    ScanPath,
    StreamReading,
)
from shadowbook.core.drift.incidents import Incident
from shadowbook.core.drift.overlays import overlay
from shadowbook.core.drift.quadrant import Cell, overridden, quadrant
from shadowbook.core.drift.scan import scan, scan_path
from shadowbook.core.performance.monitored import Monitored
from shadowbook.core.values import Floats, Sessions
from shadowbook.settings import Settings
from shadowbook.steps.drift_profile import DriftProfile, attributed
from shadowbook.steps.drift_samples import outcomes_of, samples_of
from shadowbook.steps.drift_standing import (
    incidents_along,
    points_along,
    recent_alarms,
    request_of,
    tiers_along,
    uncovered,
)

OVERLAYS = 4
"""Columns whose distributions are drawn, the most unlikely first."""

LEAST_BAND = 0.01
"""What the calibration's cells may lose of a distance: a smaller band tells no more."""


@dataclass(frozen=True, eq=False)
class Lived:
    """What a version has lived through, and the sessions before it that fill its first windows.

    Attributes
    ----------
    sessions : (T,) consecutive.
    since : row of the first session that it scored.
    features : (T, N, K) in order of the model's names; NaN = missing.
    scores : (T, N) what it said, or would have said before it was there.
    prices : (T, N).
    as_of : decision moment of the last session.
    estimator : the model.
    logged, references : features of the log, and market series, that there are.
    """

    sessions: Sessions
    since: int
    features: Floats
    scores: Floats
    prices: Floats
    as_of: datetime
    estimator: object
    logged: Sequence[str]
    references: Sequence[str]


@dataclass(frozen=True)
class Before:
    """Where a book stood when it was looked at before.

    Attributes
    ----------
    incident : of its scans before the version that scores now took over.
    began : first session of the drift that this version was in.
    shifted : sessions in a row, up to the newest looked at, in which importances had shifted.
    """

    incident: Incident = field(default_factory=Incident)
    began: date | None = None
    shifted: int = 0


@dataclass(frozen=True, eq=False)
class Found:
    """What was found of a book.

    Attributes
    ----------
    since : first session of the drift that it is in; None while in none.
    incident : of its scans.
    """

    book: DriftBook
    since: date | None
    incident: Incident


def reach_back(calibration: Calibration, horizon: int) -> int:
    """Sessions before a version's first one that its first scan looks back."""
    return calibration.windows[-1] - 1 + horizon


def without_profile(monitored: Monitored, reason: str) -> DriftBook:
    """Return what can be said of a book whose version has nothing to be held against."""
    return DriftBook(
        strategy=monitored.strategy,
        book=monitored.book,
        model_version=monitored.model_version,
        reference=None,
        today=(),
        path=None,
        false_alarms=None,
        overlays=(),
        attributions=None,
        streams=(),
        points=(),
        quadrant=quadrant(None, None),
        notes=(reason,),
    )


def drift_book(
    monitored: Monitored,
    profile: DriftProfile,
    lived: Lived,
    settings: Settings,
    blocked: str = "",
    before: Before | None = None,
) -> Found:
    """Scan a book's version and say where it stands.

    Parameters
    ----------
    blocked : why the strategy may not be retrained, where a diagnosis has found a bug.
    before : where it stood before this session; None where nobody has looked.
    """
    strategy, policy = monitored.strategy, settings.drift
    calibration, names = profile.calibration, _features(profile.calibration)
    horizon = settings.strategy(strategy).horizon
    outcomes = outcomes_of(lived.prices, horizon)
    samples = samples_of(names, lived.features, lived.scores, outcomes, horizon)
    path = scan_path(calibration, samples, lived.sessions, lived.since)
    today = scan(calibration, samples)
    streams = stream_readings(
        monitored.sessions, monitored.information_coefficient, profile.streams, lived.sessions
    )
    attributions = _attributions(monitored, profile, lived, settings)
    before = before or Before()
    incidents = incidents_along(path, policy, before.incident)
    points = _points(monitored, path, incidents, streams, settings)
    # As scans must: one look at many features calls some of them shifted by chance.
    if any(one.shifted for one in attributions.rows) and before.shifted + 1 >= policy.persistence:
        points = (*points[:-1], replace(points[-1], drift=True))
    standing = quadrant(points[-1].drift, points[-1].decay)
    opened, today_is = incidents[-1].opened, points[-1].session
    drifting = points[-1].drift
    since = min(filter(None, (before.began, opened, today_is))) if drifting else None
    ticket: tuple[str, ...] = ()
    if standing.cell is Cell.COVERAGE:
        ticket = uncovered(calibration, lived.logged, lived.references, streams, attributions)
    request: RetrainRequest | None = None
    if standing.cell is Cell.RETRAIN and since is not None and not blocked:
        request = request_of(monitored, since, lived.as_of, today, streams, attributions)
    first, last = (day.astype(date) for day in calibration.span)
    book = DriftBook(
        strategy=strategy,
        book=monitored.book,
        model_version=monitored.model_version,
        reference=(first, last),
        today=today,
        path=path,
        false_alarms=calibration.false_alarms,
        overlays=_overlays(calibration, samples, today),
        attributions=attributions,
        streams=streams,
        points=points,
        quadrant=overridden(standing) if blocked else standing,
        verdict=blocked,
        incident=opened,
        ticket=ticket,
        request=request,
        notes=(profile.unexplained,) if profile.unexplained else (),
    )
    return Found(book, since, incidents[-1])


def _points(
    monitored: Monitored,
    path: ScanPath,
    incidents: Sequence[Incident],
    streams: Sequence[StreamReading],
    settings: Settings,
) -> tuple[QuadrantPoint, ...]:
    alarmed = recent_alarms(streams, path.sessions, settings.drift.windows[-1])
    warm_up = min(settings.monitor.watched_windows, default=0)
    return points_along(path, incidents, alarmed, tiers_along(monitored, path.sessions, warm_up))


def _features(calibration: Calibration) -> tuple[str, ...]:
    return tuple(one.name for one in calibration.columns if one.kind == "feature")


def _attributions(
    monitored: Monitored, profile: DriftProfile, lived: Lived, settings: Settings
) -> Attributions:
    """Hold what features do to the newest window's predictions against the reference."""
    policy, names = settings.drift, _features(profile.calibration)
    # As the reference was made, whatever the policy is by now and however many symbols there are.
    newest = lived.features[-profile.calibration.windows[-1] :]
    current, reason = None, profile.unexplained
    if profile.attributions is not None:
        step = profile.attributions.step
        current, reason = attributed(newest, names, lived.estimator, settings, step)
    if profile.attributions is None or current is None:
        return Attributions((), np.nan, np.nan, 0, 0, "NOT_COMPUTABLE", reason)
    root = digest(
        {
            "strategy": monitored.strategy,
            "version": monitored.model_version,
            "seed": settings.seed,
            "use": "attributions",
        }
    )
    rng = np.random.default_rng(int(root[:16], 16))
    rate = policy.false_discovery_rate
    return attribution_shift(profile.attributions, current, names, policy.attributions, rate, rng)


def _overlays(
    calibration: Calibration, samples: Sequence[Sample], today: Sequence[ColumnDrift]
) -> tuple[Overlay, ...]:
    """Lay the most unlikely columns over their reference, each over its most unlikely window."""
    known = sorted((one for one in today if one.status == "OK"), key=_likeness)
    worst = {one.column: one.window for one in reversed(known)}
    finite = {one.name: one.finite for one in calibration.columns}
    values = {one.name: one.values for one in samples}
    chosen = list(dict.fromkeys(one.column for one in known))[:OVERLAYS]
    drawn = (
        overlay(name, worst[name], finite[name], values[name][-worst[name] :]) for name in chosen
    )
    return tuple(one for one in drawn if one is not None)


def _likeness(one: ColumnDrift) -> tuple[float, float]:
    """Order columns: those whose chance is as small as draws can tell by how far they lie."""
    return one.adjusted, -one.ks_statistic / max(one.ks_band, LEAST_BAND)
