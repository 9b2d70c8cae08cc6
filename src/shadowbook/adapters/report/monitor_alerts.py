"""The alerts of a book: every transition, and whether alerts meant something."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shadowbook.adapters.report.html import Table, folded, paragraph, section
from shadowbook.adapters.report.monitor_words import LEAST_YEARS, NOT_COMPUTABLE, action_of, yearly
from shadowbook.adapters.report.words import counted
from shadowbook.core.performance.alerts import Alert
from shadowbook.core.performance.monitored import Fatigue, Monitored
from shadowbook.core.performance.tiers import Tier

OPEN, MOST = 12, 200
"""Newest transitions that stand open on the page, and that are on it at all."""

FATIGUE = ("raised", "a year", "followed by decay", "can be judged", "share")


def alerts_section(monitored: Monitored, ident: str) -> str:
    """Write the alert log, newest first, and the fatigue."""
    content = _log(monitored.alerts)
    content += paragraph(fatigue_sentence(monitored.fatigue))
    if any(monitored.fatigue.raised.values()):
        content += str(fatigue_table(monitored.fatigue))
    return section(ident, "Alerts", content)


def _log(alerts: Sequence[Alert]) -> str:
    if not alerts:
        return paragraph("No alert was ever raised.")
    newest = list(reversed(alerts[-MOST:]))
    content = str(_table(newest[:OPEN]))
    if len(newest) > OPEN:
        content += folded(
            f"{counted(len(newest) - OPEN, 'earlier transition')}", str(_table(newest[OPEN:]))
        )
    older = len(alerts) - len(newest)
    if older:
        content += paragraph(f"{counted(older, 'older one')} in the ledger alone.", "faint")
    return content


def _table(alerts: Sequence[Alert]) -> Table:
    return Table(
        ("session", "tier", "what", "why", "action", "called"),
        tuple(
            (
                str(one.session),
                one.tier.value,
                one.transition.value,
                f"{one.reason} ({one.rule})",
                action_of(one),
                f"{one.owner}, {'at once' if one.pages else 'in the daily page'}",
            )
            for one in alerts
        ),
    )


def fatigue_sentence(fatigue: Fatigue) -> str:
    """Say how often alerts came, and what share of sessions decay followed anyway."""
    if not fatigue.years > 0.0:
        return "Nothing was watched yet."
    raised = sum(fatigue.raised.values())
    text = (
        f"{counted(raised, 'alert')} in {fatigue.years:.1f} years{yearly(raised, fatigue.years)}; "
        f"of them {counted(fatigue.pages, 'page')}{yearly(fatigue.pages, fatigue.years)}."
    )
    if math.isfinite(fatigue.base_rate):
        return text + (
            f" Decay followed {fatigue.base_rate:.0%} of all sessions: an alert that it follows no "
            "more often tells nothing."
        )
    return text + " Too few sessions lie behind to tell what decay follows."


def fatigue_table(fatigue: Fatigue) -> Table:
    """Lay raised alerts out by tier, and how many decay followed."""
    rows = []
    for tier in Tier:
        raised = fatigue.raised.get(tier, 0)
        judged, followed = fatigue.judged.get(tier, 0), fatigue.followed.get(tier, 0)
        rate = f"{raised / fatigue.years:.1f}" if fatigue.years >= LEAST_YEARS else NOT_COMPUTABLE
        part = f"{followed / judged:.0%}" if judged else NOT_COMPUTABLE
        rows.append((tier.value, f"{raised:,}", rate, f"{followed:,}", f"{judged:,}", part))
    return Table(
        ("tier", *FATIGUE),
        tuple(rows),
        caption="Of those that can be judged, the share that decay followed",
    )
