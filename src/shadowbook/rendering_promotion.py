"""What a person reads of trials and promotions on the terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shadowbook.rendering import console

if TYPE_CHECKING:
    from shadowbook.steps.trials import TrialRow, Trials

SHOWN = 8
"""Characters of a digest that a line shows."""

NONE = "-"


def show_trials(found: Sequence[Trials]) -> None:
    """Print what was tried for every strategy, and how many independent trials that is."""
    from rich.markup import escape
    from rich.table import Table

    shown = console()
    for one in found:
        if one.table:
            table = Table(title=escape(one.strategy), title_justify="left")
            for heading in ("run", "as of", "candidate", "recipe"):
                table.add_column(heading, no_wrap=True)
            table.add_column("Sharpe a year", justify="right", no_wrap=True)
            table.add_column("version", justify="right")
            for row in one.table:
                table.add_row(*(escape(cell) for cell in _cells(row)))
            shown.print(table)
        for line in _lines(one):
            shown.print(line, markup=False, highlight=False, soft_wrap=True)


def _cells(row: TrialRow) -> tuple[str, ...]:
    return (
        row.run[:SHOWN],
        f"{row.as_of:%Y-%m-%d}" if row.as_of else NONE,
        row.candidate,
        row.recipe[:SHOWN] if row.recipe else NONE,
        sharpe_shown(row.sharpe, row.standard_error),
        f"{row.version}" if row.chosen else NONE,
    )


def sharpe_shown(value: float, error: float) -> str:
    """Write a Sharpe ratio with its standard error; a dash where it was not computed."""
    if not math.isfinite(value):
        return NONE
    return f"{value:+.2f}" + (f" ± {error:.2f}" if math.isfinite(error) else "")


def _lines(one: Trials) -> list[str]:
    if not one.raw:
        return [f"{one.strategy}: nothing was tried yet"]
    first = (
        f"{one.strategy}: {_many(one.raw, 'trial')} of {_many(one.recipes, 'recipe')}, "
        f"{one.effective:.1f} of them independent"
    )
    if not one.unknown:
        return [first]
    reasons = Counter(row.reason for row in one.table if not row.kept)
    return [
        f"{first}, {one.unknown} of these because their returns cannot be read:",
        *(f"  - {_many(count, 'trial')}: {reason}" for reason, count in reasons.items()),
    ]


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")
