"""Books going through sessions: a week worked by hand, and what holds whatever happens."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowbook.core.books.accounts import cash_of
from shadowbook.core.books.auction import run_auction, take_in
from shadowbook.core.books.construction import sleeve
from shadowbook.core.books.day import BookOutcome, Traded
from shadowbook.core.books.execution import ExecutionPolicy
from shadowbook.core.books.orders import Order
from shadowbook.core.books.running import RunningBook, Wanted
from shadowbook.core.books.states import client_order_id
from shadowbook.core.books.view import Scored
from shadowbook.core.learning.portfolio import run_book

NAN = np.nan
SEEDS = st.integers(0, 2**32 - 1)
FREE = ExecutionPolicy(half_spread_bps=0.0, impact_coefficient=0.0, max_participation=1.0)


def walk(book, panel, scores, look, names=None, restored=False):
    """Take a book through a panel; ``names`` None: only what it must know."""
    days = []
    for row in range(len(panel.sessions)):
        rated = {s for s, x in zip(panel.symbols, scores[row], strict=True) if np.isfinite(x)}
        view = look(panel, row, names or rated | book.names)
        said = dict(zip(panel.symbols, scores[row], strict=True))
        mine = np.array([said.get(symbol, NAN) for symbol in view.symbols])
        days.append(book.step(view, Scored(1, mine), "inputs"))
        if restored:
            book = RunningBook(book.strategy, book.book, book.policy, book.state)
    return days


def bits(day, symbols=None):
    """Everything of a day to the last bit; of the given symbols only."""
    found = {}
    for field in fields(day):
        value = getattr(day, field.name)
        if isinstance(value, np.ndarray):
            kept = [(s, v.tobytes()) for s, v in zip(day.symbols, value, strict=True)]
            value = [one for one in kept if symbols is None or one[0] in symbols]
        elif isinstance(value, float):
            value = np.float64(value).tobytes()
        if field.name not in ("symbols", "book"):
            found[field.name] = value
    return found


@pytest.fixture(scope="module")
def week(panel_of, look, policy_of):
    """Five days of the table in docs/books.md."""
    closes = {
        "A": [100.0, 102.0, 51.0, 50.0, 49.0],
        "B": [50.0, 50.0, NAN, 48.0, 47.0],
        "C": [20.0, 21.0, 20.0, 19.2, 20.0],
    }
    # A is split two for one on day 3 and pays 1.00 a share on day 4: 51 becomes 50 and 1.
    adjusted = closes | {"A": [100 * 25 / 51, 102 * 25 / 51, 50.0, 50.0, 49.0]}
    panel = panel_of(closes, adjusted_close=adjusted)
    scores = np.array([[3, 2, 1], [3, 1, 2], [2, NAN, 3], [NAN, NAN, NAN], [1, 2, 3]], dtype=float)
    book = RunningBook("weekly", "shadow/1", policy_of(min_rated_share=0.6))
    return walk(book, panel, scores, look, names=panel.symbols)


def test_the_week_of_the_document_to_the_cent(week):
    assert [day.cash_cents for day in week] == [1_000_000, 1_013_965, 513_465, 1_032_375, 1_032_375]
    assert [day.quantities.tolist() for day in week] == [
        [0, 0, 0],
        [50, 0, -250],
        [100, 0, 0],
        [-100, 0, 255],
        [-100, 0, 255],
    ]
    assert [day.ideal.tolist() for day in week] == [
        [50, 0, -250],
        [48, -99, 0],
        [-100, 0, 255],
        [-100, 0, 255],
        [-107, 0, 263],
    ]
    assert [day.equity for day in week] == [10_000.0, 9_989.65, 10_234.65, 10_219.75, 10_523.75]


def test_the_week_of_the_document_where_its_return_came_from(week):
    before = np.array([10_000.0, 9_989.65, 10_234.65, 10_219.75])
    expected = {
        "net": [-10.35, 245.0, -14.90, 304.0],
        "signal": [-150.0, 0.0, -204.0, 304.0],
        "execution": [150.0, 250.0, 203.996, 0.0],
        "cost": [-10.35, -5.0, -14.896, 0.0],
        "turnover": [5105.10 + 5244.75, 5005.0, 9990.0 + 4900.896, 0.0],
    }
    for name, money in expected.items():
        found = [getattr(day, name) for day in week]
        assert np.isnan(found[0])
        np.testing.assert_allclose(found[1:], np.array(money) / before, rtol=0, atol=1e-12)


def test_the_week_of_the_document_what_came_of_it(week):
    assert [day.outcome.value for day in week] == ["TRADED", "TRADED", "TRADED", "HELD", "TRADED"]
    assert week[3].reasons == ("0 symbols are rated, 2 are needed",)
    assert week[2].traded == (
        Traded("A", "split", 0, 50, 0.0, 0.0, 0),
        Traded("C", "rebalance", 0, 250, 20.02, 20.0, 0),
    )
    assert week[3].traded[0] == Traded("A", "dividend", 0, 0, 0.0, 0.0, -10_000)
    assert week[2].unpriced.tolist() == [0, 1, 0]
    assert week[2].marks.tolist() == [51.0, 50.0, 20.0]


POLICIES = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["long_short", "long_only"]),
        "n_sleeves": st.sampled_from([1, 3]),
        "fraction": st.sampled_from([0.2, 0.5, 1.0]),
        "max_gross": st.sampled_from([0.5, 1.0, 2.0]),
        "max_net": st.sampled_from([0.05, 1.0]),
        "max_position": st.sampled_from([0.15, 1.0]),
        "volatility_target": st.sampled_from([None, 0.1]),
        "no_trade_band": st.sampled_from([0.0, 0.02]),
        "delist_after_sessions": st.sampled_from([1, 3]),
        "execution": st.sampled_from(
            [ExecutionPolicy(), ExecutionPolicy(at="next_open", commission_bps=3.0)]
        ),
    }
)


@given(seed=SEEDS, policy=POLICIES)
@settings(max_examples=60)
def test_the_books_of_any_session_balance(seed, policy, random_market, look, policy_of):
    panel, scores = random_market(seed)
    book = RunningBook("s", "shadow/1", policy_of(**policy))
    held, cash, equity, marks, ideal = {}, 1_000_000, 10_000.0, {}, {}
    for day in walk(book, panel, scores, look, names=panel.symbols):
        moved = dict.fromkeys(day.symbols, 0)
        for one in day.traded:
            moved[one.symbol] += one.quantity
        now = dict(zip(day.symbols, day.quantities.tolist(), strict=True))
        at = dict(zip(day.symbols, day.marks.tolist(), strict=True))
        assert now == {s: held.get(s, 0) + moved[s] for s in day.symbols}
        cash += sum(cash_of(one) for one in day.traded)
        assert day.cash_cents == cash
        worth = cash / 100 + sum(quantity * at[s] for s, quantity in now.items() if quantity)
        assert day.equity == pytest.approx(worth, rel=1e-12)
        if marks and equity > 0.0:
            assert day.net == pytest.approx(day.equity / equity - 1.0, abs=1e-12)
            assert day.net == pytest.approx(day.signal + day.execution + day.cost, abs=1e-15)
            factors = dict(zip(panel.symbols, factors_of(panel, day), strict=True))
            waited = sum(
                (held.get(s, 0) - ideal.get(s, 0)) * (factors[s] * at[s] - marks[s])
                for s in held | ideal
                if held.get(s, 0) or ideal.get(s, 0)
            )
            fills = [one for one in day.traded if one.purpose not in ("split", "dividend")]
            late = sum(one.quantity * (at[one.symbol] - one.reference) for one in fills)
            rounding = 0.005 * (len(day.traded) + 1)
            assert abs(day.execution * equity - waited - late) <= rounding
        held, equity, marks = now, day.equity, at
        ideal = dict(zip(day.symbols, day.ideal.tolist(), strict=True))


def factors_of(panel, day):
    """What a share became since the last session with a price, symbol by symbol, in plain loops."""
    row = int(np.flatnonzero(panel.sessions == np.datetime64(day.session))[0])
    closes, adjusted = panel.fields["close"], panel.fields["adjusted_close"]
    for i in range(len(panel.symbols)):
        known = [r for r in range(row) if closes[r, i] > 0.0]
        if not known or not closes[row, i] > 0.0:
            yield 1.0
            continue
        was = known[-1]
        yield adjusted[row, i] / adjusted[was, i] / (closes[row, i] / closes[was, i])


@given(seed=SEEDS, policy=POLICIES)
@settings(max_examples=40)
def test_nothing_trades_without_a_price_and_limits_hold(
    seed, policy, random_market, look, policy_of
):
    panel, scores = random_market(seed)
    rules = policy_of(**policy)
    limits = rules.portfolio
    field = "close" if rules.execution.at == "next_close" else "open"
    last, silent = {}, {}
    for row, day in enumerate(
        walk(RunningBook("s", "shadow/1", rules), panel, scores, look, names=panel.symbols)
    ):
        closes = dict(zip(panel.symbols, panel.fields["close"][row], strict=True))
        auction = dict(zip(panel.symbols, panel.fields[field][row], strict=True))
        last |= {s: x for s, x in closes.items() if x > 0.0}
        for one in day.traded:
            if one.purpose == "delisting":
                assert one.price == one.reference == last[one.symbol]
                assert silent[one.symbol] >= limits.delist_after_sessions
            elif one.purpose == "rebalance":
                assert one.reference == auction[one.symbol]
            else:
                assert closes[one.symbol] > 0.0
        silent = dict(zip(day.symbols, day.unpriced.tolist(), strict=True))
        if np.isnan(day.targets).all():
            continue
        assert np.abs(day.targets).sum() <= limits.max_gross * (1 + 1e-9)
        assert abs(day.targets.sum()) <= limits.max_net * (1 + 1e-8)
        assert np.abs(day.targets).max() <= limits.max_position * (1 + 1e-9)
        assert not day.targets[~(panel.fields["close"][row] > 0.0)].any()
        if limits.kind == "long_only":
            assert (day.targets >= 0.0).all()


@given(seed=SEEDS, policy=POLICIES)
@settings(max_examples=40)
def test_restored_or_in_company_a_book_is_the_same(seed, policy, random_market, look, policy_of):
    panel, scores = random_market(seed)
    rules = policy_of(**policy)
    alone = walk(RunningBook("s", "shadow/1", rules), panel, scores, look)
    again = walk(RunningBook("s", "shadow/1", rules), panel, scores, look, restored=True)
    assert [bits(day) for day in alone] == [bits(day) for day in again]
    wide = walk(
        RunningBook("s", "shadow/1", rules), panel, scores, look, names=(*panel.symbols, "X", "A")
    )
    for narrow, broad in zip(alone, wide, strict=True):
        assert bits(narrow) == bits(broad, narrow.symbols)
        others = [i for i, s in enumerate(broad.symbols) if s not in narrow.symbols]
        assert not broad.quantities[others].any()
        assert not broad.ideal[others].any()


@given(seed=SEEDS, policy=POLICIES)
@settings(max_examples=25)
def test_a_champion_fed_by_the_auction_is_its_shadow(seed, policy, random_market, look, policy_of):
    panel, scores = random_market(seed)
    rules = policy_of(**policy)
    shadow = walk(RunningBook("s", "shadow/1", rules), panel, scores, look, names=panel.symbols)
    champion, waiting = RunningBook("s", "champion", rules), []
    for row, expected in enumerate(shadow):
        view = look(panel, row)
        settled = [steps[-1] for steps in run_auction(waiting, view.market, rules.execution)]
        fills = [
            Traded(
                status.order.symbol,
                status.order.purpose,
                fill.sequence,
                fill.quantity,
                fill.price,
                fill.reference,
                fill.commission_cents,
            )
            for status in settled
            for fill in status.fills
        ]
        assert all(status.state.final for status in settled)
        day = champion.step(view, Scored(1, scores[row]), "inputs", fills)
        assert bits(day) == bits(expected)
        waiting = [ordered(one, view, rules.execution.kind) for one in champion.wanted()]


def ordered(one, view, kind):
    key = client_order_id("s", "champion", view.as_of, one.symbol, one.purpose)
    session = view.session
    order = Order(
        key, "s", "champion", view.as_of, one.symbol, one.purpose, one.quantity, kind, session
    )
    return take_in(order, view.as_of, view.as_of - view.as_of)[1]


@pytest.fixture(scope="module")
def long_history(panel_of):
    """300 sessions of 8 names without holes; each opens where it closed the session before."""
    rng = np.random.default_rng(5)
    closes = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (300, 8)), axis=0))
    opens = np.vstack([closes[:1], closes[:-1]])
    symbols = [f"S{i}" for i in range(8)]
    by_symbol = [dict(zip(symbols, table.T, strict=True)) for table in (closes, opens)]
    return panel_of(by_symbol[0], open=by_symbol[1]), rng.normal(size=(300, 8))


def free(book_policy, at):
    return book_policy(
        capital_cents=10**16,
        n_sleeves=4,
        execution=FREE.model_copy(update={"at": at}),
        volatility_target=None,
    )


def test_the_book_earns_what_the_evaluation_says(long_history, look, policy_of):
    """Filled at the price decided on, it is learning's book of the same sleeves, made apart."""
    panel, scores = long_history
    rules = free(policy_of, "next_open")
    days = walk(RunningBook("s", "shadow/1", rules), panel, scores, look, names=panel.symbols)
    targets = np.array([sleeve(row, rules.portfolio) for row in scores])
    expected = run_book(targets, panel.prices, horizon=4, execution_lag=0, cost_bps=0.0)
    # Prices are whole ticks and shares are whole: 1e14 of them come to less than 1e-6.
    np.testing.assert_allclose([d.net for d in days][1:], expected.gross[1:], atol=3e-6)
    np.testing.assert_allclose([d.signal for d in days][1:], expected.gross[1:], atol=1e-10)


