import numpy as np

from shadowbook.core.track import Backtest
from shadowbook.steps.baseline import packed, unpacked

SERIES = ("signal", "gross", "net", "turnover", "information_coefficient", "lagged_ic")


def test_a_backtest_comes_back_to_the_last_bit():
    rng = np.random.default_rng(5)
    series = {name: rng.normal(size=60) for name in SERIES}
    series["net"][:3] = np.nan
    sessions = np.datetime64("2020-01-01", "D") + np.arange(60)
    given = Backtest(
        sessions=sessions,
        candidates={"ridge": series["net"], "boosting": rng.normal(size=60)},
        horizon=21,
        **series,
    )
    found = unpacked(packed(given))
    np.testing.assert_array_equal(found.sessions, sessions)
    for name in SERIES:
        np.testing.assert_array_equal(getattr(found, name), series[name])
    assert list(found.candidates) == ["ridge", "boosting"]
    np.testing.assert_array_equal(found.candidates["boosting"], given.candidates["boosting"])
    assert found.horizon == 21
