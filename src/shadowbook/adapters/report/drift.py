"""The drift page: where every champion stands between drift and decay, and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

from shadowbook.adapters.report.drift_attribution import attribution_figure
from shadowbook.adapters.report.drift_columns import columns_section, textbook_section
from shadowbook.adapters.report.drift_heat import heat_figure
from shadowbook.adapters.report.drift_overlay import overlays_section
from shadowbook.adapters.report.drift_quadrant import quadrant_figure
from shadowbook.adapters.report.drift_streams import streams_section
from shadowbook.adapters.report.drift_style import DRIFT_STYLE
from shadowbook.adapters.report.drift_words import (
    badge_of,
    blocked,
    headline,
    name_of,
    newest_alarm,
    read_first,
    shown_alarms,
    span_of,
    stands,
    told,
    windows_of,
    worst_columns,
)
from shadowbook.adapters.report.html import (
    Table,
    bullets,
    document,
    facts,
    paragraph,
    section,
)
from shadowbook.adapters.report.monitor_style import MONITOR_STYLE
from shadowbook.adapters.report.monitor_words import BookKey
from shadowbook.adapters.report.style import PATTERNS, STYLE
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import counted, listed
from shadowbook.core.drift.found import DriftBook
from shadowbook.core.drift.policy import DriftPolicy

FULL = 8
"""Books that are drawn, the worst first: a page stays under 5 MB."""


def page_of_drift(
    books: Sequence[DriftBook],
    title: str,
    as_of: datetime,
    sources: Mapping[BookKey, str] | None = None,
    policy: DriftPolicy | None = None,
    illustrations: Mapping[BookKey, str] | None = None,
) -> str:
    """Write the page of all champion books.

    Parameters
    ----------
    books : in any order; may be empty.
    title : plain text, such as "Drift".
    as_of : aware; what may have been known.
    sources : (strategy, book) -> where its numbers come from, beyond the ledger: such as the run
        whose profile they are held against.
    policy : what the scans were judged by; the defaults without one.
    illustrations : (strategy, book) -> address of Evidently's page of the same windows, relative
        to this page.
    """
    ordered = read_first(books)
    drawn = ordered[:FULL]
    content = overview_section(ordered)
    links = element("a", "Overview", href="#overview")
    for at, one in enumerate(drawn):
        key = (one.strategy, one.book)
        source, seen = (sources or {}).get(key, ""), (illustrations or {}).get(key, "")
        content += _full(one, policy or DriftPolicy(), f"b{at}", source, seen)
        links += element("a", escape(name_of(one)), href=f"#b{at}")
    header = element("h1", escape(title)) + paragraph(
        f"As of {as_of.astimezone(UTC):%Y-%m-%d %H:%M} UTC", "faint"
    )
    footer = paragraph(
        "How to read it: docs/drift.md of Shadowbook. Drawings are thinned, numbers never.", "faint"
    )
    body = (
        PATTERNS
        + element("header", header + element("nav", links, aria_label="Sections"))
        + element("main", content)
        + element("footer", footer)
    )
    return document(title, body, STYLE + MONITOR_STYLE + DRIFT_STYLE)


def overview_section(ordered: Sequence[DriftBook]) -> str:
    """Write one row a book, the worst first."""
    if not ordered:
        return section("overview", "Overview", paragraph("No champion has been scanned yet."))
    intro = paragraph(
        f"{counted(len(ordered), 'champion book')}, the worst first. Drift: inputs, scores, "
        "outcomes, errors or importances are other than those of the reference that a version was "
        "trained on. Decay: an open alert on results of tier warning or worse. False "
        "alarms: incidents a year that the scan would open if nothing ever changed."
    )
    headings = (
        "strategy",
        "stands",
        "worst columns",
        "false alarms a year",
        "incident open since",
        "coverage ticket",
        "retraining wanted",
        "version",
    )
    marked = frozenset(at for at, one in enumerate(ordered) if badge_of(one) == "critical")
    table = Table(headings, tuple(_row(one) for one in ordered), marked)
    content = intro + str(table)
    if len(ordered) > FULL:
        content += paragraph(
            f"Drawn below are the {FULL} that stand worst; the others are in this table, the "
            "ledger and `shadowbook monitor --json`."
        )
    return section("overview", "Overview", content)


def _row(one: DriftBook) -> tuple[str, ...]:
    return (
        name_of(one),
        stands(one),
        worst_columns(one),
        shown_alarms(one.false_alarms),
        "none" if one.incident is None else str(one.incident),
        f"open, {counted(len(one.ticket), 'entry', 'entries')}" if one.ticket else "none",
        "no" if one.request is None else "yes",
        str(one.model_version),
    )


def _full(one: DriftBook, policy: DriftPolicy, ident: str, source: str, seen: str) -> str:
    content = element("h2", escape(name_of(one))) + _headline(one)
    content += _traced(one, source, seen)
    if one.request is not None:
        content += _request(one, f"{ident}-request")
    content += quadrant_figure(one, policy, f"{ident}-quadrant")
    if one.reference is None:
        content += _no_profile(one, f"{ident}-profile")
    else:
        content += heat_figure(one, f"{ident}-heat")
        content += columns_section(one, policy, f"{ident}-columns")
        content += textbook_section(one, f"{ident}-textbook")
        content += overlays_section(one, f"{ident}-overlays")
        content += attribution_figure(one.attributions, f"{ident}-shap")
    content += streams_section(one, f"{ident}-streams")
    if one.ticket:
        content += _ticket(one, f"{ident}-ticket")
    if one.notes:
        content += section(f"{ident}-notes", "What could not be computed", bullets(one.notes))
    return element("div", content, id=ident, class_="strategy")


def _headline(one: DriftBook) -> str:
    badge = element("span", escape(stands(one)), class_=f"badge {badge_of(one)}")
    content = element("p", element("strong", "Stands") + badge)
    content += paragraph(headline(one))
    said = [f"worst columns: {worst_columns(one)}"]
    said += ["no open incident" if one.incident is None else f"incident open since {one.incident}"]
    if one.streams:
        said += [f"newest alarm of a calibrated detector: {newest_alarm(one)}"]
    if one.attributions is not None and one.attributions.status == "OK":
        shifted = [row.feature for row in one.attributions.rows if row.shifted]
        said += [f"importances that shifted: {listed(shifted, 3) if shifted else 'none'}"]
    said += [f"expected false alarms a year: {shown_alarms(one.false_alarms)}"]
    text = "; ".join(said)
    content += paragraph(f"{text[:1].upper()}{text[1:]}.")
    return element("div", content, class_=f"headline {badge_of(one)}")


def _traced(one: DriftBook, source: str, seen: str) -> str:
    """Say where a book's numbers come from, and where its pictures by Evidently are."""
    against = (
        f"the profile of version {one.model_version} ({one.reference[0]} to {one.reference[1]})"
        if one.reference is not None
        else f"nothing: version {one.model_version} has no profile"
    )
    windows = windows_of(one)
    over = f" over trailing windows of {windows} sessions" if windows else ""
    tail = f" {source.rstrip('.')}." if source else ""
    content = escape(
        f"Feature log, predictions and labels of {one.strategy}, book {one.book}{over} "
        f"({span_of(one)}), held against {against}; decay from the alerts in the ledger; incidents "
        f"and tickets are its events drift and ticket.{tail}"
    )
    if seen:
        content += " " + element("a", "The same windows drawn by Evidently", href=seen)
        content += " (a sample, for looking only)."
    return element("p", content, class_="faint")


