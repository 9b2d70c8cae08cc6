"""A book going through sessions: settled, marked, decided.

The same code runs a live day, a shadow book and every day of a replay. What a book carries from one
session to the next is its ``BookState``, which the ledger gives back to the last bit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shadowbook.core.books.accounts import Settled, settle
from shadowbook.core.books.construction import (
    PortfolioPolicy,
    combined,
    net_limited,
    sleeve,
    volatility_scale,
)
from shadowbook.core.books.day import BookDay, BookOutcome, BookState, Traded, state_after
from shadowbook.core.books.execution import ExecutionPolicy, execute, settle_delisting
from shadowbook.core.books.orders import Purpose
from shadowbook.core.books.view import Scored, View
from shadowbook.core.values import Floats

MOST_SHARES = 2.0**53
"""No position is larger: up to here a float holds every whole number."""


@dataclass(frozen=True)
class BookPolicy:
    """How a strategy's books are run.

    Attributes
    ----------
    capital_cents : what each book starts with.
    n_sleeves : sessions a decision is held: the strategy's horizon.
    """

    capital_cents: int
    n_sleeves: int
    portfolio: PortfolioPolicy
    execution: ExecutionPolicy


@dataclass(frozen=True)
class Wanted:
    """What a book wants traded in the next auction: whole shares of one symbol, signed."""

    symbol: str
    quantity: int
    purpose: Purpose


class RunningBook:
    """One book between two sessions.

    Parameters
    ----------
    strategy, book : whose it is.
    state : what the ledger says of its last session; None for a new book.
    """

    def __init__(
        self, strategy: str, book: str, policy: BookPolicy, state: BookState | None = None
    ) -> None:
        self.strategy = strategy
        self.book = book
        self.policy = policy
        self.state = state or BookState(None, policy.capital_cents, policy.capital_cents / 100.0)
        self._sleeves: deque[Mapping[str, float]] = deque(maxlen=policy.n_sleeves)
        for scores in self.state.scores[-policy.n_sleeves :]:
            self._sleeves.append(self._sleeve_of(scores))

    @property
    def names(self) -> frozenset[str]:
        """Symbols that the book's next session must know: held, wanted, or in a sleeve."""
        return frozenset().union(self.state.quantities, self.state.ideal, *self._sleeves)

    def wanted(self) -> list[Wanted]:
        """List what the last decision wants traded, by symbol.

        A change of weight within the no-trade band is left alone, unless it closes a position.
        A holding that has had no price for ``delist_after_sessions`` is closed in any case.
        """
        state, policy = self.state, self.policy.portfolio
        found = []
        for symbol in sorted({*state.quantities, *state.ideal}):
            held, ideal = state.quantities.get(symbol, 0), state.ideal.get(symbol, 0)
            if held and state.unpriced.get(symbol, 0) >= policy.delist_after_sessions:
                found.append(Wanted(symbol, -held, "delisting"))
            elif ideal != held and (
                not ideal
                or abs(ideal - held) * state.marks[symbol] > policy.no_trade_band * state.equity
            ):
                found.append(Wanted(symbol, ideal - held, "rebalance"))
        return found

    def executed(self, view: View) -> list[Traded]:
        """Execute what is wanted by the model of execution, as a shadow book's fills."""
        wanted = self.wanted()
        done = []
        for purpose in ("rebalance", "delisting"):
            rows = [one for one in wanted if one.purpose == purpose]
            quantities = np.array([one.quantity for one in rows], dtype=np.int64)
            at = np.array([view.market.row[one.symbol] for one in rows], dtype=np.int64)
            result = (
                execute(quantities, view.market, self.policy.execution, at)
                if purpose == "rebalance"
                else settle_delisting(quantities, view.market, at)
            )
            done += [
                Traded(one.symbol, purpose, 0, quantity, price, reference, commission)
                for one, quantity, price, reference, commission in zip(
                    rows,
                    result.filled.tolist(),
                    result.prices.tolist(),
                    result.references.tolist(),
                    result.commission_cents.tolist(),
                    strict=True,
                )
                if quantity
            ]
        return sorted(done, key=lambda one: (one.symbol, one.purpose))

    def step(
        self, view: View, scored: Scored, inputs: str, traded: Sequence[Traded] | None = None
    ) -> BookDay:
        """Go through one session; ``state`` is then the one after it.

        Parameters
        ----------
        scored : what the book's model says of the session.
        inputs : digest of what the model was given.
        traded : fills that a broker reported; None: those of ``executed``.
        """
        fills = self.executed(view) if traded is None else traded
        settled = settle(self.state, view, fills)
        targets, refusal = self._targets(view, scored, settled)
        ideal = settled.quantities.copy()
        if targets is not None:
            sized = np.zeros(len(targets))
            wanted = (targets != 0.0) & (settled.marks > 0.0)
            with np.errstate(over="ignore"):
                np.divide(targets * settled.equity, settled.marks, out=sized, where=wanted)
            sized = np.clip(sized * (1.0 + 1e-12), -MOST_SHARES, MOST_SHARES)
            whole = np.trunc(sized).astype(np.int64)
            # What has no price cannot be traded: it is kept until there is one, or it is delisted.
            ideal = np.where(settled.unpriced > 0, ideal, whole)
        day = BookDay(
            strategy=self.strategy,
            book=self.book,
            session=view.session,
            as_of=view.as_of,
            model_version=scored.version,
            inputs=inputs,
            symbols=view.symbols,
            scores=scored.scores,
            targets=np.full(len(ideal), np.nan) if targets is None else targets,
            ideal=ideal,
            traded=settled.traded,
            quantities=settled.quantities,
            marks=settled.marks,
            unpriced=settled.unpriced,
            cash_cents=settled.cash_cents,
            equity=settled.equity,
            net=settled.net,
            signal=settled.signal,
            execution=settled.execution,
            cost=settled.cost,
            turnover=settled.turnover,
            outcome=BookOutcome.HELD,
            reasons=(*settled.notes, *((refusal,) if refusal else ())),
            capacity=scored.capacity,
        )
        self.state = state_after(day, self.state, self.policy.n_sleeves)
        if self.wanted():
            day = replace(day, outcome=BookOutcome.TRADED)
        elif not scored.capacity > 0.0:
            day = replace(day, outcome=BookOutcome.HALTED)
        return day

    def _targets(self, view: View, scored: Scored, settled: Settled) -> tuple[Floats | None, str]:
        policy = self.policy.portfolio
        if not settled.equity > 0.0:
            rated = np.flatnonzero(np.isfinite(scored.scores)).tolist()
            # Its targets count as decided, so the scores are kept: a restored book has them too.
            self._sleeves.append(
                self._sleeve_of({view.symbols[i]: float(scored.scores[i]) for i in rated})
            )
            return np.zeros(len(view.symbols)), "the book has lost all it had: it is closed"
        known = np.isfinite(scored.scores)
        n_rated = int(known.sum())
        names = [view.symbols[i] for i in np.flatnonzero(known)]
        most = max([len(one) for one in self._sleeves], default=0)
        refusal = scored.refusal
        if not refusal and n_rated < policy.min_names:
            refusal = f"{n_rated} symbols are rated, {policy.min_names} are needed"
        if not refusal and n_rated < policy.min_rated_share * most * (1.0 - 1e-9):
            refusal = (
                f"the universe shrank: {n_rated} symbols are rated, {most} were; at least "
                f"{policy.min_rated_share:.0%} of them are needed"
            )
        if refusal:
            return None, refusal
        weights = sleeve(scored.scores[known], policy)
        self._sleeves.append(dict(zip(names, weights.tolist(), strict=True)))
        return self._combined(view) * scored.capacity, ""

    def _combined(self, view: View) -> Floats:
        """Lay the sleeves out and scale; a symbol without a price today is not wanted."""
        laid_out = []
        for one in self._sleeves:
            weights = np.zeros(len(view.symbols))
            for symbol, weight in one.items():
                row = view.market.row.get(symbol)
                if row is not None and 0.0 < view.market.closes[row] < np.inf:
                    weights[row] = weight
            laid_out.append(weights)
        portfolio = self.policy.portfolio
        # Without the names that have no price the rest may lean further than any sleeve did.
        weights = net_limited(combined(laid_out, self.policy.n_sleeves), portfolio.max_net)
        history = view.history[-portfolio.volatility_sessions - 1 :]
        return weights * volatility_scale(weights, history, portfolio)

    def _sleeve_of(self, scores: Mapping[str, float]) -> Mapping[str, float]:
        """Weights of an earlier session again, from the scores that the ledger holds."""
        names = sorted(scores)
        if len(names) < self.policy.portfolio.min_names:
            return {}
        weights = sleeve(np.array([scores[name] for name in names]), self.policy.portfolio)
        return dict(zip(names, weights.tolist(), strict=True))
