"""What a person reads of how orders were executed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from shadowbook.rendering import console

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shadowbook.core.performance.execution import Quality
    from shadowbook.core.performance.spreads import Spreads
    from shadowbook.steps.execution import ExecutionReport
    from shadowbook.steps.tapes import TapeReport

QUALITY = (
    *("orders", "rejected", "traded", "filled", "slippage", "eff. spread", "real. spread"),
    *("latency 50/95/99", "explicit", "realized", "delay", "opportunity", "shortfall"),
)


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
    """Print what trades paid, by weight and by hour, and what the clocks say."""
    from rich.markup import escape
    from rich.table import Table

    shown, spreads = console(), report.spreads
    horizons = list(spreads.by_count.realized)
    later = [f"{name} {horizon} s" for name in ("realized", "impact") for horizon in horizons]
    table = Table(title="spreads in basis points of the middle")
    for name in ("", "trades", "traded", "quoted", "effective", *later):
        table.add_column(name, justify="right" if name else "left")
    rows = {"by notional": spreads.by_notional, "by count": spreads.by_count}
    for name, one in {**rows, **spreads.hours}.items():
        table.add_row(name, *_spread_cells(one))
    shown.print(table)
    if spreads.unmatched:
        shown.print(f"{spreads.unmatched} trades have no usable quote before them")
    for finding in report.clocks.findings:
        shown.print(f"  {escape(finding)}")


def _print_quality(title: str, groups: Mapping[str, Quality]) -> None:
    from rich.markup import escape
    from rich.table import Table

    if not groups:
        return
    table = Table(title=f"by {title}" if title else None)
    for name in ("", *QUALITY):
        table.add_column(name, justify="right" if name else "left")
    for name, one in groups.items():
        waits = "/".join(_number(wait, 3) for wait in one.latency_seconds.values())
        unknown = all(math.isnan(wait) for wait in one.latency_seconds.values())
        costs = (one.slippage_bps, one.effective_spread_bps, one.realized_spread_bps)
        parts = (one.explicit_bps, one.realized_bps, one.delay_bps, one.opportunity_bps)
        table.add_row(
            escape(name),
            *(f"{one.orders:,}", str(one.rejects), f"{one.notional:,.0f}"),
            "-" if math.isnan(one.fill_ratio) else f"{one.fill_ratio:.1%}",
            *(_number(value) for value in costs),
            "-" if unknown else f"{waits} s",
            *(_number(value) for value in (*parts, one.shortfall_bps)),
        )
    console().print(table)


def _spread_cells(one: Spreads) -> tuple[str, ...]:
    values = (one.quoted, one.effective, *one.realized.values(), *one.impact.values())
    return (f"{one.trades:,}", f"{one.notional:,.0f}", *(_number(value, 3) for value in values))


def _number(value: float, digits: int = 2) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
