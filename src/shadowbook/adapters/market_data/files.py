"""A user's own files: CSV or parquet, with a column map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from shadowbook.adapters.market_data.cells import days, instants, numbers
from shadowbook.adapters.market_data.delivery import Delivery, ScheduleFor, at_close
from shadowbook.adapters.market_data.tables import open_table, select
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

    symbol: str | None = Field(
        default="symbol", description="column that names the stock; null: each file is named so"
    )
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
    layout: Literal["long", "wide"] = Field(
        default="long", description="long: a row a stock and session; wide: a column of closes each"
    )
    columns: ColumnMap = ColumnMap()
    date_format: str | None = Field(
        default=None, description="how sessions are written, such as %d.%m.%Y; null: YYYY-MM-DD"
    )
    price_scale: float = Field(default=1.0, gt=0, description="prices in the file are price x this")
    missing: tuple[float, ...] = Field(default=(), description="values that mean missing")
    time_zone: str | None = Field(
        default=None, description="zone of an available_at column written without one"
    )
    renames: Mapping[str, str] = Field(
        default_factory=dict, description="old ticker: new one, under which the history is joined"
    )
    references: Mapping[str, ReferenceFile] = Field(default_factory=dict)

    @field_validator("renames")
    @classmethod
    def _straight(cls, renames: Mapping[str, str]) -> Mapping[str, str]:
        for old, new in renames.items():
            if new in renames:
                raise ValueError(f"{old} becomes {new}, which is renamed itself: name its last")
        return renames

    @model_validator(mode="after")
    def _closes_alone(self) -> FilesPolicy:
        mapped = self.columns.model_dump(exclude={"symbol", "session", "close"})
        more = [name for name, column in mapped.items() if column]
        if self.layout == "wide" and more:
            raise ValueError(
                f"a wide file holds closes alone: take {', '.join(more)} out of columns, or bring "
                "a long file"
            )
        return self

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
        bars["symbol"] = bars["symbol"].replace(dict(policy.renames))
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

    def files(self) -> list[Path]:
        """Return the files that ``read`` reads; errors as there."""
        patterns = [self._policy.path, *(e.path for e in self._policy.references.values())]
        return [path for pattern in patterns for path in self._paths(pattern)]

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
        if self._policy.layout == "wide":
            table = _melted(open_table(path), path, wanted["session"])
        else:
            table = select(path, wanted, "market_data.files.columns")
        if "symbol" not in table:
            table["symbol"] = _named_by(path)
        table = self._keyed(table, path)
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
        table = select(path, wanted, f"market_data.files.references.{name}")
        table["value"] = numbers(table["value"], path, entry.value)
        table = table.dropna(subset=["value"])
        if table.empty:
            raise SchemaError(
                f"{path}: column {entry.value!r} of {name} holds no value at all: bring it, or "
                f"take market_data.files.references.{name} out of params.yaml"
            )
        return self._keyed(table, path).assign(name=name)

    def _keyed(self, table: pd.DataFrame, path: Path) -> pd.DataFrame:
        table = table.assign(session=days(table["session"], path, self._policy.date_format))
        if "available_at" in table:
            known = instants(table["available_at"], path, self._policy.time_zone)
            table = table.assign(available_at=known)
        return table


def _melted(table: pd.DataFrame, path: Path, session: str) -> pd.DataFrame:
    """Turn one column a stock into one row a stock and session; blank cells are no bars."""
    if session not in table:
        raise SchemaError(
            f"{path} has no column {session!r} for session: correct "
            "market_data.files.columns.session in params.yaml"
        )
    names = table.columns.drop(session)
    rows = table.rename(columns={session: "session"}).melt(
        id_vars="session", value_vars=list(names), var_name="symbol", value_name="close"
    )
    held = numbers(rows["close"], path, "the closes").notna()
    return rows[held].reset_index(drop=True)


def _named_by(path: Path) -> str:
    """Return the symbol that a file is named by: prices/BRK.B.csv.gz holds BRK.B."""
    name = path.name.removesuffix(".gz")
    return name.removesuffix(Path(name).suffix)


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