def test_a_session_later_it_earns_what_the_drifted_weights_do(long_history, look, policy_of):
    """At the next close: the same sleeves, one session later, as its prices moved them."""
    panel, scores = long_history
    rules = free(policy_of, "next_close")
    days = walk(RunningBook("s", "shadow/1", rules), panel, scores, look, names=panel.symbols)
    targets = np.array([sleeve(row, rules.portfolio) for row in scores])
    now = run_book(targets, panel.prices, horizon=4, execution_lag=0, cost_bps=0.0)
    later = run_book(targets, panel.prices, horizon=4, execution_lag=1, cost_bps=0.0)
    moves = panel.prices[1:] / panel.prices[:-1] - 1.0
    net = np.zeros(300)
    for t in range(2, 300):
        drifted = now.weights[t - 1] * (1.0 + moves[t - 2]) / (1.0 + net[t - 1])
        net[t] = (drifted * moves[t - 1]).sum()
    found = np.array([day.net for day in days])
    np.testing.assert_allclose(found[2:], net[2:], atol=3e-6)
    # The evaluation renews its weights at the trade: the two differ in second order only.
    assert np.abs(found[2:] - later.gross[2:]).max() < 0.002
    assert np.corrcoef(found[2:], later.gross[2:])[0, 1] > 0.995


