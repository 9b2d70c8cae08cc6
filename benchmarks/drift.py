"""A scan for drift, population stability index and exact K-S distance, beside scipy and numpy.

Run: ``python -m benchmarks.drift``. 50 columns, a reference of 1,000,000 rows against a window of
100,000. Kept: the reference's profile is there; cold: it is made first. The floor is one sort of
the window, and cold of both. scipy's ``ks_2samp`` and numpy's quantiles and counts are timed on a
few columns and multiplied.

Then the calibrated scans: 2,500 sessions of both default windows over 50 features of 500 symbols
(``--rolling``), and the newest day of 200 models with 30 features each (``--daily``). Features are
shifted views of one panel, so that the memory told is the scan's. The peers take their two numbers
of each window and decide nothing.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import math
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.signal import lfilter
from scipy.stats import ks_2samp

from shadowbook.core.drift import ReferenceProfile
from shadowbook.core.drift.calibration import Sample, calibrate
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.scan import scan, scan_path
from shadowbook.core.drift.stream_settings import StreamSettings
from shadowbook.steps.drift_file import packed, unpacked
from shadowbook.steps.drift_profile import DriftProfile

COLUMNS, TIMED = 50, 3
"""Columns, and those that the peers are timed on."""

ROLLING, ROLLING_SYMBOLS, ROLLING_LIMIT = 2_500, 500, 150.0
MODELS, FEATURES, DAILY_LIMIT = 200, 30, 10.0
DISTINCT = 4
"""Profiles that the models take turns with."""


def took(function, *arguments, runs=2):
    """Return the best time in seconds, and what came of it."""
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        found = function(*arguments)
        times.append(time.perf_counter() - begun)
    return min(times), found


def numpy_psi(reference, current):
    edges = np.quantile(reference, np.linspace(0.0, 1.0, 11))
    edges[0], edges[-1] = -np.inf, np.inf
    e = np.histogram(reference, edges)[0] / len(reference)
    a = np.histogram(current, edges)[0] / len(current)
    return float(np.sum((a - e) * np.log(a / e)))


def peers(reference, current):
    return [
        (ks_2samp(one, two).statistic, numpy_psi(one, two))
        for one, two in zip(reference.T[:TIMED], current.T[:TIMED], strict=True)
    ]


def columns(n_columns, n_sessions, n_symbols, seed):
    """Draw features with memory, one a session later than the other."""
    shocks = np.random.default_rng(seed).normal(size=(n_sessions + n_columns, n_symbols))
    panel = lfilter([math.sqrt(1.0 - 0.81)], [1.0, -0.9], shocks, axis=0)
    return [
        Sample(f"f{k:02}", "feature", panel[k : k + n_sessions], np.isfinite(panel[:n_sessions]))
        for k in range(n_columns)
    ]


def cut(samples, rows):
    return [Sample(one.name, one.kind, one.values[rows], one.present[rows]) for one in samples]


def days(n):
    return np.datetime64("2000-01-03", "D") + np.arange(n)


def peers_windows(sample, n_reference, windows):
    """Give seconds of the peers for one session's windows of one column."""
    reference = sample.values[:n_reference].ravel()
    began = time.perf_counter()
    for window in windows:
        current = sample.values[n_reference : n_reference + window].ravel()
        ks_2samp(reference, current)
        numpy_psi(reference, current)
    return time.perf_counter() - began


def line(title, seconds, theirs, note=""):
    print(f"{title:<66}{seconds:>9.1f}{theirs / seconds:>9.0f}x  {note}", flush=True)


