"""What a person reads of the monitor on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.adapters.report.monitor_words import (
    NOT_COMPUTABLE,
    alert_sentence,
    newest_ratio,
    open_alerts,
    read_first,
    reading_of,
    shown_capacity,
    shown_reading,
    span_of,
    state_of,
    windows_of,
    worth_telling,
    yearly,
)
from shadowbook.adapters.report.words import counted
from shadowbook.core.performance.monitored import Monitored
from shadowbook.rendering import console, relative
from shadowbook.rendering_drift import show_drift

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from shadowbook.core.drift.found import RetrainRequest
    from shadowbook.steps.drift_retrain import AlertRetrained
    from shadowbook.steps.monitor import MonitorReport

METRICS = {
    "sharpe": "Sharpe a year",
    "information_coefficient": "IC",
    "drawdown_current": "drawdown",
}
RATIOS = {"sharpe": "Sharpe", "information_coefficient": "IC"}

MOST = 6
"""Champion books with a table of their own; the rest stand in the table of the others."""

OTHERS, ALERTS = 12, 4
"""Other books, and open alerts a book, that are printed; the page lists all."""

COLORS = {"quiet": "green", "watch": "blue", "warning": "yellow", "critical": "red"}


def show_report(report: MonitorReport) -> None:
    """Print what the monitor found."""
    show_monitor(report.monitored, report.page)
    show_drift(report.drift, report.drift_page)


def show_requests(requests: Sequence[RetrainRequest]) -> None:
    """Print which retrainings drift and decay ask for, and how they are started."""
    if requests:
        from shadowbook.steps.drift_retrain import BY_HAND, wanted

        _sentences(f"{wanted(request)}: {BY_HAND}" for request in requests)


def show_answers(answers: Sequence[AlertRetrained]) -> None:
    """Print what came of the requests to retrain, a sentence each."""
    if not answers:
        _sentences(("drift asks for no retraining",))
    _sentences(f"{one.outcome}: {one.reason}" for one in answers)


def _sentences(sentences: Iterable[str]) -> None:
    shown = console()
    for sentence in sentences:
        shown.print(sentence, markup=False, highlight=False, soft_wrap=True)


def show_monitor(monitored: Sequence[Monitored], page: Path) -> None:
    """Print how every book stands: champions with their figures, the others a line each."""
    shown = console()
    there = [one for one in read_first(monitored) if worth_telling(one)]
    if not there:
        shown.print("Nothing has been traded long enough to be measured: the monitor has no figure")
        _page(shown, page)
        return
    champions = [one for one in there if one.book == "champion"][:MOST]
    for one in champions:
        _show_book(shown, one)
    others = [one for one in there if one not in champions]
    if others:
        shown.print(_others_table(others))
        hidden = len(others) - OTHERS
        if hidden > 0:
            shown.print(f"{counted(hidden, 'more book')} on the page", highlight=False)
    untraded = len(monitored) - len(there)
    if untraded:
        shown.print(f"{counted(untraded, 'book')} too young to be measured", highlight=False)
    _page(shown, page)


def _page(shown: Console, page: Path) -> None:
    line = f"page: {relative(page)}"
    shown.print(line, markup=False, highlight=False, soft_wrap=True)


def _show_book(shown: Console, one: Monitored) -> None:
    from rich.markup import escape
    from rich.table import Table

    windows, name = windows_of(one), escape(f"{one.strategy}, {one.book}")
    table = Table(
        title=f"{name}: {state_of(one)}, {shown_capacity(one.capacity)}",
        title_justify="left",
        title_style=COLORS[state_of(one)],
        caption=f"version {one.model_version}; {span_of(one)}\n± one standard error, after costs; "
        f"realization ratio with its 95 % interval: {_ratios(one)}",
        caption_justify="left",
    )
    table.add_column("sessions", no_wrap=True)
    for window in windows:
        table.add_column(f"{window}", justify="right", no_wrap=True)
    for metric, heading in METRICS.items():
        found = [reading_of(one, metric, window) for window in windows]
        cells = ["not read" if reading is None else shown_reading(reading) for reading in found]
        table.add_row(heading, *(_brief(cell) for cell in cells))
    shown.print(table)
    still = open_alerts(one)
    lines = [alert_sentence(one, alert) for alert in still[:ALERTS]]
    if len(still) > ALERTS:
        lines.append(f"{counted(len(still) - ALERTS, 'more open alert')} on the page")
    for line in (*lines, *one.notes):
        shown.print(f"  - {line}", markup=False, highlight=False, soft_wrap=True)
    if one.fatigue.years > 0.0:
        pages, years = one.fatigue.pages, one.fatigue.years
        shown.print(f"  {counted(pages, 'page')} so far{yearly(pages, years)}", highlight=False)


def _others_table(others: Sequence[Monitored]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="other books", title_justify="left")
    for heading in ("book", "state", "sessions", *METRICS.values(), "open"):
        table.add_column(heading, no_wrap=heading == "book")
    for one in others[:OTHERS]:
        window = _longest_read(one)
        found = [reading_of(one, metric, window) for metric in METRICS]
        cells = ["-" if reading is None else _brief(shown_reading(reading)) for reading in found]
        table.add_row(
            escape(f"{one.strategy}, {one.book}"),
            state_of(one),
            f"{window}",
            *cells,
            f"{len(open_alerts(one))}",
        )
    return table


def _longest_read(one: Monitored) -> int:
    """Return the longest window over which a book has a Sharpe ratio."""
    return max(
        (r.window for r in one.readings if r.metric == "sharpe" and r.status == "OK"),
        default=max(windows_of(one)),
    )


def _ratios(one: Monitored) -> str:
    return "; ".join(f"{name} {newest_ratio(one.ratios.get(key))}" for key, name in RATIOS.items())


def _brief(cell: str) -> str:
    return "-" if cell == NOT_COMPUTABLE else cell
