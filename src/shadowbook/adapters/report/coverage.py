"""Figure: which prices there were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.html import Figure, Key, Table
from shadowbook.adapters.report.svg import BOTTOM, LETTER, TOP, WIDTH, Drawing, Scale
from shadowbook.adapters.report.svg import LEFT as AXIS
from shadowbook.adapters.report.ticks import round_ticks
from shadowbook.adapters.report.words import counted
from shadowbook.core.values import Floats, Sessions

IDENT, TITLE = "coverage", "Which prices it saw"
ROW, RIGHT, NAME = 13.0, 6.0, 10
MOST = 40
"""Symbols that get a row each; of more, those with gaps do."""

WORST = 20
_HEIGHT = 150.0

Marks = NDArray[np.bool_]


def coverage_figure(
    sessions: Sessions,
    symbols: Sequence[str],
    prices: Floats,
    quarantined: Sequence[Mapping[str, Any]],
) -> Figure:
    """Draw the share of sessions with a price, by symbol and time.

    Parameters
    ----------
    sessions : (T,).
    symbols : N names.
    prices : (T, N) as the run saw them; NaN = missing or quarantined.
    quarantined : the gate's spans: symbol, first, last (None: to the end).
    """
    known = np.isfinite(prices)
    spans = _spans(sessions, symbols, quarantined)
    alive = _alive(known | spans)
    share = np.array([_share(known[:, n], alive[:, n]) for n in range(len(symbols))])
    rows = np.arange(len(symbols))
    drawings: tuple[Drawing, ...] = ()
    if len(symbols) > MOST:
        flawed = np.flatnonzero((share < 1.0) | spans.any(axis=0))
        rows = np.sort(flawed[np.argsort(share[flawed], kind="stable")][:WORST])
        drawings = (_counts(sessions, known),)
    unit = "Y" if len(sessions) > 1512 else "M" if len(sessions) > 60 else "D"
    if len(rows):
        drawings += (_cells(sessions, symbols, rows, (known, alive, spans), unit),)
    cell = {"Y": "year", "M": "month", "D": "session"}[unit]
    return Figure(
        IDENT,
        TITLE,
        _says(symbols, rows, cell),
        _doubt(sessions, known, spans),
        drawings,
        (
            Key("cover full", "every session has a price", "box"),
            Key("cover part", "at least 90 %", "box"),
            Key("cover thin", "fewer, or none", "box"),
            Key("cover quarantined", "quarantined by the gate", "box"),
        ),
        _table(sessions, symbols, rows, (known, alive, spans)),
    )


def _says(symbols: Sequence[str], rows: NDArray[np.int64], cell: str) -> str:
    scale = (
        f"Each cell is a symbol's {cell}: the stronger its color, the more of the sessions "
        "between its first and its last price lack one; blank is before the first or after the "
        "last."
    )
    if len(symbols) <= MOST:
        return scale
    total = f"The line counts the {len(symbols):,} symbols with a price in each session."
    if not len(rows):
        return f"{total} None of them lacks a price between its first and its last."
    return f"{total} Below, the {counted(len(rows), 'symbol')} with the most gaps. {scale}"


def _doubt(sessions: Sessions, known: Marks, spans: Marks) -> str:
    told = "A price that is there may still be wrong; what was checked stands under Gates."
    if spans.any():
        n = int(spans.any(axis=0).sum())
        told = f"{counted(int(spans.sum()), 'price')} of {counted(n, 'symbol')} " + (
            f"{'was' if spans.sum() == 1 else 'were'} quarantined and not used. {told}"
        )
    recent = known[-min(5, len(sessions)) :].any(axis=0)
    if recent.all():
        told += (
            f" All {known.shape[1]:,} symbols have prices up to the end: where a list holds only "
            "names that survived, every result looks better than it was."
        )
    return told


def _spans(
    sessions: Sessions, symbols: Sequence[str], quarantined: Sequence[Mapping[str, Any]]
) -> Marks:
    marks = np.zeros((len(sessions), len(symbols)), dtype=bool)
    column = {symbol: n for n, symbol in enumerate(symbols)}
    for span in quarantined:
        if span["symbol"] in column:
            first = np.datetime64(span["first"], "D")
            last = np.datetime64(span["last"], "D") if span["last"] else sessions[-1]
            marks[(sessions >= first) & (sessions <= last), column[span["symbol"]]] = True
    return marks


def _alive(known: Marks) -> Marks:
    """Tell from a symbol's first to its last price."""
    begun = np.logical_or.accumulate(known, axis=0)
    left = np.logical_or.accumulate(known[::-1], axis=0)[::-1]
    alive: Marks = begun & left
    return alive


