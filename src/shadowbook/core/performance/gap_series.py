"""Backtest and live beside each other, in the sessions of which everything is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.performance.accounts import Accounts
from shadowbook.core.stats.hac import bandwidth, mean_standard_error, small_sample_factor
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats

A_YEAR = 252.0
_COUNTS = 1.96
"""Standard errors from which a difference of sizes counts."""

EXECUTION_PARTS = ("latency", "missed_fills", "spread", "slippage", "fees")


@dataclass(frozen=True, eq=False)
class Compared:
    """The sessions that are known: the backtest's (S,) and live's (T,), series by name.

    Attributes
    ----------
    scale : what the backtest's returns are multiplied by; NaN where it cannot be told.
    """

    scale: float
    promised: dict[str, Floats]
    earned: dict[str, Floats]

    def value(self, promised: str | None, earned: str | None) -> float:
        """Return scale x mean(promised) - mean(earned), a year."""
        first = 0.0 if promised is None else self.scale * float(self.promised[promised].mean())
        second = 0.0 if earned is None else float(self.earned[earned].mean())
        return A_YEAR * (first - second)

    def error(self, promised: str | None, earned: str | None) -> float:
        """Return its standard error: the two spans do not overlap, so their variances add."""
        first = 0.0 if promised is None else self.scale * _error(self.promised[promised])
        second = 0.0 if earned is None else _error(self.earned[earned])
        return A_YEAR * math.hypot(first, second)


def compared(
    backtest: Backtest, live: LiveRecord, accounts: Accounts, clean_signal: Floats | None
) -> Compared:
    """Lay out backtest and live; arguments as of `attribution.attribute`."""
    tested = np.isfinite(backtest.signal) & np.isfinite(backtest.gross) & np.isfinite(backtest.net)
    promised = {
        "net": backtest.net[tested],
        "signal": backtest.signal[tested],
        "waiting": (backtest.gross - backtest.signal)[tested],
        "costs": (backtest.net - backtest.gross)[tested],
        "ways": (backtest.net - backtest.signal)[tested],
    }
    series = {"net": live.net, "signal": live.signal}
    series |= {name: getattr(accounts, name) for name in EXECUTION_PARTS}
    if clean_signal is not None:
        series["clean"] = np.where(np.isfinite(clean_signal), clean_signal, live.signal)
    there: NDArray[np.bool_] = np.all([np.isfinite(one) for one in series.values()], axis=0)
    earned = {name: one[there] for name, one in series.items()}
    earned["ways"] = np.sum([earned[name] for name in EXECUTION_PARTS], axis=0)
    if clean_signal is not None:
        earned["off"] = earned["signal"] - earned["clean"]
    return Compared(scale_of(earned["signal"], promised["signal"]), promised, earned)


def scale_of(live: Floats, tested: Floats) -> float:
    """Return how large the live book is beside the tested one: the ratio of their volatilities.

    Both are built by the same rules, so a ratio within its noise says nothing, and the expected
    return must not move with it: the logarithm is shrunk towards 0 by 1 - (c / z)^2, to 0 itself
    where its t-statistic z is below c = 1.96 (a non-negative garrote, Breiman 1995). The noise
    counts the clustering of volatility, by Newey and West.

    Parameters
    ----------
    live, tested : (T,), (S,) returns without NaN.

    NaN where either has less than two sessions or never moves.

    >>> scale_of(np.array([0.01, -0.01, 0.0]), np.array([0.011, -0.01, 0.0]))
    1.0
    """
    sizes, noise = [], 0.0
    for values in (live, tested):
        size = float(values.std()) if len(values) > 1 else 0.0
        # A constant's deviations are rounding errors.
        if not len(values) or not size > 1e-12 * float(np.abs(values).max()):
            return math.nan
        sizes.append(size)
        noise = math.hypot(noise, _error((values - values.mean()) ** 2) / (2.0 * size**2))
    grown = math.log(sizes[0] / sizes[1])
    limit = _COUNTS * noise
    return math.exp(grown * (1.0 - (limit / grown) ** 2)) if abs(grown) > limit else 1.0


def _error(values: Floats) -> float:
    lags = bandwidth(len(values))
    return mean_standard_error(values, lags) * small_sample_factor(len(values), lags)