def flat(panel_of, rows, **closes):
    return panel_of({s: [p] * rows if np.isscalar(p) else p for s, p in closes.items()})


def test_a_short_is_marked_against_the_book(panel_of, look, policy_of, state_of):
    panel = flat(panel_of, 2, A=[150.0, 165.0])
    book = RunningBook("s", "shadow/1", policy_of(capital_cents=10_000_000))
    sold = Traded("A", "rebalance", 0, -100, 150.0, 150.0, 0)
    nothing = Scored(0, np.array([NAN]))
    first = book.step(look(panel, 0), nothing, "", [sold])
    second = book.step(look(panel, 1), nothing, "")
    assert (first.cash_cents, first.equity) == (11_500_000, 100_000.0)
    assert (second.equity, second.net) == (98_500.0, -0.015)


def test_a_refusal_keeps_what_is_held(panel_of, look, policy_of):
    panel = flat(panel_of, 3, A=10.0, B=20.0, C=30.0)
    book = RunningBook("s", "shadow/1", policy_of(min_names=3))
    book.step(look(panel, 0), Scored(1, np.array([1.0, 2.0, 3.0])), "")
    day = book.step(look(panel, 1), Scored(1, np.array([3.0, 2.0, 1.0]), "stale"), "")
    assert (day.outcome, day.reasons) == (BookOutcome.HELD, ("stale",))
    assert np.isnan(day.targets).all()
    assert day.ideal.tolist() == day.quantities.tolist() == [-500, 0, 166]
    assert book.wanted() == []


