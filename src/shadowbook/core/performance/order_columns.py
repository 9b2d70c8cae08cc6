"""Orders as columns, and what is measured of groups of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats
from shadowbook.errors import SchemaError

_BPS = {
    "slippage_bps": ("slippage", "arrived", 1.0),
    "effective_spread_bps": ("slippage", "arrived", 2.0),
    "realized_spread_bps": ("reversal", "later", 2.0),
    "explicit_bps": ("explicit", "paper", 1.0),
    "realized_bps": ("realized", "paper", 1.0),
    "delay_bps": ("delay", "paper", 1.0),
    "opportunity_bps": ("opportunity", "paper", 1.0),
    "shortfall_bps": ("shortfall", "paper", 1.0),
}
"""Measure -> sum above, sum below, factor."""

MEASURES = ("notional", "fill_ratio", *_BPS)
"""Numbers of `measured` beside the counts."""


@dataclass(frozen=True, eq=False)
class Labels:
    """What each of K orders belongs to.

    Attributes
    ----------
    codes : (K,) places in ``names``; -1 = belongs to none.
    names : G groups.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class OrderColumns:
    """K orders as columns; what each is, see `ExecutedOrder`. Arrays are (K,), NaN = unknown.

    Attributes
    ----------
    signs : +1 to buy, -1 to sell.
    groups : ``strategy``, ``symbol`` or ``hour`` -> what each order belongs to.
    """

    signs: Floats
    quantities: Floats
    filled: Floats
    decision_prices: Floats
    arrival_prices: Floats
    average_prices: Floats
    closing_prices: Floats
    later_prices: Floats
    commissions: Floats
    latency_seconds: Floats
    rejected: NDArray[np.bool_]
    groups: Mapping[str, Labels]


def labels_of(words: Sequence[str]) -> Labels:
    """Group by word, in order of the words; the empty one belongs to none.

    >>> labels_of(["b", "", "a", "b"])
    Labels(codes=array([ 1, -1,  0,  1]), names=('a', 'b'))
    """
    names = sorted(set(words) - {""})
    at = {"": -1} | {name: place for place, name in enumerate(names)}
    return Labels(np.array([at[word] for word in words], dtype=np.int64), tuple(names))


def selected(orders: OrderColumns, group: str, name: str) -> OrderColumns:
    """Return the orders that belong to one name of a group, such as one strategy's."""
    labels = orders.groups[group]
    place = labels.names.index(name) if name in labels.names else len(labels.names)
    rows = np.flatnonzero(labels.codes == place)
    values = {
        field.name: getattr(orders, field.name)[rows]
        for field in fields(orders)
        if field.name != "groups"
    }
    groups = {key: _renamed(one, rows) for key, one in orders.groups.items()}
    return OrderColumns(**values, groups=groups)


def _renamed(labels: Labels, rows: NDArray[np.int64]) -> Labels:
    """Keep the names that are left, so that no group is told of without orders."""
    codes = labels.codes[rows]
    left = np.unique(codes[codes >= 0])
    after = np.where(codes >= 0, np.searchsorted(left, codes), -1)
    return Labels(after.astype(np.int64), tuple(labels.names[place] for place in left.tolist()))


def check(orders: OrderColumns) -> None:
    """Refuse what cannot be orders.

    Raises
    ------
    SchemaError
        See `execution.quality_of`; the message names the first order that is wrong.
    """
    wrong = [
        ("a side is neither buy nor sell", np.abs(orders.signs) != 1.0),
        (
            "a quantity is not a number of at least 0",
            ~(np.isfinite(orders.quantities) & (orders.quantities >= 0.0) & (orders.filled >= 0.0)),
        ),
        (
            "more was filled than ordered",
            orders.filled > orders.quantities * (1.0 + 1e-9),
        ),
        ("a commission is not a number", ~np.isfinite(orders.commissions)),
        *(
            (f"{what} is not positive", ~(np.isnan(prices) | ((prices > 0.0) & (prices < np.inf))))
            for what, prices in (
                ("a decision price", orders.decision_prices),
                ("an arrival price", orders.arrival_prices),
                ("an average price", orders.average_prices),
                ("a closing price", orders.closing_prices),
                ("a later price", orders.later_prices),
            )
        ),
    ]
    for what, bad in wrong:
        if bad.any():
            raise SchemaError(
                f"{what} in order {int(np.argmax(bad))} of {len(bad)}: mend the orders"
            )


