"""Pieces of evidence, and those that live alone gives: its level, its trend, its break."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from shadowbook.core.diagnosis.findings import Mechanism
from shadowbook.core.stats.change_point import change_point, linear_trend
from shadowbook.core.track import Backtest, LiveRecord

Expected = Mapping[Mechanism, tuple[float, float]]
"""What each mechanism expects a number to be: mean and standard deviation."""

_BACKGROUND = 0.05
_BROAD = 3.0


@dataclass(frozen=True)
class Piece:
    """One number and how likely each mechanism makes it.

    Attributes
    ----------
    likelihoods : density under each mechanism, above 0; empty where the number is not known.
    share : what of its weight counts, below 1 where another piece says nearly the same.
    decisive : True where its weight has no bound.
    """

    name: str
    value: float
    sentence: str
    likelihoods: Mapping[Mechanism, float] = field(default_factory=dict)
    share: float = 1.0
    decisive: bool = False


def likelihoods(value: float, error: float, expected: Expected) -> dict[Mechanism, float]:
    """Density of a number under what each mechanism expects.

    A normal, widened by the number's own standard error, with a twentieth of it three times as
    wide, so that no single surprise rules a mechanism out.

    Parameters
    ----------
    value, error : the number and its standard error; empty result where either is not finite.

    >>> from shadowbook.core.diagnosis.findings import Mechanism
    >>> both = {Mechanism.CROWDING: (1.0, 0.1), Mechanism.OVERFITTING: (0.0, 0.1)}
    >>> apart = likelihoods(1.0, 0.1, both)
    >>> apart[Mechanism.CROWDING] > apart[Mechanism.OVERFITTING]
    True
    """
    if not (math.isfinite(value) and math.isfinite(error)):
        return {}
    found = {}
    for mechanism, (mean, spread) in expected.items():
        width = max(math.hypot(spread, error), 1e-9)
        distance = (value - mean) / width
        near = math.exp(-0.5 * distance**2)
        far = math.exp(-0.5 * (distance / _BROAD) ** 2) / _BROAD
        # The floor keeps a number that is absurd under all of them from dividing zero by zero.
        found[mechanism] = ((1.0 - _BACKGROUND) * near + _BACKGROUND * far) / width + 1e-12
    return found


_LEVEL: Expected = {
    Mechanism.OVERFITTING: (0.0, 0.15),
    Mechanism.LOOK_AHEAD: (0.0, 0.15),
    Mechanism.REGIME_CHANGE: (0.2, 0.35),
    Mechanism.CROWDING: (0.5, 0.2),
}
"""Mean information coefficient of live over the backtest's. One that fades to nothing over the
live span keeps half on average; a bad state may leave something or turn the sign."""

_CHANGE: Expected = {
    Mechanism.OVERFITTING: (0.0, 0.15),
    Mechanism.LOOK_AHEAD: (0.0, 0.15),
    Mechanism.REGIME_CHANGE: (0.0, 0.6),
    Mechanism.CROWDING: (-0.9, 0.35),
}
"""How far it fell from the first to the last live day, over the backtest's."""

_BREAK_EXPONENT: Mapping[Mechanism, float] = {
    Mechanism.OVERFITTING: 1.0,
    Mechanism.LOOK_AHEAD: 1.0,
    Mechanism.REGIME_CHANGE: 0.5,
    Mechanism.CROWDING: 0.4,
}
"""a of the p-value's density a p^(a - 1): uniform (1) where the mean does not change in live."""


def live_pieces(backtest: Backtest, live: LiveRecord) -> list[Piece]:
    """Take the level, the trend and the break of the information coefficient in live.

    Returns
    -------
    Three pieces; without likelihoods where live or the backtest has too few coefficients, or the
    backtest's mean is not above two of its errors.
    """
    before = linear_trend(backtest.information_coefficient, backtest.horizon)
    after = linear_trend(live.information_coefficient, backtest.horizon)
    usable = before.level > 2.0 * before.level_error and math.isfinite(after.level)
    if not usable:
        unknown = "the information coefficient of live cannot be set against the backtest's"
        return [
            Piece(name, math.nan, unknown)
            for name in ("live level", "live trend", "break within live")
        ]
    level, change = after.level / before.level, after.change / before.level
    level_error = math.hypot(after.level_error, level * before.level_error) / before.level
    change_error = after.change_error / before.level
    found = change_point(live.information_coefficient, backtest.horizon)
    where = str(live.sessions[found.position]) if found.position >= 0 else ""
    return [
        Piece(
            "live level",
            level,
            f"live keeps {level:.0%} (give or take {level_error:.0%}) of the backtest's "
            "information coefficient",
            likelihoods(level, level_error, _LEVEL),
        ),
        Piece(
            "live trend",
            change,
            f"over the live span it changed by {change:+.0%} (give or take {change_error:.0%}) "
            "of the backtest's",
            likelihoods(change, change_error, _CHANGE),
        ),
        Piece(
            "break within live",
            found.p_value,
            f"the likeliest change within live is on {where} (p {found.p_value:.2f})"
            if where
            else "no change within live can be looked for",
            _break_likelihoods(found.p_value),
            share=0.5,  # a slope and a break are two views of one change
        ),
    ]


def _break_likelihoods(p_value: float) -> dict[Mechanism, float]:
    if not math.isfinite(p_value):
        return {}
    p = float(np.clip(p_value, 0.001, 1.0))
    return {m: a * p ** (a - 1.0) for m, a in _BREAK_EXPONENT.items()}
