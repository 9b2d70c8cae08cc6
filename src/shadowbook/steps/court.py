"""The court of one strategy: opens a case for each challenger and judges it session by session."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from shadowbook.adapters.ledger.chain import StoredEvent
from shadowbook.core.audit import digest
from shadowbook.core.events import Event
from shadowbook.core.promotion.budget import alpha_of, split
from shadowbook.core.promotion.case import Case, Present, evidence_of
from shadowbook.core.promotion.court import Decision, Outcome, judge
from shadowbook.core.promotion.evidence import Evidence, Kind
from shadowbook.core.promotion.judged import Judged, Judgment
from shadowbook.core.promotion.paths import lead_path
from shadowbook.core.promotion.planning import required_shadow_sessions
from shadowbook.core.promotion.shown import CourtCase, judgment_of
from shadowbook.core.promotion.walk_forward import WalkForwardEvidence, walk_forward_evidence
from shadowbook.serialization import plain
from shadowbook.settings import Settings
from shadowbook.steps.case_files import CaseFiles, walk_forward_of
from shadowbook.steps.sides import Sides

CASE, JUDGMENT = "case", "judgment"
"""Kinds of the ledger's events: a case was opened; the court said something new of it."""

Pair = tuple[int, int]
"""Champion's and challenger's version."""


def told(judged: Judged) -> dict[str, Any]:
    """Return what a program reads, and the ledger keeps."""
    return {
        "strategy": judged.strategy,
        "champion": judged.case.champion,
        "challenger": judged.case.challenger,
        "kind": judged.case.kind,
        "outcome": judged.decision.outcome.value,
        "criteria": plain(judged.decision.criteria),
        "evidence": plain(judged.evidence),
    }


