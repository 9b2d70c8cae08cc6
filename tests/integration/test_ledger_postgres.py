"""The ledger in a PostgreSQL server of our own: the same content, chain and errors."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from shadowbook.adapters.ledger import database
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.day import BookDay, BookOutcome, Traded
from shadowbook.core.books.orders import Fill, Order, OrderState, OrderStatus
from shadowbook.core.events import Event
from shadowbook.errors import IntegrityError, TransientError

pytestmark = pytest.mark.slow

AT = datetime(2022, 3, 1, 21, 15, tzinfo=UTC)


def programs() -> Path | None:
    """Return the folder of PostgreSQL's newest programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    onpath = shutil.which("initdb")
    return found[-1].parent if found else Path(onpath).parent if onpath else None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Start a server that listens on a socket in its own folder alone; yield its URL."""
    folder = programs()
    if folder is None:
        missing = "PostgreSQL's programs are not installed: apt-get install postgresql"
        # .ci/run installs them; a laptop without them still runs everything else.
        assert "CI" not in os.environ, missing
        pytest.skip(missing)
    # It refuses to run as root, and pytest's own folders are closed to another user.
    place = Path(tempfile.mkdtemp(prefix="shadowbook-postgres-"))
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    shutil.chown(place, user)

    def run(*command: str) -> None:
        as_user = ("runuser", "-u", user, "--") if os.geteuid() == 0 else ()
        subprocess.run((*as_user, *command), check=True, stdout=subprocess.DEVNULL, cwd=place)

    data = str(place / "data")
    run(str(folder / "initdb"), "-D", data, "-A", "trust", "-U", "ledger", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories='{place}'"
    control = (str(folder / "pg_ctl"), "-D", data, "-w")
    try:
        run(*control, "-o", options, "-l", str(place / "log"), "start")
        yield f"postgresql+psycopg://ledger@/postgres?host={place}"
    finally:
        if (place / "data" / "postmaster.pid").exists():
            run(*control, "-m", "immediate", "stop")
        shutil.rmtree(place)


@pytest.fixture
def ledger(server) -> Iterator[Ledger]:
    """A ledger in a database without tables."""
    import psycopg

    address = server.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as raw:
        raw.execute("DROP SCHEMA public CASCADE")
        raw.execute("CREATE SCHEMA public")
    opened = Ledger(server)
    yield opened
    opened.close()


def day(number: int, book: str = "champion", **changes) -> BookDay:
    as_of = AT + timedelta(days=number)
    content = {
        **{"strategy": "weekly", "book": book, "session": as_of.date(), "as_of": as_of},
        **{"model_version": 3, "inputs": f"i{number}", "symbols": ("AAPL", "KO", "aapl")},
        **{"scores": np.array([5e-324, np.nan, -0.1 - 0.2]), "targets": np.array([0.1, 0, np.nan])},
        **{"ideal": np.array([7, 0, 3]), "quantities": np.array([0, -4, 3])},
        **{"marks": np.array([1 / 3, np.nan, 60.0]), "unpriced": np.array([0, 9, 0])},
        "traded": tuple(Traded("KO", p, 0, -4, 1 / 7, 0.1, 5) for p in ("rebalance", "delisting")),
        **{"cash_cents": 2**52, "equity": 1e6 + 1e-9, "net": np.nan, "signal": 0.1, "cost": 0.0},
        **{"execution": -1e-17, "turnover": 0.5, "outcome": BookOutcome.TRADED},
    }
    return BookDay(**{**content, **changes})


def fill_in(ledger: Ledger) -> None:
    order = Order(
        *("id-1", "weekly", "champion", AT, "KO", "rebalance", -4, "market_on_close"),
        date(2022, 3, 2),
    )
    fill = Fill("id-1", 0, -4, 1 / 7, 0.1, 5, AT + timedelta(days=1))
    ledger.record([Event("note", "a", AT, {"x": 0.1})], [day(0), day(0, "shadow/1")], {"i0": b"x"})
    ledger.record_orders([order], AT)
    ledger.record_statuses([OrderStatus(order, OrderState.FILLED, (fill,), fill.at)])
    ledger.record([], [day(1), day(1, "shadow/1")])


def test_the_content_is_that_of_sqlite(ledger, tmp_path):
    """Hashes, digests, states and frames do not know which database they lie in."""
    other = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    for one in (ledger, other):
        fill_in(one)
        assert one.verify() is None
        fill_in(one)
    assert ledger.head() == other.head()
    assert ledger.books_digest() == other.books_digest()
    assert repr(ledger.state("weekly", "champion", 2)) == repr(other.state("weekly", "champion", 2))
    for table in ("predictions", "targets", "fills", "positions", "book_returns", "orders"):
        assert ledger.frame(table).equals(other.frame(table))
    assert ledger.order_statuses("weekly", "champion", date(2022, 3, 2))[0].filled == -4
    assert ledger.open_orders() == []
    assert ledger.inputs("i0") == b"x"
    other.close()


def test_other_content_is_refused(ledger):
    fill_in(ledger)
    before = ledger.head()
    with pytest.raises(IntegrityError, match=r"body\.cash_cents"):
        ledger.record([Event("note", "b", AT, {})], [day(1, cash_cents=4)])
    assert ledger.head() == before


def test_tampering_is_found(ledger, server):
    import psycopg

    fill_in(ledger)
    with psycopg.connect(server.replace("+psycopg", "")) as raw:
        raw.execute("UPDATE positions SET mark = 61 WHERE mark = 60")
    assert ledger.verify().reason.startswith("positions has a row")


def test_writers_wait_for_each_other(ledger, server, monkeypatch):
    """Also where both find no tables and make them."""
    others = [Ledger(server) for _ in range(3)]

    def write(number: int) -> None:
        for i in range(20):
            others[number].record([Event("note", f"{number}/{i}", AT, {"i": i})])
        others[number].close()

    threads = [threading.Thread(target=write, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.head()[0] == 60
    assert ledger.verify() is None
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.2)
    with (
        ledger._database.writing(),
        pytest.raises(TransientError, match="another process has written"),
    ):
        others[0].record([Event("note", "late", AT, {})])
    others[0].close()


def test_a_server_that_is_not_there(tmp_path):
    with pytest.raises(TransientError, match="check that its server runs"):
        Ledger(f"postgresql+psycopg://ledger:secret@/x?host={tmp_path}").head()
