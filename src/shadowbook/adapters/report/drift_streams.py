"""Detectors of concept drift on their streams of matured errors, with alarms and run lengths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.drift_words import shown
from shadowbook.adapters.report.html import Key, Table, bullets, paragraph, section
from shadowbook.adapters.report.svg import RIGHT, WIDTH, Drawing, Scale, element, number
from shadowbook.adapters.report.ticks import round_ticks
from shadowbook.adapters.report.words import counted, listed
from shadowbook.core.drift.found import DriftBook, StreamReading
from shadowbook.core.values import Floats

TITLE = "Errors as they matured"
LEFT, TOP, HEIGHT, STRIP, FOOT = 68.0, 10.0, 100.0, 16.0, 22.0
SMOOTHED = 20
"""Newest values that the line is the mean of."""

SETTINGS = ("calibrated", "paper")
STREAMS = {
    "direction_error": "direction error: 0 right, 1 wrong",
    "scaled_error": "error scaled to 0 to 1",
}


def streams_section(one: DriftBook, ident: str) -> str:
    """Write a drawing a detector, both settings in it, and the numbers of all."""
    if not one.streams:
        content = paragraph("NOT_COMPUTABLE: no label of this version has matured yet.")
        return section(ident, TITLE, content)
    content = paragraph(
        "Each dot is an observation on the session in which its label was known; observations do "
        f"not overlap. The line is the mean of the newest {SMOOTHED}. The calibrated setting "
        "decides; that of the detector's paper is shown beside it and decides nothing."
    )
    grouped: dict[tuple[str, str], list[StreamReading]] = {}
    for reading in one.streams:
        grouped.setdefault((reading.stream, reading.detector), []).append(reading)
    panels = "".join(
        _panel(readings, f"{ident}-{at}") for at, readings in enumerate(grouped.values())
    )
    content += element("ul", "".join(map(str, _keys(one.streams))), class_="key")
    content += element("div", panels, class_="multiples")
    content += str(streams_table(one.streams))
    failed = [
        f"NOT_COMPUTABLE: {one.detector} on {_named(one.stream)}, {one.setting} setting: "
        f"{one.reason.rstrip('.') or 'no reason was given'}."
        for one in one.streams
        if one.status != "OK"
    ]
    return section(ident, TITLE, content + (bullets(failed) if failed else ""))


def _keys(streams: Sequence[StreamReading]) -> list[Key]:
    keys = [
        Key("dots", "observation"),
        Key("line c0", f"mean of {SMOOTHED}"),
        Key("fired", "alarm, calibrated", "mark"),
        Key("fired paper", "alarm, paper's setting", "mark"),
    ]
    if any(one.warnings for one in streams):
        keys.append(Key("warned", "warning (shorter, lighter)", "mark"))
    return keys


def _named(stream: str) -> str:
    return STREAMS.get(stream, stream.replace("_", " "))


def _panel(readings: Sequence[StreamReading], ident: str) -> str:
    first = readings[0]
    heading = element("h4", escape(f"{first.detector}, {_named(first.stream)}"))
    ordered = sorted(readings, key=lambda one: SETTINGS.index(one.setting))
    drawn = [one for one in ordered if one.status == "OK" and len(one.matured)]
    if not drawn:
        reason = first.reason.rstrip(".") or "there is no observation"
        return element("div", heading + paragraph(f"NOT_COMPUTABLE: {reason}."))
    said = "; ".join(f"{one.setting} {_alarms(one)}" for one in drawn)
    return element("div", heading + str(_drawing(drawn, ident)) + paragraph(f"Alarms: {said}."))


def _alarms(one: StreamReading) -> str:
    if not one.alarms:
        return "none"
    return listed([str(one.matured[at]) for at in one.alarms[-3:][::-1]]) + (
        f" and {len(one.alarms) - 3} earlier" if len(one.alarms) > 3 else ""
    )


def _drawing(readings: Sequence[StreamReading], ident: str) -> Drawing:
    first = readings[0]
    x = days(first.matured)
    across = Scale(x[0], max(x[-1], x[0] + 1.0), LEFT, WIDTH - RIGHT)
    floor = TOP + HEIGHT
    up = Scale(-0.05, 1.05, floor, TOP)
    drawing = Drawing(
        ident,
        floor + STRIP * len(readings) + FOOT,
        f"{first.detector} on {_named(first.stream)}",
        f"{counted(len(first.values), 'observation')}, {first.matured[0]} to "
        f"{first.matured[-1]}; alarms: "
        + "; ".join(f"{one.setting} {_alarms(one)}" for one in readings)
        + ".",
    )
    for value, text in round_ticks(0.0, 1.0, 4):
        drawing.segment((LEFT, up.at(value)), (WIDTH - RIGHT, up.at(value)), "grid")
        drawing.text(LEFT - 5.0, up.at(value) + 4.0, text, "end")
    known = np.isfinite(first.values)
    dots = "".join(
        f"M{number(a)} {number(b)}h0"
        for a, b in zip(across(x[known]), up(np.clip(first.values[known], 0.0, 1.0)), strict=True)
    )
    if dots:
        drawing.add("path", d=dots, class_="dots")
    drawing.line(across(x), up(smoothed(first.values)), "line c0")
    for at, one in enumerate(readings):
        _fired(drawing, one, across, floor, floor + STRIP * at)
    drawing.date_axis(across, floor + STRIP * len(readings) + 1.0)
    return drawing


def _fired(drawing: Drawing, one: StreamReading, across: Scale, floor: float, strip: float) -> None:
    """Mark a setting's alarms and warnings on its strip; alarms that decide cross the picture."""
    x, paper = days(one.matured), one.setting == "paper"
    drawing.text(LEFT - 5.0, strip + 12.0, one.setting, "end", "small")
    drawing.segment((LEFT, strip + STRIP), (WIDTH - RIGHT, strip + STRIP), "grid")
    # One path for all: a detector that is too eager warns at every observation.
    places = dict.fromkeys(number(across.at(float(x[at]))) for at in one.warnings)
    if places:
        top, bottom = number(strip + 9.0), number(strip + STRIP)
        drawing.add("path", d="".join(f"M{at} {top}V{bottom}" for at in places), class_="warned")
    for at in one.alarms:
        place = across.at(float(x[at]))
        name = "fired paper" if paper else "fired"
        drawing.segment((place, strip + 2.0 if paper else TOP), (place, strip + STRIP), name)
        if not paper:
            d = f"M{number(place)} {number(floor + 1.0)}l4 7h-8Z"
            drawing.add("path", d=d, class_="event critical")


