"""The tables that DVC draws: the last session of each week, no row without a value."""

import io
from types import SimpleNamespace

import numpy as np
import pandas as pd

from shadowbook.steps.curves import EQUITY, INFORMATION_COEFFICIENT, write_curves


def test_a_row_a_week_and_candidate(tmp_path):
    # Friday, the week with the holiday on Monday 2022-09-05, and the Monday after it.
    sessions = np.array(
        ["2022-09-02", "2022-09-06", "2022-09-07", "2022-09-08", "2022-09-09", "2022-09-12"],
        dtype="datetime64[D]",
    )
    equity = np.array([1.0, 1.5, 1.25, 1.0, 2.0, 3.0])
    rule = SimpleNamespace(
        net=np.array([np.nan, 0.5, 0.1, 0.2, 0.3, 0.4]),
        equity=equity,
        information_coefficient=np.array([0.1, 0.3, np.nan, np.nan, 0.2, 0.4]),
    )
    ridge = SimpleNamespace(net=np.zeros(6), equity=equity, information_coefficient=np.zeros(6))
    write_curves(sessions, {"rule": rule, "ridge": ridge}, 2, tmp_path)
    assert (tmp_path / EQUITY).read_text("utf-8").splitlines() == [
        "session,candidate,growth",
        "2022-09-09,rule,2",
        "2022-09-12,rule,3",
        "2022-09-02,ridge,1",
        "2022-09-09,ridge,2",
        "2022-09-12,ridge,3",
    ]
    skill = pd.read_csv(io.StringIO((tmp_path / INFORMATION_COEFFICIENT).read_text("utf-8")))
    of_rule = skill[skill["candidate"] == "rule"].set_index("session")["information_coefficient"]
    # The first window has one session of two, as has that of the Friday: half is enough.
    assert of_rule.index.tolist() == ["2022-09-09", "2022-09-12"]
    np.testing.assert_allclose(of_rule.to_numpy(), [0.2, 0.3])
