"""What the ramp's guards do: to challengers as good as the champion, and to broken ones.

    python -m benchmarks.ramp --ramps 1000

Returns are of 10 % volatility and a Sharpe ratio of 1 a year; the challenger's are correlated with
the champion's. Its shadow of 126 sessions stands before the ramp. The first table holds the
shortfall guard alone against limits, with a look every session, in ramps of 10 sessions a step and
in ramps of 63 (each step held as long as it may be). The second runs whole ramps through
`compare` and `transition` with the default policy and all guards.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.mechanisms import wilson
from shadowbook.core.promotion.ab import BookSessions, compare
from shadowbook.core.promotion.ab_differences import ENOUGH, difference
from shadowbook.core.promotion.ramp import begun, transition
from shadowbook.core.promotion.ramp_policy import RampPolicy
from shadowbook.core.promotion.ramp_state import (
    ApprovalGiven,
    ChallengerNamed,
    CourtDecided,
    Phase,
    SessionJudged,
)

YEAR, VOLATILITY, SHARPE = 252, 0.10, 1.0
SHADOW = 126
"""Sessions of shadow before the ramp."""
TURNOVER, SPREAD_BPS, NOISE_BPS = 0.2, 5.0, 2.0
"""Share of equity traded a session, its slippage, and the noise of a session's slippage."""
LIMITS = (2.0, 3.0, 3.5, 4.0)
POLICY = RampPolicy()
START = datetime(2020, 1, 2, 21, 15, tzinfo=UTC)

PROCESSES = ("Gaussian", "AR(1) 0.3", "Student t 3", "GARCH(1,1)")


