"""Versions that a replay fits as it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from shadowbook.adapters.models.shelf import ModelShelf
from shadowbook.core.drift.calibration import Calibration
from shadowbook.core.track import Backtest
from shadowbook.errors import InsufficientDataError, IntegrityError
from shadowbook.steps.baseline import packed, unpacked
from shadowbook.steps.drift_profile import DriftProfile, calibration_of, profile_of
from shadowbook.steps.history import AHEAD, History, aware
from shadowbook.steps.rating import Scorer
from shadowbook.steps.recipes import recipes_of_settings
from shadowbook.steps.replay_models import About, Versions
from shadowbook.steps.replay_training import fit_as_of, replay_settings
from shadowbook.steps.train import FitMap
from shadowbook.workspace import Workspace


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
        return profile_of(self.fitted_on(version), model, backtest, settings, self.strategy)

    def calibration(self, version: int) -> Calibration:
        """Make it again: it follows from what the version was fitted on."""
        settings, model = self._workspace.settings, self.scorer(version).estimator
        return calibration_of(self.fitted_on(version), model, settings, self.strategy)

    def recipes(self, version: int) -> Mapping[str, str]:
        """Follow from the settings: they are the same for every version."""
        return recipes_of_settings(self._workspace, self.strategy)

    def until(self, version: int) -> Sequence[int]:
        """All from the first on."""
        return range(1, version + 1)

    def _again(self, version: int) -> Scorer:
        kept = self._shelf.load(self.strategy, version)
        if kept is None:
            raise IntegrityError(
                f"version {version} of {self.strategy} is not on the shelf any more"
            )
        share = self._workspace.settings.learning.min_feature_share
        return Scorer(kept[0], self.features, share)

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
            "n_labels": str(fitted.n_labels),
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
