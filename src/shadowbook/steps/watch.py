"""A champion book under watch: each session's metrics against limits, and what its alerts leave it.

Alerts go to the ledger right after the session they are of. Where an alert stands is kept there as
well, as an event of kind ``watch`` whenever it changes, so that an open incident survives a change
of policy.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.audit import digest
from shadowbook.core.events import Event
from shadowbook.core.performance.advance import advance, capacity_of, restarted
from shadowbook.core.performance.alerts import Alert, AlertState, Phase
from shadowbook.core.performance.limits import limits_of
from shadowbook.core.performance.monitored import Limit
from shadowbook.core.performance.readings import tail_values
from shadowbook.core.performance.tiers import AlertAction, MonitorPolicy
from shadowbook.core.track import Backtest
from shadowbook.core.values import Panel
from shadowbook.settings import Settings
from shadowbook.steps.desk import CHAMPION, Restraint
from shadowbook.steps.growing import GrowingRecord, Seen
from shadowbook.steps.live import RETURNS

Baselines = Callable[[int], Backtest | None]
"""Version -> what it did out of sample; None where that is not known."""


class Watch:
    """The alerts of one strategy's champion book.

    Parameters
    ----------
    strategy : whose book it is.
    settings : its policy.
    baselines : launch baselines of its versions.

    Attributes
    ----------
    states : where its alerts stand.
    reach : sessions back that a judgment looks.
    """

    def __init__(self, strategy: str, settings: Settings, baselines: Baselines) -> None:
        self.strategy = strategy
        self.states: tuple[AlertState, ...] = ()
        self._policy = settings.monitor
        self._seed = settings.seed
        self._baselines = baselines
        horizon = settings.strategy(strategy).horizon
        self.reach = max(self._policy.watched_windows) + horizon + 1
        self._record = GrowingRecord(strategy, CHAMPION, horizon, self.reach)
        self._version = 0
        self._limits: tuple[Limit, ...] = ()

    def add(self, seen: Seen, panel: Panel, row: int) -> None:
        """Take a session in without judging it; see `GrowingRecord.add`."""
        self._record.add(seen, panel, row)

    def take_up(self, states: Iterable[AlertState], version: int) -> None:
        """Go on from where alerts stood; ``version`` is the one that they are of."""
        self.states, self._version = tuple(states), version
        self._limits = self._limits_of(version)

    def judge(self, session: date, acknowledged: Collection[str] = ()) -> tuple[Alert, ...]:
        """Hold the session that was added last against the limits of its version.

        Parameters
        ----------
        acknowledged : rules whose alert a person has acknowledged since the session before.
        """
        alerts: tuple[Alert, ...] = ()
        version = self._record.model_version
        if version != self._version:
            why = f"version {version} scores from here on, {self._version} did before"
            self.states, alerts = restarted(self.states, session, self._policy, why)
            self._version, self._limits = version, self._limits_of(version)
        values = tail_values(self._record.record, self._policy.watched_windows)
        self.states, news = advance(
            self.states,
            values,
            self._limits,
            self._policy.active_rules,
            session,
            acknowledged,
            self._policy,
        )
        return (*alerts, *news)

    def incidents(self, age: int) -> list[str]:
        """Name the alerts that halt the book and have been open for some sessions."""
        return [
            state.rule
            for state in self.states
            if state.action is AlertAction.HALT
            and state.phase in (Phase.OPEN, Phase.ESCALATED)
            and state.age >= age
        ]

    def restraint(self, acknowledged: Collection[str] = ()) -> Restraint:
        """Say what open alerts leave of the book, given what a person has acknowledged by now."""
        known = [
            replace(state, phase=Phase.ACKNOWLEDGED)
            if state.is_open
            and state.phase is not Phase.UNKNOWN
            and not {state.rule, *state.tripped}.isdisjoint(acknowledged)
            else state
            for state in self.states
        ]
        capacity = capacity_of(known)
        if capacity >= 1.0:
            return Restraint()
        what = "halted" if capacity <= 0.0 else f"at {capacity:.0%} of its size"
        # What is merely noted restrains nothing, and acknowledging it would free nothing.
        rules = sorted(one.rule or one.family for one in known if capacity_of([one]) == capacity)
        todo = ": `shadowbook alerts` tells what to do" if capacity <= 0.0 else ""
        return Restraint(capacity, f"the book is {what} by its alerts ({', '.join(rules)}){todo}")

    @property
    def event_body(self) -> dict[str, Any]:
        """Where its alerts stand, as the ledger keeps it."""
        return {
            "strategy": self.strategy,
            "book": CHAMPION,
            "model_version": self._version,
            "states": [state.plain() for state in self.states],
        }

    def _limits_of(self, version: int) -> tuple[Limit, ...]:
        backtest = self._baselines(version)
        return limits_for(self.strategy, version, backtest, self._policy, self._seed)


def limits_for(
    strategy: str, version: int, backtest: Backtest | None, policy: MonitorPolicy, seed: int
) -> tuple[Limit, ...]:
    """Return the limits of a version; the same draw for it in every process."""
    root = digest({"strategy": strategy, "version": version, "seed": seed, "use": "limits"})
    rng = np.random.default_rng(int(root[:16], 16))
    return limits_of(policy.active_rules, backtest, rng, n_resamples=policy.n_resamples)


def alert_events(strategy: str, at: datetime, alerts: Collection[Alert]) -> list[Event]:
    """Return alerts as the ledger keeps them."""
    return [
        Event(
            "alert",
            f"alert/{strategy}/{CHAMPION}/{at.isoformat()}/{one.rule}/{one.transition.value}",
            at,
            {
                "strategy": strategy,
                "book": CHAMPION,
                "session": one.session,
                "rule": one.rule,
                "transition": one.transition.value,
                "tier": one.tier.value,
                "metric": one.metric,
                "window": one.window,
                "value": None if np.isnan(one.value) else one.value,
                "limit": None if np.isnan(one.limit) else one.limit,
                "action": one.action.value,
                "owner": one.owner,
                "pages": one.pages,
                "reason": one.reason,
            },
        )
        for one in alerts
    ]


def watch_event(watch: Watch, at: datetime) -> Event:
    """Return where a strategy's alerts stand as the ledger keeps it."""
    key = f"watch/{watch.strategy}/{CHAMPION}/{at.isoformat()}"
    return Event("watch", key, at, watch.event_body)


