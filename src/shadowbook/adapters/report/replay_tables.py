"""Tables of a replay: figures by strategy, policies side by side, and year by year."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from shadowbook.adapters.report.html import Table
from shadowbook.adapters.report.replay_words import (
    EVENTS,
    FIGURES,
    SHORT,
    champion_of,
    figures_of,
    heading_of,
    strategies_of,
    with_interval,
)
from shadowbook.adapters.report.words import signed
from shadowbook.core.books.summary import BookSummary, ReplaySummary, counts_of, difference
from shadowbook.core.stats.growth import equity_curve, max_drawdown

PARTS = ("signal", "execution", "cost")
YEAR = ("net return", *PARTS, "deepest fall", "turnover a session")


def strategies_table(summary: ReplaySummary) -> Table:
    """Lay the champion books of one replay out, a row a strategy."""
    strategies = strategies_of([summary])
    return Table(
        ("strategy", *(heading_of(key) for key in SHORT), *EVENTS),
        tuple((one, *figures_of(summary, one, SHORT)) for one in strategies),
    )


def policies_table(summaries: Sequence[ReplaySummary], strategy: str) -> Table:
    """Lay one strategy's champion book out, a column a policy and one for their difference."""
    keys = [key for key, _, _ in FIGURES]
    columns = [figures_of(one, strategy, keys) for one in summaries]
    books = [champion_of(one, strategy) for one in summaries]
    less = [""] * len(columns[0])
    if len(books) == 2 and books[0] and books[1]:
        found = difference(books[1].series, books[0].series)
        counts = [counts_of(one.notes, strategy) for one in summaries]
        less = [
            *(with_interval(found[key], form) for key, _, form in FIGURES),
            *(signed(counts[1][event] - counts[0][event], ",") for event in EVENTS),
        ]
    names = [one.name for one in summaries]
    headings = [heading for _, heading, _ in FIGURES]
    return Table(
        ("", *names, "difference"),
        tuple(zip([*headings, *EVENTS], *columns, less, strict=True)),
    )


def years_table(summaries: Sequence[ReplaySummary], strategy: str) -> Table:
    """Lay a champion book out by calendar year, in few columns.

    One policy: net return and deepest fall. Two: the net return of each, and the second's less
    the first's.
    """
    years = [_years(champion_of(one, strategy)) for one in summaries]
    rows = []
    for year in sorted({year for column in years for year in column}):
        cells = [column.get(year, {}) for column in years]
        told = [_percent(cell.get("net return")) for cell in cells]
        if len(cells) == 1:
            told.append(_percent(cells[0]["deepest fall"]))
        else:
            first, last = (cell.get("net return", math.nan) for cell in (cells[0], cells[-1]))
            told.append(_percent(last - first))
        rows.append((str(year), *told))
    names = [one.name for one in summaries]
    headings = ("net return", "deepest fall") if len(names) == 1 else (*names, "change")
    return Table(("year", *headings), tuple(rows), narrow=True)


def parts_table(summaries: Sequence[ReplaySummary], strategy: str) -> Table:
    """Lay all that is known of a champion book's calendar years out, a row a year and policy."""
    rows = []
    for one in summaries:
        for year, cells in _years(champion_of(one, strategy)).items():
            named = f"{year}, {one.name}" if len(summaries) > 1 else str(year)
            rows.append((named, *(_percent(cells[heading]) for heading in YEAR)))
    return Table(
        ("year", *YEAR), tuple(rows), caption="Net return is compounded, its parts are added up"
    )


def _years(book: BookSummary | None) -> dict[int, dict[str, float]]:
    """Cut a book into calendar years: compounded return, summed parts, deepest fall."""
    if book is None:
        return {}
    series = book.series
    there = np.isfinite(series.net)
    of_session = series.sessions.astype("datetime64[Y]").astype(np.int64) + 1970
    found = {}
    for year in np.unique(of_session[there]).tolist():
        rows = there & (of_session == year)
        net = series.net[rows]
        found[year] = {
            "net return": float(equity_curve(net)[-1]) - 1.0,
            **{part: float(getattr(series, part)[rows].sum()) for part in PARTS},
            "deepest fall": float(max_drawdown(net)),
            "turnover a session": float(series.turnover[rows].mean()),
        }
    return found


def _percent(value: float | None) -> str:
    return "no book" if value is None or math.isnan(value) else signed(value, "z.1%")
