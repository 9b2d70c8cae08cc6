"""A shadow book beside the champion's: figures, bounds, agreement."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.promotion.matched import volatility_matched_differences
from shadowbook.core.promotion.sequential import confidence_sequence
from shadowbook.core.promotion.shadow import SideBySide, position_agreement, shadow_evidence

N = 126
FLAT = np.full(N, 0.5)


def side_by_side(seed=0, n=N, lead=0.0, correlation=0.9):
    rng = np.random.default_rng(seed)
    shared, own = rng.standard_normal(n), rng.standard_normal((2, n))
    ours, theirs = 0.01 * (math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own)
    flat = np.full(n, 0.5)
    return SideBySide(
        sessions=np.datetime64("2020-01-02") + np.arange(n),
        challenger=ours + lead,
        champion=theirs,
        challenger_cost=-2e-4 * flat,
        champion_cost=-1e-4 * flat,
        challenger_turnover=0.3 * flat,
        champion_turnover=0.2 * flat,
        correlation=1.9 * flat,
        agreement=1.8 * flat,
    )


def test_figures_are_those_of_both_books():
    record = side_by_side()
    found = shadow_evidence(record, 0.0025, 0.05)
    ours, theirs = record.challenger, record.champion
    sharpes = [math.sqrt(252) * one.mean() / one.std(ddof=1) for one in (ours, theirs)]
    assert found.effect == pytest.approx(sharpes[0] - sharpes[1])
    falls = [one.min() for one in _falls(ours, theirs)]
    assert found.drawdown_ratio == pytest.approx(falls[0] / falls[1])
    assert found.cost_ratio == pytest.approx(2.0)
    assert found.turnover_ratio == pytest.approx(1.5)
    assert found.signal_correlation == pytest.approx(0.95)
    assert found.position_agreement == pytest.approx(0.9)
    assert found.n_sessions == N


def _falls(*books):
    for one in books:
        value = np.cumprod(1.0 + one)
        yield value / np.maximum.accumulate(np.maximum(value, 1.0)) - 1.0


def test_bounds_are_the_newest_of_the_confidence_sequence():
    record = side_by_side(lead=0.002)
    found = shadow_evidence(record, 0.0025, 0.05)
    matched = volatility_matched_differences(record.challenger, record.champion)
    year = math.sqrt(252)
    claim = confidence_sequence(matched, 0.0025).lower[-1]
    safe = confidence_sequence(matched, 0.05)
    harm = confidence_sequence(matched, 0.05, side="upper").upper[-1]
    assert found.lower_bound == pytest.approx(year * claim)
    assert found.not_inferior_bound == pytest.approx(year * safe.lower[-1])
    assert found.harm_bound == pytest.approx(year * harm)
    assert found.lower_bound < found.not_inferior_bound < found.harm_bound


def test_a_refresh_makes_no_claim():
    found = shadow_evidence(side_by_side(), math.nan, 0.05)
    assert math.isnan(found.lower_bound)
    assert math.isfinite(found.not_inferior_bound)


def test_parity_compares_the_lead_with_that_of_history():
    record = side_by_side()
    same = shadow_evidence(record, 0.0025, 0.05).effect
    told = shadow_evidence(record, 0.0025, 0.05, (same, 0.1))
    assert told.parity_p_value == pytest.approx(1.0)
    assert shadow_evidence(record, 0.0025, 0.05, (same + 9.0, 0.1)).parity_p_value < 1e-6
    assert math.isnan(shadow_evidence(record, 0.0025, 0.05, (math.nan, 0.1)).parity_p_value)
    assert math.isnan(shadow_evidence(record, 0.0025, 0.05).parity_p_value)


def test_sessions_without_a_return_do_not_count():
    record = side_by_side()
    gap = record.challenger.copy()
    gap[:20] = np.nan
    assert shadow_evidence(replace(record, challenger=gap), 0.0025, 0.05).n_sessions == N - 20


def test_too_few_sessions_have_no_figure():
    found = shadow_evidence(side_by_side(n=1), 0.0025, 0.05)
    assert found.n_sessions == 1
    assert math.isnan(found.effect)
    short = shadow_evidence(side_by_side(n=30), 0.0025, 0.05)
    assert math.isfinite(short.effect)
    assert math.isnan(short.harm_bound)


def test_books_alike_that_never_fell_are_alike():
    record = side_by_side()
    rising = np.linspace(0.001, 0.002, N)
    both = replace(record, challenger=rising, champion=rising)
    assert shadow_evidence(both, 0.0025, 0.05).drawdown_ratio == 1.0
    free = replace(record, champion_cost=np.zeros(N))
    assert math.isnan(shadow_evidence(free, 0.0025, 0.05).cost_ratio)


weights = st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=4, max_size=4).map(np.array)


@given(weights, weights, st.floats(0.1, 10.0))
def test_agreement_is_symmetric_and_blind_to_size(a, b, size):
    found = position_agreement(a, b)
    if np.abs(a).sum() > 1e-6 and np.abs(b).sum() > 1e-6:
        assert 0.0 <= found <= 1.0
        assert position_agreement(b, a) == pytest.approx(found, abs=1e-9)
        assert position_agreement(size * a, b) == pytest.approx(found, abs=1e-9)
        assert position_agreement(a, a) == pytest.approx(1.0)
        assert position_agreement(a, -a) == pytest.approx(0.0, abs=1e-9)


def test_agreement_counts_what_is_held_in_common():
    one = np.array([0.5, -0.5, 0.0, np.nan])
    assert position_agreement(one, np.array([0.5, 0.0, -0.5, 0.0])) == pytest.approx(0.5)
    assert math.isnan(position_agreement(one, np.zeros(4)))
