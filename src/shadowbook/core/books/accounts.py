"""What a session did to a book: corporate actions, fills, marks, and where the return came from.

Decomposition. With m0 the mark before, m1 the mark now, q the shares held and i the shares that the
decision wanted, f the fills at price x where the auction's own price was r:

    signal    = sum i (m1 - m0)                         the decision, traded at once and for nothing
    cost      = sum f (r - x) - commission              spread, impact and fees
    execution = sum (q - i) (m1 - m0) + sum f (m1 - r)  what waiting and what was left unfilled did

The three add up to the change of equity (Perold 1988, session by session). Cash is rounded to
cents, so execution is what remains: it carries the rounding. Sums are exact (``fsum``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shadowbook.core.books.actions import corporate_actions
from shadowbook.core.books.day import BookState, Shares, Traded
from shadowbook.core.books.view import View
from shadowbook.core.values import Floats

CLOSED = "closed at its last"
"""What a note says of a holding that was delisted."""


@dataclass(frozen=True, eq=False)
class Settled:
    """A book after the session's auction; arrays (N,) in order of the view's symbols.

    Attributes
    ----------
    traded : corporate actions and fills, in the order they were taken.
    quantities, marks, unpriced, cash_cents, equity : see `day.BookDay`.
    net, signal, execution, cost, turnover : NaN where there is no positive equity before.
    notes : what a person should know, one sentence each.
    """

    traded: tuple[Traded, ...]
    quantities: Shares
    marks: Floats
    unpriced: Shares
    cash_cents: int
    equity: float
    net: float
    signal: float
    execution: float
    cost: float
    turnover: float
    notes: tuple[str, ...]


def settle(state: BookState, view: View, traded: Sequence[Traded]) -> Settled:
    """Take a session's corporate actions and fills, mark the book and say what it earned.

    Parameters
    ----------
    state : the book after the session before.
    view : the session; its symbols hold everything that the book holds or wanted.
    traded : fills of the session's auction.
    """
    at = view.market.row
    held, ideal = (_laid_out(part, at) for part in (state.quantities, state.ideal))
    before = np.array([state.marks.get(symbol, math.nan) for symbol in view.symbols])
    closes = view.market.closes
    priced = np.isfinite(closes) & (closes > 0.0)
    marks = np.where(priced, closes, before)
    counts = np.array([state.unpriced.get(symbol, 0) for symbol in view.symbols], dtype=np.int64)
    unpriced = np.where(priced, 0, counts + 1)
    actions = np.where(priced, view.actions, 1.0)
    done = (*corporate_actions(held, closes, view.actions, view.symbols), *traded)
    quantities, cash = held.copy(), state.cash_cents
    notional, costs = [], []
    for one in done:
        quantities[at[one.symbol]] += one.quantity
        cash += cash_of(one)
        if one.purpose not in ("split", "dividend"):
            notional.append(abs(one.quantity) * one.price)
            costs.append(one.quantity * (one.reference - one.price) - one.commission_cents / 100.0)
    equity = math.fsum([cash / 100.0, *_products(quantities, marks)])
    moved = np.where(np.isfinite(before), actions * marks - before, 0.0)
    net, signal, cost, turnover = _per_equity(
        state,
        equity - state.equity,
        math.fsum(_products(ideal, moved)),
        math.fsum(costs),
        math.fsum(notional),
    )
    return Settled(
        traded=done,
        quantities=quantities,
        marks=marks,
        unpriced=unpriced,
        cash_cents=cash,
        equity=equity,
        net=net,
        signal=signal,
        execution=net - signal - cost,
        cost=cost,
        turnover=turnover,
        notes=tuple(
            f"{one.symbol} has had no price for {counts[at[one.symbol]]} sessions: {CLOSED}, "
            f"{one.price:g}"
            for one in traded
            if one.purpose == "delisting"
        ),
    )


def cash_of(traded: Traded) -> int:
    """Return what a fill or corporate action adds to the cash, in cents.

    >>> cash_of(Traded("A", "rebalance", 0, -100, 150.0, 150.0, 0))
    1500000
    """
    return -round(traded.quantity * traded.price * 100.0) - traded.commission_cents


def _laid_out(held: Mapping[str, int], at: Mapping[str, int]) -> Shares:
    shares = np.zeros(len(at), dtype=np.int64)
    for symbol, quantity in held.items():
        shares[at[symbol]] = quantity
    return shares


def _products(shares: Shares, values: Floats) -> list[float]:
    """Multiply where there are shares; summed exactly, other symbols beside them move no bit."""
    held = np.flatnonzero(shares)
    products: list[float] = (shares[held] * values[held]).tolist()
    return products


def _per_equity(
    state: BookState, change: float, *parts: float
) -> tuple[float, float, float, float]:
    if state.as_of is None or not state.equity > 0.0:
        return (math.nan,) * 4
    net, signal, cost, turnover = (part / state.equity for part in (change, *parts))
    return net, signal, cost, turnover
