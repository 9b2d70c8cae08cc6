"""A replay: years of trading days, each exactly as it would have been known.

Everything a replay decides follows from its settings, the code, the accepted prices and the feature
log, so one that was killed goes on where its ledger ends and comes to the same chain of hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np

from shadowbook.core.audit import digest
from shadowbook.core.books.operator import chosen
from shadowbook.core.books.view import View
from shadowbook.core.drift.incidents import Incident
from shadowbook.core.events import Event
from shadowbook.core.promotion.shown import CourtCase
from shadowbook.errors import ConfigError, IntegrityError
from shadowbook.steps import layers
from shadowbook.steps.desk import (
    CHAMPION,
    Desk,
    Lineup,
    Ratings,
    lineup_among,
    shadow_name,
)
from shadowbook.steps.given import Given
from shadowbook.steps.growing import Seen
from shadowbook.steps.history import History
from shadowbook.steps.logged_features import first_difference
from shadowbook.steps.replay_court import COURT, OPERATOR, ReplayCourt
from shadowbook.steps.replay_models import Versions
from shadowbook.steps.replay_watch import DriftWatch
from shadowbook.steps.watch import Watch, acknowledgement, alert_events, seen_in
from shadowbook.workspace import Replayed, Workspace


@dataclass(frozen=True)
class ReplayRun:
    """A replay that went through.

    Attributes
    ----------
    key : identity of the policy, the code and the first session.
    first, last : sessions replayed.
    replayed : sessions that this call went through; the others had been done before.
    digest : the ledger's last hash, the same however often the replay was interrupted.
    """

    key: str
    first: date
    last: date
    replayed: int
    digest: str


class Replay:
    """One policy over one span.

    Parameters
    ----------
    workspace : with the settings of the policy.
    history : the span; an attribute as well.
    books : where the replay writes to.
    versions : strategy -> who scores when.
    """

    def __init__(
        self,
        workspace: Workspace,
        history: History,
        books: Replayed,
        versions: Mapping[str, Versions],
    ) -> None:
        self._workspace = workspace
        self._settings = workspace.settings
        self._moments = history.moments
        self.history = history
        self._books = books
        self._desk = Desk(books.ledger, books.broker, workspace.settings)
        self._versions = versions
        self._champions = {name: one.first_champion for name, one in self._versions.items()}
        self._returns: dict[tuple[str, str], list[float]] = {}
        self._watches = {
            name: Watch(name, self._settings, one.backtest) for name, one in versions.items()
        }
        self._drift = {name: DriftWatch(workspace, history, one) for name, one in versions.items()}
        self._courts = {
            name: ReplayCourt(workspace, history, one, self._drift[name], self._unsound)
            for name, one in versions.items()
        }

    @property
    def incidents(self) -> dict[str, Incident]:
        """Incidents of drift as they stood when the versions that score now took over."""
        return {name: watch.before for name, watch in self._drift.items()}

    @cached_property
    def _wrong_since(self) -> date | None:
        return first_difference(self._workspace)

    def _unsound(self) -> date | None:
        """Compute the feature log again, once, when the first case asks for it."""
        return self._wrong_since

    def cases(self) -> list[CourtCase]:
        """Return every challenger before the court as of the newest session."""
        found, last = [], len(self._moments) - 1
        for name, court in self._courts.items():
            lineup = self._lineup(name, last)
            found += court.shown(lineup.champion, lineup.shadows, self._books.ledger)
        return found

    def run(self) -> ReplayRun:
        """Go through the sessions that the ledger does not hold yet.

        Raises
        ------
        ConfigError
            When this replay has gone on beyond the span before.
        IntegrityError
            When data that was replayed has changed, or ledger and broker differ.
        InsufficientDataError
            When there is too little history to train on before the first session.
        """
        moments = self._moments
        done = at = self._resume()
        while at < len(moments):
            for strategy, versions in self._versions.items():
                for version in self._needed(strategy, at):
                    versions.provide(version)
            end = next((i for i in range(at + 1, len(moments)) if self._renewed(i)), len(moments))
            span = f"replay {moments[at].session} to {moments[end - 1].session}"
            with self._workspace.progress.stage(span, total=end - at) as stage:
                begun = at
                while at < end and not (at > begun and self._renewed(at)):
                    self._session(at)
                    stage.advance()
                    at += 1
                stage.result(f"{at - begun:,} sessions")
        _reconciled(self._desk)
        head = self._books.ledger.head()[1]
        key = replay_key(self._workspace, moments[0].session)
        return ReplayRun(key, moments[0].session, moments[-1].session, len(moments) - done, head)

    def _renewed(self, at: int) -> bool:
        return any(versions.new(at) for versions in self._versions.values())

    def _needed(self, strategy: str, at: int) -> tuple[int, ...]:
        lineup = self._lineup(strategy, at)
        return (lineup.champion, *lineup.shadows)

    def _resume(self) -> int:
        """Take up what the ledger holds; returns the number of sessions done."""
        ledger = self._books.ledger
        last = ledger.last_as_of()
        if last is None:
            return 0
        done = next((i + 1 for i, m in enumerate(self._moments) if m.as_of == last), None)
        if done is None:
            raise ConfigError(
                f"this replay has gone on to {last:%Y-%m-%d} before: give --to {last:%Y-%m-%d} or "
                f"later, or delete {self._books.folder}"
            )
        returns = ledger.frame("book_returns")
        for (strategy, book), part in returns.groupby(["strategy", "book"], observed=True):
            self._returns[str(strategy), str(book)] = part["net"].tolist()
            if book == CHAMPION:
                self._champions[str(strategy)] = int(part["model_version"].iloc[-1])
        # What drift has asked for is known only once the sessions have been gone through again.
        events = self._watch_again(done)
        for strategy in self._versions:
            self._desk.line_up(strategy, self._lineup(strategy, done - 1))
            self._courts[strategy].recall(ledger)
        self._check_versions(done, last)
        self._check_inputs(done)
        # A process killed right after a session has not recorded its alerts.
        ledger.record(events)
        coming = [
            moment.view(self._desk.held(), lookback(self._workspace))
            for moment in self._moments[done : done + 1]
        ]
        _reconciled(self._desk, coming)
        self._desk.send_again(last)
        return done

    def _check_versions(self, done: int, last: datetime) -> None:
        """Refuse versions that were registered since, and another champion."""
        recorded: dict[str, set[int]] = {name: set() for name in self._versions}
        for stored in self._books.ledger.events("training"):
            recorded[stored.event.body["strategy"]].add(stored.event.body["version"])
        second = self._moments[0].as_of + timedelta(microseconds=1)
        began = self._books.ledger.frame("book_returns", book=CHAMPION, until=second)
        champions = dict(zip(began["strategy"], began["model_version"], strict=True))
        for name, versions in self._versions.items():
            there = set(versions.there(done - 1))
            if recorded[name] != there or champions[name] != versions.first_champion:
                raise IntegrityError(
                    f"{name} has another champion or other versions than when the sessions to "
                    f"{last:%Y-%m-%d} were replayed: delete {self._books.folder} to begin again"
                )

    def _check_inputs(self, done: int) -> None:
        recorded = {
            (stored.event.body["strategy"], stored.event.at): stored.event.body["inputs"]
            for stored in self._books.ledger.events("session")
        }
        for i in range(done):
            moment = self._moments[i]
            for strategy, given in self._given(i).items():
                if recorded[strategy, moment.as_of] != given.digest:
                    raise IntegrityError(
                        f"prices or features of session {moment.session} are not those that were "
                        f"replayed: restore the data, or delete {self._books.folder} to begin again"
                    )

    def _watch_again(self, done: int) -> list[Event]:
        """Go through the champions' recorded sessions again; returns the events of the last."""
        last: list[Event] = []
        for strategy, versions in self._versions.items():
            watched: list[Event] = []
            for i, one in enumerate(seen_in(self._books.ledger, strategy)[:done]):
                if one.model_version:
                    versions.provide(one.model_version)
                watched = self._watched(strategy, i, one)
            last += watched
        return last

    def _watched(self, strategy: str, at: int, seen: Seen) -> list[Event]:
        """Judge a session; the simulated operator acknowledges incidents as a person would."""
        watch, moment = self._watches[strategy], self._moments[at]
        after = self._settings.replay.operator.close_after_sessions
        known = [] if after is None else watch.incidents(after)
        watch.add(seen, moment.panel, moment.row)
        events = [
            acknowledgement(strategy, rule, moment.as_of, "simulated operator", "", simulated=True)
            for rule in known
        ]
        events += alert_events(strategy, moment.as_of, watch.judge(moment.session, known))
        return events + self._drift[strategy].judge(at, seen.model_version, watch.states)

    def _session(self, at: int) -> None:
        moment, given = self._moments[at], self._given(at)
        events = [event for name in self._versions for event in self._decided(name, at)]
        ratings = {
            name: Ratings(
                self._lineup(name, at),
                given[name],
                {v: versions.scores(v, at) for v in self._needed(name, at)},
                self._watches[name].restraint(),
            )
            for name, versions in self._versions.items()
        }
        names = self._desk.names().union(*(one.symbols for one in given.values()))
        view = moment.view(names, lookback(self._workspace))
        days = self._desk.session(view, ratings, moment.following, moment.as_of, events)
        for day in days:
            self._returns.setdefault((day.strategy, day.book), []).append(day.net)
        for court in self._courts.values():
            court.add(days)
        champions = [day for day in days if day.book == CHAMPION]
        alerts = [self._watched(day.strategy, at, Seen.of_day(day)) for day in champions]
        self._books.ledger.record([event for events in alerts for event in events])

    def _given(self, at: int) -> dict[str, Given]:
        made: dict[tuple[str, ...], Given] = {}
        for versions in self._versions.values():
            if versions.features not in made:
                given = self.history.features.given(at, self._moments[at], versions.features)
                made[versions.features] = given
        return {name: made[versions.features] for name, versions in self._versions.items()}

    def _lineup(self, strategy: str, at: int) -> Lineup:
        champion = self._champions[strategy]
        there = self._versions[strategy].there(at)
        return lineup_among(champion, there, self._settings.books.max_shadows)

    def _decided(self, strategy: str, at: int) -> Iterator[Event]:
        """Tell of a retraining; ask the simulated operator who is champion."""
        moment, versions = self._moments[at], self._versions[strategy]
        for version in versions.new(at):
            body = {"strategy": strategy, "version": version, **versions.provide(version)}
            yield Event("training", f"training/{strategy}/{version}", moment.as_of, body)
        if self._settings.replay.operator.promote == "court":
            yield from self._judged(strategy, at)
            return
        found = self._promotion(strategy, at)
        if found is not None:
            yield self._promoted(strategy, at, found[0], OPERATOR, found[1])

    def _judged(self, strategy: str, at: int) -> Iterator[Event]:
        """Have the court judge the challengers; the simulated operator does as it says."""
        if not at:
            return
        champion, shadows = self._champions[strategy], self._lineup(strategy, at - 1).shadows
        events, promoted = self._courts[strategy].decide(at, champion, shadows)
        yield from events
        if promoted is not None:
            reason = f"the court says {promoted.sentence}"
            yield self._promoted(strategy, at, promoted.case.challenger, COURT, reason)

    def _promoted(self, strategy: str, at: int, version: int, by: str, reason: str) -> Event:
        moment = self._moments[at]
        body = {
            "strategy": strategy,
            "champion": self._champions[strategy],
            "challenger": version,
            "decided_by": by,
            "reason": reason,
        }
        self._champions[strategy] = version
        key = f"promotion/{strategy}/{moment.as_of.isoformat()}"
        return Event("promotion", key, moment.as_of, body, simulated=True)

    def _promotion(self, strategy: str, at: int) -> tuple[int, str] | None:
        if not at:
            return None
        shadows = {
            version: np.array(self._returns[strategy, shadow_name(version)])
            for version in self._lineup(strategy, at - 1).shadows
        }
        longest = max([len(returns) for returns in shadows.values()], default=0)
        champion = np.array(self._returns[strategy, CHAMPION][-longest:])
        return chosen(champion, shadows, self._settings.replay.operator)


def replay_key(workspace: Workspace, first: date) -> str:
    """Identity of a replay: policy, code and first session."""
    left_out = {"schedules", "report", "snapshots", "ledger", "broker"}
    policy: Mapping[str, object] = workspace.settings.model_dump(mode="json", exclude=left_out)
    source = layers.source_layer()["source_sha256"]
    return digest({"first": first, "policy": policy, "source": source})


def lookback(workspace: Workspace) -> int:
    """Sessions of prices that some strategy's portfolio looks back."""
    strategies = workspace.settings.strategies.values()
    return max(own.portfolio.volatility_sessions for own in strategies)


def _reconciled(desk: Desk, coming: Sequence[View] = ()) -> None:
    differences = desk.differences(coming)
    if differences:
        told = ", ".join(f"{d.symbol} {d.ledger} against {d.broker}" for d in differences[:5])
        raise IntegrityError(
            f"ledger and paper broker of the replay hold different positions ({told}): delete the "
            "replay's folder to begin again"
        )