def test_a_universe_that_shrank_decides_nothing(panel_of, look, policy_of):
    panel = flat(panel_of, 2, A=10.0, B=20.0, C=30.0, D=40.0)
    book = RunningBook("s", "shadow/1", policy_of())
    book.step(look(panel, 0), Scored(1, np.array([1.0, 2.0, 3.0, 4.0])), "")
    day = book.step(look(panel, 1), Scored(1, np.array([1.0, 2.0, 3.0, NAN])), "")
    assert day.reasons == (
        "the universe shrank: 3 symbols are rated, 4 were; at least 80% of them are needed",
    )


def test_a_delisted_holding_is_closed_at_its_last_price(panel_of, look, policy_of):
    panel = flat(panel_of, 6, A=[10.0, 12.0, NAN, NAN, NAN, NAN], B=20.0)
    rules = policy_of(delist_after_sessions=2)
    book = RunningBook("s", "shadow/1", rules)
    book.step(look(panel, 0), Scored(1, np.array([2.0, 1.0])), "")
    for row in (1, 2):
        book.step(look(panel, row), Scored(1, np.array([NAN, NAN])), "")
        assert book.wanted() == []
    book.step(look(panel, 3), Scored(1, np.array([NAN, NAN])), "")
    assert book.wanted() == [Wanted("A", -500, "delisting")]
    day = book.step(look(panel, 4), Scored(1, np.array([NAN, NAN])), "")
    assert day.traded == (Traded("A", "delisting", 0, -500, 12.0, 12.0, 0),)
    assert day.reasons[0] == "A has had no price for 2 sessions: closed at its last, 12"
    assert "A" not in {*book.state.quantities, *book.state.ideal, *book.state.unpriced}


