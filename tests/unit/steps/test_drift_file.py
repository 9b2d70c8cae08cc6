"""A drift profile as a file: nothing lost, the same bytes."""

import io
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from shadowbook.core.drift.calibration import Sample, calibrate
from shadowbook.core.drift.found import FalseAlarms
from shadowbook.core.drift.policy import DriftPolicy, StreamPolicy
from shadowbook.core.drift.scan import scan
from shadowbook.core.drift.stream_settings import stream_settings
from shadowbook.core.drift.summaries import AttributionSummary
from shadowbook.steps.drift_file import FORMAT, packed, unpacked
from shadowbook.steps.drift_profile import DriftProfile

POLICY = DriftPolicy(windows=(5, 21), n_resamples=200, min_distance=0.04)
DAYS = np.arange("2020-01-01", "2020-10-27", dtype="datetime64[D]")


def samples(n_sessions=300):
    rng = np.random.default_rng(2)
    walk = np.cumsum(rng.normal(size=(n_sessions, 3)), axis=0)
    holes = rng.normal(size=(n_sessions, 3))
    holes[rng.random(holes.shape) < 0.2] = np.nan
    young = np.full((n_sessions, 3), np.nan)
    young[-20:] = 1.5
    return (
        Sample("walk", "feature", walk),
        Sample("young", "feature", young),
        Sample("whole", "prediction", np.round(holes)),
        Sample("empty", "label", np.full((n_sessions, 3), np.nan)),
    )


def profile(explained=True):
    rng = np.random.default_rng(5)
    calibration = calibrate(samples(), DAYS, POLICY, rng)
    streams = stream_settings(rng.uniform(-0.3, 0.4, 400), 5, StreamPolicy(n_histories=20), rng)
    summary = AttributionSummary(rng.normal(size=(60, 2)), rng.random((60, 2)), 3)
    summary.mean[4, 1] = np.nan
    return DriftProfile(
        calibration=calibration,
        streams=streams,
        attributions=summary if explained else None,
        unexplained="" if explained else "no row has enough features to be explained",
    )


@pytest.mark.parametrize("explained", [True, False])
def test_nothing_is_lost(explained):
    made = profile(explained)
    read = unpacked(packed(made))
    before, after = made.calibration, read.calibration
    for name in ("span", "windows", "n_bins", "rate", "least_distance", "least_missing"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.windows == (5, 21)
    assert after.least_distance == 0.04
    assert after.false_alarms.years == 0.0
    assert math.isnan(after.false_alarms.expected_a_year)
    for one, other in zip(before.columns, after.columns, strict=True):
        assert (other.name, other.kind, other.block, other.reason) == (
            one.name,
            one.kind,
            one.block,
            one.reason,
        )
        assert_same(one.finite, other.finite)
        assert_same(one.counts, other.counts)
        assert (one.grid is None) == (other.grid is None)
        if one.grid is not None:
            assert_same(one.grid.edges, other.grid.edges)
            assert_same(one.grid.group, other.grid.group)
        assert list(other.nulls) == list(one.nulls)
        for window, null in one.nulls.items():
            for name in ("ks", "psi", "least", "missing"):
                assert_same(getattr(null, name), getattr(other.nulls[window], name))
    assert [one.reason for one in after.columns] == [
        "",
        "the reference has values in 20 sessions and 252 are needed",
        "",
        "the reference has values in 0 sessions and 252 are needed",
    ]
    assert read.streams.plain() == made.streams.plain()
    assert read.unexplained == made.unexplained
    if explained:
        assert_same(made.attributions.mean, read.attributions.mean)
        assert_same(made.attributions.absolute, read.attributions.absolute)
        assert read.attributions.step == 3
    else:
        assert read.attributions is None


def assert_same(one, other):
    """Bit for bit."""
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("explained", [True, False])
def test_the_same_profile_gives_the_same_bytes(explained):
    data = packed(profile(explained))
    assert packed(profile(explained)) == data
    assert packed(unpacked(data)) == data


def test_what_was_read_back_scans_the_same():
    made = profile()
    newest = samples()
    for one, other in zip(
        scan(made.calibration, newest),
        scan(unpacked(packed(made)).calibration, newest),
        strict=True,
    ):
        assert repr(one) == repr(other)


def test_measured_false_alarms_come_back():
    made = profile()
    alarms = FalseAlarms(0.25, 0.5, 0.125, 40.0)
    measured = replace(made, calibration=replace(made.calibration, false_alarms=alarms))
    assert unpacked(packed(measured)).calibration.false_alarms == alarms


def test_a_file_of_another_release_is_none():
    data = packed(profile())
    with np.load(io.BytesIO(data)) as arrays:
        parts = dict(arrays)
    about = json.loads(parts["about"].tobytes())
    assert about["format"] == FORMAT
    about["format"] = FORMAT + 1
    parts["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    file = io.BytesIO()
    np.savez(file, **parts)
    assert unpacked(file.getvalue()) is None
