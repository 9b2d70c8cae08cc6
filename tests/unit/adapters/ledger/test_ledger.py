"""What is recorded once, refused, and read back."""

from __future__ import annotations

import dataclasses
import math
import re
import sqlite3
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.audit import chain_hash, digest_array
from shadowbook.core.books.day import BookDay, BookOutcome, BookState, Traded, state_after
from shadowbook.core.events import Event
from shadowbook.errors import ConfigError, IntegrityError, PermanentError, SchemaError

AT = datetime(2022, 3, 1, 21, 15, tzinfo=UTC)
TABLES = ("predictions", "targets", "fills", "positions", "book_returns", "orders")


def test_an_empty_ledger_knows_nothing(ledger, path):
    assert ledger.head() == (0, "")
    assert path.exists()
    assert ledger.books() == []
    assert ledger.last_as_of() is None
    assert ledger.state("weekly", "champion", 5) is None
    assert list(ledger.events()) == []
    assert ledger.verify() is None
    for table in TABLES:
        assert len(ledger.frame(table)) == 0


def test_the_chain_is_the_one_of_the_core(ledger):
    """Every hash is `chain_hash` of the content, whatever characters it has."""
    bodies = [{"b": 1.5, "a": [None, True]}, {"é": 'x "\\\n\x01 ü 😀'}, {"nan": math.nan, "d": AT}]
    events = [
        Event("note", f"n/{i} é\n", AT + timedelta(microseconds=i), body, simulated=i == 1)
        for i, body in enumerate(bodies)
    ]
    assert ledger.record(events) == 3
    previous = ""
    for stored, event in zip(ledger.events(), events, strict=True):
        content = dataclasses.asdict(event) | {"at": event.at.isoformat()}
        assert stored.previous_hash == previous
        assert stored.hash == chain_hash(previous, content)
        assert (stored.event.key, stored.event.at) == (event.key, event.at)
        assert stored.event.simulated == event.simulated
        previous = stored.hash
    assert ledger.head() == (3, previous)
    assert ledger.verify() is None


def test_the_newest_event_of_a_kind_is_the_one_recorded_last(ledger):
    """Not the one of the latest moment; its key begins so to the letter, in its case."""
    later = AT + timedelta(days=1)
    told = [
        ("watch", "watch/weekly/champion/2", later),
        ("watch", "watch/weekly/champion/1", AT),
        ("watch", "watch/weekly_2/champion/1", AT),
        ("watch", "watch/weekly%/champion/1", AT),
        ("alert", "watch/weekly/champion/9", AT),
        ("watch", "watch/WEEKLY/champion/7", AT),
    ]
    ledger.record([Event(kind, key, at, {"i": i}) for i, (kind, key, at) in enumerate(told)])
    for kind, start, found in (
        ("watch", "watch/weekly/champion/", 1),
        ("watch", "watch/weekly", 3),
        ("watch", "watch/weekly_", 2),
        ("watch", "watch/weekly%", 3),
        ("watch", "watch/WEEKLY/", 5),
        ("watch", "", 5),
        ("alert", "", 4),
    ):
        newest = ledger.newest(kind, start)
        assert (newest.seq, newest.event.body) == (found + 1, {"i": found})
        assert newest == list(ledger.events())[found]
    assert ledger.newest("watch", "watch/monthly/") is None
    assert ledger.newest("note") is None
    ledger.record([Event("watch", "watch/weekly/champion/3", AT, {"i": 6})])
    assert ledger.newest("watch", "watch/weekly/champion/").event.body == {"i": 6}


def test_events_are_read_by_kind_and_over_pages(ledger):
    events = [Event("ab"[i % 2], f"k{i}", AT, {"i": i}) for i in range(2_345)]
    assert ledger.record(events) == 2_345
    assert [stored.event.body["i"] for stored in ledger.events()] == list(range(2_345))
    assert [stored.seq for stored in ledger.events("b")] == list(range(2, 2_346, 2))