@pytest.mark.parametrize(("band", "traded"), [(0.0099, True), (0.0101, False)])
def test_a_change_within_the_band_is_left_alone(band, traded, policy_of, state_of):
    state = state_of(900_000, {"A": 10}, {"A": 100.0}, ideal={"A": 11})
    book = RunningBook("s", "shadow/1", policy_of(no_trade_band=band), state)
    assert book.wanted() == ([Wanted("A", 1, "rebalance")] if traded else [])


def test_a_position_is_closed_within_the_band(policy_of, state_of):
    state = state_of(900_000, {"A": 1}, {"A": 0.01})
    book = RunningBook("s", "shadow/1", policy_of(no_trade_band=1.0), state)
    assert book.wanted() == [Wanted("A", -1, "rebalance")]


def test_a_holding_without_a_price_is_kept_while_the_rest_is_decided(
    panel_of, look, policy_of, state_of
):
    panel = flat(panel_of, 1, A=[NAN], B=20.0, C=30.0, D=40.0)
    state = state_of(700_000, {"A": 10}, {"A": 300.0})
    book = RunningBook("s", "shadow/1", policy_of(), state)
    day = book.step(look(panel, 0), Scored(1, np.array([NAN, 1.0, 2.0, 3.0])), "")
    assert day.ideal.tolist() == [10, -250, 0, 125]
    assert [one.symbol for one in book.wanted()] == ["B", "D"]


