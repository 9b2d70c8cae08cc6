"""The quadrant of drift and decay: today's dot, and the path that led to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np

from shadowbook.adapters.report.drift_words import CELLS, shown_p
from shadowbook.adapters.report.html import Figure, Key, Table, paragraph, section
from shadowbook.adapters.report.svg import LETTER, WIDTH, Drawing, Scale, number
from shadowbook.core.drift.found import DriftBook, QuadrantPoint
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.quadrant import Cell, quadrant
from shadowbook.core.values import Floats

TITLE = "Drift and decay"
TIERS = ("none", "watch", "warning", "critical")
DECAY = 2
"""The lowest tier that counts as decay."""

LEFT, RIGHT, TOP, BAND, FOOT = 62.0, 14.0, 20.0, 44.0, 40.0
FLOOR = TOP + BAND * len(TIERS)
RECENT, MOST = 63, 1000
"""Sessions of the path that are drawn strongly, and at all."""

_SPREAD = 0.62
"""Share of a band's height that time takes: later sessions lie higher in it."""

_LEAST, _HIGHEST = 3.3, 6.0
"""Powers of ten that the axis reaches at least and at most."""

_HEADS = 8
"""Arrowheads on the path, on its longest steps."""

_SAID = (
    "To the right: how unlikely today's windows would be if nothing had changed (the scan's "
    "smallest adjusted p-value, on a logarithmic scale). Upward: the worst open alert on results; "
    "within a band later sessions lie higher. The filled dot is the newest session, the ring the "
    "first one drawn, the line the path between them; a gap was not computable."
)


def quadrant_figure(one: DriftBook, policy: DriftPolicy, ident: str) -> str:
    """Write the figure of where a book stands, and has stood."""
    points = one.points[-MOST:]
    if not points:
        return section(ident, TITLE, paragraph("NOT_COMPUTABLE: no session has been judged yet."))
    says = _SAID + (
        " The outlined cell is where the book stands. It may lie across the line from the dot: an "
        f"incident opens after {policy.persistence} scans in alarm in a row and closes after "
        f"{policy.clear_sessions} without, and an alarm of a calibrated detector or importances "
        "that shifted count as drift too."
    )
    now = points[-1]
    if not _known(now):
        says += f" {now.session} is NOT_COMPUTABLE, so it has no dot."
    keys = (
        Key("walk", f"path, newest {min(RECENT, len(points))} sessions"),
        *((Key("walk older", "older sessions"),) if len(points) > RECENT else ()),
        Key("bound", f"drift at {policy.false_discovery_rate:g}; decay from warning"),
    )
    drawing = _drawing(points, one.quadrant.cell, policy.false_discovery_rate, f"{ident}-d")
    return str(Figure(ident, TITLE, says, "", (drawing,), keys, _table(points)))


def place(point: QuadrantPoint, share: float, across: Scale) -> tuple[float, float]:
    """Return where a point lies; NaN for what is not computable.

    Parameters
    ----------
    share : of the time drawn that had passed, 0 to 1.
    """
    if not _known(point):
        return math.nan, math.nan
    surprise = -math.log10(max(point.adjusted, 10.0**-_HIGHEST))
    x = across.at(min(max(surprise, across.low), across.high))
    return x, FLOOR - BAND * (point.tier + 0.5) - BAND * _SPREAD * (share - 0.5)


def _known(point: QuadrantPoint) -> bool:
    return math.isfinite(point.adjusted) and point.tier >= 0


def _drawing(points: Sequence[QuadrantPoint], cell: Cell, rate: float, ident: str) -> Drawing:
    told = [-math.log10(max(p.adjusted, 10.0**-_HIGHEST)) for p in points if _known(p)]
    high = max([_LEAST, *(value + 0.15 for value in told)])
    across = Scale(0.0, high, LEFT, WIDTH - RIGHT)
    now = points[-1]
    drawing = Drawing(
        ident, FLOOR + FOOT, f"Quadrant of drift and decay, {now.session}", _described(now, cell)
    )
    border = across.at(-math.log10(rate))
    _cells(drawing, border, cell)
    for decade in range(math.floor(high) + 1):
        x = across.at(float(decade))
        drawing.segment((x, FLOOR), (x, FLOOR + 4.0), "axis")
        drawing.text(x, FLOOR + 16.0, f"{10.0**-decade:g}", "middle")
    drawing.text((LEFT + WIDTH - RIGHT) / 2, FLOOR + 32.0, "adjusted p-value", "middle", "faint")
    for tier, name in enumerate(TIERS):
        drawing.text(LEFT - 6.0, FLOOR - BAND * (tier + 0.5) + 4.0, name, "end")
    last = max(len(points) - 1, 1)
    places = np.array([place(point, at / last, across) for at, point in enumerate(points)])
    _walk(drawing, places)
    _names(drawing, border, cell)
    _today(drawing, places[-1], now.session)
    return drawing


