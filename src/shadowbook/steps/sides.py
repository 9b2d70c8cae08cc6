"""What the books of a strategy did by session, so that any two can be held side by side."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.books.day import BookDay
from shadowbook.core.promotion.shadow import SideBySide, position_agreement
from shadowbook.core.stats.ranks import rank_correlation
from shadowbook.core.values import Floats
from shadowbook.steps.desk import CHAMPION, shadow_name

MIN_NAMES = 5
"""With fewer names rated by both a session has no rank correlation."""


@dataclass(frozen=True, eq=False)
class Went:
    """A book's session: what scored, what was earned, what was said and held, by symbol.

    Attributes
    ----------
    capacity : share of the usual size that its decision could take.
    """

    session: date
    version: int
    net: float
    cost: float
    turnover: float
    scores: Mapping[str, float]
    held: Mapping[str, float]
    capacity: float = 1.0


class Sides:
    """The books of one strategy.

    Parameters
    ----------
    strategy : whose they are.
    warm_up : first sessions of a shadow book that are left out: its decisions fill up in them.
    """

    def __init__(self, strategy: str, warm_up: int) -> None:
        self.strategy = strategy
        self._warm_up = warm_up
        self._books: dict[str, dict[date, Went]] = {}
        self._sessions: list[date] = []
        self._compared: dict[tuple[int, date], tuple[float, float]] = {}

    def add(self, days: Iterable[BookDay]) -> None:
        """Take in what books did in a session; those of other strategies are left alone."""
        for day in days:
            if day.strategy == self.strategy:
                self._take(day.book, _of_day(day))

    def read(self, ledger: Ledger) -> None:
        """Take in every session that a ledger holds."""
        names = ("book_returns", "predictions", "positions")
        returns, scores, positions = (ledger.frame(name, self.strategy) for name in names)
        positions = positions[positions["quantity"] != 0]
        positions = positions.assign(worth=positions["quantity"] * positions["mark"])
        sizes = _sizes(ledger, self.strategy)
        said, held = _by_session(scores, "score"), _by_session(positions, "worth")
        books, days = returns["book"].astype(str).tolist(), returns["session"].dt.date.tolist()
        versions = returns["model_version"].to_numpy("int64").tolist()
        earned = returns[["net", "cost", "turnover"]].to_numpy("float64").tolist()
        for at, key in enumerate(zip(books, days, strict=True)):
            net, cost, turnover = earned[at]
            states = said.get(key, {}), held.get(key, {}), sizes.get(key, 1.0)
            went = Went(key[1], versions[at], net, cost, turnover, *states)
            self._take(key[0], went)

    def _take(self, book: str, went: Went) -> None:
        self._books.setdefault(book, {})[went.session] = went
        if book == CHAMPION:
            self._sessions.append(went.session)

    def n_sessions(self, challenger: int) -> int:
        """Count the sessions of a shadow book."""
        return len(self._books.get(shadow_name(challenger), {}))

    def pair(self, champion: int, challenger: int) -> SideBySide:
        """Hold a shadow book beside the champion's, since that version is champion.

        A shadow book runs in full size whatever alerts the champion has. So what a restrained
        champion earned, paid and traded is told in full size as well, by the capacity of the
        decision before; while it was halted nothing of it is its model's, and it has no return.
        """
        shadow = list(self._books.get(shadow_name(challenger), {}).values())[self._warm_up :]
        capital = self._books.get(CHAMPION, {})
        both = [
            (one, capital[one.session])
            for one in shadow
            if one.session in capital and capital[one.session].version == champion
        ]
        compared = [self._compare(challenger, own, its) for own, its in both]
        size = np.array([self._size(its.session) for _, its in both])
        return SideBySide(
            sessions=np.array([own.session for own, _ in both], dtype="datetime64[D]"),
            challenger=_floats(own.net for own, _ in both),
            champion=_floats(its.net for _, its in both) / size,
            challenger_cost=_floats(own.cost for own, _ in both),
            champion_cost=_floats(its.cost for _, its in both) / size,
            challenger_turnover=_floats(own.turnover for own, _ in both),
            champion_turnover=_floats(its.turnover for _, its in both) / size,
            correlation=_floats(one for one, _ in compared),
            agreement=_floats(one for _, one in compared),
        )

    def _size(self, session: date) -> float:
        """Return the capacity that the champion's session was decided with; NaN = halted."""
        days = self._sessions
        at = bisect_left(days, session)
        before = self._books[CHAMPION][days[at - 1]].capacity if at else 1.0
        return before if before > 0.0 else np.nan

    def _compare(self, challenger: int, own: Went, its: Went) -> tuple[float, float]:
        key = challenger, own.session
        if key not in self._compared:
            scores = _laid_out(own.scores, its.scores)
            ranked = rank_correlation(scores[:1], scores[1:], MIN_NAMES)
            agreed = position_agreement(*_laid_out(own.held, its.held, 0.0))
            self._compared[key] = float(ranked[0]), agreed
        return self._compared[key]


def _of_day(day: BookDay) -> Went:
    rated = np.flatnonzero(np.isfinite(day.scores)).tolist()
    held = np.flatnonzero(day.quantities).tolist()
    return Went(
        day.session,
        day.model_version,
        day.net,
        day.cost,
        day.turnover,
        {day.symbols[i]: float(day.scores[i]) for i in rated},
        {day.symbols[i]: float(day.quantities[i] * day.marks[i]) for i in held},
        day.capacity,
    )


def _sizes(ledger: Ledger, strategy: str) -> dict[tuple[str, date], float]:
    """(book, session) -> capacity, of those that were restrained."""
    return {
        (event.body["book"], event.at.date()): float(event.body["capacity"])
        for event in (stored.event for stored in ledger.events("session"))
        if event.body["strategy"] == strategy and "capacity" in event.body
    }


def _by_session(rows: pd.DataFrame, column: str) -> dict[tuple[str, date], dict[str, float]]:
    """(book, session) -> symbol -> value, known and other than nothing."""
    found: dict[tuple[str, date], dict[str, float]] = {}
    books, symbols = rows["book"].astype(str).tolist(), rows["symbol"].astype(str).tolist()
    days = rows["session"].dt.date.tolist()
    for book, day, symbol, value in zip(books, days, symbols, rows[column].tolist(), strict=True):
        if np.isfinite(value):
            found.setdefault((book, day), {})[symbol] = float(value)
    return found


def _laid_out(own: Mapping[str, float], its: Mapping[str, float], gap: float = np.nan) -> Floats:
    """(2, N) values of both in order of symbol."""
    names = sorted({*own, *its})
    return np.array([[one.get(name, gap) for name in names] for one in (own, its)])


def _floats(values: Iterable[float]) -> Floats:
    return np.array(list(values), dtype=np.float64)
