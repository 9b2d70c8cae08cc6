"""Changes that no distribution shows: what features do to predictions, and how right these are.

    python -m benchmarks.drift_concept --histories 1000

Importance: contributions of a linear model with six features, 1,260 sessions against 63, then
boosted trees with an interaction, where only the dependence of two features changes. Errors:
information coefficients of a book of twenty names (mean 0.05, deviation 0.2 a session), ten years
of backtest and ten of live; detectors at the papers' settings and calibrated to one false alarm in
ten years.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import math
import time

import numpy as np
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks.drift_rates import LEVEL, PROCESSES, calibrated, days, drawn, header, ours, told
from shadowbook.core.drift.attributions import attribution_shift
from shadowbook.core.drift.concept import stream_readings
from shadowbook.core.drift.detectors import PAPER, detect
from shadowbook.core.drift.explanations import attribute
from shadowbook.core.drift.policy import AttributionShiftPolicy, DriftPolicy, StreamPolicy
from shadowbook.core.drift.stream_settings import stream_settings
from shadowbook.core.drift.streams import errors
from shadowbook.core.drift.summaries import summary_of

REFERENCE, WINDOW = 1260, 63
STRENGTHS = (0.0, 0.5, 0.9)
"""How much one feature depends on the size of another after the change."""
FEATURES, NAMES, TREE_NAMES = 6, 20, 5
DECADE = 2520
CHANGED_AT = 252
"""Live sessions before the edge turns around."""
EDGE, DEVIATION = 0.05, 0.2
WITHIN = (252, 756)


def shift_of(values: np.ndarray, names: list[str], rng: np.random.Generator):
    """Compare contributions (T, N, K), reference first."""
    sides = []
    for part in (values[:REFERENCE], values[REFERENCE:]):
        rows = np.repeat(np.arange(len(part)), part.shape[1])
        sides.append(summary_of(part.reshape(-1, part.shape[2]), rows))
    policy = DriftPolicy()
    return attribution_shift(
        *sides, names, AttributionShiftPolicy(), policy.false_discovery_rate, rng
    )


def linear_table(n: int, first: int) -> None:
    """Print false alarms and power where the first feature's contributions grow."""
    began = time.perf_counter()
    print(f"\n### importance, linear model, {n} histories: the first feature's deviation grows")
    header(
        "autocorrelation",
        "planted",
        f"p at most {LEVEL:.0%}, first feature",
        "called at the policy's rate",
        "any other called",
    )
    names = [f"f{k}" for k in range(FEATURES)]
    for k, phi in enumerate(PROCESSES):
        for growth in (1.0, 1.25, 1.5):
            rows = []
            for h in range(n):
                rng = np.random.default_rng([31, k, first + h])
                length = REFERENCE + WINDOW
                columns = [drawn(phi, length, NAMES, rng) for _ in range(FEATURES)]
                values = np.stack(columns, axis=2)
                values[REFERENCE:, :, 0] *= growth
                found = {row.feature: row for row in shift_of(values, names, rng).rows}
                others = any(found[name].shifted for name in names[1:])
                rows.append([found["f0"].p_value <= LEVEL, found["f0"].shifted, others])
            cells = [told(hits, n) for hits in np.sum(rows, axis=0)]
            title = "nothing" if growth == 1.0 else f"x {growth}"
            print(f"| {phi} | {title} | {' | '.join(cells)} |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s", flush=True)


