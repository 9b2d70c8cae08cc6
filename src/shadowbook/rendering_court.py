"""What a person reads of the court on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.adapters.report.court_sentences import (
    name_of,
    progress,
    read_first,
    wait_of,
)
from shadowbook.adapters.report.court_words import (
    FAILED,
    NOT_COMPUTABLE,
    PASSED,
    question_of,
    shown,
)
from shadowbook.core.promotion.court import Outcome
from shadowbook.core.promotion.judged import Judged
from shadowbook.rendering import console, relative

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 100
"""Columns that a table takes at most."""

COLORS = {
    Outcome.PROMOTE: "green",
    Outcome.HOLD: "blue",
    Outcome.NOT_COMPUTABLE: "yellow",
    Outcome.REJECT: "red",
}
MARKS = {PASSED: "green", FAILED: "red", NOT_COMPUTABLE: "yellow"}


def show_court(judged: Sequence[Judged], page: Path | None) -> None:
    """Print what the court says of every challenger, criterion by criterion.

    Parameters
    ----------
    judged : in any order; may be empty.
    page : what people look at; None where none was written.
    """
    terminal = console()
    if not judged:
        terminal.print("No challenger is before the court: train one with shadowbook retrain.")
    for one in sorted(judged, key=read_first):
        terminal.print(_table(one), width=min(terminal.width, WIDTH))
    if page is not None:
        line = f"page: {relative(page)}"
        terminal.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(one: Judged) -> Table:
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    outcome, wait = one.decision.outcome, wait_of(one)
    caption = f"{progress(one)}{f'; {wait}' if wait else ''}"
    table = Table(
        title=Text(f"{name_of(one)}: {outcome}", style=f"bold {COLORS[outcome]}"),
        title_justify="left",
        caption=Text(caption),
        caption_justify="left",
    )
    for heading in ("criterion", "value", "threshold", "passed"):
        table.add_column(heading, no_wrap=heading == "passed")
    for criterion in one.decision.criteria:
        value, threshold, mark = shown(criterion)
        table.add_row(
            escape(question_of(criterion.name)),
            escape(value),
            escape(threshold),
            f"[{MARKS[mark]}]{mark}[/]",
        )
    return table