def _share(known: Marks, alive: Marks) -> float:
    return float(known[alive].mean()) if alive.any() else 0.0


def _counts(sessions: Sessions, known: Marks) -> Drawing:
    counts = known.sum(axis=1).astype(np.float64)
    x = days(sessions)
    across = Scale(x[0], max(x[-1], x[0] + 1.0), AXIS, WIDTH - RIGHT)
    up = Scale(0.0, max(float(counts.max()) * 1.05, 1.0), _HEIGHT - BOTTOM, TOP)
    drawing = Drawing(
        f"{IDENT}-count",
        _HEIGHT,
        "Symbols with a price",
        f"Between {int(counts.min()):,} and {int(counts.max()):,} symbols have a price.",
    )
    drawing.value_axis(up, round_ticks(0.0, up.high, 4))
    drawing.line(across(x), up(counts), "line c0")
    drawing.date_axis(across, _HEIGHT - BOTTOM)
    return drawing


def _cells(
    sessions: Sessions,
    symbols: Sequence[str],
    rows: NDArray[np.int64],
    marks: tuple[Marks, Marks, Marks],
    unit: str,
) -> Drawing:
    known, alive, spans = marks
    names = [_short(symbols[n]) for n in rows]
    left = max(len(name) for name in names) * LETTER + 10.0
    x = days(sessions)
    across = Scale(x[0], x[-1] + 1.0, left, WIDTH - RIGHT)
    bins = sessions.astype(f"datetime64[{unit}]")
    starts = np.flatnonzero(np.concatenate([[True], bins[1:] != bins[:-1]]))
    edges = across(np.append(x[starts], x[-1] + 1.0))
    height = TOP + ROW * len(rows) + BOTTOM
    drawing = Drawing(
        IDENT,
        height,
        "Coverage by symbol",
        f"{counted(len(rows), 'symbol')} from {sessions[0]} to {sessions[-1]}; the numbers stand "
        "in the table below.",
    )
    for at, (n, name) in enumerate(zip(rows, names, strict=True)):
        y = TOP + ROW * at
        drawing.text(left - 5.0, y + ROW / 2.0 + 4.0, name, "end")
        levels = _levels(known[:, n], alive[:, n] & ~spans[:, n], starts)
        for begin, end, level in _joined(levels):
            wide = float(edges[end] - edges[begin])
            drawing.rect(float(edges[begin]), y + 1.0, wide, ROW - 2.0, f"cover {level}")
        for begin, end, _ in _joined(["quarantined" if q else "" for q in spans[:, n]]):
            first, last = across(np.array([x[begin], x[end - 1] + 1.0]))
            wide = max(float(last - first), 4.0)
            drawing.rect(float(first), y + 0.5, wide, ROW - 1.0, "cover quarantined")
    drawing.date_axis(across, height - BOTTOM)
    return drawing


def _levels(known: Marks, alive: Marks, starts: NDArray[np.int64]) -> list[str]:
    """Name the style of each bin; an empty text where the symbol did not live."""
    there = np.add.reduceat((known & alive).astype(np.int64), starts)
    wanted = np.add.reduceat(alive.astype(np.int64), starts)
    return [
        "" if not w else "full" if t == w else "part" if t >= 0.9 * w else "thin"
        for t, w in zip(there, wanted, strict=True)
    ]


def _joined(levels: Sequence[str]) -> list[tuple[int, int, str]]:
    """Join neighbors of one level: (first, one past the last, level), empty ones left out."""
    changes = [at for at in range(1, len(levels)) if levels[at] != levels[at - 1]]
    borders = [0, *changes, len(levels)]
    return [(begin, end, levels[begin]) for begin, end in pairwise(borders) if levels[begin]]


def _short(name: str) -> str:
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _table(
    sessions: Sessions,
    symbols: Sequence[str],
    rows: NDArray[np.int64],
    marks: tuple[Marks, Marks, Marks],
) -> Table | None:
    known, alive, spans = marks
    told = []
    for n in rows:
        there = np.flatnonzero(known[:, n])
        ends = (str(sessions[there[0]]), str(sessions[there[-1]])) if len(there) else ("never",) * 2
        missing = int((alive[:, n] & ~known[:, n] & ~spans[:, n]).sum())
        told.append((symbols[n], *ends, f"{missing:,}", f"{int(spans[:, n].sum()):,}"))
    headings = ("symbol", "first price", "last price", "missing between", "quarantined")
    return Table(headings, tuple(told), caption="Sessions by symbol") if told else None
