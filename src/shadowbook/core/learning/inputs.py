"""What features are computed from: cleaned prices and the pieces that several features share."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.stats.windows import (
    Comoments,
    Moments,
    rolling_comoments,
    rolling_moments,
    rolling_spread,
)
from shadowbook.core.values import Floats, Sessions

NOISE = 1e-12
"""Daily returns that deviate by less are constant: a quotient near one is rounded at 2e-16."""


class Inputs:
    """What the features of a block of symbols are computed from; each piece is computed once.

    ``price`` is the adjusted close where there is one. Arrays are (T, N), ``market`` is (T, 1).
    A price that is not positive and finite, or a negative volume, counts as missing.
    """

    def __init__(
        self,
        sessions: Sessions,
        price: Floats,
        fields: Mapping[str, Floats],
        market: Floats,
    ) -> None:
        self.sessions = sessions
        self.price = _known(price, price > 0.0)
        self.fields = {
            name: _known(values, values >= 0.0 if name == "volume" else values > 0.0)
            for name, values in fields.items()
        }
        self.market = _known(market, market > -1.0)[:, None]
        self._volatility: dict[int, Floats] = {}

    @cached_property
    def returns(self) -> Floats:
        """Simple returns from the session before."""
        return self.price / shift(self.price, 1) - 1.0

    @cached_property
    def dollars(self) -> Floats:
        """Traded value: close times volume."""
        return self.fields["close"] * self.fields["volume"]

    @cached_property
    def comoments(self) -> Comoments:
        """Sums of squares and products of market and symbol returns over 126 sessions."""
        return rolling_comoments(self.market, self.returns, 126)

    @cached_property
    def beta(self) -> Floats:
        """Slope of the symbol's returns on the market's over 126 sessions."""
        together = self.comoments
        return quotient(together.products, together.x_squares, moves(together, 126))

    @cached_property
    def moments(self) -> Moments:
        """Moments of the returns over 63 sessions."""
        return rolling_moments(self.returns, 63)

    def volatility(self, window: int) -> Floats:
        """Sample deviation of the returns over ``window`` sessions."""
        if window not in self._volatility:
            squares = rolling_spread(self.returns, window).squares
            self._volatility[window] = np.sqrt(squares / (window - 1))
        return self._volatility[window]

    def sessions_known(self, needs: tuple[str, ...]) -> NDArray[np.int64]:
        """(T, N) sessions since any of ``needs`` was last missing (or since the start)."""
        missing = np.isnan(self.price)
        for name in needs:
            missing = missing | np.isnan(self.fields[name])
        rows = np.arange(len(missing))[:, None]
        last_missing = np.maximum.accumulate(np.where(missing, rows, -1), axis=0)
        return rows - last_missing


def shift(values: Floats, rows: int) -> Floats:
    """Value of ``rows`` sessions ago; NaN before the start."""
    shifted = np.full(values.shape, np.nan)
    if rows < len(values):
        shifted[rows:] = values[: len(values) - rows]
    return shifted


def _known(values: Floats, valid: NDArray[np.bool_]) -> Floats:
    return np.ascontiguousarray(np.where(valid & np.isfinite(values), values, np.nan))


def quotient(numerator: Floats, denominator: Floats, where: NDArray[np.bool_]) -> Floats:
    """Divide where it is defined, (T, N); NaN elsewhere."""
    result = np.full(numerator.shape, np.nan)
    np.divide(numerator, denominator, out=result, where=where)
    return result


def moves(together: Comoments, window: int) -> NDArray[np.bool_]:
    """Tell where both the market and the symbol moved in the window, (T, N)."""
    floor = window * NOISE**2
    moving: NDArray[np.bool_] = (together.x_squares > floor) & (together.y_squares > floor)
    return moving
