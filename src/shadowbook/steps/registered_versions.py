"""The registry's versions in a replay; and which kind of versions a replay has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shadowbook.adapters.models.shelf import ModelShelf
from shadowbook.core.drift.calibration import Calibration
from shadowbook.core.track import Backtest
from shadowbook.errors import ConfigError
from shadowbook.steps.baseline import registered_baseline
from shadowbook.steps.desk import CHAMPION
from shadowbook.steps.drift_file import registered_profile
from shadowbook.steps.drift_profile import DriftProfile
from shadowbook.steps.fitted_versions import FittedVersions
from shadowbook.steps.history import History
from shadowbook.steps.rating import Scorer, scorer_of
from shadowbook.steps.recipes import n_labels_of, recipe_digests
from shadowbook.steps.replay_models import About, Versions
from shadowbook.steps.train import FitMap
from shadowbook.workspace import Workspace


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

    def recipes(self, version: int) -> Mapping[str, str]:
        """Read them from the manifest of its run."""
        return recipe_digests(self._manifest(version))

    def until(self, version: int) -> Sequence[int]:
        """All that are registered, in order."""
        return [one for one in sorted(self._runs) if one <= version]

    def _again(self, version: int) -> Scorer:
        return scorer_of(self._workspace, self.strategy, version)

    def _manifest(self, version: int) -> dict[str, Any]:
        return self._workspace.models.manifest(self._runs[version].run_id)

    def _made(self, version: int) -> tuple[Scorer, About]:
        run, manifest = self._runs[version], self._manifest(version)
        about = {
            "candidate": run.candidate,
            "as_of": run.as_of.isoformat(),
            "prediction_digest": manifest["prediction_digest"],
            "n_labels": str(n_labels_of(manifest)),
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
