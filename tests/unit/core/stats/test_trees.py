import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.stats.trees import fold_windows, plan


def joined(left, right, n_left, n_right):
    return (np.char.add(left[0], right[0]),)


@given(st.sets(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 45))
def test_every_window_holds_its_own_rows_in_order(windows, rows):
    """Merging is joining of texts, so a row that is missing, doubled or moved shows."""
    letters = "".join(chr(0x100 + at) for at in range(rows))
    leaves = (np.array(list(letters), dtype=np.str_),)
    found = dict(fold_windows(leaves, tuple(windows), joined))
    assert sorted(found) == sorted(window for window in windows if window <= rows)
    for window, (texts,) in found.items():
        assert list(texts) == [letters[at : at + window] for at in range(rows - window + 1)]


def test_the_monitors_windows_take_few_merges():
    assert [joint.size for joint in plan((21, 63, 126, 252))] == [
        2,
        4,
        8,
        16,
        20,
        21,
        42,
        63,
        126,
        252,
    ]


@pytest.mark.parametrize("windows", [(), (0,), (5, -1)])
def test_no_windows_are_refused(windows):
    with pytest.raises(ValueError, match="at least 1"):
        plan(windows)
