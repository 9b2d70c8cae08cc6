"""Spreads and clocks of a tape, by hand."""

import math

import numpy as np
import pytest

from shadowbook.core.performance.spreads import arrival_middles, spreads_of
from shadowbook.core.performance.tapes import Quotes, Trades, clocks_of

START = 1_723_161_240_000_000_000  # 2024-08-08 23:54:00 UTC
MS = 1_000_000


def quotes(*rows, late=0):
    """Rows of exchange ms, bid, ask; ``late`` ms later here."""
    table = np.array(rows, dtype=float).reshape(len(rows), 3)
    times = START + table[:, 0].astype(np.int64) * MS
    ones = np.ones(len(rows))
    return Quotes(times, times + late * MS, table[:, 1], ones, table[:, 2], 2.0 * ones)


def trades(*rows, late=0):
    """Rows of exchange ms, price, size, sign."""
    table = np.array(rows, dtype=float).reshape(len(rows), 4)
    times = START + table[:, 0].astype(np.int64) * MS
    return Trades(times, times + late * MS, table[:, 1], table[:, 2], table[:, 3])


TAPE = quotes((0, 99.0, 101.0), (500, 99.5, 101.5), (1_000, 100.0, 102.0), (70_000, 98.0, 100.0))


def test_one_purchase_by_hand():
    # The middle before is 100, a second later 101 (the quote of ms 1,000), a minute later as well.
    found = spreads_of(TAPE, trades((400, 101.0, 2.0, 1.0))).by_notional
    assert (found.trades, found.notional) == (1, 202.0)
    assert found.quoted == pytest.approx(200.0)
    assert found.effective == pytest.approx(200.0)
    assert found.impact == pytest.approx({1: 200.0, 5: 200.0, 60: 200.0})
    assert found.realized == pytest.approx({1: 0.0, 5: 0.0, 60: 0.0})


def test_a_sale_at_the_bid_pays_what_a_purchase_at_the_ask_does():
    found = spreads_of(TAPE, trades((400, 99.0, 2.0, -1.0))).by_notional
    assert found.effective == pytest.approx(200.0)
    assert found.impact[1] == pytest.approx(-200.0)
    assert found.realized[1] == pytest.approx(400.0)


def test_a_quote_of_the_same_millisecond_is_not_before_the_trade():
    found = spreads_of(TAPE, trades((500, 101.0, 1.0, 1.0))).by_count
    assert found.effective == pytest.approx(2e4 * 1.0 / 100.0)


def test_a_trade_counts_for_a_horizon_only_where_the_quotes_reach():
    found = spreads_of(TAPE, trades((69_500, 102.0, 1.0, 1.0))).by_count
    assert math.isnan(found.realized[1])
    assert math.isnan(found.impact[60])
    assert found.effective == pytest.approx(2e4 * 1.0 / 101.0)


def test_weights_hours_and_minutes():
    tape = trades((400, 101.0, 3.0, 1.0), (2_000, 101.0, 1.0, 1.0), (61_000, 102.0, 1.0, 1.0))
    found = spreads_of(TAPE, tape)
    effective = [200.0, 0.0, 2e4 / 101.0]
    assert found.by_count.effective == pytest.approx(np.mean(effective))
    expected = np.average(effective, weights=[303.0, 101.0, 102.0])
    assert found.by_notional.effective == pytest.approx(expected)
    assert list(found.hours) == ["2024-08-08 23:00"]
    assert list(found.minutes) == ["2024-08-08 23:54", "2024-08-08 23:55"]
    assert found.minutes["2024-08-08 23:55"].effective == pytest.approx(2e4 / 101.0)


