"""How many trials: clones count as one, strangers as many, and too short overlaps by a rule."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.promotion.trials import MIN_SHARED, aligned, independent_trials, newest
from shadowbook.core.stats.deflation import effective_number_of_trials
from shadowbook.errors import ConfigError


def names(*counts):
    """Digests: as many of "a", "b", ... as told."""
    return [letter for letter, n in zip("abcdefgh", counts, strict=False) for _ in range(n)]


def refits(rng, n_sessions, n_refits, noise=0.1):
    """Returns of refits of one recipe: a common series and a little of each one's own."""
    common = rng.normal(size=(n_sessions, 1))
    return common + noise * rng.normal(size=(n_sessions, n_refits))


def by_hand(returns, recipes, min_shared):
    """The same count, pair by pair, by numpy's own correlation."""
    n = returns.shape[1]
    alike = np.full((n, n), np.nan)
    for i in range(n):
        for j in range(n):
            both = np.isfinite(returns[:, i]) & np.isfinite(returns[:, j])
            if both.sum() >= min_shared and i != j:
                r = np.corrcoef(returns[both, i], returns[both, j])[0, 1]
                m = both.sum()
                alike[i, j] = 1 - (1 - r * r) * (m - 1) / (m - 2) if r > 0 else 0.0
    filled = alike.copy()
    for i in range(n):
        for j in range(n):
            if np.isnan(alike[i, j]):
                others = [
                    alike[k, m]
                    for k in range(n)
                    for m in range(n)
                    if recipes[k] == recipes[i] and recipes[m] == recipes[j]
                ]
                others = [value for value in others if np.isfinite(value)]
                filled[i, j] = max(float(np.mean(others)), 0.0) if others else 0.0
    np.fill_diagonal(filled, 1.0)
    return float((1.0 / np.maximum(filled.sum(axis=1), 1.0)).sum())


class TestIndependentTrials:
    def test_none_and_one(self):
        assert independent_trials(np.empty((0, 0)), []) == 0.0
        assert independent_trials(np.random.default_rng(1).normal(size=(99, 1)), ["a"]) == 1.0

    def test_strangers_count_each(self):
        noise = np.random.default_rng(2).normal(size=(2_000, 40))
        assert independent_trials(noise, names(*[5] * 8)) == pytest.approx(40, rel=0.03)

    def test_chance_alone_makes_nobody_alike(self):
        """A hundred strangers on one year: the participation ratio loses a quarter of them."""
        noise = np.random.default_rng(2).normal(size=(252, 100))
        recipes = [f"r{i}" for i in range(100)]
        assert independent_trials(noise, recipes) > 90
        assert effective_number_of_trials(noise) == pytest.approx(100 / (1 + 99 / 251), rel=0.02)

    def test_monthly_refits_of_one_recipe_are_nearly_one_trial(self):
        found = independent_trials(refits(np.random.default_rng(3), 1_500, 60), names(60))
        assert 1.0 <= found < 1.05

    def test_clones_do_not_hide_the_others(self):
        """What the participation ratio does: a hundred refits beside a stranger are 1.02 trials."""
        rng = np.random.default_rng(4)
        returns = np.hstack([refits(rng, 1_500, 100, 0.01), rng.normal(size=(1_500, 1))])
        assert independent_trials(returns, names(100, 1)) == pytest.approx(2.0, abs=0.02)
        assert effective_number_of_trials(returns) < 1.03

    @pytest.mark.parametrize("rho", [0.2, 0.5, 0.9])
    def test_equally_alike_trials_are_the_participation_ratio(self, rho):
        rng = np.random.default_rng(5)
        common = rng.normal(size=(20_000, 1))
        returns = np.sqrt(rho) * common + np.sqrt(1 - rho) * rng.normal(size=(20_000, 8))
        found = independent_trials(returns, names(*[1] * 8))
        assert found == pytest.approx(8 / (1 + 7 * rho * rho), rel=0.03)
        assert found == pytest.approx(effective_number_of_trials(returns), rel=0.01)

    def test_the_opposite_of_a_trial_is_another_one(self):
        one = np.random.default_rng(6).normal(size=(300, 1))
        assert independent_trials(np.hstack([one, -one]), ["a", "b"]) == 2.0

    def test_size_and_level_change_nothing(self):
        returns = refits(np.random.default_rng(7), 400, 5, 0.8)
        found = independent_trials(returns, names(2, 3))
        other = returns * np.array([1e-4, 3.0, 1.0, 50.0, 0.2]) + np.arange(5) * 1e-3
        assert independent_trials(other, names(2, 3)) == pytest.approx(found, rel=1e-9)

    @given(
        seed=st.integers(0, 10_000),
        counts=st.lists(st.integers(1, 4), min_size=1, max_size=4),
        min_shared=st.integers(3, 40),
    )
    def test_equals_the_count_pair_by_pair(self, seed, counts, min_shared):
        rng = np.random.default_rng(seed)
        recipes = names(*counts)
        returns = rng.normal(size=(60, 1)) + rng.normal(size=(60, len(recipes)))
        for column in range(len(recipes)):
            begin, end = sorted(rng.integers(0, 61, size=2))
            returns[:begin, column] = returns[end:, column] = np.nan
        found = independent_trials(returns, recipes, min_shared)
        assert found == pytest.approx(by_hand(returns, recipes, min_shared), rel=1e-9)
        assert 1.0 <= found <= len(recipes) * (1 + 1e-12)

    def test_wrong_numbers_are_refused(self):
        with pytest.raises(ConfigError, match="2 trials have 1 recipes"):
            independent_trials(np.zeros((9, 2)), ["a"])
        with pytest.raises(ConfigError, match="at least 3 sessions"):
            independent_trials(np.zeros((9, 1)), ["a"], min_shared=2)


