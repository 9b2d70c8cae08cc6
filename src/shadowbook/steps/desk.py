"""Every book of a workspace, or of a replay, going through a session together.

Order of writing. What the broker did is recorded with the books' session and the orders it led to
before any of these orders is sent. A process killed before that finds the broker's answers again;
one killed after it sends the same orders again, which the broker knows by their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import numpy as np

from shadowbook.adapters.broker.port import Broker
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.actions import corporate_actions
from shadowbook.core.books.day import BookDay, Traded
from shadowbook.core.books.orders import Order, OrderState, OrderStatus
from shadowbook.core.books.reconcile import Difference, reconcile
from shadowbook.core.books.running import BookPolicy, RunningBook
from shadowbook.core.books.states import client_order_id
from shadowbook.core.books.view import Scored, View
from shadowbook.core.events import Event
from shadowbook.core.values import Floats
from shadowbook.errors import TransientError
from shadowbook.settings import Settings
from shadowbook.steps.given import Given

CHAMPION = "champion"


@dataclass(frozen=True)
class Lineup:
    """Which versions of a strategy score: the champion's, and those with a shadow book."""

    champion: int
    shadows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Restraint:
    """What its alerts leave of a champion book.

    Attributes
    ----------
    capacity : share of the usual size; 0 = halted.
    reason : one sentence; empty for an unrestrained book.
    """

    capacity: float = 1.0
    reason: str = ""


@dataclass(frozen=True, eq=False)
class Ratings:
    """What a strategy's versions say of a session.

    Attributes
    ----------
    given : what they were given.
    scores : version -> (n,) in order of the given symbols; NaN = not rated.
    restraint : of the champion; shadow books go on as they are.
    """

    lineup: Lineup
    given: Given
    scores: Mapping[int, Floats] = field(default_factory=dict)
    restraint: Restraint = Restraint()


def lineup_among(champion: int, there: Iterable[int], max_shadows: int) -> Lineup:
    """Give shadow books to the newest versions after the champion's."""
    newer = sorted(version for version in there if version > champion)
    return Lineup(champion, tuple(newer[max(len(newer) - max_shadows, 0) :]))


def book_policy(settings: Settings, strategy: str) -> BookPolicy:
    """How a strategy's books are run."""
    own = settings.strategy(strategy)
    return BookPolicy(
        capital_cents=round(own.capital * 100),
        n_sleeves=own.horizon,
        portfolio=own.portfolio,
        execution=settings.execution,
    )


