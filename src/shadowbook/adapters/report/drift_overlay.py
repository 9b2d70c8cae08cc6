"""Distributions of the reference and of today's window over each other."""

from __future__ import annotations

from html import escape

import numpy as np

from shadowbook.adapters.report.drift_words import shown
from shadowbook.adapters.report.html import Key, Table, folded, paragraph, section
from shadowbook.adapters.report.svg import RIGHT, WIDTH, Drawing, Scale, element, number
from shadowbook.adapters.report.ticks import round_ticks
from shadowbook.core.drift.found import DriftBook, Overlay
from shadowbook.core.values import Floats

TITLE = "Distributions of the columns that differ most"
MOST = 9
"""Columns that are drawn; the numbers of all are in the table of today's columns."""

ROWS = 10
"""Rows of a column's numbers at most."""

LEFT, TOP, HEIGHT, FOOT = 42.0, 8.0, 120.0, 22.0
_EVEN = 1e-6
KEYS = (("bar", "reference", "box"), ("line c1 plain", "current window", "line"))


def overlays_section(one: DriftBook, ident: str) -> str:
    """Write a small drawing a column."""
    if not one.overlays:
        content = paragraph("NOT_COMPUTABLE: no column has values in both windows to be drawn.")
        return section(ident, TITLE, content)
    content = paragraph(
        "Share of the finite values in each cell, of the reference (filled) and of the trailing "
        "window (line). The outer cells hold everything beyond them."
    )
    panels = "".join(
        _panel(overlay, f"{ident}-{at}") for at, overlay in enumerate(one.overlays[:MOST])
    )
    keys = "".join(str(Key(*key)) for key in KEYS)
    content += element("ul", keys, class_="key") + element("div", panels, class_="multiples")
    return section(ident, TITLE, content)


def _panel(overlay: Overlay, ident: str) -> str:
    heading = element("h4", escape(f"{overlay.column}, {overlay.window} sessions"))
    if not drawable(overlay):
        reason = "NOT_COMPUTABLE: a window without finite values, or cells without borders."
        return element("div", heading + paragraph(reason))
    return element("div", heading + str(_drawing(overlay, ident)) + _numbers(overlay))


def drawable(overlay: Overlay) -> bool:
    """Tell whether both distributions are known and lie on cells that can be drawn."""
    edges = overlay.edges
    cells = len(edges) - 1
    return (
        cells > 0
        and bool(np.isfinite(edges).all() and (np.diff(edges) > 0.0).all())
        and bool(np.isfinite(overlay.reference).all() and np.isfinite(overlay.current).all())
        and len(overlay.reference) == len(overlay.current) == cells
    )


def heights(overlay: Overlay) -> tuple[Floats, Floats, bool]:
    """Return what is drawn of the reference and of the current window, and whether it is shares.

    Cells of equal width show shares; others show density, as a share of the highest.
    """
    widths = np.diff(overlay.edges)
    if np.ptp(widths) <= _EVEN * widths.max():
        return overlay.reference, overlay.current, True
    reference, current = overlay.reference / widths, overlay.current / widths
    top = max(float(reference.max()), float(current.max())) or 1.0
    return reference / top, current / top, False


def _drawing(overlay: Overlay, ident: str) -> Drawing:
    reference, current, shares = heights(overlay)
    floor = TOP + HEIGHT
    top = max(float(reference.max()), float(current.max()), 1e-9)
    up = Scale(0.0, 1.06 * top, floor, TOP)
    across = Scale(float(overlay.edges[0]), float(overlay.edges[-1]), LEFT, WIDTH - RIGHT)
    drawing = Drawing(
        ident,
        floor + FOOT,
        f"Distributions of {overlay.column} over {overlay.window} sessions",
        _described(overlay),
    )
    if shares:
        drawing.value_axis(up, round_ticks(0.0, up.high, 4, percent=True))
    else:
        # Cells of unequal width: by density, areas compare.
        drawing.text(LEFT + 4.0, TOP + 10.0, "density", class_="faint")
    ticks = round_ticks(across.low, across.high, 4)
    for value, text in ticks:
        x = across.at(value)
        drawing.segment((x, floor), (x, floor + 4.0), "axis")
        drawing.text(min(x, WIDTH - 4.0 * len(text)), floor + 16.0, text, "middle")
    drawing.add("path", d=steps(across(overlay.edges), up(reference), floor), class_="bar")
    drawing.add("path", d=steps(across(overlay.edges), up(current), floor), class_="line c1 plain")
    drawing.segment((LEFT, floor), (WIDTH - RIGHT, floor), "axis")
    return drawing


def steps(edges: Floats, tops: Floats, floor: float) -> str:
    """Shape stairs over cells, from the floor and back to it.

    >>> steps(np.array([0.0, 10.0, 20.0]), np.array([5.0, 2.0]), 9.0)
    'M0 9V5H10V2H20V9'
    """
    inner = "".join(
        f"V{number(float(top))}H{number(float(stop))}"
        for top, stop in zip(tops, edges[1:], strict=True)
    )
    return f"M{number(float(edges[0]))} {number(floor)}{inner}V{number(floor)}"


def _described(overlay: Overlay) -> str:
    change = overlay.current - overlay.reference
    up, down = int(np.argmax(change)), int(np.argmin(change))
    return (
        f"Most was gained from {_cell(overlay, up, up + 1)} ({shown(float(change[up]), '+.1%')}), "
        f"most lost from {_cell(overlay, down, down + 1)} ({shown(float(change[down]), '+.1%')})."
    )


def _cell(overlay: Overlay, at: int, stop: int) -> str:
    low, high = overlay.edges[at], overlay.edges[stop]
    return f"{shown(float(low), '.3g')} to {shown(float(high), '.3g')}"


def _numbers(overlay: Overlay) -> str:
    """Fold the shares; of many cells, neighbors are added up."""
    n = len(overlay.reference)
    step = -(-n // ROWS)
    rows = tuple(
        (
            _cell(overlay, at, min(at + step, n)),
            f"{overlay.reference[at : at + step].sum():.1%}",
            f"{overlay.current[at : at + step].sum():.1%}",
        )
        for at in range(0, n, step)
    )
    return folded("The numbers", str(Table(("cell", "reference", "current"), rows, narrow=True)))
