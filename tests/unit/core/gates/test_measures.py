import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.measures import market_tables
from shadowbook.core.gates.policy import MarketGatePolicy
from shadowbook.core.values import Schedule

DAYS = pd.bdate_range("2020-01-01", periods=40)
SESSIONS = DAYS.to_numpy("datetime64[D]")
CLOSES = SESSIONS.astype("datetime64[us]") + np.timedelta64(21, "h")
SCHEDULE = Schedule(SESSIONS, CLOSES, CLOSES + np.timedelta64(15, "m"))
AS_OF = pd.Timestamp(SCHEDULE.decided_at[-1], tz="UTC").to_pydatetime()
SYMBOLS = ("AA", "BB", "CC", "DD")


@pytest.fixture
def bars():
    rng = np.random.default_rng(12)
    close = 50 * np.exp(rng.normal(0, 0.01, (40, 4)).cumsum(axis=0)).ravel().round(2)
    return pd.DataFrame(
        {
            "symbol": np.tile(SYMBOLS, 40),
            "session": np.repeat(DAYS.astype("datetime64[us]"), 4),
            "available_at": np.repeat(pd.DatetimeIndex(CLOSES).tz_localize("UTC"), 4),
            "open": close,
            "high": close * 1.01,
            "low": close * 0.99,
            "close": close,
            "volume": rng.integers(1000, 9000, 160).astype(float),
        }
    )


def tables_of(bars):
    return market_tables(bars, pd.DataFrame(), SCHEDULE, AS_OF, MarketGatePolicy())


def at(bars, symbol, i):
    return (bars["symbol"] == symbol) & (bars["session"] == DAYS[i])


def test_gaps_are_told_as_stretches(bars):
    missing = at(bars, "BB", 10) | at(bars, "BB", 11) | at(bars, "BB", 20)
    coverage = tables_of(bars[~missing])["coverage"].set_index("symbol")
    assert coverage.loc["AA", "missing"] == 0
    assert coverage.loc[["BB"], "missing"].tolist() == [2, 1]
    assert coverage.loc[["BB"], "session"].tolist() == [DAYS[10], DAYS[20]]
    assert coverage.loc[["BB"], "last"].tolist() == [DAYS[11], DAYS[20]]


def test_a_bar_without_a_close_is_no_gap(bars):
    bars.loc[at(bars, "BB", 10), "close"] = np.nan
    assert tables_of(bars)["coverage"]["missing"].max() == 0


def test_a_symbol_that_stops_lags(bars):
    stopped = bars[~((bars["symbol"] == "CC") & (bars["session"] >= DAYS[30]))]
    symbols = tables_of(stopped)["symbols"].set_index("symbol")
    assert symbols["lag"].to_dict() == {"AA": 0, "BB": 0, "CC": 10, "DD": 0}
    assert symbols.loc["CC", "silent_from"] == DAYS[30]


def test_feed_lag_counts_decided_sessions(bars):
    feed = tables_of(bars[bars["session"] < DAYS[37]])["feed"]
    assert feed["lag"].item() == 3
    assert feed["symbols"].item() == 4


def test_sessions_tell_a_copy_and_a_market_move(bars):
    before = bars.loc[bars["session"] == DAYS[29], "close"].to_numpy()
    bars.loc[bars["session"] == DAYS[30], "close"] = before
    bars.loc[bars["session"] >= DAYS[35], "close"] *= 2
    sessions = tables_of(bars)["sessions"].set_index("session")
    assert sessions.loc[DAYS[30], "unchanged_share"] == 1
    assert sessions.loc[DAYS[35], "market_move"] == pytest.approx(np.log(2), abs=0.03)
    assert sessions["market_move"].drop(DAYS[35]).max() < 0.05


def test_range_misses_are_shares_of_the_close(bars):
    bars.loc[at(bars, "AA", 5), "high"] = bars.loc[at(bars, "AA", 5), "close"] * 0.98
    bars.loc[at(bars, "AA", 6), "low"] = bars.loc[at(bars, "AA", 6), "close"] * 1.03
    known = tables_of(bars)["known"]
    assert known.loc[at(known, "AA", 5), "range_miss"].item() == pytest.approx(0.02)
    assert known.loc[at(known, "AA", 6), "range_miss"].item() == pytest.approx(0.03)
    assert (known["range_miss"] > 0).sum() == 2


def test_a_bar_without_high_and_low_misses_nothing(bars):
    """REGN 2015-06-09 had a close alone."""
    bars.loc[at(bars, "AA", 5), ["open", "high", "low"]] = np.nan
    known = tables_of(bars)["known"]
    assert not (known["range_miss"] > 0).any()


def test_a_copied_bar_is_repeated_and_an_equal_close_is_not(bars):
    columns = ["open", "high", "low", "close", "volume"]
    bars.loc[at(bars, "AA", 9), columns] = bars.loc[at(bars, "AA", 8), columns].to_numpy()
    bars.loc[at(bars, "BB", 9), "close"] = bars.loc[at(bars, "BB", 8), "close"].item()
    known = tables_of(bars)["known"]
    repeated = known[known["repeated"] == 1]
    assert repeated[["symbol", "session"]].to_numpy().tolist() == [["AA", DAYS[9]]]
