"""What an order cost against the price it was decided at, in Perold's four parts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from shadowbook.errors import SchemaError

SIGNS = {"buy": 1.0, "sell": -1.0}
"""Side -> +1 or -1."""


@dataclass(frozen=True)
class Shortfall:
    """An order's implementation shortfall; a cost is above 0 on both sides.

    Attributes
    ----------
    explicit, realized, delay, opportunity, total : as fractions of quantity x decision price.
        ``opportunity`` and ``total`` are NaN where nothing tells what the rest was worth.
    total_cash : in currency: gain of the paper order less gain of the real one.
    """

    explicit: float
    realized: float
    delay: float
    opportunity: float
    total: float
    total_cash: float


def implementation_shortfall(
    side: str,
    quantity: float,
    decision_price: float,
    fills: Iterable[tuple[float, float]],
    arrival_price: float | None = None,
    closing_price: float | None = None,
    commission: float = 0.0,
) -> Shortfall:
    """Cut an order's cost into explicit, realized, delay and opportunity.

    With s = +1 for a buy and -1 for a sell, Q ordered at the decision price d, fills (f, p), the
    arrival price a and the closing price c, over Q d (Perold 1988, *The implementation shortfall:
    paper versus reality*; the cut at arrival is Wagner & Edwards 1993)::

        explicit    = commission
        realized    = s sum f (p - a)
        delay       = s sum f (a - d)
        opportunity = s (Q - sum f) (c - d)

    Parameters
    ----------
    side : ``buy`` or ``sell``.
    quantity : ordered, above 0.
    decision_price : currency a share when it was decided.
    fills : (quantity, price) each, quantities above 0; none = nothing was traded.
    arrival_price : currency a share when the order reached the market; None = it did at the
        decision, so that the delay is 0.
    closing_price : currency a share that values what was not filled; needed where something was
        left, and without it ``opportunity`` and ``total`` are NaN.
    commission : in currency, for the whole order; below 0 for a rebate.

    Raises
    ------
    SchemaError
        The side is another word, a quantity is not above 0, a price not a positive number, the
        commission not a number, or more was filled than ordered.

    >>> order = ("buy", 1000, 40.0, [(700, 40.05)], 40.04, 40.08, 17.0)
    >>> round(implementation_shortfall(*order).total, 12)
    0.0019
    """
    if side not in SIGNS:
        raise SchemaError(f"an order's side is {side!r}: give buy or sell")
    _check_quantity("the order's quantity", quantity)
    _check_price("the decision price", decision_price)
    fills = tuple(fills)
    for place, (shares, price) in enumerate(fills):
        _check_quantity(f"the quantity of fill {place}", shares)
        _check_price(f"the price of fill {place}", price)
    arrival = decision_price if arrival_price is None else arrival_price
    _check_price("the arrival price", arrival)
    if closing_price is not None:
        _check_price("the closing price", closing_price)
    if not math.isfinite(commission):
        raise SchemaError(f"the commission is {commission}: give a number")
    filled = math.fsum(shares for shares, _ in fills)
    left = quantity - filled
    if left < -1e-9 * quantity:
        raise SchemaError(f"{filled:g} were filled of an order for {quantity:g}: check the fills")
    # Fractions of a contract do not always add up to the last bit.
    left = 0.0 if left <= 1e-9 * quantity else left
    sign, paper = SIGNS[side], quantity * decision_price
    realized = sign * math.fsum(shares * (price - arrival) for shares, price in fills)
    delay = sign * filled * (arrival - decision_price)
    opportunity = 0.0
    if left:
        worth = math.nan if closing_price is None else closing_price
        opportunity = sign * left * (worth - decision_price)
    parts = [commission, realized, delay, opportunity]
    cash = math.nan if math.isnan(opportunity) else math.fsum(parts)
    explicit, realized, delay, opportunity = (part / paper for part in parts)
    return Shortfall(explicit, realized, delay, opportunity, cash / paper, cash)


def _check_quantity(what: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise SchemaError(f"{what} is {value}: give a number above 0")


def _check_price(what: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise SchemaError(f"{what} is {value}: give a positive number")
