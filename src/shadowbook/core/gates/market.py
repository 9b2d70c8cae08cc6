"""The gate of the bars; ``references`` holds that of the series beside them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from shadowbook.core.gates.feed_checks import feed_checks
from shadowbook.core.gates.market_checks import bar_checks
from shadowbook.core.gates.measures import market_tables
from shadowbook.core.gates.policy import MarketGatePolicy, SeriesPolicy
from shadowbook.core.gates.references import reference_gate
from shadowbook.core.gates.shape import (
    DAY,
    INSTANT,
    NUMBER,
    TEXT,
    is_sound,
    shape_checks,
    shape_tables,
)
from shadowbook.core.gates.suite import Gate, QuarantineLimits, Suite
from shadowbook.core.gates.versions import version_checks, withdrawn_check, withdrawn_table
from shadowbook.core.values import BAR_FIELDS, Schedule

__all__ = ["MarketGatePolicy", "SeriesPolicy", "bars_gate", "reference_gate"]


def bars_gate(
    bars: pd.DataFrame,
    references: pd.DataFrame,
    schedule: Schedule,
    as_of: datetime,
    policy: MarketGatePolicy,
    withdrawn: pd.DataFrame | None = None,
) -> Gate:
    """Prepare the gate of the bars: what to check, and the measures it is checked on.

    Parameters
    ----------
    bars : as read from the source, one row a (symbol, session, available_at).
    references : long frame of market series; ``index`` is used where it is there.
    schedule : the exchange's sessions, reaching at least to ``as_of``.
    as_of : aware instant; rows available later do not exist.
    withdrawn : symbol and session of accepted bars that the newest delivery no longer tells.

    Returns
    -------
    Gate
        Where the shape is broken (no rows, missing or mistyped or empty columns) the gate asks
        for the shape alone, for nothing else can be measured; those checks then fail.
    """
    expected = bar_columns(bars)
    shape = shape_tables(bars, expected, "bars")
    checks = shape_checks(expected, "bars")
    if not is_sound(shape, expected, "bars"):
        return Gate(Suite("bars", "closed", checks), shape)
    known = bars[bars["available_at"] <= pd.Timestamp(as_of)]
    if not _on_calendar(known, schedule):
        empty = shape_tables(known.iloc[:0], expected, "bars")
        return Gate(Suite("bars", "closed", checks), empty)
    tables = {**shape, **market_tables(bars, references, schedule, as_of, policy)}
    measured = tables["known"]
    if withdrawn is not None:
        symbols = sorted(measured["symbol"].unique())
        tables["withdrawn"] = withdrawn_table(withdrawn, symbols)
        checks = (*checks, withdrawn_check())
    checks = (
        *checks,
        *version_checks("symbol", policy.max_restatement),
        *bar_checks(policy, tuple(measured.columns)),
        *feed_checks(policy),
    )
    newest = measured["session"].max()
    universe = measured.loc[measured["session"] == newest, "symbol"]
    limits = QuarantineLimits(
        universe=tuple(sorted(universe)),
        newest=newest.date(),
        min_symbols=policy.min_symbols,
        max_share=policy.max_quarantined_share,
        n_bars=len(measured),
        max_bars_share=policy.max_quarantined_bars,
    )
    return Gate(Suite("bars", "closed", checks, limits), tables)


def bar_columns(bars: pd.DataFrame) -> dict[str, str]:
    """Columns that bars must have or have, and what each must hold."""
    numbers = {name: NUMBER for name in BAR_FIELDS if name == "close" or name in bars}
    return {"symbol": TEXT, "session": DAY, "available_at": INSTANT, **numbers}


def _on_calendar(known: pd.DataFrame, schedule: Schedule) -> bool:
    return bool(np.isin(known["session"].to_numpy("datetime64[D]"), schedule.sessions).any())
