"""Measures of bars as they were known: per version, bar, gap, session, symbol and feed."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shadowbook.core.bitemporal import instant, known_at
from shadowbook.core.gates.frozen import frozen_runs, rest_chances
from shadowbook.core.gates.grid import Grid, build_grid
from shadowbook.core.gates.identity import Shift, find_shifts, find_successors
from shadowbook.core.gates.jumps import find_spikes, find_splits, find_swaps, find_twins
from shadowbook.core.gates.policy import MarketGatePolicy
from shadowbook.core.gates.suite import Tables
from shadowbook.core.gates.versions import version_table
from shadowbook.core.gates.volumes import either_way, moved_untraded, over_median, volume_shift
from shadowbook.core.values import Floats, Schedule

RECENT = 63
"""Sessions whose usual number of symbols the newest is compared with."""


def market_tables(
    bars: pd.DataFrame,
    references: pd.DataFrame,
    schedule: Schedule,
    as_of: datetime,
    policy: MarketGatePolicy,
) -> Tables:
    """Measure well-shaped bars as they were known at ``as_of``.

    Returns
    -------
    versions : every known row (``version_table``).
    known : newest version of each bar with what was measured on it; NaN where a measure does
        not apply. ``before`` is the symbol's previous session.
    coverage : one row per stretch of missing sessions of a symbol and one per whole symbol.
    sessions : one row a session of the calendar between the first and the last bar.
    symbols : one row a symbol.
    feed : one row.
    """
    known = bars[bars["available_at"] <= pd.Timestamp(as_of)]
    newest = known_at(bars, instant(as_of), ["symbol", "session"])
    decided = schedule.sessions[schedule.decided_at <= instant(as_of)]
    grid = build_grid(newest, _index_levels(references, as_of), schedule.sessions, policy)
    present = np.isfinite(grid.fields["close"]) | _told(newest, grid)
    return {
        "versions": version_table(known, "symbol", "close", schedule, as_of),
        "known": _bar_table(newest, grid, policy),
        "coverage": _coverage(grid, present),
        "sessions": _session_table(grid, present, policy),
        "symbols": _symbol_table(grid, present, policy),
        "feed": _feed_table(grid, present, decided),
    }


def _index_levels(references: pd.DataFrame, as_of: datetime) -> pd.Series:
    if references.empty:
        return pd.Series(dtype=np.float64, index=pd.DatetimeIndex([]))
    told = known_at(references, instant(as_of), ["name", "session"])
    return told[told["name"] == "index"].set_index("session")["value"]


def _places(
    newest: pd.DataFrame, grid: Grid
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Whether each bar is on the grid, and its row and column there (0 where it is not)."""
    days = newest["session"].to_numpy("datetime64[D]")
    row = np.minimum(np.searchsorted(grid.sessions, days), len(grid.sessions) - 1)
    column = np.searchsorted(np.asarray(grid.symbols, dtype=object), newest["symbol"])
    return grid.sessions[row] == days, row, column


def _told(newest: pd.DataFrame, grid: Grid) -> NDArray[np.bool_]:
    """(T, N) whether there is a bar at all, be it without a close."""
    held, row, column = _places(newest, grid)
    told = np.zeros(grid.prices.shape, dtype=bool)
    told[row[held], column[held]] = True
    return told


