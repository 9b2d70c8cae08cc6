import copy

import numpy as np
import pytest

from shadowbook.core.stats.batches import SIZE, batches


def draws(found):
    return [np.random.default_rng(batch.seed).random() for batch in found]


def test_they_cover_the_resamples_once():
    rows = np.zeros(2 * SIZE + 7, dtype=int)
    for batch in batches(len(rows), np.random.default_rng(0)):
        rows[batch.rows] += 1
        assert batch.size == len(rows[batch.rows])
    assert (rows == 1).all()


def test_a_state_of_the_generator_is_one_answer_and_is_used_once():
    rng = np.random.default_rng(5)
    same = copy.deepcopy(rng)
    first = draws(batches(600, rng))
    assert first == draws(batches(600, same))
    assert first != draws(batches(600, rng))
    assert len(set(first)) == 3


def test_more_resamples_go_on_where_fewer_ended():
    few, many = (draws(batches(n, np.random.default_rng(2))) for n in (SIZE, 3 * SIZE))
    assert many[:1] == few


def test_without_a_generator_it_is_seed_zero():
    assert draws(batches(10, None)) == draws(batches(10, np.random.default_rng(0)))


def test_no_resample_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        batches(0, None)
