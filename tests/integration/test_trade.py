"""A trading day on real vendors: what is done, what is refused, and what is said of it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import date

import pytest
from typer.testing import CliRunner

from shadowbook.adapters.lease import lease
from shadowbook.cli import app
from shadowbook.core.books.orders import OrderState
from shadowbook.errors import IntegrityError, TransientError
from shadowbook.steps.trade import TradeOutcome, trade
from tests.integration.alpaca_server import KEY_ID, SECRET, AlpacaServer, Fault
from tests.integration.trading_places import (
    TRADED,
    opened,
    set_params,
    shadowbook,
    traded,
)

ONE, TWO, THREE = TRADED[:3]
slow = pytest.mark.slow


def day_of(place, day):
    """Trade a day whose data is there, without bringing any in."""
    with opened(place.root) as workspace:
        return trade(workspace, date.fromisoformat(day))


def head(place):
    with opened(place.root) as workspace:
        return workspace.ledger.head()


def said(*words):
    """Exit code and output of a command."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def empty(make_workspace):
    """A workspace in which nothing was run yet; not to be changed."""
    return make_workspace()


@pytest.mark.parametrize(
    ("day", "outcome", "reason"),
    [
        ("2022-12-26", "NO_SESSION", "2022-12-26 is no session of XNYS: nothing is traded"),
        ("2022-12-24", "NO_SESSION", "2022-12-24 is no session of XNYS: nothing is traded"),
    ],
)
def test_a_day_without_a_session_is_refused(empty, day, outcome, reason):
    code, told = said("trade", "--session", day, "--workspace", empty, "--json")
    report = json.loads(told)
    assert code == 3
    assert (report["outcome"], report["reasons"]) == (outcome, [reason])
    assert (report["days"], report["as_of"]) == ([], None)


def test_a_session_that_is_not_over_is_refused(empty, calendar):
    with opened(empty) as workspace:
        today = workspace.clock.now().date()
        ahead = calendar.schedule(today, date(today.year + 1, today.month, 1)).sessions
        # The last one of them may be over, the next one cannot be.
        report = trade(workspace, ahead[2].astype(date))
        assert report.outcome is TradeOutcome.NOT_CLOSED
        assert report.halts
        assert f"session {ahead[2]} is decided at" in report.reasons[0]
        assert workspace.ledger.head() == (0, "")


def test_a_ledger_without_events_verifies(empty):
    assert said("ledger", "verify", "--workspace", empty) == (
        0,
        "the ledger is empty: nothing was traded yet\n",
    )


@pytest.fixture(scope="module")
def second(trading, tmp_path_factory):
    """Data of two sessions, the first one traded; not to be changed."""
    place = trading.copy(tmp_path_factory.mktemp("second") / "ws")
    traded(place.root, ONE)
    place.extend(TWO)
    return place


@pytest.fixture
def ready(second, tmp_path):
    """A copy of ``second``: the session TWO is to be traded."""
    return second.copy(tmp_path / "ready")


@pytest.fixture(scope="module")
def third(second, tmp_path_factory):
    """Two sessions traded, so that something is held; data of the third. Not to be changed."""
    place = second.copy(tmp_path_factory.mktemp("third") / "ws")
    day_of(place, TWO)
    place.extend(THREE)
    return place


@slow
def test_without_a_champion_of_that_time_nothing_is_traded(trading):
    before = head(trading)
    # The session before the one that the champions were trained as of.
    report = day_of(trading, "2022-12-02")
    assert report.outcome is TradeOutcome.NO_CHAMPION
    assert report.reasons == tuple(
        f"{name} has no champion trained as of 2022-12-02 or before: run `shadowbook run --as-of "
        "2022-12-02` first"
        for name in ("weekly", "fortnightly")
    )
    assert head(trading) == before == (0, "")


@slow
def test_a_tampered_model_is_refused_and_nothing_recorded(ready):
    before = head(ready)
    with opened(ready.root) as workspace:
        file = workspace.models.model_file("weekly", 2)
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(IntegrityError, match=r"version 2|model"):
        day_of(ready, TWO)
    assert head(ready) == before


