"""Time of rolling performance beside pandas, polars and empyrical.

Run: ``python -m benchmarks.performance``. 500 series of 8,000 sessions over four windows; every row
is measured on the same returns in one process, best of a few runs. The floor of the first table is
one pass over the returns for every window and figure, that of the second two sorts of every row.
empyrical-reloaded brings bottleneck, which would change pandas' last digits, so it is not
installed: what is timed is how its ``roll_*`` functions compute (all windows of a series side by
side), on a few series, and multiplied. polars runs on all its threads; the rank correlation is its
``corr`` within ``group_by``, the fastest of its forms tried (ranks ``over`` the session, ranks of
arrays, ranks of a transposed frame).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time

import numpy as np
import pandas as pd
import polars as pl

from shadowbook.core.performance.rolling import (
    rolling_information_coefficient,
    rolling_metrics,
    rolling_sharpe,
)

SESSIONS, SERIES = 8_000, 500
WINDOWS = (21, 63, 126, 252)
PLAIN = frozenset({"sharpe", "hit_rate", "drawdown"})
FULL = PLAIN | {"drawdown_length"}
SLICE = 5
"""Series that empyrical's way is timed on."""


def ours(returns, metrics=PLAIN):
    return rolling_metrics(returns, WINDOWS, metrics)


def pandas_twin(returns):
    """Sharpe ratio and hit rate alone: pandas has no windowed drawdown."""
    frame = pd.DataFrame(returns)
    hits = (frame > 0.0).astype(float)
    found = {}
    for window in WINDOWS:
        rolled = frame.rolling(window)
        found[window] = rolled.mean() / rolled.std(), hits.rolling(window).mean()
    return found


def floor(returns):
    return [returns * 1.0 for _ in WINDOWS for _ in range(4)]


def sharpe_of(window):
    """Sharpe ratio of every column, as empyrical computes it."""
    return np.nanmean(window, axis=0) / np.nanstd(window, axis=0, ddof=1)


def hit_rate_of(window):
    return np.nanmean(window > 0.0, axis=0)


def drawdown_of(window):
    """Deepest drawdown of every column, as empyrical computes it."""
    value = np.cumprod(np.vstack([np.ones(window.shape[1:]), 1.0 + window]), axis=0)
    peak = np.fmax.accumulate(value, axis=0)
    return np.nanmin((value - peak) / peak, axis=0)


def rolled_by_series(returns):
    """Lay all windows of a series side by side: how empyrical's ``roll_*`` functions roll."""
    return {
        window: [
            np.column_stack(
                [
                    function(np.lib.stride_tricks.sliding_window_view(series, window).T)
                    for series in returns.T[:SLICE]
                ]
            )
            for function in (sharpe_of, hit_rate_of, drawdown_of)
        ]
        for window in WINDOWS
    }


def polars_correlation(scores, outcomes):
    frame = pl.DataFrame(
        {
            "session": np.repeat(np.arange(len(scores)), scores.shape[1]),
            "score": scores.ravel(),
            "outcome": outcomes.ravel(),
        }
    )
    grouped = frame.group_by("session", maintain_order=True)
    return grouped.agg(ic=pl.corr("score", "outcome", method="spearman"))["ic"].to_numpy()


def two_sorts(scores, outcomes):
    return np.sort(scores, axis=1), np.sort(outcomes, axis=1)


def best(function, *arguments, runs=3):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        result = function(*arguments)
        times.append(time.perf_counter() - start)
        if len(times) < runs:
            del result  # its memory is not to be paid for twice
    return min(times), result


def check(found, twins, rolled):
    """Compare all implementations, so that the table compares equal work."""
    for window in WINDOWS:
        sharpe, hits = twins[window]
        np.testing.assert_allclose(found[window].sharpe, sharpe, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(found[window].hit_rate, hits, rtol=1e-9)
        span = slice(window - 1, None), slice(SLICE)
        mine = found[window].sharpe, found[window].hit_rate, found[window].drawdown.maximum
        for ours_there, theirs in zip(mine, rolled[window], strict=True):
            np.testing.assert_allclose(ours_there[span], theirs, atol=1e-11)


def after_a_million(returns):
    """Largest error of the Sharpe ratio in windows after a value of 1e6, ours and pandas'."""
    series = returns[:, 0].copy()
    series[1_000] = 1e6
    first = 1_000 + 252
    exact = np.array(
        [
            series[at - 251 : at + 1].mean() / series[at - 251 : at + 1].std(ddof=1)
            for at in range(first, SESSIONS)
        ]
    )
    rolled = pd.Series(series).rolling(252)
    theirs = (rolled.mean() / rolled.std()).to_numpy()[first:]
    return tuple(
        float(np.abs(found - exact).max())
        for found in (rolling_sharpe(series, 252)[first:], theirs)
    )


def show(title, seconds, mine):
    print(f"{title:<58}{seconds:>9.2f}{seconds / mine:>9.1f}x")


def rolling_table(rng):
    returns = rng.normal(0.0005, 0.01, (SESSIONS, SERIES))
    mine, found = best(ours, returns)
    pandas_time, twins = best(pandas_twin, returns)
    sliced, rolled = best(rolled_by_series, returns)
    check(found, twins, rolled)
    del found, twins
    longer, _ = best(ours, returns, FULL)
    least, _ = best(floor, returns)
    print(f"{f'{SERIES} x {SESSIONS:,}, windows {WINDOWS}':<58}{'s':>9}{'of ours':>10}")
    show("shadowbook: Sharpe, hit rate, drawdown", mine, mine)
    show("shadowbook: and the drawdown's length", longer, mine)
    show("pandas: Sharpe, hit rate (limit: 2x)", pandas_time, mine)
    show("empyrical's way, extrapolated (limit: 100x)", sliced * SERIES / SLICE, mine)
    show("floor: one pass a figure and window", least, mine)
    ours_off, theirs_off = after_a_million(returns)
    print(f"largest error after a value of 1e6: shadowbook {ours_off:.0e}, pandas {theirs_off:.0e}")


def correlation_table(rng):
    scores = rng.normal(size=(SESSIONS, SERIES))
    outcomes = 0.05 * scores + rng.normal(size=(SESSIONS, SERIES))
    mine, found = best(rolling_information_coefficient, scores, outcomes, 1)
    least, _ = best(two_sorts, scores, outcomes)
    print(f"{f'rank correlation of {SESSIONS:,} x {SERIES}':<58}{'s':>9}{'of ours':>10}")
    show("shadowbook", mine, mine)
    theirs, twin = best(polars_correlation, scores, outcomes)
    np.testing.assert_allclose(found, twin, atol=1e-12)
    show("polars (limit: 1x)", theirs, mine)
    show("floor: two sorts", least, mine)


def main():
    rng = np.random.default_rng(0)
    rolling_table(rng)
    correlation_table(rng)


if __name__ == "__main__":
    main()
