import math
from dataclasses import replace

import numpy as np
import pytest

from shadowbook.core.diagnosis.context import Context
from shadowbook.core.diagnosis.decay import DecayPolicy, assess
from shadowbook.core.diagnosis.findings import Mechanism
from shadowbook.core.track import Backtest, LiveRecord

POLICY = DecayPolicy()


def record(signal, coefficients, first="2015-01-01"):
    days = np.datetime64(first) + np.arange(len(signal))
    flat = np.zeros(len(signal))
    ones = np.ones(len(signal), dtype=np.int64)
    return LiveRecord(
        "weekly", "champion", days, ones, signal, signal, flat, flat, flat, coefficients, flat
    )


def backtest_of(signal, coefficients):
    days = np.datetime64("2005-01-01") + np.arange(len(signal))
    flat = np.zeros(len(signal))
    return Backtest(days, signal, signal, signal, flat, coefficients, 0.8 * coefficients)


def draw(rng, n, edge):
    """Returns and coefficients that share their luck; an edge of 1 is 1.6 a year."""
    luck = rng.normal(size=n)
    own = rng.normal(size=n)
    coefficients = 0.06 * edge + 0.2 * luck
    return 0.001 * edge + 0.01 * (0.7 * luck + math.sqrt(0.51) * own), coefficients


def test_a_lost_edge_is_decay_and_a_kept_one_is_not():
    rng = np.random.default_rng(1)
    before = backtest_of(*draw(rng, 2000, 1.0))
    lost = assess(before, record(*draw(rng, 252, 0.0)), Context.unknown(), POLICY)
    assert lost.decayed is True
    assert lost.p_value < 0.01
    assert {w.mechanism for w in lost.mechanisms} == set(Mechanism)
    kept = assess(before, record(*draw(rng, 252, 1.0)), Context.unknown(), POLICY)
    assert kept.decayed is False
    assert kept.mechanisms == ()
    assert kept.p_value > 0.05


def test_two_looks_together_keep_the_size():
    rng = np.random.default_rng(2)
    called = [
        assess(
            backtest_of(*draw(rng, 1500, 1.0)),
            record(*draw(rng, 252, 1.0)),
            Context.unknown(),
            POLICY,
        ).p_value
        <= 0.05
        for _ in range(200)
    ]
    assert 0.01 <= np.mean(called) <= 0.09


def test_live_that_is_too_short_says_how_long_it_must_be():
    rng = np.random.default_rng(3)
    before = backtest_of(*draw(rng, 2000, 1.0))
    few = assess(before, record(*draw(rng, 62, 0.0)), Context.unknown(), POLICY)
    assert few.decayed is None
    assert math.isnan(few.p_value)
    assert few.reasons == ("62 live sessions are too few to compare: 63 are needed",)
    weak = backtest_of(*draw(rng, 2000, 0.6))
    unsure = assess(weak, record(*draw(rng, 63, 0.6)), Context.unknown(), POLICY)
    assert unsure.decayed is None
    assert unsure.p_value > 0.05
    assert "63 live sessions could not show even a complete loss" in unsure.reasons[-1]


def test_a_backtest_without_an_edge_can_never_show_its_loss():
    rng = np.random.default_rng(4)
    nothing = assess(
        backtest_of(*draw(rng, 500, 0.0)),
        record(*draw(rng, 252, 0.0)),
        Context.unknown(),
        POLICY,
    )
    assert nothing.decayed is None
    assert "no length of live could show" in nothing.reasons[-1]


def test_series_that_do_not_vary_cannot_be_compared():
    flat = np.zeros(500)
    found = assess(
        backtest_of(flat, np.full(500, np.nan)),
        record(flat[:100], np.full(100, np.nan)),
        Context.unknown(),
        POLICY,
    )
    assert found.decayed is None
    assert "neither" in found.reasons[0]


def test_execution_is_no_decay():
    rng = np.random.default_rng(5)
    before = backtest_of(*draw(rng, 2000, 1.0))
    live = record(*draw(rng, 252, 1.0))
    dear = LiveRecord(**{**vars(live), "net": live.net - 0.01, "execution": live.net * 0 - 0.01})
    assert assess(before, dear, Context.unknown(), POLICY) == assess(
        before, live, Context.unknown(), POLICY
    )
    assert assess(before, live, Context.unknown(), POLICY).p_value == pytest.approx(
        assess(before, dear, Context.unknown(), POLICY).p_value
    )


def noise_tried(rng, n_tried=60, n_sessions=1500):
    return {f"rule {k}": rng.normal(0.0, 0.01, n_sessions) for k in range(n_tried)}


def lucky(rng):
    """The best of many noise rules, and coefficients that agree with its luck."""
    tried = noise_tried(rng)
    best = tried[max(tried, key=lambda name: tried[name].mean())]
    coefficients = 3.0 * best + 0.2 * rng.normal(size=len(best))
    return replace(backtest_of(best, coefficients), candidates=tried)


def test_the_best_of_many_noise_rules_is_called_luck_where_live_shows_no_edge():
    luck = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        nothing = record(rng.normal(0.0, 0.01, 126), rng.normal(0.0, 0.2, 126))
        found = assess(lucky(rng), nothing, Context.unknown(), POLICY)
        if found.baseless:
            luck.append(found)
    assert len(luck) >= 5
    for found in luck:
        assert found.decayed is None
        assert found.most_consistent_with is Mechanism.OVERFITTING
        assert "nothing says that there was an edge to lose" in found.reasons[-1]


def test_a_live_edge_is_never_called_luck():
    rng = np.random.default_rng(12)
    before = lucky(rng)
    edge = record(rng.normal(0.003, 0.01, 126), rng.normal(0.1, 0.2, 126))
    assert not assess(before, edge, Context.unknown(), POLICY).baseless


def test_an_edge_beyond_luck_is_not_called_luck_by_a_short_live():
    rng = np.random.default_rng(13)
    signal, coefficients = draw(rng, 1500, 1.5)
    before = replace(
        backtest_of(signal, coefficients), candidates={**noise_tried(rng), "chosen": signal}
    )
    live = record(rng.normal(0.0, 0.01, 63), rng.normal(0.0, 0.2, 63))
    assert not assess(before, live, Context.unknown(), POLICY).baseless
