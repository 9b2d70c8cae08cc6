"""The market around a book: plain factors, and the audit of its features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import shadowbook.steps.diagnose_decay as module
from shadowbook.core.learning.features import build_features
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Panel
from shadowbook.steps.diagnose_decay import context_of

SESSIONS = np.datetime64("2015-01-01", "D") + np.arange(900)
N = 6


@pytest.fixture(scope="module")
def panel():
    steps = np.random.default_rng(4).normal(0.0, 0.01, (len(SESSIONS), N))
    return Panel(
        sessions=SESSIONS,
        symbols=tuple("ABCDEF"),
        fields={"close": 100.0 * np.exp(np.cumsum(steps, axis=0))},
        references={"index": 1_000.0 * np.exp(np.cumsum(steps.mean(axis=1)))},
        decided_at=SESSIONS.astype("datetime64[us]"),
    )


def series(n):
    return np.zeros(n)


def backtest(sessions):
    return Backtest(sessions, *(series(len(sessions)) for _ in range(6)))


def live(sessions):
    n = len(sessions)
    return LiveRecord(
        "s", "champion", sessions, np.ones(n, dtype=int), *(series(n) for _ in range(7))
    )


def test_the_context_begins_a_year_before_the_backtest_and_ends_with_the_panel(panel):
    context = context_of(panel, backtest(SESSIONS[600:800]), live(SESSIONS[800:]))
    assert context.sessions[0] == SESSIONS[600 - 252]
    assert context.sessions[-1] == SESSIONS[-1]
    assert {len(one) for one in context.factor_returns.values()} == {len(context.sessions)}
    assert context.market_returns[-1] == panel.market_returns[-1]


def test_a_plain_factor_earns_what_its_ranks_of_the_day_before_earn(panel):
    context = context_of(panel, backtest(SESSIONS[600:800]), live(SESSIONS[800:]))
    prices = panel.prices
    for name, past in (
        ("momentum", prices[898 - 21] / prices[898 - 252] - 1.0),
        ("reversal", prices[898 - 21] / prices[898] - 1.0),
    ):
        ranks = np.argsort(np.argsort(past)) - (N - 1) / 2.0
        weights = ranks / np.abs(ranks).sum()
        earned = weights @ (prices[899] / prices[898] - 1.0)
        assert context.factor_returns[name][-1] == pytest.approx(earned, rel=1e-12)


def test_a_name_without_a_price_is_not_held(panel):
    closes = panel.fields["close"].copy()
    closes[897:, 2] = np.nan
    holed = replace(panel, fields={"close": closes})
    context = context_of(holed, backtest(SESSIONS[600:800]), live(SESSIONS[800:]))
    rest = [0, 1, 3, 4, 5]
    past = closes[898 - 21, rest] / closes[898 - 252, rest] - 1.0
    ranks = np.argsort(np.argsort(past)) - 2.0
    earned = ranks @ (closes[899, rest] / closes[898, rest] - 1.0) / np.abs(ranks).sum()
    assert context.factor_returns["momentum"][-1] == pytest.approx(earned, rel=1e-12)


def test_features_that_keep_to_what_was_known_pass_the_audit(panel):
    context = context_of(panel, backtest(SESSIONS[600:800]), live(SESSIONS[800:]))
    assert context.availability_audit is True
    assert context.availability_note == (
        "no feature of 5 audited sessions changes with what comes after it"
    )


def test_a_feature_that_sees_the_next_session_fails_it(panel, monkeypatch):
    def ahead(given):
        cube = build_features(given)
        values = cube.values.copy()
        values[:-1, :, 0] = cube.values[1:, :, 0]
        return replace(cube, values=values)

    monkeypatch.setattr(module, "build_features", ahead)
    context = context_of(panel, backtest(SESSIONS[600:800]), live(SESSIONS[800:]))
    assert context.availability_audit is False
    assert context.availability_note.startswith(f"feature {build_features(panel).names[0]} of ")
