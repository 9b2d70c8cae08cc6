"""Features as they were known at each decision, as rows for the append-only log."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd

from shadowbook.core.bitemporal import mask, vintages
from shadowbook.core.learning.features import FeatureCube, build_features, feature_names, lookback
from shadowbook.core.values import BAR_FIELDS, Quarantine, Schedule


@dataclass(frozen=True)
class Knowledge:
    """What one extension of the feature log knew, enough to do it again.

    Attributes
    ----------
    as_of : the run's moment; nothing later was seen.
    first : the first session it may have written; the one before was the log's last.
    symbols : the names it knew.
    references : the market series it knew.
    quarantined : the spans it left out.
    """

    as_of: datetime
    first: date
    symbols: tuple[str, ...]
    references: tuple[str, ...]
    quarantined: tuple[Quarantine, ...]


def feature_rows(
    bars: pd.DataFrame,
    references: pd.DataFrame,
    schedule: Schedule,
    knowledge: Knowledge,
    until: date | None = None,
) -> pd.DataFrame:
    """Compute every feature at every decision session, from what was known then.

    Parameters
    ----------
    bars, references : bitemporal rows; see ``core.bitemporal``.
    knowledge : what may be used.
    until : sessions from this one on are left out (a later extension wrote them).

    Returns
    -------
    One row per (symbol, session) with a price: ``symbol``, ``session``, ``available_at`` (the
    decision moment), one float64 column a feature. NaN while a feature warms up.
    """
    known = bars[bars["symbol"].isin(knowledge.symbols)]
    series = references[references["name"].isin(knowledge.references)]
    after = np.datetime64(knowledge.first, "D") - np.timedelta64(1, "D")
    parts = []
    for vintage in vintages(known, series, schedule, knowledge.as_of, lookback(), after=after):
        panel = mask(vintage.panel, knowledge.quarantined)
        cube = build_features(panel)
        parts.append(_long(cube, panel.prices, panel.decided_at, vintage.start))
    rows = _together(parts, feature_names([f for f in BAR_FIELDS if f in bars]))
    if until is not None:
        rows = rows[rows["session"] < pd.Timestamp(until)]
    return rows.sort_values(["session", "symbol"], ignore_index=True)


def rebuild_log(
    bars: pd.DataFrame,
    references: pd.DataFrame,
    schedule: Schedule,
    journal: Iterable[Knowledge],
    symbols: Collection[str] | None = None,
) -> pd.DataFrame:
    """Do every extension of a feature log again; the rows must equal the log's.

    Parameters
    ----------
    journal : the extensions in the order they were made. One that was cut short is followed by
        one that starts where it ended.
    symbols : keep only these names' rows.
    """
    entries = list(journal)
    ends = [*(entry.first for entry in entries[1:]), None]
    parts = [
        feature_rows(bars, references, schedule, entry, until=end)
        for entry, end in zip(entries, ends, strict=False)
    ]
    rows = _together(parts, feature_names([f for f in BAR_FIELDS if f in bars]))
    return rows if symbols is None else rows[rows["symbol"].isin(set(symbols))]


def _long(
    cube: FeatureCube, prices: np.ndarray, decided_at: np.ndarray, start: int
) -> pd.DataFrame:
    at, column = np.nonzero(np.isfinite(prices[start:]))
    at = at + start
    frame = pd.DataFrame(cube.values[at, column], columns=list(cube.names))
    frame.insert(0, "symbol", np.array(cube.symbols, dtype=object)[column])
    frame.insert(1, "session", cube.sessions[at].astype("datetime64[us]"))
    frame.insert(2, "available_at", pd.DatetimeIndex(decided_at[at]).tz_localize("UTC"))
    return frame


def _together(parts: Iterable[pd.DataFrame], names: Collection[str]) -> pd.DataFrame:
    full = [part for part in parts if len(part)]
    return pd.concat(full, ignore_index=True) if full else _empty(names)


def _empty(names: Collection[str]) -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(dtype="float64") for name in names})
    frame.insert(0, "symbol", pd.Series(dtype=object))
    frame.insert(1, "session", pd.Series(dtype="datetime64[us]"))
    frame.insert(2, "available_at", pd.Series(dtype="datetime64[us, UTC]"))
    return frame
