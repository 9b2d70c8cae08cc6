"""Whether the feature log holds what prices give: models learn from it, and a court asks."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd

from shadowbook.core.learning.point_in_time import rebuild_log
from shadowbook.errors import StaleDataError
from shadowbook.steps.known import VERDICT, accepted
from shadowbook.workspace import Workspace


def first_difference(workspace: Workspace) -> date | None:
    """Compute the feature log again and find the first session that it tells differently.

    Every extension is done again on what it knew, so a log that is sound is equal to the last bit.

    Returns
    -------
    The first session with a row or a value that is not the computed one; None for a sound log.

    Raises
    ------
    StaleDataError
        When no prices were accepted.
    """
    note = workspace.market.accepted.read_note(VERDICT)
    if note is None:
        raise StaleDataError("no prices were accepted yet: run ingest and gate first")
    known = accepted(workspace.market, datetime.fromisoformat(note["as_of"]))
    bars, references = known.delivery.bars, known.delivery.references
    journal = workspace.feature_journal.read()
    computed = rebuild_log(bars, references, known.schedule, journal)
    logged = workspace.feature_log.read()
    keys = ["session", "symbol"]
    names = [name for name in computed if name not in (*keys, "available_at")]
    both = logged.merge(computed, on=keys, how="outer", suffixes=("", " again"), indicator=True)
    differs = both["_merge"].to_numpy() != "both"
    for name in names:
        own, its = both[name].to_numpy("float64"), both[f"{name} again"].to_numpy("float64")
        differs |= ~((own == its) | (np.isnan(own) & np.isnan(its)))
    if not differs.any():
        return None
    first: date = pd.Timestamp(both.loc[differs, "session"].min()).date()
    return first
