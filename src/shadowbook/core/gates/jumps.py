"""Jumps that are no market's: splits, bad ticks, swapped symbols, wrong units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shadowbook.core.gates.grid import Grid, own_scale
from shadowbook.core.gates.policy import MarketGatePolicy
from shadowbook.core.gates.volumes import over_median
from shadowbook.core.values import Floats

Mask = NDArray[np.bool_]

AFTERMATH = 10
"""Sessions after a jump that tell news from a change of units."""


NORMAL_MEDIAN_ABSOLUTE = 0.6745
"""Median absolute value of a standard normal variable."""


@dataclass(frozen=True)
class Splits:
    """Jumps near a ratio of share counts.

    Attributes
    ----------
    suspected : (T, N) nothing speaks against an unadjusted split or spin-off.
    possible : (T, N) near a ratio, but news explains it as well or better.
    ratio : (T, N) the ratio, old price over new; NaN where neither.
    """

    suspected: Mask
    possible: Mask
    ratio: Floats


def find_splits(grid: Grid, policy: MarketGatePolicy) -> Splits:
    """Find jumps that the index does not share and that only a change of units explains.

    Where volume or opens exist they decide: a split or spin-off opens with the gap and trades
    its usual dollar volume, news trades a multiple of it. On closes alone the sessions after
    the jump decide, as far as they are known: news leaves a symbol restless, a split does not.
    A ratio of 3:2 is too common among honest falls to be blamed on closes alone.
    """
    jump = grid.residuals
    whole, ratio = _nearest_ratio(jump, grid, policy)
    half = _near(jump, -np.log(1.5), grid, policy)
    told, agrees = _trading_evidence(grid, policy)
    quiet = ~(_restlessness(grid, policy) > policy.split_restless)
    # EBAY lost PayPal on 2015-07-20 at 2.32 to 1: a spin-off has no whole ratio.
    spun_off = (jump <= -policy.spinoff_least) & told & agrees
    suspected = (whole & np.where(told, agrees, quiet)) | (half & told & agrees) | spun_off
    possible = (whole | half) & ~suspected
    ratio = np.where(half & ~whole, 1.5, ratio)
    ratio = np.where(spun_off & ~whole & ~half, np.exp(-jump), ratio)
    ratio[~(suspected | possible)] = np.nan
    return Splits(suspected, possible, ratio)


def _nearest_ratio(jump: Floats, grid: Grid, policy: MarketGatePolicy) -> tuple[Mask, Floats]:
    forward = np.asarray(policy.split_ratios, dtype=np.float64)
    # Old price over new: 2 is a two-for-one split, 0.5 a one-for-two reverse split.
    ratios = np.sort(np.concatenate([1 / forward, forward]))
    middles = (np.log(ratios[1:]) + np.log(ratios[:-1])) / 2
    nearest = ratios[np.searchsorted(middles, -np.nan_to_num(jump))]
    return _near(jump, -np.log(nearest), grid, policy), nearest


def _near(jump: Floats, target: Floats | float, grid: Grid, policy: MarketGatePolicy) -> Mask:
    """Tell where what the ratio leaves is an ordinary session, and the tick can tell ratios."""
    before = np.take_along_axis(grid.prices, np.maximum(grid.previous, 0), axis=0)
    coarse = np.nan_to_num(grid.tick / np.fmin(grid.prices, before)) > policy.split_tolerance
    allowed = np.minimum(policy.split_deviations * grid.scale, policy.split_tolerance)
    near: Mask = (np.abs(jump - target) <= allowed) & ~coarse
    return near


def _trading_evidence(grid: Grid, policy: MarketGatePolicy) -> tuple[Mask, Mask]:
    """(there is evidence from opens or volume, it agrees with a change of units)."""
    told = np.zeros(grid.prices.shape, dtype=bool)
    agrees = np.ones(grid.prices.shape, dtype=bool)
    close = grid.fields["close"]
    if "volume" in grid.fields:
        ratio = over_median(close * grid.fields["volume"])
        known = np.isfinite(ratio)
        told |= known
        agrees &= ~known | (ratio <= policy.split_dollar_volume)
    known = np.isfinite(_share_at_open(grid))
    told |= known
    agrees &= ~known | _opened_there(grid, policy)
    return told, agrees


def _restlessness(grid: Grid, policy: MarketGatePolicy) -> Floats:
    """(T, N) typical size of the next own returns over the usual; NaN while five are not known.

    The market's part is taken out on both sides, and the median keeps one later shock from
    passing for unrest.
    """
    later = pd.DataFrame(np.abs(grid.residuals[::-1]))
    median = later.rolling(AFTERMATH, min_periods=5).median().shift(1).to_numpy(np.float64)[::-1]
    ratio: Floats = median / NORMAL_MEDIAN_ABSOLUTE / own_scale(grid.residuals, policy)
    return ratio


@dataclass(frozen=True)
class Spikes:
    """Jumps that the next session takes back.

    Attributes
    ----------
    wrong : (T, N) bad ticks.
    doubtful : (T, N) they may be honest.
    strayed : (T, N) the whole bar stands elsewhere at its usual dollar volume, no further away
        than honest openings are.
    near : (T, N) words on the symbol whose last price a strayed bar stands at and which strayed
        in the same session; else empty.
    """

    wrong: Mask
    doubtful: Mask
    strayed: Mask
    near: NDArray[np.object_]


def find_spikes(grid: Grid, policy: MarketGatePolicy) -> Spikes:
    """Find jumps that the next session takes back.

    Honest prices do that too: among jumps of five own deviations a few in a thousand symbol
    years. A usual dollar volume (nobody traded the news) tells them apart; closes alone tell
    only from eight deviations on. Where opens exist, a bar that stands elsewhere as a whole is
    vouched for by its own prices: it is wrong only beyond what honest openings do.
    """
    size = np.abs(grid.residuals)
    noise = grid.noise
    taken_back = size > policy.spike_least
    for values in (grid.returns, grid.residuals):
        taken_back &= np.abs(values + _next(values)) <= policy.spike_left * np.abs(values)
    told = np.zeros(size.shape, dtype=bool)
    if "volume" in grid.fields:
        dollars = over_median(grid.fields["close"] * grid.fields["volume"])
        told = dollars <= policy.split_dollar_volume
    large = taken_back & (size >= policy.spike_deviations * noise)
    wrong = large & (told | (size >= policy.spike_deviations_alone * noise))
    strayed = wrong & _opened_there(grid, policy) & (size < policy.spike_whole_bar)
    return Spikes(wrong & ~strayed, large & ~wrong, strayed, _resembled(strayed, grid))


def _opened_there(grid: Grid, policy: MarketGatePolicy) -> Mask:
    """(T, N) the open already stood where the close does, so the bar as a whole does."""
    share = _share_at_open(grid)
    least = policy.split_gap_share
    there: Mask = (share >= least) & (share <= 2 - least)
    return there


def _share_at_open(grid: Grid) -> Floats:
    """(T, N) share of the session's move that its open has already; NaN without an open."""
    if "open" not in grid.fields:
        return np.full(grid.prices.shape, np.nan)
    # Raw open over raw close is the session's own move, whatever the adjustment.
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.log(grid.fields["close"] / grid.fields["open"])
        share: Floats = 1 - within / grid.returns
    return share


