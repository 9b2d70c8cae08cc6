"""Settings calibrated to a run length: what is measured, what cannot be, and what overlap does."""

import math

import numpy as np
import pytest

from shadowbook.core.drift.detectors import adwin, ddm, late_alarms, machine
from shadowbook.core.drift.run_lengths import LADDERS, MIN_REFERENCE, RunLength, calibrated
from shadowbook.core.drift.streams import errors
from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.stats.ranks import rank_correlation


def reference(stream, n=300, seed=0):
    return errors(stream, np.random.default_rng(seed).normal(0.05, 0.2, n).clip(-1, 1))


def kinds():
    return pytest.mark.parametrize(
        ("detector", "stream"), [("DDM", "direction_error"), ("ADWIN", "scaled_error")]
    )


@kinds()
def test_the_quickest_settings_that_keep_to_the_run_length(detector, stream):
    found = calibrated(reference(stream), detector, 100.0, 40, np.random.default_rng(1))
    assert (found.status, found.reason) == ("OK", "")
    assert 100.0 <= found.run_length.observations < 300.0
    assert not found.run_length.is_bound
    assert found.paper_run_length.observations > found.run_length.observations
    rung = LADDERS[detector].index(found.parameters)
    assert 0 < rung < len(LADDERS[detector]) - 1


@kinds()
def test_measured_run_lengths_hold_on_fresh_histories(detector, stream):
    known = reference(stream)
    found = calibrated(known, detector, 100.0, 100, np.random.default_rng(1))
    rng, alarms = np.random.default_rng(2), 0
    for _ in range(100):
        history = rng.choice(known, 120 + 120).tolist()
        alarms += late_alarms(machine(detector, found.parameters), history, 120)
    assert 100 * 120 / alarms == pytest.approx(found.run_length.observations, rel=0.35)


@kinds()
def test_a_longer_run_length_takes_stricter_settings(detector, stream):
    known, rungs = reference(stream), []
    for wanted in (60.0, 120.0, 400.0):
        found = calibrated(known, detector, wanted, 40, np.random.default_rng(1))
        rungs.append(LADDERS[detector].index(found.parameters))
    assert rungs == sorted(rungs)
    assert rungs[-1] > rungs[0]


def test_the_same_generator_gives_the_same_settings():
    known = reference("direction_error")
    one, two = (calibrated(known, "DDM", 80.0, 20, np.random.default_rng(5)) for _ in range(2))
    assert one == two


def test_without_an_alarm_the_run_length_is_a_bound():
    found = calibrated(reference("scaled_error"), "ADWIN", 60.0, 20, np.random.default_rng(1))
    assert found.paper_run_length == RunLength(pytest.approx(20 * 120 / math.log(20.0)), True)


def test_what_is_missing_is_left_out():
    known = reference("direction_error")
    holed = np.insert(known, [0, 7, 7, 200], np.nan)
    one, two = (
        calibrated(given, "DDM", 80.0, 20, np.random.default_rng(5)) for given in (known, holed)
    )
    assert one == two


def test_memory_asks_for_stricter_settings():
    """The same errors, sorted into runs: drawn one by one they would be as before."""
    known = reference("direction_error", 400)
    rng = np.random.default_rng(8)
    runs = np.where(np.repeat(rng.random(20) < 0.5, 20), 0.1, 0.7) > rng.random(400)
    found = [
        calibrated(one, "DDM", 150.0, 40, np.random.default_rng(1)).parameters["drift_threshold"]
        for one in (known, runs.astype(float))
    ]
    assert found[1] > found[0] + 0.5


def refused(found):
    assert found.status == "NOT_COMPUTABLE"
    assert found.parameters == {}
    assert math.isnan(found.run_length.observations)
    return found.reason


def test_a_short_reference_is_not_computable():
    known = reference("direction_error", MIN_REFERENCE - 1)
    found = calibrated(np.append(known, np.nan), "DDM", 80.0, 20, np.random.default_rng(0))
    assert refused(found) == "the backtest has 49 errors that do not overlap: 50 are needed"
    assert math.isnan(found.paper_run_length.observations)


def test_a_reference_without_variation_is_not_computable():
    found = calibrated(np.zeros(200), "DDM", 80.0, 20, np.random.default_rng(0))
    assert refused(found) == "the errors of the backtest are all alike"


def test_a_run_length_that_histories_cannot_show_is_not_computable():
    known = reference("direction_error")
    found = calibrated(known, "DDM", 50_000.0, 20, np.random.default_rng(0))
    assert refused(found) == "15120 resampled errors are too few to show 50000 without an alarm"


def test_errors_too_rare_for_any_setting_show_the_papers_alone():
    """After errors that never came, DDM alarms at the first one, whatever its threshold."""
    known = np.zeros(300)
    known[[40, 130, 220]] = 1.0
    found = calibrated(known, "DDM", 600.0, 20, np.random.default_rng(0))
    assert refused(found) == "the strictest setting alarms more often than every 600 observations"
    assert 0.0 < found.paper_run_length.observations < 600.0


def test_wrong_input_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="infinite"):
        calibrated(np.append(reference("scaled_error"), np.inf), "ADWIN", 80.0, 20, rng)
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        calibrated(reference("scaled_error"), "DDM", 80.0, 20, rng)
    with pytest.raises(ValueError, match="run length of 0"):
        calibrated(reference("scaled_error"), "ADWIN", 0, 20, rng)


@pytest.mark.slow
def test_overlapping_labels_break_the_detectors_and_thinned_ones_do_not():
    """Slow scores of constant skill on prices without memory: nothing drifts in 2,500 sessions."""
    horizon, sessions, names, histories = 21, 2_500, 20, 40
    overlapping, thinned = [], []
    for seed in range(histories):
        rng = np.random.default_rng(seed)
        steps = rng.normal(0.0, 0.01, (sessions + horizon, names))
        noise = np.zeros((sessions, names))
        for t in range(1, sessions):
            noise[t] = 0.98 * noise[t - 1] + math.sqrt(1 - 0.98**2) * rng.normal(size=names)
        forward = forward_returns(np.exp(np.cumsum(steps, axis=0)), horizon)[:sessions]
        scores = 0.05 * forward / forward.std() + noise
        skill = rank_correlation(scores, forward, 5)
        wrong, scaled = errors("direction_error", skill), errors("scaled_error", skill)
        overlapping.append([len(ddm(wrong).alarms), len(adwin(scaled).alarms)])
        thinned.append([len(ddm(wrong[::horizon]).alarms), len(adwin(scaled[::horizon]).alarms)])
    assert (np.array(overlapping) > 0).mean(axis=0).tolist() == [1.0, pytest.approx(0.825, abs=0.1)]
    assert np.array(overlapping).mean(axis=0)[0] > 10.0
    assert (np.array(thinned) > 0).mean(axis=0).max() <= 0.1
