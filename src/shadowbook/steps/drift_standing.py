"""Where drift and decay put a book, session by session, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.drift.calibration import Calibration
from shadowbook.core.drift.found import (
    Attributions,
    ColumnDrift,
    DriftBook,
    QuadrantPoint,
    RetrainRequest,
    ScanPath,
    StreamReading,
)
from shadowbook.core.drift.incidents import Incident, advance
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.monitored import Monitored
from shadowbook.core.performance.tiers import Tier
from shadowbook.core.values import Sessions

DECAYING = frozenset(
    {
        "sharpe",
        "information_coefficient",
        "hit_rate",
        "drawdown_current",
        "drawdown_maximum",
        "drawdown_length",
    }
)
"""Metrics whose alerts say that results have fallen; the others tell of size and of cost."""

TIERS: Mapping[Tier, int] = {Tier.WATCH: 1, Tier.WARNING: 2, Tier.CRITICAL: 3}
DECAY_FROM = TIERS[Tier.WARNING]
SHOWN = 10
"""Columns that a request's evidence names, the most unlikely first."""


def incidents_along(path: ScanPath, policy: DriftPolicy, before: Incident) -> list[Incident]:
    """Return where the incident of a book stood after each scan.

    Parameters
    ----------
    before : where it stood before the version's first: a new champion does not end what goes on.
    """
    found, incident = [], before
    days: list[date] = path.sessions.astype("datetime64[D]").tolist()
    for day, alarm in zip(days, path.alarm.tolist(), strict=True):
        known = None if alarm < 0 else bool(alarm)
        incident = advance(incident, day, known, policy.persistence, policy.clear_sessions)
        found.append(incident)
    return found


def tiers_along(monitored: Monitored, sessions: Sessions, warm_up: int) -> list[int]:
    """Return the tier of a book's worst open alert on results after each session; -1 = none known.

    Parameters
    ----------
    sessions : (T,) to tell of, ascending.
    warm_up : sessions that the shortest window of an alert takes.
    """
    lived = np.searchsorted(monitored.sessions, sessions, side="right")
    known = (lived >= warm_up) & any(limit.status == "OK" for limit in monitored.limits)
    alerts = [one for one in monitored.alerts if one.metric in DECAYING]
    standing: dict[tuple[str, Tier], Alert] = {}
    tiers, at = [], 0
    for day, there in zip(sessions.tolist(), known.tolist(), strict=True):
        while at < len(alerts) and alerts[at].session <= day:
            standing[alerts[at].rule, alerts[at].tier] = alerts[at]
            at += 1
        still = [TIERS[one.tier] for one in standing.values() if _open(one)]
        tiers.append(max(still, default=0) if there else -1)
    return tiers


def _open(alert: Alert) -> bool:
    return alert.transition is not Transition.CLEARED


def recent_alarms(
    streams: Sequence[StreamReading], sessions: Sessions, reach: int
) -> NDArray[np.bool_]:
    """Tell of each session whether a calibrated detector has alarmed in the sessions before it.

    Parameters
    ----------
    sessions : (T,) consecutive.
    reach : sessions that an alarm counts, its own among them.
    """
    found = np.zeros(len(sessions), dtype=bool)
    for one in streams:
        if one.setting != "calibrated":
            continue
        for at in one.alarms:
            first = int(np.searchsorted(sessions, one.matured[at]))
            found[first : first + reach] = True
    return found


def points_along(
    path: ScanPath, incidents: Sequence[Incident], alarmed: NDArray[np.bool_], tiers: Sequence[int]
) -> tuple[QuadrantPoint, ...]:
    """Put each session in its place."""
    days: list[date] = path.sessions.astype("datetime64[D]").tolist()
    return tuple(
        QuadrantPoint(
            session=day,
            adjusted=float(path.adjusted[i]),
            tier=tiers[i],
            drift=_either(incidents[i].opened is not None, bool(alarmed[i]), int(path.alarm[i])),
            decay=None if tiers[i] < 0 else tiers[i] >= DECAY_FROM,
        )
        for i, day in enumerate(days)
    )


