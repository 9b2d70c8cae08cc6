"""How well a book's orders were executed: in total, by strategy, symbol and hour."""

from __future__ import annotations

import math
from collections.abc import Mapping

from shadowbook.adapters.report.html import Key, Table, folded, paragraph, section
from shadowbook.adapters.report.monitor_lines import fitted
from shadowbook.adapters.report.svg import RIGHT, WIDTH, Drawing, Scale, element
from shadowbook.adapters.report.ticks import round_ticks
from shadowbook.adapters.report.words import counted, signed
from shadowbook.core.performance.execution import ExecutionQuality, Quality

PARTS = ("delay", "realized", "opportunity", "explicit")
"""Perold's parts, in the order that they are stacked."""

MOST = 20
"""Groups of a kind that are shown, those with the largest notional."""

ROW, TOP, NAMES, NUMBERS = 20.0, 6.0, 76.0, 40.0
UNFILLED = "not filled"
SAYS = (
    "basis points of the notional at the decision price; above 0 is a cost, for a sale as for a "
    "purchase. Delay: from decision to arrival. Realized: from arrival to the fill. Opportunity: "
    "what was not filled, at the close. Explicit: commissions. The four add up to the "
    "implementation shortfall (Perold 1988)."
)
HEADINGS = (
    "orders",
    "rejects",
    "traded",
    "fill ratio",
    "slippage, bp",
    "effective spread, bp",
    "realized spread, bp",
    "latency, 50 / 95 / 99 %",
    "shortfall, bp",
)


def compared_section(totals: Mapping[str, Quality]) -> str:
    """Lay the champion books of several strategies beside each other: name -> all its orders."""
    if len(totals) < 2:
        return ""
    groups = largest(totals, by_name=False)
    many = f", the {MOST} largest of {len(totals):,}" if len(totals) > MOST else ""
    keys = "".join(str(Key(part, part, "box")) for part in PARTS)
    picture = str(_stacked(groups, "execution-drawn", "Shortfall by strategy"))
    content = paragraph(f"All orders of the champion books{many}; {SAYS}")
    content += element("ul", keys, class_="key")
    content += element("div", picture, class_="picture")
    content += folded("The numbers", str(groups_table("strategy", groups)))
    return section("execution", "Execution by strategy", content)


def execution_section(quality: ExecutionQuality | None, ident: str) -> str:
    """Write the execution of a book: tiles, Perold's parts stacked, and the tables."""
    title = "Execution"
    if quality is None or not quality.total.orders:
        return section(
            ident, title, paragraph("Not computable: no order of this book has been executed.")
        )
    content = _tiles(quality.total)
    content += paragraph(f"All orders of the book, under every version that scored it; {SAYS}")
    keys = "".join(str(Key(part, part, "box")) for part in PARTS)
    content += element("ul", keys, class_="key")
    pictures = tables = ""
    for kind in ("strategy", "symbol", "hour"):
        groups = largest(quality.by.get(kind, {}), by_name=kind == "hour")
        if not groups:
            continue
        many = len(quality.by[kind])
        name = f"by {kind}" + (f", the {MOST} largest of {many:,}" if many > MOST else "")
        picture = element("h3", name) + str(
            _stacked(groups, f"{ident}-{kind}", f"Shortfall {name}")
        )
        pictures += element("div", picture) if len(groups) > 1 else ""
        tables += element("h4", name) + str(groups_table(kind, groups))
    content += element("div", pictures, class_="multiples")
    return section(ident, title, content + folded("The numbers", tables))


def largest(groups: Mapping[str, Quality], by_name: bool) -> dict[str, Quality]:
    """Keep the groups with the largest notional, most first; hours in their order."""
    order = sorted(groups, key=lambda name: (-_or_zero(groups[name].notional), name))[:MOST]
    if by_name:
        order.sort(key=lambda name: (len(name), name))
    return {name: groups[name] for name in order}


def groups_table(kind: str, groups: Mapping[str, Quality]) -> Table:
    """Lay groups of orders out, a row each."""
    return Table(
        (kind, *HEADINGS),
        tuple((name or UNFILLED, *quality_cells(one)) for name, one in groups.items()),
    )


