import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from shadowbook.core.drift.rankings import ndcg, places


@pytest.mark.parametrize("ties", [False, True])
def test_the_gain_is_that_of_scikit_learn(ties):
    rng = np.random.default_rng(1)
    relevance, scores = rng.random((40, 9)), rng.random((40, 9))
    if ties:
        relevance, scores = np.round(2.0 * relevance), np.round(2.0 * scores)
        relevance[:, 0] = 1.0
    expected = [ndcg_score(r[None], s[None]) for r, s in zip(relevance, scores, strict=True)]
    np.testing.assert_allclose(ndcg(relevance, scores), expected, rtol=1e-13)


def test_by_hand():
    # 2 / log2(2) + 3 / log2(3), over 3 / log2(2) + 2 / log2(3)
    found = ndcg(np.array([3.0, 2.0]), np.array([0.1, 0.2]))
    assert found == pytest.approx((2.0 + 3.0 / np.log2(3.0)) / (3.0 + 2.0 / np.log2(3.0)))


def test_one_thing_is_always_in_order_and_nothing_has_none():
    assert ndcg(np.array([0.3]), np.array([7.0])) == 1.0
    assert np.isnan(ndcg(np.zeros(3), np.arange(3.0)))
    assert np.isnan(ndcg(np.zeros(0), np.zeros(0)))
    with pytest.raises(ValueError, match="differ in shape"):
        ndcg(np.zeros(3), np.zeros(2))


def test_equal_scores_share_a_place_and_missing_ones_come_last():
    scores = np.array([[1.0, 3.0, 3.0, np.nan], [0.0, 0.0, 0.0, 0.0]])
    assert places(scores).tolist() == [[3, 1, 1, 4], [1, 1, 1, 1]]
