"""A user's own files: CSV or parquet, with a column map."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shadowbook.adapters.market_data.delivery import Delivery, ScheduleFor, at_close
from shadowbook.core.values import BAR_FIELDS, BAR_KEYS
from shadowbook.errors import ConfigError, SchemaError

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 3
"""How many offending rows a message names."""


class _Policy(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ColumnMap(_Policy):
    """Which of the file's columns is what; null where the file has none."""

    symbol: str = Field(default="symbol", description="column that names the stock")
    session: str = Field(default="session", description="column of the trading day, a date")
    available_at: str | None = Field(
        default=None, description="column of when the row could be known; null: at the close"
    )
    open: str | None = Field(default=None, description="column of opens")
    high: str | None = Field(default=None, description="column of highs")
    low: str | None = Field(default=None, description="column of lows")
    close: str = Field(default="close", description="column of closes, the one price needed")
    adjusted_close: str | None = Field(
        default=None, description="column of adjusted closes; returns are taken from them"
    )
    volume: str | None = Field(default=None, description="column of shares traded")


class ReferenceFile(_Policy):
    """A market series beside the symbols."""

    path: str = Field(description="CSV or parquet, relative to the workspace")
    session: str = Field(default="session", description="column of the trading day, a date")
    value: str = Field(default="close", description="column of the value")
    available_at: str | None = Field(
        default=None, description="column of when the row could be known; null: at the close"
    )


class FilesPolicy(_Policy):
    """Where a user's own market data lies and how it is to be read."""

    path: str = Field(
        default="", description="CSV or parquet, relative to the workspace; * allowed"
    )
    columns: ColumnMap = ColumnMap()
    price_scale: float = Field(default=1.0, gt=0, description="prices in the file are price x this")
    missing: tuple[float, ...] = Field(default=(), description="values that mean missing")
    time_zone: str | None = Field(
        default=None, description="zone of an available_at column written without one"
    )
    references: Mapping[str, ReferenceFile] = Field(default_factory=dict)

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        if zone is not None:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError("must be an IANA time zone such as America/New_York") from error
        return zone


class FilesSource:
    """Reads bars and references from files, and refuses what cannot be read without guessing."""

    def __init__(self, root: Path, policy: FilesPolicy) -> None:
        self._root = root
        self._policy = policy

    def read(self, schedule_for: ScheduleFor) -> Delivery:
        """Return everything the files hold.

        Raises
        ------
        ConfigError
            When no path is set or nothing lies there.
        SchemaError
            A missing column, an empty file, a naive timestamp, a text where a number should be,
            a duplicate key, a column without any value.
        """
        import pandas as pd

        policy = self._policy
        if not policy.path:
            raise ConfigError(
                "params.yaml: market_data.files.path is empty: name your CSV or parquet file"
            )
        wanted = {key: name for key, name in policy.columns.model_dump().items() if name}
        parts = [self._bars(path, wanted, schedule_for) for path in self._paths(policy.path)]
        bars = pd.concat(parts, ignore_index=True)
        keys = list(BAR_KEYS)
        _refuse_duplicates(bars, keys, policy.path)
        series = [
            self._reference(name, entry, schedule_for) for name, entry in policy.references.items()
        ]
        empty = pd.DataFrame(
            {
                "name": pd.Series(dtype=object),
                "session": pd.Series(dtype="datetime64[us]"),
                "available_at": pd.Series(dtype="datetime64[us, UTC]"),
                "value": pd.Series(dtype="float64"),
            }
        )
        references = pd.concat(series, ignore_index=True) if series else empty
        return Delivery(bars=bars, references=references)

    def _paths(self, pattern: str) -> list[Path]:
        found = sorted(self._root.glob(pattern)) if "*" in pattern else [self._root / pattern]
        if not found or not found[0].exists():
            raise ConfigError(
                f"no market data at {self._root / pattern}: "
                "correct the path in params.yaml (market_data.files)"
            )
        return found

    def _bars(
        self, path: Path, wanted: Mapping[str, str], schedule_for: ScheduleFor
    ) -> pd.DataFrame:
        table = _select(path, wanted, "market_data.files.columns")
        prices = [name for name in BAR_FIELDS if name in wanted]
        for name in prices:
            table[name] = _numbers(table[name], path, name).replace(
                list(self._policy.missing), float("nan")
            )
            if table[name].isna().all():
                raise SchemaError(
                    f"{path}: column {wanted[name]!r} ({name}) holds no value at all: "
                    "bring it, or take it out of the column map"
                )
            if name != "volume":
                table[name] = table[name] / self._policy.price_scale
        return self._dated(table, path, schedule_for)[[*BAR_KEYS, *prices]]

    def _reference(
        self, name: str, entry: ReferenceFile, schedule_for: ScheduleFor
    ) -> pd.DataFrame:
        wanted = {key: value for key, value in entry.model_dump(exclude={"path"}).items() if value}
        path = self._paths(entry.path)[0]
        table = _select(path, wanted, f"market_data.files.references.{name}")
        table["value"] = _numbers(table["value"], path, "value")
        table = self._dated(table.dropna(subset=["value"]), path, schedule_for)
        table.insert(0, "name", name)
        _refuse_duplicates(table, ["session", "available_at"], str(path))
        return table[["name", "session", "available_at", "value"]]

    def _dated(self, table: pd.DataFrame, path: Path, schedule_for: ScheduleFor) -> pd.DataFrame:
        table = table.copy()
        table["session"] = _days(table["session"], path)
        if "available_at" in table:
            table["available_at"] = _instants(table["available_at"], path, self._policy.time_zone)
        else:
            table["available_at"] = at_close(table["session"], schedule_for)
        return table


