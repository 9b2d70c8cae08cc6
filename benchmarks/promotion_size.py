"""How often tests of challengers are wrong, and what they see, on simulated histories.

    python -m benchmarks.promotion_size --histories 1000

30 strategies that lead the champion by nothing, their leads correlated by 0.5, with Student's t
tails (5 degrees) and autocorrelation 0 or 0.3: how often the Reality Check, Hansen's consistent
p-value and StepM find one that is better, at 5 %; and, studentized, what they find where one is,
with an annual Sharpe ratio of 1.5 (before memory stretches its error, and the lead by the same).
StepM's false finds are counted beside that one; without it they are the Reality Check's. Then how
often two strategies of equal Sharpe ratio count as different. Target: the Reality Check finds 3 to
7 %. Every share stands with its 95 % interval (Wilson 1927).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import math
import time

import numpy as np
from scipy.signal import lfilter

from benchmarks.mechanisms import wilson
from shadowbook.core.promotion.sharpe_differences import sharpe_difference
from shadowbook.core.promotion.snooping import data_snooping_test

STRATEGIES, COMMON, TAILS = 30, 0.5, 5
LEVEL, RESAMPLES, BLOCK = 0.05, 499, 10.0
PLANTED = 1.5
BURN_IN = 50
METHODS = ("jobson_korkie_memmel", "ledoit_wolf_hac", "studentized_bootstrap")


def returns(n, columns, common, rho, rng):
    """Draw correlated returns with fat tails and memory; variance 1, mean 0."""
    shocks = rng.standard_t(TAILS, size=(n + BURN_IN, columns + 1)) / math.sqrt(TAILS / (TAILS - 2))
    mixed = math.sqrt(common) * shocks[:, :1] + math.sqrt(1.0 - common) * shocks[:, 1:]
    return lfilter([math.sqrt(1.0 - rho * rho)], [1.0, -rho], mixed, axis=0)[BURN_IN:]


def share(hits):
    low, high = (100.0 * max(end, 0.0) for end in wilson(int(np.sum(hits)), len(hits)))
    return f"{100 * np.mean(hits):5.1f} [{low:4.1f}, {high:4.1f}]"


def snooping(histories):
    print(
        f"\n{STRATEGIES} strategies, {histories:,} histories, {RESAMPLES} resamples, "
        f"mean block {BLOCK:.0f}; percent that find a better one at 5 %"
    )
    print(
        f"{'sessions':>8}{'AR':>5}  {'':<14}{'Reality Check':<19}{'consistent':<19}"
        f"{'StepM, any false':<19}{'StepM, the better'}"
    )
    for n in (500, 1250):
        for rho in (0.0, 0.3):
            rows = {True: [], False: []}
            rng = np.random.default_rng(n)
            for _ in range(histories):
                excess = returns(n, STRATEGIES, COMMON, rho, rng)
                better = excess.copy()
                better[:, 0] += PLANTED / math.sqrt(252.0) * math.sqrt((1.0 + rho) / (1.0 - rho))
                for studentize, found in rows.items():
                    null = data_snooping_test(excess, RESAMPLES, BLOCK, studentize, LEVEL, rng)
                    found.append([null.p_upper <= LEVEL, null.p_consistent <= LEVEL])
                planted = data_snooping_test(better, RESAMPLES, BLOCK, True, LEVEL, rng)
                others = [column for column in planted.survivors if column != 0]
                rows[True][-1] += [bool(others), 0 in planted.survivors]
            for studentize, found in rows.items():
                name = "studentized" if studentize else "plain"
                cells = "".join(f"{share(column):<19}" for column in np.array(found).T)
                print(f"{n:>8,}{rho:>5.1f}  {name:<14}{cells}", flush=True)


def differences(histories):
    print(
        f"\nTwo strategies of equal Sharpe ratio, AR 0.3, t({TAILS}) tails, {RESAMPLES} resamples, "
        "block 5; percent that differ at 5 %"
    )
    print(f"{'sessions':>8}{'corr.':>7}{'':>3}" + "".join(f"{name:<24}" for name in METHODS))
    for n, many in ((252, histories), (2000, histories // 2)):
        for common in (0.5, 0.9, 0.99):
            rng = np.random.default_rng(n)
            found = []
            for _ in range(many):
                a, b = returns(n, 2, common, 0.3, rng).T + 0.05
                found.append(
                    [
                        sharpe_difference(a, b, method, 5, RESAMPLES, rng).p_value <= LEVEL
                        for method in METHODS
                    ]
                )
            cells = "".join(f"{share(column):<24}" for column in np.array(found).T)
            print(f"{n:>8,}{common:>7.2f}{'':>3}{cells}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=1000)
    given, _ = parser.parse_known_args()
    begun = time.perf_counter()
    snooping(given.histories)
    differences(2 * given.histories)
    print(f"\n{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