def interacting(phi: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw a reference of three features, and windows for each of `STRENGTHS`.

    From the window on the third is large where the second is, of either sign. Each feature alone
    keeps its distribution: the size of a normal variable is made normal.
    """
    length = REFERENCE + WINDOW
    one, two, three = (drawn(phi, length, TREE_NAMES, rng) for _ in range(3))
    size = norm.ppf(np.clip(2.0 * norm.cdf(np.abs(two)) - 1.0, 1e-12, 1.0 - 1e-12))
    found = [np.stack([one, two, three], axis=2)[:REFERENCE]]
    for strength in STRENGTHS:
        steered = strength * size + math.sqrt(1.0 - strength**2) * three
        found.append(np.stack([one, two, steered], axis=2)[REFERENCE:])
    return found


def trees_table(n: int, first: int) -> None:
    """Print what attributions and the scan see where only the dependence of features changes."""
    began = time.perf_counter()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 3))
    y = x[:, 0] + 2.0 * x[:, 1] * (x[:, 2] > 1.0) + rng.normal(size=len(x))
    model = HistGradientBoostingRegressor(max_iter=50, max_leaf_nodes=8, random_state=0).fit(x, y)
    names = ["alone", "steered", "steering"]
    print(f"\n### importance, boosted trees with an interaction, {n} histories")
    header(
        "autocorrelation",
        "dependence of `steering` on the size of `steered`",
        *(f"importance of `{name}` called" for name in names),
        "scan calls `steered` or `steering` (5 % each)",
    )
    for k, phi in enumerate(PROCESSES):
        rows = np.empty((n, len(STRENGTHS), 4), dtype=bool)
        for h in range(n):
            rng = np.random.default_rng([32, k, first + h])
            reference, *windows = interacting(phi, rng)
            shares = [
                attribute(model, part.reshape(-1, 3), names).values.reshape(part.shape)
                for part in (reference, *windows)
            ]
            columns = {name: reference[..., c] for c, name in enumerate(names)}
            calibration = calibrated(columns, rng, DriftPolicy())
            for s, window in enumerate(windows):
                both = np.concatenate([shares[0], shares[1 + s]])
                found = {row.feature: row.shifted for row in shift_of(both, names, rng).rows}
                seen = [ours(calibration, c, window[..., c]) for c in (1, 2)]
                rows[h, s] = [*(found[name] for name in names), any(seen)]
        for strength, hits in zip(STRENGTHS, rows.sum(axis=0), strict=True):
            print(f"| {phi} | {strength} | {' | '.join(told(one, n) for one in hits)} |")
    print(f"\n{time.perf_counter() - began:.0f} s", flush=True)


def skill(edge: np.ndarray, horizon: int, rng: np.random.Generator) -> np.ndarray:
    """Draw information coefficients whose labels overlap."""
    steps = rng.normal(size=len(edge) + horizon - 1)
    overlapped = np.convolve(steps, np.ones(horizon), "valid") / math.sqrt(horizon)
    return np.clip(edge + DEVIATION * overlapped, -1.0, 1.0)


Said = tuple[float, float, bool]
"""False alarms in a decade, sessions until the change is seen, not computable."""


def book(horizon: int, rng: np.random.Generator) -> dict[tuple[str, str], Said]:
    """Run every detector over a book that stays as it was and one that turns around."""
    turned = np.where(np.arange(DECADE) < CHANGED_AT, EDGE, -EDGE)
    backtest, calm, changed = (
        skill(edge, horizon, rng) for edge in (np.full(DECADE, EDGE), np.full(DECADE, EDGE), turned)
    )
    settings = stream_settings(backtest, horizon, StreamPolicy(), rng)
    found: dict[tuple[str, str], Said] = {}
    both = [stream_readings(days(DECADE), one, settings) for one in (calm, changed)]
    for false, true in zip(*both, strict=True):
        at = np.searchsorted(days(DECADE), true.matured[list(true.alarms)])
        said = (len(false.alarms), delay_of(at), false.status != "OK")
        found[false.detector, false.setting] = said
    false, true = (
        detect("DDM", errors("direction_error", one), PAPER["DDM"]).alarms
        for one in (calm, changed)
    )
    overlapping = ("DDM", "paper, every session's overlapping label")
    found[overlapping] = (len(false), delay_of(np.array(true, dtype=int) + horizon), False)
    return found


def delay_of(alarms: np.ndarray) -> float:
    """Give sessions from the change to the first alarm whose label lies behind it in part."""
    late = alarms[alarms > CHANGED_AT] - CHANGED_AT
    return float(late[0]) if len(late) else math.inf


def streams_table(n: int, first: int) -> None:
    """Print false alarms a decade, power and delay of every detector."""
    began = time.perf_counter()
    print(f"\n### errors, {n} books: IC {EDGE}, and the same until it turns to {-EDGE}")
    header(
        "horizon",
        "detector",
        "setting",
        "false alarms a decade",
        "decades with one",
        *(f"seen within {most}" for most in WITHIN),
        "median delay, sessions",
        "not computable",
    )
    for horizon in (5, 21):
        books = [book(horizon, np.random.default_rng([33, horizon, first + h])) for h in range(n)]
        for detector, setting in books[0]:
            said = np.array([one[detector, setting] for one in books], dtype=float)
            count, delay, _ = said[said[:, 2] == 0.0].T
            total = len(count)
            middle = float(np.median(delay)) if total else math.nan
            cells = (
                horizon,
                detector,
                setting,
                f"{count.mean():.2f}",
                told((count > 0).sum(), total),
                *(told((delay <= most).sum(), total) for most in WITHIN),
                f"{middle:.0f}" if math.isfinite(middle) else "never",
                n - total,
            )
            print(f"| {' | '.join(map(str, cells))} |", flush=True)
    print(f"\n{time.perf_counter() - began:.0f} s", flush=True)


SECTIONS = {
    "linear": linear_table,
    "trees": lambda n, first: trees_table(max(n // 20, 10), first),
    "streams": lambda n, first: streams_table(max(n // 10, 10), first),
}
"""Tables; all but the first on fewer histories, since they take longer."""


def main(histories: int = 100, first_seed: int = 0, only: str = "") -> None:
    """Print every table, or one."""
    print(f"\n## Changes that no distribution shows, seeds from {first_seed} up")
    for name, table in SECTIONS.items():
        if only in ("", name):
            table(histories, first_seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", default="", choices=["", *SECTIONS])
    given = parser.parse_args()
    main(given.histories, given.first_seed, given.only)
