"""One session of one book: what it is given, what it leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats

Shares = NDArray[np.int64]


class BookOutcome(StrEnum):
    """What came of a session for a book."""

    TRADED = "TRADED"
    HELD = "HELD"
    """It kept what it had: nothing had to change, or a reason not to trade."""
    HALTED = "HALTED"
    """It may not trade until a person has looked."""


@dataclass(frozen=True)
class Traded:
    """A fill as the book accounts for it; quantities in whole shares, money in cents.

    Attributes
    ----------
    purpose : of the order it belongs to.
    sequence : number of the fill among those of the same symbol and purpose in this session.
    quantity : signed.
    price, reference : currency a share; see `orders.Fill`.
    commission_cents : paid on top; below 0 for the cash that a corporate action brings.
    """

    symbol: str
    purpose: str
    sequence: int
    quantity: int
    price: float
    reference: float
    commission_cents: int


@dataclass(frozen=True, eq=False)
class BookDay:
    """One session of one book as the ledger keeps it. Arrays are (N,), in order of ``symbols``.

    Attributes
    ----------
    strategy, book : whose it is; a book is ``champion`` or ``shadow/<version>``.
    session, as_of : the trading day and its decision moment (aware UTC), which keys every row.
    model_version : of the model that scored; 0 where none did.
    inputs : digest of the session's inputs, the same for every book that saw them.
    symbols : sorted: whatever was rated or held.
    scores : the model's; NaN = not rated.
    targets : share of equity decided for the next auction; NaN where nothing was decided.
    ideal : whole shares that this is at the marks; 0 where nothing was decided.
    traded : fills of the session's auction, from orders of the decision before.
    quantities : whole shares held after them.
    marks : currency a share that a holding is valued at: the close, or the last price known.
    unpriced : sessions in a row, this one included, that the symbol has had no price.
    cash_cents : after the fills.
    equity : cash and holdings, in currency.
    net, signal, execution, cost : simple returns on the equity of the session before;
        net = signal + execution + cost. NaN in a book's first session.
    turnover : notional traded in the session as a share of that equity.
    outcome, reasons : what came of it, one sentence a reason.
    capacity : share of the usual size that could be held; 0 = halted.
    """

    strategy: str
    book: str
    session: date
    as_of: datetime
    model_version: int
    inputs: str
    symbols: tuple[str, ...]
    scores: Floats
    targets: Floats
    ideal: Shares
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
    outcome: BookOutcome
    reasons: tuple[str, ...] = ()
    capacity: float = 1.0


@dataclass(frozen=True, eq=False)
class BookState:
    """What a book carries from one session to the next; all of it can be read from the ledger.

    Attributes
    ----------
    as_of : decision moment of the last session; None before the first.
    cash_cents : whole cents.
    quantities : symbol -> whole shares, those held only.
    marks : symbol -> currency a share at the last session, of what is held or wanted.
    equity : in currency, at the last session.
    ideal : symbol -> whole shares that the last decision wanted, those wanted only.
    scores : scores of the last sessions that decided something, oldest first, symbol -> score.
    unpriced : symbol -> sessions in a row that a holding has had no price, above 0.
    """

    as_of: datetime | None
    cash_cents: int
    equity: float
    quantities: Mapping[str, int] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
    ideal: Mapping[str, int] = field(default_factory=dict)
    scores: tuple[Mapping[str, float], ...] = ()
    unpriced: Mapping[str, int] = field(default_factory=dict)


def state_after(day: BookDay, before: BookState, n_scores: int) -> BookState:
    """Return what a book carries on after a session.

    Parameters
    ----------
    n_scores : decided sessions whose scores are kept.
    """
    scores = before.scores
    if not np.isnan(day.targets).all():
        rated = np.flatnonzero(np.isfinite(day.scores)).tolist()
        scores = (*scores, {day.symbols[i]: float(day.scores[i]) for i in rated})[-n_scores:]
    held = np.flatnonzero(day.quantities).tolist()
    wanted = np.flatnonzero(day.ideal).tolist()
    return BookState(
        as_of=day.as_of,
        cash_cents=day.cash_cents,
        equity=day.equity,
        quantities={day.symbols[i]: int(day.quantities[i]) for i in held},
        marks={day.symbols[i]: float(day.marks[i]) for i in sorted({*held, *wanted})},
        ideal={day.symbols[i]: int(day.ideal[i]) for i in wanted},
        scores=scores,
        unpriced={day.symbols[i]: int(day.unpriced[i]) for i in held if day.unpriced[i]},
    )
