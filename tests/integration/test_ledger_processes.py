"""Two processes at one ledger, and processes that are killed while they write."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shadowbook.adapters.ledger import database
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.events import Event
from shadowbook.errors import PermanentError, TransientError

AT = datetime(2022, 3, 1, 21, 15, tzinfo=UTC)
WRITER = """
import sys
from datetime import UTC, datetime, timedelta
import numpy as np
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.day import BookDay, BookOutcome, Traded
from shadowbook.core.events import Event

url, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
ledger = Ledger(url, durable=False)
symbols = tuple(f"S{i:03}" for i in range(100))
ones = np.ones(100)
fills = tuple(Traded(symbol, "rebalance", 0, 1, 1.5, 1.5, 0) for symbol in symbols)
print("ready", flush=True)
for i in range(count):
    at = datetime(2022, 3, 1, 21, 15, tzinfo=UTC) + timedelta(days=i)
    days = [
        BookDay(
            name, book, at.date(), at, 1, f"{name}-{i}", symbols, ones * i, ones / 100,
            ones.astype(int), fills, ones.astype(int) * i, ones, np.zeros(100, dtype=int), i,
            *[float(i)] * 6, BookOutcome.TRADED,
        )
        for book in ("champion", "shadow/1")
    ]
    ledger.record([Event("note", f"{name}/{i}", at, {"i": i})], days, {f"{name}-{i}": b"x" * 9999})
"""


def start(url: str, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, url, name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_make_one_chain(tmp_path: Path):
    """They also make the file at the same time."""
    url = f"sqlite:///{tmp_path}/ledger/ledger.db"
    writers = [start(url, name, 25) for name in ("a", "b")]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    ledger = Ledger(url)
    assert ledger.head()[0] == 2 * 25 * 4
    assert ledger.verify() is None
    assert len(ledger.frame("book_returns")) == 2 * 25 * 2
    assert ledger.books_digest("a") != ledger.books_digest("b")
    ledger.close()


@pytest.mark.slow
def test_a_killed_writer_leaves_whole_sessions(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger(url)
    counts = []
    for i in range(8):
        writer = start(url, f"s{i}", 100_000)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.03 + 0.017 * i)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        assert ledger.verify() is None
        returns = ledger.frame("book_returns", f"s{i}")
        counts.append(len(returns))
        assert len(ledger.frame("positions", f"s{i}")) == 100 * max(len(returns) - 2, 0)
        assert len(list(ledger.events("note"))) * 2 == sum(counts)
    assert sum(counts) > 0
    ledger.close()


def test_a_writer_waits_and_then_says_so(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.2)
    ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.record([Event("note", "a", AT, {})])
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientError, match=r"ledger\.db: another process has written"):
        ledger.record([Event("note", "b", AT, {})])
    assert ledger.head()[0] == 1
    other.execute("ROLLBACK")
    other.close()
    assert ledger.record([Event("note", "b", AT + timedelta(days=1), {})]) == 1
    ledger.close()


def test_a_place_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(PermanentError, match=r"cannot read the ledger .*file/ledger.db"):
        Ledger(f"sqlite:///{tmp_path}/file/ledger.db").head()
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(PermanentError, match="must be writable"):
        Ledger(f"sqlite:///{tmp_path}/folder.db").head()
