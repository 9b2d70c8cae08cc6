"""What a person reads of a trading day."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from shadowbook.rendering import console

if TYPE_CHECKING:
    from shadowbook.core.books.day import BookDay
    from shadowbook.steps.trade import TradeReport

COLORS = {"TRADED": "green", "ALREADY_TRADED": "yellow"}


def show_trade(report: TradeReport) -> None:
    """Print the outcome, what each book did, and why something was not done."""
    from rich.markup import escape
    from rich.table import Table

    shown = console()
    color = COLORS.get(report.outcome.value, "red")
    orders = "" if report.halts else f", {report.orders} orders for the next session"
    shown.print(f"[{color}]{report.outcome.value}[/] {report.session}{orders}")
    for reason in report.reasons:
        shown.print(f"  {escape(reason)}")
    if not report.days:
        return
    table = Table()
    for name in ("session", "book", "model", "outcome", "equity", "net", "signal", "cost", "held"):
        table.add_column(name, justify="left" if name in ("book", "outcome") else "right")
    for day in report.days:
        table.add_row(*_row(day))
    shown.print(table)
    for day in report.days:
        for reason in day.reasons:
            shown.print(f"  {day.strategy} {day.book}: {escape(reason)}")


def _row(day: BookDay) -> tuple[str, ...]:
    return (
        str(day.session),
        f"{day.strategy} {day.book}",
        str(day.model_version or "-"),
        day.outcome.value,
        f"{day.equity:,.2f}",
        _percent(day.net),
        _percent(day.signal),
        _percent(day.cost),
        str(int((day.quantities != 0).sum())),
    )


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:+.3%}"
