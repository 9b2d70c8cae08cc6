"""Tests of a hundred challengers at once, beside arch's.

    python -m benchmarks.promotion_tests

100 challengers, 2,500 sessions, 10,000 resamples. Ours: the Reality Check, Hansen's p-values and
StepM, studentized, from one set of stationary resamples; then the studentized circular bootstrap of
all Sharpe differences. arch: ``SPA``, ``StepM`` and a Sharpe bootstrap of all columns (of the
differences alone, not studentized: it has none), timed on fewer resamples and multiplied, since
its time is proportional to them; pass ``--full`` to time all. Target: 10 times as fast, 500 MB.

Where arch 8.0.0 is wrong: ``SPA(studentize=True)`` does not studentize (the flag enters the info
string alone), and ``StepM`` builds on it; so the answers are compared without studentizing, and
studentized on columns that were divided by their long-run deviation beforehand. ``StepM`` picks by
Hansen's consistent center, ours, as Romano & Wolf's paper, by the full one. Its p-values may be 0.
Ours hold finite samples against Student's t, so that they are a little larger.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import resource
import time

import numpy as np

from shadowbook.core.promotion.sharpe_differences import sharpe_differences
from shadowbook.core.promotion.snooping import data_snooping_test
from shadowbook.core.stats.stationary import stationary_variance

CHALLENGERS, SESSIONS, RESAMPLES = 100, 2_500, 10_000
MEAN_BLOCK, BLOCK = 10, 5
TARGET, LIMIT = 10.0, 500.0


def took(function, runs=1):
    """Return the best time in processor seconds, and what came of it."""
    times = []
    for _ in range(runs):
        begun = time.process_time()
        found = function()
        times.append(time.process_time() - begun)
    return min(times), found


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def world():
    """Draw a champion and challengers that are much like it; two are better."""
    rng = np.random.default_rng(0)
    champion = rng.standard_t(5, size=SESSIONS) * 0.008 + 0.0004
    own = rng.standard_t(5, size=(SESSIONS, CHALLENGERS)) * 0.003
    own += rng.normal(0.0, 0.00005, size=CHALLENGERS)
    own[:, [3, 70]] += 0.0001
    return champion, champion[:, None] + own


def sharpe(returns):
    return returns.mean(axis=0) / returns.std(axis=0, ddof=1)


def archs(excess, own, champion, draws):
    """Seconds of arch's SPA, StepM and Sharpe bootstrap, StepM's columns, and the resamples."""
    from arch.bootstrap import SPA, CircularBlockBootstrap, StepM

    def run(test):
        made = test(np.zeros(SESSIONS), -excess, block_size=MEAN_BLOCK, reps=draws, seed=1)
        made.compute()
        return made

    def resampled():
        drawn = CircularBlockBootstrap(BLOCK, own, champion, seed=1)
        return drawn.apply(lambda x, y: sharpe(x) - sharpe(y), reps=draws)

    spa, _ = took(lambda: run(SPA))
    step, superior = took(lambda: run(StepM))
    circular, spread = took(resampled)
    return np.array([spa, step, circular]), superior.superior_models, spread


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="time arch on all resamples")
    given, _ = parser.parse_known_args()
    champion, own = world()
    excess = own - champion[:, None]

    def snooping(studentize=True):
        rng = np.random.default_rng(1)
        return data_snooping_test(excess, RESAMPLES, MEAN_BLOCK, studentize, rng=rng)

    def differences():
        return sharpe_differences(own, champion, BLOCK, RESAMPLES, np.random.default_rng(1))

    # Before arch is imported, so that the memory told is ours alone.
    before = peak()
    seconds, found = took(snooping, 3)
    more, sharpes = took(differences, 3)
    grown, total = peak() - before, peak()
    draws = RESAMPLES if given.full else RESAMPLES // 10
    theirs, superior, spread = archs(excess, own, champion, draws)
    how = "timed in full" if given.full else f"timed on {draws:,} and multiplied"
    print(
        f"{CHALLENGERS} challengers, {SESSIONS:,} sessions, {RESAMPLES:,} resamples; arch {how}; "
        f"processor seconds\n{'':<58}{'s':>8}{'ratio':>8}"
    )
    table(theirs * (RESAMPLES / draws), seconds, more)
    print(f"shadowbook: peak memory grew by {grown:.0f} MB, to {total:.0f} MB of {LIMIT:.0f} MB")
    compare(excess, snooping(False), found)
    print(f"StepM: shadowbook {list(found.survivors)}, arch (not studentized) {superior}")
    errors = np.array([one.standard_error for one in sharpes])
    apart = np.std(spread, axis=0, ddof=1) / errors
    print(
        "deviation of arch's resampled Sharpe differences, over our standard errors: "
        f"{apart.min():.3f} to {apart.max():.3f}, mean {apart.mean():.3f}"
    )
    assert total < LIMIT, f"{total:.0f} MB"


def table(theirs, seconds, more):
    """Print seconds side by side."""
    for name, value in zip(("SPA", "StepM", "Sharpe bootstrap"), theirs, strict=True):
        print(f"{f'arch, {name}':<58}{value:>8.2f}")
    whole = float(theirs.sum())
    print(f"{'arch, all':<58}{whole:>8.2f}{1.0:>7.1f}x")
    for name, value, beside in (
        ("Reality Check, consistent, lower, StepM", seconds, float(theirs[:2].sum())),
        ("studentized Sharpe bootstrap", more, float(theirs[2])),
        (f"all (target {TARGET:.0f}x)", seconds + more, whole),
    ):
        print(f"{f'shadowbook, {name}':<58}{value:>8.2f}{beside / value:>7.1f}x")


def compare(excess, plain, studentized):
    """Print p-values side by side, where arch is right and where its flag does nothing."""
    from arch.bootstrap import SPA

    def theirs(leads, studentize):
        none = np.zeros(SESSIONS)
        made = SPA(none, -leads, block_size=MEAN_BLOCK, reps=2_000, studentize=studentize, seed=1)
        made.compute()
        return made.pvalues.tolist()

    divided = excess / np.sqrt(stationary_variance(excess, float(MEAN_BLOCK)))
    print(f"\n{'p-values':<46}{'lower':>8}{'consistent':>12}{'upper':>8}")
    for name, three in (
        ("arch, studentize=False", theirs(excess, False)),
        ("arch, studentize=True (its flag does nothing)", theirs(excess, True)),
        ("shadowbook, studentize=False", plain[1:4]),
        ("arch, columns divided beforehand", theirs(divided, False)),
        ("shadowbook, studentize=True", studentized[1:4]),
    ):
        print(f"{name:<46}{three[0]:>8.4f}{three[1]:>12.4f}{three[2]:>8.4f}")


if __name__ == "__main__":
    main()