class TestShortOverlaps:
    """The rule where two trials share too few sessions: other fits of their recipes speak."""

    def chain(self, rng, n_refits, step, length):
        """Refits whose test windows move on: neighbors overlap, the ends share nothing."""
        long = refits(rng, step * n_refits + length, n_refits)
        for number in range(n_refits):
            long[: number * step, number] = np.nan
            long[number * step + length :, number] = np.nan
        return long

    def test_a_chain_of_refits_is_nearly_one_trial(self):
        """Ten years of monthly refits, each tested on one year: most pairs share no session."""
        returns = self.chain(np.random.default_rng(8), 120, 21, 252)
        first, last = returns[:, 0], returns[:, -1]
        assert not (np.isfinite(first) & np.isfinite(last)).any()
        assert independent_trials(returns, names(120)) == pytest.approx(1.0, abs=0.05)

    def test_two_chains_are_as_alike_as_their_overlapping_fits(self):
        rng = np.random.default_rng(9)
        one = self.chain(rng, 24, 21, 126)
        twin = one + 1e-3 * rng.normal(size=one.shape)
        same = independent_trials(np.hstack([one, twin]), names(24, 24))
        strangers = np.hstack([one, self.chain(rng, 24, 21, 126)])
        assert same < 1.1
        assert independent_trials(strangers, names(24, 24)) == pytest.approx(2.0, abs=0.1)

    def test_fits_that_share_nothing_count_each(self):
        returns = self.chain(np.random.default_rng(10), 6, 200, 200)
        assert independent_trials(returns, names(6)) == 6.0

    def test_the_limit_counts_as_reached(self):
        rng = np.random.default_rng(11)
        returns = refits(rng, 200, 2)
        returns[MIN_SHARED:, 1] = np.nan
        assert independent_trials(returns, names(2)) < 1.1
        returns[MIN_SHARED - 1, 1] = np.nan
        assert independent_trials(returns, names(2)) == 2.0

    def test_a_trial_that_does_not_vary_counts_whole(self):
        returns = refits(np.random.default_rng(12), 200, 3)
        returns[:, 2] = 0.001
        assert independent_trials(returns, names(2, 1)) == pytest.approx(2.0, abs=0.05)


class TestAligned:
    def test_nothing(self):
        sessions, table = aligned([])
        assert len(sessions) == 0
        assert table.shape == (0, 0)

    @given(st.lists(st.sets(st.integers(0, 40), min_size=1), min_size=1, max_size=5))
    def test_every_value_stands_at_its_session(self, given_days):
        days = [np.array(sorted(own)) + np.datetime64("2020-01-01", "D") for own in given_days]
        series = [(own, 1000.0 * k + np.arange(len(own))) for k, own in enumerate(days)]
        sessions, table = aligned(series)
        assert all(a < b for a, b in pairwise(sessions))
        for column, (own, values) in enumerate(series):
            held = np.isfinite(table[:, column])
            np.testing.assert_array_equal(sessions[held], own)
            np.testing.assert_array_equal(table[held, column], values)


def test_the_newest_of_a_recipe_is_found():
    moments = [datetime(2024, month, 1, tzinfo=UTC) for month in (3, 1, 2, 3)]
    assert newest(["a", "b", "b", "a"], moments) == {"a": 3, "b": 2}