def _cells(drawing: Drawing, border: float, cell: Cell) -> None:
    """Lay out the four cells, that where the book stands outlined."""
    right, middle = WIDTH - RIGHT, FLOOR - BAND * DECAY
    for drift in (False, True):
        for decay in (False, True):
            left, stop = (border, right) if drift else (LEFT, border)
            top, bottom = (TOP, middle) if decay else (middle, FLOOR)
            if quadrant(drift, decay).cell is cell:
                drawing.rect(left, top, stop - left, bottom - top, "here")
    for tier in range(1, len(TIERS)):
        y = FLOOR - BAND * tier
        drawing.segment((LEFT, y), (right, y), "bound" if tier == DECAY else "grid")
    drawing.segment((border, TOP), (border, FLOOR), "bound")
    drawing.segment((LEFT, TOP), (LEFT, FLOOR), "axis")
    drawing.segment((LEFT, FLOOR), (right, FLOOR), "axis")


def _names(drawing: Drawing, border: float, cell: Cell) -> None:
    """Write the cells' names over the path, at the right: quiet sessions crowd the left."""
    for drift in (False, True):
        for decay in (False, True):
            here = quadrant(drift, decay).cell
            x = WIDTH - RIGHT - 5.0 if drift else border - 5.0
            y = TOP + 14.0 if decay else FLOOR - 6.0
            strong = " strong" if here is cell else ""
            name = CELLS[here].removesuffix(" on recent data")
            drawing.text(x, y, name, "end", f"small halo{strong}")
    drawing.text(border + 3.0, TOP - 6.0, "drift \N{RIGHTWARDS ARROW}", class_="faint")
    drawing.text(border - 3.0, TOP - 6.0, "no drift", "end", "faint")


def _walk(drawing: Drawing, places: Floats) -> None:
    """Draw the path from its first ring, with arrowheads on its longest recent steps."""
    older, recent = places[:-RECENT], places[-RECENT - 1 :]
    if len(older) > 1:
        drawing.line(older[:, 0], older[:, 1], "walk older")
    drawing.line(recent[:, 0], recent[:, 1], "walk")
    known = places[np.isfinite(places[:, 0])]
    if len(known) > 1:
        x, y = float(known[0, 0]), float(known[0, 1])
        drawing.add("circle", cx=x, cy=y, r=3.2, class_="start")
    steps = np.nan_to_num(np.diff(recent, axis=0))
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    longest = [at for at in np.argsort(-lengths, kind="stable")[:_HEADS] if lengths[at] > 12.0]
    d = "".join(_head(recent[at] + steps[at] / 2, steps[at] / lengths[at]) for at in longest)
    if d:
        drawing.add("path", d=d, class_="heading")


def _head(middle: Floats, unit: Floats) -> str:
    """Shape an arrowhead."""
    side = np.array([-unit[1], unit[0]])
    corners = (
        middle + 4.5 * unit,
        middle - 2.5 * unit + 3.0 * side,
        middle - 2.5 * unit - 3.0 * side,
    )
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in corners) + "Z"


def _today(drawing: Drawing, place: Floats, session: date) -> None:
    x, y = float(place[0]), float(place[1])
    if math.isfinite(x):
        drawing.add("circle", cx=x, cy=y, r=5.5, class_="today")
        half = 5.0 * LETTER
        middle = min(max(x, LEFT + half), WIDTH - half)
        beside = y - 9.0 if y > TOP + 24.0 else y + 17.0
        drawing.text(middle, beside, str(session), "middle", "small strong halo")


def _described(now: QuadrantPoint, cell: Cell) -> str:
    if not _known(now):
        return f"{now.session}: not computable."
    return (
        f"{now.session}: adjusted p-value {shown_p(now.adjusted)}, worst open alert "
        f"{TIERS[now.tier]}; the book stands in {CELLS[cell]}."
    )


def _table(points: Sequence[QuadrantPoint]) -> Table:
    newest = list(reversed(points[-21:]))
    return Table(
        ("session", "adjusted p-value", "worst open alert", "drift", "decay"),
        tuple(
            (
                str(point.session),
                shown_p(point.adjusted),
                TIERS[point.tier] if point.tier >= 0 else "not computable",
                _said(point.drift),
                _said(point.decay),
            )
            for point in newest
        ),
        caption=f"The newest {len(newest)} sessions; all are in the ledger",
    )


def _said(state: bool | None) -> str:
    return "not computable" if state is None else ("yes" if state else "no")
