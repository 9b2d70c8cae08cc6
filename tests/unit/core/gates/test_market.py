from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.market import MarketGatePolicy, bars_gate
from shadowbook.core.values import Schedule

DAYS = pd.bdate_range("2020-01-01", periods=60)
SESSIONS = DAYS.to_numpy("datetime64[D]")
CLOSES = SESSIONS.astype("datetime64[us]") + np.timedelta64(21, "h")
SCHEDULE = Schedule(SESSIONS, CLOSES, CLOSES + np.timedelta64(15, "m"))
AS_OF = datetime(2020, 3, 24, 21, 15, tzinfo=UTC)
NO_REFERENCES = pd.DataFrame(
    {
        "name": pd.Series(dtype=object),
        "session": pd.Series(dtype="datetime64[us]"),
        "available_at": pd.Series(dtype="datetime64[us, UTC]"),
        "value": pd.Series(dtype=float),
    }
)


@pytest.fixture
def bars():
    rng = np.random.default_rng(11)
    n = 12
    prices = 50 * np.exp(rng.normal(0, 0.01, (60, n)).cumsum(axis=0))
    return pd.DataFrame(
        {
            "symbol": np.tile([f"S{i:02d}" for i in range(n)], 60),
            "session": np.repeat(DAYS.astype("datetime64[us]"), n),
            "available_at": np.repeat(pd.DatetimeIndex(CLOSES).tz_localize("UTC"), n),
            "close": prices.ravel().round(2),
        }
    )


def gate_of(bars, as_of=AS_OF):
    return bars_gate(bars, NO_REFERENCES, SCHEDULE, as_of, MarketGatePolicy())


def test_every_check_has_its_table_and_columns(bars):
    gate = gate_of(bars)
    for check in gate.suite.checks:
        columns = gate.tables[check.table].columns
        assert set(check.row_columns) <= set(columns), check.name
        assert set(check.columns) <= set(columns), check.name
    names = [check.name for check in gate.suite.checks]
    assert len(names) == len(set(names))
    assert all(check.span for check in gate.suite.checks if check.action == "quarantine")


def test_columns_that_are_not_there_are_not_asked_for(bars):
    plain = {check.name for check in gate_of(bars).suite.checks}
    full = bars.assign(open=bars["close"], high=bars["close"], low=bars["close"], volume=1e6)
    traded = {check.name for check in gate_of(full).suite.checks}
    assert {
        "range_broken",
        "volume_not_negative",
        "bar_repeated",
        "open_positive",
    } <= traded - plain


def test_a_broken_shape_asks_for_the_shape_alone(bars):
    gate = gate_of(bars.drop(columns="close"))
    assert set(gate.tables) == {"bars", "columns"}
    assert {check.table for check in gate.suite.checks} == {"bars", "columns"}


def test_rows_known_later_do_not_exist(bars):
    as_of = datetime(2020, 2, 3, 21, 15, tzinfo=UTC)
    later = bars["available_at"] > pd.Timestamp(as_of)
    bars.loc[later, "close"] = -1.0
    gate = gate_of(bars, as_of)
    assert gate.suite.limits.newest == date(2020, 2, 3)
    assert gate.tables["known"]["close"].min() > 0
    assert gate.tables["feed"]["lag"].item() == 0


def test_before_anything_is_known_the_table_counts_as_empty(bars):
    gate = gate_of(bars, datetime(2019, 6, 3, tzinfo=UTC))
    assert len(gate.tables["bars"]) == 0


def test_a_restatement_known_later_changes_only_later_verdicts(bars):
    late = bars[(bars["symbol"] == "S03") & (bars["session"] == DAYS[10])]
    late = late.assign(available_at=pd.Timestamp("2020-03-02", tz="UTC"), close=99.0)
    both = pd.concat([bars, late], ignore_index=True)

    def close_at(as_of):
        known = gate_of(both, as_of).tables["known"]
        row = (known["symbol"] == "S03") & (known["session"] == DAYS[10])
        return known.loc[row, "close"].item()

    assert close_at(datetime(2020, 2, 28, tzinfo=UTC)) != 99.0
    assert close_at(AS_OF) == 99.0


def test_measures_do_not_depend_on_the_order_of_rows(bars):
    one = gate_of(bars).tables["known"]
    other = gate_of(bars.sample(frac=1, random_state=1)).tables["known"]
    pd.testing.assert_frame_equal(one, other)


def test_a_universe_below_the_least_is_named_by_its_setting(bars):
    checks = {check.name: check for check in gate_of(bars).suite.checks}
    assert checks["universe_size"].minimum == MarketGatePolicy().min_symbols
    assert "gates.market.min_symbols" in checks["universe_size"].remedy
