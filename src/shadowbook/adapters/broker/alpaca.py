"""A broker over HTTP, in the shape of the Alpaca trading API (version 2, through alpaca-py)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shadowbook.adapters.broker.alpaca_connection import (
    AlpacaConnection,
    AlpacaPolicy,
    Answer,
    Kind,
    Sleep,
)
from shadowbook.adapters.broker.alpaca_orders import brought_up, content, readable, whole
from shadowbook.adapters.broker.port import Account
from shadowbook.core.books.execution import SessionMarket
from shadowbook.core.books.orders import Order, OrderState, OrderStatus
from shadowbook.core.books.states import OrderAct, OrderEvent, advance, opened
from shadowbook.errors import IntegrityError

if TYPE_CHECKING:
    from alpaca.trading.client import TradingClient

_PAGE = 500
"""Orders in one answer: the API's most."""

_FEW = 3
"""Up to so many orders are asked for one by one; for more, the newest page is read first."""


class AlpacaBroker:
    """Sends market-on-close and market-on-open orders, each exactly once.

    The broker refuses a second order of the same id, so an order that may have gone through is
    asked for by its id before it is sent again. An order whose auction is not the broker's next
    one is not sent: a day late, it would trade in another session's auction.

    Alpaca takes market-on-close orders for the next session from 19:00 New York time on and
    refuses them between 15:50 and 19:00.

    Parameters
    ----------
    base_url : such as ``https://paper-api.alpaca.markets``.
    key_id, secret : of the account.
    policy : patience.
    known : orders as the ledger has them, with the fills told so far: the API tells neither whose
        an order is nor its single fills.
    sleep : waits between attempts.

    Raises
    ------
    ConfigError
        No key, or an address that is not http(s).
    """

    def __init__(
        self,
        base_url: str,
        key_id: str,
        secret: str,
        policy: AlpacaPolicy,
        known: Iterable[OrderStatus] = (),
        sleep: Sleep = time.sleep,
    ) -> None:
        self._line = AlpacaConnection(base_url, key_id, secret, policy, sleep)
        self._known = {status.order.client_order_id: status for status in known}

    def submit(self, orders: Sequence[Order], now: datetime) -> list[OrderStatus]:
        """Send orders; see `Broker.submit`. What was sent before an error stays sent."""
        self._check_content(orders)
        next_auctions: dict[str, date] = {}
        for order in orders:
            # What was meant to be sent before, here or by an earlier process, may have arrived.
            tried = order.client_order_id in self._known
            status = self._known.setdefault(order.client_order_id, opened(order, now))
            if status.state is not OrderState.NEW:
                continue
            next_auctions = next_auctions or self._next_auctions()
            next_one = next_auctions[order.kind]
            in_time = next_one == order.session
            remote = self._by_id(order.client_order_id) if tried or not in_time else None
            if remote is not None:
                status = brought_up(status, remote)
            elif in_time:
                status = self._sent(status, now)
            else:
                reason = (
                    f"not sent: the broker's next auction is that of {next_one}, the order is for "
                    f"{order.session}"
                )
                status = advance(status, OrderEvent(OrderAct.REJECT, reason=reason), now)
            self._known[order.client_order_id] = status
        return [self._known[order.client_order_id] for order in orders]

    def statuses(self, client_order_ids: Sequence[str]) -> list[OrderStatus]:
        """Ask what became of orders; see `Broker.statuses`.

        Raises
        ------
        IntegrityError
            The broker has an order that nobody knows, or no longer has one that it accepted, or
            contradicts what it told before.
        """
        open_ids = [key for key in client_order_ids if not self._is_final(key)]
        page = self._newest() if len(open_ids) > _FEW else {}
        found = []
        for key in client_order_ids:
            if not self._is_final(key):
                remote = page.get(key) or self._by_id(key)
                if remote is None and self._may_be_absent(key):
                    continue
                self._known[key] = self._updated(key, remote)
            found.append(self._known[key])
        return found

    def observe(self, market: SessionMarket) -> None:
        """Do nothing: the broker has auctions of its own."""

    def positions(self) -> Mapping[str, int]:
        """Symbol -> whole shares held, below 0 for a short.

        Raises
        ------
        IntegrityError
            A holding is no whole number of shares.
        """
        told = self._line.demand(lambda client: client.get_all_positions(), "its positions")
        held = {}
        with readable("its positions"):
            for position in sorted(told, key=lambda item: str(item["symbol"])):
                size = abs(whole(position["qty"], "quantity", position["symbol"]))
                if size:
                    held[position["symbol"]] = -size if position["side"] == "short" else size
        return held

    def account(self) -> Account:
        """Cash and equity as the broker says."""
        told = self._line.demand(lambda client: client.get_account(), "its account")
        with readable("its account"):
            cents = int((Decimal(str(told["cash"])) * 100).to_integral_value())
            return Account(cash_cents=cents, equity=float(told["equity"]))

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _check_content(self, orders: Sequence[Order]) -> None:
        """Refuse an id that names two different orders before anything of the call is sent."""
        met: dict[str, Order] = {}
        for order in orders:
            key = order.client_order_id
            had = self._known[key].order if key in self._known else met.setdefault(key, order)
            if had != order:
                raise IntegrityError(
                    f"order {key} for {order.symbol} is known with other content: nothing was "
                    "sent; find out which of the two is right"
                )

    def _sent(self, status: OrderStatus, now: datetime) -> OrderStatus:
        order = status.order
        last = Answer(Kind.UNCLEAR)
        for attempt in range(1, self._line.attempts + 1):
            last = self._line.once(lambda client: _post(client, order))
            if last.kind is Kind.DONE:
                return brought_up(status, last.body)
            # Its words about an id that is taken: the order is there and may not be shown yet.
            open_end = last.kind is Kind.UNCLEAR or "client_order_id" in last.words
            if open_end:
                # The pause also gives a request that is still under way the time to arrive.
                self._line.pause(attempt, last)
            remote = self._by_id(order.client_order_id)
            if remote is not None:
                return brought_up(status, remote)
            if not open_end:
                reason = f"refused by the broker: {last.words}"
                return advance(status, OrderEvent(OrderAct.REJECT, reason=reason), now)
        raise self._line.gave_up(f"take order {order.client_order_id}", last)

    def _next_auctions(self) -> dict[str, date]:
        """Kind of order -> the session that it would trade in if it were sent now."""
        told = self._line.demand(lambda client: client.get_clock(), "its clock")
        # Told in the exchange's own time, whose date is the session's.
        with readable("its clock"):
            return {
                "market_on_close": datetime.fromisoformat(told["next_close"]).date(),
                "market_on_open": datetime.fromisoformat(told["next_open"]).date(),
            }

    def _by_id(self, key: str) -> Any:
        """Return the broker's order of this id; None when it has none."""
        return self._line.read(lambda client: client.get_order_by_client_id(key), f"order {key}")

    def _newest(self) -> dict[str, Any]:
        """Return the newest orders of the account by their ids."""
        told = self._line.demand(_page, "its orders")
        with readable("its orders"):
            return {remote["client_order_id"]: remote for remote in told}

    def _is_final(self, key: str) -> bool:
        return key in self._known and self._known[key].state.final

    def _updated(self, key: str, remote: Any) -> OrderStatus:
        known = self._known.get(key)
        if known is None:
            raise IntegrityError(
                f"the broker has order {key} for {remote['symbol']}, of which nothing is recorded "
                "here: find out who sent it"
            )
        if remote is None:
            raise IntegrityError(
                f"the broker no longer has order {key} for {known.order.symbol}, which it "
                "accepted: ask it what became of it"
            )
        return brought_up(known, remote)

    def _may_be_absent(self, key: str) -> bool:
        return key not in self._known or self._known[key].state is OrderState.NEW


def _post(client: TradingClient, order: Order) -> Any:
    from alpaca.trading.enums import OrderSide, TimeInForce
    from alpaca.trading.requests import MarketOrderRequest

    asked = content(order)
    return client.submit_order(
        MarketOrderRequest(
            symbol=asked["symbol"],
            qty=abs(order.quantity),
            side=OrderSide(asked["side"]),
            time_in_force=TimeInForce(asked["time_in_force"]),
            client_order_id=order.client_order_id,
        )
    )


def _page(client: TradingClient) -> Any:
    from alpaca.trading.enums import QueryOrderStatus
    from alpaca.trading.requests import GetOrdersRequest

    return client.get_orders(GetOrdersRequest(status=QueryOrderStatus.ALL, limit=_PAGE))
