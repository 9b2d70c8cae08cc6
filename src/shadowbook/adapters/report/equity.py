"""Figures: what trading the candidates earned after costs, and how far the chosen one fell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.html import Figure, Key, line_class
from shadowbook.adapters.report.svg import (
    BOTTOM,
    LEFT,
    LINES,
    RIGHT,
    TOP,
    WIDTH,
    Drawing,
    Scale,
    end_labels,
)
from shadowbook.adapters.report.ticks import ratio_ticks, round_ticks
from shadowbook.adapters.report.words import Metrics, counted, distance, signed, with_error
from shadowbook.core.stats.growth import equity_curve
from shadowbook.core.values import Floats, Sessions

EQUITY, DRAWDOWN = "equity", "drawdown"
TITLE, DRAWDOWN_TITLE = "What trading it would have earned", "How far it fell"
HEIGHT, LOW_HEIGHT = 250.0, 150.0


def equity_figure(
    sessions: Sessions,
    returns: Mapping[str, Floats],
    metrics: Mapping[str, Metrics],
    cost_bps: float,
) -> Figure:
    """Draw the growth of one unit of every candidate, the chosen first.

    Parameters
    ----------
    sessions : (S,) tested sessions.
    returns : candidate -> (S,) simple returns after costs; NaN = no book.
    metrics : candidate -> its recorded metrics.
    cost_bps : cost of a trade, in basis points of its notional.
    """
    live = np.flatnonzero(np.isfinite(np.stack(list(returns.values()))).any(axis=0))
    if not len(live):
        return Figure(EQUITY, TITLE, "Not computable: no candidate has a return after costs.")
    span = slice(int(live[0]), int(live[-1]) + 1)
    paths = {name: growth(values[span]) for name, values in list(returns.items())[:LINES]}
    ends = {name: _last(path) for name, path in paths.items()}
    keys = tuple(
        Key(line_class(at), f"{at + 1} {name}: {end:.2f}×")
        for at, (name, end) in enumerate(ends.items())
    )
    beyond = len(returns) - len(paths)
    more = f" The other {beyond} stand in the table of candidates alone." if beyond else ""
    says = (
        "What 1 grew to in each candidate's book of its best names bought and its worst sold "
        f"short, out of sample, after costs of {cost_bps:g} basis points of what is traded; "
        "equal heights are equal ratios, and the number at a line's end is its number in the "
        f"legend.{more}"
    )
    return Figure(
        EQUITY, TITLE, says, sharpe_doubt(metrics), (_growth(days(sessions[span]), paths),), keys
    )


def drawdown_figure(
    name: str, sessions: Sessions, returns: Floats, metric: Mapping[str, Any]
) -> Figure:
    """Draw how far one book stood below its highest value so far.

    Parameters
    ----------
    name : the candidate.
    sessions : (S,).
    returns : (S,) simple, after costs; NaN = no book.
    metric : its recorded ``max_drawdown``.
    """
    live = np.flatnonzero(np.isfinite(returns))
    if not len(live):
        return Figure(DRAWDOWN, DRAWDOWN_TITLE, f"Not computable: {metric['reason']}.")
    span = slice(int(live[0]), int(live[-1]) + 1)
    held, path = sessions[span], growth(returns[span])
    peak = np.fmax.accumulate(np.fmax(path, 1.0))
    depth = path / peak - 1.0
    says = (
        f"How far {name}'s book stood below its own highest value so far, in percent of that "
        "value, after costs; 0 is a new high."
    )
    return Figure(
        DRAWDOWN,
        DRAWDOWN_TITLE,
        says,
        _fall(held, path, depth, metric),
        (depth_drawing(DRAWDOWN, days(held), depth),),
    )


def growth(returns: Floats) -> Floats:
    """Value of one unit, a loss of everything being final; NaN where there is no return."""
    value: Floats = np.where(np.isfinite(returns), equity_curve(returns), np.nan)
    return value


def sharpe_doubt(metrics: Mapping[str, Metrics]) -> str:
    """Say how far the Sharpe ratios are from zero, and what they leave out."""
    away = {name: distance(own["sharpe_annualized"]) for name, own in metrics.items()}
    known = {name: value for name, value in away.items() if value is not None}
    left_out = "Borrowing fees, interest and market impact are not in it."
    if not known:
        return f"No Sharpe ratio could be computed. {left_out}"
    sure = [name for name, value in known.items() if abs(value) >= 2.0]
    first, largest = max(known.items(), key=lambda item: abs(item[1]))
    ratio = with_error(metrics[first]["sharpe_annualized"], ".2f")
    if not sure:
        said = (
            "No Sharpe ratio here is two standard errors from zero (the farthest is "
            f"{first}, {ratio} a year, {signed(largest, '.1f')} errors): it may all be luck."
        )
    else:
        said = (
            f"{_sides(len(metrics), [known[name] for name in sure])} (the farthest is {first}, "
            f"{ratio} a year, {signed(largest, '.1f')} errors)."
        )
    tried = len(metrics)
    corrected = f" With {tried} tried, the best looks better than it is." if tried > 1 else ""
    return f"{said}{corrected} {left_out}"


def _sides(tried: int, errors: Sequence[float]) -> str:
    """Say how many ratios are two errors or more from zero, and on which side."""
    below = sum(error < 0.0 for error in errors)
    above = len(errors) - below
    if not above:
        verb = "lies" if below == 1 else "lie"
        return (
            f"No Sharpe ratio here is two standard errors above zero, and {below} of {tried} "
            f"{verb} as far below"
        )
    verb = "is" if above == 1 else "are"
    tail = f", {below} as far below" if below else ""
    return (
        f"{above} of {counted(tried, 'Sharpe ratio')} {verb} two standard errors or more above "
        f"zero{tail}"
    )


def _growth(x: Floats, paths: Mapping[str, Floats]) -> Drawing:
    values = np.concatenate(list(paths.values()))
    values = values[values > 0.0]
    low, high = float(values.min(initial=1.0)), float(values.max(initial=1.0))
    room = (high / low) ** 0.04 * 1.004
    across = Scale(x[0], max(x[-1], x[0] + 1.0), LEFT, WIDTH - RIGHT)
    up = Scale(low / room, high * room, HEIGHT - BOTTOM, TOP, log=True)
    told = ", ".join(f"{name} {_last(path):.2f}" for name, path in paths.items())
    drawing = Drawing(EQUITY, HEIGHT, "Growth of 1 after costs", f"One unit grew to: {told}.")
    drawing.value_axis(up, ratio_ticks(up.low, up.high, 7))
    drawing.segment((LEFT, up.at(1.0)), (WIDTH - RIGHT, up.at(1.0)), "axis strong")
    for at, path in reversed(list(enumerate(paths.values()))):
        drawing.line(across(x), up(path), line_class(at))
    floor = HEIGHT - BOTTOM
    ends = [up.at(_last(path)) for path in paths.values()]
    placed = end_labels([end if np.isfinite(end) else floor for end in ends], TOP, floor)
    for at, y in enumerate(placed):
        drawing.text(WIDTH - RIGHT + 4.0, y + 4.0, str(at + 1), class_="strong")
    drawing.date_axis(across, floor)
    return drawing


def depth_drawing(ident: str, x: Floats, depth: Floats) -> Drawing:
    """Draw a drawdown: days and (T,) shares below the highest value so far, NaN where no book."""
    deepest = float(np.nanmin(depth, initial=0.0))
    across = Scale(x[0], max(x[-1], x[0] + 1.0), LEFT, WIDTH - RIGHT)
    up = Scale(min(deepest * 1.05, -0.01), 0.0, LOW_HEIGHT - BOTTOM, TOP)
    drawing = Drawing(
        ident, LOW_HEIGHT, "Drawdown", f"The deepest fall is {signed(deepest, '.1%')}."
    )
    drawing.value_axis(up, round_ticks(up.low, 0.0, 4, percent=True))
    drawing.band(across(x), up(depth), np.where(np.isfinite(depth), up(0.0), np.nan), "band")
    drawing.line(across(x), up(depth), "line thin")
    drawing.date_axis(across, LOW_HEIGHT - BOTTOM)
    return drawing


def _fall(held: Sessions, path: Floats, depth: Floats, metric: Mapping[str, Any]) -> str:
    """Tell the deepest fall, and that the next one may be deeper."""
    if not np.nanmin(depth, initial=0.0) < 0.0:
        return fall_told(held, path, "")
    shown = with_error(metric, ".1%")
    if shown == "not computable":
        shown = signed(float(np.nanmin(depth)), ".1%")
    return (
        f"{fall_told(held, path, f'{shown} (one bootstrap error)')} The next one may be deeper: a "
        "maximum only grows with time."
    )


def fall_told(held: Sessions, path: Floats, fall: str) -> str:
    """Tell when the deepest fall began and ended, and whether the book came back from it.

    Parameters
    ----------
    held : (T,) sessions.
    path : (T,) value of one unit; NaN = no book.
    fall : how deep it was, as text.
    """
    peak = np.fmax.accumulate(np.fmax(path, 1.0))
    depth = path / peak - 1.0
    if not np.nanmin(depth, initial=0.0) < 0.0:
        return "It never fell, which no real book does: look at the returns."
    low = int(np.nanargmin(depth))
    top = int(np.flatnonzero(path[: low + 1] >= peak[low])[-1]) if peak[low] > 1.0 else 0
    back = np.flatnonzero(path[low:] >= peak[low])
    until = f"made good on {held[low + back[0]]}" if len(back) else "not made good by the end"
    return f"The deepest fall, {fall}, ran from {held[top]} to {held[low]} and was {until}."


def _last(path: Floats) -> float:
    finite = path[np.isfinite(path)]
    return float(finite[-1]) if len(finite) else float("nan")