@slow
def test_a_day_is_traded_once(ready):
    first = day_of(ready, TWO)
    assert (first.outcome, len(first.days)) == (TradeOutcome.TRADED, 3)
    before = head(ready)
    again = day_of(ready, TWO)
    assert again.outcome is TradeOutcome.ALREADY_TRADED
    assert (again.days, again.orders, again.halts) == ((), first.orders, False)
    assert head(ready) == before
    earlier = day_of(ready, ONE)
    assert earlier.outcome is TradeOutcome.ALREADY_TRADED
    assert head(ready) == before
    with opened(ready.root) as workspace:
        kept = [record.as_of.date().isoformat() for record in workspace.models.records("trade")]
    assert sorted(kept) == [ONE, TWO]


@slow
def test_stale_features_are_not_traded_on(trading, tmp_path):
    place = trading.copy(tmp_path / "ws")
    traded(place.root, ONE)
    place.accept(TWO)
    report = day_of(place, TWO)
    assert report.outcome is TradeOutcome.TRADED
    for day in report.days:
        assert day.outcome.value == "HELD"
        assert day.reasons[-1] == f"there are no features of session {TWO}"
        # What was ordered the session before is filled, and wanted on.
        assert len(day.traded) > 3
    assert not [d for d in report.days if d.quantities.sum() == 0]


@slow
def test_a_session_left_out_is_gone_through_without_deciding(second, tmp_path):
    place = second.copy(tmp_path / "ws")
    place.extend(THREE)
    report = day_of(place, THREE)
    assert report.outcome is TradeOutcome.TRADED
    missed, now = report.days[:3], report.days[3:]
    assert {str(day.session) for day in missed} == {TWO}
    assert {str(day.session) for day in now} == {THREE}
    for day in missed:
        assert day.outcome.value == "HELD"
        assert f"session {TWO} was not traded in time, so nothing was decided" in day.reasons
        assert day.traded
    with opened(place.root) as workspace:
        fills = workspace.ledger.frame("fills", book="champion")
        orders = workspace.ledger.order_statuses("weekly", "champion", date.fromisoformat(TWO))
    # What it wanted and did not get goes on being ordered.
    assert sorted({str(day.date()) for day in fills["session"]}) == [TWO, THREE]
    assert orders
    assert all(status.state.final for status in orders)
    assert any(status.state is OrderState.FILLED for status in orders)


@slow
def test_a_gate_that_says_no_stops_the_day(second, tmp_path):
    place = second.copy(tmp_path / "ws")
    bars = place.bars()
    bars = bars[(bars["session"] < THREE) | (bars["symbol"] == bars["symbol"].min())]
    place.say(bars)
    day_of(place, TWO)
    before = head(place)
    code, told = said("trade", "--session", THREE, "--workspace", place.root, "--json")
    report = json.loads(told)
    assert (code, report["outcome"]) == (3, "GATE_SAID_NO")
    assert report["reasons"]
    assert head(place) == before


@slow
def test_ledger_and_broker_that_differ_halt_the_day(third, tmp_path):
    place = third.copy(tmp_path / "ws")
    before = head(place)
    for file in (place.root / "ledger").glob("broker.db*"):
        file.unlink()
    done = shadowbook(place.root, "trade", "--session", THREE)
    told = " ".join(done.stdout.split())
    assert done.returncode == 3, done.stderr
    assert told.startswith(f"HALTED {THREE} ")
    assert "ledger and broker hold different positions, so nothing is traded" in told
    assert "shares in the ledger, 0 at the broker" in told
    assert head(place) == before
    with opened(place.root) as workspace:
        # Not even what was decided before the difference was found.
        waiting = [one.order.client_order_id for one in workspace.ledger.open_orders()]
        assert waiting
        assert workspace.broker.statuses(waiting) == []


@slow
def test_another_process_that_has_the_workspace_is_named(ready):
    before = head(ready)
    with lease(ready.root / ".shadowbook" / "lease", "trade"):
        done = shadowbook(ready.root, "trade", "--session", TWO)
    assert done.returncode == 1
    assert "is held by process" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert head(ready) == before


