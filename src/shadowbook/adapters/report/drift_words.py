"""A book's drift as a person reads it: where it stands, what is done, which columns are worst."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shadowbook.adapters.report.monitor_words import NOT_COMPUTABLE
from shadowbook.adapters.report.words import counted, listed
from shadowbook.core.drift.found import ColumnDrift, DriftBook, FalseAlarms
from shadowbook.core.drift.quadrant import Action, Cell

FIX = "fix, do not retrain"

CELLS: Mapping[Cell, str] = {
    Cell.CONTINUE: "continue",
    Cell.WATCH: "watch",
    Cell.COVERAGE: "coverage ticket",
    Cell.RETRAIN: "retrain on recent data",
    Cell.NOT_COMPUTABLE: NOT_COMPUTABLE,
}

MEANING: Mapping[Cell, str] = {
    Cell.CONTINUE: "No drift and no decay: the book goes on as it is.",
    Cell.WATCH: "Drift without decay: something is other than in the reference, and results are "
    "not worse. The model is robust so far; it is watched, nothing else is done.",
    Cell.COVERAGE: "Decay without drift: results are worse and nothing that is monitored changed. "
    "Monitoring is incomplete; a coverage ticket lists what is not monitored.",
    Cell.RETRAIN: "Drift and decay: something is other than in the reference and results are "
    "worse.",
    Cell.NOT_COMPUTABLE: "Where the book stands cannot be computed, so nothing is started by "
    "itself.",
}

BADGES: Mapping[Cell, str] = {
    Cell.CONTINUE: "quiet",
    Cell.WATCH: "watch",
    Cell.COVERAGE: "warning",
    Cell.RETRAIN: "critical",
    Cell.NOT_COMPUTABLE: "warning",
}

_ORDER = (Cell.RETRAIN, Cell.COVERAGE, Cell.NOT_COMPUTABLE, Cell.WATCH, Cell.CONTINUE)
_LAST = ("feature", "prediction", "label")


def blocked(one: DriftBook) -> bool:
    """Tell whether a fault overrides the quadrant: fix, do not retrain."""
    return one.quadrant.action is Action.FIX


def name_of(one: DriftBook) -> str:
    """Name a book; a champion by its strategy alone."""
    return one.strategy if one.book == "champion" else f"{one.strategy}, {one.book}"


def badge_of(one: DriftBook) -> str:
    """Return the class of a book's badge, the worst being ``critical``."""
    return "critical" if blocked(one) else BADGES[one.quadrant.cell]


def stands(one: DriftBook) -> str:
    """Write what a book's cell of the quadrant, or the verdict over it, asks for."""
    return FIX if blocked(one) else CELLS[one.quadrant.cell]


def read_first(books: Sequence[DriftBook]) -> list[DriftBook]:
    """Order books: faults first, then by cell, then by the smallest adjusted p-value, by name."""
    return sorted(
        books,
        key=lambda one: (
            not blocked(one),
            _ORDER.index(one.quadrant.cell),
            min((_rank(row.adjusted) for row in one.today), default=math.inf),
            one.strategy,
            one.book,
        ),
    )


def headline(one: DriftBook) -> str:
    """Say in plain sentences where a book stands and what is done about it."""
    if blocked(one):
        why = one.verdict.rstrip(".") or "a diagnosis found one"
        why = why if " " in why else f"the newest diagnosis is {why}"
        return (
            "Fix what is wrong, do not retrain: a fault would be trained into the model. "
            f"Why: {why}. The quadrant alone would say: {CELLS[one.quadrant.cell]}."
        )
    said = MEANING[one.quadrant.cell]
    if one.quadrant.cell is Cell.RETRAIN:
        if one.request is None:
            return f"{said} No retraining was asked for in this session."
        return f"{said} A retraining on recent data is asked for, by alert {one.request.alert}."
    if one.quadrant.cell is Cell.NOT_COMPUTABLE and one.notes:
        return f"{said} The last section says what is missing."
    return said


def shown_p(p: float) -> str:
    """Write a p-value.

    >>> shown_p(0.04321), shown_p(0.0000001), shown_p(1.0), shown_p(float("nan"))
    ('0.043', '<0.0001', '1', 'not computable')
    """
    if not math.isfinite(p):
        return NOT_COMPUTABLE
    return "<0.0001" if p < 1e-4 else f"{p:.2g}"