def noise(process: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw (n, 2) of deviation 1."""
    if process == "Student t 3":
        return rng.standard_t(3.0, (n, 2)) / math.sqrt(3.0)
    shocks = rng.standard_normal((n, 2))
    if process == "AR(1) 0.3":
        for t in range(1, n):
            shocks[t] = 0.3 * shocks[t - 1] + math.sqrt(1.0 - 0.09) * shocks[t]
    if process == "GARCH(1,1)":
        variance = np.ones(2)
        for t in range(n):
            shocks[t] *= np.sqrt(variance)
            variance = 0.02 + 0.08 * shocks[t] ** 2 + 0.90 * variance
    return shocks


def pair(process, correlation, n, rng, sharpe=SHARPE):
    """Draw signal returns of a challenger and a champion."""
    drawn = noise(process, n, rng)
    champion = drawn[:, 0]
    challenger = correlation * champion + math.sqrt(1.0 - correlation**2) * drawn[:, 1]
    daily = VOLATILITY / math.sqrt(YEAR)
    return daily * (challenger + sharpe / math.sqrt(YEAR)), daily * (
        champion + SHARPE / math.sqrt(YEAR)
    )


def worst(gaps, sessions, with_shadow) -> float:
    """Return the largest shortfall that the guard sees in a ramp, in standard errors."""
    found = -math.inf
    first = SHADOW if with_shadow else len(gaps) - len(POLICY.steps) * sessions
    for step in range(len(POLICY.steps)):
        begin = first + step * sessions
        earlier = gaps[0 if with_shadow else first : begin]
        known = len(earlier) >= ENOUGH
        look = POLICY.first_look if known else POLICY.min_sessions
        for end in range(begin + look, begin + sessions + 1):
            metric = difference("net", gaps[begin:end], None, earlier)
            found = max(found, -metric.value / metric.standard_error)
    return found


def sizes(ramps: int, long_ramps: int) -> None:
    """Print how often an equal challenger reaches a limit of the shortfall guard."""
    print(
        f"shortfall guard, equal skill, a look a session; share of ramps ({ramps} / {long_ramps})"
    )
    head = "".join(f"{limit:>8.1f} s.e." for limit in LIMITS)
    print(f"{'returns':<14}{'corr.':>6}{'sessions':>9}{'shadow':>8}{head}")
    for process in PROCESSES:
        for correlation in (0.9, 0.99):
            for sessions, shadow in ((10, True), (10, False), (63, True)):
                n = ramps if sessions == 10 else long_ramps
                rng = np.random.default_rng([7, int(100 * correlation), sessions])
                found = np.empty(n)
                for k in range(n):
                    mine, theirs = pair(process, correlation, SHADOW + 5 * sessions, rng)
                    found[k] = worst(mine - theirs, sessions, shadow)
                shares = "".join(f"{np.mean(found >= limit):>13.2%}" for limit in LIMITS)
                kept = "yes" if shadow else "no"
                print(f"{process:<14}{correlation:>6}{sessions:>9}{kept:>8}{shares}", flush=True)


@dataclass(frozen=True)
class Fault:
    """What is wrong with the challenger's A/B book."""

    name: str
    execution: float = 1.0
    """Its traded return as a multiple of what its shadow earns."""
    sharpe: float = SHARPE
    model: float = 1.0
    """Its model's return as a multiple, shadow and all."""
    slippage: float = 1.0
    fill_ratio: float = 1.0
    agreement: float = 0.98
    size: float = 1.0


FAULTS = (
    Fault("none: as good"),
    Fault("none: Sharpe ratio 1 lower", sharpe=0.0),
    Fault("model of the wrong sign", model=-1.0),
    Fault("orders of the wrong sign", execution=-1.0, agreement=0.0),
    Fault("the same, agreement unwatched", execution=-1.0, agreement=1.0),
    Fault("double cost", slippage=2.0),
    Fault("half is filled", fill_ratio=0.5, agreement=0.8),
    Fault("three times the size", size=3.0),
)


def books(fault: Fault, correlation: float, rng, process: str = "Gaussian"):
    """Draw a ramp: A/B book, champion's book, and the differences of the shadow before."""
    n = SHADOW + 400
    mine, theirs = pair(process, correlation, n, rng, fault.sharpe)
    mine = mine * fault.model
    days = np.datetime64("2020-01-02") + np.arange(400)
    gaps = mine[:SHADOW] - theirs[:SHADOW]
    made = []
    for signal, one in ((mine, fault), (theirs, Fault("champion", agreement=1.0))):
        traded = one.execution * one.size * signal[SHADOW:]
        bps = one.slippage * SPREAD_BPS + NOISE_BPS * rng.standard_normal(400)
        cost = -one.size * TURNOVER * bps / 1e4
        whole = np.full(400, TURNOVER * one.size)
        made.append(
            BookSessions(
                days,
                net=traded + cost,
                signal=signal[SHADOW:],
                execution=traded - signal[SHADOW:],
                cost=cost,
                notional=whole * one.fill_ratio,
                slippage_bps=bps,
                fill_ratio=np.full(400, one.fill_ratio),
            )
        )
    return made[0], made[1], gaps


def cut(book: BookSessions, n: int) -> BookSessions:
    """Return the first sessions of a book."""
    return BookSessions(**{name: values[:n] for name, values in vars(book).items()})


def ramp(fault: Fault, correlation: float, policy: RampPolicy, rng, process="Gaussian"):
    """Run a ramp to its end: phase, sessions, share of capital at the end, guards breached."""
    ab, champion, gaps = books(fault, correlation, rng, process)
    agreement = np.full(len(ab.net), fault.agreement)
    now = START
    state, _ = transition(begun("weekly", 1, now), ChallengerNamed(2), now, policy)
    state, _ = transition(state, CourtDecided(2, "PROMOTE", "d", "ann"), now, policy)
    for n in range(1, len(ab.net) + 1):
        seen = compare(cut(ab, n), cut(champion, n), agreement[:n], policy, state.after, gaps)
        share, step = state.steps[state.step], state
        now = START + timedelta(days=n)
        event = SessionJudged(ab.sessions[n - 1].astype(object), seen.guards)
        state, _ = transition(state, event, now, policy)
        if state.phase is Phase.AWAITING_APPROVAL:
            state, _ = transition(state, ApprovalGiven(2, "bob"), now, policy)
        if state.phase in (Phase.PROMOTED, Phase.ROLLED_BACK):
            broken = [v.guard for v in seen.guards if v.outcome.value == "BREACHED"]
            return state.phase, n, share, broken
        assert state.champion == step.champion
    return state.phase, n, share, []


def outcomes(ramps: int) -> None:
    """Print what becomes of sound and of broken challengers."""
    print(f"\nwhole ramps, default policy, {ramps} each, returns correlated at 0.9 / 0.99")
    print(
        f"{'fault':<32}{'corr.':>6}{'rolled back':>13}{'interval':>17}{'median':>8}{'capital':>9}"
    )
    for fault in FAULTS:
        for correlation in (0.9, 0.99):
            rng = np.random.default_rng([11, int(100 * correlation)])
            ends = [ramp(fault, correlation, POLICY, rng) for _ in range(ramps)]
            back = [end for end in ends if end[0] is Phase.ROLLED_BACK]
            low, high = wilson(len(back), ramps)
            median = f"{np.median([end[1] for end in back]):.0f}" if back else "-"
            capital = f"{np.median([end[2] for end in back]):.0%}" if back else "-"
            guards = sorted({guard for end in back for guard in end[3]})
            interval = f"{max(low, 0.0):.1%} to {high:.1%}"
            print(
                f"{fault.name:<32}{correlation:>6}{len(back) / ramps:>13.1%}"
                f"{interval:>17}{median:>8}{capital:>9}  {', '.join(guards)}",
                flush=True,
            )


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ramps", type=int, default=1000)
    parser.add_argument("--long-ramps", type=int, default=200)
    parser.add_argument("--whole-ramps", type=int, default=200)
    given = parser.parse_args(argv if argv is not None else [])
    began = time.perf_counter()
    sizes(given.ramps, given.long_ramps)
    outcomes(given.whole_ramps)
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
