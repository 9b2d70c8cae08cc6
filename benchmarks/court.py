"""How often the court promotes what is no better, what is better, and refreshes.

    python -m benchmarks.court                      # in make bench: few histories
    python -m benchmarks.court --full               # the figures in the docs
    python -m benchmarks.court --only real --workspace PATH

Simulated: eight years of walk forward of a champion and three recipes, then 252 sessions of the
best one's shadow, with a judgment every session; the court with its default policy. "Daily t" is a
one-sided t-test at 5 % of the difference of both books, looked at every session from the 63rd on;
"+0.2 once" promotes where the annual Sharpe ratio of the first 63 sessions is higher by 0.2, and
"+0.2 daily" wherever that of the sessions so far is. Real: `benchmarks.court_refits`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from benchmarks import court_refits_tables
from benchmarks.court_days import (
    ALIKE,
    ANNUAL,
    POLICY,
    Bounds,
    Size,
    alphas,
    batches,
    bounds_of,
    opened,
    replaced,
)
from benchmarks.court_power import power_table, refresh_table
from benchmarks.court_worlds import MONTH, Run, World, side_by_side, year
from benchmarks.drift_rates import header, told
from shadowbook.core.promotion.court_policy import CourtPolicy

PUBLISHED, NAIVE = 0.2, 0.05


QUICK = Size(one=300, twelve=100, power=40, refresh=300, resamples=2_000, windows=3)
FULL = Size(one=2_000, twelve=2_000, power=500, refresh=2_000, resamples=10_000, windows=24)


def bounds_by_position(runs: list[list[Run]], policy: CourtPolicy) -> list[Bounds]:
    """Bounds of each run of the year, (histories, S)."""
    return [
        bounds_of(
            np.array([one[k].shadow for one in runs]),
            np.array([one[k].capital for one in runs]),
            alphas(k + 1, policy).shadow,
            policy,
        )
        for k in range(len(runs[0]))
    ]


def promoted(run: Run, position: int, bounds: Bounds, policy: CourtPolicy, seed: list[int]) -> bool:
    """Say whether the court ever promotes a run's challenger."""
    case = opened(run, position, bounds, policy, seed)
    if case is None:
        return False
    record = side_by_side(run.shadow, run.capital, ALIKE)
    return replaced(case, bounds, record, policy).promoted is not None


def habits(runs: list[Run]) -> np.ndarray:
    """Say whether others' habits ever promote one of them: daily t, +0.2 once, +0.2 daily."""
    own, its = (np.array([getattr(one, name) for one in runs]) for name in ("shadow", "capital"))
    first = POLICY.min_sessions
    t = np.arange(1.0, own.shape[1] + 1.0)

    def ratio(values: np.ndarray) -> np.ndarray:
        mean = np.cumsum(values, axis=1) / t
        variance = np.cumsum(values * values, axis=1) / t - mean * mean
        return (mean / np.sqrt(variance * t / np.maximum(t - 1.0, 1.0)))[:, first - 1 :]

    with np.errstate(all="ignore"):
        naive = ratio(own - its) * np.sqrt(t[first - 1 :]) > -stdtrit(t[first - 1 :] - 1.0, NAIVE)
        lead = ANNUAL * (ratio(own) - ratio(its)) >= PUBLISHED
    return np.array([naive.any(), lead[:, 0].any(), lead.any()])


def false_promotions(world: World, n_runs: int, n: int, size: Size, k: int) -> np.ndarray:
    """Count years with a false promotion: the court, then others' habits."""
    counts = np.zeros(4, dtype=int)
    for those in batches(n):
        seeds = [[n_runs, k, size.first_seed + h] for h in those]
        runs = [year(np.random.default_rng(seed), world, n_runs) for seed in seeds]
        by_position = bounds_by_position(runs, size.policy)
        for h, (seed, one) in enumerate(zip(seeds, runs, strict=True)):
            # The court's year ends with its first promotion: the champion is another one then.
            ours = any(
                promoted(run, m + 1, by_position[m].of(h), size.policy, [*seed, m])
                for m, run in enumerate(one)
            )
            counts += [ours, *habits(one)]
    return counts


def one_table(size: Size) -> None:
    print(f"\n### no better, one challenger a year: promoted, {size.one} histories a row")
    header(
        "correlation", "AR(1)", "tails", "court", "daily t", "+0.2 once", "+0.2 daily"
    )  # fmt: skip
    k = 0
    for rho in (0.5, 0.9, 0.99):
        for phi in (0.0, 0.3):
            for tails in ("normal", "t(4)"):
                counts = false_promotions(World(rho, phi, tails), 1, size.one, size, k)
                cells = " | ".join(told(hits, size.one) for hits in counts)
                print(f"| {rho} | {phi} | {tails} | {cells} |", flush=True)
                k += 1


def twelve_table(size: Size) -> None:
    n = size.twelve
    print(f"\n### no better, twelve challengers a year: a promotion in the year, {n} years a row")
    print(f"\nA run every {MONTH} sessions with three fresh recipes each; AR(1) 0.3, t(4).")
    header("correlation", "court", "daily t", "+0.2 once", "+0.2 daily")
    for k, rho in enumerate((0.5, 0.9, 0.99)):
        counts = false_promotions(World(rho, 0.3, "t(4)"), 12, n, size, 50 + k)
        print(f"| {rho} | {' | '.join(told(hits, n) for hits in counts)} |", flush=True)


def real_tables(size: Size) -> None:
    court_refits_tables.tables(size.windows, POLICY, size.workspace, size.first_seed)


SECTIONS: dict[str, Callable[[Size], None]] = {
    "one": one_table,
    "twelve": twelve_table,
    "power": power_table,
    "refresh": refresh_table,
    "real": real_tables,
}


def main(
    full: bool = False,
    only: str = "",
    workspace: Path | None = None,
    first_seed: int = 0,
    histories: int = 0,
    resamples: int = 0,
    windows: int = 0,
) -> None:
    """Print every table, or one."""
    given = FULL if full else QUICK
    n = {name: histories or getattr(given, name) for name in ("one", "twelve", "power", "refresh")}
    size = Size(
        **n,
        resamples=resamples or given.resamples,
        windows=windows or given.windows,
        first_seed=first_seed,
        workspace=workspace,
    )
    print(f"\n## The court with its default policy, seeds from {first_seed} up")
    for name, table in SECTIONS.items():
        if only in ("", name):
            began = time.perf_counter()
            table(size)
            print(f"\n{time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default="", choices=["", *SECTIONS])
    parser.add_argument("--workspace", type=Path, default=None)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--histories", type=int, default=0)
    parser.add_argument("--resamples", type=int, default=0)
    parser.add_argument("--windows", type=int, default=0)
    main(**vars(parser.parse_args()))
