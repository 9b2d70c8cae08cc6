"""What was known when: bars with two time axes, read at one moment.

A bar has a session (what it is about) and ``available_at`` (when it could be known). The same
session may be told again later; at ``as_of`` the newest version with ``available_at <= as_of``
counts and nothing later exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shadowbook.core.values import BAR_FIELDS, Floats, Panel, Quarantine, Schedule
from shadowbook.errors import InsufficientDataError


@dataclass(frozen=True)
class Vintage:
    """Sessions that were decided on the same state of knowledge.

    Attributes
    ----------
    panel : prices as known then; its last session is the vintage's last.
    start : first row of ``panel`` that was decided in this vintage.
    """

    panel: Panel
    start: int


def instant(moment: datetime) -> np.datetime64:
    """Turn an aware datetime into a UTC ``datetime64[us]``.

    >>> from datetime import timezone
    >>> instant(datetime(2020, 1, 2, 21, 15, tzinfo=timezone.utc))
    np.datetime64('2020-01-02T21:15:00.000000')
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return np.datetime64(pd.Timestamp(moment).tz_convert("UTC").tz_localize(None), "us")


def known_at(rows: pd.DataFrame, moment: np.datetime64, keys: list[str]) -> pd.DataFrame:
    """Newest version of every row that could be known at ``moment``.

    Parameters
    ----------
    rows : frame with ``keys`` and an aware ``available_at``.
    moment : UTC instant.
    keys : what a row is about, e.g. ``["symbol", "session"]``.

    Returns
    -------
    One row a key, ordered by the keys.
    """
    visible = rows[rows["available_at"] <= pd.Timestamp(moment, tz="UTC")]
    ordered = visible.sort_values([*keys, "available_at"], kind="stable")
    return ordered.drop_duplicates(keys, keep="last").reset_index(drop=True)


def as_known(
    bars: pd.DataFrame, references: pd.DataFrame, schedule: Schedule, as_of: datetime
) -> Panel:
    """Prices as they were known at ``as_of``.

    Parameters
    ----------
    bars : one row per (symbol, session, available_at), columns of ``BAR_FIELDS``.
    references : one row per (name, session, available_at) with ``value``.
    schedule : the exchange's sessions; rows of other days are left out (the gate names them).
    as_of : aware instant.

    Returns
    -------
    Panel from the first session with a bar to the last one decided at or before ``as_of``;
    what was not known is NaN.

    Raises
    ------
    InsufficientDataError
        When no bar was known at ``as_of``.
    """
    return _panel_at(bars, references, schedule, instant(as_of))


def vintages(
    bars: pd.DataFrame,
    references: pd.DataFrame,
    schedule: Schedule,
    as_of: datetime,
    lookback: int,
    after: np.datetime64 | None = None,
) -> Iterator[Vintage]:
    """Split decision sessions by what was known when each was decided.

    A fact that arrives after the decision on its own session (late or restated) opens a new
    vintage: sessions decided before it must not see it, sessions decided after it must. Facts
    that arrive in time need no split, for a panel cut at a session holds none of a later one.

    Parameters
    ----------
    lookback : sessions of history a panel carries before the first session of its vintage.
    after : sessions up to and including this one are left out.

    Yields
    ------
    Vintage, in time order; together they hold every session after ``after`` exactly once.
    """
    final = _panel_at(bars, references, schedule, instant(as_of))
    first = int(np.searchsorted(final.sessions, after, side="right")) if after is not None else 0
    total = len(final.sessions)
    if first >= total:
        return
    cuts = _late_arrivals(bars, references, schedule)
    starts = np.searchsorted(final.decided_at, cuts, side="left")
    bounds = sorted({first, total, *(int(s) for s in starts if first < s < total)})
    for start, stop in pairwise(bounds):
        moment = final.decided_at[stop - 1]
        begin = max(0, start - lookback)
        if not len(cuts):
            panel = rows_between(final, begin, stop)
        else:
            lowest = final.sessions[begin]
            panel = _panel_at(
                bars[bars["session"] >= pd.Timestamp(lowest)],
                references[references["session"] >= pd.Timestamp(lowest)],
                schedule,
                moment,
                first=lowest,
                symbols=final.symbols,
            )
        yield Vintage(panel, len(panel.sessions) - (stop - start))


