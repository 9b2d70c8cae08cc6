"""Lines over the years of a replay, with marks where something happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.html import Key, line_class
from shadowbook.adapters.report.svg import (
    BOTTOM,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Drawing,
    Scale,
    end_labels,
)
from shadowbook.adapters.report.ticks import ratio_ticks, round_ticks
from shadowbook.adapters.report.words import signed
from shadowbook.core.books.summary import ReplayNote
from shadowbook.core.values import Floats, Sessions

HEIGHT, LOW_HEIGHT = 250.0, 170.0
MARK = 6.0
"""Units that a retraining's mark is high."""

_FLOOR = 1e-4
"""Least growth drawn: below it a book has lost all it had."""


@dataclass(frozen=True)
class Placed:
    """Where a figure stands: the beginning of its ident, and of its title."""

    ident: str
    title: str


def ratio_scale(paths: Sequence[Floats]) -> Scale:
    """Choose a logarithmic scale that every path fits on."""
    values = np.concatenate(paths)
    values = values[values > _FLOOR]
    low, high = float(values.min(initial=1.0)), float(values.max(initial=1.0))
    room = (high / low) ** 0.04 * 1.004
    return Scale(low / room, high * room, HEIGHT - BOTTOM, TOP, log=True)


def percent_scale(paths: Mapping[str, Floats], height: float) -> Scale:
    """Choose a scale of shares that every path fits on, for a drawing of a height."""
    values = np.concatenate(list(paths.values()))
    values = values[np.isfinite(values)]
    low, high = float(values.min(initial=0.0)), float(values.max(initial=0.01))
    room = 0.04 * (high - low)
    return Scale(low - room, high + room, height - BOTTOM, TOP)


def lines_drawing(
    place: Placed,
    sessions: Sessions,
    paths: Mapping[str, Floats],
    up: Scale,
    faint: Sequence[Floats] = (),
) -> Drawing:
    """Draw lines over time, the first one below, with their numbers at their ends."""
    floor, x = up.start, days(sessions)
    across = Scale(x[0], max(x[-1], x[0] + 1.0), LEFT, WIDTH - RIGHT)
    form = ".2f" if up.log else ".1%"
    ends = ", ".join(f"{name} {signed(last_of(path), form)}" for name, path in paths.items())
    drawing = Drawing(place.ident, floor + BOTTOM, place.title, f"At the end: {ends}.")
    ticks = (
        ratio_ticks(up.low, up.high, 7) if up.log else round_ticks(up.low, up.high, 5, percent=True)
    )
    drawing.value_axis(up, ticks)
    zero = up.at(1.0 if up.log else 0.0)
    drawing.segment((LEFT, zero), (WIDTH - RIGHT, zero), "axis strong")
    for path in faint:
        drawing.line(across(x), up(path), "line older")
    for at, path in enumerate(paths.values()):
        drawing.line(across(x), up(path), line_class(at))
    _number_ends(drawing, across(x), [up(path) for path in paths.values()], floor)
    drawing.date_axis(across, floor)
    return drawing


def _number_ends(drawing: Drawing, x: Floats, heights: Sequence[Floats], floor: float) -> None:
    """Write a line's number where it ends: in the margin, or over its last point."""
    last = [np.flatnonzero(np.isfinite(height))[-1:] for height in heights]
    margin = [at for at, end in enumerate(last) if not len(end) or end[0] == len(x) - 1]
    ends = [float(heights[at][-1]) if len(last[at]) else floor for at in margin]
    for at, y in zip(margin, end_labels(ends, TOP, floor), strict=True):
        drawing.text(WIDTH - RIGHT + 4.0, y + 4.0, str(at + 1), class_="strong")
    for at in sorted(set(range(len(heights))) - set(margin)):
        end = int(last[at][0])
        y = max(float(heights[at][end]) - 4.0, TOP + 9.0)
        drawing.text(float(x[end]), y, str(at + 1), "middle", "strong halo")


def draw_marks(drawing: Drawing, sessions: Sessions, notes: Sequence[ReplayNote]) -> None:
    """Mark retrainings at the foot and promotions over the whole height."""
    x, floor = days(sessions), drawing.height - BOTTOM
    across = Scale(x[0], max(x[-1], x[0] + 1.0), LEFT, WIDTH - RIGHT)
    drawn: set[tuple[str, float]] = set()
    for note in notes:
        if note.kind not in ("retraining", "promotion"):
            continue
        at = round(across.at(float(days(np.array([note.session], dtype="datetime64[D]"))[0])), 1)
        kind = _mark_class(note)
        if (kind, at) not in drawn and LEFT <= at <= WIDTH - RIGHT:
            drawn.add((kind, at))
            top = TOP if note.kind == "promotion" else floor - MARK
            drawing.segment((at, top), (at, floor), kind)


def _mark_class(note: ReplayNote) -> str:
    return f"mark {note.kind}{' simulated' if note.simulated else ''}"


def mark_keys(notes: Sequence[ReplayNote]) -> list[Key]:
    """Say what the marks stand for: those that are there."""
    kinds = {_mark_class(one): one for one in notes if one.kind in ("retraining", "promotion")}
    by = {True: " by the simulated operator", False: ""}
    return [
        Key(kind, f"{one.kind}{by[one.simulated]}", "mark") for kind, one in sorted(kinds.items())
    ]


def last_of(path: Floats) -> float:
    """Return the last value that is there; NaN where none is."""
    finite = path[np.isfinite(path)]
    return float(finite[-1]) if len(finite) else float("nan")