def test_the_same_is_recorded_once(ledger, make_day):
    days = [make_day(0), make_day(0, book="shadow/2")]
    events = [Event("gate", "gate/1", AT, {"passed": True})]
    assert ledger.record(events, days, {"inputs-0": b"seen"}) == 4
    before = ledger.head()
    assert ledger.record(events, days, {"inputs-0": b"seen"}) == 0
    assert ledger.record(events + events, days) == 0
    assert ledger.head() == before
    assert len(ledger.frame("book_returns")) == 2
    assert ledger.record([], [make_day(1), make_day(1)]) == 1


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cash_cents": 1}, "body.cash_cents is 99956912, and is now 1"),
        ({"scores": np.array([0.1, np.nan, -0.30000001])}, "body.facts.predictions.digest"),
        ({"quantities": np.array([10, 4, -6])}, "body.facts.positions.digest"),
        ({"traded": ()}, "body.facts.fills"),
        ({"reasons": ("because",)}, "body.reasons"),
        ({"inputs": "others"}, "body.inputs"),
    ],
)
def test_other_content_under_a_key_is_refused_and_named(ledger, make_day, changes, named):
    ledger.record([], [make_day(0)])
    before = (ledger.head(), ledger.books_digest())
    with pytest.raises(IntegrityError, match="session/weekly/champion/2022-03-01") as caught:
        ledger.record(
            [Event("gate", "g", AT, {})], [make_day(1, book="new"), make_day(0, **changes)]
        )
    assert named in str(caught.value)
    assert (ledger.head(), ledger.books_digest()) == before
    assert ledger.books() == [("weekly", "champion")]
    assert ledger.record([], [make_day(1, book="new")]) == 1


def test_other_content_within_a_call_is_refused(ledger, make_day):
    with pytest.raises(IntegrityError, match="cash_cents"):
        ledger.record([], [make_day(0), make_day(0, cash_cents=5)])
    with pytest.raises(IntegrityError, match=r"gate/1 .* body.passed is True, and is now False"):
        ledger.record([Event("gate", "gate/1", AT, {"passed": p}) for p in (True, False)])
    assert ledger.head() == (0, "")


def test_inputs_are_kept_once_and_told_apart(ledger, make_day):
    payload = bytes(range(256)) * 50
    ledger.record([], [make_day(0)], {"inputs-0": payload})
    assert ledger.inputs("inputs-0") == payload
    assert ledger.record([], [make_day(1, inputs="inputs-0")], {"inputs-0": payload}) == 1
    with pytest.raises(IntegrityError, match=r"inputs/inputs-0 .* body\.sha256"):
        ledger.record([], [make_day(2)], {"inputs-0": payload[::-1]})
    with pytest.raises(IntegrityError, match="no inputs nothing"):
        ledger.inputs("nothing")


def test_a_session_before_the_last_one_is_refused(ledger, make_day):
    ledger.record([], [make_day(3)])
    with pytest.raises(IntegrityError, match=r"2022-03-02T21:15:00.*cannot be added before"):
        ledger.record([], [make_day(1)])
    with pytest.raises(IntegrityError, match="cannot be added before"):
        ledger.record([], [make_day(5, book="other"), make_day(4, book="other")])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"scores": np.array([1.0])}, r"scores .* has shape \(1,\)"),
        ({"marks": np.array([1.0, np.inf, 1.0])}, "marks .* infinite"),
        ({"equity": math.inf}, "cannot be recorded"),
        ({"symbols": ("KO", "AAPL", "XOM")}, "sorted"),
        ({"traded": (Traded("T", "rebalance", 0, 1, 1.0, 1.0, 0),)}, "fill of T"),
        ({"traded": (Traded("KO", "rebalance", 0, 1, 1.0, 1.0, 0),) * 2}, "two fills"),
        ({"traded": (Traded("KO", "rebalance", 0, 1, math.nan, 1.0, 0),)}, "not a number"),
        ({"as_of": datetime(2022, 3, 1)}, "no time zone"),  # noqa: DTZ001 - what is refused
    ],
)
def test_a_day_that_cannot_be_kept_is_refused(ledger, make_day, changes, sentence):
    with pytest.raises(SchemaError, match=sentence):
        ledger.record([], [make_day(0, **changes)])
    assert ledger.head() == (0, "")


def test_events_that_vouch_for_rows_are_the_ledgers_own(ledger):
    for kind in ("session", "inputs", "orders", "statuses"):
        with pytest.raises(SchemaError, match=f"of kind {kind}"):
            ledger.record([Event(kind, "k", AT, {})])
    with pytest.raises(SchemaError, match="cannot be recorded"):
        ledger.record([Event("note", "k", AT, {"x": math.inf})])


