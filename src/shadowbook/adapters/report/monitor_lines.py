"""A metric over time with its tiers as bands, and marks where alerts changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.html import Key
from shadowbook.adapters.report.monitor_words import SEVERITY, shown_value, spoken
from shadowbook.adapters.report.svg import (
    BOTTOM,
    LETTER,
    RIGHT,
    TOP,
    WIDTH,
    Drawing,
    Scale,
    end_labels,
)
from shadowbook.adapters.report.ticks import Ticks, round_ticks
from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.monitored import Limit
from shadowbook.core.performance.tiers import BAD_ABOVE
from shadowbook.core.values import Floats, Sessions

HEIGHT, LOW_HEIGHT = 200.0, 130.0
LEFT = 50.0
"""Units left of the picture: a percentage with a decimal has room there."""

MARK = 4.0
"""Units from the middle of an alert's mark to its edge."""

STRIP = 14.0
"""Units under the picture for marks of alerts."""

_COLUMNS = 240
"""Columns of a drawing; a line keeps at most five points of each."""

_REACH = 1.5
"""A limit is drawn where it is at most this many times the height of the data away from it."""


@dataclass(frozen=True)
class Watched:
    """One metric over one window, as it is drawn; units as it is written, NaN where unknown.

    Attributes
    ----------
    ident, title : of the drawing.
    values : (T,).
    limits : tier -> the value that is reached first, in the same unit.
    alerts : transitions of alerts on this metric and window.
    height : units of the picture without its strip of marks.
    """

    ident: str
    title: str
    metric: str
    sessions: Sessions
    values: Floats
    limits: Mapping[str, float]
    alerts: Sequence[Alert]
    height: float = HEIGHT


def first_limits(limits: Sequence[Limit], metric: str, window: int) -> dict[str, float]:
    """Return for each tier the limit that is reached first, in the unit that is written."""
    found: dict[str, float] = {}
    for one in limits:
        if (one.metric, one.window) != (metric, window) or not np.isfinite(one.value):
            continue
        value, tier = one.value * spoken(metric).factor, one.tier.value
        nearer = min if metric in BAD_ABOVE else max
        found[tier] = nearer(found.get(tier, value), value)
    return found


def metric_drawing(watched: Watched) -> Drawing:
    """Draw a metric over time; beyond a tier's limit lies its band."""
    told = watched.values[np.isfinite(watched.values)]
    seen = _within_reach(told, watched.limits)
    floor = watched.height - BOTTOM
    up = _scale(told, list(seen.values()), floor)
    x = days(watched.sessions)
    across = Scale(x[0], max(x[-1], x[0] + 1.0), LEFT, WIDTH - RIGHT)
    drawing = Drawing(
        watched.ident, watched.height + STRIP, watched.title, _described(watched, told)
    )
    for low, high, tier in zones(watched.limits, up.low, up.high, watched.metric in BAD_ABOVE):
        top, bottom = up.at(high), up.at(low)
        drawing.rect(LEFT, top, WIDTH - RIGHT - LEFT, bottom - top, f"zone {tier}")
    most = 5 if watched.height > LOW_HEIGHT else 4
    value_axis(drawing, up, round_ticks(up.low, up.high, most, spoken(watched.metric).percent))
    if up.low < 0.0 < up.high:
        drawing.segment((LEFT, up.at(0.0)), (WIDTH - RIGHT, up.at(0.0)), "axis")
    for tier, value in seen.items():
        drawing.segment((LEFT, up.at(value)), (WIDTH - RIGHT, up.at(value)), f"limit {tier}")
    kept = _kept(watched.values)
    drawing.line(across(x[kept]), up(watched.values[kept]), "line c0")
    # Where every value is beyond a limit that lies far off, its name stands at the edge.
    edge = up.low if watched.metric in BAD_ABOVE else up.high
    passed = [
        tier
        for tier, value in watched.limits.items()
        if tier not in seen
        and (value <= up.low if watched.metric in BAD_ABOVE else value >= up.high)
    ]
    named = {**dict.fromkeys(passed, edge), **seen}
    heights = [up.at(value) - 3.0 for value in named.values()]
    for tier, y in zip(named, end_labels(heights, TOP + 9.0, floor - 2.0), strict=True):
        drawing.text(LEFT + 3.0, y, tier, class_="small halo")
    _draw_alerts(drawing, watched.alerts, across, floor + 7.0)
    drawing.date_axis(across, floor + STRIP)
    return drawing


def value_axis(drawing: Drawing, up: Scale, ticks: Ticks) -> None:
    """Draw a vertical axis: a light line a tick, its text to the left."""
    for value, text in ticks:
        y = up.at(value)
        drawing.segment((LEFT, y), (WIDTH - RIGHT, y), "grid")
        drawing.text(LEFT - 5.0, y + 4.0, text, "end")


def zones(
    limits: Mapping[str, float], low: float, high: float, bad_above: bool
) -> list[tuple[float, float, str]]:
    """Cut the values beyond limits into intervals, each of the worst tier that is reached there.

    >>> zones({"watch": 1.0, "critical": 0.0}, -1.0, 3.0, bad_above=False)
    [(-1.0, 0.0, 'critical'), (0.0, 1.0, 'watch')]
    """
    edges = sorted({low, high, *(min(max(value, low), high) for value in limits.values())})
    found: list[tuple[float, float, str]] = []
    for start, stop in pairwise(edges):
        middle = 0.5 * (start + stop)
        reached = [
            tier
            for tier, value in limits.items()
            if (middle >= value if bad_above else middle <= value)
        ]
        if reached:
            found.append((start, stop, max(reached, key=lambda one: SEVERITY[one])))
    return found


