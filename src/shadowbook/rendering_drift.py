"""What a person reads of drift on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shadowbook.adapters.report.drift_words import shown_alarms
from shadowbook.core.drift.found import ColumnDrift, DriftBook
from shadowbook.rendering import console, relative

MOST = 5
"""Drifted columns a book that are printed; the page lists all."""

WORDS = {True: "yes", False: "no", None: "not computable"}
COLORS = {
    "continue": "green",
    "watch": "blue",
    "coverage": "yellow",
    "retrain": "red",
    "NOT_COMPUTABLE": "yellow",
}


def show_drift(books: Sequence[DriftBook], page: Path) -> None:
    """Print where every champion stands between drift and decay, and what has drifted."""
    from rich.markup import escape
    from rich.table import Table

    shown = console()
    if not books:
        return
    table = Table(title="drift and decay", title_justify="left")
    headings = ("strategy", "version", "drift", "decay", "what is done", "false alarms a year")
    for heading in headings:
        table.add_column(heading, no_wrap=heading == "strategy")
    for one in books:
        point = one.points[-1] if one.points else None
        color = COLORS[one.quadrant.cell.value]
        table.add_row(
            escape(one.strategy),
            f"{one.model_version}",
            WORDS[point.drift if point else None],
            WORDS[point.decay if point else None],
            f"[{color}]{escape(one.quadrant.action.value)}[/{color}]",
            _expected(one),
        )
    shown.print(table)
    for one in books:
        for line in (*_drifted(one), *one.notes):
            text = f"  - {one.strategy}: {line}"
            shown.print(text, markup=False, highlight=False, soft_wrap=True)
    line = f"page: {relative(page)}"
    shown.print(line, markup=False, highlight=False, soft_wrap=True)


def _expected(one: DriftBook) -> str:
    return shown_alarms(one.false_alarms)


def _drifted(one: DriftBook) -> list[str]:
    least: dict[str, ColumnDrift] = {}
    for column in sorted(one.today, key=lambda row: (row.adjusted, row.p_value)):
        if column.drifted:
            least.setdefault(column.column, column)
    lines = [_line(column) for column in list(least.values())[:MOST]]
    if len(least) > MOST:
        lines.append(f"{len(least) - MOST} more drifted columns on the page")
    return lines


def _line(one: ColumnDrift) -> str:
    if one.p_missing < one.p_value:
        shown = f"{one.missing_difference:+.1%} missing"
    else:
        shown = f"PSI {one.psi:.2f} (band {one.psi_band:.2f}), K-S {one.ks_statistic:.2f}"
        shown += f" (band {one.ks_band:.2f})"
    return f"{one.column} over {one.window} sessions: {shown}, adjusted p {one.adjusted:.4f}"
