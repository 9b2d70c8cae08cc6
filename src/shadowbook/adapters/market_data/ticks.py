"""Quotes and trades from files, as exchanges of crypto futures publish them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shadowbook.core.performance.tapes import Nanoseconds, Quotes, Trades
from shadowbook.core.values import Floats
from shadowbook.errors import ConfigError, SchemaError

if TYPE_CHECKING:
    import pandas as pd

QUOTE_COLUMNS = ("local_ns", "exch_ms", "bid", "bid_qty", "ask", "ask_qty")
TRADE_COLUMNS = ("local_ns", "exch_ms", "price", "qty", "buyer_is_maker")

_YEAR_2000, _YEAR_2100 = 946_684_800, 4_102_444_800
"""Seconds since 1970; times outside are in another unit than their column's name says."""


def read_quotes(path: Path) -> Quotes:
    """Read best bids and offers, in the order of the file.

    Parameters
    ----------
    path : a ``.parquet`` or ``.csv`` file with ``QUOTE_COLUMNS``: integers of nanoseconds on the
        local clock and of milliseconds on the exchange's, both UTC since 1970; prices and sizes.

    Raises
    ------
    ConfigError
        There is no such file, or its name ends otherwise.
    SchemaError
        It cannot be read, is empty, or a column is missing or not what it must be.
    """
    rows = _rows(path, QUOTE_COLUMNS)
    return Quotes(
        exchange_ns=_times(path, rows, "exch_ms", 1_000_000),
        local_ns=_times(path, rows, "local_ns", 1),
        bids=_floats(path, rows, "bid"),
        bid_sizes=_floats(path, rows, "bid_qty"),
        asks=_floats(path, rows, "ask"),
        ask_sizes=_floats(path, rows, "ask_qty"),
    )


def read_trades(path: Path) -> Trades:
    """Read trades, in the order of the file.

    Parameters
    ----------
    path : as of `read_quotes`, with ``TRADE_COLUMNS``. Where the buyer made the price
        (``buyer_is_maker``), the seller took it, and the trade is a sale.

    Raises
    ------
    ConfigError, SchemaError
        As of `read_quotes`.
    """
    rows = _rows(path, TRADE_COLUMNS)
    maker = rows["buyer_is_maker"]
    if maker.dtype not in ("bool", "boolean") or maker.isna().any():
        raise SchemaError(f"{path}: column buyer_is_maker must hold true or false in every row")
    return Trades(
        exchange_ns=_times(path, rows, "exch_ms", 1_000_000),
        local_ns=_times(path, rows, "local_ns", 1),
        prices=_floats(path, rows, "price"),
        sizes=_floats(path, rows, "qty"),
        signs=np.where(maker.to_numpy(np.bool_), -1.0, 1.0),
    )


def _rows(path: Path, wanted: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd
    from pyarrow import ArrowException

    if path.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"{path} is neither .parquet nor .csv: give one of these")
    if not path.is_file():
        raise ConfigError(f"there is no file {path}: name one with columns {', '.join(wanted)}")
    try:
        rows = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
    except (ArrowException, ValueError, OSError) as error:
        raise SchemaError(f"{path} cannot be read as {path.suffix[1:]}: write it anew") from error
    missing = [name for name in wanted if name not in rows.columns]
    if missing:
        raise SchemaError(
            f"{path} has no column {', '.join(missing)}: it needs {', '.join(wanted)}"
        )
    if rows.empty:
        raise SchemaError(f"{path} holds no rows: give a file that does")
    return rows


def _times(path: Path, rows: pd.DataFrame, name: str, nanoseconds: int) -> Nanoseconds:
    """Return a column of whole numbers as nanoseconds; whatever else it holds is refused."""
    unit = {1: "nanoseconds", 1_000_000: "milliseconds"}[nanoseconds]
    values = rows[name].to_numpy()
    if values.dtype.kind not in "iu":
        raise SchemaError(
            f"{path}: column {name} must hold whole {unit} since 1970, UTC, in every row; "
            f"it is {values.dtype}"
        )
    seconds = values // (1_000_000_000 // nanoseconds)
    if ((seconds < _YEAR_2000) | (seconds >= _YEAR_2100)).any():
        raise SchemaError(
            f"{path}: column {name} holds times outside of 2000 to 2100: give {unit} since 1970"
        )
    return np.asarray(values.astype(np.int64) * nanoseconds)


def _floats(path: Path, rows: pd.DataFrame, name: str) -> Floats:
    """Return a column of numbers; missing ones are NaN."""
    if rows[name].dtype.kind not in "iuf":
        raise SchemaError(f"{path}: column {name} must hold numbers; it is {rows[name].dtype}")
    return rows[name].to_numpy(np.float64)
