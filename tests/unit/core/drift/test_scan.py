"""Scans: rolling against each window apart, exact distances, planted faults, what is missing."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from shadowbook.core.drift import benjamini_hochberg, ks_two_sample, psi
from shadowbook.core.drift.calibration import Rolled, Sample, calibrate
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.scan import BAND, judged, rolls_of, scan, scan_path

POLICY = DriftPolicy(windows=(5, 20), n_resamples=200, false_discovery_rate=0.1)
DAYS = np.arange(2000).astype("datetime64[D]")
NAMES = ("a", "b", "c")


def normal(seed, n_sessions, n_names=4, share=0.0, level=0.0):
    rng = np.random.default_rng(seed)
    values = level + rng.normal(size=(n_sessions, n_names))
    values[rng.random(values.shape) < share] = np.nan
    return values


def samples_of(arrays, names=NAMES):
    return [Sample(name, "feature", one) for name, one in zip(names, arrays, strict=False)]


def calibrated(arrays, names=NAMES, policy=POLICY, seed=1):
    days = DAYS[: len(arrays[0])]
    return calibrate(samples_of(arrays, names), days, policy, np.random.default_rng(seed))


THREE = calibrated([normal(1, 400), normal(2, 400, share=0.1), np.full((400, 4), 3.0)])


def today(calibration, arrays, names=NAMES):
    return {(one.column, one.window): one for one in scan(calibration, samples_of(arrays, names))}


def lived(seed, n_sessions, moved=0.0):
    return [
        normal(seed, n_sessions, level=moved),
        normal(seed + 1, n_sessions, share=0.1),
        np.full((n_sessions, 4), 3.0),
    ]


def plain(path):
    fields = (path.p_values, path.psi, path.drifted, path.adjusted, path.alarm)
    return [np.nan_to_num(one, nan=-9.0).tolist() for one in fields]


@functools.cache
def rolling(windows):
    policy = POLICY.model_copy(update={"windows": windows})
    return calibrated([normal(1, 260), normal(2, 260, share=0.1)], policy=policy)


@settings(max_examples=8)
@given(st.integers(1, 45), st.sampled_from([(5, 20), (5,), (7, 8, 9)]), st.integers(0, 999))
def test_a_path_is_every_session_scanned_apart(n_sessions, windows, seed):
    calibration = rolling(windows)
    arrays = lived(seed, n_sessions, 0.4)[:2]
    path = scan_path(calibration, samples_of(arrays), DAYS[:n_sessions])
    assert path.columns == ("a", "b")
    for t in range(n_sessions):
        found = scan(calibration, samples_of([one[: t + 1] for one in arrays]))
        assert [(one.column, one.window) for one in found] == [
            (name, window) for name in "ab" for window in windows
        ]
        p = [np.fmin(one.p_value, one.p_missing) for one in found]
        least = np.fmin.reduce(np.reshape(p, (2, -1)), axis=1)
        np.testing.assert_array_equal(path.p_values[t], least)
        adjusted = np.fmin.reduce([one.adjusted for one in found])
        np.testing.assert_array_equal(path.adjusted[t], adjusted)
        drifted = np.reshape([one.drifted for one in found], (2, -1)).any(axis=1)
        assert path.drifted[t].tolist() == drifted.tolist()
        assert path.alarm[t] == (-1 if t < windows[0] - 1 else int(drifted.any()))
        shortest = [one.psi for one in found if one.window == windows[0]]
        np.testing.assert_allclose(path.psi[t], shortest, atol=1e-6)


def test_windows_that_are_not_full_say_nothing():
    path = scan_path(THREE, samples_of(lived(5, 30)), DAYS[:30])
    assert np.isnan(path.p_values[:4]).all()
    assert np.isnan(path.psi[:4]).all()
    assert np.isnan(path.adjusted[:4]).all()
    assert not path.drifted[:4].any()
    assert path.alarm[:4].tolist() == [-1] * 4
    assert np.isfinite(path.p_values[4:]).all()
    assert (path.alarm[4:] >= 0).all()


def test_more_sessions_change_nothing_that_was():
    arrays = lived(7, 60, 0.3)
    whole = scan_path(THREE, samples_of(arrays), DAYS[:60])
    early = scan_path(THREE, samples_of([one[:41] for one in arrays]), DAYS[:41])
    assert [part[:41] for part in plain(whole)] == plain(early)


def test_a_path_tells_since_a_row():
    arrays = lived(7, 60, 0.3)
    whole = scan_path(THREE, samples_of(arrays), DAYS[:60])
    late = scan_path(THREE, samples_of(arrays), DAYS[:60], since=25)
    assert late.sessions.tolist() == DAYS[25:60].tolist()
    assert plain(late) == [part[25:] for part in plain(whole)]


def test_other_columns_are_refused():
    for found in (scan, lambda c, s: scan_path(c, s, DAYS[:30])):
        with pytest.raises(ValueError, match=r"the columns are \['b', 'a', 'c'\]"):
            found(THREE, samples_of(lived(5, 30), "bac"))
        with pytest.raises(ValueError, match=r"the columns are \['a', 'b'\]"):
            found(THREE, samples_of(lived(5, 30)[:2]))
    with pytest.raises(ValueError, match="there are no sessions to scan"):
        scan(THREE, samples_of(lived(5, 0)))


def test_distances_are_exact_and_textbook_p_values_scipys():
    arrays = lived(9, 50, 0.5)
    reference = [normal(1, 400), normal(2, 400, share=0.1)]
    found = today(THREE, arrays)
    for (name, window), one in found.items():
        if name == "c":
            continue
        at = NAMES.index(name)
        current = arrays[at][-window:].ravel()
        exact = ks_two_sample(reference[at].ravel(), current)
        assert one.psi == pytest.approx(psi(reference[at].ravel(), current), abs=1e-12)
        assert one.ks_statistic == pytest.approx(exact.statistic, abs=1e-15)
        assert one.missing_difference == pytest.approx(exact.missing_difference, abs=1e-12)
        finite = [part[np.isfinite(part)] for part in (reference[at].ravel(), current)]
        textbook = ks_2samp(*finite, method="asymp").pvalue
        assert one.ks_p_textbook == pytest.approx(textbook, rel=1e-9)
        assert one.n_current == len(finite[1])
        assert (one.kind, one.status, one.reason) == ("feature", "OK", "")


def test_bands_are_what_one_window_in_twenty_reaches():
    found = today(THREE, lived(9, 50))
    for column in THREE.columns:
        for window, null in column.nulls.items():
            one = found[column.name, window]
            assert one.psi_band == np.quantile(null.psi, BAND)
            assert one.ks_band == np.quantile(null.ks, BAND)
    assert found["a", 5].psi_band > found["a", 20].psi_band > 0.0


def test_what_counts_is_benjamini_and_hochbergs_choice_over_all_tests():
    arrays = lived(11, 120, 0.0)
    arrays[0][60:] += 0.35
    arrays[1][80:] = np.where(
        np.random.default_rng(1).random((40, 4)) < 0.2, np.nan, arrays[1][80:]
    )
    path = scan_path(THREE, samples_of(arrays), DAYS[:120])
    found = judged(THREE, rolls_of(THREE, samples_of(arrays)))
    assert found.p_value.shape == (120, 3, 2)
    for t in range(120):
        tests = np.concatenate([found.p_value[t].ravel(), found.p_missing[t].ravel()])
        counts = benjamini_hochberg(tests, 0.1).reshape(2, 3, 2).any(axis=0)
        assert path.drifted[t].tolist() == counts.any(axis=1).tolist()
        assert (found.adjusted[t] <= 0.1 * (1 + 1e-9)).tolist() == counts.tolist()
        assert (path.alarm[t] == 1) == bool(counts.any())
    assert 0 < path.drifted[:, 0].sum() < 120
    assert path.alarm[:4].tolist() == [-1] * 4


def test_tests_are_corrected_for_all_columns_windows_and_both_kinds():
    def roll(p, missing):
        row = np.array([0.5])
        return Rolled(row, row, row, np.array([p]), np.array([missing]))

    rolls = [[roll(0.02, 0.4), roll(0.5, np.nan)], [roll(0.6, 0.03), roll(0.7, 0.8)]]
    found = judged(THREE, rolls)
    # Seven tests: 0.02, 0.03, 0.4, 0.5, 0.6, 0.7, 0.8.
    assert found.adjusted[0, 0, 0] == pytest.approx(0.03 * 7 / 2)
    assert found.adjusted[0, 1, 0] == pytest.approx(0.03 * 7 / 2)
    assert found.adjusted[0, 0, 1] == pytest.approx(0.8)
    assert found.adjusted[0, 1, 1] == pytest.approx(0.8)
    assert found.p_missing[0, 1].tolist() == [0.03, 0.8]


def test_short_histories_and_windows_without_values_say_why():
    found = today(THREE, lived(5, 12))
    assert found["a", 5].status == "OK"
    short = found["a", 20]
    assert (short.status, short.reason) == (
        "NOT_COMPUTABLE",
        "12 sessions were lived through and 20 are needed",
    )
    assert np.isnan([short.psi, short.ks_statistic, short.p_value, short.ks_p_textbook]).all()
    assert np.isnan([short.adjusted, short.missing_difference, short.p_missing]).all()
    assert not short.drifted
    arrays = lived(5, 40)
    arrays[0][-5:] = np.nan
    gone = today(THREE, arrays)["a", 5]
    assert (gone.status, gone.reason) == (
        "NOT_COMPUTABLE",
        "no value of the last 5 sessions is known",
    )
    assert np.isnan([gone.psi, gone.ks_statistic, gone.p_value, gone.ks_p_textbook]).all()
    # Its values cannot be compared, but that all of them are missing is a change.
    assert gone.missing_difference == 1.0
    assert gone.drifted


def test_a_column_that_the_reference_cannot_judge_is_not_computable():
    arrays = [normal(1, 300), np.full((300, 4), np.nan)]
    calibration = calibrated(arrays)
    current = [normal(3, 30), normal(4, 30)]
    found = today(calibration, current)["b", 5]
    assert found.status == "NOT_COMPUTABLE"
    assert found.reason == "the reference has values in 0 sessions and 252 are needed"
    assert np.isnan(
        [found.psi, found.p_value, found.p_missing, found.psi_band, found.ks_band]
    ).all()
    assert not found.drifted
    assert found.n_current == 20
    path = scan_path(calibration, samples_of(current), DAYS[:30])
    assert np.isnan(path.p_values[:, 1]).all()
    assert (path.alarm[4:] >= 0).all()
    # It is none of the tests that the others are corrected for.
    alone = scan_path(calibrated(arrays[:1]), samples_of(current[:1]), DAYS[:30])
    assert len(calibration.columns[0].nulls[5].ks) == len(THREE.columns[0].nulls[5].ks)
    assert (np.isnan(path.adjusted) == np.isnan(alone.adjusted)).all()
    np.testing.assert_array_equal(path.adjusted, alone.adjusted)
    nothing = calibrated([np.full((300, 4), np.nan)])
    dark = scan_path(nothing, samples_of([normal(3, 30)]), DAYS[:30])
    assert dark.alarm.tolist() == [-1] * 30


def test_a_constant_alarms_when_it_changes_and_not_before():
    arrays = lived(13, 60)
    arrays[2][40:] = 3.0 + 1e-9
    path = scan_path(THREE, samples_of(arrays), DAYS[:60])
    assert not path.drifted[:40, 2].any()
    # Half a week and more of another value is no draw of the reference.
    assert path.drifted[40:, 2].all()
    found = today(THREE, arrays)["c", 5]
    assert (found.ks_statistic, found.p_value) == (1.0, 1 / 225)
    stayed = today(THREE, lived(13, 60))["c", 20]
    assert (stayed.ks_statistic, stayed.p_value) == (0.0, 1.0)
    # One cell is empty on both sides and counts half an observation of each.
    assert stayed.psi == psi(np.full(1600, 3.0), np.full(80, 3.0)) > 0.0
    assert np.isnan(stayed.p_missing)
    assert not stayed.drifted


def test_a_constant_does_not_drift_by_a_missing_value_or_name():
    arrays = lived(13, 60)
    arrays[2][-1, 0] = np.nan
    arrays[2][-4, 2] = np.inf
    hole = today(THREE, arrays)
    fewer = today(THREE, [one[:, :3] for one in lived(13, 60)])
    for one in (hole["c", 20], fewer["c", 20], fewer["c", 5]):
        assert one.p_value == 1.0
    assert not fewer["c", 20].drifted
    assert hole["c", 20].missing_difference == pytest.approx(2 / 80)
    # The share itself is above what a missing share may change by.
    assert hole["c", 20].p_missing == 1 / 225


@pytest.mark.parametrize(
    ("windows", "rate"), [((21,), 0.2), pytest.param((21, 63), 0.02, marks=pytest.mark.slow)]
)
def test_a_fault_of_units_in_one_of_sixty_columns_is_found(windows, rate):
    names = [f"x{at}" for at in range(60)]
    policy = DriftPolicy(windows=windows, n_resamples=200, false_discovery_rate=rate)
    calibration = calibrated([normal(at, 504, 3) for at in range(60)], names, policy)
    assert len(calibration.columns[0].nulls[21].ks) >= 120 * len(windows) / rate
    current = [normal(100 + at, 63, 3) for at in range(60)]
    before = scan(calibration, samples_of(current, names))
    assert not any(one.drifted for one in before)
    current[37][-21:] *= 100.0
    after = scan(calibration, samples_of(current, names))
    assert {one.column for one in after if one.drifted} == {"x37"}
    found = next(one for one in after if (one.column, one.window) == ("x37", 21))
    assert found.drifted
    assert found.p_value == 1 / (len(calibration.columns[37].nulls[21].ks) + 1)


@pytest.mark.parametrize(("share", "counts"), [(0.05, True), (0.005, False), (0.0, False)])
def test_missing_values_count_from_a_share_on(share, counts):
    calibration = calibrated([normal(1, 300, 50)])
    current = normal(2, 20, 50)
    current.ravel()[: int(share * 1000)] = np.nan
    found = today(calibration, [np.random.default_rng(4).permuted(current)])["a", 20]
    assert found.missing_difference == pytest.approx(share)
    assert found.drifted is counts
    assert found.p_value > 0.1
    if counts:
        assert found.p_missing == 1 / 225
    elif share:
        assert found.p_missing == 1.0
    else:
        assert np.isnan(found.p_missing)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_holes_neither_invent_nor_hide_drift(hole):
    rng = np.random.default_rng(3)
    reference, calm = normal(1, 400, 20), normal(2, 20, 20)
    for one in (reference, calm):
        one[rng.random(one.shape) < 0.2] = hole
    calibration = calibrated([reference])
    quiet = today(calibration, [calm])["a", 20]
    assert not quiet.drifted
    assert min(quiet.p_value, quiet.p_missing) > 0.05
    loud = today(calibration, [calm + 0.5])["a", 20]
    assert loud.drifted
    assert loud.p_value == 1 / 225
    assert loud.p_missing == quiet.p_missing
    assert loud.n_current == np.isfinite(calm).sum()
    # All kinds of holes are one.
    other = today(calibration, [np.where(np.isfinite(calm), calm, np.nan)])["a", 20]
    assert other == quiet


def test_absent_names_neither_count_nor_are_missing():
    reference, current = normal(1, 300, 6), normal(2, 30, 6)
    present = np.ones((300, 6), dtype=bool)
    present[:, 5] = False
    one = [Sample("a", "label", np.where(present, reference, np.nan), present)]
    calibration = calibrate(one, DAYS[:300], POLICY, np.random.default_rng(1))
    there = present[:30]
    wild = np.where(there, current, 1e6)
    found = scan(calibration, [Sample("a", "label", wild, there)])
    bare = scan(calibration, [Sample("a", "label", current[:, :5])])
    assert repr(found) == repr(bare)
    assert found[1].n_current == 100
    # Labels that cannot be known yet are no missing ones.
    nobody = scan(calibration, [Sample("a", "label", wild, np.zeros_like(there))])
    assert [one.drifted for one in nobody] == [False, False]
    assert nobody[0].reason == "no value of the last 5 sessions is known"
