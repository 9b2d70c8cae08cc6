"""What prices said of each session at its decision, and the features that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from shadowbook.core.bitemporal import mask, rows_between, vintages
from shadowbook.core.learning.features import build_features, lookback
from shadowbook.core.learning.point_in_time import Knowledge
from shadowbook.core.values import Floats, Schedule
from shadowbook.errors import StaleDataError
from shadowbook.steps.history import Moment, moments_between, rows_of
from shadowbook.steps.known import Accepted
from shadowbook.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Computed:
    """Features of a session, computed again.

    Attributes
    ----------
    symbols : n names that had a price, sorted: the universe.
    names : K features.
    values : (n, K); NaN = not computable then.
    """

    symbols: tuple[str, ...]
    names: tuple[str, ...]
    values: Floats


@dataclass(frozen=True, eq=False)
class KnownDay:
    """A session as its prices were known at the decision.

    Attributes
    ----------
    logged : symbol -> (K,) the feature log's row, in order of ``computed.names``.
    """

    moment: Moment
    computed: Computed
    logged: Mapping[str, Floats]


def known_days(workspace: Workspace, first: date, last: date) -> dict[date, KnownDay]:
    """Compute what was known of every session of a span.

    Parameters
    ----------
    workspace : whose data are read; restored from pins, or as they are now.

    Raises
    ------
    ConfigError, StaleDataError
        The span holds no session, or prices or features do not reach over it.
    """
    known, moments = moments_between(workspace, first, last)
    computed: dict[date, Computed] = {}
    journal = workspace.feature_journal.read()
    ends = [*(entry.first for entry in journal[1:]), None]
    for entry, end in zip(journal, ends, strict=True):
        begin = max(entry.first, first)
        stop = last if end is None else min(end - timedelta(days=1), last)
        if begin <= stop:
            computed |= _computed(known, entry, begin, stop)
    lacking = next((m.session for m in moments if m.session not in computed), None)
    if lacking is not None:
        raise StaleDataError(
            f"the feature log's journal does not reach to session {lacking}: run `shadowbook "
            f"features --as-of {lacking}` first"
        )
    logged = _logged(workspace, moments, next(iter(computed.values())).names)
    return {
        moment.session: KnownDay(moment, computed[moment.session], logged.get(moment.session, {}))
        for moment in moments
    }


def _computed(known: Accepted, entry: Knowledge, first: date, last: date) -> dict[date, Computed]:
    """Do a part of an extension of the log again: the same vintages, cut at the span's end."""
    bars = known.delivery.bars[known.delivery.bars["symbol"].isin(entry.symbols)]
    series = known.delivery.references
    series = series[series["name"].isin(entry.references)]
    if "index" in entry.references:
        # Without an index every name that ever was there counts for the market, to the last bit.
        bars, series = (_near(rows, known.schedule, first) for rows in (bars, series))
    after = np.datetime64(first, "D") - np.timedelta64(1, "D")
    found: dict[date, Computed] = {}
    for vintage in vintages(bars, series, known.schedule, entry.as_of, lookback(), after=after):
        stop = int(np.searchsorted(vintage.panel.sessions, np.datetime64(last, "D"), "right"))
        if stop <= vintage.start:
            break
        panel = mask(rows_between(vintage.panel, 0, stop), entry.quarantined)
        cube = build_features(panel)
        for row in range(vintage.start, stop):
            there = np.flatnonzero(np.isfinite(panel.prices[row]))
            symbols = tuple(panel.symbols[i] for i in there.tolist())
            session: date = panel.sessions[row].astype(date)
            found[session] = Computed(symbols, cube.names, cube.values[row, there])
    return found


def _near(rows: pd.DataFrame, schedule: Schedule, first: date) -> pd.DataFrame:
    """Leave out what lies before the longest look-back of a session."""
    at = int(np.searchsorted(schedule.sessions, np.datetime64(first, "D")))
    lowest = schedule.sessions[max(at - lookback(), 0)]
    return rows[rows["session"] >= pd.Timestamp(lowest)]


def _logged(
    workspace: Workspace, moments: Sequence[Moment], names: Sequence[str]
) -> dict[date, Mapping[str, Floats]]:
    rows = rows_of(workspace.feature_log.read(moments[-1].as_of), moments)
    values = rows.reindex(columns=list(names)).to_numpy("float64")
    found: dict[date, dict[str, Floats]] = {}
    keys = zip(rows["session"].dt.date.tolist(), rows["symbol"].tolist(), strict=True)
    for (session, symbol), row in zip(keys, values, strict=True):
        found.setdefault(session, {})[symbol] = row
    return dict(found)
