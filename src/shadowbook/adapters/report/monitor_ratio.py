"""The realization ratio over time: what live kept of what the backtest promised."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.html import Figure, Key, paragraph
from shadowbook.adapters.report.monitor_lines import LEFT, value_axis
from shadowbook.adapters.report.monitor_words import newest_ratio, spoken
from shadowbook.adapters.report.svg import (
    BOTTOM,
    RIGHT,
    WIDTH,
    Drawing,
    Scale,
    element,
)
from shadowbook.adapters.report.ticks import round_ticks
from shadowbook.core.performance.monitored import RatioPath
from shadowbook.core.values import Floats

HEIGHT, TOP = 182.0, 20.0
_ROOM = 1.5
"""The interval is drawn this many times the height of the ratios beyond them."""

_SHARE = (2.0, 98.0)
"""Percentiles of the ratios that must be seen: a backtest near zero makes single ones huge."""


def ratio_figure(paths: Mapping[str, RatioPath], ident: str) -> str:
    """Write the figure of the realization ratios of a book."""
    told = {metric: path for metric, path in paths.items() if np.isfinite(path.values).any()}
    if not told:
        content = paragraph(
            "Not computable: either no full window of live sessions has passed, or the backtest "
            "is at or below zero, of which no share can be kept."
        )
        heading = element("h2", escape("Realization ratio"), id=f"{ident}-heading")
        return element("section", heading + content, id=ident, aria_labelledby=f"{ident}-heading")
    drawings = tuple(_drawing(metric, path, f"{ident}-{metric}") for metric, path in told.items())
    newest = "; ".join(
        f"{spoken(metric).heading.removesuffix(', a year')} {newest_ratio(path)}"
        for metric, path in paths.items()
    )
    windows = " and ".join(f"{n}" for n in sorted({path.window for path in told.values()}))
    return str(
        Figure(
            ident,
            "Realization ratio",
            f"Live over backtest, of the trailing {windows} live sessions; the shaded band is its "
            "95 % bootstrap interval. 1 (dashed) is what was promised, 0 is nothing, below 0 the "
            f"strategy works against itself. A gap is not computable. Newest: {newest}.",
            "Where 1 lies in the band, live is not shown to differ from the backtest. There is no "
            "band where the backtest may be worth nothing, and what leaves the drawing is cut off.",
            drawings,
            (
                Key("line c0", "live / backtest"),
                Key("band", "95 % interval", "box"),
                Key("one", "as promised"),
            ),
        )
    )


def _drawing(metric: str, path: RatioPath, ident: str) -> Drawing:
    floor = HEIGHT - BOTTOM
    up = _scale(path, floor)
    x = days(path.sessions)
    across = Scale(x[0], max(x[-1], x[0] + 1.0), LEFT, WIDTH - RIGHT)
    name = spoken(metric).heading.removesuffix(", a year")
    drawing = Drawing(
        ident.replace("_", "-"),
        HEIGHT,
        f"Realization ratio of the {name}",
        f"Newest {newest_ratio(path)}; 1 is what the backtest promised.",
    )
    value_axis(drawing, up, round_ticks(up.low, up.high, 5))
    low, high = (np.clip(one, up.low, up.high) for one in (path.low, path.high))
    drawing.band(across(x), up(low), up(high), "band")
    if up.low < 0.0 < up.high:
        drawing.segment((LEFT, up.at(0.0)), (WIDTH - RIGHT, up.at(0.0)), "axis")
    drawing.segment((LEFT, up.at(1.0)), (WIDTH - RIGHT, up.at(1.0)), "one")
    inside: Floats = np.clip(path.values, up.low, up.high)
    drawing.line(across(x), up(inside), "line c0")
    drawing.text(LEFT + 3.0, TOP - 8.0, name, class_="small strong")
    drawing.date_axis(across, floor)
    return drawing


def _scale(path: RatioPath, floor: float) -> Scale:
    values = path.values[np.isfinite(path.values)]
    bottom, top = (float(one) for one in np.percentile(values, _SHARE))
    room = _ROOM * max(top - bottom, 0.5)
    both = np.isfinite(path.low) & np.isfinite(path.high)
    edges = [path.low[both], path.high[both]]
    low = max(float(edges[0].min(initial=bottom)), bottom - room)
    high = min(float(edges[1].max(initial=top)), top + room)
    low, high = min(low, 0.0, bottom), max(high, 1.1, top)
    return Scale(low - 0.04 * (high - low), high + 0.04 * (high - low), floor, TOP)
