"""A reduced form of the planted-mechanism benchmark, on real returns."""

from __future__ import annotations

import pytest

from benchmarks import mechanisms
from benchmarks.mechanisms import CASES, judged, named
from benchmarks.mechanisms_world import world

N_SEEDS, FIRST_SEED = 10, 5_000


@pytest.fixture(scope="module")
def small_world():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mechanisms, "N_TRIED", 40)
        yield world(n_rules=60)


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES[:5] if c.planted], ids=lambda c: c.name)
def test_a_planted_mechanism_is_named(case, small_world):
    called = [
        named(judged(case, small_world, seed)) for seed in range(FIRST_SEED, FIRST_SEED + N_SEEDS)
    ]
    assert called.count(str(case.planted)) >= 7, called


@pytest.mark.slow
def test_nothing_planted_is_seldom_decay(small_world):
    nothing = next(case for case in CASES if case.planted is None)
    seeds = range(FIRST_SEED, FIRST_SEED + 4 * N_SEEDS)
    decayed = [judged(nothing, small_world, seed).decayed is True for seed in seeds]
    assert sum(decayed) <= 6
