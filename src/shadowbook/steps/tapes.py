"""Spreads and clocks of a tape of quotes and trades."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shadowbook.adapters.market_data.ticks import read_quotes, read_trades
from shadowbook.core.performance.spreads import SpreadReport, spreads_of
from shadowbook.core.performance.tapes import ClockReport, clocks_of


@dataclass(frozen=True)
class TapeReport:
    """What two files say."""

    spreads: SpreadReport
    clocks: ClockReport


def tapes(quotes: Path, trades: Path) -> TapeReport:
    """Measure what the trades of a tape paid, and hold its clocks against each other.

    Raises
    ------
    ConfigError
        A file is not there, or neither parquet nor CSV.
    SchemaError
        A file cannot be read as quotes or trades.
    """
    told, traded = read_quotes(quotes), read_trades(trades)
    return TapeReport(spreads_of(told, traded), clocks_of(told, traded))
