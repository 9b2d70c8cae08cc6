"""Quote and trade files: read as they are, or refused in one sentence."""

import numpy as np
import pandas as pd
import pytest

from shadowbook.adapters.market_data.ticks import read_quotes, read_trades
from shadowbook.errors import ConfigError, SchemaError

LOCAL, EXCHANGE = 1_723_161_255_088_169_167, 1_723_161_256_313
QUOTES = pd.DataFrame(
    {
        "local_ns": [LOCAL, LOCAL + 5],
        "exch_ms": [EXCHANGE, EXCHANGE + 9],
        "bid": [61_800.2, 61_800.1],
        "bid_qty": [2.507, np.nan],
        "ask": [61_800.3, 61_800.3],
        "ask_qty": [2.51, 3.0],
    }
)
TRADES = pd.DataFrame(
    {
        "local_ns": [LOCAL, LOCAL + 5],
        "exch_ms": [EXCHANGE, EXCHANGE],
        "price": [61_800.3, 61_800.2],
        "qty": [0.006, 0.199],
        "buyer_is_maker": [False, True],
        "type": ["MARKET", "MARKET"],
    }
)


def write(rows, path):
    rows.to_parquet(path) if path.suffix == ".parquet" else rows.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_files_are_read_as_they_are(tmp_path, ending):
    quotes = read_quotes(write(QUOTES, tmp_path / f"quotes.{ending}"))
    assert quotes.exchange_ns.tolist() == [EXCHANGE * 1_000_000, (EXCHANGE + 9) * 1_000_000]
    assert quotes.local_ns.tolist() == [LOCAL, LOCAL + 5]
    assert quotes.middles.tolist() == [61_800.25, 61_800.2]
    assert np.isnan(quotes.bid_sizes[1])
    trades = read_trades(write(TRADES, tmp_path / f"trades.{ending}"))
    assert trades.signs.tolist() == [1.0, -1.0]
    assert trades.prices.tolist() == [61_800.3, 61_800.2]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (QUOTES.drop(columns="ask"), "has no column ask: it needs local_ns, exch_ms, bid"),
        (QUOTES.iloc[:0], "holds no rows: give a file that does"),
        (QUOTES.assign(bid="much"), "column bid must hold numbers; it is"),
        (
            QUOTES.assign(exch_ms=pd.to_datetime(QUOTES["exch_ms"], unit="ms")),
            "column exch_ms must hold whole milliseconds since 1970, UTC, in every row; it is dat",
        ),
        (
            QUOTES.assign(exch_ms=QUOTES["exch_ms"] * 1_000),
            "column exch_ms holds times outside of 2000 to 2100: give milliseconds since 1970",
        ),
        (
            QUOTES.assign(local_ns=[float(LOCAL), np.nan]),
            "column local_ns must hold whole nanoseconds since 1970, UTC, in every row",
        ),
    ],
)
def test_what_are_no_quotes_is_refused_in_a_sentence(tmp_path, changed, words):
    path = write(changed, tmp_path / "quotes.parquet")
    with pytest.raises(SchemaError) as caught:
        read_quotes(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_sides_may_be_of_the_kind_that_can_be_missing(tmp_path):
    rows = TRADES.astype({"buyer_is_maker": "boolean"})
    assert read_trades(write(rows, tmp_path / "trades.parquet")).signs.tolist() == [1.0, -1.0]
    rows.loc[1, "buyer_is_maker"] = pd.NA
    with pytest.raises(SchemaError, match="true or false in every row"):
        read_trades(write(rows, tmp_path / "trades.parquet"))


def test_a_side_must_be_told_for_every_trade(tmp_path):
    path = write(TRADES.assign(buyer_is_maker=[True, None]), tmp_path / "trades.parquet")
    with pytest.raises(SchemaError, match="buyer_is_maker must hold true or false in every row"):
        read_trades(path)


def test_files_that_are_not_there_or_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match="there is no file"):
        read_quotes(tmp_path / "quotes.parquet")
    with pytest.raises(ConfigError, match=r"neither .parquet nor .csv"):
        read_quotes(tmp_path / "quotes.json")
    (tmp_path / "broken.parquet").write_bytes(b"no parquet")
    with pytest.raises(SchemaError, match="cannot be read as parquet"):
        read_quotes(tmp_path / "broken.parquet")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(SchemaError, match="cannot be read as csv"):
        read_trades(tmp_path / "empty.csv")
