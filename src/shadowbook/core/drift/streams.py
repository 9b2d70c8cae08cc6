"""Streams of a book's errors that do not overlap.

A label over ``horizon`` sessions shares all but one of its returns with the next session's, so the
errors of neighboring sessions fall together, which a detector takes for a change. The streams hold
every ``horizon``-th decision session, whose labels share no return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.values import Floats, Sessions

StreamName = Literal["direction_error", "scaled_error"]

_ROUNDING = 1e-9
"""What a correlation of floating point numbers may be beyond 1."""


@dataclass(frozen=True, eq=False)
class MaturedSkill:
    """Non-overlapping information coefficients of a book; arrays (M,).

    Attributes
    ----------
    decided : sessions of the scores, ascending.
    matured : session in which each one's label was known.
    information_coefficient : NaN = the book did not score then, or it cannot be computed.
    """

    decided: Sessions
    matured: Sessions
    information_coefficient: Floats


def matured_skill(
    sessions: Sessions,
    information_coefficient: Floats,
    horizon: int,
    calendar: Sessions | None = None,
    anchor: np.datetime64 | None = None,
) -> MaturedSkill:
    """Take every ``horizon``-th session from the anchor on whose label has matured.

    A label is the return from the close of its session to the close ``horizon`` sessions later
    (`forward_returns`; the execution lag is no part of it), so it is known in the session
    ``horizon`` later and not before. The session ``horizon`` later starts the next label: the two
    share a close, no return. Sessions are counted from the anchor by the calendar, so what is
    appended moves nothing that was there.

    Parameters
    ----------
    sessions : (T,) decision sessions of one version, ascending.
    information_coefficient : (T,) in [-1, 1]; NaN = not matured or not computable.
    horizon : sessions a score speaks about.
    calendar : (S,) sessions whose closes are known, ascending; those of the book unless given.
        Give it where the book missed a session or ended before the prices do. Sessions of the book
        after its last one have not matured.
    anchor : the session that is counted from; the book's first unless given. Give the version's
        first session where older ones may have been cut off.

    Raises
    ------
    ValueError
        When shapes differ, a coefficient is infinite or beyond 1, the horizon is below 1, or a
        session or the anchor is not in the calendar.

    >>> days = np.arange("2026-01-01", "2026-01-08", dtype="datetime64[D]")
    >>> found = matured_skill(days, np.array([0.1, 0.2, 0.3, np.nan, 0.5, np.nan, np.nan]), 2)
    >>> found.information_coefficient, found.matured[-1]
    (array([0.1, 0.3, 0.5]), np.datetime64('2026-01-07'))
    """
    skill = _checked(information_coefficient)
    if horizon < 1 or skill.shape != sessions.shape:
        raise ValueError(
            f"horizon {horizon}, sessions {sessions.shape}, coefficients {skill.shape}: give a "
            "horizon of at least 1 and one coefficient a session"
        )
    known = sessions if calendar is None else calendar
    if not len(sessions) or not len(known):
        return MaturedSkill(sessions[:0], sessions[:0], skill[:0])
    first = int(_places(known, sessions[:1] if anchor is None else np.array([anchor]))[0])
    inside = sessions <= known[-1]
    row = np.full(len(known), -1)
    row[_places(known, sessions[inside])] = np.flatnonzero(inside)
    decided = np.arange(first, len(known) - horizon, horizon)
    # A book that ended has no observation after its last session, only labels that mature.
    decided = decided[(known[decided] >= sessions[0]) & (known[decided] <= sessions[-1])]
    at = row[decided]
    return MaturedSkill(
        decided=known[decided],
        matured=known[decided + horizon],
        information_coefficient=np.where(at >= 0, skill[at], np.nan),
    )


def errors(stream: StreamName, information_coefficient: Floats) -> Floats:
    """Turn information coefficients into a stream's errors.

    Parameters
    ----------
    stream : ``direction_error``: 1 where the coefficient is not above 0, else 0;
        ``scaled_error``: (1 - coefficient) / 2, in [0, 1].
    information_coefficient : (M,) in [-1, 1]; NaN stays NaN.

    Raises
    ------
    ValueError
        When a coefficient is infinite or beyond 1.

    >>> errors("direction_error", np.array([0.1, 0.0, np.nan]))
    array([ 0.,  1., nan])
    >>> errors("scaled_error", np.array([1.0, 0.5, -1.0]))
    array([0.  , 0.25, 1.  ])
    """
    skill = _checked(information_coefficient)
    if stream == "scaled_error":
        return (1.0 - skill) / 2.0
    return np.where(np.isnan(skill), np.nan, (skill <= 0.0).astype(np.float64))


def _checked(information_coefficient: Floats) -> Floats:
    skill = np.asarray(information_coefficient, dtype=np.float64)
    if (np.abs(skill) > 1.0 + _ROUNDING).any():
        raise ValueError(
            "an information coefficient is infinite or beyond 1: NaN is what is missing"
        )
    return np.clip(skill, -1.0, 1.0)


def _places(calendar: Sessions, sessions: Sessions) -> NDArray[np.int64]:
    places = np.searchsorted(calendar, sessions)
    there = places < len(calendar)
    there[there] = calendar[places[there]] == sessions[there]
    if not there.all():
        raise ValueError(f"session {sessions[~there][0]} is not in the calendar")
    return places
