"""Two pictures of a training run: how well scores ranked, and what trading them earned.

The same input gives the same bytes (with the same matplotlib). Sized to be read on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shadowbook.adapters.canvas import (
    COLORS,
    DASHES,
    FAINT,
    INK,
    MARK,
    Canvas,
    days,
    name_panel,
    write_ticks,
    written,
)
from shadowbook.core.stats.averages import rolling_mean, rolling_mean_error
from shadowbook.core.stats.growth import equity_curve
from shadowbook.core.values import Floats, Sessions
from shadowbook.errors import SchemaError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def information_coefficient_plot(
    sessions: Sessions,
    series: Mapping[str, Floats],
    window: int,
    destination: Path,
    title: str,
    fold_starts: Sessions | None = None,
    overlap: int = 1,
) -> None:
    """Draw the walk-forward information coefficient as a rolling mean.

    Parameters
    ----------
    sessions : (T,) dates, ascending.
    series : candidate -> (T,) information coefficient of each session; NaN = not computable. The
        best candidate comes first and gets a pointwise 95 % interval of the rolling mean.
    window : sessions in the mean. A session without a coefficient, or with fewer than half of
        its window filled, is a gap in the line.
    destination : the PNG file; replaced whole.
    title : plain text.
    fold_starts : first sessions of the test windows, drawn as light vertical lines.
    overlap : sessions one coefficient spans (the horizon). The error is that of the long-run
        variance of the whole series (Newey & West 1987) over the coefficients in the window.

    Raises
    ------
    SchemaError
        When no candidate is given or one has not T values.
    PermanentError
        When the file cannot be written.
    """
    _check(sessions, series)
    best = next(iter(series))
    means = {name: rolling_mean(values, window) for name, values in series.items()}
    seen = np.flatnonzero(np.isfinite(np.stack(list(means.values()))).any(axis=0))
    if not len(seen):
        reason = f"no window of {window} sessions is at least half filled"
        _not_computable(title, reason, destination)
        return
    labels = {name: f"{name}: mean {written(_mean(ic), '+.3f')}" for name, ic in series.items()}
    band, boundary = "band: 95 % interval", "a test window begins"
    begins = np.empty(0) if fold_starts is None else days(fold_starts)
    canvas = Canvas(title, [*labels.values(), band, *[boundary] * bool(len(begins))], [3.3])
    x, (panel,) = days(sessions), canvas.panels
    panel.axhline(0.0, color=INK, linewidth=1.3, zorder=2.0)
    marks = [
        panel.axvline(day, color=MARK, linewidth=1.0, zorder=1.5, label=boundary) for day in begins
    ]
    error = 1.96 * rolling_mean_error(series[best], window, overlap)
    area = panel.fill_between(
        x, means[best] - error, means[best] + error, color=COLORS[0], alpha=0.2, linewidth=0.0
    )
    area.set_label(band)
    canvas.legend([*_lines(panel, x, means, labels), area, *marks[:1]])
    name_panel(panel, f"information coefficient, mean of {window} sessions")
    write_ticks(panel, "+.2f")
    canvas.dates(x[seen[0]], x[seen[-1]])
    canvas.save(destination)


def equity_plot(
    sessions: Sessions,
    returns: Mapping[str, Floats],
    destination: Path,
    title: str,
    benchmark: tuple[str, Floats] | None = None,
) -> None:
    """Draw what one unit grew to, and how far the best candidate fell below its peak.

    Parameters
    ----------
    sessions : (T,) dates, ascending.
    returns : candidate -> (T,) simple returns after costs, the best candidate first; NaN = no
        book. Before its first return a book is not drawn; a NaN later is a gap over which its
        value stands.
    destination : the PNG file; replaced whole.
    title : plain text.
    benchmark : name and (T,) simple returns, held from the first session of any book to the last.

    Raises
    ------
    SchemaError
        When no candidate is given or a series has not T values.
    PermanentError
        When the file cannot be written.
    """
    extra = dict([benchmark]) if benchmark else {}
    _check(sessions, returns)
    _check(sessions, extra or returns)
    if not extra.keys().isdisjoint(returns):
        raise SchemaError(f"plot: {next(iter(extra))} names a candidate and the benchmark")
    live = np.flatnonzero(np.isfinite(np.stack(list(returns.values()))).any(axis=0))
    if not len(live):
        _not_computable(title, "no candidate has a return after costs", destination)
        return
    span = slice(live[0], live[-1] + 1)
    growth = {name: _growth(values[span]) for name, values in returns.items()}
    beside = {name: _growth(values[span]) for name, values in extra.items()}
    labels = {name: f"{name}: {_last(path):.2f}×" for name, path in (growth | beside).items()}
    canvas = Canvas(title, list(labels.values()), [2.9, 1.25])
    x = days(sessions[span])
    upper, lower = canvas.panels
    handles = _lines(upper, x, growth, labels)
    for name, path in beside.items():
        handles += upper.plot(x, path, label=labels[name], color=FAINT, linewidth=1.2, zorder=2.5)
    canvas.legend(handles)
    _growth_axis(upper, [*growth.values(), *beside.values()])
    _drawdown(lower, x, next(iter(growth)), next(iter(growth.values())))
    canvas.dates(x[0], x[-1])
    canvas.save(destination)


def _not_computable(title: str, reason: str, destination: Path) -> None:
    canvas = Canvas(title, [], [0.2])
    canvas.say(f"NOT_COMPUTABLE: {reason}.")
    canvas.save(destination)


def _check(sessions: Sessions, series: Mapping[str, Floats]) -> None:
    if not series:
        raise SchemaError("plot: no candidate is given; pass at least one series")
    for name, values in series.items():
        if values.shape != sessions.shape:
            raise SchemaError(
                f"plot: {name} has shape {values.shape} and there are {len(sessions)} sessions; "
                "pass one value a session"
            )


def _growth(returns: Floats) -> Floats:
    """Value of one unit, a loss of everything being final; NaN where there is no return."""
    value: Floats = np.where(np.isfinite(returns), equity_curve(returns), np.nan)
    return value


def _mean(values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else math.nan


def _last(path: Floats) -> float:
    finite = path[np.isfinite(path)]
    return float(finite[-1]) if len(finite) else math.nan


def _lines(
    panel: Axes, x: Floats, paths: Mapping[str, Floats], labels: Mapping[str, str]
) -> list[Any]:
    """Draw the candidates, the best one last and heavier, so that it lies on top."""
    handles: list[Any] = []
    for order, (name, path) in enumerate(paths.items()):
        style: dict[str, Any] = {
            "color": COLORS[order % len(COLORS)],
            "linestyle": DASHES[order % len(DASHES)],
            "linewidth": 2.2 if order == 0 else 1.5,
            "zorder": 4.0 if order == 0 else 3.0,
        }
        handles += panel.plot(x, path, label=labels[name], **style)
    return handles


def _growth_axis(panel: Axes, paths: list[Floats]) -> None:
    """Equal distances are equal growth, and the numbers are written plainly."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    values = np.concatenate(paths)
    values = values[values > 0.0]
    low, high = float(values.min(initial=1.0)), float(values.max(initial=1.0))
    panel.set_yscale("log", nonpositive="mask")
    room = (high / low) ** 0.05 * 1.002
    panel.set_ylim(low / room, high * room)
    # Powers alone would leave a narrow span without a single number.
    wide = high / low > 5.0
    panel.yaxis.set_major_locator(
        LogLocator(subs=(1.0, 2.0, 5.0), numticks=9)
        if wide
        else MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10])
    )
    panel.yaxis.set_minor_locator(NullLocator())
    write_ticks(panel, "g")
    panel.axhline(1.0, color=INK, linewidth=1.3, zorder=2.0)
    name_panel(panel, "growth of 1, after costs")


def _drawdown(panel: Axes, x: Floats, name: str, path: Floats) -> None:
    from matplotlib.ticker import MaxNLocator

    peak = np.fmax.accumulate(np.fmax(path, 1.0))
    depth = path / peak - 1.0
    panel.fill_between(x, depth, 0.0, color=COLORS[0], alpha=0.35, linewidth=0.0)
    panel.plot(x, depth, color=COLORS[0], linewidth=1.2)
    deepest = float(np.nanmin(depth, initial=0.0))
    panel.set_ylim(min(deepest * 1.08, -0.01), 0.0)
    panel.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    write_ticks(panel, ".0%")
    short = name if len(name) <= 24 else f"{name[:23]}…"
    name_panel(panel, f"drawdown of {short}, deepest {written(deepest, '.1%')}")
