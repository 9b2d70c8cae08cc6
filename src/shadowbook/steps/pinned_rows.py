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


def compare_market(pinned: Path, current: Path) -> None:
    """Check that every pinned price still stands unchanged in the workspace.

    Parameters
    ----------
    pinned : the accepted prices as restored from their pin.
    current : the workspace's; where there are none, there is nothing to compare, and where they
        were brought in anew up to an earlier moment, nothing later is expected.

    Raises
    ------
    IntegrityError
        Naming file, column, symbol and session of the first row that was altered or is gone.
    """
    if not current.is_dir():
        return
    until = decided(MarketStore(current).read_note(VERDICT))
    _compare_parts(pinned / "bars", current / "bars", until)
    name = "references.parquet"
    _compare(pinned / name, current / name, REFERENCE_KEYS, until)


def compare_features(pinned: Path, current: Path) -> None:
    """Check that every pinned feature row still stands unchanged; see ``compare_market``."""
    if not current.is_dir():
        return
    known = [entry.as_of for entry in FeatureJournal(current).read()]
    _compare_parts(pinned, current, max(known, default=None))


def _compare_parts(pinned: Path, current: Path, until: datetime | None) -> None:
    for year in YearParts(pinned).years():
        name = f"{year}.parquet"
        _compare(pinned / name, current / name, BAR_KEYS, until)


def _compare(pinned: Path, where: Path, keys: Sequence[str], until: datetime | None) -> None:
    then = read_rows(pinned)
    if until is not None:
        then = then[then["available_at"] <= pd.Timestamp(until)]
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
