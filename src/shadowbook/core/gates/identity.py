"""Whose prices these are: symbols that change their name, and bars under the wrong day."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shadowbook.core.gates.grid import Grid
from shadowbook.core.gates.policy import MarketGatePolicy
from shadowbook.core.values import Floats

SHIFT_STEP = 63
"""Sessions between the beginnings of two blocks in which a shift is looked for."""

MOST_DEVIATIONS = 4.0
"""Moves count no further: one shock must not make a correlation."""

TRADED_ALIKE = 4.0
"""Dollar volumes of one company under two names differ by no more."""


@dataclass(frozen=True)
class Shift:
    """A stretch in which a symbol moves with the market of another session.

    Attributes
    ----------
    lag : 1 where its bars stand a session late, -1 where they stand a session early.
    first, last : rows of the blocks in which this was seen.
    correlation, same_day : with the market of that other session, and of its own.
    """

    lag: int
    first: int
    last: int
    correlation: float
    same_day: float


def find_shifts(grid: Grid, policy: MarketGatePolicy) -> dict[str, Shift]:
    """Find symbols whose returns follow the market a session off.

    Returns are measured in own deviations and cut at four. Looked at are blocks of
    ``shift_sessions``, or the whole where it is shorter (half of that at least).
    """
    n_rows = len(grid.prices)
    block = min(policy.shift_sessions, n_rows)
    if block < policy.shift_sessions // 2 or grid.prices.shape[1] < policy.min_symbols:
        return {}
    own = np.clip(grid.returns / grid.scale, -MOST_DEVIATIONS, MOST_DEVIATIONS)
    market = _market(grid)
    starts = sorted({*range(0, n_rows - block + 1, SHIFT_STEP), n_rows - block})
    found: dict[str, Shift] = {}
    for start in starts:
        rows = slice(start, start + block)
        same, late, early = _correlations(own[rows], market[rows])
        best = np.fmax(late, early)
        shifted = (best >= policy.shift_correlation) & (best - same >= policy.shift_margin)
        for column in np.flatnonzero(shifted | (best > same)):
            name = grid.symbols[column]
            before = found.get(name)
            if shifted[column] and before is None:
                lag = 1 if late[column] >= early[column] else -1
                told = float(best[column]), float(same[column])
                found[name] = Shift(lag, start, start + block - 1, *told)
            elif before is not None and (shifted[column] or before.last >= start):
                # A calm year tells less: what began lasts until its own day fits better again.
                found[name] = replace(before, last=start + block - 1)
    return found


def _market(grid: Grid) -> Floats:
    """(T,) the market's return in its own deviations, cut like the symbols'; NaN without one."""
    moves = grid.returns - grid.residuals
    measured = np.isfinite(moves)
    returns = np.full(len(moves), np.nan)
    some = measured.any(axis=1)
    returns[some] = np.nanmedian(np.where(measured, moves, np.nan)[some], axis=1)
    size = pd.Series(np.abs(returns)).rolling(SHIFT_STEP, min_periods=21).mean().bfill()
    cut: Floats = np.clip(
        returns / size.where(size > 0).to_numpy(np.float64), -MOST_DEVIATIONS, MOST_DEVIATIONS
    )
    return cut


def _correlations(own: Floats, market: Floats) -> tuple[Floats, Floats, Floats]:
    """(N,) correlation with the market of the same session, of the one before and after it."""
    return (
        _correlation(own, market),
        _correlation(own[1:], market[:-1]),
        _correlation(own[:-1], market[1:]),
    )


def _correlation(own: Floats, market: Floats) -> Floats:
    """(N,) Pearson's, over the sessions that both have; NaN where under four in five have."""
    both = np.isfinite(own) & np.isfinite(market)[:, None]
    count = both.sum(axis=0)
    enough = count >= 0.8 * len(own)
    number = np.maximum(count, 1)
    x, y = np.where(both, own, 0.0), np.where(both, market[:, None], 0.0)
    x = np.where(both, x - x.sum(axis=0) / number, 0.0)
    y = np.where(both, y - y.sum(axis=0) / number, 0.0)
    spread = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    result: Floats = np.full(own.shape[1], np.nan)
    np.divide((x * y).sum(axis=0), spread, out=result, where=enough & (spread > 0))
    return result


def find_successors(
    grid: Grid, present: NDArray[np.bool_], policy: MarketGatePolicy
) -> dict[str, tuple[str, float]]:
    """Find symbols that end and go on the next session under a new name.

    A name that begins in the session after another's last, within its ordinary move of the other's
    last price and at about its dollar volume. Two names that live side by side, such as two share
    classes, are never that.

    Returns
    -------
    old name -> (new name, its first price over the old one's last).
    """
    first = np.argmax(present, axis=0)
    last = len(present) - 1 - np.argmax(present[::-1], axis=0)
    dollars = _dollars(grid)
    found: dict[str, tuple[str, float]] = {}
    for old in np.flatnonzero(last < len(present) - 1):
        begun = np.flatnonzero(first == last[old] + 1)
        if not begun.size:
            continue
        ratio = grid.prices[first[begun], begun] / grid.prices[last[old], old]
        gap = np.abs(np.log(ratio))
        allowed = policy.split_deviations * grid.noise[last[old], old]
        near = gap <= allowed
        if dollars is not None:
            volume = np.abs(np.log(dollars[1][begun] / dollars[0][old]))
            near &= ~(volume > np.log(TRADED_ALIKE))
        if near.any():
            best = int(np.flatnonzero(near)[np.argmin(gap[near])])
            found[grid.symbols[old]] = (grid.symbols[begun[best]], float(ratio[best]))
    return found


def _dollars(grid: Grid) -> tuple[Floats, Floats] | None:
    """(N,) median dollar volume of each symbol's last and of its first 21 bars."""
    if "volume" not in grid.fields:
        return None
    traded = pd.DataFrame(grid.fields["close"] * grid.fields["volume"])
    ends = [traded.apply(lambda c: c.dropna().tail(21).median())]
    ends.append(traded.apply(lambda c: c.dropna().head(21).median()))
    old, new = (values.where(values > 0).to_numpy(np.float64) for values in ends)
    return old, new
