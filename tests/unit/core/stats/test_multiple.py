"""Many tests: the papers' examples, independent implementations, sizes."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control, norm
from statsmodels.stats.multitest import multipletests

from shadowbook.core.stats.multiple import (
    adjusted_p_values,
    benjamini_hochberg,
    holm_adjusted,
)

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


@pytest.mark.parametrize("seed", range(10))
def test_adjusted_p_values_are_scipys_row_by_row(seed):
    rng = np.random.default_rng(seed)
    p = rng.random((4, 3, 12)).round(1 if seed % 2 else 9)
    np.testing.assert_allclose(adjusted_p_values(p), false_discovery_control(p, axis=-1))


def test_a_test_counts_from_its_adjusted_p_value_on():
    adjusted = adjusted_p_values(PAPER)
    for q in np.linspace(0.001, 0.999, 97):
        assert benjamini_hochberg(PAPER, q).tolist() == (adjusted <= q * (1 + 1e-9)).tolist()
    assert adjusted[3] == pytest.approx(0.0095 * 15 / 4)
    assert adjusted.max() == 1.0


def test_each_row_has_its_own_number_of_tests():
    p = np.array([[0.04, np.nan, 0.01], [np.nan] * 3, [0.5, 0.02, 0.6]])
    expected = [[0.04, np.nan, 0.02], [np.nan] * 3, [0.6, 0.06, 0.6]]
    np.testing.assert_allclose(adjusted_p_values(p), expected, equal_nan=True)
    assert adjusted_p_values([0.0, 0.0, 1.0]).tolist() == [0.0, 0.0, 1.0]
    assert adjusted_p_values([]).tolist() == []


@pytest.mark.parametrize("p", [[1.2], [[0.5, -0.1]], 0.3, [0.1, np.inf], [[-np.inf, np.nan]]])
def test_what_is_no_p_value_is_refused(p):
    with pytest.raises(ValueError, match="from 0 to 1, a family of tests a row"):
        adjusted_p_values(p)


def test_holm_on_the_example_of_benjamini_and_hochberg():
    # the paper, section 3: Bonferroni's kind of procedures reject three of the fifteen
    assert (holm_adjusted(PAPER) <= 0.05).tolist() == [True] * 3 + [False] * 12
    assert holm_adjusted(PAPER)[:4] == pytest.approx([0.0015, 0.0056, 0.0247, 0.114])


@pytest.mark.parametrize("seed", range(10))
def test_holm_is_statsmodels(seed):
    rng = np.random.default_rng(seed)
    p = (rng.random((3, 12)) ** 3).round(1 if seed % 2 else 9)
    expected = [multipletests(row, method="holm")[1] for row in p]
    np.testing.assert_allclose(holm_adjusted(p), expected)


def test_holm_among_true_nulls_that_depend_on_each_other():
    rng = np.random.default_rng(4)
    p = norm.sf(0.6 * rng.normal(size=(4_000, 1)) + 0.8 * rng.normal(size=(4_000, 20)))
    wrong = (holm_adjusted(p) <= 0.1).any(axis=1).mean()
    assert 0.05 < wrong < 0.1


def test_holm_never_below_the_false_discovery_rate_and_at_most_one():
    p = np.random.default_rng(1).random((50, 9)) ** 2
    assert (holm_adjusted(p) >= adjusted_p_values(p) - 1e-12).all()
    assert holm_adjusted(p).max() == 1.0


def test_holm_leaves_out_what_is_not_known():
    p = np.array([[0.04, np.nan, 0.01], [np.nan] * 3, [0.5, 0.02, 0.6]])
    expected = [[0.04, np.nan, 0.02], [np.nan] * 3, [1.0, 0.06, 1.0]]
    np.testing.assert_allclose(holm_adjusted(p), expected, equal_nan=True)
    assert holm_adjusted([]).tolist() == []
    with pytest.raises(ValueError, match="from 0 to 1"):
        holm_adjusted([1.2])
