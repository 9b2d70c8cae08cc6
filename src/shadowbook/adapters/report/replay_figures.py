"""Figures of a replay: how books grew and fell, where returns came from, what was held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.equity import depth_drawing, fall_told
from shadowbook.adapters.report.html import Figure, Key, Table, line_class
from shadowbook.adapters.report.replay_lines import (
    LOW_HEIGHT,
    Placed,
    draw_marks,
    last_of,
    lines_drawing,
    mark_keys,
    percent_scale,
    ratio_scale,
)
from shadowbook.adapters.report.replay_words import with_interval
from shadowbook.adapters.report.svg import LINES
from shadowbook.adapters.report.words import counted, signed
from shadowbook.core.books.summary import BookSeries, BookSummary, ReplayNote
from shadowbook.core.stats.growth import equity_curve
from shadowbook.core.values import Floats, Sessions


def growth_figure(
    place: Placed,
    champion: BookSummary,
    shadows: Sequence[BookSummary],
    notes: Sequence[ReplayNote],
) -> Figure:
    """Draw the growth of one unit in the champion book, and of the shadow books beside it.

    A shadow book begins at the height that the champion has on its first session. The newest ones
    get a line style each, older ones one together.
    """
    own = path_of(champion.series)
    sessions = champion.series.sessions
    named, older = shadows[-(LINES - 1) :], shadows[: -(LINES - 1)]
    paths = {"champion": own}
    paths |= {one.series.book: _beside(one.series, sessions, own) for one in named}
    faint = [_beside(one.series, sessions, own) for one in older]
    drawing = lines_drawing(
        Placed(f"{place.ident}-growth", "Growth of 1 after costs"),
        sessions,
        paths,
        ratio_scale([*paths.values(), *faint]),
        faint,
    )
    draw_marks(drawing, sessions, notes)
    keys = [
        Key(line_class(at), f"{at + 1} {name}: {last_of(path_of(book.series)):.2f}×")
        for at, (name, book) in enumerate(zip(paths, [champion, *named], strict=True))
    ]
    if older:
        keys.append(Key("line older", f"{counted(len(older), 'older shadow book')}"))
    says = (
        "What 1 grew to after costs; equal heights are equal ratios. The champion book is the "
        "capital, whichever model version it follows. A shadow book trades nothing: its fills are "
        "computed with the same costs, and it begins at the champion's height on its first "
        "session; the legend says what 1 in it grew to over its own life."
    )
    return Figure(
        f"{place.ident}-growth",
        f"{place.title}: what it earned",
        says,
        _sharpe_doubt(champion),
        (drawing,),
        (*keys, *mark_keys(notes)),
        _books_table([champion, *shadows]),
    )


def compared_figure(place: Placed, books: Mapping[str, BookSummary]) -> Figure:
    """Draw the champion books of several policies on one axis: name -> book."""
    sessions = np.unique(np.concatenate([one.series.sessions for one in books.values()]))
    paths = {name: _laid_on(sessions, one.series) for name, one in books.items()}
    drawing = lines_drawing(
        Placed(f"{place.ident}-compared", "Growth of 1 after costs, by policy"),
        sessions,
        paths,
        ratio_scale(list(paths.values())),
    )
    return Figure(
        f"{place.ident}-compared",
        f"{place.title}: one policy beside the other",
        "What 1 grew to after costs in the champion book of each policy; equal heights are equal "
        "ratios. Both saw the same data, session by session.",
        drawings=(drawing,),
        keys=tuple(
            Key(line_class(at), f"{at + 1} {name}: {last_of(path):.2f}×")
            for at, (name, path) in enumerate(paths.items())
        ),
    )


def fall_figure(place: Placed, champion: BookSummary) -> Figure:
    """Draw how far the champion book stood below its highest value so far."""
    series, ident = champion.series, f"{place.ident}-fall"
    there = np.flatnonzero(np.isfinite(series.equity))
    title = f"{place.title}: how far it fell"
    if not len(there):
        return Figure(ident, title, "Not computable: the book went through no session.")
    span = slice(int(there[0]), int(there[-1]) + 1)
    held, path = series.sessions[span], path_of(series)[span]
    depth = path / np.fmax.accumulate(np.fmax(path, 1.0)) - 1.0
    fallen = signed(float(np.nanmin(depth)), "z.1%")
    return Figure(
        ident,
        title,
        "How far the champion book stood below its own highest value so far, in percent of that "
        f"value, after costs; 0 is a new high. {fall_told(held, path, fallen)}",
        "The next fall may be deeper: a maximum only grows with time.",
        (depth_drawing(ident, days(held), depth),),
    )


def source_figure(place: Placed, champion: BookSummary) -> Figure:
    """Draw the cumulated parts of the return: signal + execution + cost = net."""
    series, ident = champion.series, f"{place.ident}-source"
    there = np.isfinite(series.equity)
    names = ("net", "signal", "execution", "cost")
    paths = {
        name: np.where(there, np.cumsum(np.nan_to_num(getattr(series, name))), np.nan)
        for name in names
    }
    drawing = lines_drawing(
        Placed(ident, "Cumulated parts of the return"),
        series.sessions,
        paths,
        percent_scale(paths, LOW_HEIGHT + 40.0),
    )
    figures = ", ".join(
        f"{name} {with_interval(champion.metrics[f'{name}_annual'], 'z.2%')}" for name in names[1:]
    )
    return Figure(
        ident,
        f"{place.title}: where its return came from",
        "Daily returns added up, not compounded, in percent of equity. Signal: what the decided "
        "portfolio earned as if traded at once and for nothing. Execution: what waiting for the "
        "auction, the no-trade band and what was left unfilled did. Cost: spread, impact and "
        f"commission. The three add up to net. A year, with 95 % interval: {figures}.",
        "The costs are assumed by the policy, not a broker's.",
        (drawing,),
        tuple(
            Key(line_class(at), f"{at + 1} {name}: {signed(last_of(path), 'z.1%')}")
            for at, (name, path) in enumerate(paths.items())
        ),
    )


def exposure_figure(place: Placed, champion: BookSummary) -> Figure:
    """Draw gross and net exposure."""
    series, ident = champion.series, f"{place.ident}-exposure"
    paths = {"gross": series.gross_exposure, "net": series.net_exposure}
    drawing = lines_drawing(
        Placed(ident, "Exposure"), series.sessions, paths, percent_scale(paths, LOW_HEIGHT)
    )
    return Figure(
        ident,
        f"{place.title}: how much it held",
        "Gross: longs plus shorts. Net: longs less shorts. Both after each session's auction, in "
        "percent of equity.",
        drawings=(drawing,),
        keys=tuple(
            Key(line_class(at), f"{at + 1} {name}: mean {_mean(path)}")
            for at, (name, path) in enumerate(paths.items())
        ),
    )


def path_of(series: BookSeries) -> Floats:
    """Value of one unit, a loss of everything being final; NaN where there is no book."""
    value: Floats = np.where(np.isfinite(series.equity), equity_curve(series.net), np.nan)
    return value


def _laid_on(sessions: Sessions, series: BookSeries) -> Floats:
    laid = np.full(len(sessions), np.nan)
    laid[np.searchsorted(sessions, series.sessions)] = path_of(series)
    return laid


def _beside(series: BookSeries, sessions: Sessions, champion: Floats) -> Floats:
    """Lay a shadow book on the champion's sessions, from the champion's height on."""
    _, here, its = np.intersect1d(sessions, series.sessions, return_indices=True)
    path = np.full(len(sessions), np.nan)
    path[here] = path_of(series)[its]
    both = np.flatnonzero(np.isfinite(path) & np.isfinite(champion))
    if not len(both) or not path[both[0]] > 0.0:
        return path
    beside: Floats = path * (champion[both[0]] / path[both[0]])
    return beside


def _books_table(books: Sequence[BookSummary]) -> Table:
    rows = []
    for one in books:
        there = one.series.sessions[np.isfinite(one.series.equity)]
        ends = (str(there[0]), str(there[-1])) if len(there) else ("never", "never")
        told = [
            with_interval(one.metrics[key], form)
            for key, form in (
                ("net_return", "z.1%"),
                ("sharpe_annualized", "z.2f"),
                ("max_drawdown", "z.1%"),
                ("turnover", "z.1%"),
            )
        ]
        rows.append((one.series.book, *ends, *told))
    headings = ("book", "from", "to", "net return", "net Sharpe a year", "deepest fall", "turnover")
    return Table(
        headings, tuple(rows), frozenset({0}), "Books, each over its own life; 95 % intervals"
    )


def _sharpe_doubt(champion: BookSummary) -> str:
    metric = champion.metrics["sharpe_annualized"]
    if metric.status != "OK":
        return f"Not computable: {metric.reason}."
    shown = with_interval(metric, "z.2f")
    holds = abs(metric.value) < 1.96 * metric.standard_error
    tail = "zero is in it: it may all be luck" if holds else "zero is not in it"
    return f"The Sharpe ratio a year is {shown}, with its 95 % interval; {tail}."


def _mean(path: Floats) -> str:
    finite = path[np.isfinite(path)]
    return signed(float(finite.mean()), "z.0%") if len(finite) else "not computable"
