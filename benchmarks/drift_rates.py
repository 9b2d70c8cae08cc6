"""How often scans are wrong and what they see, on simulated histories, beside others' rules.

    python -m benchmarks.drift_rates --histories 2000

A column is Gaussian with variance 1 and autocorrelation 0, 0.5 or 0.9: 1,250 sessions of reference,
then the windows. One calibration a history; what is planted is planted in the same windows, so
false alarms and power are of the same histories. Ours is the p-value at 5 %, of one column and one
window at a time; the default policy, many columns at once, stands in the table of delays.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy.signal import lfilter
from scipy.stats import norm
from scipy.stats import t as student

from benchmarks.drift_peers import RULES, Peers, prepare
from benchmarks.mechanisms import wilson
from shadowbook.core.drift.calibration import Calibration, Sample, calibrate, rolled
from shadowbook.core.drift.grid import counts_of
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.scan import scan_path

PROCESSES = (0.0, 0.5, 0.9)
TARGETS = {0.0: 0.07, 0.5: 0.09, 0.9: 0.10}
REFERENCE, WINDOWS = 1250, (60, 250)
NAMES, COMMON = 20, 0.5
"""Names of a panel, and the share of their variance that is common."""
LEVEL = 0.05
BURN_IN = 200
WARM = 126
"""Sessions of the rolling correlation."""
DELAYED = 252
"""Sessions that are waited for an alarm."""

Plant = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def fat_tails(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give the values Student's t with 3 degrees of freedom, their variance and ranks kept."""
    return student.ppf(norm.cdf(values), 3.0) / np.sqrt(3.0)


