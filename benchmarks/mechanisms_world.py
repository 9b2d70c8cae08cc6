"""Real prices, and what the benchmark of mechanisms makes of them once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from shadowbook.adapters.market_data.sample import CLOSES, INDEX, _table
from shadowbook.core.diagnosis.evidence_states import high_volatility, rising
from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.learning.portfolio import Book, run_book, target_weights
from shadowbook.core.stats.ranks import centered_ranks
from shadowbook.core.values import Floats, Sessions

HORIZON, TOP, COST_BPS = 5, 0.25, 5.0
N_RULES = 400
"""Noise rules made over all years."""


@dataclass(frozen=True)
class World:
    """Real prices and what is made of them once."""

    sessions: Sessions
    prices: Floats
    market: Floats
    factors: dict[str, Floats]
    outcome: Floats
    """(T, N) normal ranks of the return over the next five sessions."""
    next_day: Floats
    """(T, N) normal ranks of the next session's return."""
    labels: Floats
    volatile: Floats
    up: Floats
    rules: Floats
    """(T, R, N) scores of noise rules."""
    rule_net: Floats
    """(T, R) what each earns after costs."""


def world(n_rules: int = N_RULES) -> World:
    """Read the sample and make labels, factors and noise rules."""
    closes = _table(CLOSES)
    prices = closes.to_numpy("float64")
    index = _table(INDEX).iloc[:, 0].reindex(closes.index).to_numpy("float64")
    market = np.r_[np.nan, index[1:] / index[:-1] - 1.0]
    rng = np.random.default_rng(20_260_101)
    labels = forward_returns(prices, HORIZON)
    past = {
        "momentum": shifted(prices, 21) / shifted(prices, 252) - 1.0,
        "reversal": shifted(prices, 21) / prices - 1.0,
    }
    factors = {name: book_of(scores, prices).gross for name, scores in past.items()}
    rules = np.empty((len(prices), n_rules, prices.shape[1]), dtype=np.float32)
    net = np.empty((len(prices), n_rules))
    for rule in range(n_rules):
        scores = persistent(rng, prices.shape, 0.9)
        rules[:, rule] = scores
        net[:, rule] = book_of(scores, prices).net
    sessions = closes.index.to_numpy().astype("datetime64[D]")
    outcome, next_day = normal_ranks(labels), normal_ranks(forward_returns(prices, 1))
    states = high_volatility(market), rising(market)
    return World(sessions, prices, market, factors, outcome, next_day, labels, *states, rules, net)


def shifted(values: Floats, by: int) -> Floats:
    moved = np.full_like(values, np.nan)
    moved[by:] = values[:-by]
    return moved


def persistent(rng: np.random.Generator, shape: tuple[int, ...], memory: float) -> Floats:
    """Make scores that remember their last value."""
    fresh = rng.normal(size=shape)
    for row in range(1, shape[0]):
        fresh[row] = memory * fresh[row - 1] + math.sqrt(1.0 - memory**2) * fresh[row]
    return fresh


def normal_ranks(values: Floats) -> Floats:
    """Centered ranks within a session, with a standard deviation of one."""
    return np.nan_to_num(centered_ranks(values) * math.sqrt(12.0))


def book_of(scores: Floats, prices: Floats) -> Book:
    return run_book(target_weights(scores, TOP, 5), prices, HORIZON, 1, COST_BPS)
