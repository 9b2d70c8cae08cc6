"""The gap between backtest and live: planted on real prices, and judged."""

import math
from datetime import UTC, date, datetime

import numpy as np
import pytest

from benchmarks.attribution import FAST, SLOW, planted, run, year_of
from shadowbook.core.bitemporal import as_known
from shadowbook.core.performance.accounts import Accounts
from shadowbook.core.performance.attribution import (
    PARTS,
    AttributionPolicy,
    GapVerdict,
    attribute,
)
from shadowbook.core.performance.gap_series import scale_of
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.errors import SchemaError

COUNT = 504
DAYS = np.datetime64("2020-01-01", "D") + np.arange(COUNT)


@pytest.fixture(scope="module")
def years(recent, calendar):
    """A year of real prices for slow and for fast scores, and a book that goes through it."""
    panel = as_known(
        recent.bars,
        recent.references,
        calendar.schedule(date(2020, 1, 2), date(2022, 12, 28)),
        datetime(2023, 1, 1, tzinfo=UTC),
    )
    found = {known: year_of(panel, np.random.default_rng(5), known) for known in (SLOW, FAST)}
    return {known: (year, run(year)) for known, year in found.items()}


SLOWER = ("fees", "spread", "data")
"""Plants that are planted as others are; all of them in test-ci."""


@pytest.mark.parametrize(
    "plant",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOWER)) for name in PARTS],
)
def test_a_planted_part_is_found_and_the_others_left_alone(years, plant):
    year, plain = years[FAST if plant == "latency" else SLOW]
    truth, found = planted(year, plain, plant, np.random.default_rng(1))
    parts = {part.name: part.value for part in found.parts}
    assert truth > 0.0
    assert parts[plant] == pytest.approx(truth, rel=0.1)
    # Other decisions have other luck while they wait, which is no fault of the plant.
    alone = {name for name in PARTS if name not in (plant, "latency")}
    assert all(abs(parts[name]) < 0.1 * truth for name in alone), parts
    assert found.gap == pytest.approx(math.fsum(parts.values()) + found.unexplained)
    assert abs(found.unexplained) < 0.1 * truth


def parts_of(rng, live_signal=0.0008, ways=-0.0001, **costs):
    """Return a backtest that earns 0.0008 a session for nothing, a live record and its accounts."""
    noise = rng.normal(0.0, 0.004, (2, COUNT))
    noise -= noise.mean(axis=1, keepdims=True)
    noise /= noise.std(axis=1, keepdims=True) / 0.004
    nothing = np.full(COUNT, np.nan)
    promised = 0.0008 + noise[0]
    backtest = Backtest(*(DAYS, promised, promised, promised - 0.0001, nothing, nothing, nothing))
    wiggle = rng.normal(0.0, 0.0001, COUNT)
    wiggle -= wiggle.mean()
    accounts = {name: np.zeros(COUNT) for name in Accounts.__dataclass_fields__}
    accounts |= {"spread": ways + wiggle}
    accounts |= {name: np.full(COUNT, value) for name, value in costs.items()}
    signal = live_signal + noise[1]
    net = signal + sum(accounts.values())
    live = LiveRecord(
        "weekly", "champion", DAYS, np.ones(COUNT, dtype=np.int64), net, signal,
        *(nothing, nothing, nothing, nothing, nothing),
    )  # fmt: skip
    return backtest, live, Accounts(**accounts)


def test_every_part_has_its_own_number():
    rng = np.random.default_rng(0)
    found = attribute(
        *parts_of(rng, live_signal=0.0006, ways=-0.0003, slippage=-0.0001, fees=-0.00005,
                  latency=-0.00002, missed_fills=-0.00004, band=-0.00003),
    )  # fmt: skip
    parts = {part.name: round(part.value / 252.0, 9) for part in found.parts}
    assert math.isnan(parts.pop("data"))
    assert parts == {
        "signal_decay": 0.0002,
        "latency": 0.00002,
        "missed_fills": 0.00004,
        "spread": 0.0002,
        "slippage": 0.0001,
        "fees": 0.00005,
    }
    assert found.expected == pytest.approx(252 * 0.0007)
    assert found.unexplained == pytest.approx(252 * 0.00003)
    assert found.scale == 1.0
    assert any("data was not computed" in reason for reason in found.reasons)


