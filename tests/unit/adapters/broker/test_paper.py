"""The paper broker: an account that survives kills, doubles nothing and adds up to the cent."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowbook.adapters.broker.paper import PaperBroker
from shadowbook.core.books.execution import ExecutionPolicy, SessionMarket
from shadowbook.core.books.orders import Order, OrderState
from shadowbook.core.books.states import client_order_id
from shadowbook.errors import IntegrityError, PermanentError, TransientError

FREE = ExecutionPolicy(half_spread_bps=0.0, impact_coefficient=0.0)
COSTLY = ExecutionPolicy(commission_bps=2.0)
FIRST = date(2020, 1, 2)
SYMBOLS = ("GE", "IBM", "KO")


def decided(day: int) -> datetime:
    return datetime(2020, 1, 2, 21, 15, tzinfo=UTC) + timedelta(days=day)


def market(day: int, prices, volumes=None, symbols=SYMBOLS) -> SessionMarket:
    at, count = decided(day), len(symbols)
    known = np.array(prices, dtype=float)
    return SessionMarket(
        session=at.date(),
        as_of=at,
        symbols=symbols,
        closes=known,
        opens=known - 1.0,
        volumes=np.array(volumes or [np.nan] * count, dtype=float),
        volatilities=np.full(count, 0.02),
        last_prices=known,
        opened_at=at - timedelta(hours=6, minutes=45),
        closed_at=at - timedelta(minutes=15),
    )


def order(day: int, symbol: str, quantity: int, strategy: str = "us", ahead: int = 1) -> Order:
    key = (strategy, "champion", decided(day), symbol, "rebalance")
    session = decided(day + ahead).date()
    return Order(
        client_order_id(*key), *key, quantity=quantity, kind="market_on_close", session=session
    )


def opened(path=None, policy=FREE, cash_cents=10_000_000, **options) -> PaperBroker:
    return PaperBroker(path, policy, seed=7, cash_cents=cash_cents, **options)


def test_a_short_is_marked_right():
    broker = opened()
    broker.submit([order(0, "IBM", -100)], decided(0))
    broker.observe(market(1, [10.0, 150.0, 50.0]))
    assert broker.positions() == {"IBM": -100}
    assert (broker.account().cash_cents, broker.account().equity) == (11_500_000, 100_000.0)
    broker.observe(market(2, [10.0, 165.0, 50.0]))
    assert (broker.account().cash_cents, broker.account().equity) == (11_500_000, 98_500.0)


def test_an_order_is_accepted_after_its_latency_and_filled_at_the_close():
    broker = opened()
    [taken] = broker.submit([order(0, "KO", 10)], decided(0))
    assert taken.state is OrderState.ACCEPTED
    assert timedelta(0) < taken.changed_at - decided(0) < timedelta(seconds=1)
    broker.observe(market(1, [10.0, 150.0, 50.0]))
    [done] = broker.statuses([taken.order.client_order_id])
    assert (done.state, done.filled, done.fills[0].price) == (OrderState.FILLED, 10, 50.0)
    assert done.changed_at == market(1, [1, 1, 1]).closed_at
    assert broker.account().cash_cents == 9_950_000


def test_what_the_cap_leaves_is_cancelled_and_not_booked():
    broker = opened()
    sent = order(0, "KO", 500)
    broker.submit([sent], decided(0))
    broker.observe(market(1, [10.0, 150.0, 50.0], [1e6, 1e6, 1_000.0]))
    [done] = broker.statuses([sent.client_order_id])
    assert (done.state, done.filled) == (OrderState.CANCELLED, 100)
    assert done.reason.startswith("100 of 500 shares of KO")
    assert broker.positions() == {"KO": 100}
    assert broker.account().cash_cents == 9_500_000


def test_the_same_order_again_is_one_order():
    broker = opened()
    first = broker.submit([order(0, "KO", 10)], decided(0))
    again = broker.submit([order(0, "KO", 10), order(0, "KO", 10)], decided(0) + timedelta(1))
    assert again == first * 2
    broker.observe(market(1, [10.0, 150.0, 50.0]))
    [settled] = broker.submit([order(0, "KO", 10)], decided(1))
    assert settled.state is OrderState.FILLED
    broker.observe(market(2, [10.0, 150.0, 50.0]))
    [looked_up] = broker.submit([order(0, "KO", 10)], decided(2))
    assert looked_up == settled
    assert broker.positions() == {"KO": 10}


@pytest.mark.parametrize("days", [0, 1, 2])
def test_the_same_key_with_other_content_is_refused_and_nothing_of_the_call_is_kept(days):
    broker = opened()
    broker.submit([order(0, "KO", 10)], decided(0))
    for day in range(1, days + 1):
        broker.observe(market(day, [10.0, 150.0, 50.0]))
    other = order(days, "GE", 1)
    with pytest.raises(IntegrityError, match="quantity 10 and now 11"):
        broker.submit([other, order(0, "KO", 11)], decided(days))
    assert broker.statuses([other.client_order_id]) == []
    [kept] = broker.statuses([order(0, "KO", 10).client_order_id])
    assert kept.order.quantity == 10
    with pytest.raises(IntegrityError, match="session"):
        broker.submit([replace(order(0, "KO", 10), session=date(2021, 1, 4))], decided(days))


def test_the_same_session_again_changes_nothing_and_an_older_one_is_refused():
    broker = opened()
    broker.submit([order(0, "KO", 10)], decided(0))
    broker.observe(market(1, [10.0, 150.0, 50.0]))
    before = broker.account()
    broker.observe(market(1, [99.0, 99.0, 99.0]))
    assert broker.account() == before
    with pytest.raises(IntegrityError, match="2020-01-02 was observed after 2020-01-03"):
        broker.observe(market(0, [10.0, 150.0, 50.0]))
    assert broker.account() == before


def test_orders_for_a_session_that_is_over_or_left_out_trade_nothing():
    broker = opened()
    broker.observe(market(1, [10.0, 150.0, 50.0]))
    [late] = broker.submit([order(0, "KO", 10)], decided(1))
    assert (late.state, late.filled) == (OrderState.REJECTED, 0)
    assert late.reason == "session 2020-01-03 is over: 2020-01-03 has been observed"
    [early] = broker.submit([order(1, "KO", 10)], decided(1))
    [waits] = broker.submit([order(1, "GE", 10, ahead=2)], decided(1))
    broker.observe(market(3, [10.0, 150.0, 50.0]))
    early, waits = broker.statuses([s.order.client_order_id for s in (early, waits)])
    assert (early.state, early.reason) == (
        OrderState.CANCELLED,
        "its session was never observed: 2020-01-05 came first",
    )
    assert waits.state is OrderState.FILLED
    assert broker.positions() == {"GE": 10}


def test_an_order_for_no_share_is_rejected():
    [status] = opened().submit([order(0, "KO", 0)], decided(0))
    assert (status.state, status.reason) == (
        OrderState.REJECTED,
        "an order is for at least one share",
    )


def test_a_holding_without_a_price_keeps_its_mark():
    broker = opened()
    broker.submit([order(0, "KO", 10)], decided(0))
    broker.observe(market(1, [10.0, 150.0, 50.0]))
    broker.observe(market(2, [10.0, 150.0, np.nan]))
    assert broker.account().equity == 100_000.0
    broker.observe(market(3, [10.0, 150.0], symbols=("GE", "IBM")))
    assert broker.account().equity == 100_000.0


def test_two_strategies_in_one_symbol_are_two_orders():
    broker = opened()
    broker.submit([order(0, "KO", 10), order(0, "KO", -4, strategy="eu")], decided(0))
    broker.observe(market(1, [10.0, 150.0, 50.0]))
    assert broker.positions() == {"KO": 6}


def test_a_closed_position_is_gone():
    broker = opened()
    broker.submit([order(0, "KO", 10)], decided(0))
    broker.observe(market(1, [10.0, 150.0, 50.0]))
    broker.submit([order(1, "KO", -10)], decided(1))
    broker.observe(market(2, [10.0, 150.0, 60.0]))
    assert broker.positions() == {}
    assert (broker.account().cash_cents, broker.account().equity) == (10_010_000, 100_100.0)


def test_every_state_and_fill_is_kept_with_its_time(tmp_path):
    path = tmp_path / "broker" / "paper.db"
    broker = opened(path)
    broker.submit([order(0, "KO", 500)], decided(0))
    broker.observe(market(1, [10.0, 150.0, 50.0], [1e6, 1e6, 1_000.0]))
    broker.close()
    with closing(sqlite3.connect(path)) as raw:
        states = raw.execute("SELECT step, state, at FROM states ORDER BY step").fetchall()
        fills = raw.execute("SELECT quantity, price FROM fills").fetchall()
    assert [(step, state) for step, state, _ in states] == [
        (0, "NEW"),
        (1, "ACCEPTED"),
        (2, "PARTIALLY_FILLED"),
        (3, "CANCELLED"),
    ]
    assert [at for _, _, at in states] == sorted(at for _, _, at in states)
    assert fills == [(100, 50.0)]


def test_an_order_that_waits_over_a_session_is_there_after_reopening(tmp_path):
    path = tmp_path / "paper.db"
    broker = opened(path)
    broker.submit([order(0, "GE", 3, ahead=2), order(0, "KO", 10)], decided(0))
    broker.observe(market(1, [10.0, 150.0, 50.0]))
    broker.close()
    broker = opened(path)
    broker.observe(market(2, [10.0, 150.0, 50.0]))
    assert broker.positions() == {"GE": 3, "KO": 10}


def test_a_call_that_fails_half_way_is_not_kept_at_all(tmp_path):
    path = tmp_path / "paper.db"
    broker = opened(path)
    [taken] = opened().submit([order(0, "GE", 3)], decided(0))
    with pytest.raises(IntegrityError, match=r"paper\.db contradicts what it was told"):
        broker._file.save(orders=[(1, order(0, "GE", 3))], steps=[(1, 0, taken), (1, 0, taken)])
    broker.close()
    assert opened(path).statuses([order(0, "GE", 3).client_order_id]) == []


def test_an_account_that_is_there_goes_on_with_its_own_cash(tmp_path):
    path = tmp_path / "paper.db"
    opened(path, cash_cents=500).close()
    broker = opened(path, cash_cents=900)
    assert broker.account().cash_cents == 500


def test_one_process_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("shadowbook.adapters.broker.paper_file.PATIENCE_SECONDS", 0.05)
    broker = opened(tmp_path / "paper.db")
    with pytest.raises(TransientError, match=r"paper\.db: another process has"):
        opened(tmp_path / "paper.db")
    broker.close()
    opened(tmp_path / "paper.db").close()


def test_another_file_or_a_damaged_one_is_refused_and_left_alone(tmp_path):
    other, damaged, newer = (tmp_path / name for name in ("other.db", "damaged.db", "newer.db"))
    with closing(sqlite3.connect(other)) as raw:
        raw.execute("CREATE TABLE mine (x)")
    damaged.write_bytes(b"not a database at all" * 100)
    opened(newer).close()
    with closing(sqlite3.connect(newer)) as raw:
        raw.execute("PRAGMA user_version = 2")
    for path in (other, damaged, newer):
        before = path.read_bytes()
        with pytest.raises(PermanentError, match=path.name):
            opened(path)
        # SQLite notes the journal's kind in bytes 18 and 19 of a database's head.
        assert path.read_bytes()[100:] == before[100:]


def test_a_full_disk_changes_nothing(tmp_path):
    broker = opened(tmp_path / "paper.db")
    broker.submit([order(0, "KO", 10)], decided(0))
    broker._file._raw.execute("PRAGMA max_page_count = 1")
    many = [order(0, symbol, 1, strategy=f"s{i}") for i in range(200) for symbol in SYMBOLS]
    with pytest.raises(PermanentError, match="make room"):
        broker.submit(many, decided(0))
    assert broker.statuses([many[0].client_order_id]) == []
    broker._file._raw.execute("PRAGMA max_page_count = 100000")
    assert len(broker.submit(many, decided(0))) == 600
    broker.observe(market(1, [10.0, 150.0, 50.0]))
    assert broker.positions() == {"GE": 200, "IBM": 200, "KO": 210}


# A plan is, for each session: prices, volumes, and the quantities ordered for the next one.
prices = st.just(np.nan) | st.floats(0.5, 500.0)
days = st.tuples(
    st.tuples(prices, prices, prices),
    st.tuples(*[st.just(np.nan) | st.floats(0.0, 5_000.0)] * 3),
    st.lists(
        st.tuples(
            st.sampled_from(SYMBOLS), st.integers(-300, 300).filter(bool), st.text("ab", max_size=2)
        ),
        max_size=5,
        unique_by=lambda item: (item[0], item[2]),
    ),
)
plans = st.lists(days, min_size=1, max_size=6)


def step(broker: PaperBroker, plan, number: int) -> None:
    """Do one call of the plan: odd numbers observe, even ones submit."""
    day, part = divmod(number, 2)
    closes, volumes, wanted = plan[day]
    if part == 0:
        broker.observe(market(day, closes, list(volumes)))
        return
    sent = [order(day, symbol, quantity, strategy) for symbol, quantity, strategy in wanted]
    broker.submit(sent, decided(day))


def history(broker: PaperBroker, plan) -> list:
    keys = [
        order(day, symbol, quantity, strategy).client_order_id
        for day, (_, _, wanted) in enumerate(plan)
        for symbol, quantity, strategy in wanted
    ]
    return [broker.statuses(keys), dict(broker.positions()), broker.account()]


@given(plans)
def test_fills_add_up_to_positions_and_cash_to_the_cent(plan):
    broker = opened(policy=COSTLY)
    for number in range(2 * len(plan)):
        step(broker, plan, number)
    statuses, held, account = history(broker, plan)
    fills = [(status.order.symbol, fill) for status in statuses for fill in status.fills]
    sums = {s: sum(fill.quantity for name, fill in fills if name == s) for s in SYMBOLS}
    assert held == {symbol: total for symbol, total in sums.items() if total}
    spent = [round(fill.quantity * fill.price * 100) + fill.commission_cents for _, fill in fills]
    assert account.cash_cents == 10_000_000 - sum(spent)
    last = {decided(len(plan)).date()}
    open_ = [status for status in statuses if not status.state.final]
    assert {status.order.session for status in open_} <= last


@settings(max_examples=60)
@given(
    plans, st.lists(st.sampled_from(["go", "reopen", "again", "both"]), min_size=12, max_size=12)
)
def test_reopened_and_repeated_calls_give_the_same_history(plan, acts):
    straight = opened(policy=COSTLY)
    for number in range(2 * len(plan)):
        step(straight, plan, number)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "paper.db")
        broker = opened(path, policy=COSTLY, durable=False)
        for number in range(2 * len(plan)):
            step(broker, plan, number)
            if acts[number] in ("reopen", "both"):
                broker.close()
                broker = opened(path, policy=COSTLY, durable=False)
            if acts[number] in ("again", "both"):
                step(broker, plan, number)
        assert history(broker, plan) == history(straight, plan)
        broker.close()
        broker = opened(path, policy=COSTLY, durable=False)
        assert history(broker, plan) == history(straight, plan)
        broker.close()


WORK = """
import sys
from pathlib import Path
from tests.unit.adapters.broker.test_paper import long_run
long_run(Path(sys.argv[1]), announce=True)
"""


def long_run(path: Path, announce: bool = False) -> list:
    """Run 60 sessions, from wherever the file is."""
    rng = np.random.default_rng(3)
    closes = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (60, 3)), axis=0))
    wanted = rng.integers(1, 200, (60, 3, 8)) * rng.choice([-1, 1], (60, 3, 8))
    plan = [
        (
            closes[day],
            (3_000.0, np.nan, 900.0),
            [(s, int(wanted[day, i, k]), f"s{k}") for i, s in enumerate(SYMBOLS) for k in range(8)],
        )
        for day in range(60)
    ]
    broker = opened(path, policy=COSTLY, durable=False)
    done = broker._holdings.session
    start = 0 if done is None else 2 * (done - FIRST).days
    if announce:
        sys.stdout.write("running\n")
        sys.stdout.flush()
    for number in range(start, 120):
        step(broker, plan, number)
    result = history(broker, plan)
    broker.close()
    return result


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_to_the_same_end(tmp_path):
    expected = long_run(tmp_path / "straight.db")
    rng = np.random.default_rng(11)
    kills = 0
    for attempt in range(12):
        path = tmp_path / f"killed{attempt % 4}.db"
        child = subprocess.Popen([sys.executable, "-c", WORK, str(path)], stdout=subprocess.PIPE)
        with child:
            child.stdout.readline()
            try:
                child.wait(timeout=float(rng.uniform(0.0, 0.05)))
            except subprocess.TimeoutExpired:
                os.kill(child.pid, signal.SIGKILL)
                kills += 1
    assert kills >= 6
    for number in range(4):
        assert long_run(tmp_path / f"killed{number}.db") == expected


def test_splits_and_dividends_change_each_strategys_shares_as_its_book_does():
    """Three for two of an odd number: rounded for each strategy, not for their sum."""
    broker = opened()
    broker.submit([order(0, "IBM", 101), order(0, "IBM", 33, strategy="eu")], decided(0))
    broker.observe(market(1, [10.0, 100.0, 50.0]))
    cash = broker.account().cash_cents
    broker.observe(replace(market(2, [10.0, 50.0, 50.0]), actions=np.array([1.0, 1.5, 1.0])))
    assert broker.positions() == {"IBM": 151 + 49}
    # Half a share each, at 50.
    assert broker.account().cash_cents == cash + 2 * 2_500
    broker.observe(replace(market(3, [10.0, 49.0, 50.0]), actions=np.array([1.0, 1.01, 1.0])))
    assert broker.positions() == {"IBM": 200}
    paid = round(151 * 0.01 * 49.0 * 100) + round(49 * 0.01 * 49.0 * 100)
    assert broker.account().cash_cents == cash + 5_000 + paid
