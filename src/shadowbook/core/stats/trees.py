"""Several trailing windows at once, built from each other.

As in `windows`, the value of a window is merged from blocks that lie inside it, so nothing outside
the window enters it; but a longer window takes the shorter ones that were asked for as its blocks
(63 = 21 + 21 + 21), so that four windows cost little more than one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from shadowbook.core.stats.windows import Blocks, Merge


class Joint(NamedTuple):
    """Blocks of ``left`` rows followed by blocks of ``right`` rows."""

    size: int
    left: int
    right: int
    unused: tuple[int, ...]
    """Sizes that nothing needs after this merge."""


@lru_cache(maxsize=64)
def plan(windows: tuple[int, ...]) -> tuple[Joint, ...]:
    """Plan the merges that lead from single rows to every window: few of them, in order.

    Parameters
    ----------
    windows : rows, each at least 1.

    Raises
    ------
    ValueError
        When there is no window, or one is below 1.

    >>> [joint[:3] for joint in plan((3, 6))]
    [(2, 1, 1), (3, 2, 1), (6, 3, 3)]
    """
    if not windows or min(windows) < 1:
        raise ValueError(f"windows are {windows}: there must be one, and each at least 1")
    sizes, steps = [1], []
    for window in sorted(set(windows)):
        while 2 * sizes[-1] <= window and len(_parts(window, sizes)) > 2:
            steps.append((2 * sizes[-1], sizes[-1], sizes[-1]))
            sizes.append(2 * sizes[-1])
        parts = _parts(window, sizes)
        covered = parts[0]
        for part in parts[1:]:
            steps.append((covered + part, covered, part))
            covered += part
            sizes = sorted({*sizes, covered})
    last = {size: at for at, step in enumerate(steps) for size in step}
    return tuple(
        Joint(*step, tuple(size for size in last if last[size] == at))
        for at, step in enumerate(steps)
    )


def fold_windows(
    leaves: Blocks, windows: tuple[int, ...], merge: Merge
) -> Iterator[tuple[int, Blocks]]:
    """Merge neighboring leaves into one state a trailing window, shortest window first.

    Parameters
    ----------
    leaves : state of single rows, arrays (..., T) with time last.
    windows : rows, each at least 1; one longer than T is left out.
    merge : of two neighboring blocks, given with the number of rows in each; associative.

    Yields
    ------
    Window and its state, arrays (..., T - window + 1): place i holds rows i .. i + window - 1.
    """
    rows = leaves[0].shape[-1]
    wanted = tuple(sorted({window for window in windows if window <= rows}))
    states = {1: leaves}
    if 1 in wanted:
        yield 1, leaves
    if not wanted:
        return
    for size, left, right, unused in plan(wanted):
        n = rows - size + 1
        head = tuple(part[..., :n] for part in states[left])
        tail = tuple(part[..., left : left + n] for part in states[right])
        states[size] = merge(head, tail, left, right)
        if size in wanted:
            yield size, states[size]
        for idle in unused:
            del states[idle]


def _parts(window: int, sizes: list[int]) -> list[int]:
    """Fewest sizes that add up to the window, longest first."""
    best: list[list[int]] = [[]]
    for total in range(1, window + 1):
        fitting = [[*best[total - size], size] for size in sizes if size <= total]
        best.append(min(fitting, key=len))
    return sorted(best[window], reverse=True)
