"""Rolling metrics of a monitored book: figures with windows to choose from, and readings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import numpy as np

from shadowbook.adapters.report.html import Key, Table, bullets, folded, paragraph, section
from shadowbook.adapters.report.monitor_lines import (
    LOW_HEIGHT,
    Watched,
    alert_keys,
    first_limits,
    metric_drawing,
)
from shadowbook.adapters.report.monitor_style import MOST_WINDOWS
from shadowbook.adapters.report.monitor_words import (
    NOT_COMPUTABLE,
    SPOKEN,
    key_window,
    open_alerts,
    reading_of,
    shown_limit,
    shown_reading,
    shown_value,
    spoken,
    windows_of,
)
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import listed
from shadowbook.core.performance.monitored import Monitored

LEADING = ("sharpe", "information_coefficient", "drawdown_current")
"""Metrics with a figure of their own; the others stand small beside each other."""


NAMED = 2
"""Metrics that a reason is told of by name; the rest are counted."""


def metrics_section(monitored: Monitored, ident: str) -> str:
    """Write the rolling metrics of a book: the leading ones large, the others small."""
    content = paragraph(
        "Each line is the metric over the trailing sessions that are chosen above it. The colored "
        "bands are the values beyond a tier's limit for this model version; a rule waits before "
        "it raises an alert, so a line may be in a band without one. On the strip under "
        "the line a bar is an alert that was open; ▲ raised, ▲ with a bar escalated, ◇ "
        "acknowledged, ▽ cleared."
    )
    marks = "".join(str(key) for key in _keys(monitored))
    content += element("ul", marks, class_="key")
    for metric in LEADING:
        content += _leading(monitored, metric, ident)
    small = "".join(
        _small(monitored, metric, ident) for metric in _metrics(monitored) if metric not in LEADING
    )
    if small:
        content += element("div", small, class_="multiples")
    content += folded("The limits", str(limits_table(monitored)))
    return section(f"{ident}-metrics", "Rolling metrics", content)


def readings_table(monitored: Monitored) -> str:
    """Write every reading with its error, a row a metric and a column a window, and reasons."""
    windows = windows_of(monitored)
    rows = []
    for metric in _metrics(monitored):
        found = [reading_of(monitored, metric, window) for window in windows]
        cells = ["not read" if one is None else shown_reading(one) for one in found]
        rows.append((spoken(metric).heading, *cells))
    if not rows:
        return paragraph("Nothing is read yet.")
    table = Table(
        ("metric", *(f"{window} sessions" for window in windows)),
        tuple(rows),
        caption="At the newest session; ± one standard error",
    )
    reasons: dict[tuple[int, str], list[str]] = {}
    for one in monitored.readings:
        if one.status != "OK":
            key = one.window, one.reason or "no reason is given"
            reasons.setdefault(key, []).append(spoken(one.metric).heading)
    told = [
        f"Not computable over {window} sessions, {listed(names, NAMED)}: {why}."
        for (window, why), names in reasons.items()
    ]
    return str(table) + (bullets(told, "faint") if told else "")


def limits_table(monitored: Monitored) -> Table:
    """List the rules with their limits as numbers."""
    rows = tuple(
        (
            one.rule,
            one.tier.value,
            f"{spoken(one.metric).heading}, {one.window} sessions",
            shown_limit(one),
            shown_value(one.metric, one.clear),
        )
        for one in monitored.limits
    )
    return Table(
        ("rule", "tier", "metric", "limit", "cleared at"),
        rows,
        caption="Limits of this model version; annualized where the metric is",
    )


def _metrics(monitored: Monitored) -> list[str]:
    there = {one.metric for one in monitored.readings} | {name for name, _ in monitored.series}
    return [name for name in SPOKEN if name in there] + sorted(there - SPOKEN.keys())


def _keys(monitored: Monitored) -> Sequence[Key]:
    return alert_keys(monitored.alerts)


def _leading(monitored: Monitored, metric: str, ident: str) -> str:
    """Write a metric's figure: one panel a window, one of them chosen."""
    windows = sorted(window for name, window in monitored.series if name == metric)
    words = spoken(metric)
    heading = element("h3", escape(words.heading))
    if not windows or not len(monitored.sessions):
        return heading + paragraph("Not computable: nothing has been measured yet.")
    chosen = _chosen(monitored, metric, windows)
    group = f"{ident}-{metric.replace('_', '-')}"
    radios = names = panels = ""
    for at, window in enumerate(windows):
        one = f"{group}-{window}"
        if at < MOST_WINDOWS:
            state = {"checked": "checked"} if window == chosen else {}
            radios += element("input", type="radio", name=group, id=one, value=window, **state)
            names += element("label", f"{window}", for_=one)
        always = "panel" if at < MOST_WINDOWS else "panel always"
        title = f"{words.heading} over {window} sessions"
        picture = str(metric_drawing(_watched(monitored, metric, window, f"{one}-d", title)))
        panels += element("div", element("h4", escape(title)) + picture, class_=always)
    # Panels come first among the divs, so that the n-th choice shows the n-th of them.
    switch = element(
        "div",
        radios + panels + element("p", element("span", "sessions") + names, class_="names"),
        class_="windows",
        role="radiogroup",
        aria_label=f"Window of the {words.heading}",
    )
    beside = paragraph(words.meaning)
    beside += bullets(_held(monitored, metric, window) for window in windows)
    figure = element("div", switch, class_="picture") + element("figcaption", beside)
    return heading + element("figure", figure)


def _held(monitored: Monitored, metric: str, window: int) -> str:
    """Write the newest reading of a window and what it is held against."""
    reading = reading_of(monitored, metric, window)
    told = NOT_COMPUTABLE if reading is None else shown_reading(reading)
    factor = spoken(metric).factor
    limits = ", ".join(
        f"{tier} {shown_value(metric, value / factor)}"
        for tier, value in first_limits(monitored.limits, metric, window).items()
    )
    return f"{window} sessions: {told}; {limits or 'no limit'}"


def _small(monitored: Monitored, metric: str, ident: str) -> str:
    """Write a metric's small drawing over one window."""
    windows = sorted(window for name, window in monitored.series if name == metric)
    if not windows or not len(monitored.sessions):
        return ""
    window = _chosen(monitored, metric, windows)
    title = f"{spoken(metric).heading}, over {window}"
    one = f"{ident}-{metric.replace('_', '-')}-{window}"
    drawn = metric_drawing(_watched(monitored, metric, window, one, title, LOW_HEIGHT))
    return element("div", element("h4", escape(title)) + str(drawn))


def _chosen(monitored: Monitored, metric: str, windows: Sequence[int]) -> int:
    """Choose the window to show: of the worst open alert, else with limits, else a quarter."""
    for alert in open_alerts(monitored):
        if alert.metric == metric and alert.window in windows:
            return alert.window
    limited = [window for window in windows if first_limits(monitored.limits, metric, window)]
    return key_window(limited or windows)


def _watched(
    monitored: Monitored, metric: str, window: int, ident: str, title: str, height: float = 0.0
) -> Watched:
    # A rule watches one metric over one window; what clears it with a new version names neither.
    rules = {one.rule for one in monitored.alerts if (one.metric, one.window) == (metric, window)}
    values = np.asarray(monitored.series[metric, window], dtype=np.float64)
    watched = Watched(
        ident,
        title,
        metric,
        monitored.sessions,
        values * spoken(metric).factor,
        first_limits(monitored.limits, metric, window),
        [one for one in monitored.alerts if one.rule in rules],
    )
    return replace(watched, height=height) if height else watched