def acknowledgement(
    strategy: str, rule: str, at: datetime, by: str, reason: str, simulated: bool = False
) -> Event:
    """Return a person's word that an alert is known, and its incident closed, as an event."""
    body = {"strategy": strategy, "book": CHAMPION, "rule": rule, "by": by, "reason": reason}
    key = f"acknowledgement/{strategy}/{CHAMPION}/{rule}/{at.isoformat()}"
    return Event("acknowledgement", key, at, body, simulated)


def seen_in(ledger: Ledger, strategy: str, since: datetime | None = None) -> list[Seen]:
    """Read a champion book's sessions, oldest first.

    Parameters
    ----------
    since : the first decision moment that is read.
    """
    returns = ledger.frame("book_returns", strategy, CHAMPION, since)
    rated = ledger.frame("predictions", strategy, CHAMPION, since)
    symbols = rated["symbol"].astype(object).to_numpy()
    moments, scores = rated["as_of"].to_numpy(), rated["score"].to_numpy("float64")
    starts = np.searchsorted(moments, returns["as_of"].to_numpy(), side="left")
    stops = np.searchsorted(moments, returns["as_of"].to_numpy(), side="right")
    rows = zip(
        returns["session"].to_numpy("datetime64[D]").tolist(),
        [moment.to_pydatetime() for moment in returns["as_of"]],
        returns["model_version"].tolist(),
        returns[list(RETURNS)].to_numpy("float64").tolist(),
        starts.tolist(),
        stops.tolist(),
        strict=True,
    )
    return [
        Seen(
            session,
            as_of,
            int(version),
            tuple(parts),
            dict(zip(symbols[start:stop].tolist(), scores[start:stop].tolist(), strict=True)),
        )
        for session, as_of, version, parts, start, stop in rows
    ]
