"""What a person reads of how orders were executed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from shadowbook.adapters.report.words import signed
from shadowbook.rendering import console

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from shadowbook.core.performance.execution import Quality
    from shadowbook.core.performance.spreads import Spreads
    from shadowbook.steps.execution import ExecutionReport
    from shadowbook.steps.tapes import TapeReport

LOST = ("orders", "traded", "filled", "delay", "realized", "opportunity", "explicit", "shortfall")
MARKET = (
    *("orders", "rejected", "slippage", "effective spread", "realized spread"),
    "latency 50/95/99 %",
)
"""Two tables, because one of all measures is wider than a terminal."""


def show_execution(report: ExecutionReport) -> None:
    """Print the quality of all orders, then by strategy, symbol and hour."""
    shown = console()
    shown.print(
        f"orders for the auctions of {report.first} to {report.last}; costs in basis points"
    )
    _print_quality("", {"all": report.quality.total})
    for name, groups in report.quality.by.items():
        _print_quality(name, groups)


def show_tape(report: TapeReport) -> None:
    """Print what trades paid and moved, by weight and by hour, and what the clocks say."""
    from rich.markup import escape

    shown, spreads = console(), report.spreads
    later = [f"{horizon} s" for horizon in spreads.by_count.realized]
    paid = ("trades", "traded", "quoted", "effective", *(f"realized {then}" for then in later))
    table = _table("spreads in basis points of the middle", paid)
    moved = _table("price impact in basis points of the middle", later)
    rows = {"by notional": spreads.by_notional, "by count": spreads.by_count}
    for name, one in {**rows, **spreads.hours}.items():
        table.add_row(name, *_spread_cells(one))
        moved.add_row(name, *(_number(value, 3) for value in one.impact.values()))
    shown.print(table)
    shown.print(moved)
    if spreads.unmatched:
        shown.print(f"{spreads.unmatched} trades have no usable quote before them")
    for finding in report.clocks.findings:
        shown.print(f"  {escape(finding)}")


def _print_quality(title: str, groups: Mapping[str, Quality]) -> None:
    from rich.markup import escape

    if not groups:
        return
    by = f"by {title}, " if title else ""
    lost = _table(f"{by}what orders lost against the price they were decided at", LOST)
    market = _table(f"{by}spreads and latency", MARKET)
    for name, one in groups.items():
        waits = "/".join(_number(wait, 3) for wait in one.latency_seconds.values())
        unknown = all(math.isnan(wait) for wait in one.latency_seconds.values())
        costs = (one.slippage_bps, one.effective_spread_bps, one.realized_spread_bps)
        parts = (one.delay_bps, one.realized_bps, one.opportunity_bps, one.explicit_bps)
        lost.add_row(
            escape(name),
            *(f"{one.orders:,}", f"{one.notional:,.0f}"),
            "-" if math.isnan(one.fill_ratio) else f"{one.fill_ratio:.1%}",
            *(_number(value) for value in (*parts, one.shortfall_bps)),
        )
        market.add_row(
            escape(name),
            *(f"{one.orders:,}", str(one.rejects)),
            *(_number(value) for value in costs),
            "-" if unknown else f"{waits} s",
        )
    console().print(lost)
    console().print(market)


def _table(title: str, headings: Sequence[str]) -> Table:
    """Start a table whose cells are folded, never cut, where the terminal is narrow."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("", overflow="fold")
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def _spread_cells(one: Spreads) -> tuple[str, ...]:
    values = (one.quoted, one.effective, *one.realized.values())
    return (f"{one.trades:,}", f"{one.notional:,.0f}", *(_number(value, 3) for value in values))


def _number(value: float, digits: int = 2) -> str:
    return "-" if math.isnan(value) else signed(value, f"z.{digits}f")
