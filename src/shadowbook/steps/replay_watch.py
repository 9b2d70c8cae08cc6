"""The drift watch of a replay: every session's scan, where it puts the champion, and what it asks.

In a replay drift is what the scan of distributions says. Detectors of concept drift and
attributions are looked at once, at its end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from shadowbook.core.drift.calibration import Calibration
from shadowbook.core.drift.found import RetrainRequest, ScanPath
from shadowbook.core.drift.incidents import Incident, advance
from shadowbook.core.drift.quadrant import Cell, quadrant
from shadowbook.core.drift.scan import scan_path
from shadowbook.core.drift.trigger import Retraining, permission
from shadowbook.core.events import Event
from shadowbook.core.performance.alerts import AlertState
from shadowbook.core.values import Floats, Schedule
from shadowbook.steps.desk import CHAMPION
from shadowbook.steps.drift_books import KIND
from shadowbook.steps.drift_samples import outcomes_of, samples_of
from shadowbook.steps.drift_standing import DECAY_FROM, DECAYING, TIERS
from shadowbook.steps.history import History
from shadowbook.steps.replay_models import AT_ONCE, Versions
from shadowbook.workspace import Workspace


@dataclass(frozen=True)
class _Scanned:
    """Scans of a stretch of sessions under one version."""

    version: int
    first: int
    path: ScanPath


class DriftWatch:
    """One strategy's champion under drift watch.

    Parameters
    ----------
    workspace : with the settings of the replay's policy.
    history : the span.
    versions : who scores when; a granted wish adds one.

    Attributes
    ----------
    before : the incident as it stood when the version that scores now took over.
    """

    def __init__(self, workspace: Workspace, history: History, versions: Versions) -> None:
        self._settings = workspace.settings
        self._policy = workspace.settings.drift
        self._history = history
        self._versions = versions
        self._past = history.past
        self._strategy = versions.strategy
        self._horizon = workspace.settings.strategy(self._strategy).horizon
        self._warm_up = min(workspace.settings.monitor.watched_windows, default=0)
        self._schedule = _schedule(history)
        self._version = 0
        self._calibration: Calibration | None = None
        self._scanned: _Scanned | None = None
        self._incident = self.before = Incident()
        self._age = 0
        self._outcomes: dict[int, Floats] = {}
        self._stood: dict[str, Any] = {}
        self._done: list[Retraining] = []

    @property
    def opened(self) -> date | None:
        """First session of the drift that is under way; None where there is none."""
        return self._incident.opened

    @property
    def known(self) -> bool:
        """Whether drift can be seen at all under the version that scores."""
        return self._calibration is not None

    def judge(self, at: int, version: int, states: Collection[AlertState]) -> list[Event]:
        """Take a session of the champion in; a granted wish to retrain adds a version.

        Parameters
        ----------
        at : number of the session in the span; each in order.
        version : that scored; 0 where none did.
        states : where the champion's alerts stand after the session.
        """
        if version != self._version:
            # The incident goes on: a new champion does not end what happens to the market.
            self._version, self._age, self._scanned = version, 0, None
            self.before = self._incident
            self._calibration = self._versions.calibration(version) if version else None
        self._age += 1
        moment, alarm, columns = self._history.moments[at], None, ()
        if self._calibration is not None:
            path, row = self._path(at, self._calibration)
            alarm = None if path.alarm[row] < 0 else bool(path.alarm[row])
            columns = tuple(np.array(path.columns)[path.drifted[row]].tolist())
        policy = self._policy
        self._incident = advance(
            self._incident, moment.session, alarm, policy.persistence, policy.clear_sessions
        )
        opened = self._incident.opened
        drift = True if opened is not None else None if alarm is None else False
        standing = quadrant(drift, self._decay(states))
        alert = self._asked(at, opened, columns) if standing.cell is Cell.RETRAIN else None
        body = {
            "strategy": self._strategy,
            "book": CHAMPION,
            "model_version": version,
            "drift": drift,
            "decay": self._decay(states),
            "cell": standing.cell.value,
            "action": standing.action.value,
            "since": opened.isoformat() if opened else None,
            "alert": alert,
        }
        if body == self._stood:
            return []
        self._stood = body
        key = f"{KIND}/{self._strategy}/{moment.session}"
        told = {**body, "session": moment.session.isoformat(), "columns": sorted(columns)}
        return [Event(KIND, key, moment.as_of, told)]

    def _decay(self, states: Collection[AlertState]) -> bool | None:
        if self._age < self._warm_up:
            return None
        return any(
            state.is_open
            and state.family.split("/")[0] in DECAYING
            and TIERS[state.tier] >= DECAY_FROM
            for state in states
        )

    def _asked(self, at: int, opened: date | None, columns: Sequence[str]) -> str | None:
        """Retrain before the next session where that is granted; return the alert it answers."""
        moment = self._history.moments[at]
        alert = f"drift/{self._strategy}/{opened}"
        request = RetrainRequest(alert, self._strategy, moment.as_of, {"columns": list(columns)})
        granted = permission(request, self._done, self._policy.retrain, self._schedule).granted
        if not (granted and self._settings.replay.retrain_on_drift):
            return None
        if not self._versions.add(at + 1, alert):
            return None
        self._done.append(Retraining(alert, self._strategy, moment.as_of))
        return alert

    def _path(self, at: int, calibration: Calibration) -> tuple[ScanPath, int]:
        """Return scans that hold a session, and its row there."""
        found = self._scanned
        if found is None or not found.first <= at < found.first + len(found.path.sessions):
            found = _Scanned(self._version, at, self._scan(at, calibration))
            self._scanned = found
        return found.path, at - found.first

    def _scan(self, at: int, calibration: Calibration) -> ScanPath:
        moments = self._history.moments
        end = min(at + AT_ONCE, len(moments))
        days = self._past.whole.sessions
        row = int(np.searchsorted(days, np.datetime64(moments[at].session, "D")))
        back = min(row, calibration.windows[-1] - 1 + self._horizon)
        begin, stop = row - back, row + end - at
        names = [one.name for one in calibration.columns if one.kind == "feature"]
        features = self._past.logged.table(names, begin, self._past.whole)[: stop - begin]
        scorer = self._versions.scorer(self._version)
        shape = features.shape
        scores = scorer.scores(features.reshape(-1, shape[2]), names).reshape(shape[:2])
        outcomes = np.array([self._outcome(at + i - back) for i in range(stop - begin)])
        samples = samples_of(names, features, scores, outcomes, self._horizon)
        return scan_path(calibration, samples, days[begin:stop], back)

    def _outcome(self, at: int) -> Floats:
        """Return a session's newest known outcomes, (N,), as its own decision knew them."""
        if at not in self._outcomes:
            moment = self._history.moments[max(at, 0)]
            panel, row = moment.panel, moment.row
            if at < 0:
                panel = self._past.first
                row = int(np.searchsorted(panel.sessions, np.datetime64(moment.session, "D"))) + at
            known = panel.prices[max(row - self._horizon, 0) : row + 1]
            place = {symbol: i for i, symbol in enumerate(self._past.whole.symbols)}
            placed = np.full(len(place), np.nan)
            placed[[place[symbol] for symbol in panel.symbols]] = outcomes_of(known, self._horizon)[
                -1
            ]
            self._outcomes[at] = placed
        return self._outcomes[at]


def _schedule(history: History) -> Schedule:
    moments = history.moments
    return Schedule(
        sessions=np.array([one.session for one in moments], dtype="datetime64[D]"),
        closes=np.array([_naive(one.hours[1]) for one in moments], dtype="datetime64[us]"),
        decided_at=np.array([_naive(one.as_of) for one in moments], dtype="datetime64[us]"),
    )


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
