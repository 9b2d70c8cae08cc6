"""Opens a user's table, CSV or parquet, and takes from it the columns that are wanted."""

from __future__ import annotations

import difflib
import gzip
import warnings
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from shadowbook.errors import SchemaError

if TYPE_CHECKING:
    import pandas as pd

PARQUET = (".parquet", ".pq")
COMPRESSED = (".bz2", ".xz", ".zip", ".zst")
"""Read by pandas; their header is not looked at beforehand."""

SEPARATORS = (",", ";", "\t", "|")
LONGEST_ROW = 65_536
"""Bytes at a file's end in which its last row lies."""

WHOLE = "bring it whole"


def select(path: Path, wanted: Mapping[str, str], section: str) -> pd.DataFrame:
    """Read the wanted columns under our names.

    Parameters
    ----------
    wanted : our name -> the file's.
    section : of params.yaml, which messages speak of.

    Raises
    ------
    SchemaError
        When the file cannot be read, holds no rows, lacks a column, or a symbol or day is blank.
    """
    table = open_table(path)
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


def open_table(path: Path) -> pd.DataFrame:
    """Read all columns; those of a CSV as text, a parquet file's own index as columns.

    The separator of a CSV is the first of comma, semicolon, tab and bar that its header has.

    Raises
    ------
    SchemaError
        When the file cannot be read, is cut short or holds no rows.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        table = _parquet(path) if path.suffix.lower() in PARQUET else _csv(path)
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
    except (pd.errors.ParserError, pa.ArrowException, EOFError, OSError, zlib.error) as error:
        raise SchemaError(
            f"{path} cannot be read as {path.suffix or 'CSV'} ({str(error).splitlines()[0]}): "
            f"{WHOLE}"
        ) from error
    if table.empty:
        raise SchemaError(f"{path} holds no rows: bring at least one session of prices")
    return table


def _parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    table = pd.read_parquet(path)
    return table if isinstance(table.index, pd.RangeIndex) else table.reset_index()


def _csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    separator = _separator(path)
    with warnings.catch_warnings():
        # Else rows longer than the header are cut, or shift every column by one.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # A ticker may be called NA: only prices may read such a word as missing.
        table = pd.read_csv(path, keep_default_na=False, dtype=str, index_col=False, sep=separator)
    table.columns = table.columns.str.strip()
    _refuse_cut(path, separator, table.shape)
    return table


def _refuse_cut(path: Path, separator: str, shape: tuple[int, int]) -> None:
    """Refuse a file whose last row is short: pandas reads what is cut off as blank."""
    if path.suffix.lower() in (*COMPRESSED, ".gz"):
        return  # a cut archive cannot be opened
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LONGEST_ROW))
        last = file.read().decode("utf-8", errors="replace").rstrip("\r\n").splitlines()[-1]
    n_rows, n_columns = shape
    n_cells = last.count(separator) + 1
    if n_cells < n_columns and '"' not in last:
        raise SchemaError(
            f"{path}: its last row ({n_rows:,}) has {n_cells} of {n_columns} cells, so the file is "
            f"cut off: {WHOLE}"
        )


def _separator(path: Path) -> str:
    """Return the separator that the header uses; a comma where that cannot be seen."""
    kind = path.suffix.lower()
    if kind in COMPRESSED:
        return SEPARATORS[0]
    with gzip.open(path) if kind == ".gz" else path.open("rb") as file:
        header = file.readline().decode("utf-8")
    return next((mark for mark in SEPARATORS if mark in header), ",")
