"""Track records: what a version promised before its launch, and what its book did after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats, Sessions


@dataclass(frozen=True, eq=False)
class Backtest:
    """A version out of sample before its launch; arrays (S,), NaN where there is nothing.

    Attributes
    ----------
    sessions : tested trading days, ascending.
    signal : simple return of the book, had it traded at the very close it decides on, for nothing.
        The book is built as the live one is, so returns of both are in the same size.
    gross : traded a session later, for nothing.
    net : after the costs that were assumed.
    turnover : notional traded as a share of equity.
    information_coefficient : Spearman's correlation of scores and what followed over the horizon,
        by the session of the scores.
    lagged_ic : the same of scores that are one session old.
    candidates : net return of every candidate that was tried, the chosen one among them, each as
        the book of equal weights that candidates are compared by.
    horizon : sessions that a score speaks about.
    """

    sessions: Sessions
    signal: Floats
    gross: Floats
    net: Floats
    turnover: Floats
    information_coefficient: Floats
    lagged_ic: Floats
    candidates: Mapping[str, Floats] = field(default_factory=dict)
    horizon: int = 1


@dataclass(frozen=True, eq=False)
class LiveRecord:
    """A book since its launch; arrays (T,), NaN where there is nothing.

    Attributes
    ----------
    strategy, book : whose it is; a book is ``champion`` or ``shadow/<version>``.
    sessions : trading days, ascending.
    model_versions : of the model that scored; 0 where none did.
    net, signal, execution, cost : simple returns a session, net = signal + execution + cost.
    turnover : notional traded as a share of the equity before.
    information_coefficient : as in `Backtest`; NaN where the label has not matured.
    lagged_ic : the same of scores that are one session old.
    """

    strategy: str
    book: str
    sessions: Sessions
    model_versions: NDArray[np.int64]
    net: Floats
    signal: Floats
    execution: Floats
    cost: Floats
    turnover: Floats
    information_coefficient: Floats
    lagged_ic: Floats
