"""The versions of one strategy in a replay: when there is which, and what it says of a session."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from shadowbook.core.drift.calibration import Calibration
from shadowbook.core.learning.dataset import Dataset, assemble
from shadowbook.core.track import Backtest
from shadowbook.core.values import Floats
from shadowbook.steps.drift_profile import DriftProfile
from shadowbook.steps.history import History
from shadowbook.steps.rating import Scorer, features_of
from shadowbook.workspace import Workspace

AT_ONCE = 63
"""Sessions that a model scores in one call."""

About = Mapping[str, str]
"""What a version is: candidate, as_of, prediction_digest."""


class Versions(ABC):
    """Versions of a strategy over a span.

    Parameters
    ----------
    workspace : with the settings of the replay's policy.
    history : the span.
    strategy : whose they are.
    """

    def __init__(self, workspace: Workspace, history: History, strategy: str) -> None:
        self.strategy = strategy
        self.features = features_of(workspace, strategy)
        self._workspace = workspace
        self._history = history
        self._ready: dict[int, tuple[Scorer, About]] = {}
        self._scores: dict[int, tuple[int, int, Floats]] = {}

    @property
    @abstractmethod
    def first_champion(self) -> int:
        """The version that is champion when the span begins."""

    @abstractmethod
    def there(self, at: int) -> Sequence[int]:
        """List the versions that there are in a session, by its number in the span; ascending."""

    @abstractmethod
    def backtest(self, version: int) -> Backtest | None:
        """Return what a version that was provided did out of sample; None where it is not known."""

    @abstractmethod
    def profile(self, version: int) -> DriftProfile | None:
        """Return what a version's drift is seen against; None where it is not known."""

    @abstractmethod
    def calibration(self, version: int) -> Calibration | None:
        """Return what a version's scans are judged by; None where it is not known."""

    @abstractmethod
    def recipes(self, version: int) -> Mapping[str, str]:
        """Return candidate -> digest of its recipe, for all that were tried with a version."""

    def fitted_on(self, version: int) -> Dataset:
        """Put together again what was known at a version's training moment."""
        as_of = datetime.fromisoformat(self.provide(version)["as_of"])
        own = self._workspace.settings.strategy(self.strategy)
        rows = self._workspace.feature_log.read(as_of)
        panel = self._history.known.panel(as_of)
        return assemble(rows, self.scorer(version).names, panel, own.horizon, own.label)

    @abstractmethod
    def until(self, version: int) -> Sequence[int]:
        """List the versions up to one, itself included."""

    def rehearsed(self, version: int, at: int) -> bool:
        """Load a version anew and see that it says the same of a session."""
        features = self._history.features
        values = features.values[features.rows(at)]
        again, now = (
            one.scores(values, features.names)
            for one in (self._again(version), self.scorer(version))
        )
        return bool(np.array_equal(again, now, equal_nan=True))

    @abstractmethod
    def _again(self, version: int) -> Scorer:
        """Load a version from where it is kept."""

    def add(self, at: int, cause: str) -> bool:
        """Have a version more from a session on, fitted before it; False where that cannot be."""
        return False

    @abstractmethod
    def _made(self, version: int) -> tuple[Scorer, About]:
        """Load or fit a version."""

    def new(self, at: int) -> list[int]:
        """List the versions that there are for the first time."""
        before = self.there(at - 1) if at else ()
        return [version for version in self.there(at) if version not in before]

    def provide(self, version: int) -> About:
        """Have a version ready; returns what it is."""
        if version not in self._ready:
            self._ready[version] = self._made(version)
        return self._ready[version][1]

    def scorer(self, version: int) -> Scorer:
        """Return the model of a version."""
        self.provide(version)
        return self._ready[version][0]

    def scores(self, version: int, at: int) -> Floats:
        """Score a session, (n,) in order of its feature rows; NaN = not rated."""
        features = self._history.features
        begin, end, scores = self._scores.get(version, (0, 0, np.empty(0)))
        if not begin <= at < end:
            begin, end = at, min(at + AT_ONCE, len(self._history.moments))
            rows = slice(features.rows(begin).start, features.rows(end - 1).stop)
            scores = self._ready[version][0].scores(features.values[rows], features.names)
            self._scores[version] = begin, end, scores
        start, own = features.rows(begin).start, features.rows(at)
        return scores[own.start - start : own.stop - start]
