"""A replay without refits: seconds and memory beside a vectorized backtest of the same scores.

The peer is our own walk-forward evaluation (``run_book``), a backtest in a few array operations that
keeps no orders, no fills, no ledger: what a replay costs beyond it is what it costs to be audited.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

TARGETS = {(2000, 2, 3, 20): (40.0, 600), (500, 1, 3, 500): (60.0, None)}
"""(sessions, strategies, books, symbols) -> seconds and MB at most."""

CASES = [
    (250, 2, 3, 20),
    (500, 2, 3, 20),
    (1000, 2, 3, 20),
    (2000, 2, 3, 20),
    (500, 2, 1, 20),
    (500, 2, 6, 20),
    (500, 1, 3, 500),
]
N_FEATURES = 25


def case(n_sessions: int, n_strategies: int, n_books: int, n_symbols: int) -> None:
    """Run one case in this process and print what it took."""
    import numpy as np
    import pandas as pd

    from shadowbook.core.learning.estimators import FixedOrderRidge
    from shadowbook.core.learning.portfolio import run_book, target_weights
    from shadowbook.core.values import Panel
    from shadowbook.settings import parse_settings
    from shadowbook.steps.history import History, LoggedFeatures, Moment
    from shadowbook.steps.rating import Scorer
    from shadowbook.steps.replay import Replay
    from shadowbook.steps.replay_models import Versions
    from shadowbook.workspace import Workspace

    class Fixed(Versions):
        """As many versions as there are books, all of them from the first session on."""

        first_champion = 1

        def there(self, at):
            return range(1, n_books + 1)

        def _made(self, version):
            model = FixedOrderRidge(alpha=1.0)
            model.coef_ = np.random.default_rng(version).normal(size=N_FEATURES)
            model.intercept_, model.n_features_in_ = 0.0, N_FEATURES
            about = {"candidate": "ridge", "as_of": "-", "prediction_digest": str(version)}
            return Scorer(model, names, 0.5), about

    rng = np.random.default_rng(7)
    names = tuple(f"f{k:02}" for k in range(N_FEATURES))
    before = 253
    total = before + n_sessions
    prices = np.round(50 * np.exp(np.cumsum(rng.normal(0, 0.015, (total, n_symbols)), 0)), 2)
    first = date(2000, 1, 3)
    days = np.array([first + timedelta(days=i) for i in range(total + 1)], dtype="datetime64[D]")
    decided = days[:-1].astype("datetime64[us]") + np.timedelta64(21 * 60 + 15, "m")
    symbols = tuple(f"S{i:03}" for i in range(n_symbols))
    panel = Panel(
        days[:-1], symbols, {"close": prices, "volume": np.full(prices.shape, 1e7)}, {}, decided
    )
    moments = []
    for row in range(before, total):
        at = decided[row].astype(datetime).replace(tzinfo=UTC)
        hours = (at - timedelta(hours=7), at - timedelta(minutes=15))
        day, following = (d.astype(date) for d in days[row : row + 2])
        moments.append(Moment(day, at, following, hours, panel, row))
    rows = pd.DataFrame(rng.normal(size=(n_sessions * n_symbols, N_FEATURES)), columns=list(names))
    rows.insert(0, "session", np.repeat(days[before:total].astype("datetime64[us]"), n_symbols))
    rows.insert(0, "symbol", np.tile(np.array(symbols, dtype=object), n_sessions))
    strategies = "".join(f"  s{i}: {{horizon: 5, features: []}}\n" for i in range(n_strategies))
    text = (
        "seed: 1\nlearning: {candidates: {m: {kind: ridge}}}\n"
        f"books: {{max_shadows: {n_books - 1}}}\nreplay: {{operator: {{promote: never}}}}\n"
        f"strategies:\n{strategies}"
    )
    with tempfile.TemporaryDirectory(prefix="shadowbook-bench-") as folder:
        workspace = Workspace(Path(folder), parse_settings(text))
        workspace.__dict__["feature_log"] = type("Log", (), {"columns": lambda _self: names})()
        history = History(None, moments, LoggedFeatures(names, rows, moments))
        books = workspace.replayed("benchmark-00")
        versions = {name: Fixed(workspace, history, name) for name in workspace.settings.strategies}
        began = time.perf_counter()
        Replay(workspace, history, books, versions).run()
        seconds = time.perf_counter() - began
        began = time.perf_counter()
        assert books.ledger.verify() is None
        verified = time.perf_counter() - began
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 1e6
    began = time.perf_counter()
    scores = rows[list(names)].to_numpy() @ rng.normal(size=N_FEATURES)
    for _ in range(n_strategies * n_books):
        targets = target_weights(scores.reshape(n_sessions, n_symbols), 0.2, 5)
        run_book(targets, prices[before:], 5, 1, 5.0)
    peer = time.perf_counter() - began
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    per_day = seconds / (n_sessions * n_strategies * n_books) * 1e3
    limit = TARGETS.get((n_sessions, n_strategies, n_books, n_symbols))
    goal = f"at most {limit[0]:.0f} s" + (f", {limit[1]} MB" if limit[1] else "") if limit else ""
    print(
        f"{n_sessions:8} {n_strategies:10} {n_books:6} {n_symbols:8} {seconds:9.1f} {per_day:12.2f} "
        f"{verified:8.1f} {megabytes:7.0f} {size:8.0f} {seconds / peer:8.0f}x  {goal}",
        flush=True,
    )


def main() -> None:
    """Run every case in a process of its own, so that memory is each one's."""
    print("Replay without refits: sessions x strategies x books x symbols")
    print(
        f"{'sessions':>8} {'strategies':>10} {'books':>6} {'symbols':>8} {'seconds':>9} "
        f"{'ms/book-day':>12} {'verify s':>8} {'peak MB':>7} {'disk MB':>8} {'backtest':>9}  target"
    )
    for sizes in CASES:
        words = [sys.executable, "-m", "benchmarks.replay", *map(str, sizes)]
        subprocess.run(words, check=True)


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("sizes", type=int, nargs="*")
    given = asked.parse_args().sizes
    case(*given) if given else main()