def _either(is_open: bool, alarmed: bool, alarm: int) -> bool | None:
    if is_open or alarmed:
        return True
    return None if alarm < 0 else False


def uncovered(
    calibration: Calibration,
    logged: Sequence[str],
    references: Sequence[str],
    streams: Sequence[StreamReading],
    attributions: Attributions | None,
) -> tuple[str, ...]:
    """List what is not monitored, a line each: where to look when results fall without drift.

    Parameters
    ----------
    logged : features that the log holds.
    references : market series beside the symbols.
    """
    scanned = {column.name for column in calibration.columns}
    unused = [name for name in logged if name not in scanned]
    lines = [f"{one.name}: {one.reason}" for one in calibration.columns if one.reason]
    if unused:
        lines.append(f"features that the model does not use: {', '.join(unused)}")
    if references:
        lines.append(f"market series, except through features: {', '.join(references)}")
    lines += [
        f"{one.stream} by {one.detector}: {one.reason}"
        for one in streams
        if one.setting == "calibrated" and one.status != "OK"
    ]
    if attributions is None or attributions.status != "OK":
        why = f": {attributions.reason}" if attributions is not None else ""
        lines.append(f"what features do to predictions{why}")
    lines.append("how features move together, except through attributions and results")
    lines.append("what is no feature: news, costs of borrowing, who else trades the same")
    return tuple(lines)


def request_of(
    monitored: Monitored,
    since: date,
    as_of: datetime,
    today: Sequence[ColumnDrift],
    streams: Sequence[StreamReading],
    attributions: Attributions | None,
) -> RetrainRequest:
    """Put a wish to retrain together with its evidence."""
    drifted = sorted((one for one in today if one.drifted), key=lambda one: one.adjusted)
    open_alerts = {one.rule: one for one in monitored.alerts if one.metric in DECAYING}
    evidence: dict[str, Any] = {
        "model_version": monitored.model_version,
        "session": as_of.date().isoformat(),
        "columns": [
            {
                "column": one.column,
                "window": one.window,
                "psi": one.psi,
                "ks_statistic": one.ks_statistic,
                "adjusted": one.adjusted,
            }
            for one in drifted[:SHOWN]
        ],
        "streams": [
            {"stream": one.stream, "detector": one.detector, "alarms": len(one.alarms)}
            for one in streams
            if one.setting == "calibrated" and one.alarms
        ],
        "attributions": [
            one.feature for one in (attributions.rows if attributions else ()) if one.shifted
        ],
        "alerts": [one.rule for one in open_alerts.values() if _open(one)],
    }
    return RetrainRequest(
        alert=f"drift/{monitored.strategy}/{since}",
        strategy=monitored.strategy,
        as_of=as_of,
        evidence=evidence,
    )


def told(book: DriftBook, session: date, since: date | None, incident: Incident) -> dict[str, Any]:
    """Return what the ledger keeps of a book's standing after a session."""
    point = book.points[-1] if book.points else None
    return {
        "strategy": book.strategy,
        "book": book.book,
        "model_version": book.model_version,
        "session": session.isoformat(),
        "drift": point.drift if point else None,
        "decay": point.decay if point else None,
        "cell": book.quadrant.cell.value,
        "action": book.quadrant.action.value,
        "since": since.isoformat() if since else None,
        "incident": incident.plain(),
        "columns": sorted({one.column for one in book.today if one.drifted}),
        "shifted": [
            one.feature
            for one in (book.attributions.rows if book.attributions else ())
            if one.shifted
        ],
        "streams": [
            one.stream for one in book.streams if one.setting == "calibrated" and one.alarms
        ],
        "alert": book.request.alert if book.request else None,
    }
