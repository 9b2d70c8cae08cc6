"""The heat map of a book's columns over time: the stronger the tone, the less likely by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.drift_words import (
    ordered_columns,
    shortened,
    shown,
    shown_p,
)
from shadowbook.adapters.report.html import Figure, Key, Table, paragraph, section
from shadowbook.adapters.report.svg import WIDTH, Drawing, Scale, number
from shadowbook.adapters.report.words import counted, listed
from shadowbook.core.drift.found import DriftBook, ScanPath
from shadowbook.core.values import Floats, Sessions

TITLE = "Columns over time"
ROW, TOP, FOOT = 12.0, 20.0, 22.0
LEFT, RIGHT = 146.0, 8.0
LETTERS = 20
"""Letters of a name that have room."""

COLUMNS = 250
"""Sessions beside each other; of more, neighbors share a place and the smallest p-value stays."""

BOUNDS = (0.1, 0.01, 0.001)
"""Tones change below these p-values."""

TONES = (
    "chance 0.1 or more",
    "below 0.1",
    "below 0.01",
    "below 0.001",
)


@dataclass(frozen=True, eq=False)
class Thinned:
    """A path with at most `COLUMNS` places.

    Attributes
    ----------
    starts : (M,) first session of each place.
    p_values : (M, K) smallest of a place; NaN where none is known.
    drifted : (M, K) whether it was at any session of the place.
    alarm : (M,) largest of the place.
    """

    starts: Sessions
    p_values: Floats
    drifted: NDArray[np.bool_]
    alarm: NDArray[np.int8]


def thinned_path(path: ScanPath, most: int = COLUMNS) -> Thinned:
    """Let neighboring sessions share a place; the newest place is always a full one."""
    t, k = path.p_values.shape
    width = -(-t // most)
    n = -(-t // width)
    pad = n * width - t
    p = np.concatenate([np.full((pad, k), np.nan), path.p_values]).reshape(n, width, k)
    smallest = np.where(np.isnan(p), np.inf, p).min(axis=1)
    drifted = np.concatenate([np.zeros((pad, k), dtype=bool), path.drifted])
    alarm = np.concatenate([np.full(pad, -1, dtype=np.int8), path.alarm])
    first = np.maximum(np.arange(n) * width - pad, 0)
    marked: NDArray[np.bool_] = drifted.reshape(n, width, k).max(axis=1)
    return Thinned(
        path.sessions[first],
        np.where(np.isinf(smallest), np.nan, smallest),
        marked,
        alarm.reshape(n, width).max(axis=1),
    )


def heat_figure(one: DriftBook, ident: str) -> str:
    """Write the heat map of a book."""
    path = one.path
    if path is None or not len(path.sessions) or not path.columns:
        return section(ident, TITLE, paragraph("NOT_COMPUTABLE: no session has been scanned yet."))
    order = ordered_columns(one)
    thin = thinned_path(path)
    each = -(-len(path.sessions) // COLUMNS)
    says = (
        "A row a column, a place a session: the stronger the tone, the less likely the trailing "
        "windows would differ so much from the reference if nothing had changed (calibrated "
        "p-value, of distances and missing values). A stripe in a cell marks a column that counts "
        "as drifted, all columns and windows of its scan considered; the strip above marks scans "
        "in alarm. Features stand worst first as of the newest scan, then prediction and label."
    )
    if each > 1:
        says += f" A place holds {each} sessions and shows the smallest p-value of them."
    keys = [Key(f"tone p{at}", text, "box") for at, text in enumerate(TONES)]
    keys += [
        Key("drifted core", "counts as drifted"),
        Key("alarm", "scan in alarm"),
        Key("unknown", "not computable"),
    ]
    doubt = (
        "Trailing windows overlap, so neighboring cells repeat each other: a long dark stretch is "
        "one finding, not many."
    )
    drawing = _drawing(path, thin, order, f"{ident}-d")
    return str(Figure(ident, TITLE, says, doubt, (drawing,), tuple(keys), _table(path, order)))


def _drawing(path: ScanPath, thin: Thinned, order: Sequence[int], ident: str) -> Drawing:
    x = days(path.sessions)
    across = Scale(x[0], x[-1] + 1.0, LEFT, WIDTH - RIGHT)
    floor = TOP + ROW * len(order)
    drawing = Drawing(ident, floor + FOOT, "Columns over time", _described(path, order))
    edges = np.append(across(days(thin.starts)), WIDTH - RIGHT)
    drawing.text(LEFT - 5.0, 12.0, "scan in alarm", "end", "small strong")
    _runs(drawing, [(8.0, thin.alarm == 1)], edges, "alarm")
    _runs(drawing, [(8.0, thin.alarm == -1)], edges, "unknown")
    middles = [TOP + ROW * (at + 0.5) for at in range(len(order))]
    # A p-value on a bound belongs to the weaker tone.
    level = np.digitize(-thin.p_values, [-bound for bound in BOUNDS], right=True)
    known = np.isfinite(thin.p_values)
    for tone in range(len(TONES)):
        rows = [
            (y, known[:, at] & (level[:, at] == tone)) for y, at in zip(middles, order, strict=True)
        ]
        _runs(drawing, rows, edges, f"tone p{tone}")
    missing = [(y, ~known[:, at]) for y, at in zip(middles, order, strict=True)]
    _runs(drawing, missing, edges, "unknown")
    drifted = [(y, thin.drifted[:, at]) for y, at in zip(middles, order, strict=True)]
    _runs(drawing, drifted, edges, "drifted")
    _runs(drawing, drifted, edges, "drifted core")
    for y, at in zip(middles, order, strict=True):
        strong = "small strong" if path.drifted[-1, at] else "small"
        drawing.text(LEFT - 5.0, y + 4.0, shortened(path.columns[at], LETTERS), "end", strong)
    drawing.date_axis(across, floor + 1.0)
    return drawing


def _runs(
    drawing: Drawing,
    rows: Sequence[tuple[float, NDArray[np.bool_]]],
    edges: Floats,
    class_: str,
) -> None:
    """Draw stretches of cells as thick lines, one path for all: a page stays small."""
    parts = []
    for y, where in rows:
        bounds = np.flatnonzero(np.diff(np.concatenate([[0], where.astype(np.int8), [0]])))
        parts += [
            f"M{number(edges[a])} {number(y)}H{number(edges[b])}"
            for a, b in zip(bounds[::2], bounds[1::2], strict=True)
        ]
    if parts:
        drawing.add("path", d="".join(parts), class_=class_)


def _described(path: ScanPath, order: Sequence[int]) -> str:
    now = [path.columns[at] for at in order if path.drifted[-1, at]]
    in_alarm = int((path.alarm == 1).sum())
    return (
        f"{counted(len(path.columns), 'column')} over {counted(len(path.sessions), 'session')}, "
        f"{path.sessions[0]} to {path.sessions[-1]}; {counted(in_alarm, 'scan')} in alarm; "
        f"drifted at the end: {listed(now) if now else 'none'}."
    )


def _table(path: ScanPath, order: Sequence[int]) -> Table:
    rows = []
    for at in order:
        p, psi = path.p_values[:, at], path.psi[:, at]
        known = p[np.isfinite(p)]
        rows.append(
            (
                path.columns[at],
                shown_p(float(p[-1])),
                shown_p(float(known.min()) if len(known) else float("nan")),
                shown(float(psi[-1]), ".3f"),
                f"{int(path.drifted[:, at].sum()):,}",
                f"{len(known):,}",
            )
        )
    return Table(
        ("column", "newest p", "smallest p", "newest PSI", "scans drifted", "scans computable"),
        tuple(rows),
        caption="Columns over all scans; p-values of one column, not adjusted",
    )