def _select(path: Path, wanted: Mapping[str, str], section: str) -> pd.DataFrame:
    """Read the wanted columns under our names."""
    table = _open(path)
    if table.empty:
        raise SchemaError(f"{path} holds no rows: bring at least one session of prices")
    for key, name in wanted.items():
        if name not in table.columns:
            near = difflib.get_close_matches(name, [str(c) for c in table.columns], n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise SchemaError(
                f"{path} has no column {name!r} (for {key}): it has "
                f"{', '.join(map(str, table.columns))}{hint} Correct params.yaml, {section}.{key}"
            )
    chosen = table[list(wanted.values())].copy()
    chosen.columns = list(wanted)
    for key in ("symbol", "session"):
        if key in chosen and (chosen[key].isna() | (chosen[key].astype(str) == "")).any():
            row = int((chosen[key].isna() | (chosen[key].astype(str) == "")).to_numpy().argmax())
            raise SchemaError(f"{path}: row {row + 1} has no {key}: fill it or remove the row")
    if "symbol" in chosen:
        chosen["symbol"] = chosen["symbol"].astype(str).astype(object)
    return chosen


def _open(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        # A ticker may be called NA: only prices may read such a word as missing (_numbers).
        return pd.read_csv(path, keep_default_na=False, dtype=str)
    except pd.errors.EmptyDataError as error:
        raise SchemaError(f"{path} is empty: bring at least one session of prices") from error
    except (pd.errors.ParserError, pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise SchemaError(
            f"{path} cannot be read as {path.suffix or 'CSV'}: {str(error).splitlines()[0]}"
        ) from error


def _numbers(column: pd.Series, path: Path, name: str) -> pd.Series:
    import pandas as pd

    blank = column.isna()
    if column.dtype == object:
        blank |= column.astype(str).str.strip().str.lower().isin(["", "na", "nan", "null", "none"])
    values = pd.to_numeric(column.mask(blank), errors="coerce").astype("float64")
    wrong = values.isna() & ~blank
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise SchemaError(
            f"{path}: {name} of row {row + 1} is {column.iloc[row]!r}, which is no number "
            f"({int(wrong.sum())} such cells): correct the file"
        )
    return values


def _days(column: pd.Series, path: Path) -> pd.Series:
    import pandas as pd

    days = pd.to_datetime(
        column, errors="coerce", format="ISO8601" if column.dtype == object else None
    )
    if days.isna().any():
        row = int(days.isna().to_numpy().argmax())
        raise SchemaError(
            f"{path}: session of row {row + 1} is {column.iloc[row]!r}: write it as YYYY-MM-DD"
        )
    if getattr(days.dt, "tz", None) is not None or (days != days.dt.normalize()).any():
        raise SchemaError(
            f"{path}: session holds times of day ({column.iloc[0]!r}): it must be the trading "
            "day as a date; put the time into available_at"
        )
    return days.astype("datetime64[us]")


def _instants(column: pd.Series, path: Path, zone: str | None) -> pd.Series:
    import pandas as pd

    try:
        moments = pd.to_datetime(
            column, format="ISO8601" if column.dtype == object else None, utc=False
        )
    except ValueError:
        # Offsets that change with daylight saving only parse when brought to one zone.
        moments = _mixed_offsets(column, path)
    if moments.isna().any():
        row = int(moments.isna().to_numpy().argmax())
        raise SchemaError(f"{path}: available_at of row {row + 1} is missing: fill it")
    if moments.dt.tz is None:
        if zone is None:
            raise SchemaError(
                f"{path}: available_at has no time zone ({column.iloc[0]!r}): write an offset, "
                "or set market_data.files.time_zone in params.yaml"
            )
        moments = moments.dt.tz_localize(
            ZoneInfo(zone), ambiguous="raise", nonexistent="shift_forward"
        )
    return moments.dt.tz_convert("UTC").astype("datetime64[us, UTC]")


def _mixed_offsets(column: pd.Series, path: Path) -> pd.Series:
    import pandas as pd

    text = column.astype(str)
    naive = ~text.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True)
    if naive.any():
        row = int(naive.to_numpy().argmax())
        raise SchemaError(
            f"{path}: available_at of row {row + 1} is {text.iloc[row]!r}, without a time zone "
            "or not a time: write ISO 8601 with an offset on every row"
        )
    moments = pd.to_datetime(text, errors="coerce", format="ISO8601", utc=True)
    if moments.isna().any():
        row = int(moments.isna().to_numpy().argmax())
        raise SchemaError(
            f"{path}: available_at of row {row + 1} is {text.iloc[row]!r}: write ISO 8601"
        )
    return moments


def _refuse_duplicates(rows: pd.DataFrame, keys: Sequence[str], path: str) -> None:
    double = rows.duplicated(list(keys), keep="first")
    if double.any():
        shown = rows.loc[double, list(keys)].head(SHOWN)
        named = "; ".join(
            " ".join(str(getattr(v, "date", lambda v=v: v)()) for v in row[:2])
            for row in shown.itertuples(index=False)
        )
        raise SchemaError(
            f"{path}: {int(double.sum())} rows repeat a key (symbol, session, available_at): "
            f"{named}: remove them, or give a restatement its own available_at"
        )
