"""The daily monitor of 100 books: seconds, after a year of trading days was recorded.

The books are those of the replay's benchmark: 50 strategies with a champion and a shadow book
each, 20 symbols. What is timed is all that `shadowbook monitor` does but opening the registry and
the prices: reading the ledger, measuring every book, and writing the page.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.replay import BEFORE, Fixed, Logged, healthy, history, market
from shadowbook.adapters.report.monitor import page_of_monitor
from shadowbook.settings import parse_settings
from shadowbook.steps.monitored_books import monitored_books
from shadowbook.steps.replay import Replay

STRATEGIES, SESSIONS, SYMBOLS = 50, 252, 20
TARGET_SECONDS = 5.0


def main() -> None:
    """Print what a monitor's run takes."""
    names = "".join(f"  s{i}: {{horizon: 5}}\n" for i in range(STRATEGIES))
    text = (
        "seed: 1\nlearning: {candidates: {m: {kind: ridge}}}\nbooks: {max_shadows: 1}\n"
        f"replay: {{operator: {{promote: never}}}}\nstrategies:\n{names}"
    )
    panel = market(SESSIONS, SYMBOLS)
    past = history(panel)
    with tempfile.TemporaryDirectory(prefix="shadowbook-bench-") as folder:
        workspace = Logged(Path(folder), parse_settings(text))
        books = workspace.replayed("benchmark-00")
        versions = {name: Fixed(workspace, past, name) for name in workspace.settings.strategies}
        Replay(workspace, past, books, versions).run()
        began = time.perf_counter()
        found = monitored_books(
            books.ledger, lambda _, version: healthy(version), workspace.settings, panel, "UTC"
        )
        measured = time.perf_counter() - began
        page = page_of_monitor(found, "Monitor", past.moments[-1].as_of)
        drawn = time.perf_counter() - began - measured
    assert len(panel.sessions) == BEFORE + SESSIONS
    print(f"Monitor of {len(found)} books x {SESSIONS} sessions x {SYMBOLS} symbols")
    print(
        f"measured {measured:.1f} s, page of {len(page) / 1e6:.1f} MB {drawn:.1f} s, together "
        f"{measured + drawn:.1f} s (target: under {TARGET_SECONDS:.0f} s)"
    )


if __name__ == "__main__":
    main()