def rows_between(panel: Panel, begin: int, stop: int) -> Panel:
    """Cut a panel to its rows ``begin`` (included) to ``stop`` (excluded)."""
    return replace(
        panel,
        sessions=panel.sessions[begin:stop],
        decided_at=panel.decided_at[begin:stop],
        fields={name: values[begin:stop] for name, values in panel.fields.items()},
        references={name: values[begin:stop] for name, values in panel.references.items()},
    )


def mask(panel: Panel, spans: Iterable[Quarantine]) -> Panel:
    """Blank the quarantined spans, so that no window touching one has a value.

    Parameters
    ----------
    spans : symbols that the panel does not hold are ignored.
    """
    fields = {name: values.copy() for name, values in panel.fields.items()}
    columns = {symbol: i for i, symbol in enumerate(panel.symbols)}
    for span in spans:
        if span.symbol not in columns:
            continue
        lower = np.searchsorted(panel.sessions, np.datetime64(span.first, "D"), side="left")
        upper = len(panel.sessions)
        if span.last is not None:
            upper = int(
                np.searchsorted(panel.sessions, np.datetime64(span.last, "D"), side="right")
            )
        for values in fields.values():
            values[lower:upper, columns[span.symbol]] = np.nan
    return replace(panel, fields=fields)


def _late_arrivals(
    bars: pd.DataFrame, references: pd.DataFrame, schedule: Schedule
) -> NDArray[np.datetime64]:
    """Moments at which a fact came after the decision on its own session; (K,), ascending."""
    moments = []
    for rows in (bars, references):
        at = np.searchsorted(schedule.sessions, rows["session"].to_numpy("datetime64[D]"))
        at = np.minimum(at, len(schedule.sessions) - 1)
        available = rows["available_at"].dt.tz_convert("UTC").dt.tz_localize(None)
        known = available.to_numpy("datetime64[us]")
        moments.append(known[known > schedule.decided_at[at]])
    return np.unique(np.concatenate(moments))


def _panel_at(
    bars: pd.DataFrame,
    references: pd.DataFrame,
    schedule: Schedule,
    moment: np.datetime64,
    first: np.datetime64 | None = None,
    symbols: tuple[str, ...] | None = None,
) -> Panel:
    known = known_at(bars, moment, ["symbol", "session"])
    decided = int(np.searchsorted(schedule.decided_at, moment, side="right"))
    if first is None:
        if known.empty:
            raise InsufficientDataError(
                f"no bar was known at {pd.Timestamp(moment)} UTC: choose a later --as-of "
                "or bring earlier data"
            )
        first = known["session"].to_numpy("datetime64[D]").min()
    begin = int(np.searchsorted(schedule.sessions, first, side="left"))
    sessions = schedule.sessions[begin:decided]
    if not len(sessions):
        raise InsufficientDataError(
            f"no session had been decided at {pd.Timestamp(moment)} UTC: choose a later --as-of"
        )
    if symbols is None:
        symbols = tuple(sorted(known["symbol"].unique()))
    fields = _pivot(known, "symbol", sessions, symbols, [f for f in BAR_FIELDS if f in bars])
    told = known_at(references, moment, ["name", "session"])
    names = tuple(sorted(references["name"].unique()))
    series = _pivot(told, "name", sessions, names, ["value"])["value"]
    return Panel(
        sessions=sessions,
        symbols=symbols,
        fields=fields,
        references={name: np.ascontiguousarray(series[:, i]) for i, name in enumerate(names)},
        decided_at=schedule.decided_at[begin:decided],
    )


def _pivot(
    rows: pd.DataFrame,
    key: str,
    sessions: NDArray[np.datetime64],
    names: tuple[str, ...],
    columns: list[str],
) -> dict[str, Floats]:
    days = rows["session"].to_numpy("datetime64[D]")
    at = np.searchsorted(sessions, days)
    held = at < len(sessions)
    held[held] = sessions[at[held]] == days[held]
    column = pd.Categorical(rows[key], categories=list(names)).codes
    held &= column >= 0
    tables = {}
    for name in columns:
        table = np.full((len(sessions), len(names)), np.nan)
        table[at[held], column[held]] = rows[name].to_numpy("float64")[held]
        tables[name] = table
    return tables
