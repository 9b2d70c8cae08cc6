"""What trades paid: quoted, effective and realized spread, and price impact.

With p the price, s = +1 for a buyer who took the offer, m the middle of the last quote strictly
before the trade, and m' the middle h seconds later, in basis points of m::

    quoted    = ask - bid          effective   = 2 s (p - m)
    impact(h) = 2 s (m' - m)       realized(h) = 2 s (p - m') = effective - impact(h)

(Huang & Stoll 1996, *Dealer versus auction markets*; Lee & Ready 1991 for the quote that counts:
here it is the last strictly earlier one, since the sides of the trades are told, not guessed.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.performance.tapes import A_SECOND, Nanoseconds, Quotes, Trades
from shadowbook.core.values import Floats

HORIZONS = (1, 5, 60)
"""Seconds after a trade at which the middle is looked at again."""

_MINUTE = 60 * 10**9
_HOUR = 60 * _MINUTE


@dataclass(frozen=True)
class Spreads:
    """Means over trades, in basis points of the middle; NaN where nothing tells.

    Attributes
    ----------
    trades : matched with a quote.
    notional : of those, in currency.
    quoted, effective : at the trade.
    realized, impact : horizon in seconds -> later.
    """

    trades: int
    notional: float
    quoted: float
    effective: float
    realized: Mapping[int, float]
    impact: Mapping[int, float]


@dataclass(frozen=True)
class SpreadReport:
    """Spreads of a tape.

    Attributes
    ----------
    by_notional, by_count : all trades, weighted by what was traded, or each alike.
    hours, minutes : ``2024-08-08 23:54`` (UTC, when it began) -> weighted by notional.
    unmatched : trades without a usable quote before them.
    """

    by_notional: Spreads
    by_count: Spreads
    hours: Mapping[str, Spreads]
    minutes: Mapping[str, Spreads]
    unmatched: int


def spreads_of(quotes: Quotes, trades: Trades, horizons: Sequence[int] = HORIZONS) -> SpreadReport:
    """Measure what the trades of a tape paid, on the exchange's clock; see `tapes`.

    A trade counts for a horizon only where the quotes reach that far. Sizes and prices that are not
    positive count for nothing.

    Parameters
    ----------
    horizons : seconds, above 0.
    """
    order = np.argsort(quotes.exchange_ns, kind="stable")
    times, middles = quotes.exchange_ns[order], quotes.middles[order]
    before = _at(times, middles, trades.exchange_ns, strictly=True)
    quoted = _at(times, (quotes.asks - quotes.bids)[order], trades.exchange_ns, strictly=True)
    usable = np.isfinite(before) & (trades.prices > 0.0) & (trades.sizes > 0.0)
    usable &= np.isfinite(trades.prices) & np.isfinite(trades.sizes)
    found = {"quoted": quoted, "effective": 2.0 * trades.signs * (trades.prices - before)}
    for horizon in horizons:
        then = trades.exchange_ns + round(horizon * A_SECOND)
        later = np.where(then <= times[-1], _at(times, middles, then, strictly=False), np.nan)
        found[f"realized{horizon}"] = 2.0 * trades.signs * (trades.prices - later)
        found[f"impact{horizon}"] = 2.0 * trades.signs * (later - before)
    bps = {name: 1e4 * (values / before)[usable] for name, values in found.items()}
    paid, at = (trades.prices * trades.sizes)[usable], trades.exchange_ns[usable]
    return SpreadReport(
        by_notional=_means(bps, paid, paid, horizons),
        by_count=_means(bps, paid, np.ones(len(paid)), horizons),
        hours=_spans(bps, paid, at, _HOUR, horizons),
        minutes=_spans(bps, paid, at, _MINUTE, horizons),
        unmatched=int((~usable).sum()),
    )


def arrival_middles(quotes: Quotes, moments_ns: Nanoseconds) -> Floats:
    """Return the middle at which orders arrived: the last quote at or before each moment, (K,).

    Parameters
    ----------
    moments_ns : (K,) nanoseconds UTC since 1970, on the exchange's clock.

    NaN before the first quote, and where the quote has no usable middle.
    """
    order = np.argsort(quotes.exchange_ns, kind="stable")
    return _at(quotes.exchange_ns[order], quotes.middles[order], moments_ns, strictly=False)


def _at(times: Nanoseconds, values: Floats, moments: Nanoseconds, strictly: bool) -> Floats:
    """Return the last value before each moment, or at it; NaN before the first."""
    place = np.searchsorted(times, moments, side="left" if strictly else "right") - 1
    return np.where(place >= 0, values[np.maximum(place, 0)], np.nan)


def _means(
    bps: Mapping[str, Floats], paid: Floats, weights: Floats, horizons: Sequence[int]
) -> Spreads:
    def mean(name: str) -> float:
        known = np.isfinite(bps[name])
        total = float(weights[known].sum())
        return float((weights * bps[name])[known].sum()) / total if total > 0.0 else float("nan")

    return Spreads(
        trades=len(paid),
        notional=float(paid.sum()),
        quoted=mean("quoted"),
        effective=mean("effective"),
        realized={horizon: mean(f"realized{horizon}") for horizon in horizons},
        impact={horizon: mean(f"impact{horizon}") for horizon in horizons},
    )


def _spans(
    bps: Mapping[str, Floats], paid: Floats, at: Nanoseconds, span: int, horizons: Sequence[int]
) -> dict[str, Spreads]:
    found: dict[str, Spreads] = {}
    starts: NDArray[np.int64] = at // span
    for start in np.unique(starts).tolist():
        mine = starts == start
        cut = {name: values[mine] for name, values in bps.items()}
        began = np.datetime64(start * span, "ns").astype("datetime64[m]")
        found[str(began).replace("T", " ")] = _means(cut, paid[mine], paid[mine], horizons)
    return found
