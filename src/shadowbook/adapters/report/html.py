"""Building blocks of the page: tables, legends, figures. Everything given as text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from shadowbook.adapters.report.svg import LINES, Drawing, element


@dataclass(frozen=True)
class Table:
    """Numbers behind a figure, or a list.

    Attributes
    ----------
    headings : of the columns; the first names the rows.
    rows : cells as plain text.
    marked : numbers of the rows to stand out.
    caption : what the table holds, for who hears it; may be empty.
    narrow : few short columns, which stay beside each other on a narrow screen.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int] = frozenset()
    caption: str = ""
    narrow: bool = False

    def __str__(self) -> str:
        """Write the table; on a narrow screen each row becomes a block with named cells."""
        named = {"class_": "narrow"} if self.narrow else {}
        head = "".join(
            element("th", escape(text), scope="col", role="columnheader") for text in self.headings
        )
        rows = "".join(self._row(at, cells) for at, cells in enumerate(self.rows))
        caption = element("caption", escape(self.caption)) if self.caption else ""
        return element(
            "table",
            caption
            + element("thead", element("tr", head, role="row"), role="rowgroup")
            + element("tbody", rows, role="rowgroup"),
            role="table",
            **named,
        )

    def _row(self, at: int, cells: Sequence[str]) -> str:
        told = element("th", escape(cells[0]), scope="row", role="rowheader")
        told += "".join(
            element("td", escape(cell), data_label=heading, role="cell")
            for heading, cell in zip(self.headings[1:], cells[1:], strict=True)
        )
        marked = {"class_": "chosen"} if at in self.marked else {}
        return element("tr", told, role="row", **marked)


@dataclass(frozen=True)
class Key:
    """One entry of a legend: what a mark in the drawing stands for.

    Attributes
    ----------
    mark : class of the mark in the style sheet.
    text : plain.
    shape : a line, a filled box, or an upright mark.
    """

    mark: str
    text: str
    shape: str = "line"

    def __str__(self) -> str:
        """Write the entry."""
        drawn = (
            element("rect", x=1, y=1, width=28, height=10, class_=self.mark)
            if self.shape == "box"
            else element(
                "path", d="M1 6H29" if self.shape == "line" else "M15 0V12", class_=self.mark
            )
        )
        sample = element("svg", drawn, viewBox="0 0 30 12", aria_hidden="true", class_="sample")
        return element("li", sample + escape(self.text))


@dataclass(frozen=True)
class Figure:
    """A drawing with what must be said beside it.

    Attributes
    ----------
    ident : unique on the page.
    title : plain text.
    says : what is shown, in which units, how to read it.
    doubt : what not to conclude from it.
    drawings : under each other; none where it cannot be computed, and ``says`` gives the reason.
    keys : the legend.
    table : the numbers drawn.
    """

    ident: str
    title: str
    says: str
    doubt: str = ""
    drawings: tuple[Drawing, ...] = ()
    keys: tuple[Key, ...] = ()
    table: Table | None = None

    def __str__(self) -> str:
        """Write the section of the page."""
        picture = "".join(str(drawing) for drawing in self.drawings)
        if self.keys:
            picture += element("ul", "".join(str(key) for key in self.keys), class_="key")
        beside = paragraph(self.says)
        if self.doubt:
            beside += element(
                "p", element("strong", "Doubt: ") + escape(self.doubt), class_="doubt"
            )
        caption = element("figcaption", beside)
        content = element("h2", escape(self.title), id=f"{self.ident}-heading")
        content += element("figure", element("div", picture, class_="picture") + caption)
        if self.table is not None:
            content += folded("The numbers", str(self.table))
        return element("section", content, id=self.ident, aria_labelledby=f"{self.ident}-heading")


def section(ident: str, title: str, content: str) -> str:
    """Write a section; ``content`` is markup."""
    heading = element("h2", escape(title), id=f"{ident}-heading")
    return element("section", heading + content, id=ident, aria_labelledby=f"{ident}-heading")


def paragraph(text: str, class_: str = "") -> str:
    """Write a paragraph of plain text."""
    named = {"class_": class_} if class_ else {}
    return element("p", escape(text), **named)


def bullets(items: Iterable[str], class_: str = "") -> str:
    """Write a list of plain sentences."""
    named = {"class_": class_} if class_ else {}
    return element("ul", "".join(element("li", escape(item)) for item in items), **named)


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Write names with what they stand for, as a description list."""
    told = "".join(
        element("div", element("dt", escape(name)) + element("dd", escape(value)))
        for name, value in pairs
    )
    return element("dl", told)


def folded(summary: str, content: str) -> str:
    """Write content that a click, or paper, unfolds."""
    return element("details", element("summary", escape(summary)) + content)


def document(title: str, body: str, style: str) -> str:
    """Write a whole page; ``body`` is markup."""
    head = (
        '<meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        + element("title", escape(f"{title} · Shadowbook"))
        + element("style", style)
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def line_class(order: int) -> str:
    """Name the style of the n-th line, which is drawn for the first ``LINES`` alone."""
    return f"line c{order % LINES}"