def test_the_net_limit_holds_where_the_longs_have_no_price(panel_of, look, policy_of):
    panel = flat(panel_of, 1, A=10.0, B=20.0, C=[NAN], D=[NAN])
    book = RunningBook("s", "shadow/1", policy_of(max_net=0.1))
    day = book.step(look(panel, 0), Scored(1, np.array([1.0, 2.0, 3.0, 4.0])), "")
    np.testing.assert_allclose(day.targets, [-0.075, -0.025, 0.0, 0.0], atol=1e-15)


@pytest.mark.parametrize("price", [0.0, -5.0, np.inf, NAN])
def test_no_price_is_no_target(price, panel_of, look, policy_of):
    panel = flat(panel_of, 1, A=10.0, B=[price], C=30.0)
    book = RunningBook("s", "shadow/1", policy_of())
    day = book.step(look(panel, 0), Scored(1, np.array([1.0, 3.0, 2.0])), "")
    assert day.targets[1] == 0.0
    assert (day.ideal.tolist(), day.equity) == ([-500, 0, 0], 10_000.0)


@pytest.mark.parametrize("price", [1e-12, 5e-324, 1e9, 1e300])
def test_no_price_makes_up_a_number_of_shares(price, panel_of, look, policy_of):
    panel = flat(panel_of, 2, A=[price, price], B=20.0)
    book = RunningBook("s", "shadow/1", policy_of(capital_cents=10**14))
    day = book.step(look(panel, 0), Scored(1, np.array([2.0, 1.0])), "")
    assert day.ideal.tolist() == [int(min(5e11 / price, 2.0**53)), -25_000_000_000]


@pytest.mark.parametrize("scores", [[NAN] * 3, [np.inf, -np.inf, NAN]])
def test_scores_that_are_no_numbers_decide_nothing(scores, panel_of, look, policy_of):
    panel = flat(panel_of, 1, A=10.0, B=20.0, C=30.0)
    day = RunningBook("s", "b", policy_of()).step(look(panel, 0), Scored(1, np.array(scores)), "")
    assert (day.outcome, day.ideal.tolist()) == (BookOutcome.HELD, [0, 0, 0])


def test_an_empty_session_changes_nothing(panel_of, look, policy_of):
    empty = look(flat(panel_of, 1, A=10.0), 0)
    book = RunningBook("s", "b", policy_of())
    day = book.step(empty, Scored(0, np.array([NAN])), "")
    assert (day.equity, day.reasons) == (10_000.0, ("0 symbols are rated, 2 are needed",))


def test_a_lost_book_closes_what_it_has_and_is_restored_the_same(
    panel_of, look, policy_of, state_of
):
    panel = flat(panel_of, 3, A=[100.0, 100.0, 1.0], B=20.0, C=[NAN, 9.0, 9.0])
    state = state_of(100_000, {"A": -20}, {"A": 40.0})
    live = RunningBook("s", "b", policy_of(n_sleeves=2), state)
    lost = live.step(look(panel, 0), Scored(1, np.array([1.0, 2.0, 3.0])), "", [])
    assert (lost.equity, lost.reasons) == (-1000.0, ("the book has lost all it had: it is closed",))
    assert live.wanted() == [Wanted("A", 20, "rebalance")]
    restored = RunningBook("s", "b", live.policy, live.state)
    # Nobody fills it, and the price comes back: both go on with the same two sleeves.
    for row in (1, 2):
        days = [
            one.step(look(panel, row), Scored(1, np.array([3.0, 1.0, 2.0])), "", [])
            for one in (live, restored)
        ]
        assert bits(days[0]) == bits(days[1])
    assert days[0].equity > 0.0
