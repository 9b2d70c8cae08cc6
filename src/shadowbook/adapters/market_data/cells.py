"""Reads cells of a user's table as numbers, days and moments, and guesses nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shadowbook.errors import SchemaError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

BLANK = ("", "na", "nan", "null", "none")
"""Words that mean missing where a number is expected."""

YEARS = (1900, 2100)
"""Sessions outside of these years are slips of the pen, and calendars do not reach that far."""

MOMENT = "available_at"
_NO_DAY = "is no day: write YYYY-MM-DD, or set market_data.files.date_format"
_TIME_OF_DAY = "holds a time of day: write the trading day alone and the time into available_at"

DAY = r"\d{4}-?\d{2}-?\d{2}"
MIDNIGHT = r"[T ]00:00(?::00(?:\.0+)?)?"
OFFSET = r"\d:\d{2}.*(?:[Zz]|[+-]\d{2}(?::?\d{2})?)"


def numbers(column: pd.Series, path: Path, name: str) -> pd.Series:
    """Read numbers; blank cells are NaN.

    Raises
    ------
    SchemaError
        Naming the first cell that is no number, or the column when it holds times or truth values.
    """
    import pandas as pd

    if not _is_text(column):
        if column.dtype.kind not in "iuf":
            raise SchemaError(
                f"{path}: column {name} holds {column.dtype}, not numbers: correct the file or "
                "the column map"
            )
        return pd.Series(column.to_numpy("float64", na_value=float("nan")), index=column.index)
    text = column.astype(str).str.strip()
    blank = column.isna() | text.str.lower().isin(BLANK)
    readable = pd.to_numeric(text.mask(blank), errors="coerce").notna()
    wrong = ~readable & ~blank
    if wrong.any():
        row = _first(wrong)
        raise SchemaError(
            f"{path}: {name} of row {row + 1} is {column.iloc[row]!r}, which is no number "
            f"({_counted(wrong)}): correct the file"
        )
    # to_numeric is off by one in the last place here and there; float() is not.
    return text.where(readable, "nan").astype("float64")


def days(column: pd.Series, path: Path, form: str | None = None) -> pd.Series:
    """Read sessions: days without a time.

    Parameters
    ----------
    form : how text is written, as ``strptime`` spells it; None reads ISO 8601 and 20221123.

    Raises
    ------
    SchemaError
        Naming the first cell that is no day, has a time of day or lies in an impossible year.
    """
    import pandas as pd

    if form is not None and _is_text(column):
        text = column.astype(str).str.strip()
        found = pd.to_datetime(text, errors="coerce", format=form)
        _refuse(found.isna(), column, path, f"is no day written as {form}")
        _refuse(found != found.dt.normalize(), column, path, _TIME_OF_DAY)
    elif _is_text(column) or column.dtype.kind in "iu":
        text = column.astype(str).str.strip()
        _refuse(text.str.fullmatch(rf"{DAY}[T ].+") & ~_is_day(text), column, path, _TIME_OF_DAY)
        _refuse(~_is_day(text), column, path, _NO_DAY)
        found = pd.to_datetime(text, errors="coerce", format="ISO8601")
    elif column.dtype.kind != "M":
        found = pd.Series(pd.NaT, index=column.index)
    elif getattr(column.dt, "tz", None) is not None:
        raise SchemaError(f"{path}: session {column.iloc[0]} {_TIME_OF_DAY}")
    else:
        found = column
        _refuse(found != found.dt.normalize(), column, path, _TIME_OF_DAY)
    _refuse(found.isna(), column, path, _NO_DAY)
    first, last = YEARS
    _refuse(~found.dt.year.between(first, last), column, path, f"is not in {first} to {last}")
    return found.astype("datetime64[us]")


def instants(column: pd.Series, path: Path, zone: str | None) -> pd.Series:
    """Read moments.

    Parameters
    ----------
    zone : of moments that are written without one; None refuses them.

    Raises
    ------
    SchemaError
        Naming the first cell that is no moment, or one that a zone has twice or never.
    """
    import pandas as pd

    moments = column
    if _is_text(column):
        text = column.astype(str).str.strip()
        aware = text.str.fullmatch(rf".*{OFFSET}")
        if aware.any():
            _refuse(~aware, column, path, "has no time zone as others have: add one", MOMENT)
        moments = pd.to_datetime(text, errors="coerce", format="ISO8601", utc=bool(aware.any()))
    elif column.dtype.kind != "M":
        moments = pd.Series(pd.NaT, index=column.index)
    _refuse(moments.isna(), column, path, "is no time: write ISO 8601 with an offset", MOMENT)
    if moments.dt.tz is not None:
        return _utc(moments)
    if zone is None:
        raise SchemaError(
            f"{path}: {MOMENT} has no time zone ({column.iloc[0]}): write an offset, "
            "or set market_data.files.time_zone in params.yaml"
        )
    local: pd.Series = moments.dt.tz_localize(ZoneInfo(zone), ambiguous="NaT", nonexistent="NaT")
    _refuse(
        local.isna(),
        column,
        path,
        f"is a time that {zone} has twice or never (its clocks are changed): add an offset",
        MOMENT,
    )
    return _utc(local)


def _utc(moments: pd.Series) -> pd.Series:
    converted: pd.Series = moments.dt.tz_convert("UTC").astype("datetime64[us, UTC]")
    return converted


def _is_text(column: pd.Series) -> bool:
    return column.dtype.kind == "O"


def _is_day(text: pd.Series) -> pd.Series:
    return text.str.fullmatch(rf"{DAY}(?:{MIDNIGHT})?")


def _refuse(
    wrong: pd.Series, column: pd.Series, path: Path, why: str, name: str = "session"
) -> None:
    if wrong.any():
        row = _first(wrong)
        raise SchemaError(
            f"{path}: {name} of row {row + 1}, {str(column.iloc[row])!r}, {why} ({_counted(wrong)})"
        )


def _first(wrong: pd.Series) -> int:
    return int(wrong.to_numpy().argmax())


def _counted(wrong: pd.Series | NDArray[np.bool_]) -> str:
    return f"{int(wrong.sum()):,} of {len(wrong):,} rows"
