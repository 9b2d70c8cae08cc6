"""ADWIN and DDM: the published streams, what is missing, what is refused, what an alarm resets."""

import itertools
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowbook.core.drift.detectors import (
    LARGEST_DELTA,
    PAPER,
    adwin,
    ddm,
    detect,
    late_alarms,
    machine,
)

BITS = st.lists(st.integers(0, 1), max_size=300)
HOLES = st.lists(st.integers(0, 299), max_size=40)


def published(name):
    """The streams of river's docstrings, which were published with their alarms."""
    if name == "ADWIN":
        rng = random.Random(12345)
        return rng.choices([0, 1], k=1000) + rng.choices(range(4, 8), k=1000)
    rng = random.Random(42)
    return rng.choices([0, 1], k=1000) + rng.choices([0, 1], k=1000, weights=[0.3, 0.7])


def naive_ddm(values, warm_start, warning, drift):
    """Gama et al. (2004) as it is written, in plain Python."""
    alarms, warnings, n, wrong, lowest = [], [], 0, 0, None
    for position, value in enumerate(values):
        n, wrong = n + 1, wrong + value
        p = wrong / n
        s = math.sqrt(p * (1.0 - p) / n)
        if n <= warm_start:
            continue
        if lowest is None or p + s <= sum(lowest):
            lowest = p, s
        if p + s > lowest[0] + drift * lowest[1]:
            alarms.append(position)
            n, wrong, lowest = 0, 0, None
        elif p + s > lowest[0] + warning * lowest[1]:
            warnings.append(position)
    return tuple(alarms), tuple(warnings)


def test_adwin_alarms_where_it_was_published():
    assert adwin(published("ADWIN")) == ((1023,), (), 0)


def test_ddm_warns_and_alarms_where_it_was_published():
    found = ddm(published("DDM"))
    assert found.alarms == (1334,)
    assert found.warnings[0] == 1084
    assert min(at for at in found.warnings if at > 1334) == 1492


def test_ddm_is_its_definition():
    rng = np.random.default_rng(3)
    seen = 0
    for _ in range(20):
        values = (rng.random(400) < np.repeat(rng.random(4), 100)).astype(float).tolist()
        found = ddm(values, 20, 1.5, 2.5)
        assert (found.alarms, found.warnings) == naive_ddm(values, 20, 1.5, 2.5)
        seen += len(found.alarms)
    assert seen > 10


@pytest.mark.parametrize(("name", "alarm"), [("ADWIN", 1023), ("DDM", 1334)])
def test_positions_count_what_is_missing_and_nothing_else_changes(name, alarm):
    values = np.array(published(name), dtype=float)
    holed = np.insert(values, [0, 500, 500, 1010, 2000], np.nan)
    plain, found = detect(name, values, PAPER[name]), detect(name, holed, PAPER[name])
    assert found.skipped == 5
    assert found.alarms == (alarm + 4,)
    places = np.flatnonzero(np.isfinite(holed))
    assert found.warnings == tuple(places[list(plain.warnings)])


@settings(max_examples=40)
@given(BITS, HOLES, st.sampled_from(["ADWIN", "DDM"]))
def test_what_is_missing_neither_alarms_nor_hides(bits, holes, name):
    quick = {"ADWIN": {"delta": 4.0, "clock": 1}, "DDM": {**PAPER["DDM"], "drift_threshold": 1.5}}
    values = np.array(bits, dtype=float)
    values[[at for at in holes if at < len(values)]] = np.nan
    known = np.flatnonzero(np.isfinite(values))
    found, dense = detect(name, values, quick[name]), detect(name, values[known], quick[name])
    assert found.skipped == len(values) - len(known)
    assert found.alarms == tuple(known[list(dense.alarms)])
    assert found.warnings == tuple(known[list(dense.warnings)])


@settings(max_examples=40)
@given(BITS, BITS, st.sampled_from(["ADWIN", "DDM"]))
def test_what_is_appended_changes_nothing_that_was_said(bits, more, name):
    quick = {"ADWIN": {"delta": 4.0, "clock": 1}, "DDM": {**PAPER["DDM"], "drift_threshold": 1.5}}
    before, after = detect(name, bits, quick[name]), detect(name, bits + more, quick[name])
    assert after.alarms[: len(before.alarms)] == before.alarms
    assert all(at >= len(bits) for at in after.alarms[len(before.alarms) :])
    assert after.warnings[: len(before.warnings)] == before.warnings


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("DDM", PAPER["DDM"]), ("ADWIN", {"delta": 0.05, "clock": 1})],
)
def test_an_alarm_resets_a_detector(name, parameters):
    values = ([0, 0, 0, 1] * 50 + [1, 1, 1, 0] * 50) * 3
    first, *others = detect(name, values, parameters).alarms
    assert others
    afresh = detect(name, values[first + 1 :], parameters)
    assert [first + 1 + at for at in afresh.alarms] == others


def test_ddm_is_silent_for_its_warm_start_after_each_alarm():
    values = [0] * 20 + [0, 1] * 20 + [1] * 300
    alarms = (-1, *ddm(values, warm_start=50).alarms)
    assert len(alarms) > 1
    assert all(after - before > 50 for before, after in itertools.pairwise(alarms))


def test_adwin_alarms_both_ways_and_ddm_at_more_errors_alone():
    worse = [0, 0, 0, 1] * 100 + [1, 1, 1, 0] * 100
    better = worse[::-1]
    assert adwin(worse).alarms
    assert adwin(better).alarms
    assert ddm(worse).alarms
    assert not ddm(better).alarms


def test_the_quickest_delta_speaks_from_the_eleventh_observation():
    values = [0.0] * 5 + [1.0] * 6
    assert adwin(values, LARGEST_DELTA, clock=1).alarms == (10,)


@pytest.mark.parametrize("name", ["ADWIN", "DDM"])
def test_nothing_known_says_nothing(name):
    assert detect(name, [], PAPER[name]) == ((), (), 0)
    assert detect(name, [np.nan] * 400, PAPER[name]) == ((), (), 400)


@pytest.mark.parametrize("name", ["ADWIN", "DDM"])
@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_an_infinity_is_refused(name, bad):
    with pytest.raises(ValueError, match=f"stream of {name} holds an infinite value"):
        detect(name, [0.0, 1.0, bad], PAPER[name])


def test_ddm_takes_nothing_but_zero_and_one():
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        ddm([0.0, 0.5, 1.0])


def test_a_table_is_no_stream():
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        adwin([[0.0, 1.0], [1.0, 0.0]])


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_impossible_settings_are_refused(bad):
    with pytest.raises(ValueError, match="delta of ADWIN"):
        adwin([0.0], delta=bad)
    with pytest.raises(ValueError, match="drift_threshold of DDM"):
        ddm([0.0], drift_threshold=bad)


def test_a_delta_that_would_make_adwin_mute_is_refused():
    with pytest.raises(ValueError, match=r"delta of ADWIN is 4\.8: give at most 4\.75"):
        adwin([0.0], delta=4.8)


def test_alarms_before_the_start_do_not_count():
    values = published("DDM")
    assert late_alarms(machine("DDM", PAPER["DDM"]), values, 1334) == 1
    assert late_alarms(machine("DDM", PAPER["DDM"]), values, 1335) == 0
