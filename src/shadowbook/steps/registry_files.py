"""What the registry's runs say of a case."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from shadowbook.core.learning.dataset import Dataset, assemble
from shadowbook.core.track import Backtest
from shadowbook.core.values import Floats, RunRecord, Sessions
from shadowbook.errors import IntegrityError
from shadowbook.steps.baseline import registered_baseline
from shadowbook.steps.case_files import CaseFiles, refit_correlation
from shadowbook.steps.known import accepted
from shadowbook.steps.logged_features import first_difference
from shadowbook.steps.recipes import n_labels_of, recipe_digests
from shadowbook.steps.train import fit_policy
from shadowbook.steps.trials import trial_returns, trials
from shadowbook.workspace import Workspace


class RegistryFiles(CaseFiles):
    """Files of the versions that a workspace has registered for a strategy."""

    def __init__(self, workspace: Workspace, strategy: str) -> None:
        self._workspace = workspace
        self._strategy = strategy
        self._manifests: dict[int, dict[str, Any]] = {}
        self._looked = False
        self._unsound: date | None = None
        self._runs = {run.model_version: run for run in workspace.models.runs(strategy)}

    def run(self, version: int) -> RunRecord:
        """Return the run that made a version.

        Raises
        ------
        IntegrityError
            When the registry has a version that no finished run made.
        """
        if version not in self._runs:
            raise IntegrityError(
                f"version {version} of {self._strategy} has no finished run in the registry: "
                "restore it, or move the alias to a version that has"
            )
        return self._runs[version]

    def recipe(self, version: int) -> str:
        """Return the digest of a version's recipe."""
        return self.recipes(version)[self.run(version).candidate]

    def recipes(self, version: int) -> Mapping[str, str]:
        """Return candidate -> digest of its recipe."""
        return recipe_digests(self._manifest(version))

    def backtest(self, version: int) -> Backtest | None:
        """Return what a version and its rivals did out of sample."""
        return registered_baseline(self._workspace, self._strategy, version)

    def others(self) -> tuple[Sessions, Mapping[str, Floats]]:
        """Return each recipe that any run has tried, from its newest."""
        return trial_returns(self._workspace, self._strategy)

    def n_labels(self, version: int) -> float:
        """Count the labels that a version's last fold was fitted on."""
        return n_labels_of(self._manifest(version))

    def n_trials(self, version: int) -> int:
        """Count every candidate that was ever fitted for the strategy."""
        return self._workspace.models.count_trials(self._strategy)

    def n_unknown(self, version: int) -> int:
        """Count those of them whose returns nobody kept."""
        return trials(self._workspace, self._strategy).unknown

    def training_data(self, version: int) -> bool | None:
        """Say whether the feature log was sound up to a version's training moment."""
        if not self._looked:
            self._looked, self._unsound = True, first_difference(self._workspace)
        return self._unsound is None or self.run(version).as_of.date() < self._unsound

    def refit_correlation(self, champion: int, challenger: int) -> float:
        """Refit the challenger's recipe on what it was fitted on, cut as far apart."""
        dataset = self._fitted_on(challenger)
        settings = self._workspace.settings
        policy = settings.learning.candidates.get(self.run(challenger).candidate)
        if policy is None:
            return math.nan
        since = np.datetime64(self.run(champion).as_of.date(), "D")
        return refit_correlation(
            dataset,
            settings.strategy(self._strategy).horizon,
            policy,
            fit_policy(settings, self._strategy),
            max(int((dataset.sessions > since).sum()), 1),
        )

    def _fitted_on(self, version: int) -> Dataset:
        """Put together again what was known at a version's training moment."""
        as_of = self.run(version).as_of
        own = self._workspace.settings.strategy(self._strategy)
        rows = self._workspace.feature_log.read(as_of)
        panel = accepted(self._workspace.market, as_of).panel(as_of)
        names = self._manifest(version)["layers"]["features"]["names"]
        return assemble(rows, tuple(names), panel, own.horizon, own.label)

    def _manifest(self, version: int) -> dict[str, Any]:
        if version not in self._manifests:
            manifest = self._workspace.models.manifest(self.run(version).run_id)
            self._manifests[version] = manifest
        return self._manifests[version]