def test_wrong_data_is_told_from_decay_where_somebody_scored_the_right_inputs():
    backtest, live, accounts = parts_of(np.random.default_rng(0), live_signal=-0.0002)
    clean = live.signal + 0.001
    found = attribute(backtest, live, accounts, clean)
    parts = {part.name: part.value / 252.0 for part in found.parts}
    assert parts["data"] == pytest.approx(0.001)
    assert parts["signal_decay"] == pytest.approx(0.0, abs=1e-12)
    assert found.verdict is GapVerdict.DATA


def test_execution_masquerading_as_decay():
    found = attribute(*parts_of(np.random.default_rng(0), slippage=-0.0006))
    assert found.verdict is GapVerdict.EXECUTION
    assert found.verdict.value == "execution masquerading as decay"
    assert any("largest part of execution is slippage, 15.1% a year" in r for r in found.reasons)


def test_decay_is_no_matter_of_execution():
    found = attribute(*parts_of(np.random.default_rng(0), live_signal=-0.0004))
    assert found.verdict is GapVerdict.SIGNAL_DECAY


def test_rounding_of_the_right_inputs_is_no_wrong_data():
    backtest, live, accounts = parts_of(np.random.default_rng(0), live_signal=-0.0004)
    found = attribute(backtest, live, accounts, np.nextafter(live.signal, np.inf))
    assert found.parts[1].value > 0.0
    assert found.verdict is GapVerdict.SIGNAL_DECAY


def test_decay_and_execution_together_are_mixed():
    found = attribute(*parts_of(np.random.default_rng(0), live_signal=-0.0002, slippage=-0.001))
    assert found.verdict is GapVerdict.MIXED


def test_no_gap_where_live_keeps_the_promise():
    found = attribute(*parts_of(np.random.default_rng(0)))
    assert found.verdict is GapVerdict.NO_GAP
    assert found.gap == pytest.approx(0.0, abs=1e-12)


def test_a_gap_that_nothing_explains_is_inconclusive():
    found = attribute(*parts_of(np.random.default_rng(0), band=-0.0012))
    assert found.verdict is GapVerdict.INCONCLUSIVE
    assert found.unexplained == pytest.approx(found.gap)
    assert any("remain unexplained" in reason for reason in found.reasons)


def test_without_enough_sessions_nothing_is_told():
    found = attribute(
        *parts_of(np.random.default_rng(0)), policy=AttributionPolicy(min_sessions=505)
    )
    assert found.verdict is GapVerdict.NOT_COMPUTABLE
    assert math.isnan(found.gap)
    assert found.reasons == (
        "504 live sessions and 504 of the backtest are known, 505 of each are needed",
    )


def test_a_signal_that_never_moves_cannot_be_scaled():
    backtest, live, accounts = parts_of(np.random.default_rng(0))
    flat = Backtest(**vars(backtest) | {"signal": np.full(COUNT, 0.1)})
    found = attribute(flat, live, accounts)
    assert found.verdict is GapVerdict.NOT_COMPUTABLE
    assert "no volatility to scale by" in found.reasons[0]


def test_a_book_of_half_the_size_promises_half():
    rng = np.random.default_rng(2)
    returns = rng.normal(0.0, 0.01, 1000)
    assert scale_of(0.5 * returns, returns) == pytest.approx(0.5, rel=0.02)
    assert scale_of(returns[:500], returns[500:]) == 1.0


def test_series_of_another_length_are_refused():
    backtest, live, accounts = parts_of(np.random.default_rng(0))
    with pytest.raises(SchemaError, match="one number for each of 504 live sessions"):
        attribute(backtest, live, accounts, np.zeros(3))
