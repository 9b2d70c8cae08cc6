"""How well orders were executed, one by one and together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


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
