"""Settings of a version: made once, kept as JSON, the papers' beside the calibrated ones."""

import json
import math

import numpy as np
import pytest

from shadowbook.core.drift.detectors import PAPER
from shadowbook.core.drift.policy import StreamPolicy
from shadowbook.core.drift.run_lengths import WARM_UP
from shadowbook.core.drift.stream_settings import StreamSettings, stream_settings

POLICY = StreamPolicy(n_histories=20)


def skill(n=1_500, seed=0):
    return np.random.default_rng(seed).normal(0.05, 0.2, n).clip(-1, 1)


@pytest.fixture(scope="module")
def weekly():
    return stream_settings(skill(), 5, POLICY, np.random.default_rng(1))


def test_a_setting_of_the_paper_and_a_calibrated_one_for_each_stream(weekly):
    assert [(one.stream, one.detector, one.setting) for one in weekly.detectors] == [
        ("direction_error", "DDM", "paper"),
        ("direction_error", "DDM", "calibrated"),
        ("scaled_error", "ADWIN", "paper"),
        ("scaled_error", "ADWIN", "calibrated"),
    ]
    for paper, calibrated in (weekly.detectors[:2], weekly.detectors[2:]):
        assert paper.parameters == PAPER[paper.detector]
        assert math.isnan(paper.run_length_wanted)
        assert calibrated.run_length_wanted == 10 * 252 / 5
        assert calibrated.run_length >= calibrated.run_length_wanted
        assert {one.status for one in (paper, calibrated)} == {"OK"}


def test_the_backtest_is_thinned_and_its_end_warms_up(weekly):
    assert weekly.horizon == 5
    assert weekly.n_reference == 300
    assert weekly.warm_up == tuple(skill()[::5][-WARM_UP:])


def test_holes_of_the_backtest_are_left_out():
    holed = skill()
    holed[::35] = np.nan
    found = stream_settings(holed, 5, POLICY, np.random.default_rng(1))
    assert found.n_reference == 300 - 43
    assert len(found.warm_up) == WARM_UP
    assert np.isfinite(found.warm_up).all()


def test_settings_survive_json(weekly):
    kept = json.loads(json.dumps(weekly.plain(), allow_nan=False))
    again = StreamSettings.of_plain(kept)
    assert again.plain() == weekly.plain()
    assert again.warm_up == weekly.warm_up
    assert again.detectors[1] == weekly.detectors[1]
    assert math.isnan(again.detectors[0].run_length_wanted)


def test_the_same_generator_gives_the_same_settings(weekly):
    again = stream_settings(skill(), 5, POLICY, np.random.default_rng(1))
    assert again.plain() == weekly.plain()


def test_a_short_backtest_leaves_the_papers_settings_to_be_shown():
    found = stream_settings(skill(200), 5, POLICY, np.random.default_rng(1))
    for paper, calibrated in (found.detectors[:2], found.detectors[2:]):
        assert paper.status == "OK"
        assert math.isnan(paper.run_length)
        assert calibrated.status == "NOT_COMPUTABLE"
        assert calibrated.reason == (
            "the backtest has 40 errors that do not overlap: 50 are needed"
        )
    assert StreamSettings.of_plain(found.plain()).plain() == found.plain()


def test_an_infinity_and_no_horizon_are_refused():
    with pytest.raises(ValueError, match="infinite"):
        stream_settings(np.append(skill(), [np.inf]), 1, POLICY, np.random.default_rng(1))
    with pytest.raises(ValueError, match="horizon is 0"):
        stream_settings(skill(), 0, POLICY, np.random.default_rng(1))
