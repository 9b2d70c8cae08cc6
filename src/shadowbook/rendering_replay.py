"""What a person reads of a replay on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from shadowbook.adapters.report.court_decisions import decisions_lines
from shadowbook.adapters.report.replay_words import (
    EVENTS,
    FIGURES,
    KINDS,
    SHORT,
    champion_of,
    figures_of,
    grouped,
    heading_of,
    strategies_of,
    told,
    with_interval,
)
from shadowbook.adapters.report.words import counted
from shadowbook.core.books.summary import ReplaySummary, difference
from shadowbook.core.promotion.judged import Judgment
from shadowbook.rendering import console

OPEN = ("halt", "alert", "promotion", "held", "delisting")
"""Kinds of notes that are printed; the page lists the others as well."""

MOST = 8
"""Notes of a kind that are printed; the page lists all."""


def show_replay(
    summaries: Sequence[ReplaySummary], judgments: Sequence[Sequence[Judgment]] = ()
) -> None:
    """Print what one replay came to, or two policies side by side.

    Parameters
    ----------
    judgments : what the court of each recorded; empty: nothing is said of it.
    """
    from rich.table import Table

    shown = console()
    for number, one in enumerate(summaries):
        table = Table(
            title=f"{one.name}: champion books, {one.first} to {one.last}",
            title_justify="left",
            caption=f"{counted(one.n_sessions, 'session')} in {one.seconds:,.1f} seconds, digest "
            f"{one.digest[:12]}\na year, after costs, with 95 % intervals; turnover is a session's",
            caption_justify="left",
        )
        table.add_column("strategy", no_wrap=True)
        for heading in (*(heading_of(key) for key in SHORT), *EVENTS):
            before, _, last = heading.rpartition(" ")
            table.add_column(f"{before}\n{last}".lstrip(), justify="right")
        for strategy in strategies_of([one]):
            cells = [cell.replace(" (", "\n(") for cell in figures_of(one, strategy, SHORT)]
            # Turnover is nearly certain: its interval would only widen the table.
            at = SHORT.index("turnover")
            cells[at] = cells[at].partition("\n")[0]
            table.add_row(strategy, *cells)
        shown.print(table)
        if judgments:
            for line in decisions_lines(judgments[number]):
                shown.print(line, markup=False, highlight=False, soft_wrap=True)
        for kind, heading, _ in KINDS:
            notes = [note for note in one.notes if note.kind == kind]
            lines = grouped(notes) if kind == "held" else [told(note) for note in notes]
            if kind not in OPEN or not lines:
                continue
            shown.print(f"{heading.lower()}: {len(notes):,}", highlight=False)
            hidden = len(lines) - MOST
            lines = [*lines[:MOST], *([f"{hidden:,} more on the page"] if hidden > 0 else [])]
            for line in lines:
                shown.print(f"  - {line}", markup=False, highlight=False, soft_wrap=True)
    if len(summaries) == 2:
        _show_difference(summaries[0], summaries[1])


def _show_difference(first: ReplaySummary, second: ReplaySummary) -> None:
    """Print the second policy less the first, over the sessions they share."""
    from rich.table import Table

    table = Table(
        title=f"{second.name} less {first.name}",
        title_justify="left",
        caption="over the sessions both have; the intervals respect that they are the same",
        caption_justify="left",
    )
    table.add_column("strategy", no_wrap=True)
    for key in SHORT:
        table.add_column(heading_of(key), justify="right")
    forms = {key: form for key, _, form in FIGURES}
    for strategy in strategies_of([first, second]):
        books = champion_of(first, strategy), champion_of(second, strategy)
        if books[0] is None or books[1] is None:
            table.add_row(strategy, *(["in one policy only"] * len(SHORT)))
            continue
        found = difference(books[1].series, books[0].series)
        table.add_row(strategy, *(with_interval(found[key], forms[key]) for key in SHORT))
    console().print(table)
