"""The daily watch: what every book has done, against what it promised, and the page of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shadowbook.adapters.disk import replace_text
from shadowbook.adapters.report.monitor import page_of_monitor
from shadowbook.adapters.report.words import counted
from shadowbook.core.diagnosis.findings import Diagnosis
from shadowbook.core.drift.found import DriftBook, RetrainRequest
from shadowbook.core.performance.monitored import Monitored
from shadowbook.core.values import Panel
from shadowbook.errors import InsufficientDataError, ShadowbookError
from shadowbook.serialization import plain
from shadowbook.steps.baseline import registered_baseline
from shadowbook.steps.desk import CHAMPION
from shadowbook.steps.drift_books import drift_books
from shadowbook.steps.drift_pages import PAGE as DRIFT_PAGE
from shadowbook.steps.drift_pages import drift_sentence, told_in_full, write_drift_page
from shadowbook.steps.known import accepted
from shadowbook.steps.live import Key
from shadowbook.steps.manifest import Kept, StepManifest
from shadowbook.steps.monitored_books import monitored_books
from shadowbook.steps.watching import acknowledged
from shadowbook.workspace import Workspace

if TYPE_CHECKING:
    from shadowbook.steps.diagnose import DiagnosisReport

PAGE = "monitor.html"


@dataclass(frozen=True, eq=False)
class MonitorReport:
    """What the monitor found.

    Attributes
    ----------
    as_of : decision moment of the newest session that the books went through.
    page, drift_page : what people look at.
    reasons : one sentence each.
    kept : the manifest of this run.
    drift : where each champion stands between drift and decay.
    """

    as_of: datetime
    monitored: tuple[Monitored, ...]
    page: Path
    drift_page: Path
    reasons: tuple[str, ...]
    kept: Kept
    drift: tuple[DriftBook, ...]

    @property
    def requests(self) -> tuple[RetrainRequest, ...]:
        """Retrainings that drift and decay together ask for."""
        return tuple(one.request for one in self.drift if one.request is not None)

    @property
    def halts(self) -> bool:
        """False: what cannot be watched is an error, and an alert is no refusal."""
        return False

    @property
    def told(self) -> dict[str, Any]:
        """What a program reads: figures and alerts; the series stand in the ledger."""
        books = [plain(replace(one, series={})) for one in self.monitored]
        for book, one in zip(books, self.monitored, strict=True):
            book["sessions"] = len(one.sessions)
            del book["series"], book["information_coefficient"]
        return {
            "as_of": self.as_of,
            "books": books,
            "page": self.page,
            "drift": [told_in_full(one) for one in self.drift],
            "drift_page": self.drift_page,
            "reasons": self.reasons,
            "requests": self.requests,
        }


def monitor(workspace: Workspace, session: date | None = None) -> MonitorReport:
    """Measure every book of the workspace's ledger and write the page.

    Parameters
    ----------
    session : the newest one that is expected; None: whichever there is.

    Raises
    ------
    InsufficientDataError
        When no book has gone through a session, or not through the one asked for.
    ShadowbookError
        A book that is held back could not be diagnosed; the page is written all the same.
    """
    with workspace.trading():
        last = workspace.ledger.last_as_of()
        if last is None:
            raise InsufficientDataError(
                "nothing was traded yet, so there is nothing to watch: run `shadowbook trade "
                "--session DAY` first, or look at a replay's page"
            )
        if session is not None and last.date() < session:
            raise InsufficientDataError(
                f"the books have gone through {last:%Y-%m-%d}, not through {session}: run "
                f"`shadowbook trade --session {session}` first"
            )
        with workspace.progress.stage("monitor") as stage:
            calendar = workspace.market.calendar
            panel = accepted(workspace.market, last).panel(last)
            monitored = monitored_books(
                workspace.ledger,
                partial(registered_baseline, workspace),
                workspace.settings,
                panel,
                calendar.zone().key,
            )
            monitored = tuple(_known(workspace, one) for one in monitored)
            stage.result(f"{counted(len(monitored), 'book')} as of {last:%Y-%m-%d}")
    reports, failed = _diagnosed(workspace, monitored)
    diagnoses = {key: one.diagnosis for key, one in reports.items()}
    # A diagnosis knows what wrong inputs did to the gap as well.
    gaps = {key: one.gap for key, one in reports.items()}
    monitored = tuple(
        replace(one, attribution=gaps.get((one.strategy, one.book)) or one.attribution)
        for one in monitored
    )
    monitored = tuple(_noted(one, failed) for one in monitored)
    page = workspace.build / PAGE
    sources = _sources(workspace, monitored)
    written = page_of_monitor(monitored, "Monitor", last, diagnoses, sources, DRIFT_PAGE)
    replace_text(page, written)
    drift = _drift(workspace, monitored, panel, last, failed)
    drift_page = write_drift_page(workspace, drift, last, sources)
    with workspace.trading():
        kept = _kept(workspace, last, monitored)
    if failed:
        raise next(iter(failed.values()))
    reasons = (
        _sentence(monitored, last),
        *(_verdict(key, one) for key, one in diagnoses.items()),
        *(drift_sentence(one) for one in drift),
    )
    return MonitorReport(last, monitored, page, drift_page, reasons, kept, drift)


def _drift(
    workspace: Workspace,
    monitored: Sequence[Monitored],
    panel: Panel,
    as_of: datetime,
    failed: Mapping[Key, ShadowbookError],
) -> tuple[DriftBook, ...]:
    """Look for drift; a book that could not be diagnosed may hide a bug, so it asks for nothing."""
    doubts = {key[0]: f"it could not be diagnosed: {error}" for key, error in failed.items()}
    with workspace.trading(), workspace.progress.stage("drift") as stage:
        found = drift_books(workspace, monitored, panel, as_of, doubts)
        stage.result(", ".join(f"{one.strategy} {one.quadrant.cell}" for one in found))
    return found


def _diagnosed(
    workspace: Workspace, monitored: Sequence[Monitored]
) -> tuple[dict[Key, DiagnosisReport], dict[Key, ShadowbookError]]:
    """Diagnose the books that their alerts hold back; the verdict goes to the ledger.

    What could not be diagnosed comes second: people need the page most when something is broken.
    """
    held = [one for one in monitored if one.capacity < 1.0]
    if not held:
        return {}, {}
    from shadowbook.steps.diagnose import diagnose

    found: dict[Key, DiagnosisReport] = {}
    failed: dict[Key, ShadowbookError] = {}
    with workspace.progress.stage("diagnosis") as stage:
        for one in held:
            key = one.strategy, one.book
            try:
                found[key] = diagnose(workspace, one.strategy, book=one.book)
            except ShadowbookError as error:
                failed[key] = error
        verdicts = [f"{key[0]} {one.diagnosis.verdict}" for key, one in found.items()]
        stage.result(", ".join([*verdicts, *(f"{key[0]} failed" for key in failed)]))
    return found, failed


def _known(workspace: Workspace, one: Monitored) -> Monitored:
    """Note what a person has acknowledged, which restrains the book until it trades again."""
    rules = acknowledged(workspace, one.strategy) if one.book == CHAMPION else ()
    note = f"acknowledged, which counts from the next trading day on: {', '.join(rules)}"
    return replace(one, notes=(*one.notes, note)) if rules else one


def _noted(one: Monitored, failed: Mapping[Key, ShadowbookError]) -> Monitored:
    error = failed.get((one.strategy, one.book))
    return one if error is None else replace(one, notes=(*one.notes, f"not diagnosed: {error}"))


def _sources(workspace: Workspace, monitored: Sequence[Monitored]) -> dict[Key, str]:
    """Name the training run whose backtest each book is held against."""
    runs = {(run.strategy, run.model_version): run.run_id for run in workspace.models.runs()}
    found = {}
    for one in monitored:
        run_id = runs.get((one.strategy, one.model_version))
        if run_id is not None:
            found[one.strategy, one.book] = f"Backtest of run {run_id[:8]}"
    return found


def _verdict(key: Key, diagnosis: Diagnosis) -> str:
    why = f": {diagnosis.reasons[0]}" if diagnosis.reasons else ""
    return f"{key[0]}/{key[1]} is diagnosed as {diagnosis.verdict}{why}"


def _sentence(monitored: Sequence[Monitored], as_of: datetime) -> str:
    held = [f"{one.strategy}/{one.book}" for one in monitored if one.capacity < 1.0]
    what = f"restrained: {', '.join(held)}" if held else "none restrained"
    return f"{counted(len(monitored), 'book')} watched as of {as_of:%Y-%m-%d}; {what}"


def _kept(workspace: Workspace, as_of: datetime, monitored: Sequence[Monitored]) -> Kept:
    """Keep the manifest: the prices that labels were taken from, and where the ledger stood."""
    seq, head = workspace.ledger.head()
    books = [
        {"strategy": one.strategy, "book": one.book, "model_version": one.model_version}
        for one in monitored
    ]
    content = {"books": books, "ledger": {"events": seq, "head": head}}
    reads = {"market": workspace.market.accepted.folder}
    return StepManifest(workspace, "monitor", as_of, reads).keep("DONE", {}, content)
