"""The candidates' curves as tables that DVC draws: `dvc plots diff` lays two revisions over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from shadowbook.adapters.disk import replace_text
from shadowbook.core.learning.evaluation import Evaluation
from shadowbook.core.stats.averages import rolling_mean
from shadowbook.core.values import Floats, Sessions

EQUITY, INFORMATION_COEFFICIENT = "equity.csv", "information_coefficient.csv"

MONDAY = 3
"""Days that NumPy's first day, a Thursday, comes after a Monday."""


def write_curves(
    sessions: Sessions, evaluations: Mapping[str, Evaluation], window: int, folder: Path
) -> None:
    """Write growth after costs and the rolling information coefficient, a row a week.

    Parameters
    ----------
    sessions : (S,) the tested sessions.
    evaluations : candidate -> measures, each (S,).
    window : sessions that the mean of the coefficient is taken over.
    folder : where both files go; columns ``session``, ``candidate`` and the value.
    """
    growth = {
        name: np.where(np.isfinite(found.net), found.equity, np.nan)
        for name, found in evaluations.items()
    }
    skill = {
        name: rolling_mean(found.information_coefficient, window)
        for name, found in evaluations.items()
    }
    for file, value, paths in (
        (EQUITY, "growth", growth),
        (INFORMATION_COEFFICIENT, "information_coefficient", skill),
    ):
        rows = _weekly(sessions, paths, value)
        replace_text(folder / file, rows.to_csv(index=False, float_format="%.6g"))


def _weekly(sessions: Sessions, paths: Mapping[str, Floats], value: str) -> pd.DataFrame:
    """Take the last session of each week; one without a value is left out."""
    weeks = (sessions.astype("datetime64[D]").astype("int64") + MONDAY) // 7
    last = np.append(weeks[1:] != weeks[:-1], True)
    parts = [
        pd.DataFrame({"session": sessions[last].astype(str), "candidate": name, value: path[last]})
        for name, path in paths.items()
    ]
    return pd.concat(parts, ignore_index=True).dropna()
