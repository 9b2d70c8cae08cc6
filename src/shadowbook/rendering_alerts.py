"""What a person reads of open alerts on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from shadowbook.rendering import console
from shadowbook.steps.alerts import OpenAlert


def show_alerts(found: Sequence[OpenAlert]) -> None:
    """Print open alerts, a sentence each, and what to do about those that halt a book."""
    shown = console()
    if not found:
        shown.print("no alert is open")
        return
    for one in found:
        since = f"since {one.raised}" if one.raised else "since an unknown session"
        known = ", acknowledged" if one.acknowledged else ""
        text = f"{one.strategy}: {one.tier} {one.rule} {since}{known}: {one.reason}"
        shown.print(text, markup=False, highlight=False, soft_wrap=True)
    halting = [one for one in found if one.action == "halt" and not one.acknowledged]
    if halting:
        first = halting[0]
        shown.print(
            f"{first.strategy} decides nothing until a person closes its incident. Find the cause "
            f"(`shadowbook diagnose --strategy {first.strategy}`), then `shadowbook alerts "
            f"--strategy {first.strategy} --acknowledge {first.rule} --by NAME --reason WHY`",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
