"""A replay without refits: seconds and memory beside a vectorized backtest of the same scores.

The peer is our own walk-forward evaluation (``run_book``), a backtest in a few array operations
that keeps no orders, no fills, no ledger: what a replay costs beyond it is the price of an audit.
Cost grows linearly with sessions and books where ``ms/book-day`` stays the same.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from shadowbook.core.drift.calibration import Calibration, Sample, calibrate
from shadowbook.core.drift.found import Kind
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.learning.dataset import Dataset
from shadowbook.core.learning.estimators import FixedOrderRidge
from shadowbook.core.learning.portfolio import run_book, target_weights
from shadowbook.core.track import Backtest
from shadowbook.core.values import Panel
from shadowbook.settings import parse_settings
from shadowbook.steps.drift_samples import LABEL, PREDICTION
from shadowbook.steps.history import History, LoggedFeatures, Moment
from shadowbook.steps.past import Past, logged_of
from shadowbook.steps.rating import Scorer
from shadowbook.steps.replay import Replay
from shadowbook.steps.replay_models import About, Versions
from shadowbook.workspace import Workspace

TARGETS = {(2000, 2, 3, 20): "at most 40 s, 600 MB", (500, 1, 3, 500): "at most 60 s"}
"""(sessions, strategies, books, symbols) -> what the replay may take."""

CASES = [
    (250, 2, 3, 20),
    (500, 2, 3, 20),
    (1000, 2, 3, 20),
    (2000, 2, 3, 20),
    (500, 2, 1, 20),
    (500, 2, 6, 20),
    (500, 1, 3, 500),
]
NAMES = tuple(f"f{k:02}" for k in range(25))
LONG_BEFORE = "1990-01-02T21:15:00+00:00"
BEFORE = 253
"""Sessions of prices before the first replayed one."""


class Fixed(Versions):
    """As many versions as there are books, all of them from the first session on."""

    first_champion = 1

    def there(self, at: int) -> Sequence[int]:
        """List them."""
        return range(1, self._workspace.settings.books.max_shadows + 2)

    def backtest(self, version: int) -> Backtest:
        """Return one of a healthy strategy, so that alerts are judged as they are live."""
        return healthy(version)

    def profile(self, version: int) -> None:
        """Return none: the page of a replay is no part of the benchmark."""

    def calibration(self, version: int) -> Calibration:
        """Return a reference like what is replayed."""
        rng, n_symbols = np.random.default_rng(version), len(self._history.past.whole.symbols)
        policy = DriftPolicy()
        shape = (policy.reference_sessions, n_symbols)
        kinds: dict[str, Kind] = dict.fromkeys(self.features, "feature")
        kinds |= {PREDICTION: "prediction", LABEL: "label"}
        samples = [Sample(name, kind, rng.normal(size=shape)) for name, kind in kinds.items()]
        days = np.datetime64("1990-01-01", "D") + np.arange(policy.reference_sessions)
        return calibrate(samples, days, policy, rng)

    def recipes(self, version: int) -> Mapping[str, str]:
        """Return the one recipe that all are of."""
        return {"ridge": "one recipe"}

    def fitted_on(self, version: int) -> Dataset:
        """Return too little to refit: the fits of a replay are no part of the benchmark."""
        empty = np.empty((0, 1))
        days = np.array([], dtype="datetime64[D]")
        return Dataset(days, ("A",), NAMES, np.empty((0, 1, len(NAMES))), empty, empty, 0)

    def until(self, version: int) -> Sequence[int]:
        """List them up to one."""
        return range(1, version + 1)

    def _again(self, version: int) -> Scorer:
        return self._made(version)[0]

    def _made(self, version: int) -> tuple[Scorer, About]:
        model = FixedOrderRidge(alpha=1.0)
        model.coef_ = np.random.default_rng(version).normal(size=len(NAMES))
        model.intercept_, model.n_features_in_ = 0.0, len(NAMES)
        about = {"candidate": "ridge", "as_of": LONG_BEFORE, "prediction_digest": str(version)}
        return Scorer(model, NAMES, 0.5), about


def healthy(seed: int) -> Backtest:
    """Make eight years of a strategy whose Sharpe ratio is 1.5 a year."""
    rng, n_sessions = np.random.default_rng(seed), 2_000
    returns = 0.01 * (1.5 / 252**0.5 + rng.normal(size=n_sessions))
    skill = 0.05 + 0.2 * rng.normal(size=n_sessions)
    days = np.datetime64("1990-01-01", "D") + np.arange(n_sessions)
    turnover = np.full(n_sessions, 0.2)
    return Backtest(days, returns, returns, returns, turnover, skill, skill, {"one": returns})


class Logged(Workspace):
    """A workspace whose feature log need not be read."""

    class feature_log:  # noqa: N801 - stands for the property
        """Names alone."""

        @staticmethod
        def columns() -> tuple[str, ...]:
            """Return the features."""
            return NAMES


def market(n_sessions: int, n_symbols: int) -> Panel:
    """Make random walks with volume."""
    rng, total = np.random.default_rng(7), BEFORE + n_sessions
    steps = rng.normal(0.0, 0.015, (total, n_symbols))
    prices = np.round(50.0 * np.exp(np.cumsum(steps, axis=0)), 2)
    days = np.datetime64("2000-01-03", "D") + np.arange(total)
    return Panel(
        sessions=days,
        symbols=tuple(f"S{i:03}" for i in range(n_symbols)),
        fields={"close": prices, "volume": np.full(prices.shape, 1e7)},
        references={},
        decided_at=days.astype("datetime64[us]") + np.timedelta64(21 * 60 + 15, "m"),
    )


def history(panel: Panel) -> History:
    """Make moments and random features of a panel's sessions."""
    moments = []
    for row in range(BEFORE, len(panel.sessions)):
        at = panel.decided_at[row].astype(datetime).replace(tzinfo=UTC)
        day: date = panel.sessions[row].astype(date)
        hours = (at - timedelta(hours=7), at - timedelta(minutes=15))
        moments.append(Moment(day, at, day + timedelta(days=1), hours, panel, row))
    n_symbols, days = len(panel.symbols), panel.sessions[BEFORE:].astype("datetime64[us]")
    values = np.random.default_rng(8).normal(size=(len(days) * n_symbols, len(NAMES)))
    rows = pd.DataFrame(values, columns=list(NAMES))
    rows.insert(0, "session", np.repeat(days, n_symbols))
    rows.insert(0, "symbol", np.tile(np.array(panel.symbols, dtype=object), len(days)))
    past = Past(panel, panel, logged_of(rows, NAMES, panel))
    features = LoggedFeatures(NAMES, rows, moments)
    return History(None, moments, features, past)  # type: ignore[arg-type]


