"""Errors and power of a look every session, on simulated books, beside two common habits.

    python -m benchmarks.promotion_sequential --histories 2000

Looks are every session from the 21st known difference on. "Plain" is the same asymptotic confidence
sequence as it stands in the paper, with the usual variance and nothing for small samples; "daily t"
is a one-sided t-test at 5 % that is looked at every session; "+0.2 gate" promotes where the annual
Sharpe ratio of the first 63 sessions is higher by 0.2.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter
from scipy.special import stdtrit

from benchmarks.drift_rates import header, told
from shadowbook.core.promotion.matched import HALF_LIFE, WARM_UP, trailing_volatility
from shadowbook.core.promotion.planning import required_shadow_sessions, shadow_power
from shadowbook.core.promotion.sequential import (
    START,
    confidence_sequence,
    lower_bounds,
    mixture_boundary,
)

ALPHA, YEAR, LONG = 0.05, 252, 2520
HORIZONS = (YEAR, 2 * YEAR, LONG)
VOLATILITIES = (0.01, 0.02)
BLOCK = 500
"""Histories at a time, so that memory stays small."""

Draw = Callable[[np.random.Generator, int, int], np.ndarray]


def recursed(phi: float) -> Draw:
    def draw(rng: np.random.Generator, n: int, sessions: int) -> np.ndarray:
        shocks = rng.normal(size=(n, 100 + sessions))
        return lfilter([math.sqrt(1.0 - phi * phi)], [1.0, -phi], shocks, axis=1)[:, 100:]

    return draw


def student(degrees: float) -> Draw:
    scale = math.sqrt(degrees / (degrees - 2.0))
    return lambda rng, n, sessions: rng.standard_t(degrees, size=(n, sessions)) / scale


def garch(rng: np.random.Generator, n: int, sessions: int) -> np.ndarray:
    return volatile(rng, n, sessions) * student(6.0)(rng, n, sessions)


def volatile(rng: np.random.Generator, n: int, sessions: int) -> np.ndarray:
    """Draw the deviations of a GARCH(1, 1) with 0.10 and 0.87, mean variance 1."""
    variance, found = np.ones(n), np.empty((n, 200 + sessions))
    for i in range(200 + sessions):
        found[:, i] = np.sqrt(variance)
        variance = 0.03 + variance * (0.87 + 0.10 * rng.normal(size=n) ** 2)
    return found[:, 200:]


def crashes(rng: np.random.Generator, n: int, sessions: int) -> np.ndarray:
    """Draw normal values with a loss of six deviations every hundredth session, mean 0."""
    lost = rng.random((n, sessions)) < 0.01
    return rng.normal(size=(n, sessions)) - 6.0 * lost + 0.06


PROCESSES: dict[str, Draw] = {
    "normal": lambda rng, n, sessions: rng.normal(size=(n, sessions)),
    "t(3)": student(3.0),
    "t(5)": student(5.0),
    "gamma, skewness -1": lambda rng, n, sessions: 4.0 - rng.gamma(4.0, size=(n, sessions)),
    "exponential, skewness -2": lambda rng, n, sessions: 1.0 - rng.exponential(size=(n, sessions)),
    "exponential, skewness +2": lambda rng, n, sessions: rng.exponential(size=(n, sessions)) - 1.0,
    "rare losses": crashes,
    "AR(1) 0.3": recursed(0.3),
    "AR(1) 0.5": recursed(0.5),
    "AR(1) -0.3": recursed(-0.3),
    "GARCH, t(6)": garch,
}


def ever(crossed: np.ndarray, horizons: tuple[int, ...] = HORIZONS) -> list[int]:
    """Count histories that have crossed within each horizon."""
    return [int(crossed[:, :most].any(axis=1).sum()) for most in horizons]


def t_statistics(values: np.ndarray) -> np.ndarray:
    t = np.arange(1.0, values.shape[1] + 1.0)
    mean = np.cumsum(values, axis=1) / t
    variance = np.cumsum(values * values, axis=1) / t - mean * mean
    with np.errstate(all="ignore"):
        return mean * np.sqrt((t - 1.0) / variance)


def peers(values: np.ndarray) -> list[int]:
    """Count what the plain sequence and the daily t-test cross in a year."""
    statistic = t_statistics(values[:, :YEAR])[:, START - 1 :]
    t = np.arange(float(START), YEAR + 1.0)
    plain = statistic > mixture_boundary(t, ALPHA)
    daily = statistic > -stdtrit(t - 1.0, ALPHA)
    return [int(plain.any(axis=1).sum()), int(daily.any(axis=1).sum())]


def blocks(n: int) -> list[int]:
    return [min(BLOCK, n - first) for first in range(0, n, BLOCK)]


def means_table(n: int, seed: int) -> None:
    """Print errors on a series whose mean is 0."""
    print(f"\n### the bound is ever above the true mean, {n} histories, alpha 5 %")
    header("differences", *(f"within {most}" for most in HORIZONS), "plain, 252", "daily t, 252")
    for k, (name, draw) in enumerate(PROCESSES.items()):
        rng = np.random.default_rng([1, seed, k])
        counts = np.zeros(5, dtype=int)
        for size in blocks(n):
            values = draw(rng, size, LONG)
            counts += ever(lower_bounds(values, ALPHA) > 0.0) + peers(values)
        print(f"| {name} | {' | '.join(told(hits, n) for hits in counts)} |", flush=True)


def books(
    rng: np.random.Generator,
    n: int,
    sessions: int,
    correlation: float,
    sharpes: tuple[float, float],
    draw: Draw = PROCESSES["normal"],
    common: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw two books, (n, WARM_UP + sessions) each, of annual Sharpe ratios, maybe one GARCH."""
    length = WARM_UP + sessions
    share = math.sqrt(abs(correlation))
    market, *own = (draw(rng, n, length) for _ in range(3))
    level = volatile(rng, n, length) if common else 1.0
    return tuple(
        volatility
        * (sharpe / math.sqrt(YEAR) + level * (share * market + math.sqrt(1 - share**2) * mine))
        for volatility, sharpe, mine in zip(VOLATILITIES, sharpes, own, strict=True)
    )  # type: ignore[return-value]


