"""Performance over trailing windows: every value depends on its own window alone.

Time runs along the first axis, series along the second. A window with a missing value (NaN or
infinite) is NaN, and so are the first ``window - 1`` rows. Moments are merged block by block
(`core.stats.trees`), so a value of 1e6 leaves no trace behind it. The last bits may depend on which
windows are asked for together, never on rows outside the window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from shadowbook.core.performance.windowed import (
    RollingDrawdown,
    WindowMetrics,
    fill_drawdowns,
    fill_hits,
    fill_moments,
)
from shadowbook.core.stats.ranks import rank_correlation
from shadowbook.core.values import Floats

_FALLS = frozenset({"drawdown", "drawdown_length"})
_CHUNK = 16_384
"""Values worked on at once: all states of a merge fit into a core's cache."""

ALL = frozenset({"mean", "volatility", "sharpe", "hit_rate", "drawdown", "drawdown_length"})
"""What `rolling_metrics` computes by default."""


def rolling_mean(returns: Floats, window: int) -> Floats:
    """Mean of each window; arguments and NaN as in `rolling_sharpe`."""
    return rolling_metrics(returns, (window,), frozenset({"mean"}))[window].mean


def rolling_volatility(returns: Floats, window: int) -> Floats:
    """Sample deviation (ddof 1) of each window; arguments and NaN as in `rolling_sharpe`."""
    return rolling_metrics(returns, (window,), frozenset({"volatility"}))[window].volatility


def rolling_sharpe(returns: Floats, window: int, periods_per_year: float = 1) -> Floats:
    """Sharpe ratio of each window: mean over sample deviation (Sharpe 1994).

    Parameters
    ----------
    returns : (T,) or (T, N), excess returns a session.
    window : sessions, at least 1; of one session there is no deviation, so NaN.
    periods_per_year : 252 annualizes by its root; 1 leaves the ratio per session.

    Returns
    -------
    Same shape; NaN while warming up, where a value is missing, and on constant windows.

    Raises
    ------
    ValueError
        When the window is below 1 or the returns are neither (T,) nor (T, N).

    >>> rolling_sharpe(np.array([0.0, 0.02, 0.04, 0.04]), 2).round(4)
    array([   nan, 0.7071, 2.1213,    nan])
    """
    found = rolling_metrics(returns, (window,), frozenset({"sharpe"}))[window].sharpe
    found *= np.sqrt(periods_per_year)
    return found


def rolling_hit_rate(returns: Floats, window: int) -> Floats:
    """Share of returns above 0 in each window; arguments and NaN as in `rolling_sharpe`.

    >>> rolling_hit_rate(np.array([0.01, 0.0, 0.02, -0.01]), 2)
    array([nan, 0.5, 0.5, 0.5])
    """
    return rolling_metrics(returns, (window,), frozenset({"hit_rate"}))[window].hit_rate


def rolling_drawdown(returns: Floats, window: int) -> RollingDrawdown:
    """Drawdowns of each window of simple returns; arguments and NaN as in `rolling_sharpe`.

    A return of -1 or less loses everything: the value is 0 and stays there.

    >>> rolling_drawdown(np.array([0.0, -0.5, 1.0]), 2)
    RollingDrawdown(current=array([ nan, -0.5,  0. ]), maximum=array([ nan, -0.5, -0.5]), \
length=array([nan,  1.,  0.]))
    """
    return rolling_metrics(returns, (window,), _FALLS)[window].drawdown


def rolling_information_coefficient(
    scores: Floats, outcomes: Floats, window: int, min_names: int = 5
) -> Floats:
    """Mean over each window of the session's rank correlation of scores and outcomes.

    Parameters
    ----------
    scores, outcomes : (T, N) both; a pair with a missing side is dropped.
    window : sessions, at least 1.
    min_names : sessions with fewer pairs have no correlation; at least 2.

    Returns
    -------
    (T,); NaN where a session of the window has no correlation.

    Raises
    ------
    ValueError
        When the window is below 1, or scores and outcomes are not both (T, N).
    """
    left, right = np.asarray(scores, dtype=np.float64), np.asarray(outcomes, dtype=np.float64)
    if left.ndim != 2 or left.shape != right.shape:
        raise ValueError(
            f"scores have shape {left.shape} and outcomes {right.shape}: give (T, N) for both"
        )
    return rolling_mean(rank_correlation(left, right, min_names), window)


def rolling_metrics(
    returns: Floats, windows: Sequence[int], metrics: frozenset[str] = ALL
) -> dict[int, WindowMetrics]:
    """Compute several metrics over several windows in one pass.

    Parameters
    ----------
    returns : (T,) or (T, N), simple returns a session.
    windows : sessions, each at least 1.
    metrics : which of `ALL` to compute; arrays of the others are empty.

    Returns
    -------
    Window -> metrics, as the functions of one metric return them. Arrays of (T, N) have time
    contiguous in memory.

    Raises
    ------
    ValueError
        When there is no window, one is below 1, or the returns are neither (T,) nor (T, N).
    """
    values = np.asarray(returns, dtype=np.float64)
    if values.ndim not in (1, 2) or not windows or min(windows) < 1:
        raise ValueError(
            f"windows {tuple(windows)} on returns of shape {values.shape}: give (T,) or (T, N) and "
            f"windows of at least 1"
        )
    if not metrics <= ALL:
        raise ValueError(f"metrics {sorted(metrics - ALL)} are unknown: choose of {sorted(ALL)}")
    rows = np.atleast_2d(values.T)  # a series is a row
    n_series, n_rows = rows.shape
    found = {window: _room((n_series, n_rows), metrics) for window in windows}
    step = max(_CHUNK // max(n_rows, 1), 1)
    with np.errstate(all="ignore"):
        for start in range(0, n_series, step):
            block = np.array(rows[start : start + step], order="C")
            block[~np.isfinite(block)] = np.nan
            parts = {
                window: _sliced(room, slice(start, start + step)) for window, room in found.items()
            }
            if metrics & {"mean", "volatility", "sharpe"}:
                fill_moments(block, parts)
            if "hit_rate" in metrics:
                fill_hits(block, parts)
            if metrics & _FALLS:
                fill_drawdowns(block, parts)
    return {
        window: _each(room, lambda part: part.T if values.ndim == 2 else part.ravel())
        for window, room in found.items()
    }


def _room(shape: tuple[int, int], metrics: frozenset[str]) -> WindowMetrics:
    """Make room for what is asked; the rest is empty, whichever its slices."""

    def room(name: str) -> Floats:
        return np.empty(shape if name in metrics else (shape[0], 0))

    falls = RollingDrawdown(room("drawdown"), room("drawdown"), room("drawdown_length"))
    return WindowMetrics(room("mean"), room("volatility"), room("sharpe"), room("hit_rate"), falls)


def _sliced(metrics: WindowMetrics, span: slice) -> WindowMetrics:
    return _each(metrics, lambda part: part[span])


def _each(metrics: WindowMetrics, change: Callable[[Floats], Floats]) -> WindowMetrics:
    mean, volatility, sharpe, hit_rate = (change(part) for part in metrics[:4])
    current, maximum, length = (change(part) for part in metrics.drawdown)
    falls = RollingDrawdown(current, maximum, length)
    return WindowMetrics(mean, volatility, sharpe, hit_rate, falls)
