import numpy as np
import pytest

from shadowbook.core.drift.summaries import (
    MINIMUM,
    chosen_sessions,
    common_step,
    summary_of,
)


def test_sessions_are_averaged_whatever_the_order_of_rows():
    values = np.array([[1.0, np.nan], [-4.0, 2.0], [-3.0, np.inf], [6.0, -4.0]])
    found = summary_of(values, np.array([12, 9, 12, 9]), step=3)
    np.testing.assert_array_equal(found.mean, [[1.0, -1.0], [-1.0, np.nan]])
    np.testing.assert_array_equal(found.absolute, [[5.0, 3.0], [2.0, np.nan]])
    assert (found.n_sessions, found.step) == (2, 3)


def test_no_rows_are_no_sessions():
    found = summary_of(np.empty((0, 4)), np.empty(0, dtype=np.int64))
    assert (found.n_sessions, found.mean.shape) == (0, (0, 4))


@pytest.mark.parametrize(
    ("shape", "sessions", "step"), [((3,), 3, 1), ((3, 2), 2, 1), ((3, 2), 3, 0)]
)
def test_shapes_that_do_not_fit_are_refused(shape, sessions, step):
    with pytest.raises(ValueError, match="step of at least 1"):
        summary_of(np.ones(shape), np.arange(sessions), step)


@pytest.mark.parametrize("names", [1, 20, 31, 32, 100, 500])
@pytest.mark.parametrize("n_current", [1, 9, 10, 21, 63, 252])
def test_the_step_keeps_to_the_rows_unless_too_few_sessions_were_left(n_current, names):
    step = common_step(n_current, names, 2000)
    left = len(chosen_sessions(n_current, step))
    assert left >= min(n_current, MINIMUM)
    if n_current >= MINIMUM and names * (MINIMUM + 1) <= 1000:
        assert left * names <= 2000
    # A step shorter by one would explain too many rows, or there is none.
    assert step == 1 or len(chosen_sessions(n_current, step - 1)) * names > 2000


def test_chosen_sessions_are_evenly_spaced_up_to_the_newest():
    for n_sessions in (1, 7, 63, 64):
        for step in (1, 2, 5, 100):
            chosen = chosen_sessions(n_sessions, step)
            assert chosen[-1] == n_sessions - 1
            assert chosen[0] < step
            assert (np.diff(chosen) == step).all()


def test_numbers_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        chosen_sessions(10, 0)
    with pytest.raises(ValueError, match="at least 1"):
        common_step(10, 0, 100)