def test_the_state_of_a_book_comes_back_to_the_bit(ledger, make_day):
    days = [
        make_day(0),
        make_day(1, targets=np.full(3, np.nan), ideal=np.array([10, 4, -7])),
        make_day(2),
        make_day(3, scores=np.array([5e-324, -1e308, 0.1 + 0.2])),
        make_day(4, targets=np.full(3, np.nan), ideal=np.array([10, 4, 0])),
    ]
    expected = BookState(None, 0, 0.0)
    for day in days:
        expected = state_after(day, expected, 2)
        ledger.record([], [day, make_day((day.as_of - AT).days, book="shadow/1", cash_cents=1)])
    found = ledger.state("weekly", "champion", 2)
    assert repr(found) == repr(expected)
    assert [len(scores) for scores in found.scores] == [2, 3]
    assert ledger.state("weekly", "champion", 9).scores[0] == {"AAPL": 0.1, "XOM": -0.3}
    assert ledger.state("weekly", "shadow/1", 2).cash_cents == 1
    assert ledger.state("weekly", "shadow/2", 2) is None


def test_frames(ledger, make_day):
    ledger.record([], [make_day(i, book=b) for i in range(3) for b in ("champion", "shadow/1")])
    ledger.record([], [make_day(3, strategy="a", symbols=("AA", "KO", "XX"), traded=())])
    assert ledger.books() == [("weekly", "champion"), ("weekly", "shadow/1"), ("a", "champion")]
    assert ledger.last_as_of("weekly") == AT + timedelta(days=2)
    assert ledger.last_as_of() == AT + timedelta(days=3)
    scores = ledger.frame("predictions", "weekly", "shadow/1", AT + timedelta(days=1))
    assert scores["symbol"].tolist() == ["AAPL", "XOM", "AAPL", "XOM"]
    assert scores["score"].tolist() == [1.1, -0.3, 2.1, -0.3]
    assert str(scores["as_of"].dtype) == "datetime64[us, UTC]"
    assert scores["as_of"].iloc[0] == AT + timedelta(days=1)
    assert scores["session"].iloc[-1].date() == date(2022, 3, 3)
    assert set(scores["book"]) == {"shadow/1"}
    assert ledger.frame("predictions", until=AT)["score"].empty
    assert len(ledger.frame("predictions", until=AT + timedelta(days=1))) == 4
    fills = ledger.frame("fills", "weekly", "champion")
    assert fills["price"].tolist() == [81.3] * 3
    assert fills["purpose"].tolist() == ["rebalance"] * 3
    held = ledger.frame("positions", "a")
    assert held["symbol"].tolist() == ["AA", "KO", "XX"]
    assert held["quantity"].tolist() == [10, 4, -7]
    returns = ledger.frame("book_returns", "weekly", "champion")
    assert returns["net"].isna().tolist() == [True, False, False]
    assert returns["outcome"].tolist() == ["TRADED"] * 3
    assert list(ledger.frame("targets", "weekly").columns[-3:]) == ["weight", "ideal", "mark"]
    with pytest.raises(ConfigError, match="no table trades"):
        ledger.frame("trades")


def test_names_out_of_order_come_in_order(ledger, make_day):
    """A symbol first seen later, but before others by name, is read and verified in its place."""
    ledger.record([], [make_day(0, symbols=("M", "N", "Z"), traded=())])
    ledger.record([], [make_day(1, symbols=("A", "N", "Y"), traded=())])
    assert ledger.frame("positions")["symbol"].tolist() == ["M", "N", "Z", "A", "N", "Y"]
    assert ledger.verify() is None


def test_the_books_digest_does_not_know_the_path(ledger, make_day, tmp_path):
    days = [make_day(i, book=b) for i in range(3) for b in ("champion", "shadow/1")]
    other = Ledger(f"sqlite:///{tmp_path}/other.db", durable=False)
    ledger.record([], days)
    other.record([Event("note", "n", AT, {})])
    other.record([], [make_day(0, "x", "y", symbols=("XOM", "Y", "Z"), traded=())])
    for day in days[1::2]:
        other.record([], [day])
    for day in days[::2]:
        other.record([], [day])
    assert ledger.books_digest() == other.books_digest("weekly")
    assert ledger.books_digest() != other.books_digest()
    assert ledger.books_digest("weekly", "champion") == other.books_digest("weekly", "champion")
    ledger.record([], [make_day(3)])
    other.record([], [make_day(3, cash_cents=4)])
    assert ledger.books_digest() != other.books_digest("weekly")
    other.close()


floats = st.floats(allow_infinity=False, width=64)
sizes = st.integers(0, 12)


