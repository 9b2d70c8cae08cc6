"""The court over a workspace's challengers: what each has shown, and what stands against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np

from shadowbook.adapters.disk import replace_text
from shadowbook.adapters.report.court import page_of_court
from shadowbook.core.promotion.case import Present
from shadowbook.core.promotion.court import Outcome
from shadowbook.core.promotion.judged import Judged
from shadowbook.core.promotion.shown import CourtCase
from shadowbook.errors import InsufficientDataError
from shadowbook.steps.court import CASE, JUDGMENT, Court, outcomes, told
from shadowbook.steps.desk import Lineup
from shadowbook.steps.drift_books import KIND as DRIFT
from shadowbook.steps.known import VERDICT
from shadowbook.steps.manifest import Kept, StepManifest
from shadowbook.steps.rating import lineup_of
from shadowbook.steps.registry_files import RegistryFiles
from shadowbook.steps.sides import Sides
from shadowbook.workspace import Workspace

PAGE = "court.html"

DRILL = "drill"
"""Kind of the ledger's events that say that the way back was rehearsed."""


@dataclass(frozen=True, eq=False)
class CourtReport:
    """What the court says of every challenger.

    Attributes
    ----------
    as_of : decision moment of the newest session that the books went through.
    judged : strategy by strategy, by version.
    page : what people look at.
    reasons : one sentence a strategy that has no challenger to judge.
    kept : the manifest of this run.
    """

    as_of: datetime
    judged: tuple[Judged, ...]
    page: Path
    reasons: tuple[str, ...]
    kept: Kept

    @property
    def halts(self) -> bool:
        """True when there are challengers and none is promoted."""
        promoted = any(one.decision.outcome is Outcome.PROMOTE for one in self.judged)
        return bool(self.judged) and not promoted

    @property
    def told(self) -> dict[str, Any]:
        """What a program reads."""
        return {
            "as_of": self.as_of,
            "judged": [told(one) for one in self.judged],
            "page": self.page,
            "reasons": self.reasons,
        }


def evaluate(
    workspace: Workspace,
    strategies: Sequence[str] = (),
    requester: str = "",
    approver: str = "",
) -> CourtReport:
    """Judge every challenger that has a shadow book beside its champion.

    What is new is recorded: a case when it is opened, a judgment when it says something else than
    the one before.

    Parameters
    ----------
    strategies : whose challengers; none: all.
    requester, approver : who asks for a promotion, and who approves it.

    Raises
    ------
    InsufficientDataError
        When no book has gone through a session.
    IntegrityError
        When a file behind a version is not the one that was recorded.
    """
    names = list(strategies) or list(workspace.settings.strategies)
    with workspace.trading():
        last = workspace.ledger.last_as_of()
        if last is None:
            raise InsufficientDataError(
                "nothing was traded yet, so no challenger has a shadow book: run `shadowbook trade "
                "--session DAY` first, or look at a replay's page"
            )
        cases: list[CourtCase] = []
        reasons = []
        with workspace.progress.stage("court") as stage:
            for name in names:
                lineup = lineup_of(workspace, name, last)
                if lineup is None or not lineup.shadows:
                    what = "champion" if lineup is None else "challenger newer than its champion"
                    reasons.append(f"{name} has no {what}: nothing to judge")
                    continue
                cases += _judged(workspace, name, lineup, last, (requester, approver))
            stage.result(outcomes(cases))
        page, policy = workspace.build / PAGE, workspace.settings.promotion.court
        replace_text(page, page_of_court(cases, "The court", last, policy))
        kept = _kept(workspace, last, cases)
    return CourtReport(last, tuple(one.judged for one in cases), page, tuple(reasons), kept)


def _judged(
    workspace: Workspace, strategy: str, lineup: Lineup, as_of: datetime, people: tuple[str, str]
) -> list[CourtCase]:
    settings, ledger = workspace.settings, workspace.ledger
    files = RegistryFiles(workspace, strategy)
    sides = Sides(strategy, settings.strategy(strategy).horizon)
    sides.read(ledger)
    court = Court(strategy, settings, files, sides)
    for kind in (CASE, JUDGMENT):
        court.recall(stored.event for stored in ledger.events(kind))
    found = []
    for version in lineup.shadows:
        case, events = court.opened(lineup.champion, version, as_of)
        trained = files.run(version).as_of
        judged = court.judge(case, as_of, present_of(workspace, strategy, trained, as_of, people))
        ledger.record([*events, *court.news(judged)])
        found.append(court.shown(judged, ledger.events()))
    return found


def present_of(
    workspace: Workspace, strategy: str, trained: datetime, as_of: datetime, people: tuple[str, str]
) -> Present:
    """Gather what is known beside the books at a session.

    Parameters
    ----------
    trained : the challenger's training moment.
    people : who asks, and who approves.
    """
    return Present(
        age_sessions=_sessions_since(workspace, trained, as_of),
        drift=_drifted_since(workspace, strategy, trained, as_of),
        gate=_gate(workspace, as_of),
        drill_age_sessions=_drilled(workspace, strategy, as_of),
        requester=people[0],
        approver=people[1],
    )


def _sessions_since(workspace: Workspace, since: datetime, until: datetime) -> int:
    """Count the sessions decided after a moment, up to another."""
    schedule = workspace.market.calendar.schedule(since.date(), until.date())
    naive = np.datetime64(since.replace(tzinfo=None), "us")
    last = np.datetime64(until.replace(tzinfo=None), "us")
    return int(((schedule.decided_at > naive) & (schedule.decided_at <= last)).sum())


def _drifted_since(
    workspace: Workspace, strategy: str, trained: datetime, as_of: datetime
) -> bool | None:
    """Whether drift that began after a training is under way; None where nobody has looked."""
    stood = workspace.ledger.newest(DRIFT, f"{DRIFT}/{strategy}/")
    if stood is None or stood.event.at < as_of or stood.event.body["drift"] is None:
        return None
    since = stood.event.body["since"]
    return since is not None and date.fromisoformat(since) > trained.date()


def _gate(workspace: Workspace, as_of: datetime) -> str | None:
    """Outcome of the gate on the newest prices; None where it has not judged them."""
    note = workspace.market.accepted.read_note(VERDICT)
    if note is None or datetime.fromisoformat(note["as_of"]) < as_of:
        return None
    return str(note["outcomes"]["bars"])


def _drilled(workspace: Workspace, strategy: str, as_of: datetime) -> int | None:
    """Sessions since the way back to the champion was rehearsed; None where it never passed."""
    stood = workspace.ledger.newest(DRILL, f"{DRILL}/{strategy}/")
    if stood is None or not stood.event.body["passed"]:
        return None
    return _sessions_since(workspace, stood.event.at, as_of)


def _kept(workspace: Workspace, as_of: datetime, cases: Sequence[CourtCase]) -> Kept:
    """Keep the manifest: what was judged, and where the ledger stood."""
    seq, head = workspace.ledger.head()
    content = {
        "judged": [told(one.judged) for one in cases],
        "ledger": {"events": seq, "head": head},
    }
    reads = {"market": workspace.market.accepted.folder}
    return StepManifest(workspace, "evaluate", as_of, reads).keep("DONE", {}, content)
