"""The watches of a workspace's champions: taken up from the ledger, carried on day by day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial

import numpy as np

from shadowbook.adapters.ledger.chain import StoredEvent
from shadowbook.core.books.day import BookDay
from shadowbook.core.events import Event
from shadowbook.core.performance.alerts import AlertState
from shadowbook.core.values import Panel
from shadowbook.errors import IntegrityError
from shadowbook.steps.baseline import registered_baseline
from shadowbook.steps.desk import CHAMPION, Restraint
from shadowbook.steps.growing import Seen
from shadowbook.steps.watch import Watch, alert_events, seen_in, watch_event
from shadowbook.workspace import Workspace


class Watching:
    """Every strategy's watch in a trading day.

    Parameters
    ----------
    workspace : whose ledger holds the books.
    strategies : to watch.
    panel : prices as known now, far enough back for every window.
    """

    def __init__(self, workspace: Workspace, strategies: Iterable[str], panel: Panel) -> None:
        self._ledger = workspace.ledger
        self._panel = panel
        self._watches: dict[str, Watch] = {}
        self._acknowledged: dict[str, Collection[str]] = {}
        for strategy in strategies:
            self._take_up(workspace, strategy)

    def restraint(self, strategy: str) -> Restraint:
        """Say what a strategy's alerts leave of its champion book."""
        return self._watches[strategy].restraint(self._acknowledged[strategy])

    def carry_on(self, days: Iterable[BookDay]) -> None:
        """Judge the champions' session and record what became of their alerts."""
        events = [
            event
            for day in days
            if day.book == CHAMPION
            for event in self._judged(day.strategy, Seen.of_day(day))
        ]
        self._ledger.record(events)

    def _take_up(self, workspace: Workspace, strategy: str) -> None:
        baselines = partial(registered_baseline, workspace, strategy)
        watch = Watch(strategy, workspace.settings, baselines)
        self._watches[strategy] = watch
        seen = seen_in(self._ledger, strategy)[-watch.reach :]
        stood = stood_last(workspace, strategy)
        self._acknowledged[strategy] = acknowledged(workspace, strategy)
        if stood is not None:
            watch.take_up(states_of(stood), stood.event.body["model_version"])
        events: list[Event] = []
        for one in seen:
            if stood is None or one.as_of <= stood.event.at:
                watch.add(one, self._panel, self._row(one))
            else:
                # A process that was killed after this session has not judged it.
                events += self._judged(strategy, one)
        self._ledger.record(events)

    def _judged(self, strategy: str, seen: Seen) -> list[Event]:
        watch = self._watches[strategy]
        watch.add(seen, self._panel, self._row(seen))
        alerts = watch.judge(seen.session, self._acknowledged[strategy])
        self._acknowledged[strategy] = ()
        return [*alert_events(strategy, seen.as_of, alerts), watch_event(watch, seen.as_of)]

    def _row(self, seen: Seen) -> int:
        return int(np.searchsorted(self._panel.sessions, np.datetime64(seen.session, "D")))


def acknowledged(workspace: Workspace, strategy: str) -> tuple[str, ...]:
    """Name the rules whose alerts a person has acknowledged since the last session was judged."""
    stood = stood_last(workspace, strategy)
    since = stood.seq if stood else 0
    return tuple(
        stored.event.body["rule"]
        for stored in workspace.ledger.events("acknowledgement")
        if stored.seq > since and stored.event.body["strategy"] == strategy
    )


def stood_last(workspace: Workspace, strategy: str) -> StoredEvent | None:
    """Return the event that says where a champion's alerts stand; None before its first session."""
    return workspace.ledger.newest("watch", f"watch/{strategy}/{CHAMPION}/")


def states_of(stood: StoredEvent) -> list[AlertState]:
    """Read where alerts stand.

    Raises
    ------
    IntegrityError
        The event holds no states.
    """
    states = stood.event.body.get("states")
    if not isinstance(states, list):
        raise IntegrityError(
            f"event {stood.seq} of the ledger ({stood.event.key}) does not say where alerts stand: "
            "it was altered by hand, so restore the ledger from a copy"
        )
    return [AlertState.of_plain(item) for item in states]


def standing(workspace: Workspace) -> Mapping[str, tuple[AlertState, ...]]:
    """Return where every strategy's alerts stand: strategy -> states, those that are open."""
    found = {}
    for strategy in workspace.settings.strategies:
        stood = stood_last(workspace, strategy)
        states = [] if stood is None else states_of(stood)
        found[strategy] = tuple(state for state in states if state.is_open)
    return found
