"""Parquet parts by year in one folder, each replaced as a whole.

The same rows always give the same bytes, so that unchanged years are stored once. Replacing also
unlinks, which read-only links into a DVC cache need.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.adapters.disk import clear_drafts, replace_file
from shadowbook.errors import IntegrityError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROW_GROUP = 65_536


class YearParts:
    """``<year>.parquet`` files under ``folder``; rows stand in the order they were given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def years(self) -> list[int]:
        """Return the years that have a part, ascending."""
        return sorted(int(path.stem) for path in self.folder.glob("[0-9]*.parquet"))

    def has(self, year: int) -> bool:
        """Say whether the year has a part."""
        return self._path(year).exists()

    def read(
        self,
        year: int,
        columns: Sequence[str] | None = None,
        limit: pd.Timestamp | None = None,
    ) -> pd.DataFrame:
        """Return a year's rows, those with ``available_at`` at or before ``limit``.

        Raises
        ------
        IntegrityError
            When the part is damaged.
        """
        return read_rows(self._path(year), columns, limit)

    def replace(self, year: int, rows: pd.DataFrame, columns: Sequence[str]) -> None:
        """Let the year hold exactly these rows."""
        write_rows(self._path(year), rows, columns)

    def drop(self, year: int) -> None:
        """Remove a year's part."""
        self._path(year).unlink(missing_ok=True)

    def extend(self, year: int, rows: pd.DataFrame, columns: Sequence[str]) -> None:
        """Put rows behind those of the year."""
        import pandas as pd

        if self.has(year):
            rows = pd.concat([self.read(year, columns), rows])
        self.replace(year, rows, columns)

    def clear_drafts(self) -> None:
        """Delete what a killed write left, lest a pin of the folder takes it along."""
        clear_drafts(self.folder)

    def _path(self, year: int) -> Path:
        return self.folder / f"{year}.parquet"


def read_rows(
    path: Path, columns: Sequence[str] | None = None, limit: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Read a parquet file; see ``YearParts.read``."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with _readable(path):
        file = pq.ParquetFile(path)
        wanted = list(file.schema_arrow.names) if columns is None else list(columns)
        table = file.read(columns=list(dict.fromkeys([*wanted, "available_at"])))
    if limit is not None:
        table = table.filter(pc.field("available_at") <= pc.scalar(limit.to_pydatetime()))
    frame: pd.DataFrame = table.select(wanted).to_pandas()
    return frame


def write_rows(path: Path, rows: pd.DataFrame, columns: Sequence[str]) -> None:
    """Write a parquet file whole; the same rows give the same bytes."""
    table = _table(rows, columns)
    replace_file(path, lambda draft: _write(table, draft))


def _table(rows: pd.DataFrame, columns: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    types = {
        "symbol": pa.string(),
        "name": pa.string(),
        "session": pa.timestamp("us"),
        "available_at": pa.timestamp("us", "UTC"),  # nanoseconds break Feast with DuckDB 2
    }
    schema = pa.schema([(name, types.get(name, pa.float64())) for name in columns])
    arrays = [
        # From pandas NaN would become null; in the log, NaN is NaN.
        pa.array(rows[field.name].to_numpy("float64"), from_pandas=False)
        if pa.types.is_floating(field.type)
        else pa.array(rows[field.name], type=field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _write(table: pa.Table, path: Path) -> None:
    """Make every choice that the format leaves, so that the same rows give the same bytes."""
    import pyarrow.parquet as pq

    pq.write_table(
        table,
        path,
        row_group_size=ROW_GROUP,
        version="2.6",
        data_page_version="1.0",
        compression="snappy",
        use_dictionary=["symbol", "session", "available_at"],
        write_statistics=True,
    )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError) as error:
        raise IntegrityError(
            f"{path} cannot be read ({error}): restore the folder from its pin"
        ) from error
