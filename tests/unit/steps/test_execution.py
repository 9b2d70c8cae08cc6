"""Sheets, accounts and execution of books that went through a made-up market."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from shadowbook.adapters.broker.paper import PaperBroker
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.orders import OrderState
from shadowbook.core.books.view import view_of
from shadowbook.core.performance.accounts import ACCOUNTS, asked_beyond_band
from shadowbook.core.performance.execution import columns_quality
from shadowbook.core.values import Panel
from shadowbook.settings import parse_settings
from shadowbook.steps.book_sheets import sheets
from shadowbook.steps.desk import Desk, Lineup, Ratings
from shadowbook.steps.execution import accounts_of, orders_of
from shadowbook.steps.given import Given

SETTINGS = parse_settings(
    "seed: 1\nlearning: {candidates: {m: {kind: ridge}}}\n"
    "execution: {half_spread_bps: 8.0, commission_bps: 1.0, max_participation: 0.02}\n"
    "strategies: {weekly: {horizon: 5}, monthly: {horizon: 21}}\n"
)
BANDS = {name: SETTINGS.strategy(name).portfolio.no_trade_band for name in SETTINGS.strategies}
ZONE = "America/New_York"
COUNT, NAMES = 40, tuple(f"S{i}" for i in range(6))
START = np.datetime64("2020-01-06", "D")


def market():
    """Random walks; S0 is split two for one, S1 pays, S2 has no price for two sessions."""
    rng = np.random.default_rng(4)
    worth = 40.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (COUNT, 6)), axis=0))
    shares = np.ones((COUNT, 6))
    shares[27:, 0] *= 2.0
    shares[20:, 1] *= 1.01
    closes = np.round(worth / shares, 4)
    closes[28:30, 2] = np.nan
    days = START + np.arange(COUNT)
    volumes = np.full((COUNT, 6), 1e7)
    volumes[22:24] = 3e3  # So few that orders are filled in part.
    fields = {"close": closes, "adjusted_close": closes * shares / shares[-1], "volume": volumes}
    decided = days.astype("datetime64[us]") + np.timedelta64(21 * 60 + 15, "m")
    return Panel(days, NAMES, fields, {}, decided)


def trade(ledger, count=COUNT, acceptances=False):
    """Take a champion and a shadow book of both strategies through the market."""
    panel, rng = market(), np.random.default_rng(9)
    broker = PaperBroker(None, SETTINGS.execution, 1, 10**10)
    desk = Desk(ledger, broker, SETTINGS)
    for row in range(count):
        day: date = panel.sessions[row].astype(date)
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        hours = (at + timedelta(hours=14, minutes=30), at + timedelta(hours=21))
        view = view_of(panel, row, panel.symbols, 63, hours)
        # A refused session keeps what there is.
        refusal = "the gate said no" if row == 33 else ""
        given = Given(NAMES, ("f",), rng.normal(size=(6, 1)), ("close",), np.ones((6, 1)), refusal)
        ratings = {}
        for strategy in SETTINGS.strategies:
            scores = {version: rng.normal(size=6) for version in (1, 2)}
            ratings[strategy] = Ratings(Lineup(1, (2,)), given, scores)
        desk.session(view, ratings, day + timedelta(days=1), at + timedelta(hours=21, minutes=15))
        if acceptances:
            told = [status.order.client_order_id for status in ledger.open_orders()]
            ledger.record_statuses(broker.statuses(told))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    path = tmp_path_factory.mktemp("books") / "ledger.db"
    opened = Ledger(f"sqlite:///{path}", durable=False, simulation=True)
    trade(opened, acceptances=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def laid_out(ledger):
    return {(one.strategy, one.book): one for one in sheets(ledger, BANDS)}


def test_every_book_has_a_sheet(laid_out):
    assert set(laid_out) == {
        (strategy, book) for strategy in BANDS for book in ("champion", "shadow/2")
    }
    sheet = laid_out["weekly", "champion"]
    assert (len(sheet.sessions), sheet.symbols) == (COUNT, NAMES)
    assert sheet.sessions[0] == START


def test_the_ledger_s_rows_come_back_where_they_belong(ledger, laid_out):
    sheet = laid_out["weekly", "champion"]
    rows = ledger.frame("positions", "weekly", "champion")
    for session, symbol, quantity, mark in rows[
        ["session", "symbol", "quantity", "mark"]
    ].itertuples(index=False):
        at = int((np.datetime64(session, "D") - START).astype(int)), NAMES.index(symbol)
        assert (sheet.rows.held[at], sheet.rows.marks[at]) == (quantity, mark)
    assert np.abs(sheet.rows.held).sum() == rows["quantity"].abs().sum()
    # The refused session decided nothing, and wants what it holds.
    assert (sheet.rows.ideal[33] == sheet.rows.held[33]).all()
    orders = ledger.frame("orders", "weekly", "champion")
    assert (
        np.abs(sheet.rows.asked).sum()
        == orders["quantity"].abs()[orders["session"] < np.datetime64(START + COUNT)].sum()
    )


def test_a_split_and_a_dividend_are_read_off_what_they_did(laid_out):
    rows = laid_out["weekly", "champion"].rows
    assert rows.splits[27, 0] == pytest.approx(2.0, abs=1e-3)
    assert rows.factors[20, 1] == pytest.approx(1.01, abs=1e-5)
    assert (rows.splits[20] == 1.0).all()


@pytest.mark.parametrize("book", ["champion", "shadow/2"])
@pytest.mark.parametrize("strategy", ["weekly", "monthly"])
def test_the_accounts_of_a_book_add_up_and_leave_cents(laid_out, strategy, book):
    sheet = laid_out[strategy, book]
    found = accounts_of(sheet, SETTINGS.execution.half_spread_bps)
    total = np.sum([getattr(found, name) for name in ACCOUNTS], axis=0)
    np.testing.assert_allclose(total[1:], (sheet.rows.net - sheet.rows.signal)[1:], atol=1e-9)
    assert np.abs(found.rounding[1:]).max() < 1e-7
    for name in ("latency", "missed_fills", "band", "spread", "fees"):
        assert np.abs(getattr(found, name)[1:]).max() > 1e-6, name
    assert (found.spread[1:] <= 0.0).all()


def test_a_shadow_book_asked_for_what_a_champion_would_have(ledger):
    """Of the champion's own rows, without its orders, its orders are found again."""
    with_orders = sheets(ledger, BANDS, "weekly", "champion")[0].rows
    asked = asked_beyond_band(replace(with_orders, asked=with_orders.asked * 0), BANDS["weekly"])
    np.testing.assert_array_equal(asked, with_orders.asked)


