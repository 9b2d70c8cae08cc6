"""How well orders were executed, one by one and together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from shadowbook.core.performance.order_columns import (
    MEASURES,
    Labels,
    OrderColumns,
    check,
    labels_of,
    measured,
    percentiles,
    terms_of,
)
from shadowbook.core.performance.shortfall import SIGNS
from shadowbook.core.values import Floats
from shadowbook.errors import SchemaError

LATENCY_PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class ExecutedOrder:
    """One order and what became of it.

    Attributes
    ----------
    side : buy or sell.
    quantity, filled : whole shares or contracts, at least 0.
    decision_price : when it was decided; arrival_price: when it reached the market;
        average_price: of its fills, costs included; closing_price: values what was not filled;
        later_price : the middle some time after the fill, for the realized spread. NaN = unknown.
    commission : in currency.
    latency_seconds : from sending to acceptance; NaN = unknown.
    rejected : True where it was never accepted.
    hour : of the fill, in the exchange's time zone; None where there was none.
    """

    strategy: str
    book: str
    symbol: str
    decided_at: datetime
    side: str
    quantity: float
    filled: float
    decision_price: float
    arrival_price: float
    average_price: float
    closing_price: float
    later_price: float
    commission: float
    latency_seconds: float
    rejected: bool
    hour: int | None


@dataclass(frozen=True)
class Quality:
    """A group of orders; NaN where nothing tells.

    Attributes
    ----------
    orders, rejects : how many.
    notional : traded, in currency.
    fill_ratio : shares filled over shares ordered, by notional at the decision price.
    slippage_bps : average price against arrival, weighted by notional; above 0 is a cost.
    effective_spread_bps, realized_spread_bps : twice the signed distance of the price from the
        middle at the trade, and from the middle later.
    latency_seconds : percentile (50, 95, 99) -> seconds.
    explicit_bps, realized_bps, delay_bps, opportunity_bps, shortfall_bps : Perold's parts and their
        sum, as shares of what was ordered at the decision price.
    """

    orders: int
    rejects: int
    notional: float
    fill_ratio: float
    slippage_bps: float
    effective_spread_bps: float
    realized_spread_bps: float
    latency_seconds: Mapping[int, float]
    explicit_bps: float
    realized_bps: float
    delay_bps: float
    opportunity_bps: float
    shortfall_bps: float


@dataclass(frozen=True)
class ExecutionQuality:
    """All orders of a span, and the same by group.

    Attributes
    ----------
    by : ``strategy``, ``symbol`` or ``hour`` -> group -> quality.
    """

    total: Quality
    by: Mapping[str, Mapping[str, Quality]]


def columns_of(orders: Sequence[ExecutedOrder]) -> OrderColumns:
    """Lay orders out as columns.

    Raises
    ------
    SchemaError
        An order's side is neither buy nor sell.
    """
    strange = next((one for one in orders if one.side not in SIGNS), None)
    if strange is not None:
        raise SchemaError(
            f"the side of the order for {strange.symbol} is {strange.side!r}: give buy or sell"
        )

    def floats(name: str) -> Floats:
        return np.array([getattr(one, name) for one in orders], dtype=np.float64)

    hours = ["" if one.hour is None else f"{one.hour:02}" for one in orders]
    return OrderColumns(
        signs=np.array([SIGNS[one.side] for one in orders]),
        quantities=floats("quantity"),
        filled=floats("filled"),
        decision_prices=floats("decision_price"),
        arrival_prices=floats("arrival_price"),
        average_prices=floats("average_price"),
        closing_prices=floats("closing_price"),
        later_prices=floats("later_price"),
        commissions=floats("commission"),
        latency_seconds=floats("latency_seconds"),
        rejected=np.array([one.rejected for one in orders], dtype=bool),
        groups={
            "strategy": labels_of([one.strategy for one in orders]),
            "symbol": labels_of([one.symbol for one in orders]),
            "hour": labels_of(hours),
        },
    )


def quality_of(orders: Sequence[ExecutedOrder]) -> Quality:
    """Measure a group of orders.

    Each measure is a ratio of sums over the orders that have what it needs; without any it is NaN.
    Spreads and slippage are shares of what was traded at the arrival price. Perold's parts are
    those of `implementation_shortfall`, taken over the orders of which every part is known, so that
    they add up; an order that was not filled needs no arrival.

    Raises
    ------
    SchemaError
        A side is neither buy nor sell, a quantity is negative or not a number, more was filled than
        ordered, or a price is not positive.

    >>> from datetime import UTC, datetime
    >>> at = datetime(2020, 1, 6, 21, tzinfo=UTC)
    >>> prices = (40.0, 40.04, 40.05, 40.08, float("nan"))
    >>> order = ExecutedOrder("s", "b", "A", at, "buy", 1000, 700, *prices, 17.0, 0.1, False, 16)
    >>> round(quality_of([order]).shortfall_bps, 9)
    19.0
    """
    return columns_quality(columns_of(orders)).total


def execution_quality(orders: Sequence[ExecutedOrder]) -> ExecutionQuality:
    """Measure orders together, by strategy, by symbol and by hour; see `quality_of`."""
    return columns_quality(columns_of(orders))


def columns_quality(orders: OrderColumns) -> ExecutionQuality:
    """Measure columns of orders together and by group; see `quality_of`."""
    check(orders)
    terms = terms_of(orders)
    everything = Labels(np.zeros(len(orders.signs), dtype=np.int64), ("",))
    return ExecutionQuality(
        total=_grouped(orders, everything, terms)[""],
        by={name: _grouped(orders, labels, terms) for name, labels in orders.groups.items()},
    )


def _grouped(
    orders: OrderColumns, labels: Labels, terms: Mapping[str, Floats]
) -> dict[str, Quality]:
    found = measured(orders, labels, terms)
    waits = percentiles(orders, labels, LATENCY_PERCENTILES)
    return {
        name: Quality(
            orders=int(found["orders"][g]),
            rejects=int(found["rejects"][g]),
            latency_seconds={
                percent: float(waits[p, g]) for p, percent in enumerate(LATENCY_PERCENTILES)
            },
            **{measure: float(found[measure][g]) for measure in MEASURES},
        )
        for g, name in enumerate(labels.names)
    }
