"""A replay's figures and notes as a person reads them, on the page and on the terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from shadowbook.adapters.report.words import counted, signed
from shadowbook.core.books.summary import (
    BookSummary,
    ReplayNote,
    ReplaySummary,
    counts_of,
    interval,
)
from shadowbook.core.values import Metric

FIGURES: tuple[tuple[str, str, str], ...] = (
    ("sharpe_annualized", "net Sharpe", "z.2f"),
    ("net_return_annual", "return a year", "z.1%"),
    ("volatility_annual", "volatility", "z.1%"),
    ("max_drawdown", "deepest fall", "z.1%"),
    ("turnover", "turnover", "z.1%"),
    ("signal_annual", "signal", "z.2%"),
    ("execution_annual", "execution", "z.2%"),
    ("cost_annual", "cost", "z.2%"),
)
"""A book's figures: key, heading, format. Rates are a year's, turnover is a session's."""

SHORT = ("sharpe_annualized", "net_return_annual", "max_drawdown", "turnover")
"""Those that a table with a row a strategy has room for."""

KINDS: tuple[tuple[str, str, str], ...] = (
    ("promotion", "Promotions", "promotions"),
    ("halt", "Halts", "halts"),
    ("acknowledgment", "Incidents closed", ""),
    ("alert", "Alerts", "alerts"),
    ("held", "Sessions held", "held"),
    ("delisting", "Delistings", ""),
    ("retraining", "Retrainings", "retrainings"),
)
"""Kinds of notes in the order they are read: kind, heading, name of the count."""

EVENTS: tuple[str, ...] = ("promotions", "alerts", "halts", "held")
"""Counts that stand in the tables."""

_NUMBER = re.compile(r"\d[\d.,:%-]*\d%?|\d%?")


def with_interval(metric: Metric, form: str) -> str:
    """Write a metric with its 95 % interval.

    >>> with_interval(Metric("sharpe_annualized", 0.5, 0.25, 252), ".2f")
    '0.50 (0.01 to 0.99)'
    """
    if metric.status != "OK":
        return "not computable"
    value = signed(metric.value, form)
    low, high = interval(metric)
    if math.isnan(low):  # what happened, and no estimate
        return value
    return f"{value} ({signed(low, form)} to {signed(high, form)})"


def champion_of(summary: ReplaySummary, strategy: str) -> BookSummary | None:
    """Return a strategy's champion book; None where the replay has none."""
    for book in summary.books:
        if (book.series.strategy, book.series.book) == (strategy, "champion"):
            return book
    return None


def strategies_of(summaries: Sequence[ReplaySummary]) -> tuple[str, ...]:
    """List the strategies of all replays, each once, in the order of the books."""
    return tuple(dict.fromkeys(book.series.strategy for one in summaries for book in one.books))


def figures_of(summary: ReplaySummary, strategy: str, keys: Sequence[str]) -> list[str]:
    """Write a champion book's figures, then how often what happened to it."""
    book = champion_of(summary, strategy)
    forms = {key: form for key, _, form in FIGURES}
    told = [with_interval(book.metrics[key], forms[key]) if book else "no book" for key in keys]
    counts = counts_of(summary.notes, strategy)
    return told + [f"{counts[event]:,}" for event in EVENTS]


def heading_of(key: str) -> str:
    """Return what a figure is called.

    >>> heading_of("turnover")
    'turnover'
    """
    return next(heading for one, heading, _ in FIGURES if one == key)


def told(note: ReplayNote) -> str:
    """Write one note as a line."""
    who = f"{note.strategy}: " if note.strategy else ""
    by = " (simulated operator)" if note.simulated else ""
    return f"{note.session}  {who}{note.text}{by}"


def grouped(notes: Iterable[ReplayNote]) -> list[str]:
    """Write notes that say the same of one strategy, numbers aside, as one line; most first."""
    groups: dict[tuple[str, str], list[ReplayNote]] = {}
    for note in notes:
        groups.setdefault((note.strategy, _NUMBER.sub("#", note.text)), []).append(note)
    lines = []
    for (strategy, _), found in sorted(groups.items(), key=lambda one: (-len(one[1]), one[0])):
        who = f"{strategy}: " if strategy else ""
        days = sorted({note.session for note in found})
        if len(days) == 1:
            lines.append(f"{who}{days[0]}: {found[0].text}")
            continue
        same = len({note.text for note in found}) == 1
        first = "" if same else "first "
        lines.append(
            f"{who}{counted(len(days), 'session')} from {days[0]} to {days[-1]}: "
            f"{first}{found[0].text}"
        )
    return lines