def test_orders_are_measured_against_their_marks(ledger, laid_out):
    orders, sessions = orders_of(ledger, BANDS, ZONE, "weekly")
    assert sessions.min() == START + 1
    assert set(orders.groups["symbol"].names) == set(NAMES)
    found = columns_quality(orders)
    # Half the spread of 8 basis points, impact and a tick.
    assert 8.0 < found.total.slippage_bps < 12.0
    assert found.total.effective_spread_bps == pytest.approx(2.0 * found.total.slippage_bps)
    assert found.total.explicit_bps == pytest.approx(1.0 * found.total.fill_ratio, abs=0.02)
    assert 0.8 < found.total.fill_ratio < 1.0
    assert list(found.by["hour"]) == ["16"]
    sheet = laid_out["weekly", "champion"]
    rows = np.searchsorted(sheet.sessions, sessions)
    columns = [NAMES.index(orders.groups["symbol"].names[i]) for i in orders.groups["symbol"].codes]
    np.testing.assert_array_equal(orders.decision_prices, sheet.rows.marks[rows - 1, columns])


def test_prices_over_a_split_are_unknown(ledger):
    orders, sessions = orders_of(ledger, BANDS, ZONE)
    symbol = orders.groups["symbol"]
    over = (sessions == START + 27) & (symbol.codes == symbol.names.index("S0"))
    assert over.any()
    assert np.isnan(orders.closing_prices[over]).all()
    assert (orders.filled[over] == 0.0).all()


def test_latency_is_from_sending_to_acceptance(ledger):
    orders, _ = orders_of(ledger, BANDS, ZONE)
    found = columns_quality(orders).total.latency_seconds
    assert 0.02 < found[50] < 0.1
    assert found[50] < found[95] < found[99] < 0.5


def test_only_orders_of_the_sessions_that_were_named(ledger):
    days = (date(2020, 1, 10), date(2020, 1, 12))
    _, sessions = orders_of(ledger, BANDS, ZONE, None, days)
    assert set(sessions.astype(date)) == {date(2020, 1, 10), date(2020, 1, 11), date(2020, 1, 12)}


def test_outcomes_are_those_of_the_orders_one_by_one(ledger):
    told = ledger.frame("outcomes", "weekly", "champion")
    day = date(2020, 1, 6) + timedelta(days=23)
    mine = told[told["session"] == np.datetime64(day)].set_index("symbol")
    statuses = ledger.order_statuses("weekly", "champion", day)
    assert len(statuses) == len(mine) > 0
    assert {status.state for status in statuses} >= {OrderState.CANCELLED}
    for status in statuses:
        row = mine.loc[status.order.symbol]
        assert (row["state"], row["filled"]) == (status.state.value, status.filled)
        if status.fills:
            assert row["price"] == pytest.approx(status.fills[0].price, rel=1e-12)
            assert row["filled_at"] == status.fills[0].at
        assert row["as_of"] == status.order.as_of
        assert row["accepted_at"] > row["sent_at"]


def test_without_acceptances_on_record_the_latency_is_unknown(tmp_path):
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}", durable=False, simulation=True)
    trade(opened, count=5)
    orders, _ = orders_of(opened, BANDS, ZONE)
    assert math.isnan(columns_quality(orders).total.latency_seconds[50])
    opened.close()
