"""A scan for drift, population stability index and exact K-S distance, beside scipy and numpy.

Run: ``python -m benchmarks.drift``. 50 columns, a reference of 1,000,000 rows against a window of
100,000. Kept: the reference's profile is there; cold: it is made first. The floor is one sort of
the window, and cold of both. scipy's ``ks_2samp`` and numpy's quantiles and counts are timed on a
few columns and multiplied.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from scipy.stats import ks_2samp

from shadowbook.core.drift import ReferenceProfile

COLUMNS, TIMED = 50, 3
"""Columns, and those that the peers are timed on."""


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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
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
