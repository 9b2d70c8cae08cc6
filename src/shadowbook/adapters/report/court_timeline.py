"""What the court said over time: a row for each case, a mark where it said something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.court_sentences import against, figures_of
from shadowbook.adapters.report.court_words import OUTCOMES
from shadowbook.adapters.report.html import Key, Table
from shadowbook.adapters.report.replay_lines import MARK
from shadowbook.adapters.report.svg import LETTER, RIGHT, WIDTH, Drawing, Scale, number
from shadowbook.adapters.report.words import counted
from shadowbook.core.promotion.court import Outcome
from shadowbook.core.promotion.judged import Judgment

ROW, BAR, TOP, FOOT = 17.0, 8.0, 6.0, 30.0
LEAST_LEFT = 46.0
"""Units left of the picture, at least: names of versions have room there."""

Pair = tuple[int, int]
"""Champion's and challenger's version."""


@dataclass(frozen=True)
class CaseRow:
    """One case over time.

    Attributes
    ----------
    judgments : of this case, by session, its opening first.
    until : session that it was last looked at.
    """

    judgments: tuple[Judgment, ...]
    until: date

    @property
    def pair(self) -> Pair:
        """Champion's and challenger's version."""
        return self.judgments[0].champion, self.judgments[0].challenger

    @property
    def name(self) -> str:
        """Name it by its versions."""
        return f"{self.pair[0]} → {self.pair[1]}"

    @property
    def changes(self) -> list[Judgment]:
        """What was said where the outcome was another than before."""
        before: list[Outcome | None] = [None, *(one.outcome for one in self.judgments)]
        return [
            one
            for one, last in zip(self.judgments, before, strict=False)
            if one.outcome is not None and one.outcome is not last
        ]


@dataclass(frozen=True)
class Upright:
    """A moment that concerns all cases: a promotion or a retraining."""

    session: date
    kind: str
    simulated: bool = False

    @property
    def mark(self) -> str:
        """Class of its mark."""
        return f"mark {self.kind}{' simulated' if self.simulated else ''}"


def rows_of(
    judgments: Iterable[Judgment], last: date, ends: Mapping[Pair, date] | None = None
) -> list[CaseRow]:
    """Group what was recorded of one strategy by case, in the order that they were opened.

    Parameters
    ----------
    last : session that a case without an end was last looked at.
    ends : (champion, challenger) -> session after which nobody looked at it.
    """
    grouped: dict[Pair, list[Judgment]] = {}
    ordered = sorted(judgments, key=lambda one: (one.session, one.outcome is not None))
    for one in ordered:
        grouped.setdefault((one.champion, one.challenger), []).append(one)
    rows = []
    for pair, found in grouped.items():
        until = max((ends or {}).get(pair, last), found[-1].session)
        rows.append(CaseRow(tuple(found), until))
    return rows


def timeline_drawing(rows: Sequence[CaseRow], ident: str, uprights: Sequence[Upright]) -> Drawing:
    """Draw cases under each other, at least one."""
    begin = min(row.judgments[0].session for row in rows)
    end = max(row.until for row in rows)
    left = max(LEAST_LEFT, max(len(row.name) for row in rows) * LETTER * 0.92 + 8.0)
    across = Scale(_day(begin), max(_day(end), _day(begin) + 1.0), left, WIDTH - RIGHT)
    floor = TOP + ROW * len(rows) + 2.0
    drawing = Drawing(
        ident,
        floor + FOOT,
        "What the court said of each challenger over time",
        f"{counted(len(rows), 'case')} from {begin} to {end}; at the end "
        + ", ".join(f"{row.name} {_word(row.judgments[-1])}" for row in rows)
        + ".",
    )
    for at, row in enumerate(rows):
        _draw_row(drawing, row, across, TOP + ROW * (at + 0.5))
    _draw_uprights(drawing, uprights, across, floor)
    drawing.date_axis(across, floor + 9.0)
    return drawing


def timeline_keys(rows: Sequence[CaseRow], uprights: Sequence[Upright]) -> list[Key]:
    """Say what bars and marks stand for: those that are there."""
    there = {one.outcome for row in rows for one in row.judgments}
    keys = [
        Key(f"spell {said.badge}", str(outcome or "not judged yet"), "box")
        for outcome, said in OUTCOMES.items()
        if outcome in there
    ]
    marks = {one.mark: one for one in uprights}
    by = {True: " by the simulated operator", False: ""}
    keys += [
        Key(mark, f"{one.kind}{by[one.simulated]}", "mark") for mark, one in sorted(marks.items())
    ]
    return keys


def judgments_table(judgments: Sequence[Judgment], caption: str = "", case: bool = True) -> Table:
    """Lay out what was said, what stood against it, and its main figures.

    Parameters
    ----------
    case : whether a column names the case.
    """
    headings = ("session", *(("case",) if case else ()), "it said", "against it", "main figures")
    rows = tuple(
        (
            str(one.session),
            *((f"{one.kind} {one.challenger} against {one.champion}",) if case else ()),
            _word(one),
            against(one.criteria) if one.outcome is not None else "\N{EN DASH}",
            figures_of(one),
        )
        for one in judgments
    )
    marked = frozenset(
        at for at, one in enumerate(judgments) if one.outcome in (Outcome.PROMOTE, Outcome.REJECT)
    )
    return Table(headings, rows, marked, caption)


def _word(one: Judgment) -> str:
    return str(one.outcome) if one.outcome is not None else OUTCOMES[None].short


def _draw_row(drawing: Drawing, row: CaseRow, across: Scale, y: float) -> None:
    drawing.text(across.start - 6.0, y + 4.0, row.name, "end", "small")
    turns = [row.judgments[0], *(one for one in row.changes if one is not row.judgments[0])]
    stops = [*(one.session for one in turns), row.until]
    for one, (start, stop) in zip(turns, pairwise(stops), strict=True):
        x = across.at(_day(start))
        width = across.at(_day(stop)) - x
        if width > 0.0:
            badge = OUTCOMES[one.outcome].badge
            drawing.rect(x, y - BAR / 2.0, width, BAR, f"spell {badge}")
    for one in row.changes:
        x, badge = across.at(_day(one.session)), OUTCOMES[one.outcome].badge
        drawing.add("path", d=_shape(one.outcome, x, y), class_=f"turn {badge}")


def _draw_uprights(
    drawing: Drawing, uprights: Sequence[Upright], across: Scale, floor: float
) -> None:
    drawn: set[tuple[str, float]] = set()
    for one in uprights:
        x = round(across.at(_day(one.session)), 1)
        if (one.mark, x) in drawn or not across.start <= x <= across.stop:
            continue
        drawn.add((one.mark, x))
        top = TOP - 4.0 if one.kind == "promotion" else floor + 1.0
        drawing.segment((x, top), (x, floor + 1.0 + MARK), one.mark)


def _shape(outcome: Outcome | None, x: float, y: float) -> str:
    """Shape an outcome: up for promote, a cross for reject, a diamond for hold, a square else."""
    a, b, m = number(x), number(y), 5
    if outcome is Outcome.PROMOTE:
        return f"M{a} {number(y - m)}l{m} {2 * m}h{-2 * m}z"
    if outcome is Outcome.REJECT:
        return f"M{a} {b}m-5 -3l2 -2 3 3 3 -3 2 2 -3 3 3 3 -2 2 -3 -3 -3 3 -2 -2 3 -3z"
    if outcome is Outcome.HOLD:
        return f"M{a} {number(y - m)}l{m} {m}l{-m} {m}l{-m} {-m}z"
    return f"M{number(x - 4)} {number(y - 4)}h8v8h-8z"


def _day(session: date) -> float:
    return float(days(np.array([session], dtype="datetime64[D]"))[0])