def smoothed(values: Floats, width: int = SMOOTHED) -> Floats:
    """Return the mean of the newest values up to each, missing ones left out.

    Parameters
    ----------
    values : (M,), NaN = missing.

    Returns
    -------
    (M,); NaN before ``width`` observations were seen.

    >>> smoothed(np.array([0.0, 1.0, np.nan, 1.0, 1.0]), 2)
    array([nan, 0.5, 0.5, 1. , 1. ])
    """
    known = np.isfinite(values)
    seen = np.cumsum(known)
    totals = np.concatenate([[0.0], np.cumsum(values[known])])
    means = np.full(len(values), np.nan)
    full = seen >= width
    means[full] = (totals[seen[full]] - totals[seen[full] - width]) / width
    return means


def streams_table(streams: Sequence[StreamReading]) -> Table:
    """Lay out settings, counts and run lengths; the settings that decide stand out."""
    ordered = sorted(
        streams, key=lambda one: (one.stream, one.detector, SETTINGS.index(one.setting))
    )
    return Table(
        (
            "detector, setting",
            "stream",
            "parameters",
            "observations",
            "skipped",
            "alarms",
            "warnings",
            "run length wanted",
            "measured",
        ),
        tuple(_row(one) for one in ordered),
        frozenset(at for at, one in enumerate(ordered) if one.setting == "calibrated"),
        "Run length: observations between false alarms when nothing changes",
    )


def _row(one: StreamReading) -> tuple[str, ...]:
    computable = one.status == "OK"
    wanted = shown(one.run_length_wanted, ",.0f")
    return (
        f"{one.detector}, {one.setting}",
        one.stream.replace("_", " "),
        ", ".join(f"{name} {value:g}" for name, value in one.parameters.items()),
        f"{len(one.values) - one.skipped:,}",
        f"{one.skipped:,}",
        f"{len(one.alarms):,}" if computable else "not computable",
        f"{len(one.warnings):,}" if one.detector == "DDM" and computable else "\N{EN DASH}",
        wanted if math.isfinite(one.run_length_wanted) else "\N{EN DASH}",
        ("at least " if one.run_length_is_bound else "") + shown(one.run_length, ",.0f"),
    )
