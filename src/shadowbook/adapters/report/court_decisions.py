"""What the court decided in a replay: a timeline of all cases, and every judgment in a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from html import escape

import numpy as np

from shadowbook.adapters.report.court_sentences import against, figures_of
from shadowbook.adapters.report.court_timeline import (
    CaseRow,
    Pair,
    Upright,
    judgments_table,
    rows_of,
    timeline_drawing,
    timeline_keys,
)
from shadowbook.adapters.report.html import Figure, Table, folded, paragraph, section
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import counted, listed
from shadowbook.core.books.summary import ReplayNote, ReplaySummary
from shadowbook.core.promotion.court import Outcome
from shadowbook.core.promotion.judged import Judgment

ROWS = 40
"""Cases in a drawing; further ones get the next."""

OPEN = 12
"""Rows of a table that stand open on the page; longer tables are folded."""

PROMOTION, RETRAINING = "promotion", "retraining"


def decisions_section(
    summaries: Sequence[ReplaySummary], judgments: Sequence[Sequence[Judgment]], ident: str
) -> str:
    """Write what the court said of every challenger in one replay, or in two.

    Parameters
    ----------
    judgments : as recorded, a sequence a summary; empty where the court was not asked.
    """
    content = paragraph(
        "Every challenger stood before the court as long as its shadow book ran beside the "
        "champion. HOLD: not yet; REJECT: never; NOT_COMPUTABLE: nothing spoke against it, but a "
        "figure was missing; PROMOTE: every criterion passed."
    )
    for at, (summary, found) in enumerate(zip(summaries, judgments, strict=True)):
        under = f" under {summary.name}" if len(summaries) > 1 else ""
        if not found:
            content += paragraph(f"The court was not asked{under}.")
        for number, strategy in enumerate(dict.fromkeys(one.strategy for one in found)):
            own = [one for one in found if one.strategy == strategy]
            content += _of_strategy(summary, own, f"{strategy}{under}", f"{ident}-{at}-{number}")
    return section(ident, "Decisions of the court", content)


def case_rows(summary: ReplaySummary, judgments: Sequence[Judgment]) -> list[CaseRow]:
    """Group the judgments of one strategy by case, each as long as its books ran.

    A case ends when its shadow book does, or when another version becomes champion.
    """
    strategy = judgments[0].strategy
    lives = {
        one.series.book: one.series.sessions[np.isfinite(one.series.net)][-1:]
        for one in summary.books
        if one.series.strategy == strategy
    }
    opened = {
        pair: min(one.session for one in judgments if (one.champion, one.challenger) == pair)
        for pair in {(one.champion, one.challenger) for one in judgments}
    }
    changes = sorted(one.session for one in _notes(summary, strategy, (PROMOTION,)))
    ends: dict[Pair, date] = {}
    for pair, begin in opened.items():
        ran = lives.get(f"shadow/{pair[1]}", np.empty(0, dtype="datetime64[D]"))
        until = [one.astype("datetime64[D]").astype(date) for one in ran]
        ends[pair] = min([summary.last, *until, *(one for one in changes if one >= begin)])
    return rows_of(judgments, summary.last, ends)


def _of_strategy(
    summary: ReplaySummary, judgments: Sequence[Judgment], title: str, ident: str
) -> str:
    strategy = judgments[0].strategy
    rows = case_rows(summary, judgments)
    notes = _notes(summary, strategy, (PROMOTION, RETRAINING))
    uprights = [Upright(one.session, one.kind, one.simulated) for one in notes]
    parts = [rows[first : first + ROWS] for first in range(0, len(rows), ROWS)]
    drawings = tuple(
        timeline_drawing(part, f"{ident}-drawing-{at}", uprights) for at, part in enumerate(parts)
    )
    figure = Figure(
        f"{ident}-timeline",
        f"{title}: what the court said",
        f"{_counts(rows)} A row is a case, champion → challenger, from its opening to the last "
        "session that its shadow book ran beside that champion. A mark stands where the outcome "
        "changed: a triangle for PROMOTE, a diamond for HOLD, a cross for REJECT, a square for "
        "NOT_COMPUTABLE. Upright over all rows: promotions; at the foot: retrainings.",
        drawings=drawings,
        keys=tuple(timeline_keys(rows, uprights)),
    )
    ordered = [one for row in rows for one in row.judgments]
    caption = "A row where the court said something new"
    tables = _maybe_folded("How each case ended", ends_table(rows), "ends")
    tables += _maybe_folded("Every judgment", judgments_table(ordered, caption), "cases")
    return str(figure) + tables


def ends_table(rows: Sequence[CaseRow]) -> Table:
    """Lay out the last that was said of each case."""
    told = []
    for row in rows:
        last = row.judgments[-1]
        told.append(
            (
                f"{last.kind} {last.challenger} against {last.champion}",
                str(row.judgments[0].session),
                str(row.until),
                str(last.outcome or "not judged"),
                against(last.criteria) if last.outcome is not None else "too few sessions",
                figures_of(last),
            )
        )
    marked = frozenset(
        at for at, row in enumerate(rows) if row.judgments[-1].outcome is Outcome.PROMOTE
    )
    headings = ("case", "from", "to", "last said", "against it", "main figures")
    caption = "With the figures of the session when the court last said something new"
    return Table(headings, tuple(told), marked, caption)


def _maybe_folded(name: str, table: Table, kind: str) -> str:
    n, content = len(table.rows), element("div", str(table), class_=f"judgments {kind}")
    if n > OPEN:
        return folded(f"{name}: {n:,}", content)
    return element("h4", escape(f"{name}: {n:,}")) + content


def _counts(rows: Sequence[CaseRow]) -> str:
    """Say how many cases there were, of which kind, and what was last said of them."""
    kinds = {"replacement": 0, "refresh": 0}
    said: dict[str, int] = {}
    for row in rows:
        last = row.judgments[-1]
        kinds[last.kind] += 1
        name = str(last.outcome or "not judged")
        said[name] = said.get(name, 0) + 1
    sorts = [counted(kinds["replacement"], "replacement")]
    sorts.append(counted(kinds["refresh"], "refresh", "refreshes"))
    order = [*map(str, Outcome), "not judged"]
    last_words = listed([f"{said[name]:,} {name}" for name in order if name in said])
    return f"{counted(len(rows), 'case')}: {listed(sorts)}; last said: {last_words}."


def _notes(summary: ReplaySummary, strategy: str, kinds: Iterable[str]) -> list[ReplayNote]:
    wanted = tuple(kinds)
    return [one for one in summary.notes if one.kind in wanted and one.strategy in ("", strategy)]


def decisions_lines(judgments: Sequence[Judgment]) -> list[str]:
    """Say in a line a strategy what the court had to do in one replay.

    >>> decisions_lines([])
    ['the court was not asked']
    """
    lines = []
    for strategy in dict.fromkeys(one.strategy for one in judgments):
        own = [one for one in judgments if one.strategy == strategy]
        said = sum(one.outcome is not None for one in own)
        told = _counts(rows_of(own, own[-1].session)).rstrip(".")
        lines.append(f"the court on {strategy}: {told}; {counted(said, 'judgment')}")
    return lines or ["the court was not asked"]