def test_effective_is_realized_and_impact():
    rng = np.random.default_rng(1)
    times = np.sort(rng.integers(0, 100_000, 400))
    bids = 100.0 + rng.normal(size=400).cumsum() * 0.01
    tape = quotes(*zip(times, bids, bids + 0.02, strict=True))
    at = np.sort(rng.integers(1_000, 30_000, 50))
    signs = rng.choice([-1.0, 1.0], 50)
    traded = trades(*zip(at, 100.0 + signs * 0.01, rng.uniform(1, 5, 50), signs, strict=True))
    found = spreads_of(tape, traded).by_notional
    for horizon in (1, 5, 60):
        assert found.effective == pytest.approx(found.realized[horizon] + found.impact[horizon])


def test_trades_without_a_usable_quote_are_left_out_and_counted():
    crossed = quotes((0, 101.0, 99.0), (1_000, 99.0, 101.0), (9_000, 99.0, 101.0))
    tape = trades((0, 100.0, 1.0, 1.0), (500, 100.0, 1.0, 1.0), (1_500, 101.0, 1.0, 1.0),
                  (1_600, 101.0, 0.0, 1.0))  # fmt: skip
    found = spreads_of(crossed, tape)
    assert (found.unmatched, found.by_count.trades) == (3, 1)
    assert found.by_count.effective == pytest.approx(200.0)


def test_the_middle_at_arrival_is_the_last_quote_at_or_before():
    moments = START + np.array([-1, 0, 500, 999, 80_000]) * MS
    found = arrival_middles(TAPE, moments)
    assert math.isnan(found[0])
    assert found[1:].tolist() == [100.0, 100.5, 100.5, 99.0]


def test_clocks_that_agree_say_nothing():
    found = clocks_of(quotes((0, 99.0, 101.0), (5, 99.0, 101.5), late=2),
                      trades((3, 101.0, 1.0, 1.0), late=2))  # fmt: skip
    assert found.findings == ()
    assert found.quotes.offset_median == pytest.approx(0.002)
    assert found.offset_between == 0.0


def test_a_local_clock_that_runs_behind_is_told():
    found = clocks_of(quotes((0, 99.0, 101.0), late=-1_270), trades((3, 101.0, 1.0, 1.0), late=1))
    assert found.quotes.offset_lowest == pytest.approx(-1.27)
    assert found.findings[0].startswith("quotes came in up to 1.270 s before they were made")


def test_a_trade_that_came_after_a_later_quote_is_told():
    tape = quotes((0, 99.0, 101.0), (10, 99.0, 101.0), late=1)
    found = clocks_of(tape, trades((5, 101.0, 1.0, 1.0), (30, 101.0, 1.0, 1.0), late=8))
    assert found.overtaken == 0.5
    assert found.offset_between == pytest.approx(0.007)
    assert found.findings == (
        "50.00% of the trades came in after a quote that was made later (median offsets differ by "
        "7.0 ms): the streams are not ordered with each other on the local clock, so they are "
        "matched on the exchange's",
    )


def test_trades_long_after_the_last_quote_are_told():
    tape = quotes((0, 99.0, 101.0), late=2)
    near, far = (60_000, 101.0, 1.0, 1.0), (60_001, 101.0, 1.0, 1.0)
    assert clocks_of(tape, trades(near, late=2)).findings == ()
    found = clocks_of(tape, trades(near, far, far, late=2))
    assert found.stale == 2
    assert found.findings[-1].startswith("2 trades are over a minute later than the last quote")


def test_rows_that_are_wrong_are_counted():
    tape = quotes((0, 101.0, 99.0), (9, 99.0, 99.0), (4, 99.0, 101.0), (4, 99.0, 101.0))
    traded = trades((0, 100.0, -1.0, 1.0), (6, -5.0, 1.0, 1.0))
    found = clocks_of(tape, traded)
    assert (found.crossed, found.locked, found.bad_sizes, found.bad_prices) == (1, 1, 1, 1)
    assert (found.quotes.duplicates, found.trades.duplicates) == (1, 0)
    assert found.quotes.exchange_disorder == pytest.approx(1 / 3)
    assert found.before_first_quote == 1
    assert len(found.findings) >= 7