def _bar_table(newest: pd.DataFrame, grid: Grid, policy: MarketGatePolicy) -> pd.DataFrame:
    splits = find_splits(grid, policy)
    swapped, partner = find_swaps(grid, policy)
    frozen, frozen_start = frozen_runs(grid, policy)
    spikes = find_spikes(grid, policy)
    noise = grid.noise
    measures: dict[str, NDArray[np.generic]] = {
        "move": grid.returns,
        "deviations": np.abs(grid.residuals) / noise,
        "level_ratio": np.exp(np.abs(grid.residuals)),
        "split_ratio": splits.ratio,
        "split": splits.suspected.astype(np.float64),
        "ratio_jump": splits.possible.astype(np.float64),
        "spike": spikes.wrong.astype(np.float64),
        "reversal": spikes.doubtful.astype(np.float64),
        "strayed": spikes.strayed.astype(np.float64),
        "near": spikes.near,
        "swap": swapped.astype(np.float64),
        "partner": partner,
        "frozen": frozen,
        "before": grid.sessions[np.maximum(grid.previous, 0)],
        "frozen_from": grid.sessions[frozen_start],
        "frozen_to": _frozen_to(grid, frozen),
    }
    if "volume" in grid.fields:
        measures["volume_ratio"] = either_way(over_median(grid.fields["volume"]))
        measures["volume_shift"] = volume_shift(grid)
        measures["moved_untraded"] = moved_untraded(grid).astype(np.float64)
        measures["repeated"] = _repeated(grid).astype(np.float64)
    held, row, column = _places(newest, grid)
    row, column = row[held], column[held]
    table = newest[held].reset_index(drop=True)
    for name, values in measures.items():
        table[name] = values[row, column]
    for name in ("before", "frozen_from", "frozen_to"):
        table[name] = table[name].astype("datetime64[us]")
    _measure_range(table, grid.tick[row, column])
    return table


def _frozen_to(grid: Grid, frozen: Floats) -> NDArray[np.datetime64]:
    """(T, N) last session of a frozen run; NaT where it lasts to the symbol's newest price."""
    last = np.broadcast_to(grid.sessions[:, None], frozen.shape).copy()
    present = np.isfinite(grid.prices)
    newest = len(present) - 1 - np.argmax(present[::-1], axis=0)
    last[newest, np.arange(frozen.shape[1])] = np.datetime64("NaT")
    return last


def _repeated(grid: Grid) -> NDArray[np.bool_]:
    """(T, N) every field is that of the symbol's previous bar, and something was traded."""
    same = grid.fields["volume"] > 0
    before = np.maximum(grid.previous, 0)
    for values in grid.fields.values():
        previous = np.take_along_axis(values, before, axis=0)
        same &= (values == previous) | (np.isnan(values) & np.isnan(previous))
    return same & (grid.previous >= 0)


def _measure_range(table: pd.DataFrame, tick: Floats) -> None:
    """Add how far high and low miss the other prices of the bar, as a share of the close."""
    prices = [name for name in ("open", "high", "low", "close") if name in table]
    if not {"high", "low"} <= set(prices):
        return
    above = table[prices].max(axis=1) - table["high"]
    below = table["low"] - table[prices].min(axis=1)
    miss = np.fmax(above.to_numpy(np.float64), below.to_numpy(np.float64))
    close = table["close"].to_numpy(np.float64)
    table["range_miss"] = miss / np.where(close > 0, close, np.nan)
    # One tick of rounding between two sources of the same price is no defect.
    table["range_miss_less_tick"] = (miss - 1.001 * np.nan_to_num(tick)) / np.where(
        close > 0, close, np.nan
    )


def _coverage(grid: Grid, present: NDArray[np.bool_]) -> pd.DataFrame:
    """Stretches of missing sessions between each symbol's first and last bar."""
    rows: list[tuple[str, np.datetime64, np.datetime64, float]] = []
    sessions = grid.sessions.astype("datetime64[us]")
    for column, symbol in enumerate(grid.symbols):
        there = np.flatnonzero(present[:, column])
        breaks = np.flatnonzero(np.diff(there) > 1)
        spans = [(there[b] + 1, there[b + 1] - 1) for b in breaks]
        rows.extend((symbol, sessions[a], sessions[b], float(b - a + 1)) for a, b in spans)
        if not spans:
            rows.append((symbol, sessions[there[0]], sessions[there[-1]], 0.0))
    return pd.DataFrame(rows, columns=["symbol", "session", "last", "missing"])


