"""Replays asked for by a person: one policy, or two side by side, and their page."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from shadowbook.adapters.disk import replace_text
from shadowbook.adapters.report.court import page_of_court
from shadowbook.adapters.report.drift import page_of_drift
from shadowbook.adapters.report.monitor import page_of_monitor
from shadowbook.adapters.report.replay import page_of_replay
from shadowbook.core.books.summary import ReplaySummary
from shadowbook.core.drift.found import DriftBook
from shadowbook.core.performance.monitored import Monitored
from shadowbook.core.promotion.judged import Judgment
from shadowbook.core.promotion.shown import CourtCase
from shadowbook.errors import ConfigError, StaleDataError
from shadowbook.settings import PARAMS, load_settings
from shadowbook.steps.court import outcomes, told
from shadowbook.steps.drift_pages import told_in_full
from shadowbook.steps.history import History, history_of
from shadowbook.steps.monitored_books import monitored_books
from shadowbook.steps.registered_versions import versions_of
from shadowbook.steps.replay import Replay, ReplayRun, replay_key
from shadowbook.steps.replay_drift import replay_drift
from shadowbook.steps.replay_models import Versions
from shadowbook.steps.replay_summary import judgments_of, summary_of
from shadowbook.steps.train import FitMap
from shadowbook.workspace import Replayed, Workspace

PAGE, MONITOR_PAGE, DRIFT_PAGE = "replay.html", "replay-monitor.html", "replay-drift.html"
COURT_PAGE = "replay-court.html"


@dataclass(frozen=True, eq=False)
class ReplayReport:
    """What was replayed.

    Attributes
    ----------
    summaries : one a policy, in the order given.
    runs : how each went through.
    page : what people look at.
    monitored : the books of the first policy, as the monitor tells of them at the end.
    monitor_page : the monitor's page of them.
    drift : where their champions stand between drift and decay at the end.
    drift_page : the page of that.
    judgments : what the court has said, one tuple a policy.
    cases : their challengers before the court at the end.
    court_page : the page of that.
    """

    summaries: tuple[ReplaySummary, ...]
    runs: tuple[ReplayRun, ...]
    page: Path
    monitored: tuple[Monitored, ...]
    monitor_page: Path
    drift: tuple[DriftBook, ...]
    drift_page: Path
    judgments: tuple[tuple[Judgment, ...], ...]
    cases: tuple[CourtCase, ...]
    court_page: Path

    @property
    def told(self) -> dict[str, Any]:
        """What a program reads: figures and events; the series stand in each replay's ledger."""
        policies = [
            {
                "name": summary.name,
                "run": run,
                "counts": summary.counts,
                "books": [
                    {
                        "strategy": book.series.strategy,
                        "book": book.series.book,
                        "sessions": len(book.series.sessions),
                        "metrics": book.metrics,
                    }
                    for book in summary.books
                ],
                "notes": summary.notes,
            }
            for summary, run in zip(self.summaries, self.runs, strict=True)
        ]
        return {
            "policies": policies,
            "page": self.page,
            "monitor_page": self.monitor_page,
            "drift": [told_in_full(one) for one in self.drift],
            "drift_page": self.drift_page,
            "court": [told(one.judged) for one in self.cases],
            "court_page": self.court_page,
        }


def replay(
    workspace: Workspace,
    first: date,
    last: date,
    policies: Sequence[Path] = (),
    fit_map: FitMap = map,
) -> ReplayReport:
    """Replay a span under the workspace's policy, and under others beside it.

    Parameters
    ----------
    first, last : days, both included.
    policies : params files; each may differ in everything but where data comes from.

    Raises
    ------
    ConfigError, StaleDataError, InsufficientDataError, IntegrityError
        See ``History`` and ``Replay``.
    """
    history = history_of(workspace, first, last)
    done, judgments = [], []
    stands: _Stands | None = None
    for name, opened in _policies(workspace, policies):
        began = time.perf_counter()
        books = opened.replayed(replay_key(opened, history.moments[0].session))
        try:
            with opened.replaying(books.folder):
                versions = versions_of(opened, history, books.shelf, fit_map)
                through = Replay(opened, history, books, versions)
                run = through.run()
                judgments.append(judgments_of(books.ledger))
                done.append((summary_of(name, books.ledger, run, time.perf_counter() - began), run))
                stands = stands or _stands(opened, through, books, versions)
        finally:
            books.close()
    if stands is None:
        raise ConfigError("there is no policy to replay")
    summaries, runs = zip(*done, strict=True)
    page = workspace.build / PAGE
    replace_text(page, page_of_replay(summaries, judgments))
    pages = _written(workspace, stands, history.moments[-1].as_of)
    return ReplayReport(
        summaries=summaries,
        runs=runs,
        page=page,
        monitored=stands.watched,
        monitor_page=pages[0],
        drift=stands.drift,
        drift_page=pages[1],
        judgments=tuple(judgments),
        cases=stands.cases,
        court_page=pages[2],
    )


