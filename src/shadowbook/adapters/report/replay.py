"""The page of a replay, or of two policies side by side. It loads nothing and reads alone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from shadowbook.adapters.report.court_decisions import decisions_section
from shadowbook.adapters.report.court_style import COURT_STYLE
from shadowbook.adapters.report.html import bullets, document, facts, folded, paragraph, section
from shadowbook.adapters.report.replay_figures import (
    compared_figure,
    exposure_figure,
    fall_figure,
    growth_figure,
    source_figure,
)
from shadowbook.adapters.report.replay_lines import Placed
from shadowbook.adapters.report.replay_tables import (
    parts_table,
    policies_table,
    strategies_table,
    years_table,
)
from shadowbook.adapters.report.replay_words import (
    KINDS,
    champion_of,
    grouped,
    strategies_of,
    told,
    with_interval,
)
from shadowbook.adapters.report.style import PATTERNS, STYLE
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import counted, listed
from shadowbook.core.books.summary import BookSummary, ReplaySummary, difference
from shadowbook.core.promotion.judged import Judgment

MOST = 12
"""Notes of a kind that stand open on the page; more are folded."""

Part = tuple[str, str, str]
"""Ident, name of the link at the top, markup."""


def page_of_replay(
    summaries: Sequence[ReplaySummary], judgments: Sequence[Sequence[Judgment]] = ()
) -> str:
    """Write the page of one replay, or of two policies side by side.

    Parameters
    ----------
    summaries : one, or two whose books are compared over the sessions they share; where there are
        two, each difference is the second less the first.
    judgments : what the court of each replay recorded, a sequence a summary; empty where no court
        was asked: then the page says nothing of it.

    Raises
    ------
    ValueError
        When there are none or more than two, or judgments of another number of replays.
    """
    if len(summaries) not in (1, 2):
        raise ValueError(f"a page shows one replay or two, not {len(summaries)}")
    if judgments and len(judgments) != len(summaries):
        raise ValueError(f"judgments of {len(judgments)} replays, not of {len(summaries)}")
    names = listed([one.name for one in summaries])
    first, last = min(one.first for one in summaries), max(one.last for one in summaries)
    title = f"{names}, replayed {first} to {last}"
    strategies = strategies_of(summaries)
    parts: list[Part] = [
        ("figures", "Figures", _figures_section(summaries, strategies)),
        ("doubts", "Doubts", section("doubts", "What to doubt", bullets(_doubts(summaries)))),
    ]
    for at, strategy in enumerate(strategies):
        drawn = _drawings(summaries, strategy, at)
        if drawn:
            parts.append((f"strategy-{at}", strategy, _group(f"strategy-{at}", drawn)))
    asked = any(judgments)
    if asked:
        parts.append(("court", "Court", decisions_section(summaries, judgments, "court")))
    parts.append(("notes", "Events", _notes_section(summaries)))
    parts.append(("made", "Making", _making_section(summaries)))
    links = "".join(element("a", escape(name), href=f"#{ident}") for ident, name, _ in parts)
    header = element("h1", escape(title)) + paragraph(
        f"Replay of {counted(max(one.n_sessions for one in summaries), 'session')}, each as it was "
        "known then",
        "faint",
    )
    footer = paragraph(
        "How to read it: docs/replay.md of Shadowbook. Curves are thinned for drawing, numbers "
        "never.",
        "faint",
    )
    body = (
        PATTERNS
        + element("header", header + element("nav", links, aria_label="Sections"))
        + element("main", _summary(summaries, strategies) + "".join(text for *_, text in parts))
        + element("footer", footer)
    )
    return document(title, body, STYLE + COURT_STYLE if asked else STYLE)


def _group(ident: str, content: str) -> str:
    return element("div", content, id=ident)


def _summary(summaries: Sequence[ReplaySummary], strategies: Sequence[str]) -> str:
    """Say in a sentence a strategy what the replay came to."""
    said = []
    for strategy in strategies:
        books = [champion_of(one, strategy) for one in summaries]
        for one, book in zip(summaries, books, strict=True):
            if book is None:
                continue
            under = f" under {one.name}" if len(summaries) > 1 else ""
            said.append(
                f"{strategy}{under}: "
                f"{with_interval(book.metrics['net_return_annual'], 'z.1%')} a year after costs, "
                f"net Sharpe ratio {with_interval(book.metrics['sharpe_annualized'], 'z.2f')}, "
                f"deepest fall {with_interval(book.metrics['max_drawdown'], 'z.1%')}."
            )
        if len(books) == 2 and books[0] and books[1]:
            said.append(_verdict(strategy, [one.name for one in summaries], books[0], books[1]))
    return element("div", bullets(said), class_="summary")


def _verdict(strategy: str, names: Sequence[str], first: BookSummary, second: BookSummary) -> str:
    """Say whether two policies' Sharpe ratios can be told apart."""
    metric = difference(second.series, first.series)["sharpe_annualized"]
    if metric.status != "OK":
        return f"{strategy}: the policies cannot be compared: {metric.reason}."
    shown = f"{names[1]} less {names[0]}, net Sharpe ratio {with_interval(metric, 'z.2f')}"
    if abs(metric.value) <= 1.96 * metric.standard_error:
        return f"{strategy}: {shown}: zero is in the interval, so neither is shown to be better."
    better = names[1] if metric.value > 0.0 else names[0]
    return f"{strategy}: {shown}: {better} did better in these years, by more than chance explains."