class Desk:
    """The books of some strategies.

    Parameters
    ----------
    ledger : what the books are read from and written to.
    broker : who trades for the champions.
    settings : how the books are run.
    keeps_acceptance : record when the broker took each order in, which tells its latency.
    """

    def __init__(
        self,
        ledger: Ledger,
        broker: Broker,
        settings: Settings,
        keeps_acceptance: bool = False,
    ) -> None:
        self._ledger = ledger
        self._broker = broker
        self._keeps_acceptance = keeps_acceptance
        self._policies = {name: book_policy(settings, name) for name in settings.strategies}
        self._books: dict[tuple[str, str], RunningBook] = {}
        self._open: dict[str, list[Order]] = {
            name: [status.order for status in ledger.open_orders(name, CHAMPION)]
            for name in self._policies
        }

    def names(self) -> frozenset[str]:
        """Symbols that the next session must know for the books there are."""
        return frozenset().union(*(book.names for book in self._books.values()))

    def held(self) -> frozenset[str]:
        """Symbols that the champions hold."""
        return frozenset().union(*(self._held(strategy) for strategy in self._policies))

    def line_up(self, strategy: str, lineup: Lineup) -> None:
        """Open the books of a line-up, and let go of shadow books that are not in it."""
        wanted = {CHAMPION, *(shadow_name(version) for version in lineup.shadows)}
        for key in [key for key in self._books if key[0] == strategy and key[1] not in wanted]:
            del self._books[key]
        policy = self._policies[strategy]
        for name in sorted(wanted):
            if (strategy, name) not in self._books:
                state = self._ledger.state(strategy, name, policy.n_sleeves)
                self._books[strategy, name] = RunningBook(strategy, name, policy, state)

    @property
    def n_open(self) -> int:
        """Number of orders that are open for the next session."""
        return sum(len(orders) for orders in self._open.values())

    def differences(self, coming: Sequence[View] = ()) -> tuple[Difference, ...]:
        """Where the broker holds something else than the champion books say together.

        Parameters
        ----------
        coming : the sessions that the books have yet to go through, in order. A broker that has
            seen some of them has booked their splits already.
        """
        positions = self._broker.positions()
        held = {strategy: self._held(strategy) for strategy in self._policies}
        fills = [status for strategy in self._policies for status in self._statuses(strategy)]
        first = found = _compared(held, fills, positions)
        for view in coming:
            if not found:
                break
            held = {strategy: _split(shares, view) for strategy, shares in held.items()}
            found = _compared(held, fills, positions)
        return first if found else ()

    def _held(self, strategy: str) -> Mapping[str, int]:
        """Return what a strategy's champion holds, also one that stands still."""
        book = self._books.get((strategy, CHAMPION))
        if book is not None:
            return book.state.quantities
        state = self._ledger.state(strategy, CHAMPION, self._policies[strategy].n_sleeves)
        return state.quantities if state else {}

    def send_again(self, now: datetime) -> list[OrderStatus]:
        """Send the open orders again; the broker knows those that it has."""
        orders = [order for held in self._open.values() for order in held]
        told = self._broker.submit(orders, now) if orders else []
        if self._keeps_acceptance:
            # What was filled meanwhile is accounted for in the session that it belongs to.
            accepted = [one for one in told if one.state is OrderState.ACCEPTED]
            self._ledger.record_statuses(accepted)
        return told

    def session(
        self,
        view: View,
        ratings: Mapping[str, Ratings],
        following: date,
        now: datetime,
        events: Sequence[Event] = (),
    ) -> list[BookDay]:
        """Take every book through one session, write it down, send the champions' orders.

        Parameters
        ----------
        view : the session; it knows ``names()`` and every rated symbol.
        ratings : strategy -> what is known of it; strategies that are not there stand still.
        following : the session whose auction the orders are for.
        now : the present moment, replayed or real.
        events : what belongs to this session beside the books.

        Raises
        ------
        TransientError
            When the broker still works on an order of this session: nothing is recorded.
        """
        self._broker.observe(view.market)
        days: list[BookDay] = []
        orders: list[Order] = []
        statuses: list[OrderStatus] = []
        for strategy, rated in ratings.items():
            self.line_up(strategy, rated.lineup)
            told = self._final(strategy)
            statuses += told
            days += self._days(strategy, view, rated, told)
            self._open[strategy] = self._orders(strategy, view, following)
            orders += self._open[strategy]
        inputs = {rated.given.digest: rated.given.packed() for rated in ratings.values()}
        self._ledger.record_session(events, days, inputs, statuses, orders, now)
        if orders:
            told = self._broker.submit(orders, now)
            if self._keeps_acceptance:
                self._ledger.record_statuses(told)
        return days

    def _days(
        self, strategy: str, view: View, rated: Ratings, statuses: Iterable[OrderStatus]
    ) -> list[BookDay]:
        found = []
        digest = rated.given.digest
        at = np.array([view.market.row[symbol] for symbol in rated.given.symbols], dtype=np.int64)
        versions = {CHAMPION: rated.lineup.champion}
        versions |= {shadow_name(version): version for version in rated.lineup.shadows}
        for name, version in versions.items():
            scores = np.full(len(view.symbols), np.nan)
            if version in rated.scores:
                scores[at] = rated.scores[version]
            held = rated.restraint if name == CHAMPION else Restraint()
            refusal = rated.given.refusal or ("" if held.capacity > 0.0 else held.reason)
            scored = Scored(version, scores, refusal, held.capacity)
            traded = _booked(statuses) if name == CHAMPION else None
            found.append(self._books[strategy, name].step(view, scored, digest, traded))
        return found

    def _orders(self, strategy: str, view: View, following: date) -> list[Order]:
        kind = self._policies[strategy].execution.kind
        return [
            Order(
                client_order_id(strategy, CHAMPION, view.as_of, one.symbol, one.purpose),
                strategy,
                CHAMPION,
                view.as_of,
                one.symbol,
                one.purpose,
                one.quantity,
                kind,
                following,
            )
            for one in self._books[strategy, CHAMPION].wanted()
        ]

    def _statuses(self, strategy: str) -> list[OrderStatus]:
        """Ask for a strategy's open orders; one that never reached the broker is rejected."""
        orders = self._open[strategy]
        if not orders:
            return []
        told = {
            status.order.client_order_id: status
            for status in self._broker.statuses([order.client_order_id for order in orders])
        }
        return [
            told.get(order.client_order_id)
            or OrderStatus(
                order, OrderState.REJECTED, (), order.as_of, "it never reached the broker"
            )
            for order in orders
        ]

    def _final(self, strategy: str) -> list[OrderStatus]:
        statuses = self._statuses(strategy)
        for status in statuses:
            if not status.state.final:
                order = status.order
                raise TransientError(
                    f"order {order.client_order_id} of {strategy} for {order.symbol} on "
                    f"{order.session} is still {status.state} at the broker: wait for it, or "
                    "cancel it there, and trade the session again"
                )
        return statuses


def _compared(
    held: Mapping[str, Mapping[str, int]], fills: Iterable[OrderStatus], broker: Mapping[str, int]
) -> tuple[Difference, ...]:
    together: dict[str, int] = {}
    parts = [pair for shares in held.values() for pair in shares.items()]
    parts += [(status.order.symbol, status.filled) for status in fills]
    for symbol, quantity in parts:
        together[symbol] = together.get(symbol, 0) + quantity
    return reconcile({name: shares for name, shares in together.items() if shares}, broker)


def _split(held: Mapping[str, int], view: View) -> Mapping[str, int]:
    """Return holdings after a session's splits."""
    shares = np.array([held.get(symbol, 0) for symbol in view.symbols], dtype=np.int64)
    now = dict(held)
    for one in corporate_actions(shares, view.market.closes, view.actions, view.symbols):
        now[one.symbol] += one.quantity
    return now


def shadow_name(version: int) -> str:
    """Name of a version's shadow book."""
    return f"shadow/{version}"


def _booked(statuses: Iterable[OrderStatus]) -> list[Traded]:
    found = [
        Traded(
            status.order.symbol,
            status.order.purpose,
            fill.sequence,
            fill.quantity,
            fill.price,
            fill.reference,
            fill.commission_cents,
        )
        for status in statuses
        for fill in status.fills
    ]
    return sorted(found, key=lambda one: (one.symbol, one.purpose, one.sequence))


def refused(ratings: Ratings, why: str) -> Ratings:
    """Return the same session with nothing to be decided, and why."""
    return replace(ratings, given=replace(ratings.given, refusal=why))
