import numpy as np
import pytest

from shadowbook.core.stats.resampling import circular_block_indices


def test_blocks_run_on_and_wrap_around():
    rows = circular_block_indices(10, 4, 50, np.random.default_rng(1))
    assert rows.shape == (50, 10)
    steps = np.diff(rows, axis=1) % 10
    inside = np.ones(9, dtype=bool)
    inside[[3, 7]] = False
    assert (steps[:, inside] == 1).all()


def test_every_row_is_equally_likely_in_every_place():
    rows = circular_block_indices(7, 3, 20_000, np.random.default_rng(2))
    for place in (0, 3, 6):
        share = np.bincount(rows[:, place], minlength=7) / 20_000
        np.testing.assert_allclose(share, 1.0 / 7.0, atol=0.012)


def test_same_generator_same_rows():
    first = circular_block_indices(30, 5, 3, np.random.default_rng(3))
    assert np.array_equal(first, circular_block_indices(30, 5, 3, np.random.default_rng(3)))


def test_spread_of_the_mean_of_a_moving_average_is_recovered():
    rng = np.random.default_rng(4)
    values = np.convolve(rng.normal(size=2_004), np.ones(5), mode="valid")
    rows = circular_block_indices(len(values), 50, 400, rng)
    # the mean of a sum of five has deviation 5 / sqrt(T)
    assert values[rows].mean(axis=1).std() == pytest.approx(5.0 / np.sqrt(2_000), rel=0.2)


@pytest.mark.parametrize("arguments", [(0, 1, 1), (5, 0, 1), (5, 1, 0)])
def test_impossible_numbers_are_refused(arguments):
    with pytest.raises(ValueError, match="must be at least 1"):
        circular_block_indices(*arguments, np.random.default_rng(0))
