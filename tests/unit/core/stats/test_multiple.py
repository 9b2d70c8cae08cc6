"""The false discovery rate: the paper's example, an independent implementation, its size."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from shadowbook.core.stats.multiple import benjamini_hochberg

PAPER = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
]
"""Benjamini & Hochberg (1995), section 3: fifteen hypotheses, of which four are rejected at 5 %."""


def test_the_example_of_the_paper():
    assert benjamini_hochberg(PAPER, 0.05).tolist() == [True] * 4 + [False] * 11


@pytest.mark.parametrize("seed", range(20))
def test_it_is_scipys(seed):
    rng = np.random.default_rng(seed)
    p = rng.random(30) ** rng.choice([1.0, 3.0])
    for q in (0.01, 0.05, 0.2):
        expected = false_discovery_control(p) <= q
        assert benjamini_hochberg(p, q).tolist() == expected.tolist()


def test_of_true_nulls_hardly_any_counts():
    rng = np.random.default_rng(4)
    alarmed = np.mean([benjamini_hochberg(rng.random(40), 0.1).any() for _ in range(2_000)])
    assert alarmed == pytest.approx(0.1, abs=0.02)


def test_what_is_not_known_is_no_test():
    found = benjamini_hochberg([0.04, np.nan, np.nan], 0.05)
    assert found.tolist() == [True, False, False]
    assert benjamini_hochberg([], 0.05).tolist() == []
    assert benjamini_hochberg([np.nan], 0.05).tolist() == [False]


@pytest.mark.parametrize(("p", "q"), [([1.2], 0.05), ([-0.1], 0.05), ([[0.1]], 0.05), ([0.1], 1.0)])
def test_mistakes_are_named(p, q):
    with pytest.raises(ValueError, match=r"0 to 1|above 0 and below 1"):
        benjamini_hochberg(p, q)