def rolling():
    """Roll the default windows over ten years."""
    policy = DriftPolicy()
    n = policy.reference_sessions
    longest = policy.windows[-1]
    samples = columns(COLUMNS, n + longest - 1 + ROLLING, ROLLING_SYMBOLS, 0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rng = np.random.default_rng(1)
    fitting, calibration = took(calibrate, cut(samples, slice(0, n)), days(n), policy, rng, runs=1)
    live = cut(samples, slice(n, None))
    rolled, path = took(
        scan_path, calibration, live, days(len(live[0].values)), longest - 1, runs=1
    )
    assert len(path.alarm) == ROLLING
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    theirs = peers_windows(samples[0], n, policy.windows) * ROLLING * COLUMNS
    print(
        f"\n{ROLLING:,} sessions, windows {policy.windows}, {COLUMNS} features of "
        f"{ROLLING_SYMBOLS} symbols; limit {ROLLING_LIMIT:.0f} s"
    )
    line("scipy K-S and numpy PSI (one session of one feature, multiplied)", theirs, theirs)
    line("shadowbook, profile kept", rolled, theirs)
    line("shadowbook, cold", fitting + rolled, theirs, f"peak memory grew by {grown:.0f} MB")


def daily():
    """Scan the newest day of many models."""
    policy = DriftPolicy()
    n, longest = policy.reference_sessions, policy.windows[-1]
    for n_symbols in (20, 100):
        made = []
        for seed in range(DISTINCT):
            samples = columns(FEATURES, n + longest, n_symbols, seed)
            rng = np.random.default_rng(seed)
            calibration = calibrate(cut(samples, slice(0, n)), days(n), policy, rng)
            made.append((calibration, cut(samples, slice(n, None))))
        theirs = peers_windows(samples[0], n, policy.windows) * MODELS * FEATURES

        def scans(those=made):
            for k in range(MODELS):
                scan(*those[k % DISTINCT])

        def paths(those=made):
            for k in range(MODELS):
                calibration, live = those[k % DISTINCT]
                scan_path(calibration, live, days(longest), longest - 1)

        print(
            f"\nnewest day of {MODELS} models x {FEATURES} features, {n_symbols} symbols; "
            f"limit {DAILY_LIMIT:.0f} s"
        )
        line("scipy K-S and numpy PSI (one feature, multiplied)", theirs, theirs)
        line("shadowbook, in full (exact distances, bands, textbook)", took(scans)[0], theirs)
        line("shadowbook, alarm and p-values alone", took(paths)[0], theirs)
        seconds, size = took(read, [calibration for calibration, _ in made])
        line("reading the profiles from disk", seconds, theirs, f"{size / 1e6:.0f} MB each")


def read(calibrations):
    """Unpack every model's profile; the size of one in bytes comes back."""
    nothing = StreamSettings(horizon=5, n_reference=0, warm_up=(), detectors=())
    with tempfile.TemporaryDirectory(prefix="shadowbook-bench-") as folder:
        files = [Path(folder) / f"{k}.npz" for k in range(len(calibrations))]
        for file, calibration in zip(files, calibrations, strict=True):
            file.write_bytes(packed(DriftProfile(calibration, nothing, None)))
        for k in range(MODELS):
            unpacked(files[k % len(files)].read_bytes())
        return files[0].stat().st_size


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rolling", action="store_true", help="the rolling scan alone")
    parser.add_argument("--daily", action="store_true", help="the daily scan alone")
    given = parser.parse_args()
    if not (given.rolling or given.daily):
        million(given.rows)
    if given.rolling or not given.daily:
        rolling()
    if given.daily or not given.rolling:
        daily()


def million(rows):
    """Scan one window of a large reference."""
    rng = np.random.default_rng(0)
    reference = np.asfortranarray(rng.normal(size=(rows, COLUMNS)))
    current = np.asfortranarray(rng.normal(0.02, 1.0, size=(rows // 10, COLUMNS)))
    fitting, profile = took(ReferenceProfile.fit, reference, runs=1)
    kept, found = took(profile.scan, current)
    theirs, expected = took(peers, reference, current, runs=1)
    theirs *= COLUMNS / TIMED
    np.testing.assert_allclose(
        found[["ks_statistic", "psi"]].to_numpy()[:TIMED], expected, rtol=1e-9
    )
    floor, _ = took(lambda: np.sort(current, axis=0))
    both, _ = took(lambda: np.sort(reference, axis=0), runs=1)
    print(f"{f'{rows:,} x {COLUMNS} against {rows // 10:,} x {COLUMNS}':<46}{'s':>8}{'ratio':>9}")
    print(f"{'scipy K-S and numpy PSI (extrapolated)':<46}{theirs:>8.2f}{1.0:>8.1f}x")
    print(f"{'shadowbook, profile kept (target 30x)':<46}{kept:>8.2f}{theirs / kept:>8.1f}x")
    cold = fitting + kept
    print(f"{'shadowbook, cold (target 4x)':<46}{cold:>8.2f}{theirs / cold:>8.1f}x")
    print(f"{'floor: sort of the window':<46}{floor:>8.2f}{theirs / floor:>8.1f}x")
    print(f"{'floor: sort of both':<46}{floor + both:>8.2f}{theirs / (floor + both):>8.1f}x")


if __name__ == "__main__":
    main()