def _resembled(strayed: Mask, grid: Grid) -> NDArray[np.object_]:
    names = np.full(strayed.shape, "", dtype=object)
    for row in np.flatnonzero(strayed.sum(axis=1) >= 2):
        columns = np.flatnonzero(strayed[row])
        near = _takes_price_of(grid, int(row), columns)
        for one, other in np.argwhere(near):
            names[row, columns[one]] = f", at the price of {grid.symbols[columns[other]]}"
    return names


def _takes_price_of(grid: Grid, row: int, columns: NDArray[np.int64]) -> Mask:
    """(K, K) whether the row's symbol stands within an ordinary move of the other's last price."""
    now = np.log(grid.prices[row, columns])
    before = now - grid.returns[row, columns]
    near: Mask = np.abs(now[:, None] - before[None, :]) <= 3 * grid.noise[row, columns][None, :]
    np.fill_diagonal(near, False)
    return near


def _next(values: Floats) -> Floats:
    """Each column's next value that is not missing; NaN after the last."""
    filled = pd.DataFrame(values).bfill().to_numpy(np.float64)
    later: Floats = np.full(values.shape, np.nan)
    later[:-1] = filled[1:]
    return later


def find_swaps(grid: Grid, policy: MarketGatePolicy) -> tuple[Mask, NDArray[np.object_]]:
    """Find pairs of symbols that take each other's price in the same session.

    Returns
    -------
    swapped : (T, N).
    partner : (T, N) the other symbol, empty where not swapped.
    """
    jump = np.abs(grid.residuals)
    noise = grid.noise
    moved = (jump >= policy.spike_deviations_alone * noise) & (jump > policy.spike_least)
    swapped = np.zeros(moved.shape, dtype=bool)
    partner = np.full(moved.shape, "", dtype=object)
    for row in np.flatnonzero(moved.sum(axis=1) >= 2):
        columns = np.flatnonzero(moved[row])
        near = _takes_price_of(grid, int(row), columns)
        for first, second in np.argwhere(near & near.T):
            swapped[row, columns[first]] = True
            partner[row, columns[first]] = grid.symbols[columns[second]]
    return swapped, partner


def find_twins(grid: Grid, length: int = 21) -> dict[str, tuple[str, int]]:
    """Find symbols that carry another's prices over a block of sessions.

    Returns
    -------
    symbol -> (the other symbol, first row of the first block they share). Blocks in which a
    price rests throughout are no evidence.
    """
    twins: dict[str, tuple[str, int]] = {}
    for start in range(0, len(grid.prices) - length + 1, length):
        block = grid.prices[start : start + length]
        usable = np.flatnonzero(np.isfinite(block).all(axis=0) & (np.ptp(block, axis=0) > 0))
        seen: dict[bytes, int] = {}
        for column in usable:
            key = block[:, column].tobytes()
            other = seen.setdefault(key, int(column))
            if other != column:
                pair = grid.symbols[other], grid.symbols[column]
                twins.setdefault(pair[0], (pair[1], start))
                twins.setdefault(pair[1], (pair[0], start))
    return twins