def matched(challenger: np.ndarray, champion: np.ndarray) -> np.ndarray:
    """Give the volatility-matched differences after the warm-up, of many histories."""
    ours, theirs = (
        book / trailing_volatility(book, HALF_LIFE, WARM_UP) for book in (challenger, champion)
    )
    return (ours - theirs)[:, WARM_UP:]


def gate(challenger: np.ndarray, champion: np.ndarray) -> int:
    """Count annual Sharpe ratios that are 0.2 higher over 63 sessions."""
    ours, theirs = (
        book[:, :63].mean(axis=1) / book[:, :63].std(axis=1, ddof=1) * math.sqrt(YEAR)
        for book in (challenger, champion)
    )
    return int((ours - theirs >= 0.2).sum())


def equal_books_table(n: int, seed: int) -> None:
    """Print errors of two books with one Sharpe ratio and volatilities of 1 and 2 %."""
    print(f"\n### two books of equal Sharpe, one twice as volatile, {n} histories: promoted")
    titles = [f"ours, {most}" for most in HORIZONS]
    header("returns", "Sharpe", "correlation", *titles, "plain, 252", "daily t, 252", "+0.2 gate")
    cases = [("normal", s, rho) for s in (0.0, 0.5, 1.5) for rho in (0.5, 0.9, 0.99)]
    cases += [(name, 0.5, 0.9) for name in ("t(3)", "AR(1) 0.3", "common GARCH volatility")]
    for k, (name, sharpe, rho) in enumerate(cases):
        rng = np.random.default_rng([2, seed, k])
        counts = np.zeros(6, dtype=int)
        for size in blocks(n):
            draw, common = PROCESSES.get(name, PROCESSES["normal"]), name not in PROCESSES
            pair = books(rng, size, LONG, rho, (sharpe, sharpe), draw, common)
            values = matched(*pair)
            counts += [*ever(lower_bounds(values, ALPHA) > 0.0), *peers(values), gate(*pair)]
        cells = " | ".join(told(hits, n) for hits in counts)
        print(f"| {name} | {sharpe} | {rho} | {cells} |", flush=True)


def advantage_shown(
    n: int, sessions: int, effect: float, rho: float, alpha: float, seed: list[int]
) -> int:
    rng, hits = np.random.default_rng(seed), 0
    for size in blocks(n):
        values = matched(*books(rng, size, sessions, rho, (0.5 + effect, 0.5)))
        hits += int((lower_bounds(values, alpha) > 0.0).any(axis=1).sum())
    return hits