def _no_profile(one: DriftBook, ident: str) -> str:
    first = "When the fault is fixed, train" if blocked(one) else "Train"
    text = (
        f"NOT_COMPUTABLE: version {one.model_version} has no drift profile, because it was trained "
        "before profiles were kept or its profile is gone, so nothing can be held against it. "
        f"{first} a version that has one: shadowbook retrain --strategy {one.strategy}. Once that "
        "version is the champion, the next monitor scans it."
    )
    return section(ident, "No profile to hold it against", paragraph(text))


def _request(one: DriftBook, ident: str) -> str:
    if one.request is None:
        return ""
    asked = one.request
    pairs = [("alert", asked.alert), ("as of", f"{asked.as_of.astimezone(UTC):%Y-%m-%d %H:%M} UTC")]
    pairs += [(name.replace("_", " "), told(value)) for name, value in asked.evidence.items()]
    said = paragraph(
        "Drift and decay together ask for a retraining, once for this alert. Cool-down and budget "
        "may still refuse it; the ledger tells what became of it."
    )
    return section(ident, "Retraining wanted", said + facts(pairs))


def _ticket(one: DriftBook, ident: str) -> str:
    said = paragraph(
        "Results fell and nothing that is monitored changed. Not monitored, so the cause may be "
        "here:"
    )
    return section(ident, "Coverage ticket", said + bullets(one.ticket))
