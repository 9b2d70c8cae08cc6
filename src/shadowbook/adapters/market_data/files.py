"""A user's own files: CSV or parquet, with a column map."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shadowbook.adapters.market_data.cells import days, instants, numbers
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
        parts = [self._bars(path, wanted) for path in self._paths(policy.path)]
        bars = _dated(pd.concat(parts, ignore_index=True), schedule_for)
        _refuse_duplicates(bars, BAR_KEYS, policy.path)
        series = [_no_references()]
        for name, entry in policy.references.items():
            read = [self._reference(path, name, entry) for path in self._paths(entry.path)]
            rows = _dated(pd.concat(read, ignore_index=True), schedule_for)
            _refuse_duplicates(rows, ("name", "session", "available_at"), entry.path)
            series.append(rows)
        references = pd.concat([rows for rows in series if len(rows)] or series, ignore_index=True)
        prices = [name for name in BAR_FIELDS if name in wanted]
        return Delivery(
            bars=bars[[*BAR_KEYS, *prices]],
            references=references[["name", "session", "available_at", "value"]],
        )

    def _paths(self, pattern: str) -> list[Path]:
        if "*" in pattern:
            absolute = Path(pattern).is_absolute()
            base = Path(Path(pattern).anchor) if absolute else self._root
            found = sorted(base.glob(pattern.removeprefix(Path(pattern).anchor)))
        else:
            found = [self._root / pattern]
        found = [path for path in found if path.is_file()]
        if not found:
            raise ConfigError(
                f"no market data file at {self._root / pattern}: "
                "correct the path in params.yaml (market_data.files)"
            )
        return found

    def _bars(self, path: Path, wanted: Mapping[str, str]) -> pd.DataFrame:
        table = self._keyed(_select(path, wanted, "market_data.files.columns"), path)
        for name in BAR_FIELDS:
            if name not in wanted:
                continue
            table[name] = numbers(table[name], path, wanted[name]).replace(
                list(self._policy.missing), float("nan")
            )
            if table[name].isna().all():
                raise SchemaError(
                    f"{path}: column {wanted[name]!r} ({name}) holds no value at all: "
                    "bring it, or take it out of the column map"
                )
            if name != "volume":
                table[name] = table[name] / self._policy.price_scale
        return table

    def _reference(self, path: Path, name: str, entry: ReferenceFile) -> pd.DataFrame:
        wanted = {key: value for key, value in entry.model_dump(exclude={"path"}).items() if value}
        table = _select(path, wanted, f"market_data.files.references.{name}")
        table["value"] = numbers(table["value"], path, entry.value)
        table = table.dropna(subset=["value"])
        if table.empty:
            raise SchemaError(
                f"{path}: column {entry.value!r} of {name} holds no value at all: bring it, or "
                f"take market_data.files.references.{name} out of params.yaml"
            )
        return self._keyed(table, path).assign(name=name)

    def _keyed(self, table: pd.DataFrame, path: Path) -> pd.DataFrame:
        table = table.assign(session=days(table["session"], path))
        if "available_at" in table:
            known = instants(table["available_at"], path, self._policy.time_zone)
            table = table.assign(available_at=known)
        return table


def _dated(table: pd.DataFrame, schedule_for: ScheduleFor) -> pd.DataFrame:
    """Give rows that carry no ``available_at`` the close of their session."""
    if "available_at" in table:
        return table
    return table.assign(available_at=at_close(table["session"], schedule_for))


def _no_references() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "name": pd.Series(dtype=object),
            "session": pd.Series(dtype="datetime64[us]"),
            "available_at": pd.Series(dtype="datetime64[us, UTC]"),
            "value": pd.Series(dtype="float64"),
        }
    )


def _select(path: Path, wanted: Mapping[str, str], section: str) -> pd.DataFrame:
    """Read the wanted columns under our names."""
    table = _open(path)
    if table.empty:
        raise SchemaError(f"{path} holds no rows: bring at least one session of prices")
    for key, name in wanted.items():
        if name not in table.columns:
            near = difflib.get_close_matches(name, [str(c) for c in table.columns], n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise SchemaError(
                f"{path} has no column {name!r} for {key}{hint}, it has "
                f"{', '.join(map(str, table.columns))}: correct {section}.{key} in params.yaml"
            )
    chosen = table[list(wanted.values())].copy()
    chosen.columns = list(wanted)
    for key in ("symbol", "session"):
        if key not in chosen:
            continue
        blank = (chosen[key].isna() | (chosen[key].astype(str).str.strip() == "")).to_numpy()
        if blank.any():
            row = int(blank.argmax())
            raise SchemaError(f"{path}: row {row + 1} has no {key}: fill it or remove the row")
    if "symbol" in chosen:
        chosen["symbol"] = chosen["symbol"].astype(str).str.strip().astype(object)
    return chosen


def _open(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        with warnings.catch_warnings():
            # Else rows longer than the header are cut, or shift every column by one.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # A ticker may be called NA: only prices may read such a word as missing.
            return pd.read_csv(path, keep_default_na=False, dtype=str, index_col=False)
    except pd.errors.EmptyDataError as error:
        raise SchemaError(f"{path} is empty: bring at least one session of prices") from error
    except UnicodeDecodeError as error:
        raise SchemaError(
            f"{path} is no UTF-8 text (byte {error.start}): save it as UTF-8, or name it .parquet "
            "if that is what it is"
        ) from error
    except pd.errors.ParserWarning as error:
        raise SchemaError(
            f"{path}: rows have more cells than the header has names: write one name a column, and "
            "numbers with a decimal point"
        ) from error
    except (pd.errors.ParserError, pa.ArrowException, EOFError, OSError) as error:
        raise SchemaError(
            f"{path} cannot be read as {path.suffix or 'CSV'} ({str(error).splitlines()[0]}): "
            "bring it whole"
        ) from error


def _refuse_duplicates(rows: pd.DataFrame, keys: Sequence[str], path: str) -> None:
    double = rows.duplicated(list(keys), keep="first")
    if double.any():
        what, day, _ = keys
        shown = rows.loc[double, [what, day]].head(SHOWN)
        named = "; ".join(f"{name} {at.date()}" for name, at in shown.itertuples(index=False))
        raise SchemaError(
            f"{path}: {int(double.sum()):,} rows repeat a key ({', '.join(keys)}), such as "
            f"{named}: remove them, or give a restatement its own available_at"
        )
