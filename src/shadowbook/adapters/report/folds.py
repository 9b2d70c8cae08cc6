"""Figure: which sessions each fold trained on, left out and was tested on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.html import Figure, Key, Table
from shadowbook.adapters.report.svg import BOTTOM, LETTER, RIGHT, WIDTH, Drawing, Scale
from shadowbook.adapters.report.words import counted
from shadowbook.core.learning.fit import Rows
from shadowbook.core.values import Sessions

IDENT, TITLE = "folds", "What it was trained and tested on"
LEFT, TOP = 24.0, 4.0
_TALLEST, _ROOM = 22.0, 240.0
_MOST_CELLS = 60

Fold = tuple[Rows, Rows]


def folds_figure(sessions: Sessions, folds: Sequence[Fold], horizon: int, embargo: int) -> Figure:
    """Draw every fold on one time axis, and one border enlarged, session by session.

    Parameters
    ----------
    sessions : (T,).
    folds : (train, test) rows of sessions.
    horizon : sessions a label spans, which is what the purge leaves out.
    embargo : further sessions left out.
    """
    gap = horizon + embargo
    says = (
        "Each row is a fold: the model learns from the training bar and is judged on the test "
        f"bar; the {counted(gap, 'session')} at the black mark between them are left out, as the "
        f"enlarged border shows: a purge of {horizon}, because labels look that far ahead and "
        f"would reach into the test, and an embargo of {embargo} beside it."
    )
    doubt = (
        "Later folds train on what earlier ones were tested on, so the folds are not independent "
        "of each other; and whoever chose the settings has seen all of this history."
    )
    keys = (
        Key("train", "training", "box"),
        Key("purge", f"purge: {counted(horizon, 'session')}", "box"),
        Key("embargo", f"embargo: {counted(embargo, 'session')}", "box"),
        Key("test", "test", "box"),
    )
    return Figure(
        IDENT,
        TITLE,
        says,
        doubt,
        (_overview(sessions, folds), _border(sessions, folds, horizon, embargo)),
        keys,
        _table(sessions, folds),
    )


def _overview(sessions: Sessions, folds: Sequence[Fold]) -> Drawing:
    tall = min(_TALLEST, _ROOM / len(folds))
    height = TOP + tall * len(folds) + BOTTOM
    x = days(sessions)
    across = Scale(x[0], max(x[-1], x[0] + 1.0), LEFT, WIDTH - RIGHT)
    drawing = Drawing(
        IDENT,
        height,
        "Folds",
        f"{counted(len(folds), 'fold')} from {sessions[0]} to {sessions[-1]}, each trained on "
        "what came before its test.",
    )
    every = max(1, int(np.ceil(13.0 / tall)))
    for fold, (train, test) in enumerate(folds):
        y, thick = TOP + tall * fold, max(tall - 4.0, tall * 0.7)
        if fold % every == 0:
            drawing.text(LEFT - 6.0, y + thick / 2.0 + 4.0, str(fold), "end")
        for part, class_ in ((train, "train"), (test, "test")):
            begin, end = across(x[part[[0, -1]]])
            drawing.rect(float(begin), y, max(float(end - begin), 1.0), thick, class_)
        middle = across.at(float(x[train[-1]] + x[test[0]]) / 2.0)
        drawing.segment((middle, y - 1.0), (middle, y + thick + 1.0), "gap")
    drawing.date_axis(across, height - BOTTOM)
    return drawing


def _border(sessions: Sessions, folds: Sequence[Fold], horizon: int, embargo: int) -> Drawing:
    """Draw the sessions around the last fold's border; one cell a session."""
    train, test = folds[-1]
    gap = horizon + embargo
    beside = max(3, min(8, gap // 2, len(train), len(test)))
    total = gap + 2 * beside
    left, right, top, thick = 6.0, WIDTH - 6.0, 44.0, 20.0
    wide = (right - left) / total
    drawing = Drawing(
        f"{IDENT}-border",
        108.0,
        "Border of the last fold",
        f"Training ends on {sessions[train[-1]]}; {counted(horizon, 'session')} of purge and "
        f"{embargo} of embargo follow; the test begins on {sessions[test[0]]}.",
    )
    ends = np.cumsum([0, beside, horizon, embargo, beside])
    for first, last, class_ in zip(
        ends[:-1], ends[1:], ("train", "purge", "embargo", "test"), strict=True
    ):
        if last > first:
            drawing.rect(left + wide * first, top, wide * (last - first), thick, class_)
    if total <= _MOST_CELLS:
        for cell in range(1, total):
            x = left + wide * cell
            drawing.segment((x, top), (x, top + thick), "cell")
    drawing.text(left, 12.0, f"Fold {len(folds) - 1}, enlarged:", class_="strong")
    purge, hold, test_at = (left + wide * end for end in ends[1:4])
    if horizon:
        _bracket(drawing, 29.0, (purge, hold), top)
        half = LETTER * 5.0
        at = min(max((purge + hold) / 2.0, half), WIDTH - half)
        drawing.text(at, 26.0, f"purge {horizon}", "middle")
    if embargo:
        _bracket(drawing, 41.0, (hold, test_at), top)
        # It begins beside the purge's line, so as not to be crossed by it.
        drawing.text(min(hold + 4.0, WIDTH - LETTER * 11.0), 38.0, f"embargo {embargo}")
    middle = top + thick + 16.0
    drawing.text(left, middle, f"training, to {sessions[train[-1]]}")
    drawing.text(right, middle, f"test, from {sessions[test[0]]}", "end")
    drawing.text(WIDTH / 2.0, middle + 18.0, "one cell is one session", "middle", "faint")
    return drawing


def _bracket(drawing: Drawing, y: float, span: tuple[float, float], top: float) -> None:
    for x in span:
        drawing.segment((x, y), (x, top), "whisker")
    drawing.segment((span[0], y), (span[1], y), "whisker")


def _table(sessions: Sessions, folds: Sequence[Fold]) -> Table:
    rows = tuple(
        (
            str(fold),
            f"{sessions[train[0]]} to {sessions[train[-1]]}",
            f"{len(train):,}",
            f"{sessions[test[0]]} to {sessions[test[-1]]}",
            f"{len(test):,}",
        )
        for fold, (train, test) in enumerate(folds)
    )
    headings = ("fold", "training", "sessions", "test", "sessions")
    return Table(headings, rows, caption="Boundaries of the folds")
