from datetime import UTC, datetime

import numpy as np
import pandas as pd

from shadowbook.core.gates.versions import version_table
from shadowbook.core.values import Schedule

SESSIONS = np.array(["2020-01-02", "2020-01-03", "2020-01-06"], dtype="datetime64[D]")
CLOSES = SESSIONS.astype("datetime64[us]") + np.timedelta64(21, "h")
SCHEDULE = Schedule(SESSIONS, CLOSES, CLOSES + np.timedelta64(15, "m"))
AS_OF = datetime(2020, 1, 6, 21, 15, tzinfo=UTC)


def table(rows):
    known = pd.DataFrame(rows, columns=["symbol", "session", "available_at", "close"])
    known["session"] = pd.to_datetime(known["session"]).astype("datetime64[us]")
    known["available_at"] = pd.to_datetime(known["available_at"], utc=True)
    return version_table(known, "symbol", "close", SCHEDULE, AS_OF)


def test_days_and_moments_are_measured_against_the_calendar():
    measured = table(
        [
            ("KO", "2020-01-02", "2020-01-02 21:00", 50.0),
            ("KO", "2020-01-03", "2020-01-03 20:00", 50.0),
            ("KO", "2020-01-04", "2020-01-04 21:00", 50.0),
            ("KO", "2020-01-08", "2020-01-06 21:00", 50.0),
        ]
    )
    assert measured["trading_day"].tolist() == [1, 1, 0, 0]
    assert measured["days_ahead"].tolist() == [-4, -3, -2, 2]
    np.testing.assert_array_equal(measured["hours_after_close"], [0, -1, np.nan, np.nan])


def test_a_restatement_is_measured_against_the_version_before_in_any_order():
    measured = table(
        [
            ("KO", "2020-01-02", "2020-01-05 21:00", 55.0),
            ("KO", "2020-01-02", "2020-01-02 21:00", 50.0),
            ("PG", "2020-01-02", "2020-01-02 21:00", 0.0),
            ("PG", "2020-01-02", "2020-01-03 21:00", 70.0),
        ]
    )
    np.testing.assert_allclose(measured["restated"], [np.log(1.1), np.nan, np.nan, np.nan])
