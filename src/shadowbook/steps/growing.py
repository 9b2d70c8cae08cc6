"""A book's record as it grows by a session at a time, labels maturing on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

import numpy as np

from shadowbook.core.books.day import BookDay
from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.stats.ranks import rank_correlation
from shadowbook.core.track import LiveRecord
from shadowbook.core.values import Floats, Panel
from shadowbook.steps.live import MIN_NAMES, RETURNS


@dataclass(frozen=True, eq=False)
class Seen:
    """One session of a book, as far as a record needs it.

    Attributes
    ----------
    returns : in order of ``live.RETURNS``.
    scores : symbol -> score, those that were rated.
    """

    session: date
    as_of: datetime
    model_version: int
    returns: tuple[float, ...]
    scores: Mapping[str, float]

    @classmethod
    def of_day(cls, day: BookDay) -> Self:
        """Take what a book did in a session."""
        rated = np.flatnonzero(np.isfinite(day.scores)).tolist()
        return cls(
            session=day.session,
            as_of=day.as_of,
            model_version=day.model_version,
            returns=tuple(getattr(day, part) for part in RETURNS),
            scores={day.symbols[i]: float(day.scores[i]) for i in rated},
        )


class GrowingRecord:
    """The last sessions of a book under one model version.

    Parameters
    ----------
    strategy, book : whose it is.
    horizon : sessions a score speaks about.
    keep : sessions that are kept; older ones are forgotten.
    """

    def __init__(self, strategy: str, book: str, horizon: int, keep: int) -> None:
        self.strategy = strategy
        self.book = book
        self.model_version = 0
        self._horizon = horizon
        self._sessions: deque[date] = deque(maxlen=keep)
        self._returns: deque[tuple[float, ...]] = deque(maxlen=keep)
        self._skill: deque[tuple[float, float]] = deque(maxlen=keep)
        self._scores: deque[Mapping[str, float]] = deque(maxlen=horizon + 2)

    def add(self, seen: Seen, panel: Panel, row: int) -> None:
        """Take a session in; a new model version begins a new record.

        Parameters
        ----------
        panel : prices as known at the session.
        row : the session's row in it.
        """
        if seen.model_version != self.model_version:
            self.model_version = seen.model_version
            for part in (self._sessions, self._returns, self._skill, self._scores):
                part.clear()
        self._sessions.append(seen.session)
        self._returns.append(seen.returns)
        self._skill.append((np.nan, np.nan))
        self._scores.append(seen.scores)
        if len(self._scores) > self._horizon and row >= self._horizon:
            self._skill[-1 - self._horizon] = self._matured(panel, row)

    @property
    def record(self) -> LiveRecord:
        """What there is by now."""
        returns = np.array(self._returns, dtype=np.float64).reshape(-1, len(RETURNS))
        skill = np.array(self._skill, dtype=np.float64).reshape(-1, 2)
        return LiveRecord(
            strategy=self.strategy,
            book=self.book,
            sessions=np.array(self._sessions, dtype="datetime64[D]"),
            model_versions=np.full(len(returns), self.model_version, dtype=np.int64),
            information_coefficient=skill[:, 0],
            lagged_ic=skill[:, 1],
            **{part: returns[:, i] for i, part in enumerate(RETURNS)},
        )

    def _matured(self, panel: Panel, row: int) -> tuple[float, float]:
        """Correlate the scores whose label has matured in this session, and those before them."""
        span = panel.prices[row - self._horizon : row + 1]
        outcomes = forward_returns(span, self._horizon)[:1]
        now = self._laid_out(self._scores[-1 - self._horizon], panel)
        before: Mapping[str, float] = {}
        if len(self._scores) > self._horizon + 1:
            before = self._scores[-2 - self._horizon]
        scores = np.stack([now, self._laid_out(before, panel)])
        both = rank_correlation(scores, np.repeat(outcomes, 2, axis=0), MIN_NAMES)
        return float(both[0]), float(both[1])

    def _laid_out(self, scores: Mapping[str, float], panel: Panel) -> Floats:
        return np.array([scores.get(symbol, np.nan) for symbol in panel.symbols])