def quality_cells(one: Quality) -> tuple[str, ...]:
    """Write what is known of a group of orders, in the order of ``HEADINGS``."""
    latency = " / ".join(seconds(one.latency_seconds.get(p, math.nan)) for p in (50, 95, 99))
    return (
        f"{one.orders:,}",
        f"{one.rejects:,}",
        f"{one.notional:,.0f}" if math.isfinite(one.notional) else "unknown",
        share(one.fill_ratio),
        points(one.slippage_bps),
        points(one.effective_spread_bps),
        points(one.realized_spread_bps),
        "unknown" if latency == "unknown / unknown / unknown" else latency,
        points(one.shortfall_bps),
    )


def points(value: float) -> str:
    """Write basis points.

    >>> points(-1.25), points(float("nan"))
    ('−1.2', 'unknown')
    """
    return signed(value, "z.1f") if math.isfinite(value) else "unknown"


def share(value: float) -> str:
    """Write a share."""
    return signed(value, "z.1%") if math.isfinite(value) else "unknown"


def seconds(value: float) -> str:
    """Write a time span, short ones in milliseconds.

    >>> seconds(0.0123), seconds(2.5), seconds(7_200.0)
    ('12 ms', '2.5 s', '2.0 h')
    """
    if not math.isfinite(value):
        return "unknown"
    if value < 1.0:
        return f"{1e3 * value:.0f} ms"
    return f"{value:.1f} s" if value < 600.0 else f"{value / 3600.0:.1f} h"


def _tiles(total: Quality) -> str:
    latency = total.latency_seconds
    tiles = (
        ("shortfall", f"{points(total.shortfall_bps)} bp", "of what was decided"),
        ("slippage", f"{points(total.slippage_bps)} bp", "price against arrival"),
        (
            "effective spread",
            f"{points(total.effective_spread_bps)} bp",
            f"realized {points(total.realized_spread_bps)} bp",
        ),
        ("fill ratio", share(total.fill_ratio), f"{counted(total.orders, 'order')}"),
        (
            "latency, median",
            seconds(latency.get(50, math.nan)),
            f"95 %: {seconds(latency.get(95, math.nan))}, "
            f"99 %: {seconds(latency.get(99, math.nan))}"
            if math.isfinite(latency.get(50, math.nan))
            else "no order has both times",
        ),
        (
            "rejects",
            f"{total.rejects:,}",
            f"{total.rejects / total.orders:.1%} of orders" if total.orders else "",
        ),
    )
    return element(
        "div",
        "".join(
            element(
                "div",
                element("span", name, class_="name")
                + element("span", value.replace("unknown bp", "unknown"), class_="value")
                + element("span", hint, class_="hint"),
                class_="tile",
            )
            for name, value, hint in tiles
        ),
        class_="tiles",
    )


def _stacked(groups: Mapping[str, Quality], ident: str, title: str) -> Drawing:
    """Stack Perold's parts of each group: costs to the right of zero, gains to the left."""
    ends = [0.0]
    for one in groups.values():
        known = [v for v in _parts(one).values() if math.isfinite(v)]
        ends += [sum(v for v in known if v < 0.0), sum(v for v in known if v > 0.0)]
    room = 0.03 * (max(ends) - min(ends)) or 1.0
    across = Scale(min(ends) - room, max(ends) + room, NAMES, WIDTH - RIGHT - NUMBERS)
    bottom = TOP + ROW * len(groups)
    told = ", ".join(f"{name} {points(one.shortfall_bps)}" for name, one in groups.items())
    drawing = Drawing(ident, bottom + 20.0, title, f"Basis points: {told}.")
    for value, text in round_ticks(across.low, across.high, 4):
        x = across.at(value)
        drawing.segment((x, TOP), (x, bottom), "axis" if abs(value) < 1e-12 else "grid")
        drawing.text(x, bottom + 15.0, text, "middle", "small")
    for at, (name, one) in enumerate(groups.items()):
        y = TOP + ROW * at
        drawing.text(NAMES - 6.0, y + 14.0, fitted(name or UNFILLED, NAMES - 8.0), "end", "small")
        edges = {True: 0.0, False: 0.0}
        for part, value in _parts(one).items():
            if not math.isfinite(value) or value == 0.0:
                continue
            start = edges[value > 0.0]
            edges[value > 0.0] = start + value
            left, right = sorted((across.at(start), across.at(start + value)))
            drawing.rect(left, y + 3.0, right - left, ROW - 6.0, part)
        drawing.text(WIDTH - 2.0, y + 14.0, points(one.shortfall_bps), "end", "small")
    return drawing


def _parts(one: Quality) -> dict[str, float]:
    return {part: float(getattr(one, f"{part}_bps")) for part in PARTS}


def _or_zero(value: float) -> float:
    return value if math.isfinite(value) else 0.0
