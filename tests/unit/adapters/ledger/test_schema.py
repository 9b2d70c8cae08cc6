"""The schema that the migrations make is the one that the program reads."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from shadowbook.adapters.ledger import schema
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.adapters.ledger.tables import METADATA
from shadowbook.core.events import Event
from shadowbook.errors import PermanentError


def described(path: Path) -> dict[str, object]:
    """Every table's columns, keys and options, but for the version's own."""
    raw = sqlite3.connect(path)
    found: dict[str, object] = {}
    query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'ledger_version'"
    for (table,) in raw.execute(query).fetchall():
        found[table] = raw.execute("SELECT * FROM pragma_table_info(?)", (table,)).fetchall()
        indexes = raw.execute("SELECT * FROM pragma_index_list(?)", (table,)).fetchall()
        keys = [
            (origin, raw.execute("SELECT * FROM pragma_index_info(?)", (name,)).fetchall())
            for _, name, _, origin, _ in indexes
        ]
        found[f"{table} keys"] = sorted(keys)
        rowid = "SELECT wr FROM pragma_table_list WHERE name = ?"
        found[f"{table} without rowid"] = raw.execute(rowid, (table,)).fetchall()
    raw.close()
    return found


def test_the_migrations_make_the_tables(ledger, path, tmp_path):
    ledger.head()
    ledger.close()
    engine = create_engine(f"sqlite:///{tmp_path}/fresh.db")
    METADATA.create_all(engine)
    engine.dispose()
    assert described(path) == described(tmp_path / "fresh.db")
    assert described(path)["predictions without rowid"] == [(1,)]


def test_the_versions_are_those_of_the_migrations():
    folder = Path(schema.__file__).with_name("migrations") / "versions"
    names = sorted(file.stem.split("_")[0] for file in folder.glob("v*.py"))
    assert names == [f"v{version}" for version in schema.VERSIONS]


def test_a_newer_schema_is_refused(ledger, path):
    ledger.head()
    ledger.close()
    raw = sqlite3.connect(path)
    raw.execute("UPDATE ledger_version SET version_num = '0099'")
    raw.commit()
    raw.close()
    with pytest.raises(PermanentError, match=r"schema 0099, .* a newer shadowbook wrote it"):
        ledger.head()


def test_a_making_that_was_killed_is_made_again(ledger, path):
    """All of the schema comes in one transaction: before it there is an empty file."""
    path.parent.mkdir()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.close()
    assert ledger.head() == (0, "")
    ledger.close()
    assert Ledger(f"sqlite:///{path}").verify() is None


def test_reopening_does_not_import_alembic(ledger, path):

    event = "Event('n', 'k', datetime(2022, 1, 1, tzinfo=UTC), {})"
    code = (
        "import sys; from datetime import UTC, datetime\n"
        "from shadowbook.adapters.ledger.ledger import Ledger\n"
        "from shadowbook.core.events import Event\n"
        f"print(Ledger('sqlite:///{path}').record([{event}]), 'alembic' in sys.modules)"
    )
    assert ledger.record([Event("m", "m", datetime(2022, 1, 1, tzinfo=UTC), {})])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
