"""The drift page, Evidently's illustrations of it, and its sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from shadowbook.adapters.disk import replace_text
from shadowbook.adapters.report.drift import page_of_drift
from shadowbook.core.drift.found import DriftBook
from shadowbook.serialization import plain
from shadowbook.steps.live import Key
from shadowbook.workspace import Workspace

PAGE, FOLDER = "drift.html", "drift"
ILLUSTRATED = 8
"""Books in drift that Evidently draws: each takes seconds."""


def write_drift_page(
    workspace: Workspace, books: Sequence[DriftBook], as_of: datetime, sources: Mapping[Key, str]
) -> Path:
    """Write the page of all champions, and beside it Evidently's view of those in drift."""
    page = workspace.build / PAGE
    drawn = _illustrated(workspace, books, as_of)
    policy = workspace.settings.drift
    replace_text(page, page_of_drift(books, "Drift", as_of, sources, policy, drawn))
    return page


def _illustrated(
    workspace: Workspace, books: Sequence[DriftBook], as_of: datetime
) -> dict[Key, str]:
    drifted = [one for one in books if one.reference is not None and one.points[-1].drift]
    if not drifted:
        return {}
    rows = workspace.feature_log.read(as_of)
    found = {}
    for one in drifted[:ILLUSTRATED]:
        with workspace.progress.stage(f"{one.strategy}: drift page (Evidently)") as stage:
            name = f"{FOLDER}/{one.strategy}.html"
            _illustrate(workspace, one, rows, workspace.build / name)
            found[one.strategy, one.book] = name
            stage.result(str((workspace.build / name).relative_to(workspace.root)))
    return found


def _illustrate(
    workspace: Workspace, book: DriftBook, rows: pd.DataFrame, destination: Path
) -> None:
    first, last = (pd.Timestamp(day) for day in book.reference or ())
    window = workspace.settings.drift.windows[-1]
    days = np.unique(rows["session"].to_numpy("datetime64[D]"))
    begin = days[days <= np.datetime64(book.points[-1].session)][-window:][0]
    newest = rows[rows["session"] >= pd.Timestamp(begin)]
    columns = [one.column for one in book.today if one.kind == "feature"]
    workspace.drift_reports.page(
        rows[(rows["session"] >= first) & (rows["session"] <= last)],
        newest,
        list(dict.fromkeys(columns)),
        destination,
        f"{book.strategy}, version {book.model_version}: features",
        workspace.settings.report.drift_rows,
        np.random.default_rng(workspace.settings.seed),
        ("Reference of the version", f"Last {window} sessions"),
    )


def told_in_full(book: DriftBook) -> dict[str, Any]:
    """Return what a program reads of a book: today's figures; paths stand on the page."""
    told: dict[str, Any] = plain(
        {
            "strategy": book.strategy,
            "book": book.book,
            "model_version": book.model_version,
            "reference": book.reference,
            "cell": book.quadrant.cell,
            "action": book.quadrant.action,
            "incident": book.incident,
            "columns": book.today,
            "false_alarms": book.false_alarms,
            "attributions": book.attributions,
            "streams": [
                {
                    "stream": one.stream,
                    "detector": one.detector,
                    "setting": one.setting,
                    "parameters": one.parameters,
                    "observations": len(one.values),
                    "skipped": one.skipped,
                    "alarms": [str(one.matured[at]) for at in one.alarms],
                    "run_length": one.run_length,
                    "run_length_is_bound": one.run_length_is_bound,
                    "run_length_wanted": one.run_length_wanted,
                    "status": one.status,
                    "reason": one.reason,
                }
                for one in book.streams
            ],
            "verdict": book.verdict,
            "ticket": book.ticket,
            "notes": book.notes,
        }
    )
    return told


def drift_sentence(book: DriftBook) -> str:
    """Say in one sentence where a book stands between drift and decay, and what follows."""
    name = f"{book.strategy}/{book.book}"
    if book.path is None:
        return f"{name}: drift cannot be computed: {'; '.join(book.notes)}"
    point = book.points[-1]
    words = {True: "yes", False: "no", None: "not computable"}
    drifted = sorted({one.column for one in book.today if one.drifted})
    what = f" ({', '.join(drifted[:3])}{', ...' if len(drifted) > 3 else ''})" if drifted else ""
    return (
        f"{name}: drift {words[point.drift]}{what}, decay {words[point.decay]}: "
        f"{book.quadrant.action}"
    )