def open_spans(alerts: Sequence[Alert]) -> list[tuple[date, date | None, str]]:
    """Say from when to when an alert was open, a span for each tier; None where it still is."""
    spans: list[tuple[date, date | None, str]] = []
    since: dict[str, tuple[date, str]] = {}
    for alert in alerts:
        before = since.pop(alert.rule, None)
        if before is not None:
            spans.append((before[0], alert.session, before[1]))
        if alert.transition is not Transition.CLEARED:
            since[alert.rule] = (alert.session, alert.tier.value)
    return spans + [(first, None, tier) for first, tier in since.values()]


def alert_keys(alerts: Sequence[Alert]) -> list[Key]:
    """Say what the bands and marks stand for: bands always, marks where there are any."""
    keys = [Key(f"zone {tier}", f"beyond the {tier} limit", "box") for tier in list(SEVERITY)[1:]]
    if alerts:
        keys.append(Key("lasting warning", "an alert is open (color of its tier)"))
    return keys


def _draw_alerts(drawing: Drawing, alerts: Sequence[Alert], across: Scale, y: float) -> None:
    """Lay open spans on the strip, over them a mark for each transition since it begins."""
    begin = date(1970, 1, 1) + timedelta(days=across.low)

    def place(session: date) -> float:
        at = across.at(float(days(np.array([session], dtype="datetime64[D]"))[0]))
        return min(max(at, LEFT), WIDTH - RIGHT)

    spans = [
        (place(first), WIDTH - RIGHT if last is None else place(last), tier)
        for first, last, tier in open_spans(alerts)
        if last is None or last >= begin
    ]
    for start, stop, tier in sorted(spans, key=lambda one: SEVERITY[one[2]]):
        drawing.segment((start, y), (max(stop, start + 1.0), y), f"lasting {tier}")
    drawn: set[tuple[float, str]] = set()
    shown = [one for one in alerts if one.session >= begin]
    for alert in sorted(shown, key=lambda one: SEVERITY[one.tier]):
        at, kind = round(place(alert.session), 0), alert.transition
        if (at, kind.value) in drawn:
            continue
        drawn.add((at, kind.value))
        drawing.add("path", d=_mark(at, y, kind), class_=f"event {alert.tier.value} {kind.value}")


def _mark(x: float, y: float, kind: Transition) -> str:
    """Shape a transition: up for raised, double for escalated, down for cleared, a diamond else."""
    m = MARK
    if kind is Transition.CLEARED:
        return f"M{x - m:g} {y - m:g}h{2 * m:g}l{-m:g} {2 * m:g}z"
    if kind is Transition.ACKNOWLEDGED:
        return f"M{x:g} {y - m:g}l{m:g} {m:g}l{-m:g} {m:g}l{-m:g} {-m:g}z"
    one = f"M{x:g} {y - m:g}l{m:g} {2 * m:g}h{-2 * m:g}z"
    return one + f"M{x - m:g} {y - m:g}h{2 * m:g}" if kind is Transition.ESCALATED else one


def _kept(values: Floats) -> NDArray[np.int64]:
    """Choose the rows that a line needs: of each column its ends, extremes and a gap.

    What `svg.thinned` does, for the many long lines of this page at once a line.
    """
    n = len(values)
    if n <= _COLUMNS:
        return np.arange(n)
    width = -(-n // _COLUMNS)
    starts = np.arange(0, n, width)
    laid = np.full(len(starts) * width, np.nan)
    laid[:n] = values
    columns = laid.reshape(-1, width)
    missing = np.isnan(columns)
    found = [
        starts,
        np.minimum(starts + width, n) - 1,
        starts + np.where(missing, np.inf, columns).argmin(axis=1),
        starts + np.where(missing, -np.inf, columns).argmax(axis=1),
        starts + missing.argmax(axis=1),
    ]
    chosen = np.unique(np.concatenate(found))
    return chosen[chosen < n]


def _within_reach(told: Floats, limits: Mapping[str, float]) -> dict[str, float]:
    if not len(told):
        return dict(limits)
    low, high = float(told.min()), float(told.max())
    room = _REACH * max(high - low, 0.2 * max(abs(low), abs(high)), 1e-9)
    return {tier: v for tier, v in limits.items() if low - room <= v <= high + room}


def _scale(told: Floats, limits: Sequence[float], floor: float) -> Scale:
    values = [*limits, *((float(told.min()), float(told.max())) if len(told) else ())]
    if not values:
        values = [0.0, 1.0]
    low, high = min(values), max(values)
    room = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
    return Scale(low - room, high + room, floor, TOP)


def _described(watched: Watched, told: Floats) -> str:
    metric = watched.metric
    unit = spoken(metric).factor
    limits = ", ".join(
        f"{tier} limit {shown_value(metric, value / unit)}"
        for tier, value in watched.limits.items()
    )
    if not len(told):
        return f"No value yet. {limits}"
    text = (
        f"From {shown_value(metric, float(told.min()) / unit)} to "
        f"{shown_value(metric, float(told.max()) / unit)}, at the end "
        f"{shown_value(metric, float(told[-1]) / unit)}; "
    )
    return text + (limits or "no limit") + f"; {len(watched.alerts)} alert transitions."


def fitted(text: str, width: float) -> str:
    """Cut a text that would not fit a width of the drawing."""
    most = max(int(width / LETTER), 2)
    return text if len(text) <= most else text[: most - 1] + "…"