@dataclass(frozen=True, eq=False)
class _Stands:
    """How the books of the first policy stand at the end."""

    watched: tuple[Monitored, ...]
    drift: tuple[DriftBook, ...]
    cases: tuple[CourtCase, ...]


def _stands(
    workspace: Workspace, through: Replay, books: Replayed, versions: Mapping[str, Versions]
) -> _Stands:
    watched = _watched(workspace, through.history, books, versions)
    drift = _drift(workspace, through, books, versions, watched)
    with workspace.progress.stage("court") as stage:
        cases = tuple(through.cases())
        stage.result(outcomes(cases))
    return _Stands(watched, drift, cases)


def _written(workspace: Workspace, stands: _Stands, as_of: datetime) -> tuple[Path, Path, Path]:
    """Write the pages of monitor, drift and court."""
    build, policy = workspace.build, workspace.settings.drift
    texts = {
        MONITOR_PAGE: page_of_monitor(
            stands.watched, "Monitor of a replay", as_of, drift_page=DRIFT_PAGE
        ),
        DRIFT_PAGE: page_of_drift(
            stands.drift, "Drift at the end of a replay", as_of, policy=policy
        ),
        COURT_PAGE: page_of_court(
            stands.cases,
            "The court at the end of a replay",
            as_of,
            workspace.settings.promotion.court,
        ),
    }
    for name, text in texts.items():
        replace_text(build / name, text)
    return build / MONITOR_PAGE, build / DRIFT_PAGE, build / COURT_PAGE


def _watched(
    workspace: Workspace, history: History, books: Replayed, versions: Mapping[str, Versions]
) -> tuple[Monitored, ...]:
    with workspace.progress.stage("monitor") as stage:
        found = monitored_books(
            books.ledger,
            lambda strategy, version: versions[strategy].backtest(version),
            workspace.settings,
            history.known.panel(history.moments[-1].as_of),
            workspace.market.calendar.zone().key,
        )
        stage.result(f"{len(found)} books")
    return found


def _drift(
    workspace: Workspace,
    through: Replay,
    books: Replayed,
    versions: Mapping[str, Versions],
    watched: Sequence[Monitored],
) -> tuple[DriftBook, ...]:
    with workspace.progress.stage("drift") as stage:
        found = replay_drift(workspace, through, books, versions, watched)
        stage.result(", ".join(f"{one.strategy} {one.quadrant.cell}" for one in found))
    return found


def span_of(
    workspace: Workspace, first: date | None, last: date | None, sessions: int
) -> tuple[date, date]:
    """Return the days to replay: what was asked, else the newest sessions that have features.

    Raises
    ------
    StaleDataError
        When no features are logged yet, or none of the last day.
    """
    logged = workspace.feature_log.last_session()
    if logged is None:
        raise StaleDataError("no features are logged yet: run `shadowbook run` first")
    newest = logged.astype(date)
    end = last or newest
    if end > newest:
        raise StaleDataError(
            f"features reach to {newest}, not to {end}: replay to that day or an earlier one, or "
            f"run `shadowbook run --as-of {end}` first"
        )
    if first is not None:
        return first, end
    days = workspace.feature_log.read(columns=[])["session"].to_numpy("datetime64[D]")
    there = np.unique(days[days <= np.datetime64(end, "D")])
    if not len(there):
        raise StaleDataError(f"no features of {end} or before are logged: choose a later --to")
    begin: date = there[-min(sessions, len(there))].astype(date)
    return begin, end


def _policies(workspace: Workspace, files: Sequence[Path]) -> list[tuple[str, Workspace]]:
    found = [(PARAMS, workspace)]
    for file in files:
        settings = load_settings(file)
        for section in ("market_data", "features"):
            if getattr(settings, section) != getattr(workspace.settings, section):
                raise ConfigError(
                    f"{file.name}: {section} differs from the workspace's: a policy is replayed on "
                    "the same data, so leave that section as it is"
                )
        found.append((file.name, Workspace(workspace.root, settings, workspace.progress)))
    return found
