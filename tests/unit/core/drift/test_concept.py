"""Readings of a live book: a planted change is seen, what came before it stays said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowbook.core.drift.concept import NO_LABEL, stream_readings
from shadowbook.core.drift.detectors import detect
from shadowbook.core.drift.policy import StreamPolicy
from shadowbook.core.drift.stream_settings import stream_settings
from shadowbook.core.drift.streams import errors

DAYS = np.arange("2010-01-01", "2030-01-01", dtype="datetime64[D]")
HORIZON = 5


def skill(mean, n, seed):
    return (mean + np.random.default_rng(seed).normal(0.0, 0.2, n)).clip(-1, 1)


@pytest.fixture(scope="module")
def weekly():
    policy = StreamPolicy(n_histories=40)
    return stream_settings(skill(0.05, 2_500, 0), HORIZON, policy, np.random.default_rng(1))


def read(ic, kept, **where):
    return stream_readings(DAYS[: len(ic)], np.asarray(ic, dtype=float), kept, **where)


def test_readings_carry_their_settings(weekly):
    ic = skill(0.05, 300, 3)
    ic[50] = np.nan
    for reading, one in zip(read(ic, weekly), weekly.detectors, strict=True):
        assert (reading.stream, reading.detector, reading.setting) == (
            one.stream,
            one.detector,
            one.setting,
        )
        assert reading.parameters == one.parameters
        assert reading.run_length == one.run_length
        assert reading.run_length_is_bound == one.run_length_is_bound
        assert reading.warmed_on == len(weekly.warm_up) == 120
        assert reading.skipped == 1
        assert len(reading.values) == len(reading.matured) == 59
        assert reading.matured[0] == DAYS[5]
        assert reading.status == "OK"


def test_a_skill_that_turned_is_seen_by_calibrated_settings_first(weekly):
    ic = np.concatenate([skill(0.05, 500, 11), skill(-0.15, 750, 12)])
    change = DAYS[500]
    delays = {}
    for reading in read(ic, weekly):
        found = [reading.matured[at] for at in reading.alarms]
        assert all(session > change for session in found)
        if found:
            delays[reading.detector, reading.setting] = int((found[0] - change).astype(int))
    assert delays["DDM", "calibrated"] <= delays["DDM", "paper"]
    assert delays["DDM", "calibrated"] < 150
    assert delays["ADWIN", "calibrated"] < 150
    assert ("ADWIN", "paper") not in delays


def test_the_end_of_the_backtest_goes_before_and_tells_no_alarm(weekly):
    ic = np.concatenate([skill(0.05, 250, 21), skill(-0.2, 500, 22)])
    for reading in read(ic, weekly):
        before = errors(reading.stream, np.array(weekly.warm_up))
        whole = detect(
            reading.detector, np.concatenate([before, reading.values]), reading.parameters
        )
        assert reading.alarms == tuple(at - 120 for at in whole.alarms if at >= 120)
        assert reading.warnings == tuple(at - 120 for at in whole.warnings if at >= 120)


@settings(max_examples=25)
@given(st.integers(0, 600), st.integers(1, 200), st.integers(0, 10_000))
def test_sessions_that_are_appended_change_no_alarm(weekly, n, more, seed):
    ic = np.concatenate([skill(0.05, n, seed), skill(-0.2, more, seed + 1)])
    for early, late in zip(read(ic[:n], weekly), read(ic, weekly), strict=True):
        known = len(early.values)
        assert tuple(at for at in late.alarms if at < known) == early.alarms
        assert tuple(at for at in late.warnings if at < known) == early.warnings


@settings(max_examples=25)
@given(st.integers(0, 300))
def test_what_is_missing_never_alarms(weekly, n):
    for reading in read(np.full(n, np.nan), weekly):
        assert reading.alarms == ()
        assert reading.skipped == len(reading.values)
        assert (reading.status, reading.reason) == ("NOT_COMPUTABLE", NO_LABEL)


def test_a_reading_without_settings_says_why():
    short = stream_settings(skill(0.05, 200, 0), HORIZON, StreamPolicy(), np.random.default_rng(1))
    paper, calibrated = read(skill(0.05, 300, 3), short)[:2]
    assert (paper.status, paper.warmed_on) == ("OK", 40)
    assert calibrated.status == "NOT_COMPUTABLE"
    assert calibrated.reason.startswith("the backtest has 40 errors")
    assert calibrated.alarms == ()
    assert len(calibrated.values) == 59


def test_an_infinity_is_refused(weekly):
    with pytest.raises(ValueError, match="infinite"):
        read([0.1, np.inf], weekly)


@pytest.mark.slow
def test_false_alarms_a_decade_and_the_power_at_the_same_settings():
    """Skill of 0.05 for 500 sessions, then of -0.05: labels overlap, as real ones do."""
    policy, reps = StreamPolicy(n_histories=40), 20
    kernel = np.ones(HORIZON) / np.sqrt(HORIZON)
    alarms, seen = np.zeros((reps, 4)), np.zeros((reps, 4))
    for rep in range(reps):
        rng = np.random.default_rng(rep)

        def history(mean, rng=rng):
            shocks = rng.normal(size=len(mean) + HORIZON - 1)
            return (mean + 0.2 * np.convolve(shocks, kernel, "valid")).clip(-1, 1)

        kept = stream_settings(history(np.full(2_500, 0.05)), HORIZON, policy, rng)
        calm = read(history(np.full(2_520, 0.05)), kept)
        turned = read(history(np.where(np.arange(2_020) < 500, 0.05, -0.05)), kept)
        alarms[rep] = [len(one.alarms) for one in calm]
        for at, one in enumerate(turned):
            after = [x for x in one.alarms if one.matured[x] >= DAYS[500 + HORIZON]]
            seen[rep, at] = bool(after) and one.matured[after[0]] < DAYS[500 + 756]
    false_alarms, power = alarms.mean(axis=0), seen.mean(axis=0)
    assert 0.5 < false_alarms[1] < 1.6
    assert 0.5 < false_alarms[3] < 1.6
    assert power[1] > 0.9 > power[0]
    assert power[3] > 0.9
    assert power[2] == 0.0
