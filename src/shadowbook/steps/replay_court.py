"""The court in a replay: every challenger, every session, on what the replay itself has made."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

import numpy as np

from shadowbook.adapters.ledger.chain import StoredEvent
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.day import BookDay
from shadowbook.core.events import Event
from shadowbook.core.promotion.case import Case, Present
from shadowbook.core.promotion.judged import Judged
from shadowbook.core.promotion.sequential import START
from shadowbook.core.promotion.shown import CourtCase
from shadowbook.core.track import Backtest
from shadowbook.steps.case_files import CaseFiles, refit_correlation
from shadowbook.steps.court import CASE, JUDGMENT, Court
from shadowbook.steps.history import History
from shadowbook.steps.known import VERDICT
from shadowbook.steps.replay_models import Versions
from shadowbook.steps.replay_watch import DriftWatch
from shadowbook.steps.sides import Sides
from shadowbook.steps.train import fit_policy
from shadowbook.workspace import Workspace

OPERATOR, COURT = "simulated operator", "the court"


class ReplayFiles(CaseFiles):
    """What the versions of a replay say.

    Parameters
    ----------
    unsound : tells the first session that the feature log is wrong in.
    """

    def __init__(
        self, workspace: Workspace, versions: Versions, unsound: Callable[[], date | None]
    ) -> None:
        self._unsound = unsound
        self._settings = workspace.settings
        self._versions = versions

    def recipe(self, version: int) -> str:
        """Return the digest of a version's recipe."""
        return self.recipes(version)[self._versions.provide(version)["candidate"]]

    def recipes(self, version: int) -> Mapping[str, str]:
        """Return candidate -> digest of its recipe."""
        return self._versions.recipes(version)

    def backtest(self, version: int) -> Backtest | None:
        """Return what a version and its rivals did out of sample."""
        self._versions.provide(version)
        return self._versions.backtest(version)

    def n_labels(self, version: int) -> float:
        """Count the labels that a version's last fold was fitted on."""
        told = self._versions.provide(version).get("n_labels")
        return math.nan if told is None else float(told)

    def n_trials(self, version: int) -> int:
        """Count the candidates of a version and those before it."""
        return sum(len(self.recipes(one)) for one in self._versions.until(version))

    def n_unknown(self, version: int) -> int:
        """None: a replay keeps every backtest."""
        return 0

    def training_data(self, version: int) -> bool | None:
        """Say whether the feature log was sound up to a version's training moment."""
        since = self._unsound()
        trained = datetime.fromisoformat(self._versions.provide(version)["as_of"]).date()
        return since is None or trained < since

    def refit_correlation(self, champion: int, challenger: int) -> float:
        """Refit the challenger's recipe on what it was fitted on, cut as far apart."""
        about = self._versions.provide(challenger)
        dataset = self._versions.fitted_on(challenger)
        strategy = self._versions.strategy
        since = datetime.fromisoformat(self._versions.provide(champion)["as_of"]).date()
        apart = int((dataset.sessions > np.datetime64(since, "D")).sum())
        return refit_correlation(
            dataset,
            self._settings.strategy(strategy).horizon,
            self._settings.learning.candidates[about["candidate"]],
            fit_policy(self._settings, strategy),
            max(apart, 1),
        )


class ReplayCourt:
    """One strategy's challengers before the court.

    Parameters
    ----------
    workspace : with the settings of the replay's policy.
    drift : the strategy's drift watch.
    unsound : tells the first session that the feature log is wrong in; None = none.
    """

    def __init__(
        self,
        workspace: Workspace,
        history: History,
        versions: Versions,
        drift: DriftWatch,
        unsound: Callable[[], date | None],
    ) -> None:
        settings = workspace.settings
        self._policy = settings.promotion.court
        self._history = history
        self._versions = versions
        self._drift = drift
        self._sides = Sides(versions.strategy, settings.strategy(versions.strategy).horizon)
        files = ReplayFiles(workspace, versions, unsound)
        self._court = Court(versions.strategy, settings, files, self._sides)
        note = workspace.market.accepted.read_note(VERDICT)
        self._gate = None if note is None else str(note["outcomes"]["bars"])

    def recall(self, ledger: Ledger) -> None:
        """Take up what a ledger holds of the books and of the cases."""
        self._sides.read(ledger)
        for kind in (CASE, JUDGMENT):
            self._court.recall(stored.event for stored in ledger.events(kind))

    def add(self, days: Iterable[BookDay]) -> None:
        """Take in what the books did in a session."""
        self._sides.add(days)

    def decide(
        self, at: int, champion: int, challengers: Sequence[int]
    ) -> tuple[list[Event], Judged | None]:
        """Judge the challengers before a session; returns what is new and who is promoted.

        Parameters
        ----------
        at : number of the session in the span; the sessions before it count.
        """
        as_of = self._history.moments[at].as_of
        events: list[Event] = []
        promoted: Judged | None = None
        for version in challengers:
            case, opened = self._court.opened(champion, version, as_of)
            events += opened
            if self._court.n_sessions(case) < START:
                continue
            judged = self._judge(at, case, as_of)
            events += self._court.news(judged)
            if judged.promotes() and (promoted is None or _better(judged, promoted)):
                promoted = judged
        return events, promoted

    def shown(self, champion: int, challengers: Sequence[int], ledger: Ledger) -> list[CourtCase]:
        """Judge the challengers as of the newest session of the span, for a reader.

        Where none is left, the case is shown that made the champion.
        """
        at, found, stored = len(self._history.moments), [], list(ledger.events())
        as_of = self._history.moments[-1].as_of
        for version in challengers:
            case, _ = self._court.opened(champion, version, as_of)
            found.append(self._court.shown(self._judge(at, case, as_of), stored))
        return found or self._crowned(stored)

    def _crowned(self, stored: Sequence[StoredEvent]) -> list[CourtCase]:
        for event in (one.event for one in reversed(stored)):
            if event.kind == "promotion" and event.body["strategy"] == self._versions.strategy:
                if event.body["decided_by"] != COURT:
                    break
                pair = event.body["champion"], event.body["challenger"]
                return [self._court.recorded(pair, event.at, stored)]
        return []

    def _judge(self, at: int, case: Case, as_of: datetime) -> Judged:
        """Judge; where the drill alone is missing, rehearse it: the champion must come back."""
        judged = self._court.judge(case, as_of, self._present(at, case, None))
        if not judged.promotes(but="drill"):
            return judged
        drilled = 0 if self._versions.rehearsed(case.champion, at - 1) else None
        return self._court.judge(case, as_of, self._present(at, case, drilled))

    def _present(self, at: int, case: Case, drilled: int | None) -> Present:
        trained = datetime.fromisoformat(self._versions.provide(case.challenger)["as_of"])
        days = self._history.past.whole.sessions
        last = np.datetime64(self._history.moments[at - 1].session, "D")
        age = int(((days > np.datetime64(trained.date(), "D")) & (days <= last)).sum())
        began = self._drift.opened
        since = began is not None and began > trained.date()
        return Present(
            age_sessions=age,
            drift=since if self._drift.known else None,
            gate=self._gate,
            drill_age_sessions=drilled,
            requester=COURT,
            approver=OPERATOR if self._policy.approval else "",
        )


def _better(one: Judged, other: Judged) -> bool:
    """Prefer the larger lead, then the newer version."""
    own, its = one.evidence.effect, other.evidence.effect
    return (own, one.case.challenger) > (its, other.case.challenger)
