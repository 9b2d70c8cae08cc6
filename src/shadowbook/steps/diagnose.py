"""Replay what live was given through the pinned code, data and model, and say what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from shadowbook.core.audit import digest
from shadowbook.core.diagnosis.findings import Diagnosis
from shadowbook.core.diagnosis.verdict import diagnose as judge
from shadowbook.core.events import Event
from shadowbook.core.performance.attribution import Attribution
from shadowbook.core.values import Floats
from shadowbook.serialization import plain
from shadowbook.steps.blocked import KIND, blocked_by
from shadowbook.steps.book_sheets import sheets
from shadowbook.steps.desk import CHAMPION
from shadowbook.steps.diagnose_clean import clean_signal
from shadowbook.steps.diagnose_decay import Track, decay_of, track_of
from shadowbook.steps.diagnose_known import KnownDay, known_days
from shadowbook.steps.diagnose_layers import Rules, layers_of, rules_of
from shadowbook.steps.diagnose_record import RecordedDay, recorded_days, span_of
from shadowbook.steps.diagnose_sources import Books, books_of, pinned
from shadowbook.steps.execution import bands
from shadowbook.steps.gap import gap_of
from shadowbook.steps.rating import Scorer
from shadowbook.workspace import Workspace

SPAN = 63
"""Sessions that are diagnosed by default."""


@dataclass(frozen=True)
class DiagnosisReport:
    """What a diagnosis of a book's sessions came to.

    Attributes
    ----------
    first, last : sessions that were diagnosed.
    sessions : how many.
    replay : key of the replay whose ledger was read; None for the workspace's own.
    gap : from the backtest to live since the version that scored last took over, with what wrong
        inputs did in the diagnosed sessions; None where that version kept no backtest.
    notes : what a person should know though it decides nothing.
    blocked : why the strategy may not be retrained now, in one sentence; empty where it may.
    """

    strategy: str
    book: str
    first: date
    last: date
    sessions: int
    replay: str | None
    diagnosis: Diagnosis
    gap: Attribution | None
    notes: tuple[str, ...]
    blocked: str = ""

    @property
    def halts(self) -> bool:
        """True when a layer diverges."""
        return self.diagnosis.retraining_blocked


def diagnose(
    workspace: Workspace,
    strategy: str,
    first: date | None = None,
    last: date | None = None,
    book: str = CHAMPION,
    replay: str | None = None,
) -> DiagnosisReport:
    """Compare a book's sessions layer by layer, weigh its decay, and record the verdict.

    The verdict goes to the workspace's own ledger, where retraining asks for it; that on a replay
    is told and not recorded.

    Parameters
    ----------
    first, last : days, both included; by default the book's newest, and ``SPAN`` sessions up to it.
    replay : None for the workspace's own ledger; ``newest``, or the beginning of a replay's key.

    Raises
    ------
    ConfigError
        No such strategy, book, replay or session, or nothing was recorded yet.
    IntegrityError
        Inputs, a model or a manifest are not what was recorded.
    StaleDataError
        Prices or features do not reach over the sessions.
    """
    own = workspace.settings.strategy(strategy)
    with books_of(workspace, replay) as books:
        span = span_of(books.ledger, (strategy, book), first, last, SPAN)
        days = recorded_days(books.ledger, strategy, book, own.horizon, span)
        with pinned(workspace, books, [day.as_of for day in days]) as source:
            known = known_days(source.data, days[0].session, days[-1].session)
            scores = _Scores(workspace, books, strategy)
            paper = replay is not None or workspace.settings.broker.kind == "paper"

            def rules(day: RecordedDay) -> Rules:
                return rules_of(source.settings[day.as_of], strategy, paper or book != CHAMPION)

            layers = layers_of(strategy, book, days, known, scores, rules)
            clean = clean_signal(strategy, book, days, known, scores.scorer, rules)
        track = track_of(workspace, books, (strategy, book), known[days[-1].session].moment)
        notes = (*source.notes, *served_notes(days, known))
        diagnosis = judge(layers, decay_of(track, workspace.settings.diagnosis))
        report = DiagnosisReport(
            strategy=strategy,
            book=book,
            first=days[0].session,
            last=days[-1].session,
            sessions=len(days),
            replay=books.replay,
            diagnosis=diagnosis,
            gap=_gap(workspace, books, book, track, days, clean),
            notes=notes,
        )
        if books.replay is None:
            _record(books, report, days[-1])
            report = replace(report, blocked=blocked_by(workspace, strategy))
    return report


class _Scores:
    """Scores of the versions that scored, each loaded once."""

    def __init__(self, workspace: Workspace, books: Books, strategy: str) -> None:
        self._workspace = workspace
        self._books = books
        self._strategy = strategy
        self._scorers: dict[int, Scorer] = {}

    def __call__(self, day: RecordedDay) -> Floats:
        return self.scorer(day.version).scores(day.given.features, day.given.names)

    def scorer(self, version: int) -> Scorer:
        if version not in self._scorers:
            self._scorers[version] = self._books.scorer(self._workspace, self._strategy, version)
        return self._scorers[version]


def _gap(
    workspace: Workspace,
    books: Books,
    book: str,
    track: Track,
    days: Sequence[RecordedDay],
    clean: Floats | None,
) -> Attribution | None:
    if track.backtest is None:
        return None
    live, strategy = track.live, track.live.strategy
    laid_out = sheets(books.ledger, bands(workspace), strategy, book)[0]
    right = None
    if clean is not None:
        diagnosed = np.array([day.session for day in days], dtype="datetime64[D]")
        right = np.full(len(live.sessions), np.nan)
        both = np.isin(live.sessions, diagnosed)
        right[both] = clean[np.isin(diagnosed, live.sessions)]
    return gap_of(workspace.settings, live, laid_out, track.backtest, right)


def served_notes(days: Sequence[RecordedDay], known: Mapping[date, KnownDay]) -> tuple[str, ...]:
    """Say of the first session with other features whether the log or what was served is wrong."""
    for before, day in zip([None, *days[:-1]], days, strict=True):
        there = known[day.session]
        symbols = [s for s in day.given.symbols if s in there.computed.symbols]
        if not symbols:
            continue
        given = _rows(dict(zip(day.given.symbols, day.given.features, strict=True)), symbols)
        at = [there.computed.names.index(name) for name in day.given.names]
        made = _rows(dict(zip(there.computed.symbols, there.computed.values, strict=True)), symbols)
        if np.array_equal(given, made[:, at], equal_nan=True):
            continue
        if set(symbols) - set(there.logged):
            return (f"the feature log lacks rows of session {day.session}",)
        logged = _rows(there.logged, symbols)[:, at]
        return (_which(given, logged, made[:, at], before, symbols, day.session),)
    return ()


def _which(
    given: Floats,
    logged: Floats,
    made: Floats,
    before: RecordedDay | None,
    symbols: Sequence[str],
    session: date,
) -> str:
    if np.array_equal(given, logged, equal_nan=True):
        return (
            f"the feature log of {session} holds what was given: it was written so, from other "
            "prices or by other code"
        )
    if np.array_equal(logged, made, equal_nan=True):
        stale = ""
        if before is not None and set(symbols) <= set(before.given.symbols):
            served = dict(zip(before.given.symbols, before.given.features, strict=True))
            older = (given == _rows(served, symbols)) & (given != made)
            if older.any() and (given[~older] == made[~older])[~np.isnan(made[~older])].all():
                stale = f"; what differs are the values of {before.session}"
        return (
            f"the feature log of {session} holds what prices make, so something else was served "
            f"to the model{stale}"
        )
    return f"what was given on {session} is neither in the feature log nor what prices make"


def _rows(values: Mapping[str, Floats], symbols: Sequence[str]) -> Floats:
    return np.array([values[symbol] for symbol in symbols])


def _record(books: Books, report: DiagnosisReport, last: RecordedDay) -> None:
    """Record the verdict, once as long as it stays the same."""
    body = _told(report)
    newest = None
    for stored in books.ledger.events(KIND):
        if stored.event.body["strategy"] == report.strategy:
            newest = stored.event
    if newest is not None and {**newest.body, "after": ""} == {**body, "after": ""}:
        return
    body["after"] = newest.key if newest is not None else ""
    where = f"{report.strategy}/{report.book}/{report.first}/{report.last}"
    key = f"{KIND}/{where}/{digest(body)[:16]}"
    books.ledger.record([Event(KIND, key, last.as_of, body)])


def _told(report: DiagnosisReport) -> dict[str, Any]:
    diagnosis = report.diagnosis
    decay = diagnosis.decay
    consistent = decay.most_consistent_with if decay is not None else None
    layers = diagnosis.layers
    told: dict[str, Any] = plain(
        {
            "strategy": report.strategy,
            "book": report.book,
            "first": report.first,
            "last": report.last,
            "sessions": report.sessions,
            "verdict": diagnosis.verdict,
            "first_layer": diagnosis.first_layer,
            "diverging": {one.layer.value: one.diverging for one in layers if one.diverging},
            "last_diverging": max(
                (one.last_session for one in layers if one.last_session), default=None
            ),
            "most_consistent_with": consistent,
            "reasons": diagnosis.reasons,
        }
    )
    return told
