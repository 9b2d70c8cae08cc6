"""The versions of one strategy in a replay: when there is which, and what it says of a session."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from shadowbook.adapters.models.shelf import ModelShelf
from shadowbook.core.drift.calibration import Calibration
from shadowbook.core.learning.dataset import Dataset, assemble
from shadowbook.core.track import Backtest
from shadowbook.core.values import Floats
from shadowbook.errors import ConfigError, InsufficientDataError
from shadowbook.steps.baseline import packed, registered_baseline, unpacked
from shadowbook.steps.desk import CHAMPION
from shadowbook.steps.drift_file import registered_profile
from shadowbook.steps.drift_profile import DriftProfile, calibration_of, profile_of
from shadowbook.steps.history import AHEAD, History, aware
from shadowbook.steps.rating import Scorer, features_of, scorer_of
from shadowbook.steps.replay_training import fit_as_of, replay_settings
from shadowbook.steps.train import FitMap
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


class FittedVersions(Versions):
    """Versions 1, 2, ... in order of their first session: every interval, and where drift asks.

    Parameters
    ----------
    shelf : where fitted models are kept.
    fit_map : applies the fits; see ``steps.train``.
    """

    def __init__(
        self,
        workspace: Workspace,
        history: History,
        strategy: str,
        shelf: ModelShelf,
        fit_map: FitMap = map,
    ) -> None:
        super().__init__(workspace, history, strategy)
        self._shelf = shelf
        self._fit_map = fit_map
        self._interval = workspace.settings.replay.retrain_sessions or 0
        self._causes: dict[int, str] = {}

    @property
    def first_champion(self) -> int:
        """Version 1, fitted before the span."""
        return 1

    def there(self, at: int) -> Sequence[int]:
        """List the versions fitted before a session."""
        regular = at // self._interval + 1 if self._interval else 1
        return range(1, regular + sum(added <= at for added in self._causes) + 1)

    def add(self, at: int, cause: str) -> bool:
        """Fit one more before a session; a regular one of that very session answers as well."""
        # Past the span as well: a replay that goes on says in its last session what one in one go
        # says in it.
        if not self._interval or at % self._interval:
            self._causes[at] = cause
        return True

    def _begin(self, version: int) -> int:
        """Return the first session that a version is there for."""
        n = len(self._history.moments)
        regular = range(0, n, self._interval) if self._interval else range(1)
        begins: list[int] = sorted({*regular, *self._causes})
        return begins[version - 1]

    def backtest(self, version: int) -> Backtest | None:
        """Read it from the shelf."""
        kept = self._shelf.backtest(self.strategy, version)
        return None if kept is None else unpacked(kept)

    def profile(self, version: int) -> DriftProfile | None:
        """Make it again: it follows from what the version was fitted on."""
        backtest = self.backtest(version)
        if backtest is None:
            return None
        settings, model = self._workspace.settings, self.scorer(version).estimator
        return profile_of(self._fitted_on(version), model, backtest, settings, self.strategy)

    def calibration(self, version: int) -> Calibration:
        """Make it again: it follows from what the version was fitted on."""
        settings, model = self._workspace.settings, self.scorer(version).estimator
        return calibration_of(self._fitted_on(version), model, settings, self.strategy)

    def _fitted_on(self, version: int) -> Dataset:
        as_of = datetime.fromisoformat(self.provide(version)["as_of"])
        own = self._workspace.settings.strategy(self.strategy)
        rows = self._workspace.feature_log.read(as_of)
        panel = self._history.known.panel(as_of)
        return assemble(rows, self.scorer(version).names, panel, own.horizon, own.label)

    def _made(self, version: int) -> tuple[Scorer, About]:
        share = self._workspace.settings.learning.min_feature_share
        kept = self._shelf.load(self.strategy, version)
        if kept is not None:
            return Scorer(kept[0], self.features, share), kept[1]
        begin = self._begin(version)
        as_of = self._before(begin)
        fitting = Workspace(self._workspace.root, replay_settings(self._workspace.settings))
        with self._workspace.progress.stage(f"{self.strategy}: retraining") as stage:
            known = self._history.known
            try:
                fitted = fit_as_of(fitting, known, self.strategy, as_of, self._fit_map)
            except InsufficientDataError as error:
                raise InsufficientDataError(
                    f"{self.strategy} cannot be trained as of {as_of:%Y-%m-%d} ({error}): begin "
                    "the replay later"
                ) from error
            stage.result(f"version {version}, {fitted.candidate}, as of {as_of:%Y-%m-%d}")
        about = {
            "candidate": fitted.candidate,
            "as_of": as_of.isoformat(),
            "prediction_digest": fitted.prediction_digest,
            **({"cause": self._causes[begin]} if begin in self._causes else {}),
        }
        record = packed(fitted.backtest)
        self._shelf.keep(self.strategy, version, fitted.estimator, fitted.trusted, about, record)
        return Scorer(fitted.estimator, self.features, share), about

    def _before(self, at: int) -> datetime:
        """Decision moment of the session before a session of the span."""
        if at:
            return self._history.moments[at - 1].as_of
        calendar, first = self._workspace.market.calendar, self._history.moments[0].session
        earlier = calendar.schedule(first - AHEAD, first - timedelta(days=1))
        return aware(earlier.decided_at[-1])


class RegisteredVersions(Versions):
    """The registry's versions, each from the session on that it was trained as of.

    Raises
    ------
    ConfigError
        When the champion was trained on what came after the span's first session.
    """

    def __init__(self, workspace: Workspace, history: History, strategy: str) -> None:
        super().__init__(workspace, history, strategy)
        champion = workspace.models.version_of(strategy, CHAMPION)
        self._runs = {run.model_version: run for run in workspace.models.runs(strategy)}
        first = history.moments[0]
        if champion is None or self._runs[champion].as_of > first.as_of:
            raise ConfigError(
                f"{strategy} has no champion trained as of {first.session} or before: begin the "
                "replay later, or set replay.models: retrain"
            )
        self._champion = champion

    @property
    def first_champion(self) -> int:
        """The registry's champion."""
        return self._champion

    def there(self, at: int) -> Sequence[int]:
        """List the versions trained as of a session or before it."""
        moment = self._history.moments[at]
        return sorted(v for v, run in self._runs.items() if run.as_of <= moment.as_of)

    def backtest(self, version: int) -> Backtest | None:
        """Read it from the registry."""
        return registered_baseline(self._workspace, self.strategy, version)

    def profile(self, version: int) -> DriftProfile | None:
        """Read it from the registry."""
        return registered_profile(self._workspace, self.strategy, version)

    def calibration(self, version: int) -> Calibration | None:
        """Read it from the registry."""
        profile = self.profile(version)
        return None if profile is None else profile.calibration

    def _made(self, version: int) -> tuple[Scorer, About]:
        run = self._runs[version]
        digest = self._workspace.models.manifest(run.run_id)["prediction_digest"]
        about = {
            "candidate": run.candidate,
            "as_of": run.as_of.isoformat(),
            "prediction_digest": digest,
        }
        return scorer_of(self._workspace, self.strategy, version), about


def versions_of(
    workspace: Workspace, history: History, shelf: ModelShelf, fit_map: FitMap = map
) -> dict[str, Versions]:
    """Say who scores when, for every strategy, as the replay's policy has it."""
    if workspace.settings.replay.models == "registered":
        return {
            name: RegisteredVersions(workspace, history, name)
            for name in workspace.settings.strategies
        }
    return {
        name: FittedVersions(workspace, history, name, shelf, fit_map)
        for name in workspace.settings.strategies
    }
