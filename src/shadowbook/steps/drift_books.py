"""Drift of every champion of the workspace: looked for, recorded, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pandas as pd

from shadowbook.adapters.ledger.chain import StoredEvent
from shadowbook.core.audit import digest
from shadowbook.core.drift.found import DriftBook
from shadowbook.core.drift.incidents import Incident
from shadowbook.core.events import Event
from shadowbook.core.performance.monitored import Monitored
from shadowbook.core.values import Panel
from shadowbook.steps.blocked import blocked_by
from shadowbook.steps.desk import CHAMPION
from shadowbook.steps.drift import Before, Found, Lived, drift_book, reach_back, without_profile
from shadowbook.steps.drift_file import registered_profile
from shadowbook.steps.drift_profile import DriftProfile
from shadowbook.steps.drift_retrain import KIND as RETRAINED
from shadowbook.steps.drift_standing import told
from shadowbook.steps.live import score_table
from shadowbook.steps.past import Logged, logged_of
from shadowbook.steps.rating import Scorer, scorer_of
from shadowbook.workspace import Workspace

KIND, TICKET = "drift", "ticket"
"""Kinds of the ledger's events: where a book stands, and a ticket to widen what is monitored."""


def drift_books(
    workspace: Workspace,
    monitored: Sequence[Monitored],
    panel: Panel,
    as_of: datetime,
    doubts: Mapping[str, str],
) -> tuple[DriftBook, ...]:
    """Look for drift in every champion, and record where each stands.

    Parameters
    ----------
    panel : prices as known at ``as_of``, the decision of the newest session traded.
    doubts : strategy -> why it must not be retrained, beside what its diagnoses say.

    Raises
    ------
    IntegrityError
        A version's profile or model is not the file that was recorded.
    """
    champions = [one for one in monitored if one.book == CHAMPION and len(one.sessions)]
    names = workspace.feature_log.columns()
    logged = logged_of(workspace.feature_log.read(as_of), names, panel)
    found = []
    for one in champions:
        profile = registered_profile(workspace, one.strategy, one.model_version)
        if profile is None:
            why = (
                f"version {one.model_version} has no drift profile on record, so drift cannot be "
                "looked for: a version that this release trains has one, once it is champion"
            )
            found.append(without_profile(one, why))
            continue
        blocked = blocked_by(workspace, one.strategy) or doubts.get(one.strategy, "")
        seen = _Seen(logged, panel, as_of)
        found.append(_looked_at(workspace, one, profile, seen, blocked))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Features and prices as known now."""

    logged: Logged
    panel: Panel
    as_of: datetime


def _looked_at(
    workspace: Workspace, one: Monitored, profile: DriftProfile, seen: _Seen, blocked: str
) -> DriftBook:
    scorer = scorer_of(workspace, one.strategy, one.model_version)
    lacking = [name for name in scorer.names if name not in seen.logged.names]
    if lacking:
        why = (
            f"the feature log has no {lacking[0]}, which version {one.model_version} was trained "
            "on: drift cannot be looked for"
        )
        return without_profile(one, why)
    horizon = workspace.settings.strategy(one.strategy).horizon
    back = reach_back(profile.calibration, horizon)
    scores = workspace.ledger.frame("predictions", one.strategy, one.book)
    lived = lived_of(one, scorer, seen.logged, seen.panel, scores, back, seen.as_of)
    newest = workspace.ledger.newest(KIND, f"{KIND}/{one.strategy}/")
    before = _before(workspace, one, newest, seen.as_of.date())
    found = drift_book(one, profile, lived, workspace.settings, blocked, before)
    found = replace(found, book=_unanswered(workspace, found.book))
    at = seen.as_of
    workspace.ledger.record([*_standing(found, newest, at), *_ticket(workspace, found.book, at)])
    return found.book


def _unanswered(workspace: Workspace, book: DriftBook) -> DriftBook:
    """Drop a wish that had its retraining: the incident goes on for as long as scans alarm."""
    if book.request is None:
        return book
    alert = book.request.alert
    if all(stored.event.body["alert"] != alert for stored in workspace.ledger.events(RETRAINED)):
        return book
    note = f"{alert} had its retraining: its challenger waits to be promoted"
    return replace(book, request=None, notes=(*book.notes, note))


def lived_of(
    monitored: Monitored,
    scorer: Scorer,
    logged: Logged,
    panel: Panel,
    scores: pd.DataFrame,
    back: int,
    as_of: datetime,
) -> Lived:
    """Put together what a version has lived through.

    Parameters
    ----------
    scores : of the book as the ledger has them; a session without any is scored anew.
    back : sessions before the version's first that are looked back.
    """
    first = int(np.searchsorted(panel.sessions, monitored.sessions[0]))
    begin = max(first - back, 0)
    sessions = panel.sessions[begin:]
    features = logged.table(scorer.names, begin, panel)
    said = scores[scores["session"] >= pd.Timestamp(monitored.sessions[0])]
    table = score_table(said, sessions, panel)
    silent = ~np.isfinite(table).any(axis=1)
    rows = features[silent].reshape(-1, len(scorer.names))
    table[silent] = scorer.scores(rows, scorer.names).reshape(-1, len(panel.symbols))
    return Lived(
        sessions=sessions,
        since=first - begin,
        features=features,
        scores=table,
        prices=panel.prices[begin:],
        as_of=as_of,
        estimator=scorer.estimator,
        logged=logged.names,
        references=tuple(panel.references),
    )


def _before(
    workspace: Workspace, one: Monitored, newest: StoredEvent | None, session: date
) -> Before:
    """Read where a book stood when it was looked at before this session."""
    incident = Incident()
    looked: dict[str, bool] = {}
    for stored in workspace.ledger.events(KIND):
        body = stored.event.body
        if body["strategy"] != one.strategy:
            continue
        if body["model_version"] != one.model_version:
            incident = Incident.of_plain(body["incident"])
            looked.clear()
        elif body["session"] < str(session):
            looked[body["session"]] = bool(body["shifted"])
    run = 0
    for day in sorted(looked, reverse=True):
        if not looked[day]:
            break
        run += 1
    last = newest.event.body if newest is not None else {}
    since = last.get("since") if last.get("model_version") == one.model_version else None
    return Before(incident, date.fromisoformat(since) if since else None, run)


def _standing(found: Found, newest: StoredEvent | None, at: datetime) -> list[Event]:
    """Return where a book stands as the ledger keeps it; nothing where it holds just that."""
    session = at.date()
    body = told(found.book, session, found.since, found.incident)
    if newest is not None and {**newest.event.body, "after": ""} == {**body, "after": ""}:
        return []
    body["after"] = newest.event.key if newest is not None else ""
    key = f"{KIND}/{found.book.strategy}/{session}/{digest(body)[:16]}"
    return [Event(KIND, key, at, body)]


def _ticket(workspace: Workspace, book: DriftBook, at: datetime) -> list[Event]:
    """Open a coverage ticket, once for as long as results are down without drift."""
    if not book.ticket:
        return []
    first = book.points[-1].session
    for point in reversed(book.points):
        if not point.decay or point.drift:
            break
        first = point.session
    key = f"{TICKET}/{book.strategy}/{book.model_version}/{first}"
    if workspace.ledger.newest(TICKET, key) is not None:
        return []
    body = {
        "strategy": book.strategy,
        "book": book.book,
        "model_version": book.model_version,
        "since": first.isoformat(),
        "not_monitored": list(book.ticket),
    }
    return [Event(TICKET, key, at, body)]
