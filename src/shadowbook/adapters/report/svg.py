"""Drawings as SVG text: real letters, no script, the same bytes for the same input.

A drawing is 360 units wide, which a phone shows one to one: a letter of 12 is 12 pixels high. Color
and dashes come from the page's style sheet, so that a screen at night and paper get their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from shadowbook.adapters.canvas import date_ticks
from shadowbook.core.values import Floats

WIDTH = 360.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 18.0, 8.0, 22.0
LETTER = 7.2
"""Width of an average letter of the usual size, in a wide font: none may be cut off."""

LINES = 6
"""Lines that dashes and colors tell apart."""

_COLUMNS = 320
"""Columns a line is thinned to; each keeps its first, lowest, highest and last value."""


def number(value: float) -> str:
    """Write a coordinate: one decimal, no empty zeros.

    >>> number(3.0), number(-0.04), number(2.25)
    ('3', '0', '2.2')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def element(tag: str, content: str | None = None, /, **attributes: object) -> str:
    """Write one element; ``class_`` and ``stroke_width`` become ``class`` and ``stroke-width``.

    ``content`` is markup. Attribute values are escaped, numbers written as coordinates.

    >>> element("rect", x=1.0, class_="a&b")
    '<rect x="1" class="a&amp;b"/>'
    """
    told = "".join(
        f' {name.rstrip("_").replace("_", "-")}="'
        f'{number(value) if isinstance(value, float) else escape(str(value))}"'
        for name, value in attributes.items()
    )
    return f"<{tag}{told}/>" if content is None else f"<{tag}{told}>{content}</{tag}>"


@dataclass(frozen=True)
class Scale:
    """From values to places along one side of a drawing.

    Attributes
    ----------
    low, high : values at ``start`` and ``stop``.
    log : equal distances are equal ratios.
    """

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, values: Floats | float) -> Floats:
        """Return the places of values; NaN stays NaN."""
        given = np.asarray(values, dtype=np.float64)
        low, high = self.low, self.high
        if self.log:
            with np.errstate(divide="ignore", invalid="ignore"):
                given = np.log(np.where(given > 0.0, given, np.nan))
            low, high = float(np.log(low)), float(np.log(high))
        places: Floats = self.start + (given - low) / (high - low) * (self.stop - self.start)
        return places

    def at(self, value: float) -> float:
        """Return the place of one value."""
        return float(self(value))


class Drawing:
    """A picture that grows by elements.

    Parameters
    ----------
    ident : unique on the page; its title and description are found by it.
    height : units.
    title, description : read aloud in the picture's place; plain text.
    """

    def __init__(self, ident: str, height: float, title: str, description: str) -> None:
        self.ident = ident
        self.height = height
        self._parts = [
            element("title", escape(title), id=f"{ident}-title"),
            element("desc", escape(description), id=f"{ident}-desc"),
        ]

    def add(self, tag: str, content: str | None = None, /, **attributes: object) -> None:
        """Add an element; see ``element``."""
        self._parts.append(element(tag, content, **attributes))

    def text(self, x: float, y: float, text: str, anchor: str = "start", class_: str = "") -> None:
        """Write plain text."""
        named = {"class_": class_} if class_ else {}
        placed = {"text_anchor": anchor} if anchor != "start" else {}
        self.add("text", escape(text), x=float(x), y=float(y), **placed, **named)

    def rect(self, x: float, y: float, width: float, height: float, class_: str) -> None:
        """Fill a rectangle."""
        self.add(
            "rect", x=float(x), y=float(y), width=float(width), height=float(height), class_=class_
        )

    def segment(self, start: tuple[float, float], stop: tuple[float, float], class_: str) -> None:
        """Draw a straight line."""
        d = f"M{number(start[0])} {number(start[1])}L{number(stop[0])} {number(stop[1])}"
        self.add("path", d=d, class_=class_)

    def line(self, x: Floats, y: Floats, class_: str) -> None:
        """Draw a line through places; a NaN is a gap."""
        if d := "".join(_polyline(*run) for run in runs(*thinned(x, y))):
            self.add("path", d=d, class_=class_)

    def band(self, x: Floats, low: Floats, high: Floats, class_: str) -> None:
        """Fill between two lines; a NaN is a gap."""
        keep = _columns_of(x)
        x, low, high = x[keep], low[keep], high[keep]
        d = "".join(
            _polyline(
                np.concatenate([x[part], x[part][::-1]]),
                np.concatenate([high[part], low[part][::-1]]),
            )
            + "Z"
            for part in _spans(np.isfinite(low) & np.isfinite(high))
        )
        if d:
            self.add("path", d=d, class_=class_)

    def value_axis(self, scale: Scale, ticks: Iterable[tuple[float, str]]) -> None:
        """Draw a vertical axis: a light line a tick, its text to the left."""
        for value, text in ticks:
            y = scale.at(value)
            self.segment((LEFT, y), (WIDTH - RIGHT, y), "grid")
            self.text(LEFT - 5.0, y + 4.0, text, "end")

    def date_axis(self, scale: Scale, y: float) -> None:
        """Draw a horizontal axis of dates under the picture."""
        self.segment((scale.start, y), (scale.stop, y), "axis")
        places, texts = date_ticks(scale.low, scale.high)
        kept = _apart(scale(places), texts)
        for x, text in kept:
            self.segment((x, y), (x, y + 4.0), "axis")
            half = len(text) * LETTER / 2.0
            self.text(min(max(x, half), WIDTH - half), y + 16.0, text, "middle")

    def __str__(self) -> str:
        """Write the picture."""
        return element(
            "svg",
            "".join(self._parts),
            viewBox=f"0 0 {number(WIDTH)} {number(self.height)}",
            role="img",
            aria_labelledby=f"{self.ident}-title {self.ident}-desc",
        )


def thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Leave out points that a line of this width cannot show: extremes and ends stay."""
    if len(x) <= 4 * _COLUMNS:
        return x, y
    column = np.minimum(np.arange(len(x)) * _COLUMNS // len(x), _COLUMNS - 1)
    keep: set[int] = set()
    for part in np.split(np.arange(len(x)), np.flatnonzero(np.diff(column)) + 1):
        keep |= {int(part[0]), int(part[-1])}
        told = y[part]
        if np.isfinite(told).any():
            keep |= {int(part[np.nanargmin(told)]), int(part[np.nanargmax(told)])}
        if np.isnan(told).any():
            keep.add(int(part[np.argmax(np.isnan(told))]))
    order = np.array(sorted(keep))
    return x[order], y[order]


def runs(x: Floats, y: Floats) -> list[tuple[Floats, Floats]]:
    """Cut a line at its gaps."""
    return [(x[part], y[part]) for part in _spans(np.isfinite(y))]


def end_labels(places: Sequence[float], low: float, high: float) -> list[float]:
    """Move labels apart that would lie on each other, in the order of their places."""
    order = np.argsort(places, kind="stable")
    moved = np.array(places, dtype=np.float64)[order]
    for i in range(1, len(moved)):
        moved[i] = max(moved[i], moved[i - 1] + 11.0)
    if len(moved):
        moved -= max(moved[-1] - high, 0.0)
        moved[0] = max(moved[0], low)
    for i in range(1, len(moved)):
        moved[i] = max(moved[i], moved[i - 1] + 11.0)
    spread = np.empty(len(moved))
    spread[order] = moved
    return [float(place) for place in spread]


def _apart(places: Floats, texts: Sequence[str]) -> list[tuple[float, str]]:
    """Keep every date, or every second one, ..., so that none touches the next."""
    longest = max((len(text) for text in texts), default=0) * LETTER + 8.0
    step = 1
    while len(places[::step]) > 1 and float(np.diff(places[::step]).min()) < longest:
        step += 1
    return [(float(place), text) for place, text in zip(places[::step], texts[::step], strict=True)]


def _columns_of(x: Floats) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, len(x) - 1, min(len(x), 2 * _COLUMNS)).astype(np.int64))


def _spans(known: NDArray[np.bool_]) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _polyline(x: Floats, y: Floats) -> str:
    return "M" + "L".join(f"{number(a)} {number(b)}" for a, b in zip(x, y, strict=True))