@st.composite
def book_days(draw, number: int) -> BookDay:
    symbols = tuple(sorted(draw(st.sets(st.text(min_size=1, max_size=4), max_size=6))))
    symbols = tuple(name for name in symbols if name.isprintable())
    n = len(symbols)

    def array(of, dtype) -> np.ndarray:
        return np.array(draw(st.lists(of, min_size=n, max_size=n)), dtype=dtype)

    shares = st.integers(1 - 2**53, 2**53 - 1)
    as_of = AT + timedelta(days=number)
    fills = tuple(
        Traded(name, purpose, sequence, draw(shares), draw(st.floats(-1e9, 1e9)), 1.0, 0)
        for name in symbols
        for purpose, sequence in draw(
            st.sets(st.tuples(st.sampled_from(["rebalance", "delisting"]), sizes), max_size=2)
        )
    )
    return BookDay(
        *("daily", "champion", as_of.date(), as_of, draw(sizes), f"i{number}", symbols),
        *(array(floats, np.float64), array(floats, np.float64), array(shares, np.int64), fills),
        *(array(shares, np.int64), array(floats, np.float64), array(sizes, np.int64)),
        draw(shares),
        *(draw(floats) for _ in range(6)),
        draw(st.sampled_from(BookOutcome)),
    )


@settings(max_examples=25, phases=[Phase.explicit, Phase.generate])
@given(st.data())
def test_any_day_comes_back(tmp_path_factory, data):
    """Property: states and rows are what was recorded, to the last bit, and the ledger verifies."""
    ledger = Ledger(f"sqlite:///{tmp_path_factory.mktemp('any')}/ledger.db", durable=False)
    expected = BookState(None, 0, 0.0)
    for number in range(2):
        day = data.draw(book_days(number))
        ledger.record([], [day])
        expected = state_after(day, expected, 3)
        # NaN differs from itself; negative zero is recorded as zero.
        wanted = re.sub(r"-0\.0(?!\d)", "0.0", repr(expected))
        assert repr(ledger.state("daily", "champion", 3)) == wanted
        rows = ledger.frame("predictions", since=day.as_of)
        rated = ~np.isnan(day.scores)
        assert rows["symbol"].tolist() == [day.symbols[i] for i in np.flatnonzero(rated)]
        assert digest_array(rows["score"].to_numpy()) == digest_array(day.scores[rated])
        assert len(ledger.frame("fills", since=day.as_of)) == len(day.traded)
        assert ledger.record([], [day]) == 0
    assert ledger.verify() is None
    ledger.close()


def test_a_real_ledger_refuses_a_simulated_operator(tmp_path):
    real = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    with pytest.raises(PermanentError, match="resume/1 is the act of a simulated operator"):
        real.record([Event("resume", "resume/1", AT, {}, simulated=True)])
    assert real.record([Event("resume", "resume/1", AT, {})]) == 1
    real.close()


def test_urls_that_are_none_of_a_ledger():
    for url, sentence in {
        "nonsense": "cannot be read",
        "mysql://host/x": "cannot lie in mysql",
        "sqlite:///relative.db": "not absolute",
        "sqlite://": "not absolute",
    }.items():
        with pytest.raises(ConfigError, match=sentence):
            Ledger(url)


def test_a_damaged_file_is_named(ledger, path, make_day):
    ledger.record([], [make_day(i) for i in range(200)])
    ledger.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(PermanentError, match=r"ledger.db .*restore it"):
        ledger.verify()
    ledger.close()
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(PermanentError, match=r"ledger.db .*restore it"):
        ledger.head()


def test_a_full_disk_leaves_what_was_there(ledger, make_day, monkeypatch):
    """SQLite's own page limit stands in for the disk: the same error, from the same place."""
    ledger.record([], [make_day(0)])
    before = ledger.head()
    with ledger._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 30")
    with pytest.raises(PermanentError, match="the disk is full; make room"):
        ledger.record([], [make_day(i) for i in range(1, 400)])
    assert ledger.head() == before
    assert ledger.verify() is None


def test_another_programs_database_is_refused(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE runs (x)")
    raw.close()
    with pytest.raises(PermanentError, match="not a ledger"):
        Ledger(f"sqlite:///{path}").head()


def test_a_body_that_is_no_json_is_named(ledger, path):
    ledger.record([Event("note", "note/1", AT, {"a": 1})])
    ledger.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE events SET body = '{'")
    with pytest.raises(IntegrityError, match=r"event 1 of the ledger \(note/1\) cannot be read"):
        list(Ledger(f"sqlite:///{path}").events())
