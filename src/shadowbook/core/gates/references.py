"""The gate of one market series beside the symbols: the index, or the VIX."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from shadowbook.core.bitemporal import instant, known_at
from shadowbook.core.gates.policy import MarketGatePolicy, SeriesPolicy
from shadowbook.core.gates.shape import (
    DAY,
    INSTANT,
    NUMBER,
    TEXT,
    is_sound,
    shape_checks,
    shape_tables,
)
from shadowbook.core.gates.suite import Check, Gate, Suite, Tables
from shadowbook.core.gates.versions import version_checks, version_table
from shadowbook.core.values import FailMode, Schedule

EXPECTED = {"name": TEXT, "session": DAY, "available_at": INSTANT, "value": NUMBER}

CLOSED = frozenset({"index"})
"""Series that decisions rest on; the others are for analysis and are dropped when they fail."""


def reference_gate(
    name: str,
    references: pd.DataFrame,
    schedule: Schedule,
    as_of: datetime,
    policy: MarketGatePolicy,
) -> Gate:
    """Prepare the gate of one series.

    Parameters
    ----------
    name : ``index`` (fails closed) or another (fails open: dropped, its values missing).
    references : long frame ``name``, ``session``, ``available_at``, ``value`` of all series.
    schedule, as_of : as for the bars.

    Returns
    -------
    Gate that asks for the shape alone where that is broken.
    """
    limits = policy.index if name in CLOSED else policy.vix
    fail_mode: FailMode = "closed" if name in CLOSED else "open"
    rows = references[references["name"] == name] if "name" in references else references
    shape = shape_tables(rows, EXPECTED, name)
    checks = shape_checks(EXPECTED, name)
    if not is_sound(shape, EXPECTED, name):
        return Gate(Suite(name, fail_mode, checks), shape)
    known = rows[rows["available_at"] <= pd.Timestamp(as_of)]
    if not np.isin(known["session"].to_numpy("datetime64[D]"), schedule.sessions).any():
        return Gate(Suite(name, fail_mode, checks), shape_tables(known.iloc[:0], EXPECTED, name))
    tables = {**shape, **series_tables(known, schedule, as_of)}
    checks = (*checks, *version_checks("name", policy.max_restatement), *_series_checks(limits))
    return Gate(Suite(name, fail_mode, checks), tables)


def series_tables(known: pd.DataFrame, schedule: Schedule, as_of: datetime) -> Tables:
    """Measure one well-shaped series as it was known.

    Returns
    -------
    versions : every known row (``version_table``).
    levels : newest version of each session's value, its log ``move`` and how many sessions it
        has been ``unchanged``.
    feed : one row: ``lag`` in decided sessions, ``missing_share`` between first and last.
    """
    levels = known_at(known, instant(as_of), ["name", "session"])
    value = levels["value"].where(levels["value"] > 0)
    levels["move"] = np.abs(np.log((value / value.shift(1)).to_numpy(np.float64)))
    same = levels["value"].diff() == 0
    levels["unchanged"] = same.groupby((~same).cumsum()).cumsum().astype(np.float64)
    days = levels["session"].to_numpy("datetime64[D]")
    spanned = schedule.sessions[
        (schedule.sessions >= days.min()) & (schedule.sessions <= days.max())
    ]
    absent = spanned[~np.isin(spanned, days)]
    decided = schedule.sessions[schedule.decided_at <= instant(as_of)]
    feed = pd.DataFrame(
        {
            "session": [pd.Timestamp(days.max())],
            "lag": [float((decided > days.max()).sum())],
            "missing_share": [len(absent) / len(spanned)],
            "first_missing": [str(absent[0]) if len(absent) else ""],
        }
    )
    table = version_table(known, "name", "value", schedule, as_of)
    return {"versions": table, "levels": levels, "feed": feed}


def _series_checks(limits: SeriesPolicy) -> tuple[Check, ...]:
    day = ("name", "session")
    return (
        Check(
            name="value_present",
            table="levels",
            kind="not_null",
            columns=("value",),
            key=day,
            severity="critical",
            action="halt",
            what="the value is missing",
            remedy="load it from the source",
        ),
        Check(
            name="value_positive",
            table="levels",
            kind="between",
            columns=("value",),
            minimum=0,
            strict_minimum=True,
            maximum=1e9,
            key=day,
            severity="critical",
            action="halt",
            what="the value is {value}",
            remedy="mend it at the source",
        ),
        Check(
            name="value_move",
            table="levels",
            kind="between",
            columns=("move",),
            maximum=limits.max_move,
            key=day,
            severity="critical",
            action="halt",
            what="the value moves by {value} in log terms in one session",
            remedy="check the unit and the level at the source",
        ),
        Check(
            name="value_frozen",
            table="levels",
            kind="between",
            columns=("unchanged",),
            maximum=limits.max_unchanged,
            key=day,
            severity="critical",
            action="halt",
            what="the value has not changed for {value} sessions",
            remedy="reload the stretch; it was copied forward",
        ),
        Check(
            name="series_fresh",
            table="feed",
            kind="between",
            columns=("lag",),
            maximum=limits.max_lag_sessions,
            key=("session",),
            severity="critical",
            action="halt",
            what="the newest value is {value} decided sessions old",
            remedy="ingest the newest values or choose an earlier --as-of",
        ),
        Check(
            name="series_complete",
            table="feed",
            kind="between",
            columns=("missing_share",),
            maximum=limits.max_missing_share,
            key=("session",),
            details=("first_missing",),
            severity="critical",
            action="halt",
            what="a share of {value} of the sessions up to here is missing, first {first_missing}",
            remedy="load the missing sessions",
        ),
    )
