"""Weights against other ways of finding them."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from shadowbook.core.books.construction import (
    PortfolioPolicy,
    combined,
    net_limited,
    sleeve,
    volatility_scale,
)

NAN = np.nan
FREE = PortfolioPolicy(max_position=1.0, min_names=2)


def policy(**rest):
    return PortfolioPolicy(**({"max_position": 1.0, "min_names": 2} | rest))


def one_side(raw, total, cap):
    """The multiple of ``raw`` at which its capped weights add up to the total, by root finding."""
    raw = np.array(raw)
    most = cap * (raw > 0.0).sum()
    if most <= total:
        return np.where(raw > 0.0, cap, 0.0)
    top = 2.0 * cap / raw[raw > 0.0].min() if most else 1.0
    scale = brentq(lambda x: np.minimum(raw * x, cap).sum() - total, 0.0, top, xtol=1e-15)
    return np.minimum(raw * scale, cap)


def by_place(n, rules):
    """Weights of n different scores, the lowest first."""
    places = max(int(n * rules.fraction + 1e-9), 1)
    if rules.kind == "long_only":
        raw = [max(place - (n - places), 0) for place in range(1, n + 1)]
        return one_side(raw, min(rules.max_gross, rules.max_net), rules.max_position)
    raw = [
        place - (n + 1) / 2 if place > n - places and place > (n + 1) / 2 else 0.0
        for place in range(1, n + 1)
    ]
    side = one_side(raw, rules.max_gross / 2, rules.max_position)
    return side - side[::-1]


@given(
    n=st.integers(1, 12),
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["long_short", "long_only"]),
    fraction=st.floats(0.05, 1.0),
    gross=st.floats(0.1, 3.0),
    cap=st.floats(0.02, 1.0),
)
def test_weights_are_those_that_root_finding_gives(n, seed, kind, fraction, gross, cap):
    rules = policy(kind=kind, fraction=fraction, max_gross=gross, max_net=10, max_position=cap)
    order = np.random.default_rng(seed).permutation(n)
    np.testing.assert_allclose(
        sleeve(order.astype(float), rules), by_place(n, rules)[order], rtol=0, atol=1e-9
    )


@given(
    scores=st.lists(st.integers(0, 3), min_size=2, max_size=6),
    kind=st.sampled_from(["long_short", "long_only"]),
    fraction=st.sampled_from([0.1, 0.34, 0.5, 1.0]),
)
def test_ties_share_their_places_as_the_mean_of_every_order(scores, kind, fraction):
    """Without a cap a tie is worth the mean over every way to break it."""
    rules = policy(kind=kind, fraction=fraction)
    n = len(scores)
    untied = by_place(n, rules)
    orders = [
        order
        for order in itertools.permutations(range(n))
        if all(scores[a] <= scores[b] for a, b in itertools.pairwise(order))
    ]
    mean = np.zeros(n)
    for order in orders:
        mean[list(order)] += untied / len(orders)
    np.testing.assert_allclose(sleeve(np.array(scores, dtype=float), rules), mean, atol=1e-12)


@pytest.mark.parametrize("tied", range(1, 12))
def test_the_best_names_are_bought_however_many_are_tied(tied):
    scores = np.arange(12.0)
    scores[12 - tied :] = 99.0
    weights = sleeve(scores, policy(fraction=0.1))
    assert weights[12 - tied :].sum() == pytest.approx(0.5)
    assert weights.sum() == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("n", [1, 2, 3, 20, 21])
def test_equal_scores_are_bought_alike_and_hedged_to_nothing(n):
    equal = np.zeros(n)
    np.testing.assert_allclose(sleeve(equal, policy(kind="long_only")), 1.0 / n, rtol=1e-14)
    assert not sleeve(equal, FREE).any()


def test_one_name_is_bought_up_to_its_cap_or_not_sold_against_itself():
    assert sleeve(np.array([5.0]), policy(kind="long_only", max_position=0.3)).tolist() == [0.3]
    assert sleeve(np.array([5.0]), FREE).tolist() == [0.0]
    assert sleeve(np.array([]), FREE).tolist() == []


def test_a_cap_hands_on_what_it_cuts():
    # 3 : 2 : 1 of 0.6 under 0.25: 0.25, then 2 : 1 of 0.35.
    rules = policy(kind="long_only", max_gross=0.6, max_position=0.25, fraction=0.75)
    np.testing.assert_allclose(
        sleeve(np.arange(4.0), rules), [0.0, 0.35 / 3, 0.7 / 3, 0.25], atol=1e-15
    )


def test_the_net_limit_shrinks_the_larger_side_alone():
    weights = np.array([0.3, 0.1, 0.0, -0.1])
    np.testing.assert_allclose(net_limited(weights, 0.2), [0.225, 0.075, 0.0, -0.1], atol=1e-15)
    np.testing.assert_allclose(net_limited(-weights, 0.2), [-0.225, -0.075, 0.0, 0.1], atol=1e-15)
    assert net_limited(weights, 0.3).tolist() == weights.tolist()
    assert net_limited(np.array([0.4]), 0.1).tolist() == pytest.approx([0.1])


@given(seed=st.integers(0, 2**32 - 1), sessions=st.sampled_from([12, 64]))
@settings(max_examples=50)
def test_the_book_is_scaled_to_its_volatility_as_pandas_sees_it(seed, sessions):
    rng = np.random.default_rng(seed)
    prices = 20.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (sessions, 5)), axis=0))
    prices[rng.random(prices.shape) < 0.05] = NAN
    weights = np.array([0.5, 0.0, -0.4, 0.3, -0.2])
    frame = pd.DataFrame(prices).loc[:, weights != 0.0]
    moves = frame / frame.shift(1) - 1.0
    moves = moves[moves.notna().any(axis=1)]
    filled = moves.T.fillna(moves.mean(axis=1)).T
    expected = (filled * weights[weights != 0.0]).sum(axis=1).std() * 252**0.5
    scale = volatility_scale(weights, prices, policy(volatility_target=0.05))
    assert scale == (pytest.approx(min(1.0, 0.05 / expected)) if len(filled) >= 10 else 1.0)


def test_a_quiet_or_unknown_book_is_not_scaled_up():
    target = policy(volatility_target=0.1)
    weights, still = np.array([1.0]), np.full((64, 1), 7.0)
    assert volatility_scale(weights, still, target) == 1.0
    assert volatility_scale(weights, np.full((64, 1), NAN), target) == 1.0
    wild = np.where(np.arange(64) % 2, 1.0, 2.0)[:, None]
    assert volatility_scale(weights, wild[-10:], target) == 1.0
    assert volatility_scale(np.zeros(1), wild, target) == 1.0
    assert volatility_scale(weights, wild, policy(volatility_target=None)) == 1.0
    assert volatility_scale(weights, wild, target) < 0.01


@pytest.mark.parametrize("bad", [np.inf, -1.0, 0.0])
def test_a_price_that_is_none_is_a_hole_in_the_volatility(bad):
    prices = np.cumprod(np.random.default_rng(1).normal(1.0, 0.03, (64, 2)), axis=0)
    spoiled, holed = prices.copy(), prices.copy()
    spoiled[30, 1], holed[30, 1] = bad, NAN
    weights, target = np.array([0.5, -0.5]), policy(volatility_target=0.1)
    assert volatility_scale(weights, spoiled, target) == volatility_scale(weights, holed, target)


def test_sleeves_that_are_not_there_yet_are_empty():
    sleeves = [np.array([0.5, -0.5]), np.array([0.25, -0.25])]
    assert combined(sleeves, 4).tolist() == [0.1875, -0.1875]
