"""A page that shows how the newest features differ from those a model was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from shadowbook.core.learning.dataset import Dataset
from shadowbook.steps.train import Trained
from shadowbook.workspace import Workspace


def draw_drift(workspace: Workspace, trained: Trained, destination: Path) -> None:
    """Draw the page with Evidently; no decision is taken from it."""
    policy, dataset = workspace.settings.report, trained.dataset
    border = max(len(dataset.sessions) - policy.drift_sessions, 0)
    with workspace.progress.stage(f"{trained.strategy}: drift page (Evidently)") as stage:
        workspace.drift_reports.page(
            _rows(dataset, slice(0, border)),
            _rows(dataset, slice(border, None)),
            dataset.names,
            destination,
            f"{trained.strategy}: features as of {trained.as_of:%Y-%m-%d}",
            policy.drift_rows,
            np.random.default_rng(workspace.settings.seed),
        )
        stage.result(str(destination.relative_to(workspace.root)))


def _rows(dataset: Dataset, part: slice) -> pd.DataFrame:
    """Lay the feature rows of a span of sessions out as a frame."""
    values = dataset.features[part]
    at, column = np.nonzero(np.isfinite(values).any(axis=2))
    frame = pd.DataFrame(values[at, column], columns=list(dataset.names))
    frame.insert(0, "session", dataset.sessions[part][at].astype("datetime64[us]"))
    return frame
