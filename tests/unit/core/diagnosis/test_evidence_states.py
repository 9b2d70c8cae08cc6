import dataclasses

import numpy as np
import pytest
from scipy.special import ndtr

from shadowbook.core.diagnosis.context import Context
from shadowbook.core.diagnosis.evidence_backtest import backtest_pieces
from shadowbook.core.diagnosis.evidence_states import (
    aligned,
    high_volatility,
    rising,
    state_piece,
    strongest_state,
)
from shadowbook.core.diagnosis.findings import Mechanism
from shadowbook.core.diagnosis.mechanisms import most_consistent_with, weigh
from shadowbook.core.stats.deflation import deflated_distance
from shadowbook.core.stats.overfitting import probability_of_backtest_overfitting
from shadowbook.core.track import Backtest, LiveRecord

N, LIVE = 2000, 252
DAYS = np.datetime64("2005-01-01") + np.arange(N + LIVE)
WILD = np.r_[(np.arange(N) // 250) % 2 == 1, np.ones(LIVE, dtype=bool)]
"""Half of the backtest and all of live."""


def market(seed):
    draws = np.random.default_rng(1_000 + seed).normal(0.0, 1.0, N + LIVE)
    return draws * np.where(WILD, 0.02, 0.005)


def record(returns, coefficients, trials=None):
    """Cut returns and coefficients at the launch; no costs."""
    flat, rows = np.zeros(N + LIVE), slice(N, None)
    backtest = Backtest(
        DAYS[:N],
        returns[:N],
        returns[:N],
        returns[:N],
        flat[:N],
        coefficients[:N],
        0.8 * coefficients[:N],
        {**(trials or {}), "chosen": returns[:N]},
    )
    live = LiveRecord(
        "weekly",
        "champion",
        DAYS[rows],
        np.ones(LIVE, dtype=np.int64),
        returns[rows],
        returns[rows],
        flat[rows],
        flat[rows],
        flat[rows],
        coefficients[rows],
        0.8 * coefficients[rows],
    )
    return backtest, live


def noise(rng, n=100):
    return {f"rule {k}": rng.normal(0.0, 0.01, N) for k in range(n)}


def calm_edge(seed, edge):
    """An edge that only calm markets pay, after a hundred trials."""
    rng = np.random.default_rng(seed)
    context = Context(DAYS, market(seed))
    paid = edge * (high_volatility(context.market_returns) == 0.0)
    luck = rng.normal(size=N + LIVE)
    returns = 0.02 * paid + 0.01 * (0.7 * luck + 0.7 * rng.normal(size=N + LIVE))
    return *record(returns, paid + 0.2 * luck, noise(rng)), context


def luck_of(backtest, live, context):
    """Deflated ratio and probability of overfitting, with and without the states."""
    state = strongest_state(backtest, live, context)
    return backtest_pieces(backtest, live, context, state)[:2], backtest_pieces(
        backtest, live, context, None
    )[:2]


def test_a_state_by_hand():
    """Coefficients of 0.1 and 0.3 in turn where calm, of -0.1 and 0.1 where volatile."""
    context = Context(DAYS, market(1))
    volatile = high_volatility(context.market_returns)
    coefficients = np.where(volatile == 1.0, 0.0, 0.2) + np.where(
        np.arange(N + LIVE) % 2, 0.1, -0.1
    )
    backtest, live = record(coefficients, coefficients)
    state = strongest_state(backtest, live, context)
    assert (state.name, state.opposite, state.better_name) == ("volatile", "calm", "calm")
    known = np.isfinite(volatile[:N])
    share, live_share = volatile[:N][known].mean(), volatile[N:].mean()
    assert state.shares == (pytest.approx(share), pytest.approx(live_share))
    on, off = (coefficients[:N][volatile[:N] == side].mean() for side in (1.0, 0.0))
    overall = coefficients[:N][known].mean()
    promised = (live_share * on + (1.0 - live_share) * off) / overall
    assert state.promised == pytest.approx(promised, abs=1e-12)
    assert state.distance < -5.0
    assert state.tells
    np.testing.assert_array_equal(state.better, volatile[:N] == 0.0)


def test_no_state_without_a_market_or_with_a_short_live():
    backtest, live, context = calm_edge(2, 0.1)
    assert strongest_state(backtest, live, Context.unknown()) is None
    short = dataclasses.replace(live, information_coefficient=np.full(LIVE, np.nan))
    assert strongest_state(backtest, short, context) is None
    unknown = state_piece(backtest, live, None)
    assert unknown.likelihoods == {}
    assert "not known" in unknown.sentence


def test_states_that_do_not_matter_seldom_tell():
    told = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        coefficients = 0.05 + 0.2 * rng.normal(size=N + LIVE)
        state = strongest_state(*record(coefficients, coefficients), Context(DAYS, market(seed)))
        told.append(state.tells)
    assert sum(told) <= 4  # 1 % of them by the test's level


def test_luck_is_judged_within_the_state_that_pays():
    backtest, live, context = calm_edge(3, 0.09)
    (deflated, overfitting), (overall, _) = luck_of(backtest, live, context)
    calm = high_volatility(context.market_returns)[:N] == 0.0
    trials = np.column_stack([backtest.candidates[name] for name in sorted(backtest.candidates)])
    distance, _ = deflated_distance(backtest.net[calm], trials[calm], looks=4)
    assert deflated.value == pytest.approx(float(ndtr(distance)), abs=1e-12)
    assert overfitting.value == probability_of_backtest_overfitting(trials[calm])
    assert deflated.sentence.endswith(", in calm markets, where the backtest pays")
    assert overfitting.sentence.endswith(", in calm markets, where the backtest pays")
    assert "markets" not in overall.sentence


def test_an_edge_of_one_state_is_less_like_luck_within_it():
    """Eight draws, of which luck may turn two."""
    within, likelier, called = 0, 0, []
    for seed in range(1, 9):
        case = calm_edge(seed, 0.09)
        (deflated, overfitting), (overall, overall_overfitting) = luck_of(*case)
        within += deflated.value > overall.value
        likelier += overfitting.value < overall_overfitting.value
        called.append(most_consistent_with(weigh(*case), 1.0))
    assert within >= 6
    assert likelier >= 6
    assert called.count(Mechanism.REGIME_CHANGE) >= 7


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_state_found_by_luck_stays_luck(seed):
    """Scores know more in calm markets, but returns there are the best of a hundred noise rules."""
    rng = np.random.default_rng(seed)
    context = Context(DAYS, market(seed))
    calm = high_volatility(context.market_returns) == 0.0
    rules = rng.normal(0.0, 0.01, (100, N + LIVE))
    best = rules[np.argmax(rules[:, :N][:, calm[:N]].mean(axis=1))]
    coefficients = np.where(calm, 0.06, 0.0) + 0.2 * rng.normal(size=N + LIVE)
    trials = {f"rule {k}": rule[:N] for k, rule in enumerate(rules)}
    backtest, live = record(best, coefficients, trials)
    assert strongest_state(backtest, live, context).tells
    deflated = luck_of(backtest, live, context)[0][0]
    assert "in calm markets" in deflated.sentence
    assert deflated.value < 0.6
    weight = deflated.likelihoods[Mechanism.OVERFITTING]
    assert weight > 2.0 * deflated.likelihoods[Mechanism.REGIME_CHANGE]


def test_states_of_the_market_by_hand():
    calm_then_wild = np.r_[np.tile([0.001, -0.001], 50), np.tile([0.03, -0.03], 50)]
    state = high_volatility(calm_then_wild)
    assert np.isnan(state[:20]).all()
    assert state[21:99].max() == 0.0
    assert state[125:].min() == 1.0
    up = rising(np.r_[np.full(150, 0.01), np.full(150, -0.01)])
    assert np.isnan(up[:126]).all()
    assert up[149] == 1.0
    assert up[299] == 0.0


def test_aligned_leaves_out_what_is_not_there():
    days = np.array(["2020-01-02", "2020-01-06"], dtype="datetime64[D]")
    asked = np.array(["2020-01-01", "2020-01-06", "2020-01-07"], dtype="datetime64[D]")
    found = aligned(asked, days, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(found, [np.nan, 2.0, np.nan])
