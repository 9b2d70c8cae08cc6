"""The monitor's page: every book in a table, champions in full. It loads nothing, reads alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from shadowbook.adapters.report.html import Table, bullets, document, folded, paragraph, section
from shadowbook.adapters.report.monitor_alerts import alerts_section
from shadowbook.adapters.report.monitor_diagnosis import diagnosis_section
from shadowbook.adapters.report.monitor_execution import compared_section, execution_section
from shadowbook.adapters.report.monitor_gap import gap_section
from shadowbook.adapters.report.monitor_metrics import metrics_section, readings_table
from shadowbook.adapters.report.monitor_ratio import ratio_figure
from shadowbook.adapters.report.monitor_style import MONITOR_STYLE
from shadowbook.adapters.report.monitor_words import (
    BookKey,
    alert_sentence,
    key_window,
    newest_ratio,
    open_alerts,
    read_first,
    reading_of,
    shown_capacity,
    shown_reading,
    span_of,
    state_of,
    traded,
    windows_of,
)
from shadowbook.adapters.report.style import PATTERNS, STYLE
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import counted
from shadowbook.core.diagnosis.findings import Diagnosis
from shadowbook.core.performance.monitored import Monitored

FULL = 8
"""Champion books that are drawn, the worst first: a page stays under 5 MB."""


def page_of_monitor(
    monitored: Sequence[Monitored],
    title: str,
    as_of: datetime,
    diagnoses: Mapping[BookKey, Diagnosis] | None = None,
    sources: Mapping[BookKey, str] | None = None,
    drift_page: str = "",
) -> str:
    """Write the page of all books under watch.

    Parameters
    ----------
    monitored : in any order; may be empty.
    title : plain text, such as "Monitor".
    as_of : aware; what may have been known.
    diagnoses : (strategy, book) -> its newest diagnosis.
    sources : (strategy, book) -> where its numbers come from, beyond the ledger: such as the run
        whose backtest they are held against.
    drift_page : address of the page of drift, relative to this one; empty without.
    """
    books = read_first(monitored)
    champions = [one for one in books if one.book == "champion"]
    drawn = champions[:FULL]
    content, links = overview_section(books), element("a", "Overview", href="#overview")
    executed = {
        one.strategy: one.execution.total
        for one in champions
        if one.execution is not None and one.execution.total.orders
    }
    if beside := compared_section(executed):
        content, links = content + beside, links + element("a", "Execution", href="#execution")
    for at, one in enumerate(drawn):
        key = (one.strategy, one.book)
        content += _full(one, f"b{at}", (diagnoses or {}).get(key), (sources or {}).get(key, ""))
        links += element("a", escape(one.strategy), href=f"#b{at}")
    short = [one for one in books if one not in drawn]
    if short:
        content += _short_section(short, diagnoses or {}, sources or {})
        links += element("a", "Other books", href="#others")
    if drift_page:
        links += element("a", "Drift", href=escape(drift_page))
    told = f"As of {as_of.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    header = element("h1", escape(title)) + paragraph(told, "faint")
    footer = paragraph(
        "How to read it: docs/monitoring.md of Shadowbook. Curves are thinned for drawing, numbers "
        "never.",
        "faint",
    )
    body = (
        PATTERNS
        + element("header", header + element("nav", links, aria_label="Sections"))
        + element("main", content)
        + element("footer", footer)
    )
    return document(title, body, STYLE + MONITOR_STYLE)


def overview_section(books: Sequence[Monitored]) -> str:
    """Write one row a book, champions first, the worst first."""
    if not books:
        return section("overview", "Overview", paragraph("No book has traded yet."))
    counts: dict[str, int] = {}
    for one in books:
        counts[state_of(one)] = counts.get(state_of(one), 0) + 1
    said = ", ".join(f"{counts[state]} {state}" for state in sorted(counts, key=_worst_first))
    windows = sorted({window for one in books for window in windows_of(one)})
    window = key_window(windows) if windows else 0
    intro = paragraph(
        f"{counted(len(books), 'book')}: {said}. Metrics over {window} sessions, ± one standard "
        "error, after costs; the Sharpe ratio is annualized. Realization ratio: live over "
        "backtest, with its 95 % interval."
    )
    rows = tuple(_row(one, window) for one in books)
    marked = frozenset(at for at, one in enumerate(books) if state_of(one) == "critical")
    headings = (
        "strategy, book",
        "state",
        "capacity",
        "Sharpe",
        "IC",
        "drawdown",
        "realization ratio",
        "open",
        "version",
    )
    return section("overview", "Overview", intro + str(Table(headings, rows, marked)))


def _worst_first(state: str) -> int:
    return ["critical", "warning", "watch", "quiet"].index(state)


def _row(one: Monitored, window: int) -> tuple[str, ...]:
    cells = []
    for metric in ("sharpe", "information_coefficient", "drawdown_current"):
        reading = reading_of(one, metric, window)
        cells.append("not computable" if reading is None else shown_reading(reading))
    return (
        f"{one.strategy}, {one.book}",
        state_of(one),
        shown_capacity(one.capacity),
        *cells,
        newest_ratio(one.ratios.get("sharpe")),
        f"{len(open_alerts(one)):,}",
        str(one.model_version),
    )


def _headline(one: Monitored) -> str:
    """Write how a book stands: state, capacity, and what is open."""
    state, still = state_of(one), open_alerts(one)
    badge = element("span", state, class_=f"badge {state}")
    told = f"{shown_capacity(one.capacity)}; version {one.model_version}; {span_of(one)}."
    content = element("p", element("strong", "State") + badge + " " + escape(told))
    if still:
        content += bullets(alert_sentence(one, alert) for alert in still)
    else:
        content += paragraph("No alert is open.")
    return element("div", content, class_=f"headline {state}")


def _traced(one: Monitored, source: str) -> str:
    """Say where a book's numbers come from."""
    tail = f" {source.rstrip('.')}." if source else ""
    return paragraph(
        f"From the ledger's sessions of {one.strategy}, book {one.book} ({span_of(one)}); limits, "
        f"realization ratio and gap against the out-of-sample backtest of version "
        f"{one.model_version}.{tail}",
        "faint",
    )


