"""What a row of the feature log looks like.

``symbol`` (text), ``session`` (naive midnight: a date label), ``available_at`` (UTC, microseconds:
the session's decision moment), then one float64 column a feature, NaN = no value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from shadowbook.errors import SchemaError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

KEYS = ("symbol", "session", "available_at")


def features_of(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns that are not keys."""
    return tuple(str(name) for name in frame.columns if name not in KEYS)


def normalized(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows in the log's types, ordered by session and symbol.

    Raises
    ------
    SchemaError
        Columns are missing, a time is naive, a feature is no number, a key repeats.
    """
    import pandas as pd

    missing = [key for key in KEYS if key not in frame]
    if missing:
        raise SchemaError(
            f"rows for the feature log lack the column {missing[0]!r}: give {', '.join(KEYS)}"
        )
    if not isinstance(frame["available_at"].dtype, pd.DatetimeTZDtype):
        raise SchemaError(
            "available_at of the rows for the feature log has no time zone: give aware UTC times"
        )
    wrong = [name for name in features_of(frame) if frame[name].dtype.kind not in "fiu"]
    if wrong:
        raise SchemaError(
            f"feature {wrong[0]!r} is of type {frame[wrong[0]].dtype}: give floats, NaN = missing"
        )
    rows = frame.astype(dict.fromkeys(features_of(frame), "float64")).assign(
        symbol=frame["symbol"].astype(str),
        session=frame["session"].astype("datetime64[us]"),
        available_at=frame["available_at"].dt.tz_convert("UTC").dt.as_unit("us"),
    )
    rows = rows.sort_values(["session", "symbol"], kind="stable").reset_index(drop=True)
    twice = rows.duplicated(["symbol", "session"])
    if twice.any():
        first = rows[twice].iloc[0]
        raise SchemaError(
            f"rows for the feature log hold {first['symbol']} {first['session'].date()} twice: "
            "give one row for a symbol and session"
        )
    return rows[[*KEYS, *features_of(frame)]]


def empty_rows(names: Sequence[str]) -> pd.DataFrame:
    """Return a frame without rows in the log's types."""
    import pandas as pd

    return pd.DataFrame(
        {
            "symbol": pd.Series(dtype="object"),
            "session": pd.Series(dtype="datetime64[us]"),
            "available_at": pd.Series(dtype="datetime64[us, UTC]"),
            **{name: pd.Series(dtype="float64") for name in names},
        }
    )


def years_of(sessions: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return the calendar year of each session."""
    return sessions.astype("datetime64[Y]").astype(np.int64) + 1970


def by_year(rows: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    """Yield the rows of each year, ascending, so that the last logged session only moves on."""
    years = years_of(rows["session"].to_numpy("datetime64[us]"))
    for year in np.unique(years):
        yield int(year), rows[years == year].reset_index(drop=True)
