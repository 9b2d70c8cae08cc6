"""Whether the workspace's data still says what was pinned: accepted rows only ever grow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from shadowbook.adapters.features.journal import FeatureJournal
from shadowbook.adapters.market_data.store import REFERENCE_KEYS, MarketStore
from shadowbook.adapters.year_parts import YearParts, read_rows
from shadowbook.core.values import BAR_KEYS
from shadowbook.errors import IntegrityError
from shadowbook.steps.known import VERDICT, decided
from shadowbook.steps.pinned_notes import begun_anew, compare_journal, compare_verdict


def compare_market(pinned: Path, current: Path, same_rules: bool) -> tuple[str, ...]:
    """Check that every pinned price still stands unchanged in the workspace.

    Parameters
    ----------
    pinned : the accepted prices as restored from their pin.
    current : the workspace's; where they were brought in anew up to an earlier moment, nothing
        later is expected.
    same_rules : the workspace's gate has the code and the limits that the run's had.

    Returns
    -------
    What a person should know though nothing is wrong.

    Raises
    ------
    IntegrityError
        Naming file, column, symbol and session of the first row that was altered or is gone.
    """
    if not current.is_dir():
        return ("the workspace holds no accepted prices to compare the pinned ones with",)
    until = _latest(decided(MarketStore(current).read_note(VERDICT)), current / "bars")
    for year in YearParts(pinned / "bars").years():
        name = f"bars/{year}.parquet"
        _compare(pinned / name, current / name, BAR_KEYS, until)
    name = "references.parquet"
    _compare(pinned / name, current / name, REFERENCE_KEYS, until)
    return compare_verdict(pinned, current, same_rules)


def compare_features(pinned: Path, current: Path) -> tuple[str, ...]:
    """Check that every pinned feature row still stands, and that its sessions got no other row.

    See ``compare_market``. Prices of a pinned session may be told anew later, features may not.
    """
    if not current.is_dir():
        return ("the workspace holds no feature log to compare the pinned one with",)
    known = [entry.as_of for entry in FeatureJournal(current).read()]
    until = _latest(max(known, default=None), current)
    parts = YearParts(pinned)
    years = parts.years()
    for year in years:
        name = f"{year}.parquet"
        _compare(pinned / name, current / name, BAR_KEYS, until)
    if not years:
        return ()
    last = parts.read(years[-1], ["session"])["session"].max()
    if note := begun_anew(pinned, current):
        return (note,)
    compare_journal(pinned, current, last.date(), until)
    for year in [year for year in YearParts(current).years() if year <= last.year]:
        _refuse_more(parts, year, current / f"{year}.parquet", last)
    return ()


def _latest(noted: datetime | None, folder: Path) -> pd.Timestamp | None:
    """Moment up to which the workspace's rows are complete; None: nothing says so.

    Its note says which, but whoever sets the note back must not hide the rows after it.
    """
    parts = YearParts(folder)
    moments = [] if noted is None else [pd.Timestamp(noted)]
    if years := parts.years():
        rows = parts.read(years[-1], ["session", "available_at"])
        # The earliest one: what came late of a session may have come long after it.
        moments.append(rows[rows["session"] == rows["session"].max()]["available_at"].min())
    return max(moments, default=None)


def _refuse_more(pinned: YearParts, year: int, where: Path, last: pd.Timestamp) -> None:
    """Refuse rows of pinned sessions that were not pinned with them."""
    keys = list(BAR_KEYS)
    now = read_rows(where, keys)
    now = now[now["session"] <= last]
    then = pinned.read(year, keys) if pinned.has(year) else now.head(0)
    known = pd.MultiIndex.from_frame(then)
    more = ~pd.MultiIndex.from_frame(now).isin(known)
    if more.any():
        raise IntegrityError(
            f"{where}: {_named(now[more].iloc[0], keys)} was not pinned with its session and "
            f"stands there now ({int(more.sum())} such rows): restore the file from its pin"
        )


def _compare(pinned: Path, where: Path, keys: Sequence[str], until: pd.Timestamp | None) -> None:
    then = read_rows(pinned)
    if until is not None:
        then = then[then["available_at"] <= until]
    if then.empty:
        return
    if not where.exists():
        raise IntegrityError(f"{where} was pinned and is gone: restore it from its pin")
    now = read_rows(where)
    lost = [name for name in then if name not in now]
    if lost:
        raise IntegrityError(f"{where}: the pinned column {lost[0]} is gone: restore the file")
    double = now.duplicated(list(keys))
    if double.any():
        raise IntegrityError(f"{where}: {_named(now[double].iloc[0], keys)} stands twice")
    places = now[list(keys)].assign(place=np.arange(len(now)))
    place = then[list(keys)].merge(places, on=list(keys), how="left")["place"]
    gone = place.isna().to_numpy()
    if gone.any():
        raise IntegrityError(
            f"{where}: {_named(then[gone].iloc[0], keys)} was pinned and is gone "
            f"({int(gone.sum())} such rows): restore the file from its pin"
        )
    found = now.iloc[place.to_numpy("int64")]
    for column in [name for name in then if name not in keys]:
        old = then[column].to_numpy("float64")
        new = pd.to_numeric(found[column], errors="coerce").to_numpy("float64")
        wrong = (old != new) & ~(np.isnan(old) & np.isnan(new))
        if wrong.any():
            row = int(wrong.argmax())
            raise IntegrityError(
                f"{where}: {column} of {_named(then.iloc[row], keys)} was pinned as "
                f"{float(old[row])!r} and is now {float(new[row])!r} ({int(wrong.sum())} such "
                "rows): restore the file from its pin"
            )


def _named(row: pd.Series, keys: Sequence[str]) -> str:
    return f"{row[keys[0]]} {row['session'].date()}"
