"""Drift of a replay's champions at its end, against what their versions were fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shadowbook.core.drift.found import DriftBook
from shadowbook.core.performance.monitored import Monitored
from shadowbook.steps.desk import CHAMPION
from shadowbook.steps.drift import Before, drift_book, reach_back, without_profile
from shadowbook.steps.drift_books import lived_of
from shadowbook.steps.replay import Replay
from shadowbook.steps.replay_models import Versions
from shadowbook.workspace import Replayed, Workspace


def replay_drift(
    workspace: Workspace,
    through: Replay,
    books: Replayed,
    versions: Mapping[str, Versions],
    monitored: Sequence[Monitored],
) -> tuple[DriftBook, ...]:
    """Look for drift in every champion since its version took over, as of the last session."""
    history, incidents = through.history, through.incidents
    as_of = history.moments[-1].as_of
    panel, logged = history.past.whole, history.past.logged
    found = []
    for one in monitored:
        if one.book != CHAMPION or not len(one.sessions):
            continue
        made = versions[one.strategy]
        profile = made.profile(one.model_version)
        if profile is None:
            why = f"version {one.model_version} has no drift profile on record"
            found.append(without_profile(one, why))
            continue
        scores = books.ledger.frame("predictions", one.strategy, one.book)
        horizon = workspace.settings.strategy(one.strategy).horizon
        back = reach_back(profile.calibration, horizon)
        scorer = made.scorer(one.model_version)
        lived = lived_of(one, scorer, logged, panel, scores, back, as_of)
        before = Before(incidents[one.strategy])
        found.append(drift_book(one, profile, lived, workspace.settings, "", before).book)
    return tuple(found)