@slow
def test_the_manifest_leads_to_what_was_traded_on_and_the_ledger_verifies(third, tmp_path):
    place = third.copy(tmp_path / "ws")
    done = shadowbook(place.root, "trade", "--session", THREE, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["outcome"] == "TRADED"
    run = report["kept"]["run_id"]
    with opened(place.root) as workspace:
        manifest = workspace.models.manifest(run)
        events, last = workspace.ledger.head()
        *_, before, told_of = workspace.ledger.events()
    # The manifest names the ledger's last event; the one after it names the manifest.
    assert manifest["ledger"] == {"events": events - 1, "head": before.hash}
    assert (told_of.event.kind, told_of.event.body["run_id"]) == ("manifest", run)
    assert {(one["strategy"], one["book"]) for one in manifest["books"]} == {
        ("weekly", "champion"),
        ("weekly", "shadow/2"),
        ("fortnightly", "champion"),
    }
    code, told = said("show", run, "--workspace", place.root)
    assert code == 0
    for name in ("trade", "features", "gate", "ingest"):
        assert name in told
    assert said("ledger", "verify", "--workspace", place.root) == (
        0,
        f"WHOLE: {events:,} events, the last one {last}\n",
    )
    with closing(sqlite3.connect(place.root / "ledger" / "ledger.db")) as raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type='trigger'"):
            raw.execute(f"DROP TRIGGER {trigger}")
        raw.execute(
            "UPDATE fills SET price = price * 1.01 WHERE price = (SELECT max(price) FROM fills)"
        )
        raw.commit()
    code, told = said("ledger", "verify", "--workspace", place.root)
    assert code == 3
    assert told.startswith("BROKEN at event ")
    assert "fills has a row that was altered after it was recorded" in told
    code, told = said("ledger", "verify", "--workspace", place.root, "--json")
    assert (code, json.loads(told)["broken"]["kind"]) == (3, "session")


@pytest.fixture
def exchange(trading, tmp_path, monkeypatch):
    """A workspace whose broker is a server, and the server."""
    monkeypatch.setenv("SHADOWBOOK_BROKER_KEY", KEY_ID)
    monkeypatch.setenv("SHADOWBOOK_BROKER_SECRET", SECRET)
    with AlpacaServer(date.fromisoformat(TWO)) as server:
        place = trading.copy(tmp_path / "ws")
        patience = {"timeout_seconds": 5.0, "attempts": 2, "backoff_seconds": 0.0}
        broker = {"kind": "alpaca", "base_url": server.url, "connection": patience}
        set_params(place.root, {"broker": broker})
        yield place, server


def fill_all(server, prices):
    """Let the auction happen: every order is filled at the close."""
    for key, order in server.orders.items():
        if order["status"] == "accepted":
            server.fill(key, int(order["qty"]), f"{prices[order['symbol']]:.2f}")


@slow
def test_over_http_a_crash_before_sending_is_repaired_and_doubles_nothing(exchange):
    place, server = exchange
    place.extend(ONE)
    # The broker takes a few orders, then cannot be reached: the ledger has the session already.
    server.faults.extend([Fault.NONE] * 4 + [Fault.CUT_BEFORE] * 40)
    with pytest.raises(TransientError):
        day_of(place, ONE)
    server.faults.clear()
    recorded, n_taken = head(place), len(server.taken)
    assert recorded[0] > 0
    again = day_of(place, ONE)
    assert again.outcome is TradeOutcome.ALREADY_TRADED
    with opened(place.root) as workspace:
        new = list(workspace.ledger.events())[recorded[0] :]
        assert workspace.ledger.frame("outcomes")["accepted_at"].notna().all()
    *accepted, last = [stored.event.kind for stored in new]
    assert (set(accepted), last) == ({"statuses"}, "manifest")
    assert 0 < n_taken < len(server.taken) == again.orders
    assert len(server.taken) == len(set(server.taken))


@slow
def test_days_over_http_fill_and_reconcile(exchange):
    place, server = exchange
    traded(place.root, ONE)
    bars = place.bars()
    closes = bars[bars["session"] == TWO].set_index("symbol")["close"]
    fill_all(server, closes)
    server.next_session = date.fromisoformat(THREE)
    report = traded(place.root, TWO)
    assert report.outcome is TradeOutcome.TRADED
    champions = [day for day in report.days if day.book == "champion"]
    together: dict[str, int] = {}
    for day in champions:
        assert len(day.traded) > 3
        assert {one.price for one in day.traded} <= {round(price, 2) for price in closes}
        for symbol, shares in zip(day.symbols, day.quantities.tolist(), strict=True):
            together[symbol] = together.get(symbol, 0) + shares
    with opened(place.root) as workspace:
        held = {symbol: shares for symbol, shares in together.items() if shares}
        assert dict(workspace.broker.positions()) == held
        assert workspace.ledger.verify() is None
    assert len(server.taken) == len(set(server.taken))
    # A share that nobody bought here is found before anything is sent.
    server.held[champions[0].symbols[0]] += 1
    before = len(server.taken)
    place.extend(THREE)
    assert day_of(place, THREE).outcome is TradeOutcome.HALTED
    assert len(server.taken) == before
