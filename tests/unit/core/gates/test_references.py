from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.policy import MarketGatePolicy
from shadowbook.core.gates.references import reference_gate, series_tables
from shadowbook.core.values import Schedule

DAYS = pd.bdate_range("2020-01-01", periods=6)
SESSIONS = DAYS.to_numpy("datetime64[D]")
CLOSES = SESSIONS.astype("datetime64[us]") + np.timedelta64(21, "h")
SCHEDULE = Schedule(SESSIONS, CLOSES, CLOSES + np.timedelta64(15, "m"))
AS_OF = datetime(2020, 1, 8, 21, 15, tzinfo=UTC)


@pytest.fixture
def rows():
    return pd.DataFrame(
        {
            "name": "index",
            "session": DAYS.astype("datetime64[us]"),
            "available_at": pd.DatetimeIndex(CLOSES).tz_localize("UTC"),
            "value": [100.0, 100, 100, 110, 110, 121],
        }
    )


def test_series_measures(rows):
    tables = series_tables(rows, SCHEDULE, AS_OF)
    levels = tables["levels"]
    np.testing.assert_allclose(levels["move"].iloc[1:], np.log([1, 1, 1.1, 1, 1.1]))
    assert levels["unchanged"].tolist() == [0, 1, 2, 0, 1, 0]
    assert tables["feed"]["missing_share"].item() == 0
    assert tables["feed"]["lag"].item() == 0


def test_a_missing_session_is_a_share_and_named(rows):
    feed = series_tables(rows.drop(index=2), SCHEDULE, AS_OF)["feed"]
    assert feed["missing_share"].item() == pytest.approx(1 / 6)
    assert feed["first_missing"].item() == "2020-01-03"


@pytest.mark.parametrize(("name", "mode"), [("index", "closed"), ("vix", "open")])
def test_only_the_index_fails_closed(rows, name, mode):
    gate = reference_gate(name, rows.assign(name=name), SCHEDULE, AS_OF, MarketGatePolicy())
    assert gate.suite.fail_mode == mode
    assert gate.suite.feed == name


def test_an_absent_series_asks_for_the_shape_and_finds_no_rows(rows):
    gate = reference_gate("vix", rows, SCHEDULE, AS_OF, MarketGatePolicy())
    assert len(gate.tables["vix"]) == 0
    assert "has_rows" in {check.name for check in gate.suite.checks}