def shown(value: float, form: str) -> str:
    """Write a number with a true minus sign, or that there is none."""
    if not math.isfinite(value):
        return NOT_COMPUTABLE
    return f"{value:{form}}".replace("-", "\N{MINUS SIGN}")


def shown_alarms(found: FalseAlarms | None) -> str:
    """Write how many incidents a year are expected when nothing changed."""
    if found is None or not found.years > 0.0 or not math.isfinite(found.expected_a_year):
        return "not measured"
    low, high = found.interval
    around = f" ({low:.1f} to {high:.1f})" if math.isfinite(high) else ""
    return f"{found.expected_a_year:.1f}{around}"


def ordered_rows(today: Sequence[ColumnDrift]) -> list[ColumnDrift]:
    """Order rows, the worst first: drifted, then by p-values, then by how far beyond the bands.

    What is not computable comes last. Calibrated p-values have a smallest one, which many columns
    reach at once in a crisis.
    """
    return sorted(
        today,
        key=lambda row: (
            not row.drifted,
            _rank(row.adjusted),
            min(_rank(row.p_value), _rank(row.p_missing)),
            -_excess(row),
            row.column,
            row.window,
        ),
    )


def ordered_columns(one: DriftBook) -> list[int]:
    """Order the columns of a book's path: features by worst first, then prediction and label.

    Columns that today's scan does not have come last of their kind, by their newest p-value.
    """
    if one.path is None:
        return []
    columns, p_values = one.path.columns, one.path.p_values
    newest = p_values[-1] if len(p_values) else np.full(len(columns), np.nan)
    kinds = {row.column: row.kind for row in one.today}
    rows = dict.fromkeys(row.column for row in ordered_rows(one.today))
    places = {column: at for at, column in enumerate(rows)}

    def key(at: int) -> tuple[int, int, float, str]:
        column = columns[at]
        kind = kinds.get(column, column if column in _LAST else "feature")
        return (
            _LAST.index(kind),
            places.get(column, len(places)),
            _rank(float(newest[at])),
            column,
        )

    return sorted(range(len(columns)), key=key)


def drifted_columns(one: DriftBook) -> list[str]:
    """List today's drifted columns, the worst first, each once."""
    return list(dict.fromkeys(row.column for row in ordered_rows(one.today) if row.drifted))


def worst_columns(one: DriftBook, most: int = 3) -> str:
    """Name the worst drifted columns of today.

    A book without a scan says so: nothing found is not nothing looked for.
    """
    if not any(row.status == "OK" for row in one.today):
        return NOT_COMPUTABLE
    names = drifted_columns(one)
    return listed(names, most) if names else "none"


def newest_alarm(one: DriftBook) -> str:
    """Write the newest alarm of the settings that decide, or that there is none."""
    alarms = [
        (reading.matured[at], reading.detector)
        for reading in one.streams
        if reading.setting == "calibrated"
        for at in reading.alarms
    ]
    if not alarms:
        return "none"
    session, detector = max(alarms)
    return f"{detector} on {session}"


def span_of(one: DriftBook) -> str:
    """Write which sessions a book was scanned over."""
    if one.path is None or not len(one.path.sessions):
        return "no session was scanned"
    n = len(one.path.sessions)
    return f"{counted(n, 'scan')}, {one.path.sessions[0]} to {one.path.sessions[-1]}"


def windows_of(one: DriftBook) -> str:
    """Write the windows of today's scan.

    Returns
    -------
    Such as "21 and 63"; empty without a scan.
    """
    return listed([str(n) for n in sorted({row.window for row in one.today})])


def told(value: Any) -> str:
    """Write a value of a request's evidence: words as they are, the rest as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    if isinstance(value, float):
        return shown(value, ".4g")
    return json.dumps(value, default=str)


def shortened(name: str, most: int) -> str:
    """Cut a name in its middle: ends tell columns apart.

    >>> shortened("rank_momentum_252_21", 14)
    'rank_mo…252_21'
    """
    if len(name) <= most:
        return name
    tail = (most - 1) // 2
    return f"{name[: most - 1 - tail]}…{name[-tail:]}"


def _rank(p: float) -> float:
    return p if math.isfinite(p) else 2.0


def _excess(row: ColumnDrift) -> float:
    """Return the larger of both distances in units of its band; 0 where unknown."""
    parts = [
        value / band
        for value, band in ((row.psi, row.psi_band), (row.ks_statistic, row.ks_band))
        if math.isfinite(value) and math.isfinite(band) and band > 0.0
    ]
    return max(parts, default=0.0)