def _figures_section(summaries: Sequence[ReplaySummary], strategies: Sequence[str]) -> str:
    intro = paragraph(
        "Of the champion books, after costs; in brackets 95 % intervals that respect "
        "autocorrelation. Net Sharpe, return, signal, execution and cost are a year's; turnover is "
        "a session's trades over equity, both sides. Held: sessions in which a book kept what it "
        "had for a reason listed under Events."
    )
    if len(summaries) == 1:
        return section("figures", "The figures", intro + str(strategies_table(summaries[0])))
    tables = "".join(
        element("h3", escape(strategy)) + str(policies_table(summaries, strategy))
        for strategy in strategies
    )
    alone = paragraph(
        f"The difference is {summaries[1].name} less {summaries[0].name} over the sessions that "
        "both have; its interval knows that they lived through the same ones."
    )
    return section("figures", "The figures", intro + alone + tables)


def _years(summaries: Sequence[ReplaySummary], strategy: str, ident: str) -> str:
    intro = paragraph(
        "The champion book, calendar year by calendar year, after costs; the first and the last "
        "may be parts of one. "
        + ("The fall is the deepest within the year." if len(summaries) == 1 else "")
    )
    content = intro + str(years_table(summaries, strategy))
    content += folded("The numbers", str(parts_table(summaries, strategy)))
    return section(ident, f"{strategy}: year by year", content)


def _drawings(summaries: Sequence[ReplaySummary], strategy: str, at: int) -> str:
    books = [(one, champion_of(one, strategy)) for one in summaries]
    there = [(one, book) for one, book in books if book is not None]
    if not there:
        return ""
    years = _years([one for one, _ in there], strategy, f"s{at}-years")
    drawn = ""
    if len(there) > 1:
        both = {one.name: book for one, book in there}
        drawn = str(compared_figure(Placed(f"s{at}", strategy), both)) + years
    for number, (one, book) in enumerate(there):
        title = f"{strategy} under {one.name}" if len(summaries) > 1 else strategy
        place = Placed(f"s{at}p{number}", title)
        shadows = [
            other
            for other in one.books
            if other.series.strategy == strategy and other.series.book != "champion"
        ]
        notes = [note for note in one.notes if note.strategy in ("", strategy)]
        drawn += str(growth_figure(place, book, shadows, notes)) + str(fall_figure(place, book))
        drawn += years if len(there) == 1 else ""
        drawn += str(source_figure(place, book)) + str(exposure_figure(place, book))
    return drawn


def _doubts(summaries: Sequence[ReplaySummary]) -> list[str]:
    """List what speaks against believing the numbers."""
    acts = sum(note.simulated for one in summaries for note in one.notes)
    found = [
        "Whoever wrote the policy and the feature catalog knew how these years went. A replay "
        "shows what the rules would have done, not that anyone would have chosen them then.",
        "Names that had vanished before the data was put together are not in it. The sample's "
        "twenty stocks all survived to its end: every result with them looks better than it was.",
        "Spread, impact and commission are assumed by params.yaml; borrowing fees, interest and "
        "taxes are not in it.",
    ]
    if acts:
        found.append(
            f"{counted(acts, 'act')} of a person {'was' if acts == 1 else 'were'} simulated, by "
            "the rules in params.yaml: a person may have decided otherwise, or later."
        )
    if len(summaries) == 2:
        found.append(
            "The second policy was chosen to be compared: of several tried, the best looks better "
            "than it is."
        )
    return found


def _notes_section(summaries: Sequence[ReplaySummary]) -> str:
    content = ""
    for one in summaries:
        content += element("h3", escape(one.name)) if len(summaries) > 1 else ""
        if not one.notes:
            content += paragraph("Nothing is noted.")
        for kind, heading, _ in KINDS:
            notes = [note for note in one.notes if note.kind == kind]
            lines = grouped(notes) if kind == "held" else [told(note) for note in notes]
            if not lines:
                continue
            name = f"{heading}: {len(notes):,}"
            if len(lines) > MOST:
                content += folded(name, bullets(lines, "many"))
            else:
                content += element("h4", escape(name)) + bullets(lines)
    return section("notes", "What happened", content)


def _making_section(summaries: Sequence[ReplaySummary]) -> str:
    content = paragraph(
        "Session by session: the orders decided the session before are filled in its auction, the "
        "book is marked at its close, and the model of that day scores what was known at its "
        "decision. A version scores from the session on that it was trained as of, on data known "
        "then. A shadow book gets the same data and the same costs and sends no order. Where the "
        "policy asks for a person, a simulated operator answers by rules of its own, and each such "
        "act is labelled. The same code runs a live day."
    )
    for one in summaries:
        content += facts(
            [
                ("policy", one.name),
                ("sessions", f"{one.n_sessions:,}, from {one.first} to {one.last}"),
                ("books", listed([f"{b.series.strategy} {b.series.book}" for b in one.books], 40)),
                ("took", f"{one.seconds:,.1f} seconds"),
                ("digest of all books", one.digest),
            ]
        )
    return section("made", "How it was made", content)
