"""An exchange in small: orders are taken in, and their session's auction settles every one."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Literal

import numpy as np

from shadowbook.core.books.actions import split
from shadowbook.core.books.execution import (
    Execution,
    ExecutionPolicy,
    SessionMarket,
    execute,
    settle_delisting,
)
from shadowbook.core.books.orders import Fill, Order, OrderStatus
from shadowbook.core.books.states import OrderAct, OrderEvent, advance, opened

LATENCY_SPREAD = 0.5
"""Standard deviation of the logarithm of the latency: one in 40 takes 2.7 times the median."""

Settlement = Literal["next_close", "next_open", "delisting"]

_NORMAL = NormalDist()
_NAMES: dict[Settlement, str] = {
    "next_close": "closing auction",
    "next_open": "opening auction",
    "delisting": "settlement of delistings",
}


def latency(client_order_id: str, median_ms: float, seed: int) -> timedelta:
    """How long an order takes to be accepted: lognormal, drawn from its id and the seed alone.

    The draw does not depend on what else is sent, or when, so a run cut into pieces draws the same.

    >>> latency("sb-1", 50.0, seed=7) == latency("sb-1", 50.0, seed=7)
    True
    """
    digest = hashlib.sha256(f"{seed}:{client_order_id}".encode()).digest()
    uniform = ((int.from_bytes(digest[:8], "big") >> 12) + 0.5) / 2.0**52
    wait_ms = median_ms * math.exp(LATENCY_SPREAD * _NORMAL.inv_cdf(uniform))
    return timedelta(microseconds=round(wait_ms * 1_000.0))


def take_in(
    order: Order, now: datetime, wait: timedelta, refusal: str = ""
) -> tuple[OrderStatus, OrderStatus]:
    """Return an order's first two states: NEW, then ACCEPTED, or REJECTED where there is a refusal.

    Parameters
    ----------
    order : as it was sent.
    now : when it was sent, aware UTC.
    wait : until it is accepted or rejected.
    refusal : why it may not be accepted; empty when it may.
    """
    new = opened(order, now)
    act = OrderAct.REJECT if refusal else OrderAct.ACCEPT
    return new, advance(new, OrderEvent(act, reason=refusal), now + wait)


def run_auction(
    waiting: Sequence[OrderStatus], market: SessionMarket, policy: ExecutionPolicy
) -> list[tuple[OrderStatus, ...]]:
    """Settle orders in their session: filled, filled in part and the rest cancelled, or cancelled.

    Parameters
    ----------
    waiting : accepted orders for this session's auctions; an order accepted after its auction
        trades nothing. Orders that close a delisted holding settle at its last price.
    market : the session.
    policy : costs and cap. Each order trades in the auction of its own kind.

    Returns
    -------
    For each order the states it went through, in order; the last one is final.
    """
    settlements = [_settlement(status.order) for status in waiting]
    executed = _execute_each(waiting, settlements, market, policy)
    filled, prices = executed.filled.tolist(), executed.prices.tolist()
    references, commissions = executed.references.tolist(), executed.commission_cents.tolist()
    settled = []
    for i, status in enumerate(waiting):
        at = _moment(settlements[i], market)
        steps: list[OrderStatus] = []
        if filled[i]:
            fill = Fill(
                status.order.client_order_id,
                len(status.fills),
                filled[i],
                prices[i],
                references[i],
                commissions[i],
                at,
            )
            steps.append(advance(status, OrderEvent(OrderAct.FILL, fill), at))
        last = steps[-1] if steps else status
        if not last.state.final:
            reason = _shortage(last, settlements[i], market, policy, references[i])
            # An order accepted too late ends when it came, not before.
            end = max(at, status.changed_at)
            steps.append(advance(last, OrderEvent(OrderAct.CANCEL, reason=reason), end))
        settled.append(tuple(steps))
    return settled


def _settlement(order: Order) -> Settlement:
    if order.purpose == "delisting":
        return "delisting"
    return "next_close" if order.kind == "market_on_close" else "next_open"


def _moment(settlement: Settlement, market: SessionMarket) -> datetime:
    return market.opened_at if settlement == "next_open" else market.closed_at


def _execute_each(
    waiting: Sequence[OrderStatus],
    settlements: Sequence[Settlement],
    market: SessionMarket,
    policy: ExecutionPolicy,
) -> Execution:
    """Execute each order in its own auction; zero shares where it may not take part."""
    count = len(waiting)
    whole = Execution(
        filled=np.zeros(count, dtype=np.int64),
        prices=np.full(count, np.nan),
        references=np.full(count, np.nan),
        commission_cents=np.zeros(count, dtype=np.int64),
    )
    chosen: dict[Settlement, list[int]] = {}
    for i, status in enumerate(waiting):
        in_time = status.changed_at <= _moment(settlements[i], market)
        if in_time and status.order.symbol in market.row:
            chosen.setdefault(settlements[i], []).append(i)
    for settlement, places in chosen.items():
        orders = [waiting[i].order for i in places]
        rows = np.array([market.row[order.symbol] for order in orders], dtype=np.int64)
        quantities = np.array([order.quantity for order in orders], dtype=np.int64)
        if settlement == "delisting":
            part = settle_delisting(quantities, market, rows)
        else:
            part = execute(quantities, market, policy.model_copy(update={"at": settlement}), rows)
        whole.filled[places] = part.filled
        whole.prices[places] = part.prices
        whole.references[places] = part.references
        whole.commission_cents[places] = part.commission_cents
    return whole


def _shortage(
    status: OrderStatus,
    settlement: Settlement,
    market: SessionMarket,
    policy: ExecutionPolicy,
    reference: float,
) -> str:
    """Why an order was not filled in full, as one sentence."""
    order, name = status.order, _NAMES[settlement]
    if not status.fills and status.changed_at > _moment(settlement, market):
        return f"accepted after the {name} of {market.session}"
    row = market.row.get(order.symbol)
    if row is not None and market.actions is not None and split(market.actions[[row]]).any():
        return f"{order.symbol} was split in {market.session}, and the order is in old shares"
    if math.isnan(reference):
        return f"{order.symbol} had no price in the {name} of {market.session}"
    return (
        f"{abs(status.filled)} of {abs(order.quantity)} shares of {order.symbol} fit into "
        f"{policy.max_participation:.3g} of the volume of {market.session}"
    )
