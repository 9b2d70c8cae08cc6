"""The sheet our plots are drawn on: sizes, colors, axes, and how it becomes a file.

matplotlib's figure objects alone: no pyplot and no global state, so threads may draw at once.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shadowbook.adapters.disk import replace_file
from shadowbook.core.values import Floats, Sessions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 144
WIDTH = 6.6
"""Inches; on a phone 390 pixels wide, 13 points are drawn 11 pixels high."""

TITLE, TEXT = 15.0, 13.0
INK, FAINT, GRID, MARK = "#1a1a1a", "#595959", "#e4e4e4", "#b0b0b0"

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe & Ito (2008): told apart with every kind of color vision."""

DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.2)), (0, (1.5, 1)), (0, (6, 1.2, 1.5, 1.2)))

_EDGE, _LEFT, _RIGHT, _BOTTOM = 0.1, 0.82, 0.18, 0.42
_TITLE_LINE, _LEGEND_LINE, _GAP = 0.29, 0.24, 0.46
_TITLE_LETTERS, _COLUMN_LETTERS = 50, 25

_DATES = (
    *(("D", step, "%d %b %Y", 4) for step in (1, 2, 7, 14)),
    *(("M", step, "%b %Y", 5) for step in (1, 2, 3, 6)),
    *(("Y", step, "%Y", 7) for step in (1, 2, 5, 10, 20)),
    ("Y", 50, "%Y", 1000),
)
"""Steps between dates: unit, number, how a date is written, how many fit beside each other."""


class Canvas:
    """A figure with a title, a legend of its own and panels under each other.

    Parameters
    ----------
    title : plain text, wrapped.
    names : texts of the legend; long ones get one column instead of two.
    heights : of the panels, in inches, from the top.
    """

    def __init__(self, title: str, names: Sequence[str], heights: Sequence[float]) -> None:
        from matplotlib.figure import Figure

        lines = textwrap.wrap(title, _TITLE_LETTERS) or [""]
        self._columns = 1 if any(len(name) > _COLUMN_LETTERS for name in names) else 2
        rows = -(-len(names) // self._columns)
        top = _EDGE + _TITLE_LINE * len(lines)
        head = top + _LEGEND_LINE * rows + _GAP
        height = head + sum(heights) + _GAP * (len(heights) - 1) + _BOTTOM
        self._figure = Figure(figsize=(WIDTH, height), dpi=DPI, facecolor="white")
        self._below_title = (_EDGE / WIDTH, 1.0 - (top + 0.5 * _EDGE) / height)
        self._write((_EDGE / WIDTH, 1.0 - _EDGE / height), lines, TITLE, "bold")
        self.panels: list[Axes] = []
        top = height - head
        for panel_height in heights:
            box = (
                _LEFT / WIDTH,
                (top - panel_height) / height,
                (WIDTH - _LEFT - _RIGHT) / WIDTH,
                panel_height / height,
            )
            self.panels.append(_panel(self._figure.add_axes(box)))
            top -= panel_height + _GAP

    def _write(
        self, place: tuple[float, float], lines: Sequence[str], size: float, weight: str
    ) -> None:
        # A dollar sign in a name is a dollar sign, not mathematics.
        self._figure.text(
            *place,
            "\n".join(lines),
            fontsize=size,
            fontweight=weight,
            color=INK,
            va="top",
            parse_math=False,
        )

    def legend(self, handles: Sequence[Any]) -> None:
        """Show what the lines are, between the title and the first panel."""
        legend = self._figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=self._below_title,
            ncols=self._columns,
            fontsize=TEXT,
            labelcolor=INK,
            frameon=False,
            borderpad=0.0,
            borderaxespad=0.0,
            labelspacing=0.25,
            handlelength=1.8,
            columnspacing=1.2,
        )
        for text in legend.get_texts():
            text.set_parse_math(False)

    def dates(self, first: float, last: float) -> None:
        """Share one time axis between the panels; dates stand under the lowest."""
        places, texts = date_ticks(first, last)
        for panel in self.panels:
            lowest = panel is self.panels[-1]
            panel.set_xticks(places, texts if lowest else [""] * len(texts))
            panel.set_xlim(first, max(last, first + 1.0))

    def say(self, text: str) -> None:
        """Write a sentence in the place of the panels."""
        for panel in self.panels:
            panel.set_axis_off()
        self._write(self._below_title, textwrap.wrap(text, _TITLE_LETTERS), TEXT, "normal")

    def save(self, destination: Path) -> None:
        """Write the PNG whole; it says nothing about when and with what it was drawn."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        surface = FigureCanvasAgg(self._figure)
        # matplotlib would add its own version.
        replace_file(
            destination, lambda draft: surface.print_png(draft, metadata={"Software": None})
        )


def days(sessions: Sessions) -> Floats:
    """Dates as matplotlib counts them: days since 1970.

    Given as plain numbers, they are drawn alike whether or not pandas has put its own converters
    for dates into matplotlib's global registry.
    """
    counted: NDArray[np.int64] = np.asarray(sessions, dtype="datetime64[D]").astype(np.int64)
    return counted.astype(np.float64)


def date_ticks(first: float, last: float) -> tuple[Floats, list[str]]:
    """Choose round dates between two days, few enough to be read.

    >>> places, texts = date_ticks(*days(np.array(["2019-11-20", "2020-12-31"], "datetime64[D]")))
    >>> texts
    ['Jan 2020', 'Apr 2020', 'Jul 2020', 'Oct 2020']
    """
    chosen = (
        (places, form)
        for unit, step, form, most in _DATES
        if len(places := _round_dates(first, last, unit, step)) <= most
    )
    places, form = next(chosen)
    dates = [np.datetime64(int(place), "D").astype(object) for place in places]
    return places, [f"{date:{form}}" for date in dates]


def _round_dates(first: float, last: float, unit: str, step: int) -> Floats:
    span = np.array([int(first), int(last)], dtype="datetime64[D]")
    begin, end = span.astype(f"datetime64[{unit}]").astype(np.int64)
    counted = np.arange(begin // step * step, end + 1, step)
    places = days(counted.astype(f"datetime64[{unit}]"))
    return places[(places >= first) & (places <= last)]


def name_panel(panel: Axes, text: str) -> None:
    """Say above a panel what it counts: across, where a phone has room for it."""
    panel.set_title(text, loc="left", fontsize=TEXT, color=INK, pad=7.0, parse_math=False)


def written(value: float, form: str) -> str:
    """Write a number in a format of Python's, with a true minus sign.

    >>> written(-0.5, "+.2f")
    '−0.50'
    """
    return f"{value:{form}}".replace("-", "\N{MINUS SIGN}")


def write_ticks(panel: Axes, form: str) -> None:
    """Write the numbers of a vertical axis in a format of Python's."""
    from matplotlib.ticker import FuncFormatter

    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: written(value, form)))


def _panel(axes: Axes) -> Axes:
    axes.set_facecolor("white")
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=TEXT, colors=INK, length=4.0, color=FAINT)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    return axes
