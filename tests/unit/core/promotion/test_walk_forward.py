"""History's evidence: what the pair shows, what the choice among recipes costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from shadowbook.core.promotion.sharpe_differences import sharpe_difference
from shadowbook.core.promotion.walk_forward import walk_forward_evidence

N = 2016


def books(sharpes, correlation=0.9, seed=0, n=N):
    rng = np.random.default_rng(seed)
    shared, own = rng.standard_normal((n, 1)), rng.standard_normal((n, len(sharpes)))
    noise = np.sqrt(correlation) * shared + np.sqrt(1.0 - correlation) * own
    # Sample Sharpe ratios are exactly those asked for.
    noise = (noise - noise.mean(axis=0)) / noise.std(axis=0, ddof=1)
    return 0.01 * (noise + np.array(sharpes) / np.sqrt(252.0))


def evidence(table, challenger="b", n_resamples=500, seed=1, **options):
    names = "bcdefgh"[: table.shape[1] - 1]
    recipes = {name: table[:, 1 + i] for i, name in enumerate(names)}
    rng = np.random.default_rng(seed)
    return walk_forward_evidence(
        table[:, 0], challenger, recipes, rng, n_resamples=n_resamples, **options
    )


def test_effect_and_p_value_are_those_of_the_published_test():
    table = books([0.5, 1.2])
    found = evidence(table)
    pair = sharpe_difference(table[:, 1], table[:, 0], "ledoit_wolf_hac")
    assert found.effect == pytest.approx(0.7)
    assert found.standard_error == pytest.approx(pair.standard_error * math.sqrt(252.0))
    assert found.p_value == pytest.approx(pair.p_value / 2.0)
    assert found.correlation == pytest.approx(0.9, abs=0.02)
    assert found.n_sessions == N
    assert evidence(table[:, ::-1].copy()).p_value == pytest.approx(1.0 - pair.p_value / 2.0)


def test_alone_it_pays_for_no_choice():
    found = evidence(books([0.5, 1.2]))
    assert math.isnan(found.snooping_p_value)
    assert found.n_effective_trials == 1.0
    # One trial has no luck to take off: the deflated ratio is the probability of a lead above 0.
    z = norm.ppf(found.deflated_sharpe)
    assert z == pytest.approx(found.effect / found.standard_error, rel=0.15)


def test_rivals_cost_something():
    alone, among = evidence(books([0.5, 0.9])), evidence(books([0.5, 0.9, 0.5, 0.5, 0.5]))
    assert among.n_competing == 4
    assert 1.5 < among.n_effective_trials < 4.0
    assert among.snooping_p_value > among.p_value
    assert among.deflated_sharpe < alone.deflated_sharpe


def test_trials_nobody_kept_count_whole():
    table = books([0.5, 0.9])
    known, more = evidence(table), evidence(table, n_unknown=30)
    assert more.n_effective_trials == 31.0
    assert more.deflated_sharpe < known.deflated_sharpe


def test_size_of_a_book_wins_nothing():
    table = books([0.8, 0.8])
    table[:, 1] *= 7.0
    found = evidence(table)
    assert found.effect == pytest.approx(0.0, abs=1e-9)
    assert found.p_value == pytest.approx(0.5)


def test_too_little_history_is_not_computable():
    table = books([0.5, 1.5], n=503)
    found = evidence(table)
    assert math.isnan(found.effect)
    assert found.reason == "503 sessions of paired walk forward, 504 are needed"


def test_sessions_that_one_was_not_tested_in_do_not_count():
    table = books([0.5, 1.2, 0.5])
    table[:500, 0] = np.nan
    table[500:600, 1] = np.nan
    assert evidence(table).n_sessions == N - 600


def test_a_recipe_tested_in_few_sessions_is_a_trial_of_its_own():
    table = books([0.5, 1.2, 0.5])
    table[: N - 100, 2] = np.nan
    found = evidence(table)
    assert found.n_sessions == N
    assert found.n_effective_trials == 2.0


def test_constant_returns_are_not_computable():
    table = books([0.5, 1.2])
    table[:, 1] = 0.001
    assert evidence(table).reason == "returns do not vary"


def test_an_unknown_challenger_is_refused():
    with pytest.raises(KeyError):
        evidence(books([0.5, 0.6]), challenger="z")
