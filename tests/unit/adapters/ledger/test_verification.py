"""Every kind of tampering is found, at its first link."""

from __future__ import annotations

import re
import sqlite3

import pytest

from shadowbook.core.books.orders import Fill, OrderState, OrderStatus
from shadowbook.core.events import Event


@pytest.fixture
def whole(ledger, make_day, make_order):
    """Return a ledger with notes, two books of three sessions, orders, a fill and inputs."""
    for i in range(3):
        days = [make_day(i, book=book) for book in ("champion", "shadow/1")]
        note = Event("note", f"note/{i}", days[0].as_of, {"i": i})
        ledger.record([note], days, {f"inputs-{i}": b"seen" * 10})
        order = make_order(number=i)
        ledger.record_orders([order], order.as_of)
        fill = Fill(order.client_order_id, 0, -7, 81.3, 81.35, 12, order.as_of)
        status = OrderStatus(order, OrderState.FILLED, (fill,), order.as_of)
        ledger.record_statuses([status])
    assert ledger.verify() is None
    return ledger


SECOND = "as_of = (SELECT MIN(as_of) + 86400000000 FROM book_returns)"


@pytest.mark.parametrize(
    ("tampering", "kind", "words"),
    [
        ("UPDATE events SET body = '{\"i\":9}' WHERE key = 'note/1'", "note", "its content"),
        ("UPDATE events SET body = '{' WHERE key = 'note/1'", "note", "cannot be read"),
        ("UPDATE events SET at = at + 1 WHERE key = 'note/1'", "note", "its content"),
        ("UPDATE events SET at = 'x' WHERE key = 'note/1'", "note", "cannot be read"),
        ("UPDATE events SET simulated = 1 WHERE key = 'note/1'", "note", "its content"),
        ("UPDATE events SET hash = previous_hash WHERE key = 'note/1'", "note", "its content"),
        ("UPDATE events SET previous_hash = '' WHERE key = 'note/1'", "note", "does not follow"),
        ("DELETE FROM events WHERE key = 'note/1'", "session", "is missing before"),
        ("DELETE FROM events WHERE seq = 1", "note", "event 1 is missing"),
        (
            "UPDATE events SET seq = CASE seq WHEN 1 THEN -2 ELSE -1 END WHERE seq < 3; "
            "UPDATE events SET seq = -seq WHERE seq < 0",
            "note",
            "does not follow",
        ),
        ("UPDATE predictions SET score = score + 1e-9 WHERE SECOND", "session", "predictions"),
        ("DELETE FROM predictions WHERE SECOND", "session", "predictions has 0 rows where 2"),
        ("UPDATE targets SET weight = 0.5 WHERE SECOND", "session", "targets has a row"),
        ("UPDATE targets SET mark = NULL WHERE SECOND", "session", "targets has a row"),
        ("UPDATE fills SET price = 1 WHERE SECOND", "session", "fills has a row"),
        ("UPDATE fills SET purpose = 'delisting' WHERE SECOND", "session", "fills has a row"),
        ("UPDATE positions SET quantity = 1 WHERE SECOND", "session", "positions has a row"),
        ("UPDATE positions SET symbol_id = 9 WHERE symbol_id = 1 AND SECOND", "session", "row"),
        ("UPDATE book_returns SET net = 1 WHERE SECOND", "session", "book_returns has a row"),
        ("UPDATE book_returns SET session = 1 WHERE SECOND", "session", "book_returns has"),
        ("UPDATE book_returns SET outcome = 'HELD' WHERE SECOND", "session", "book_returns"),
        ("UPDATE symbols SET symbol = 'KOX' WHERE symbol = 'KO'", "session", "positions has a row"),
        ("UPDATE predictions SET book_id = 3 - book_id, as_of = -as_of", "session", "0 rows"),
        ("INSERT INTO predictions VALUES (1, 77, 1, 0.5)", "predictions", "without a session"),
        ("INSERT INTO predictions VALUES (9, 77, 1, 0.5)", "predictions", "not there"),
        ("UPDATE predictions SET score = 'high'", "facts", "score .* no float"),
        ("UPDATE positions SET quantity = 1.5", "facts", "quantity .* no int"),
        ("UPDATE orders SET quantity = -8", "orders", "orders has a row"),
        ("DELETE FROM orders", "orders", "orders has 0 rows"),
        ("UPDATE order_states SET state = 'CANCELLED'", "statuses", "order_states has a row"),
        ("UPDATE order_fills SET price = 80", "statuses", "order_fills has a row"),
        ("DELETE FROM order_fills", "statuses", "order_fills has 0 rows where 1"),
        (
            "INSERT INTO order_fills VALUES (1, 1, 77, 5, 1, 1, 0, 0)",
            "order_fills",
            "no event of orders",
        ),
        ("INSERT INTO order_fills VALUES (99, 0, 77, 5, 1, 1, 0, 0)", "order_fills", "not there"),
        ("UPDATE inputs SET payload = x'00'", "inputs", "missing or were altered"),
        ("DELETE FROM inputs", "inputs", "missing or were altered"),
        ("INSERT INTO inputs VALUES ('x', x'789c030000000001')", "inputs", "without an event"),
    ],
)
def test_tampering_is_found(whole, path, tampering, kind, words):
    whole.close()
    raw = sqlite3.connect(path)
    raw.executescript(tampering.replace("SECOND", SECOND))
    assert raw.total_changes > 0
    raw.close()
    broken = whole.verify()
    assert broken is not None
    assert broken.kind == kind
    assert re.search(words, broken.reason)


def test_the_first_of_several_is_named(whole, path):
    whole.close()
    raw = sqlite3.connect(path)
    raw.executescript(
        "UPDATE events SET body = '{}' WHERE key = 'note/2';"
        "UPDATE book_returns SET cash_cents = 0 WHERE book_id = 2"
    )
    raw.close()
    broken = whole.verify()
    first = next(e for e in whole.events("session") if e.event.body["book"] == "shadow/1")
    assert (broken.seq, broken.key) == (first.seq, first.event.key)
    assert broken.reason == "book_returns has a row that was altered after it was recorded"


def test_a_tail_cut_off_is_seen_by_its_head_alone(whole, path):
    before = whole.head()
    last = [stored.seq for stored in whole.events()][-1]
    whole.close()
    tables = ("events", "order_states", "order_fills")
    raw = sqlite3.connect(path)
    raw.executescript(
        ";".join(f"DELETE FROM {t} WHERE seq = {last}" for t in tables)  # noqa: S608 - our names
    )
    raw.close()
    assert whole.verify() is None
    assert whole.head() != before


def test_the_books_digest_sees_what_verify_sees(whole, path):
    before = whole.books_digest()
    whole.close()
    raw = sqlite3.connect(path)
    raw.executescript("UPDATE positions SET mark = mark + 1e-9 WHERE symbol_id = 2")
    raw.close()
    assert whole.books_digest() != before