def backtest(past: History, panel: Panel, n_books: int) -> float:
    """Seconds of the peer."""
    began = time.perf_counter()
    weights = np.random.default_rng(9).normal(size=len(NAMES))
    scores = (past.features.values @ weights).reshape(-1, len(panel.symbols))
    for _ in range(n_books):
        run_book(target_weights(scores, 0.2, 5), panel.prices[BEFORE:], 5, 1, 5.0)
    return time.perf_counter() - began


def case(n_sessions: int, n_strategies: int, n_books: int, n_symbols: int) -> None:
    """Run one case in this process and print what it took."""
    strategies = "".join(f"  s{i}: {{horizon: 5}}\n" for i in range(n_strategies))
    text = (
        "seed: 1\nlearning: {candidates: {m: {kind: ridge}}}\n"
        f"books: {{max_shadows: {n_books - 1}}}\nreplay: {{operator: {{promote: never}}}}\n"
        f"strategies:\n{strategies}"
    )
    panel = market(n_sessions, n_symbols)
    past = history(panel)
    with tempfile.TemporaryDirectory(prefix="shadowbook-bench-") as folder:
        workspace = Logged(Path(folder), parse_settings(text))
        books = workspace.replayed("benchmark-00")
        versions = {name: Fixed(workspace, past, name) for name in workspace.settings.strategies}
        began = time.perf_counter()
        Replay(workspace, past, books, versions).run()
        seconds = time.perf_counter() - began
        assert books.ledger.verify() is None
        verified = time.perf_counter() - began - seconds
        files = [file for file in Path(folder).rglob("*") if file.is_file()]
        disk = sum(file.stat().st_size for file in files) / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratio = seconds / backtest(past, panel, n_strategies * n_books)
    per_day = seconds / (n_sessions * n_strategies * n_books) * 1e3
    sizes = (n_sessions, n_strategies, n_books, n_symbols)
    print(
        f"{n_sessions:8} {n_strategies:10} {n_books:6} {n_symbols:8} {seconds:9.1f} "
        f"{per_day:12.2f} {verified:8.1f} {peak:7.0f} {disk:8.0f} {ratio:8.0f}x  "
        f"{TARGETS.get(sizes, '')}",
        flush=True,
    )


def main() -> None:
    """Run every case in a process of its own, so that memory is each one's."""
    print("Replay without refits: sessions x strategies x books x symbols")
    print(
        f"{'sessions':>8} {'strategies':>10} {'books':>6} {'symbols':>8} {'seconds':>9} "
        f"{'ms/book-day':>12} {'verify s':>8} {'peak MB':>7} {'disk MB':>8} {'backtest':>9}  "
        "target",
        flush=True,
    )
    for sizes in CASES:
        words = [sys.executable, "-m", "benchmarks.replay", *map(str, sizes)]
        subprocess.run(words, check=True)


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("sizes", type=int, nargs="*")
    given = asked.parse_args().sizes
    case(*given) if given else main()