def power_tables(n: int, seed: int) -> None:
    """Print the power within a year, and at the horizon that the plan asks for."""
    print(f"\n### power within 252 sessions, champion at 0.5, {n} histories")
    header("advantage", "correlation", "alpha", "simulated", "shadow_power")
    for alpha in (0.05, 0.0025):
        for effect in (0.5, 1.0):
            for k, rho in enumerate((0.5, 0.9, 0.99)):
                hits = advantage_shown(n, YEAR, effect, rho, alpha, [3, seed, k])
                planned = shadow_power(YEAR, effect, rho, alpha)
                cells = f"{effect} | {rho} | {alpha} | {told(hits, n)} | {planned:.1%}"
                print(f"| {cells} |", flush=True)
    print(f"\n### sessions for 80 % power, and what comes of them, {n} histories")
    header("advantage", "correlation", "fixed test", "sequential", "simulated power by then")
    for k, (effect, rho) in enumerate(
        [(0.5, 0.5), (0.5, 0.9), (0.5, 0.98), (0.5, 0.99), (1.0, 0.5), (1.0, 0.9), (1.0, 0.99)]
    ):
        needed = int(required_shadow_sessions(effect, rho))
        fixed = required_shadow_sessions(effect, rho, sequential=False)
        told_power = "not simulated"
        if needed <= 4000:
            hits = advantage_shown(n, needed, effect, rho, ALPHA, [4, seed, k])
            told_power = told(hits, n)
        print(f"| {effect} | {rho} | {fixed:.0f} | {needed} | {told_power} |", flush=True)


def refresh_tables(n: int, seed: int) -> None:
    """Print how often a refresh passes, as good as the champion or worse by the margin."""
    rhos, margins, within = (
        (0.9, 0.95, 0.98, 0.99, 0.995),
        (0.3, 0.5, 0.75, 1.0, 1.5),
        (63, 126, 252),
    )
    annual = math.sqrt(YEAR)
    print(f"\n### not inferior within {within} sessions, {n} histories, alpha 5 %")
    titles = [f"margin {margin}: as good" for margin in margins]
    header("correlation", *titles, "as good: harmful", "worse by 1.0: harmful")
    kept = {}
    for k, rho in enumerate(rhos):
        rng = np.random.default_rng([5, seed, k])
        values = matched(*books(rng, n, YEAR, rho, (0.5, 0.5)))
        lower, upper = lower_bounds(values, ALPHA), -lower_bounds(-values, ALPHA)
        cells = [
            " / ".join(f"{hits / n:.0%}" for hits in ever(annual * lower >= -margin, within))
            for margin in margins
        ]
        worse = matched(*books(np.random.default_rng([6, seed, k]), n, YEAR, rho, (-0.5, 0.5)))
        harmful = [ever(bound < 0.0, (YEAR,))[0] for bound in (upper, -lower_bounds(-worse, ALPHA))]
        print(
            f"| {rho} | {' | '.join([*cells, *(told(hits, n) for hits in harmful)])} |", flush=True
        )
        kept[rho] = []
        for m, margin in enumerate(margins):
            rng = np.random.default_rng([7, seed, k, m])
            values = matched(*books(rng, n, YEAR, rho, (0.5 - margin, 0.5)))
            kept[rho] += ever(annual * lower_bounds(values, ALPHA) >= -margin, (YEAR,))
    print(f"\n### worse by exactly the margin and passed within 252 sessions, {n} histories")
    header("correlation", *(f"margin {margin}" for margin in margins))
    for rho, counts in kept.items():
        print(f"| {rho} | {' | '.join(told(hits, n) for hits in counts)} |")


def speed() -> None:
    header("sessions", "one sequence, ms")
    for sessions in (YEAR, LONG):
        values = np.random.default_rng(0).normal(size=sessions)
        began = time.perf_counter()
        for _ in range(50):
            confidence_sequence(values)
        print(f"| {sessions} | {(time.perf_counter() - began) * 20.0:.2f} |")


def main(histories: int = 2000, first_seed: int = 0) -> None:
    """Print every table."""
    began = time.perf_counter()
    print(f"\n## A look every session at a nominal {ALPHA:.0%}, seed {first_seed}")
    for table in (means_table, equal_books_table, power_tables, refresh_tables):
        table(histories, first_seed)
    speed()
    print(f"\n{time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=2000)
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    main(given.histories, given.first_seed)
