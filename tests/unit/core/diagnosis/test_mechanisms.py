import dataclasses
import math

import numpy as np
import pytest

from shadowbook.core.diagnosis.context import Context
from shadowbook.core.diagnosis.evidence_states import high_volatility
from shadowbook.core.diagnosis.findings import Mechanism, Weighed
from shadowbook.core.diagnosis.mechanisms import most_consistent_with, weigh
from shadowbook.core.track import Backtest, LiveRecord

N, LIVE = 2000, 504


def series(rng, edges, memory_of_signal=0.8):
    luck = rng.normal(size=len(edges))
    coefficients = edges + 0.2 * luck
    returns = 0.03 * edges + 0.01 * (0.7 * luck + 0.7 * rng.normal(size=len(edges)))
    lagged = memory_of_signal * edges + 0.2 * rng.normal(size=len(edges))
    return returns, coefficients, lagged


def made(rng, edges, candidates=None, memory=0.8, market=None):
    days = np.datetime64("2005-01-01") + np.arange(N + LIVE)
    returns, coefficients, lagged = series(rng, edges, memory)
    turnover = np.full(N + LIVE, 0.4)
    cost = np.full(N + LIVE, -0.0002)
    before, after = slice(None, N), slice(N, None)
    backtest = Backtest(
        days[before],
        returns[before],
        returns[before],
        returns[before],
        turnover[before],
        coefficients[before],
        lagged[before],
        {**(candidates or {}), "chosen": returns[before]},
    )
    live = LiveRecord(
        "weekly",
        "champion",
        days[after],
        np.ones(LIVE, dtype=np.int64),
        returns[after] + cost[after],
        returns[after],
        0.0 * cost[after],
        cost[after],
        turnover[after],
        coefficients[after],
        lagged[after],
    )
    values = rng.normal(0.0, 0.01, N + LIVE) if market is None else market
    return backtest, live, Context(days, values)


def noise(rng, n=40):
    return {f"rule {k}": rng.normal(0.0, 0.01, N) for k in range(n)}


def first(backtest, live, context):
    return most_consistent_with(weigh(backtest, live, context), 1.0)


def from_launch(before, after):
    return np.r_[np.full(N, before), np.full(LIVE, after)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_best_of_many_noise_rules_is_overfitting(seed):
    rng = np.random.default_rng(seed)
    backtest, live, context = made(rng, from_launch(0.015, 0.0))
    tried = noise(rng, 100)
    best = max(tried, key=lambda name: tried[name].mean())
    lucky = dataclasses.replace(
        backtest, signal=tried[best], gross=tried[best], net=tried[best], candidates=tried
    )
    assert first(lucky, live, context) is Mechanism.OVERFITTING


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_edge_gone_from_the_first_day_that_dies_with_a_lag_is_look_ahead(seed):
    rng = np.random.default_rng(seed)
    case = made(rng, from_launch(0.12, 0.0), noise(rng), memory=0.0)
    assert first(*case) is Mechanism.LOOK_AHEAD


def test_a_failed_audit_decides_and_a_passed_one_speaks_against():
    rng = np.random.default_rng(4)
    backtest, live, context = made(rng, from_launch(0.06, 0.0), noise(rng))
    scores = {}
    for audit in (True, None, False):
        told = dataclasses.replace(context, availability_audit=audit, availability_note="told")
        weighed = weigh(backtest, live, told)
        scores[audit] = next(w for w in weighed if w.mechanism is Mechanism.LOOK_AHEAD)
    assert scores[True].score < scores[None].score < scores[False].score
    failed = dataclasses.replace(context, availability_audit=False)
    assert first(backtest, live, failed) is Mechanism.LOOK_AHEAD
    assert any(e.sentence == "told" for e in scores[False].evidence)


def test_a_fast_honest_signal_is_no_leak_where_live_is_as_fast():
    rng = np.random.default_rng(5)
    backtest, live, context = made(rng, from_launch(0.12, 0.08), noise(rng), memory=0.0)
    passed = dataclasses.replace(context, availability_audit=True)
    weighed = {w.mechanism: w for w in weigh(backtest, live, passed)}
    lag = [e for e in weighed[Mechanism.LOOK_AHEAD].evidence if e.name == "lagged by a session"]
    assert lag[0].weight < 0.5
    assert "no leak" in lag[0].sentence
    assert first(backtest, live, passed) is not Mechanism.LOOK_AHEAD


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_edge_of_calm_markets_in_a_volatile_live_span_is_a_regime_change(seed):
    rng = np.random.default_rng(seed)
    wild = (np.arange(N + LIVE) // 250) % 2 == 1
    wild[N:] = True
    market = rng.normal(0.0, 1.0, N + LIVE) * np.where(wild, 0.02, 0.005)
    edges = np.where(high_volatility(market) == 1.0, 0.0, 0.09)
    assert first(*made(rng, edges, noise(rng), market=market)) is Mechanism.REGIME_CHANGE


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_slow_fade_with_dearer_trades_and_a_crowd_is_crowding(seed):
    rng = np.random.default_rng(seed)
    edges = np.r_[np.full(N, 0.08), np.linspace(0.08, 0.0, LIVE)]
    backtest, live, context = made(rng, edges, noise(rng))
    momentum = rng.normal(0.0, 0.01, N + LIVE)
    share = np.linspace(0.0, 1.0, LIVE)
    crowded = dataclasses.replace(
        live, signal=live.signal + share * momentum[N:], cost=live.cost * (1.0 + share)
    )
    told = dataclasses.replace(context, factor_returns={"momentum": momentum})
    assert first(backtest, crowded, told) is Mechanism.CROWDING


def test_knowing_nothing_is_inconclusive():
    rng = np.random.default_rng(6)
    backtest, live, _ = made(rng, from_launch(0.08, 0.0))
    blind = dataclasses.replace(backtest, lagged_ic=np.full(N, np.nan))
    weighed = weigh(blind, live, Context.unknown())
    assert {w.mechanism for w in weighed} == set(Mechanism)
    assert most_consistent_with(weighed, 1.0) is None
    gone = dataclasses.replace(live, information_coefficient=np.full(LIVE, np.nan))
    assert all(math.isfinite(w.score) for w in weigh(blind, gone, Context.unknown()))


def test_a_lead_below_the_margin_names_nobody():
    pair = (Weighed(Mechanism.CROWDING, 1.5, ()), Weighed(Mechanism.OVERFITTING, 0.5, ()))
    assert most_consistent_with(pair, 1.0) is Mechanism.CROWDING
    assert most_consistent_with(pair, 1.01) is None
    assert most_consistent_with((), 0.0) is None
