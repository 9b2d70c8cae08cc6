"""Attributions session by session, and which sessions are explained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats

MINIMUM = 10
"""Sessions of a window below which its attributions are not compared."""


@dataclass(frozen=True, eq=False)
class AttributionSummary:
    """What a window's attributions come to in each session; arrays (S, K).

    Attributes
    ----------
    mean : signed mean over the session's rows; NaN for a feature without a value that session.
    absolute : mean absolute value: the importance.
    step : every how many sessions were explained.
    """

    mean: Floats
    absolute: Floats
    step: int = 1

    @property
    def n_sessions(self) -> int:
        """Sessions explained."""
        return len(self.mean)


def summary_of(values: Floats, sessions: NDArray[np.int64], step: int = 1) -> AttributionSummary:
    """Average attributions within each session, so that every session counts the same.

    Parameters
    ----------
    values : (n, K) attributions; those that are not finite are left out.
    sessions : (n,) number of each row's session, in any order; only their order in time counts.
    step : every how many sessions were explained; see `common_step`.

    Raises
    ------
    ValueError
        When shapes do not fit or ``step`` is below 1.

    >>> found = summary_of(np.array([[1.0], [-3.0], [2.0]]), np.array([7, 7, 8]))
    >>> found.mean.ravel().tolist(), found.absolute.ravel().tolist()
    ([-1.0, 2.0], [2.0, 2.0])
    """
    if values.ndim != 2 or sessions.shape != values.shape[:1] or step < 1:
        raise ValueError(
            f"values {values.shape}, sessions {sessions.shape}, step {step}: give (n, K), (n,) and "
            "a step of at least 1"
        )
    order = np.argsort(sessions, kind="stable")
    _, first = np.unique(sessions[order], return_index=True)
    if not len(first):
        return AttributionSummary(values.copy(), values.copy(), step)
    ordered = values[order]
    known = np.isfinite(ordered)
    clean = np.where(known, ordered, 0.0)
    counts = np.add.reduceat(known, first, axis=0, dtype=np.int64)
    return AttributionSummary(
        _over(np.add.reduceat(clean, first, axis=0), counts),
        _over(np.add.reduceat(np.abs(clean), first, axis=0), counts),
        step,
    )


def common_step(n_current: int, rows_per_session: int, rows: int) -> int:
    """Choose every how many sessions are explained, of the current window and its reference alike.

    The reference tells how much a window moves by itself, which depends on how far its sessions
    lie apart: both are thinned alike, or a difference would count that is none.

    Parameters
    ----------
    n_current : sessions of the current window.
    rows_per_session : to be explained.
    rows : of the current window, at most; the fewest sessions that can be compared come first.

    Raises
    ------
    ValueError
        When a number is below 1.

    >>> common_step(63, 20, 2000), common_step(63, 100, 2000), common_step(63, 500, 2000)
    (1, 4, 6)
    """
    if min(n_current, rows_per_session, rows) < 1:
        raise ValueError(
            f"n_current {n_current}, rows_per_session {rows_per_session} and rows {rows} must be "
            "at least 1"
        )
    wanted = max(rows // rows_per_session, MINIMUM)
    # The fewest sessions that must be left bound the step; the rows may ask for a longer one.
    longest = max((n_current - 1) // (MINIMUM - 1), 1)
    return min(-(-n_current // wanted), longest)


def chosen_sessions(n_sessions: int, step: int) -> NDArray[np.int64]:
    """List evenly spaced sessions, the newest among them.

    Parameters
    ----------
    n_sessions : of the window.
    step : see `common_step`.

    Returns
    -------
    Places in the window, ascending.

    Raises
    ------
    ValueError
        When a number is below 1.

    >>> chosen_sessions(10, 4)
    array([1, 5, 9])
    """
    if min(n_sessions, step) < 1:
        raise ValueError(f"n_sessions {n_sessions} and step {step} must be at least 1")
    return np.arange((n_sessions - 1) % step, n_sessions, step)


def _over(sums: Floats, counts: NDArray[np.int64]) -> Floats:
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means