def _full(one: Monitored, ident: str, diagnosis: Diagnosis | None, source: str) -> str:
    name = one.strategy if one.book == "champion" else f"{one.strategy}, {one.book}"
    content = element("h2", escape(name)) + _headline(one)
    if not traded(one):
        content += paragraph("Nothing can be measured yet: the book has too few sessions.")
        content += bullets(one.notes) + _traced(one, source)
        if diagnosis is not None:
            content += diagnosis_section(diagnosis, f"{ident}-diagnosis")
        content += alerts_section(one, f"{ident}-alerts") if one.alerts else ""
        return element("div", content, id=ident, class_="strategy")
    content += element("h3", "Readings") + readings_table(one)
    content += bullets(one.notes, "faint") if one.notes else ""
    content += _traced(one, source)
    if diagnosis is not None:
        content += diagnosis_section(diagnosis, f"{ident}-diagnosis")
    content += metrics_section(one, ident)
    content += ratio_figure(one.ratios, f"{ident}-ratio")
    content += gap_section(one.attribution, f"{ident}-gap")
    content += execution_section(one.execution, f"{ident}-execution")
    content += alerts_section(one, f"{ident}-alerts")
    return element("div", content, id=ident, class_="strategy")


def _short_section(
    books: Sequence[Monitored],
    diagnoses: Mapping[BookKey, Diagnosis],
    sources: Mapping[BookKey, str],
) -> str:
    """Write the other books, each folded: how it stands and its readings."""
    content = ""
    for at, one in enumerate(books):
        key = (one.strategy, one.book)
        inside = _headline(one) + readings_table(one) + bullets(one.notes, "faint")
        if key in diagnoses:
            inside += diagnosis_section(diagnoses[key], f"o{at}-diagnosis")
        inside += _traced(one, sources.get(key, ""))
        content += folded(f"{one.strategy}, {one.book}: {state_of(one)}", inside)
    intro = paragraph(
        "Shadow books, and champions that there is no room to draw; drawn are the "
        f"{FULL} champions in the worst state."
    )
    return section("others", "Other books", intro + element("div", content, class_="books"))