def terms_of(orders: OrderColumns) -> dict[str, Floats]:
    """Return what is summed, an order each; where a measure cannot be told its terms are 0."""
    filled, decision = orders.filled, orders.decision_prices
    traded = (filled > 0.0) & np.isfinite(orders.average_prices)
    arrived = traded & np.isfinite(orders.arrival_prices)
    later = arrived & np.isfinite(orders.later_prices)
    decided = np.isfinite(decision)
    # Fractions of a contract do not always add up to the last bit.
    left = orders.quantities - filled
    left = np.where(left <= 1e-9 * orders.quantities, 0.0, left)
    whole = (
        decided
        & (arrived | (filled == 0.0))
        & ((left == 0.0) | np.isfinite(orders.closing_prices))
        & (orders.quantities > 0.0)
    )
    over_arrival = orders.signs * filled * (orders.average_prices - orders.arrival_prices)
    terms = {
        "notional": (traded, filled * orders.average_prices),
        "ordered": (decided, orders.quantities * decision),
        "filled": (decided, filled * decision),
        "slippage": (arrived, over_arrival),
        "arrived": (arrived, filled * orders.arrival_prices),
        "reversal": (
            later,
            orders.signs * filled * (orders.average_prices - orders.later_prices),
        ),
        "later": (later, filled * orders.arrival_prices),
        "paper": (whole, orders.quantities * decision),
        "explicit": (whole, orders.commissions),
        "realized": (whole & arrived, over_arrival),
        "delay": (whole & arrived, orders.signs * filled * (orders.arrival_prices - decision)),
        "opportunity": (
            whole & (left > 0.0),
            orders.signs * left * (orders.closing_prices - decision),
        ),
    }
    return {name: np.where(known, values, 0.0) for name, (known, values) in terms.items()}


def measured(
    orders: OrderColumns, labels: Labels, terms: Mapping[str, Floats]
) -> dict[str, NDArray[np.float64]]:
    """Return ``orders``, ``rejects`` and each of ``MEASURES`` of every group, (G,) each.

    Parameters
    ----------
    terms : of `terms_of`.
    """
    mine, n_groups = labels.codes >= 0, len(labels.names)
    codes = labels.codes[mine]

    def total(values: NDArray[np.float64]) -> Floats:
        return np.bincount(codes, values[mine], minlength=n_groups).astype(np.float64)

    sums = {name: total(values) for name, values in terms.items()}
    sums["shortfall"] = sums["explicit"] + sums["realized"] + sums["delay"] + sums["opportunity"]
    return {
        "orders": np.bincount(codes, minlength=n_groups).astype(np.float64),
        "rejects": total(orders.rejected.astype(np.float64)),
        "notional": sums["notional"],
        "fill_ratio": _ratio(sums["filled"], sums["ordered"]),
        **{
            name: 1e4 * factor * _ratio(sums[over], sums[under])
            for name, (over, under, factor) in _BPS.items()
        },
    }


def percentiles(orders: OrderColumns, labels: Labels, percents: Sequence[int]) -> Floats:
    """Return (P, G) percentiles of the known latencies, in seconds, between neighbors linear.

    NaN for a group of which none is known.
    """
    n_groups = len(labels.names)
    known = np.isfinite(orders.latency_seconds) & (labels.codes >= 0)
    codes, values = labels.codes[known], orders.latency_seconds[known]
    ordered = values[np.lexsort((values, codes))]
    counts = np.bincount(codes, minlength=n_groups)
    starts = np.cumsum(counts) - counts
    found = np.full((len(percents), n_groups), np.nan)
    there = counts > 0
    for p, percent in enumerate(percents):
        place = (counts[there] - 1) * (percent / 100.0)
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, counts[there] - 1)
        below, above = ordered[starts[there] + low], ordered[starts[there] + high]
        found[p, there] = below + (place - low) * (above - below)
    return found


def _ratio(over: Floats, under: Floats) -> Floats:
    found = np.full(len(over), np.nan)
    np.divide(over, under, out=found, where=under > 0.0)
    return found
