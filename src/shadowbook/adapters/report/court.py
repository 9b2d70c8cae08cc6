"""The court's page: what it says of every challenger, why, and for how long. It loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from shadowbook.adapters.report.court_figures import books_figure, lead_figure
from shadowbook.adapters.report.court_history import budget_section, history_section
from shadowbook.adapters.report.court_sentences import (
    name_of,
    progress,
    read_first,
    sentence_of,
    wait_of,
)
from shadowbook.adapters.report.court_style import COURT_STYLE
from shadowbook.adapters.report.court_timeline import (
    judgments_table,
    rows_of,
    timeline_drawing,
    timeline_keys,
)
from shadowbook.adapters.report.court_words import (
    FAILED,
    OUTCOMES,
    meaning_of,
    question_of,
    shown,
)
from shadowbook.adapters.report.html import (
    Figure,
    Table,
    bullets,
    document,
    folded,
    paragraph,
    section,
)
from shadowbook.adapters.report.monitor_style import MONITOR_STYLE
from shadowbook.adapters.report.style import PATTERNS, STYLE
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import counted
from shadowbook.core.promotion.court_policy import CourtPolicy
from shadowbook.core.promotion.judged import Judged
from shadowbook.core.promotion.shown import CourtCase

FULL = 8
"""Challengers that are drawn; of further ones the page has the criteria alone."""


def page_of_court(
    cases: Sequence[CourtCase],
    title: str,
    as_of: datetime,
    policy: CourtPolicy | None = None,
) -> str:
    """Write the page of all challengers before the court.

    Parameters
    ----------
    cases : in any order; may be empty.
    title : plain text, such as "Court".
    as_of : aware; what may have been known.
    policy : what they were judged by, for the year's alpha; without it that is left out.
    """
    ordered = sorted(cases, key=lambda one: read_first(one.judged))
    content, links = overview_section(ordered), element("a", "Overview", href="#overview")
    for at, one in enumerate(ordered[:FULL]):
        content += _full(one, f"c{at}", policy)
        case = one.judged.case
        name = f"{one.judged.strategy} {case.challenger} against {case.champion}"
        links += element("a", escape(name), href=f"#c{at}")
    if len(ordered) > FULL:
        content += _short_section(ordered[FULL:])
        links += element("a", "Others", href="#others")
    told = f"As of {as_of.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    header = element("h1", escape(title)) + paragraph(told, "faint")
    footer = paragraph(
        "How to read it: docs/promotion.md of Shadowbook. Curves are thinned for drawing, numbers "
        "never.",
        "faint",
    )
    body = (
        PATTERNS
        + element("header", header + element("nav", links, aria_label="Sections"))
        + element("main", content)
        + element("footer", footer)
    )
    return document(title, body, STYLE + MONITOR_STYLE + COURT_STYLE)


def overview_section(ordered: Sequence[CourtCase]) -> str:
    """Write a sentence a strategy and challenger."""
    if not ordered:
        text = "No challenger is before the court."
        return section("overview", "Overview", paragraph(text))
    strategies = len({one.judged.strategy for one in ordered})
    intro = paragraph(
        f"{counted(len(ordered), 'challenger')} of {counted(strategies, 'strategy', 'strategies')}."
        " PROMOTE: every criterion passed. HOLD: not yet. REJECT: never. NOT_COMPUTABLE: nothing "
        "speaks against it, but a figure that is asked for is missing."
    )
    items = "".join(element("li", _summary(one.judged)) for one in ordered)
    return section("overview", "Overview", intro + element("ul", items, class_="summary"))


def criteria_table(judged: Judged) -> Table:
    """Lay out every question of the court with its answer; what failed stands out."""
    criteria = judged.decision.criteria
    rows, marked = [], set()
    for at, one in enumerate(criteria):
        value, threshold, mark = shown(one)
        if mark == FAILED:
            marked.add(at)
        rows.append((question_of(one.name), value, threshold, mark, meaning_of(one)))
    headings = ("question", "value", "threshold", "answer", "what it means")
    return Table(headings, tuple(rows), frozenset(marked))


def _summary(judged: Judged) -> str:
    return (
        element("strong", escape(name_of(judged)))
        + _badge(judged)
        + " "
        + escape(sentence_of(judged))
    )


def _badge(judged: Judged) -> str:
    outcome = judged.decision.outcome
    return element("span", str(outcome), class_=f"badge {OUTCOMES[outcome].badge}")


def _headline(judged: Judged) -> str:
    said = OUTCOMES[judged.decision.outcome]
    content = element("p", element("strong", "The court says") + _badge(judged))
    content += paragraph(said.meaning)
    told = progress(judged)
    wait = wait_of(judged)
    content += paragraph(f"{told}.{f' It waits for {wait}.' if wait else ''}")
    return element("div", content, class_=f"headline {said.badge}")


def _full(one: CourtCase, ident: str, policy: CourtPolicy | None) -> str:
    judged = one.judged
    content = element("h2", escape(name_of(judged))) + _headline(judged)
    content += section(
        f"{ident}-criteria",
        "What the court asks",
        element("div", str(criteria_table(judged)), class_="criteria"),
    )
    content += str(lead_figure(one, f"{ident}-lead")) + str(books_figure(one, f"{ident}-books"))
    content += history_section(judged, f"{ident}-history")
    budget = None if policy is None else policy.budget
    content += budget_section(judged, f"{ident}-budget", budget)
    content += _timeline(one, f"{ident}-timeline")
    return element("div", content, id=ident, class_="strategy")


def _timeline(one: CourtCase, ident: str) -> str:
    title = "What it said before"
    if not one.judgments:
        return section(ident, title, paragraph("Nothing is recorded of this case yet."))
    rows = rows_of(one.judgments, one.judged.as_of.date())
    figure = Figure(
        ident,
        title,
        "From the opening of the case to now. A mark stands where the outcome changed, a row in "
        "the table where the outcome or what stands against it did.",
        drawings=(timeline_drawing(rows, f"{ident}-drawing", ()),),
        keys=tuple(timeline_keys(rows, ())),
    )
    table = judgments_table(rows[0].judgments, "What was recorded, by session", case=False)
    return str(figure) + element("div", str(table), class_="judgments")


def _short_section(cases: Sequence[CourtCase]) -> str:
    content = paragraph(f"Drawn above are the first {FULL}; of these the criteria stand here.")
    for one in cases:
        name = f"{name_of(one.judged)}: {one.judged.decision.outcome}"
        inside = bullets([sentence_of(one.judged)]) + str(criteria_table(one.judged))
        content += folded(name, element("div", inside, class_="criteria"))
    return section("others", "Other challengers", content)
