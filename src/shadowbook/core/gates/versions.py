"""Rows as they were told: keys, days and the moments they could be known."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from shadowbook.core.bitemporal import instant
from shadowbook.core.gates.suite import Check
from shadowbook.core.values import Schedule


def version_table(
    known: pd.DataFrame, subject: str, value: str, schedule: Schedule, as_of: datetime
) -> pd.DataFrame:
    """Measure every known row against the calendar, the clock and its earlier versions.

    Parameters
    ----------
    known : rows with ``available_at <= as_of``, every version of them.
    subject : the column that says whose row it is.
    value : the column whose restatements are measured.

    Returns
    -------
    One row a version: ``subject``, ``session``, ``available_at``; ``trading_day`` 1 or 0;
    ``days_ahead`` of ``as_of`` (UTC date); ``hours_after_close`` (NaN off the calendar);
    ``restated`` absolute log ratio to the version before (NaN for the first).
    """
    table = known[[subject, "session", "available_at"]].copy()
    days = known["session"].to_numpy("datetime64[D]")
    at = np.minimum(np.searchsorted(schedule.sessions, days), len(schedule.sessions) - 1)
    trading = schedule.sessions[at] == days
    table["trading_day"] = trading.astype(np.float64)
    today = instant(as_of).astype("datetime64[D]")
    table["days_ahead"] = (days - today).astype(np.float64)
    told = known["available_at"].dt.tz_localize(None).to_numpy("datetime64[us]")
    hours = (told - schedule.closes[at]) / np.timedelta64(1, "h")
    table["hours_after_close"] = np.where(trading, hours, np.nan)
    ordered = known.sort_values([subject, "session", "available_at"], kind="stable")
    level = ordered[value].where(ordered[value] > 0)
    before = level.groupby([ordered[subject], ordered["session"]], sort=False).shift(1)
    ratio = (level / before).to_numpy(np.float64)
    table["restated"] = pd.Series(np.abs(np.log(ratio)), index=ordered.index)
    return table


def withdrawn_table(withdrawn: pd.DataFrame, symbols: list[str]) -> pd.DataFrame:
    """Count the accepted bars that the newest delivery no longer tells.

    Parameters
    ----------
    withdrawn : symbol and session of each such bar.
    symbols : every symbol there is.

    Returns
    -------
    One row a symbol: ``symbol``, ``session`` and ``last`` (first and last such session, NaT where
    there is none), ``withdrawn`` their number.
    """
    spans = withdrawn.groupby("symbol")["session"].agg(["min", "max", "count"]).reindex(symbols)
    return pd.DataFrame(
        {
            "symbol": symbols,
            "session": spans["min"].to_numpy(),
            "last": spans["max"].to_numpy(),
            "withdrawn": spans["count"].fillna(0).to_numpy(np.float64),
        }
    )


def withdrawn_check() -> Check:
    """Return the check on bars that the newest delivery no longer tells."""
    return Check(
        name="history_retold",
        table="withdrawn",
        kind="between",
        columns=("withdrawn",),
        maximum=0,
        key=("symbol", "session"),
        details=("last",),
        severity="warning",
        action="note",
        what="the source no longer tells {value} accepted bars from here to {last}, which stay as "
        "they were accepted",
        remedy="bring the whole history, or go on if that is intended",
    )


def version_checks(subject: str, max_restatement: float) -> tuple[Check, ...]:
    """List the checks on keys, days and moments; look-ahead and doubled keys halt."""
    key = (subject, "session")
    return (
        Check(
            name="keys_unique",
            table="versions",
            kind="unique",
            columns=(subject, "session", "available_at"),
            key=key,
            details=("available_at",),
            severity="critical",
            action="halt",
            what="there is more than one row available at {available_at}",
            remedy="remove the duplicate or give each version the moment it became known",
        ),
        Check(
            name="sessions_on_calendar",
            table="versions",
            kind="in_set",
            columns=("trading_day",),
            allowed=(1.0,),
            key=key,
            severity="critical",
            action="halt",
            what="the exchange has no session on this day",
            remedy="check the date's time zone and market_data.calendar",
        ),
        Check(
            name="sessions_not_ahead",
            table="versions",
            kind="between",
            columns=("days_ahead",),
            maximum=0,
            key=key,
            severity="critical",
            action="halt",
            what="the session lies {value} days ahead of as_of",
            remedy="correct its date or choose a later --as-of",
        ),
        Check(
            name="known_after_close",
            table="versions",
            kind="between",
            columns=("hours_after_close",),
            minimum=0,
            key=key,
            severity="critical",
            action="halt",
            what="it claims to be known {value} hours after the session's close, so before it",
            remedy="correct available_at, for a run would look ahead",
        ),
        Check(
            name="restatements_small",
            table="versions",
            kind="between",
            columns=("restated",),
            maximum=max_restatement,
            key=key,
            severity="warning",
            action="note",
            what="the price was restated by {value} in log terms",
            remedy="confirm the restatement at the source",
        ),
    )