class Court:
    """Cases of one strategy.

    Parameters
    ----------
    files : what the runs behind its versions say.
    sides : what its books did.
    """

    def __init__(self, strategy: str, settings: Settings, files: CaseFiles, sides: Sides) -> None:
        self._strategy = strategy
        self._settings = settings
        self._policy = settings.promotion.court
        self._files = files
        self._sides = sides
        self._cases: dict[Pair, Case] = {}
        self._opened: dict[Pair, Mapping[str, Any]] = {}
        self._said: dict[Pair, tuple[str, ...]] = {}
        self._rejected: dict[Pair, str] = {}

    def recall(self, events: Iterable[Event]) -> None:
        """Take up the cases that a ledger holds."""
        for event in events:
            body = event.body
            if body["strategy"] != self._strategy:
                continue
            pair = body["champion"], body["challenger"]
            if event.kind == CASE:
                self._opened[pair] = {**body, "year": event.at.year}
            else:
                self._remember(pair, body, event.at)

    def opened(self, champion: int, challenger: int, as_of: datetime) -> tuple[Case, list[Event]]:
        """Return the case of a pair; a new one is an event."""
        pair = champion, challenger
        events: list[Event] = []
        if pair not in self._cases:
            known = self._opened.get(pair)
            self._cases[pair] = case = self._open(pair, as_of, known)
            if known is None:
                body = {"strategy": self._strategy, **_opening(case)}
                self._opened[pair] = {**body, "year": as_of.year}
                key = f"{CASE}/{self._strategy}/{champion}/{challenger}"
                events = [Event(CASE, key, as_of, body)]
        return self._cases[pair], events

    def judge(self, case: Case, as_of: datetime, present: Present) -> Judged:
        """Judge a challenger on the sessions that its shadow book has run beside the champion."""
        record = self._sides.pair(case.champion, case.challenger)
        pair = case.champion, case.challenger
        present = replace(present, rejected_on=self._rejected.get(pair, ""))
        evidence = evidence_of(case, record, present, self._policy)
        return Judged(self._strategy, as_of, case, evidence, judge(evidence, self._policy))

    def shown(self, judged: Judged, stored: Iterable[StoredEvent]) -> CourtCase:
        """Return what people look at of a case.

        Parameters
        ----------
        stored : the ledger's events.
        """
        case = judged.case
        pair = case.champion, case.challenger
        path = lead_path(self._sides.pair(*pair), case, self._policy)
        return CourtCase(judged, path, judgments_in(stored, self._strategy, pair))

    def recorded(self, pair: Pair, as_of: datetime, stored: Sequence[StoredEvent]) -> CourtCase:
        """Return a case that is over as its last judgment left it.

        Parameters
        ----------
        stored : the ledger's events, a judgment of the pair among them.
        """
        case, _ = self.opened(*pair, as_of)
        last = judgments_in(stored, self._strategy, pair)[-1]
        outcome = Outcome(last.outcome or Outcome.NOT_COMPUTABLE)
        decision = Decision(outcome, last.criteria)
        judged = Judged(self._strategy, as_of, case, Evidence.read(last.evidence), decision)
        return self.shown(judged, stored)

    def n_sessions(self, case: Case) -> int:
        """Count the sessions of a challenger's shadow book, those that are left out included."""
        return self._sides.n_sessions(case.challenger)

    def news(self, judged: Judged) -> list[Event]:
        """Return the event of a judgment that says something else than the one before."""
        pair = judged.case.champion, judged.case.challenger
        body = told(judged)
        said = _said(body["outcome"], body["criteria"])
        if self._said.get(pair) == said:
            return []
        self._remember(pair, body, judged.as_of)
        name = f"{JUDGMENT}/{self._strategy}/{pair[0]}/{pair[1]}/{judged.as_of.isoformat()}"
        return [Event(JUDGMENT, f"{name}/{digest(body)[:8]}", judged.as_of, body)]

    def _remember(self, pair: Pair, body: Mapping[str, Any], at: datetime) -> None:
        self._said[pair] = _said(body["outcome"], body["criteria"])
        if body["outcome"] == Outcome.REJECT.value:
            self._rejected.setdefault(pair, at.date().isoformat())

    def _open(self, pair: Pair, as_of: datetime, known: Mapping[str, Any] | None) -> Case:
        champion, challenger = pair
        same = self._files.recipe(champion) == self._files.recipe(challenger)
        kind: Kind = "refresh" if same else "replacement"
        share = self._files.n_labels(challenger) / self._files.n_labels(champion)
        true = self._files.training_data(challenger) if self._policy.training_data else None
        trials = known["n_trials"] if known else self._files.n_trials(challenger)
        if kind == "refresh":
            alike = self._files.refit_correlation(champion, challenger)
            return Case(
                strategy=self._strategy,
                champion=champion,
                challenger=challenger,
                kind=kind,
                n_trials=trials,
                refit_correlation=alike,
                training_share=share,
                training_data=true,
            )
        position = known["position"] if known else self._position(as_of)
        budget = self._policy.budget
        alpha = split(alpha_of(position, budget), budget)
        history = self._history(champion, challenger)
        wanted = required_shadow_sessions(
            self._policy.replacement.min_effect, history.correlation, alpha.shadow
        )
        return Case(
            strategy=self._strategy,
            champion=champion,
            challenger=challenger,
            kind=kind,
            position=position,
            alpha_history=alpha.history,
            alpha_shadow=alpha.shadow,
            history=history,
            required_sessions=wanted,
            n_trials=trials,
            training_share=share,
            training_data=true,
        )

    def _position(self, as_of: datetime) -> int:
        """Return which replacement of the calendar year the next one is."""
        before = [
            body
            for body in self._opened.values()
            if body["kind"] == "replacement" and body["year"] == as_of.year
        ]
        return 1 + len(before)

    def _history(self, champion: int, challenger: int) -> WalkForwardEvidence:
        found = walk_forward_of(self._files, champion, challenger)
        if found is None:
            return WalkForwardEvidence(reason="no walk forward of both recipes was kept")
        own = self._policy.replacement
        return walk_forward_evidence(
            champion=found[0],
            challenger=self._files.recipe(challenger),
            recipes=found[1],
            rng=np.random.default_rng(
                [self._settings.seed, zlib.crc32(self._strategy.encode()), champion, challenger]
            ),
            min_sessions=own.min_history_sessions,
            n_resamples=own.snooping_resamples,
            n_unknown=self._files.n_unknown(challenger),
        )


def judgments_in(stored: Iterable[StoredEvent], strategy: str, pair: Pair) -> tuple[Judgment, ...]:
    """Read what the court has said of a case from a ledger's events, in order."""
    events = (one.event for one in stored if one.event.kind in (CASE, JUDGMENT))
    found = [judgment_of(event) for event in events]
    return tuple(
        one for one in found if one.strategy == strategy and (one.champion, one.challenger) == pair
    )


def outcomes(cases: Iterable[CourtCase]) -> str:
    """Say in a line what the court makes of each challenger."""
    said = [
        f"{one.judged.strategy}/{one.judged.case.challenger} {one.judged.decision.outcome}"
        for one in cases
    ]
    return ", ".join(said) or "no challenger"


def _said(outcome: str, criteria: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return what makes a judgment news: its outcome and what stands against it."""
    return (outcome, *(f"{one['name']} {one['passed']}" for one in criteria if not one["passed"]))


def _opening(case: Case) -> dict[str, Any]:
    body: dict[str, Any] = plain(case)
    del body["strategy"]
    return body
