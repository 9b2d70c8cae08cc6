"""A broker of our own: real orders, states, cash and holdings, with simulated auctions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from shadowbook.adapters.broker.paper_file import Holdings, PaperFile
from shadowbook.adapters.broker.paper_rows import Kept, Step
from shadowbook.adapters.broker.port import Account
from shadowbook.core.books.actions import corporate_actions
from shadowbook.core.books.auction import latency, run_auction, take_in
from shadowbook.core.books.execution import ExecutionPolicy, SessionMarket, cash_cents
from shadowbook.core.books.orders import Fill, Order, OrderState, OrderStatus
from shadowbook.core.books.states import OrderAct, OrderEvent, advance
from shadowbook.errors import IntegrityError


class PaperBroker:
    """Fills orders in auctions it is told about, by the rules the shadow books are filled by.

    It lends any amount and any share: there is no margin call, no fee for a loan, no refusal to
    sell short. One account serves every strategy, so a session is observed once, with every symbol
    that is held or ordered.

    Parameters
    ----------
    path : of its file; None keeps the account in memory, for as long as the object lives.
    policy : costs, cap and latency from now on; what was traded before stays as it was.
    seed : of the latencies.
    cash_cents : of a new account; an account that is there goes on with its own.
    durable : False survives a killed process, but not a power failure.

    Raises
    ------
    TransientError
        Another process has the file.
    PermanentError
        The file is not a paper broker's, is damaged, or cannot be written.
    """

    def __init__(
        self,
        path: Path | None,
        policy: ExecutionPolicy,
        seed: int,
        cash_cents: int,
        durable: bool = True,
    ) -> None:
        self._policy = policy
        self._seed = seed
        self._file = PaperFile(path, cash_cents, durable)
        self._holdings = self._file.holdings()
        self._next = self._file.last_number() + 1
        # Orders that wait, and those of the last session; all others are looked up in the file.
        self._near = _by_id(self._file.unsettled())

    def submit(self, orders: Sequence[Order], now: datetime) -> list[OrderStatus]:
        """Take orders in; see `Broker.submit`. Either all of the call is kept, or nothing."""
        had = self._find([order.client_order_id for order in orders])
        new: dict[str, Kept] = {}
        steps: list[Step] = []
        for order in orders:
            key = order.client_order_id
            kept = had.get(key) or new.get(key)
            if kept is not None:
                _check_same(kept.status.order, order)
                continue
            number = self._next + len(new)
            states = self._taken_in(order, now)
            steps += [(number, place, status) for place, status in enumerate(states)]
            new[key] = Kept(number, len(states), states[-1])
        if new:
            numbered = [(kept.number, kept.status.order) for kept in new.values()]
            self._file.save(orders=numbered, steps=steps)
            self._next += len(new)
            self._near.update(new)
        every = had | new
        return [every[order.client_order_id].status for order in orders]

    def statuses(self, client_order_ids: Sequence[str]) -> list[OrderStatus]:
        """Return orders as they are; see `Broker.statuses`."""
        found = self._find(client_order_ids)
        return [found[key].status for key in client_order_ids if key in found]

    def observe(self, market: SessionMarket) -> None:
        """Let a session happen: settle its orders and mark the holdings.

        The same session again changes nothing.

        Raises
        ------
        IntegrityError
            The session lies before the last one observed.
        """
        last = self._holdings.session
        if last is not None and market.session < last:
            raise IntegrityError(
                f"session {market.session} was observed after {last}: the paper broker goes "
                "forward only; give it an account of its own to replay the past"
            )
        if market.session == last:
            return
        due = [kept for kept in self._near.values() if not kept.status.state.final]
        waiting = [kept for kept in due if kept.status.order.session > market.session]
        steps = [*self._missed(due, market), *self._settled(due, market)]
        changed = {
            status.order.client_order_id: Kept(number, place + 1, status)
            for number, place, status in steps
        }
        holdings = self._after([status for _, _, status in steps], market)
        settled = min((kept.number for kept in waiting), default=self._next) - 1
        self._file.save(steps=steps, holdings=holdings, settled=settled)
        self._holdings = holdings
        self._near = _by_id(waiting) | changed

    def positions(self) -> Mapping[str, int]:
        """Symbol -> whole shares held, in order of symbols; those held only."""
        held: dict[str, int] = {}
        for (_, symbol), (quantity, _) in self._holdings.positions.items():
            held[symbol] = held.get(symbol, 0) + quantity
        return {symbol: held[symbol] for symbol in sorted(held) if held[symbol]}

    def account(self) -> Account:
        """Cash, and cash with holdings at their last marks; a short counts below zero."""
        cash = self._holdings.cash_cents
        values = [quantity * mark for quantity, mark in self._holdings.positions.values()]
        return Account(cash_cents=cash, equity=math.fsum([cash / 100.0, *values]))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _find(self, keys: Sequence[str]) -> dict[str, Kept]:
        far = [key for key in keys if key not in self._near]
        found = self._file.find(far) if far else {}
        found.update((key, self._near[key]) for key in keys if key in self._near)
        return found

    def _taken_in(self, order: Order, now: datetime) -> tuple[OrderStatus, OrderStatus]:
        last = self._holdings.session
        wait = latency(order.client_order_id, self._policy.latency_ms, self._seed)
        refusal = ""
        if order.quantity == 0:
            refusal = "an order is for at least one share"
        elif last is not None and order.session <= last:
            refusal = f"session {order.session} is over: {last} has been observed"
        return take_in(order, now, wait, refusal)

    def _missed(self, due: Iterable[Kept], market: SessionMarket) -> list[Step]:
        """Cancel orders whose session was left out."""
        reason = f"its session was never observed: {market.session} came first"
        cancel = OrderEvent(OrderAct.CANCEL, reason=reason)
        return [
            (kept.number, kept.steps, advance(kept.status, cancel, market.closed_at))
            for kept in due
            if kept.status.order.session < market.session
        ]

    def _settled(self, due: Iterable[Kept], market: SessionMarket) -> list[Step]:
        today = [kept for kept in due if kept.status.order.session == market.session]
        histories = run_auction([kept.status for kept in today], market, self._policy)
        return [
            (kept.number, kept.steps + place, status)
            for kept, history in zip(today, histories, strict=True)
            for place, status in enumerate(history)
        ]

    def _after(self, steps: Iterable[OrderStatus], market: SessionMarket) -> Holdings:
        """Book splits, dividends and fills; mark at the last price, else at what was paid for."""
        held, cash = self._acted(market)
        traded = (OrderState.PARTIALLY_FILLED, OrderState.FILLED)
        fills = [(step.order, step.fills[-1]) for step in steps if step.state in traded]
        for order, fill in fills:
            key = order.strategy, order.symbol
            held[key] = held.get(key, (0, 0.0))[0] + fill.quantity, fill.reference
        marked: dict[tuple[str, str], tuple[int, float]] = {}
        for key, (quantity, mark) in held.items():
            if quantity == 0:
                continue
            row = market.row.get(key[1])
            price = math.nan if row is None else float(market.last_prices[row])
            marked[key] = (quantity, price if math.isfinite(price) and price > 0.0 else mark)
        cash += _cash([fill for _, fill in fills])
        return Holdings(cash_cents=cash, session=market.session, positions=marked)

    def _acted(self, market: SessionMarket) -> tuple[dict[tuple[str, str], tuple[int, float]], int]:
        """Return holdings and cash after the session's splits and dividends."""
        held, cash = dict(self._holdings.positions), self._holdings.cash_cents
        if market.actions is None:
            return held, cash
        for strategy in sorted({owner for owner, _ in held}):
            shares = np.zeros(len(market.symbols), dtype=np.int64)
            for (owner, symbol), (quantity, _) in held.items():
                if owner == strategy and symbol in market.row:
                    shares[market.row[symbol]] = quantity
            for one in corporate_actions(shares, market.closes, market.actions, market.symbols):
                quantity, mark = held[strategy, one.symbol]
                held[strategy, one.symbol] = quantity + one.quantity, mark
                cash -= one.commission_cents
        return held, cash


def _cash(fills: Sequence[Fill]) -> int:
    return int(
        cash_cents(
            np.array([fill.quantity for fill in fills], dtype=np.int64),
            np.array([fill.price for fill in fills], dtype=np.float64),
            np.array([fill.commission_cents for fill in fills], dtype=np.int64),
        ).sum()
    )


def _by_id(orders: Iterable[Kept]) -> dict[str, Kept]:
    return {kept.status.order.client_order_id: kept for kept in orders}


def _check_same(had: Order, sent: Order) -> None:
    if had == sent:
        return
    names = [name for name in vars(had) if getattr(had, name) != getattr(sent, name)]
    told = ", ".join(f"{name} {getattr(had, name)} and now {getattr(sent, name)}" for name in names)
    raise IntegrityError(
        f"order {had.client_order_id} for {had.symbol} was sent before with other content "
        f"({told}): nothing was overwritten; find out which of the two is right"
    )
