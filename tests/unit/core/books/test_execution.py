"""What an auction gives for an order, checked by hand and by property."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.books.execution import (
    ExecutionPolicy,
    SessionMarket,
    cash_cents,
    execute,
    settle_delisting,
)
from shadowbook.errors import SchemaError

NAN, INF = np.nan, np.inf


def market(closes, volumes=None, volatilities=None, opens=None, last_prices=None, symbols=None):
    count = len(closes)
    unknown = [NAN] * count
    return SessionMarket(
        session=date(2020, 1, 3),
        as_of=datetime(2020, 1, 3, 21, 15, tzinfo=UTC),
        symbols=symbols or tuple(f"S{i:02}" for i in range(count)),
        closes=np.array(closes, dtype=float),
        opens=np.array(opens or unknown, dtype=float),
        volumes=np.array(volumes or unknown, dtype=float),
        volatilities=np.array(volatilities or unknown, dtype=float),
        last_prices=np.array(last_prices or closes, dtype=float),
        opened_at=datetime(2020, 1, 3, 14, 30, tzinfo=UTC),
        closed_at=datetime(2020, 1, 3, 21, 0, tzinfo=UTC),
    )


def traded(quantities, where, policy=None):
    return execute(np.array(quantities), where, policy or ExecutionPolicy())


def test_a_buyer_pays_the_half_spread_and_a_seller_too():
    done = traded([100, -100], market([100.0, 100.0]))
    assert done.filled.tolist() == [100, -100]
    assert done.prices.tolist() == [100.05, 99.95]
    assert done.references.tolist() == [100.0, 100.0]
    assert done.commission_cents.tolist() == [0, 0]


def test_a_price_that_is_on_a_tick_stays_there():
    # 17.6 x 1.0005 = 17.6088 and 68.6 x 0.9995 = 68.5657, where floats lie a tick beyond.
    assert np.ceil(17.6 * 1.0005 * 10_000.0) == 176_089.0
    assert traded([1, -1], market([17.6, 68.6])).prices.tolist() == [17.6088, 68.5657]


def test_a_price_between_two_ticks_is_the_one_worse_for_the_trader():
    # 10.01 x 1.0005 = 10.015005 and 10.01 x 0.9995 = 10.004995
    assert traded([1, -1], market([10.01, 10.01])).prices.tolist() == [10.0151, 10.0049]


def test_impact_grows_with_the_square_root_of_participation():
    # 0.5 x 0.02 x sqrt(100 / 10,000) = 0.001, and with four times the shares 0.002.
    where = market([100.0, 100.0, 100.0], [10_000.0] * 3, [0.02] * 3)
    done = traded([100, 400, -400], where, ExecutionPolicy(half_spread_bps=0.0))
    assert done.prices.tolist() == [100.1, 100.2, 99.8]


def test_an_order_over_the_cap_is_filled_in_part_and_pays_for_that_part():
    where = market([100.0, 100.0], [1_000.0, 1_000.0], [0.02, 0.02])
    done = traded([500, -100], where, ExecutionPolicy(half_spread_bps=0.0))
    assert done.filled.tolist() == [100, -100]
    # 0.5 x 0.02 x sqrt(0.1) = 0.0031623
    assert done.prices.tolist() == [100.3163, 99.6837]


def test_where_volume_is_unknown_there_is_no_cap_and_no_impact():
    done = traded([10**9], market([100.0], volatilities=[0.02]))
    assert (done.filled[0], done.prices[0]) == (10**9, 100.05)


def test_where_volatility_is_unknown_there_is_a_cap_and_no_impact():
    done = traded([500], market([100.0], [1_000.0]))
    assert (done.filled[0], done.prices[0]) == (100, 100.05)


@pytest.mark.parametrize("volume", [0.0, 9.0])
def test_no_whole_share_within_the_cap_fills_nothing(volume):
    done = traded([5], market([100.0], [volume], [0.02]))
    assert done.filled[0] == 0
    assert np.isnan(done.prices[0])
    assert done.references[0] == 100.0


@pytest.mark.parametrize("price", [NAN, 0.0, -1.0, INF])
def test_nothing_is_traded_without_a_price(price):
    done = traded([5, -5], market([price, price]))
    assert done.filled.tolist() == [0, 0]
    assert np.isnan(done.prices).all()
    assert np.isnan(done.references).all()
    assert done.commission_cents.tolist() == [0, 0]


def test_the_policy_names_the_auction():
    where = market([100.0], opens=[90.0])
    policy = ExecutionPolicy(at="next_open", half_spread_bps=0.0)
    assert traded([1], where, policy).prices[0] == 90.0
    assert (policy.kind, ExecutionPolicy().kind) == ("market_on_open", "market_on_close")


def test_commission_is_on_the_traded_amount_in_whole_cents():
    # 10 x 100.05 = 1,000.50; 3 bps of it = 0.30015
    done = traded([10], market([100.0]), ExecutionPolicy(commission_bps=3.0))
    assert done.commission_cents.tolist() == [30]


def test_a_sale_is_never_below_a_tick():
    dear = ExecutionPolicy(half_spread_bps=1_000.0, impact_coefficient=10.0)
    done = traded([-100], market([0.0001], [1_000.0], [5.0]), dear)
    assert (done.filled[0], done.prices[0]) == (-100, 0.0001)


def test_a_delisted_holding_is_closed_at_its_last_price_without_costs():
    where = market([NAN, NAN, NAN], last_prices=[12.345678, NAN, 7.0])
    done = settle_delisting(np.array([-7, 7, 0]), where)
    assert done.filled.tolist() == [-7, 0, 0]
    assert done.prices[0] == done.references[0] == 12.345678
    assert np.isnan(done.prices[1:]).all()
    assert done.commission_cents.tolist() == [0, 0, 0]


def test_cash_of_trades_by_hand():
    # 3 x 10.005 = 30.015 -> 3,002 cents (3,001.5 to the even one) and 1 commission
    cents = cash_cents(np.array([3, -100, 0]), np.array([10.005, 150.0, NAN]), np.array([1, 0, 0]))
    assert cents.tolist() == [-3003, 1_500_000, 0]


orders = st.lists(
    st.tuples(
        st.integers(-100_000, 100_000),
        st.sampled_from([NAN, 0.0, 0.0001, 0.05, 1.0]) | st.floats(0.01, 50_000.0),
        st.sampled_from([NAN, 0.0]) | st.floats(1.0, 1e9),
        st.just(NAN) | st.floats(0.0, 3.0),
    ),
    min_size=1,
    max_size=30,
)
policies = st.builds(
    ExecutionPolicy,
    half_spread_bps=st.floats(0, 100),
    impact_coefficient=st.floats(0, 2),
    max_participation=st.floats(0.01, 1),
    commission_bps=st.floats(0, 50),
)


@given(orders, policies)
def test_no_order_trades_more_than_asked_or_allowed_or_better_than_the_auction(rows, policy):
    quantities, closes, volumes, volatilities = (list(column) for column in zip(*rows, strict=True))
    done = traded(quantities, market(closes, volumes, volatilities), policy)
    for i, quantity in enumerate(quantities):
        filled, price = int(done.filled[i]), float(done.prices[i])
        assert abs(filled) <= abs(quantity)
        assert filled * quantity >= 0
        if not np.isnan(volumes[i]):
            assert abs(filled) <= policy.max_participation * volumes[i]
        assert (filled != 0) == bool(price > 0.0)
        if filled:
            assert closes[i] > 0.0
            slack = 1e-12 * closes[i]
            better = closes[i] - price if filled > 0 else price - closes[i]
            # A seller below a tick is lifted to it: the exchange's own least price.
            assert better <= slack or (filled < 0 and price == 0.0001)
            assert price == round(price, 4)
        assert done.commission_cents[i] >= 0


@given(orders, policies, st.randoms())
def test_an_order_gets_the_same_bits_in_whichever_company(rows, policy, random):
    quantities, closes, volumes, volatilities = (list(column) for column in zip(*rows, strict=True))
    where = market(closes, volumes, volatilities)
    together = traded(quantities, where, policy)
    places = random.choices(range(len(rows)), k=2 * len(rows))
    mixed = execute(np.array([quantities[i] for i in places]), where, policy, np.array(places))
    alone = [
        execute(np.array([quantities[i]]), where, policy, np.array([i])) for i in range(len(rows))
    ]
    for name in ("filled", "prices", "references", "commission_cents"):
        whole = getattr(together, name)
        assert whole[places].tobytes() == getattr(mixed, name).tobytes()
        assert whole.tobytes() == np.concatenate([getattr(one, name) for one in alone]).tobytes()


def test_a_market_that_rows_could_not_rely_on_is_refused():
    with pytest.raises(SchemaError, match="sorted"):
        market([1.0, 2.0], symbols=("B", "A"))
    with pytest.raises(SchemaError, match="sorted"):
        market([1.0, 2.0], symbols=("A", "A"))
    with pytest.raises(SchemaError, match="volumes"):
        market([1.0, 2.0], volumes=[1.0])
    with pytest.raises(SchemaError, match="1 quantities came with 2 rows"):
        traded([1], market([1.0, 2.0]))