def _session_table(
    grid: Grid, present: NDArray[np.bool_], policy: MarketGatePolicy
) -> pd.DataFrame:
    returns = grid.returns
    measured = np.isfinite(returns)
    count = measured.sum(axis=1)
    unchanged = ((returns == 0) & measured).sum(axis=1)
    chances = np.where(measured, rest_chances(grid, policy), 0.0)
    expected = chances.sum(axis=1)
    spread = np.sqrt((chances * (1 - chances)).sum(axis=1) + 0.25)
    typical = np.full(len(returns), np.nan)
    enough = count >= 3
    if enough.any():
        typical[enough] = np.nanmedian(returns[enough], axis=1)
    excess = (unchanged - expected) / spread
    share = np.where(enough, unchanged / np.maximum(count, 1), np.nan)
    return pd.DataFrame(
        {
            "session": grid.sessions.astype("datetime64[us]"),
            "symbols": present.sum(axis=1).astype(np.float64),
            "market_move": np.abs(typical),
            "unchanged_share": share,
            "unchanged_deviations": np.where(enough, excess, np.nan),
            # A copied session is unchanged beyond what the ticks of those days explain.
            "copied_share": np.where(excess > policy.max_unchanged_deviations, share, 0.0),
        }
    )


def _symbol_table(grid: Grid, present: NDArray[np.bool_], policy: MarketGatePolicy) -> pd.DataFrame:
    last = len(present) - 1 - np.argmax(present[::-1], axis=0)
    sessions = grid.sessions.astype("datetime64[us]")
    twins = find_twins(grid)
    after = np.minimum(last + 1, len(sessions) - 1)
    shared = np.asarray([twins.get(s, ("", 0))[1] for s in grid.symbols], dtype=np.int64)
    return pd.DataFrame(
        {
            "symbol": grid.symbols,
            "session": sessions[last],
            "lag": (len(present) - 1 - last).astype(np.float64),
            "silent_from": sessions[after],
            "open_end": np.full(len(last), np.datetime64("NaT"), dtype="datetime64[us]"),
            "twin": [twins.get(symbol, ("", 0))[0] for symbol in grid.symbols],
            "has_twin": [float(symbol in twins) for symbol in grid.symbols],
            "shared_from": sessions[shared],
            **_identities(grid, present, policy),
        }
    )


def _identities(
    grid: Grid, present: NDArray[np.bool_], policy: MarketGatePolicy
) -> dict[str, NDArray[np.generic] | list[object]]:
    """(N,) columns: who goes on under another name, and whose bars stand a session off."""
    successors = find_successors(grid, present, policy)
    shifts = find_shifts(grid, policy)
    none = Shift(0, 0, len(grid.sessions) - 1, np.nan, np.nan)
    shift = [shifts.get(symbol, none) for symbol in grid.symbols]
    sessions = grid.sessions.astype("datetime64[us]")
    until = sessions[[found.last for found in shift]]
    until[[found.last == len(sessions) - 1 for found in shift]] = np.datetime64("NaT")
    return {
        "renamed": [float(symbol in successors) for symbol in grid.symbols],
        "successor": [successors.get(symbol, ("", 0.0))[0] for symbol in grid.symbols],
        "successor_ratio": [successors.get(symbol, ("", np.nan))[1] for symbol in grid.symbols],
        "shifted": [float(found.lag != 0) for found in shift],
        "shift_side": ["early" if found.lag < 0 else "late" for found in shift],
        "shift_from": sessions[[found.first for found in shift]],
        "shift_to": until,
        "shift_correlation": [found.correlation for found in shift],
        "same_day": [found.same_day for found in shift],
    }


def _feed_table(
    grid: Grid, present: NDArray[np.bool_], decided: NDArray[np.datetime64]
) -> pd.DataFrame:
    counts = present.sum(axis=1)
    newest = grid.sessions[-1]
    usual = float(np.median(counts[-RECENT - 1 : -1])) if len(counts) > 1 else float(counts[-1])
    return pd.DataFrame(
        {
            "session": [newest.astype("datetime64[us]")],
            "lag": [float((decided > newest).sum())],
            "symbols": [float(counts[-1])],
            "universe_share": [float(counts[-1]) / usual if usual else np.nan],
        }
    )