def missing(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lose one in twenty."""
    return np.where(rng.random(values.shape) < 0.05, np.nan, values)


PLANTS: dict[str, Plant] = {
    "nothing": lambda values, rng: values,
    "mean + 0.5": lambda values, rng: values + 0.5,
    "mean + 1": lambda values, rng: values + 1.0,
    "variance x 1.5": lambda values, rng: values * np.sqrt(1.5),
    "variance x 2": lambda values, rng: values * np.sqrt(2.0),
    "tails (t3)": fat_tails,
    "5 % missing": missing,
}


def drawn(phi: float, length: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw (length, n) with variance 1; several names share `COMMON` of it."""
    shocks = rng.normal(size=(BURN_IN + length, n))
    if n > 1:
        market = rng.normal(size=(BURN_IN + length, 1))
        shocks = np.sqrt(COMMON) * market + np.sqrt(1.0 - COMMON) * shocks
    return lfilter([np.sqrt(1.0 - phi * phi)], [1.0, -phi], shocks, axis=0)[BURN_IN:]


def days(n: int) -> np.ndarray:
    return np.datetime64("2000-01-03", "D") + np.arange(n)


def calibrated(columns: dict[str, np.ndarray], rng, policy=None) -> Calibration:
    policy = policy or DriftPolicy(windows=WINDOWS)
    samples = [Sample(name, "feature", values) for name, values in columns.items()]
    return calibrate(samples, days(len(samples[0].values)), policy, rng)


def ours(calibration: Calibration, k: int, current: np.ndarray) -> bool:
    """Judge one window at 5 %: both distances together, or the missing share."""
    column = calibration.columns[k]
    counts = counts_of(column.grid, current)
    found = rolled(column, counts, len(current), calibration)
    return bool(np.fmin(found.p_value[-1], found.p_missing[-1]) <= LEVEL)


def history(phi: float, n: int, seed: list[int], plants: list[str]) -> np.ndarray:
    """Judge one history: (plants, windows, rules), ours first."""
    rng = np.random.default_rng(seed)
    values = drawn(phi, REFERENCE + WINDOWS[-1], n, rng)
    reference, after = values[:REFERENCE], values[REFERENCE:]
    calibration, peers = calibrated({"x": reference}, rng), Peers(reference, WINDOWS)
    found = np.empty((len(plants), len(WINDOWS), 1 + len(RULES)), dtype=bool)
    for row, name in enumerate(plants):
        changed = PLANTS[name](after, rng)
        for column, window in enumerate(WINDOWS):
            current = changed[:window]
            found[row, column] = [ours(calibration, 0, current), *peers.alarms(current)]
    return found


def told(hits: float, n: int) -> str:
    low, high = wilson(int(hits), n)
    return f"{hits / n:.1%} ({max(low, 0.0):.1%} to {high:.1%})"


def header(*titles: str) -> None:
    print(f"\n| {' | '.join(titles)} |\n|{' --- |' * len(titles)}", flush=True)


def windows_tables(n: int, first: int, names: int) -> None:
    """Print false alarms, then power, of one column of one or many names."""
    began = time.perf_counter()
    plants = list(PLANTS)
    found = {
        phi: np.array([history(phi, names, [names, k, first + h], plants) for h in range(n)])
        for k, phi in enumerate(PROCESSES)
    }
    what = "one series" if names == 1 else f"panel of {names} names"
    print(f"\n### {what}, {n} histories without drift: alarms at a nominal 5 %")
    header("autocorrelation", "window", "Shadowbook", "target", *RULES)
    for phi, alarms in found.items():
        for w, window in enumerate(WINDOWS):
            cells = [told(hits, n) for hits in alarms[:, 0, w].sum(axis=0)]
            target = f"{TARGETS[phi]:.0%}"
            print(f"| {phi} | {window} | {cells[0]} | {target} | {' | '.join(cells[1:])} |")
    print(f"\n### {what}, the same histories with something planted: alarms at windows {WINDOWS}")
    header("planted", "autocorrelation", "Shadowbook", *RULES)
    for p, plant in enumerate(plants[1:], 1):
        for phi, alarms in found.items():
            shares = alarms[:, p].mean(axis=0).T
            cells = " | ".join(" / ".join(f"{share:.0%}" for share in both) for both in shares)
            print(f"| {plant} | {phi} | {cells} |")
    print(f"\n{time.perf_counter() - began:.0f} s", flush=True)


def missing_table(n: int, first: int) -> None:
    """Print false alarms of missing shares where the reference has holes of its own, in runs."""
    began = time.perf_counter()
    print(f"\n### 5 % missing before and after, in runs, {n} histories: alarms at a nominal 5 %")
    header("autocorrelation of what loses them", "window", "missing share", "distances")
    for k, phi in enumerate(PROCESSES):
        found = np.empty((n, len(WINDOWS), 2), dtype=bool)
        for h in range(n):
            rng = np.random.default_rng([55, k, first + h])
            length = REFERENCE + WINDOWS[-1]
            values, hidden = drawn(phi, length, NAMES, rng), drawn(phi, length, NAMES, rng)
            values = np.where(hidden < norm.ppf(0.05), np.nan, values)
            calibration = calibrated({"x": values[:REFERENCE]}, rng)
            column = calibration.columns[0]
            counts = counts_of(column.grid, values[REFERENCE:])
            for w, window in enumerate(WINDOWS):
                one = rolled(column, counts[:window], window, calibration)
                found[h, w] = one.p_missing[-1] <= LEVEL, one.p_value[-1] <= LEVEL
        for w, window in enumerate(WINDOWS):
            cells = [told(hits, n) for hits in found[:, w].sum(axis=0)]
            print(f"| {phi} | {window} | {' | '.join(cells)} |")
    print(f"\n{time.perf_counter() - began:.0f} s", flush=True)


def correlated(phi: float, before: float, after: float, rng: np.random.Generator) -> np.ndarray:
    """Draw two columns whose correlation changes after the reference; each alone does not."""
    length = WARM + REFERENCE + WINDOWS[-1]
    one, other = (drawn(phi, length, 1, rng)[:, 0] for _ in range(2))
    rho = np.where(np.arange(length) < WARM + REFERENCE, before, after)
    return np.column_stack([one, rho * one + np.sqrt(1.0 - rho * rho) * other])


def rolling_correlation(pair: np.ndarray) -> np.ndarray:
    """Correlate over the last `WARM` sessions; the first `WARM` are cut off."""
    x, y = pair.T
    parts = np.column_stack([x, y, x * y, x * x, y * y])
    sums = np.cumsum(np.vstack([np.zeros(5), parts]), axis=0)
    mx, my, mxy, mxx, myy = ((sums[WARM:] - sums[:-WARM]) / WARM)[1:].T
    return (mxy - mx * my) / np.sqrt((mxx - mx * mx) * (myy - my * my))


def correlation_table(n: int, first: int) -> None:
    """Print what a change of correlation alone does; the columns by themselves do not change."""
    began = time.perf_counter()
    print(f"\n### correlation of two columns 0.2 to 0.8, {n} histories: alarms of Shadowbook")
    header("autocorrelation", "window", "planted", "first", "second", f"correlation over {WARM}")
    cases = {"nothing": 0.2, "0.8": 0.8}
    for k, phi in enumerate(PROCESSES):
        found = np.empty((n, len(cases), 3, len(WINDOWS)), dtype=bool)
        for h in range(n):
            # The same draws twice: the references are equal and calibrated once.
            pairs = [
                correlated(phi, 0.2, after, np.random.default_rng([77, k, first + h]))
                for after in cases.values()
            ]
            columns = [[*pair[WARM:].T, rolling_correlation(pair)] for pair in pairs]
            before = {str(c): one[:REFERENCE, None] for c, one in enumerate(columns[0])}
            calibration = calibrated(before, np.random.default_rng([78, k, first + h]))
            for case, those in enumerate(columns):
                for c, one in enumerate(those):
                    for w, window in enumerate(WINDOWS):
                        current = one[REFERENCE : REFERENCE + window, None]
                        found[h, case, c, w] = ours(calibration, c, current)
        for w, window in enumerate(WINDOWS):
            for case, name in enumerate(cases):
                cells = [told(hits, n) for hits in found[:, case, :, w].sum(axis=0)]
                print(f"| {phi} | {window} | {name} | {' | '.join(cells)} |")
    print(f"\n{time.perf_counter() - began:.0f} s", flush=True)


def delays_table(n: int, first: int) -> None:
    """Print how soon the default policy's daily scan calls the column that changed."""
    began = time.perf_counter()
    policy = DriftPolicy()
    print(f"\n### default policy: sessions until a changed column is called, {n} histories")
    header(
        "columns", "autocorrelation", "planted", "called drifted the day before", "seen within 21",
        "within 63", f"within {DELAYED}", "median delay",
    )  # fmt: skip
    for n_columns in (1, 20):
        for k, phi in enumerate(PROCESSES):
            plants = ("nothing", "mean + 0.5", "mean + 1", "variance x 1.5", "variance x 2")
            late = {plant: [] for plant in plants}
            before = 0
            for h in range(n):
                rng = np.random.default_rng([99, n_columns, k, first + h])
                found, already = delays(phi, n_columns, plants, policy, rng)
                before += already
                if not already:
                    for plant, delay in found.items():
                        late[plant].append(delay)
            for plant, those in late.items():
                delay = np.array(those)
                seen = [told((delay <= most).sum(), len(delay)) for most in (21, 63, DELAYED)]
                median = np.median(delay)
                middle = f"{median:.0f}" if np.isfinite(median) else f"over {DELAYED}"
                cells = (n_columns, phi, plant, told(before, n), *seen, middle)
                print(f"| {' | '.join(map(str, cells))} |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s", flush=True)


def delays(phi, n_columns, plants, policy, rng) -> tuple[dict[str, float], bool]:
    """Give sessions until the column is called by plant, and whether it was before."""
    longest, start = policy.windows[-1], policy.reference_sessions
    length = start + longest + DELAYED
    columns = {f"x{c}": drawn(phi, length, NAMES, rng) for c in range(n_columns)}
    before = {name: values[:start] for name, values in columns.items()}
    calibration = calibrated(before, rng, policy)
    live = {name: values[start:] for name, values in columns.items()}
    found, already = {}, False
    for plant in plants:
        changed = {**live, "x0": live["x0"].copy()}
        changed["x0"][longest:] = PLANTS[plant](live["x0"][longest:], rng)
        samples = [Sample(name, "feature", values) for name, values in changed.items()]
        path = scan_path(calibration, samples, days(len(live["x0"])), longest - 1)
        already = bool(path.drifted[0, 0])
        hits = np.flatnonzero(path.drifted[1:, 0])
        found[plant] = float(hits[0] + 1) if len(hits) else np.inf
    return found, already


SECTIONS: dict[str, Callable[[int, int], None]] = {
    "one": lambda n, first: windows_tables(n, first, 1),
    "panel": lambda n, first: windows_tables(max(n // 4, 20), first, NAMES),
    "missing": lambda n, first: missing_table(max(n // 4, 20), first),
    "correlation": lambda n, first: correlation_table(max(n // 4, 20), first),
    "delays": lambda n, first: delays_table(max(n // 20, 10), first),
}
"""Tables; all but the first on fewer histories, since they take longer."""


def main(histories: int = 200, first_seed: int = 0, only: str = "") -> None:
    """Print every table, or one."""
    prepare()
    print(f"\n## Scans for drift at a nominal {LEVEL:.0%}, seeds from {first_seed} up")
    for name, table in SECTIONS.items():
        if only in ("", name):
            table(histories, first_seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", default="", choices=["", *SECTIONS])
    given = parser.parse_args()
    main(given.histories, given.first_seed, given.only)
