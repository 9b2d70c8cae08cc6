import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from shadowbook.core.stats.ranks import average_ranks, centered_ranks, rank_correlation, tie_spans

cross_sections = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(1, 9)),
    elements=st.sampled_from([-1.0, -0.0, 0.0, 0.5, 2.0, 1e300, np.nan]),
)


@given(cross_sections)
def test_average_ranks_equal_scipy(values):
    np.testing.assert_array_equal(
        average_ranks(values), stats.rankdata(values, axis=1, nan_policy="omit")
    )


@given(cross_sections)
def test_centered_ranks_are_bounded_and_centered(values):
    ranks = centered_ranks(values)
    for row, given_row in zip(ranks, values, strict=True):
        known = np.isfinite(given_row)
        if known.sum() < 2:
            assert np.isnan(row).all()
        else:
            assert np.isnan(row[~known]).all()
            assert np.abs(row[known]).max() <= 0.5
            assert row[known].sum() == pytest.approx(0.0, abs=1e-12)


def test_lowest_and_highest_take_the_ends_whatever_the_number_of_names():
    for n in (2, 3, 20, 499):
        ranks = centered_ranks(np.arange(float(n))[None])
        assert (ranks[0, 0], ranks[0, -1]) == (-0.5, 0.5)


def test_rows_with_too_few_names_have_no_centered_ranks():
    values = np.array([[1.0, 2.0, np.nan], [1.0, 2.0, 3.0]])
    ranks = centered_ranks(values, min_names=3)
    assert np.isnan(ranks[0]).all()
    assert ranks[1].tolist() == [-0.5, 0.0, 0.5]


def test_tie_spans_of_constant_row_cover_all_places():
    spans = tie_spans(np.array([[7.0, 7.0, np.nan, 7.0]]))
    np.testing.assert_array_equal(spans.first, [[0, 0, np.nan, 0]])
    np.testing.assert_array_equal(spans.last, [[2, 2, np.nan, 2]])
    assert spans.counts.tolist() == [3]


def test_rank_correlation_equals_scipy_with_ties_and_missing_pairs():
    rng = np.random.default_rng(4)
    left = np.round(rng.normal(size=(200, 20)), 1)
    right = np.round(0.3 * left + rng.normal(size=(200, 20)), 1)
    left[rng.random(left.shape) < 0.1] = np.nan
    right[rng.random(right.shape) < 0.1] = np.nan
    result = rank_correlation(left, right)
    for t in range(200):
        both = np.isfinite(left[t]) & np.isfinite(right[t])
        expected = stats.spearmanr(left[t, both], right[t, both]).statistic
        assert result[t] == pytest.approx(expected, abs=1e-13)


def test_rank_correlation_by_hand():
    # ranks (1, 2, 3, 4, 5) against (2, 1, 4, 3, 5): 1 - 6 * 4 / (5 * 24)
    left = np.array([[10.0, 20.0, 30.0, 40.0, 50.0]])
    right = np.array([[0.2, 0.1, 0.4, 0.3, 0.5]])
    assert rank_correlation(left, right)[0] == pytest.approx(0.8, abs=1e-15)


def test_rank_correlation_is_missing_on_few_names_and_on_constants():
    left = np.array([[1.0, 2.0, 3.0, 4.0, np.nan], [1.0, 1.0, 1.0, 1.0, 1.0]])
    right = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    assert np.isnan(rank_correlation(left, right)).all()


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_rank_correlation_equals_scipy_in_every_row_with_and_without_ties(missing):
    """Rows with and without ties go different ways, over more than one chunk."""
    rng = np.random.default_rng(5)
    left, right = rng.normal(size=(2, 300, 260))
    left[::3] = np.round(left[::3], 1)
    right[::5] = np.round(right[::5], 1)
    left[rng.random(left.shape) < missing] = np.nan
    right[rng.random(right.shape) < missing / 2.0] = np.inf
    result = rank_correlation(left, right)
    for t in range(300):
        both = np.isfinite(left[t]) & np.isfinite(right[t])
        expected = stats.spearmanr(left[t, both], right[t, both]).statistic
        assert result[t] == pytest.approx(expected, abs=1e-13)


def test_same_and_opposite_orders_correlate_to_the_last_bit():
    left = np.random.default_rng(6).normal(size=(40, 41))
    np.testing.assert_array_equal(rank_correlation(left, np.exp(left)), np.ones(40))
    np.testing.assert_array_equal(rank_correlation(left, -left), -np.ones(40))


def test_rank_correlation_without_names_or_sessions_is_missing():
    assert np.isnan(rank_correlation(np.empty((2, 0)), np.empty((2, 0)))).all()
    assert rank_correlation(np.empty((0, 7)), np.empty((0, 7))).shape == (0,)
