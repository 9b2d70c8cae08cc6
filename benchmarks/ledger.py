"""The ledger beside pandas: a session recorded, a history read, everything verified.

The peer keeps the same rows with `to_sql` and reads them with `read_sql`, in SQLite with WAL as
well, each session one transaction; it has no chain, no keys and no check of what is there.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.day import BookDay, BookOutcome, Traded

FIRST = datetime(2013, 1, 2, 21, 15, tzinfo=UTC)
LIMITS = {(6, 20): 4.0, (3, 500): 45.0}
LIMIT_READ, LIMIT_VERIFY = 2.0, 5.0


def day(rng: np.random.Generator, number: int, book: str, n: int, n_fills: int) -> BookDay:
    """Make one session: every name rated, wanted and held."""
    as_of = FIRST + timedelta(days=number)
    symbols = tuple(f"S{i:03}" for i in range(n))
    fills = tuple(Traded(name, "rebalance", 0, 9, 50.5, 50.4, 3) for name in symbols[:n_fills])
    shares = rng.integers(1, 500, n)
    returns = rng.normal(size=5).tolist()
    return BookDay(
        *("weekly", book, as_of.date(), as_of, 1, f"inputs-{number}", symbols),
        *(rng.normal(size=n), rng.normal(size=n) / n, shares, fills, shares),
        *(rng.uniform(5, 500, n), np.zeros(n, dtype=np.int64), 10_000_000, 1e6, *returns),
        BookOutcome.TRADED,
    )


def sessions(n_sessions: int, n_books: int, n: int, n_fills: int) -> list[list[BookDay]]:
    rng = np.random.default_rng(7)
    books = [f"shadow/{i}" for i in range(n_books)]
    return [[day(rng, i, book, n, n_fills) for book in books] for i in range(n_sessions)]


def frames(days: list[BookDay]) -> dict[str, pd.DataFrame]:
    """Lay the same rows out for the peer, before its clock runs."""
    parts: dict[str, list[pd.DataFrame]] = {}
    for one in days:
        key = {"strategy": one.strategy, "book": one.book, "as_of": one.as_of}
        tables = {
            "predictions": {"symbol": one.symbols, "score": one.scores},
            "targets": {"symbol": one.symbols, "weight": one.targets, "ideal": one.ideal},
            "positions": {"symbol": one.symbols, "quantity": one.quantities, "mark": one.marks},
            "fills": [vars(fill) for fill in one.traded],
            "book_returns": {"net": [one.net], "equity": [one.equity]},
        }
        for name, content in tables.items():
            parts.setdefault(name, []).append(pd.DataFrame(content).assign(**key))
    return {name: pd.concat(found) for name, found in parts.items()}


def write_peer(raw: sqlite3.Connection, tables: dict[str, pd.DataFrame]) -> None:
    for name, table in tables.items():
        table.to_sql(name, raw, if_exists="append", index=False)
    raw.commit()


def median_ms(calls: list[Callable[[], object]]) -> float:
    found = []
    for call in calls:
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return statistics.median(found) * 1e3


def seconds(call: Callable[[], object]) -> float:
    return min(median_ms([call]) for _ in range(3)) / 1e3


def opened_peer(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("PRAGMA synchronous = FULL")
    return raw


def writes(folder: Path, n_books: int, n: int, n_fills: int) -> None:
    history = sessions(60, n_books, n, n_fills)
    ledger = Ledger(f"sqlite:///{folder}/write-{n}.db")
    ledger.head()
    ours = median_ms([lambda days=days: ledger.record([], days) for days in history])
    ledger.close()
    raw = opened_peer(folder / f"peer-{n}.db")
    tables = [frames(days) for days in history]
    theirs = median_ms([lambda t=t: write_peer(raw, t) for t in tables])
    raw.close()
    title = f"record: {n_books} books x {n} symbols, durable"
    limit = LIMITS[n_books, n]
    print(f"  {title:<46} {ours:8.2f} ms  at most {limit:g}   to_sql {theirs / ours:6.2f} x")


def reads(folder: Path) -> None:
    path, peer = folder / "read.db", folder / "read-peer.db"
    ledger = Ledger(f"sqlite:///{path}", durable=False)
    for days in sessions(2_500, 1, 500, 0):
        ledger.record([], days)
    scores = ledger.frame("predictions")
    raw = opened_peer(peer)
    plain = {"strategy": str, "book": str, "symbol": str}
    scores.astype(plain).to_sql("predictions", raw, index=False)
    ours = seconds(lambda: ledger.frame("predictions"))
    theirs = seconds(lambda: pd.read_sql("SELECT * FROM predictions", raw, parse_dates=["as_of"]))
    title = "frame: 500 symbols x 2,500 sessions"
    print(
        f"  {title:<46} {ours:8.2f} s   at most {LIMIT_READ:g}    read_sql {theirs / ours:5.2f} x"
    )
    raw.close()
    ledger.close()
    began = time.perf_counter()
    ledger.head()
    print(f"  {'open an existing ledger':<46} {(time.perf_counter() - began) * 1e3:8.2f} ms")
    ledger.close()


def verification(folder: Path) -> None:
    ledger = Ledger(f"sqlite:///{folder}/verify.db", durable=False)
    history = sessions(2_000, 6, 20, 10)
    began = time.perf_counter()
    for days in history:
        ledger.record([], days)
    wrote = time.perf_counter() - began
    print(f"  {'record: 12,000 book-days of 20 symbols':<46} {wrote:8.2f} s")
    taken = seconds(ledger.verify)
    title = "verify: 12,000 book-days of 20 symbols"
    print(f"  {title:<46} {taken:8.2f} s   at most {LIMIT_VERIFY:g}")
    ledger.close()


def main() -> None:
    """Print the table."""
    print("\nledger, beside pandas on SQLite")
    with tempfile.TemporaryDirectory() as folder:
        writes(Path(folder), 6, 20, 10)
        writes(Path(folder), 3, 500, 200)
        reads(Path(folder))
        verification(Path(folder))


if __name__ == "__main__":
    main()
