"""Registered versions of a strategy: who scores at a moment, and what they say of a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from shadowbook.core.learning.fit import predict_scores
from shadowbook.core.values import Floats
from shadowbook.errors import ConfigError
from shadowbook.steps.desk import CHAMPION, Lineup, lineup_among
from shadowbook.steps.given import Given
from shadowbook.steps.history import Moment, given_of
from shadowbook.steps.known import service_name
from shadowbook.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Scorer:
    """A model and the features that it wants, in its order."""

    estimator: Any
    names: tuple[str, ...]
    min_feature_share: float

    def scores(self, values: Floats, names: Sequence[str]) -> Floats:
        """Score rows, (n,); NaN where too few features are known.

        Parameters
        ----------
        values : (n, K) features.
        names : K names of theirs.

        Raises
        ------
        ConfigError
            When a feature that the model wants is not among them.
        """
        lacking = [name for name in self.names if name not in names]
        if lacking:
            raise ConfigError(
                f"a model was trained on {lacking[0]}, which its strategy does not use any more: "
                "put it back into strategies.*.features, or promote a newer version"
            )
        own = np.ascontiguousarray(values[:, [list(names).index(name) for name in self.names]])
        return predict_scores(self.estimator, own[:, None], self.min_feature_share)[:, 0]


def features_of(workspace: Workspace, strategy: str) -> tuple[str, ...]:
    """Return the features that a strategy's models are given, in order of name."""
    own = workspace.settings.strategy(strategy).features or workspace.feature_log.columns()
    return tuple(sorted(own))


def lineup_of(workspace: Workspace, strategy: str, as_of: datetime) -> Lineup | None:
    """Say which registered versions score at a moment; None without a champion known then.

    Shadow books go to the newest versions after the champion's.
    """
    champion = workspace.models.version_of(strategy, CHAMPION)
    known = {run.model_version for run in workspace.models.runs(strategy) if run.as_of <= as_of}
    if champion not in known or champion is None:
        return None
    return lineup_among(champion, known, workspace.settings.books.max_shadows)


def scorer_of(workspace: Workspace, strategy: str, version: int) -> Scorer:
    """Load a registered version, after its bytes were checked.

    Raises
    ------
    IntegrityError
        When the stored file is not the registered one.
    """
    estimator = workspace.models.load(strategy, version)
    run = next(r for r in workspace.models.runs(strategy) if r.model_version == version)
    names = workspace.models.manifest(run.run_id)["layers"]["features"]["names"]
    return Scorer(estimator, tuple(names), workspace.settings.learning.min_feature_share)


def served(workspace: Workspace, strategy: str, moment: Moment) -> Given:
    """Read a strategy's inputs from the online store; a symbol whose row is older is left out."""
    names = features_of(workspace, strategy)
    symbols = workspace.feature_log.symbols()
    online = workspace.features.online(service_name(workspace, strategy), symbols)
    fresh = online["session"].to_numpy("datetime64[D]") == np.datetime64(moment.session, "D")
    rows = online[fresh].sort_values("symbol")
    values = np.ascontiguousarray(rows[list(names)].to_numpy("float64"))
    return given_of(moment, tuple(rows["symbol"]), names, values)
