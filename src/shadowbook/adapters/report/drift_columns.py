"""Today's columns in numbers, and what the textbook's limits would say of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shadowbook.adapters.report.drift_words import (
    ordered_rows,
    shown,
    shown_alarms,
    shown_p,
    windows_of,
)
from shadowbook.adapters.report.html import Table, bullets, folded, paragraph, section
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import counted
from shadowbook.core.drift.found import ColumnDrift, DriftBook
from shadowbook.core.drift.policy import DriftPolicy

PSI_LIMIT, KS_LEVEL = 0.2, 0.05
"""The textbook's: a population stability index above, a p-value of independent values below."""

OPEN = 12
"""Drifted rows that stand open."""

HEADINGS = (
    "column",
    "window",
    "PSI (band)",
    "K-S (band)",
    "K-S p, textbook",
    "p, calibrated",
    "p, adjusted",
    "missing",
)


def columns_section(one: DriftBook, policy: DriftPolicy, ident: str) -> str:
    """Write today's scan: drifted columns open, the rest folded."""
    title = "Today's columns"
    if not one.today:
        return section(ident, title, paragraph("NOT_COMPUTABLE: there is no scan of today."))
    rows = ordered_rows(one.today)
    drifted = [row for row in rows if row.drifted]
    rest = [row for row in rows if not row.drifted and row.status == "OK"]
    failed = [row for row in rows if row.status != "OK"]
    content = paragraph(
        f"Trailing windows of {windows_of(one)} sessions against the reference. A column counts as "
        f"drifted where its p-value, adjusted for all columns and windows of the scan (Benjamini "
        f"and Hochberg), is at most {policy.false_discovery_rate:g}. The band is what 5 % of "
        "windows reach when nothing changed, on this data; missing is the share of values that "
        "are not finite, current less reference, with its own p-value."
    )
    if drifted:
        content += str(columns_table(drifted[:OPEN], "Columns that drifted"))
    else:
        content += paragraph("No column counts as drifted.")
    if more := drifted[OPEN:]:
        content += folded(
            f"{counted(len(more), 'more row')} that drifted",
            str(columns_table(more, "More columns that drifted")),
        )
    if rest:
        content += folded(
            f"{counted(len(rest), 'row')} that did not drift",
            str(columns_table(rest, "Columns that did not drift")),
        )
    if failed:
        content += paragraph("NOT_COMPUTABLE:")
        content += bullets(f"{row.column}, {row.window} sessions: {_why(row)}" for row in failed)
    return section(ident, title, element("div", content, class_="dense"))


def columns_table(rows: Sequence[ColumnDrift], caption: str) -> Table:
    """Lay rows of a scan out."""
    return Table(HEADINGS, tuple(_cells(row) for row in rows), caption=caption)


def _cells(row: ColumnDrift) -> tuple[str, ...]:
    missing = shown(row.missing_difference, "+.1%")
    missing = "0.0%" if missing[1:] == "0.0%" else missing
    if math.isfinite(row.p_missing) and math.isfinite(row.missing_difference):
        missing += f" (p {shown_p(row.p_missing)})"
    return (
        row.column if row.kind in ("feature", row.column) else f"{row.column} ({row.kind})",
        f"{row.window} ({row.n_current:,} values)",
        _banded(row.psi, row.psi_band),
        _banded(row.ks_statistic, row.ks_band),
        shown_p(row.ks_p_textbook),
        shown_p(row.p_value),
        shown_p(row.adjusted),
        missing,
    )


def _banded(value: float, band: float) -> str:
    """Write a distance with its band."""
    told = shown(value, ".3f")
    return f"{told} ({shown(band, '.3f')})" if math.isfinite(value) else told


def _why(row: ColumnDrift) -> str:
    return f"{row.reason.rstrip('.')}." if row.reason else "no reason was given."


def textbook_section(one: DriftBook, ident: str) -> str:
    """Write what the textbook's limits would say today, and how often each rule cries wolf."""
    content = ""
    known = [row for row in one.today if row.status == "OK"]
    if known:
        psi = [row for row in known if row.psi > PSI_LIMIT]
        ks = [row for row in known if row.ks_p_textbook < KS_LEVEL]
        ours = [row for row in known if row.drifted]
        content += paragraph(
            f"Of {counted(len(known), 'row')} today (a column over a window), PSI above "
            f"{PSI_LIMIT:g} would call {len(psi):,} drifted and K-S at {KS_LEVEL:.0%} would call "
            f"{len(ks):,}; the calibrated scan calls {len(ours):,}, and it alone decides."
        )
    found = one.false_alarms
    if found is None or not found.years > 0.0:
        content += paragraph(
            "NOT_COMPUTABLE: how often each rule alarms when nothing changed was not measured "
            "(drift.held_out_years is 0, the reference is shorter than two years, or there is no "
            "profile)."
        )
        return section(ident, "What the textbook would say", content)
    rows = (
        ("calibrated scan", f"{shown_alarms(found)} incidents a year", "yes"),
        (
            f"PSI above {PSI_LIMIT:g}",
            f"{shown(found.textbook_psi, '.0%')} of columns in alarm at any time",
            "no",
        ),
        (
            f"K-S at {KS_LEVEL:.0%}, values taken as independent",
            f"{shown(found.textbook_ks, '.0%')} of columns in alarm at any time",
            "no",
        ),
    )
    content += str(
        Table(
            ("rule", "false alarms when nothing changed", "decides"),
            rows,
            frozenset({0}),
            f"Measured on {counted(int(found.years), 'year')} of this reference, each held against "
            "all the rest of it; in parentheses the 95 % interval",
        )
    )
    return section(ident, "What the textbook would say", content)
