"""The catalog of features: what each is, what it reads and how far back.

Windows belong to the version of the catalog, not to the settings: a feature log holds one
definition for good. Changing a definition means raising ``FEATURE_VERSION``.

Momentum: Jegadeesh & Titman (1993), without the last month Fama & French (2008). Reversal:
Jegadeesh (1990). Largest daily return: Bali, Cakici & Whitelaw (2011). Residual momentum: Blitz,
Huij & Martens (2011), in one factor. Zero-return share: Lesmond, Ogden & Trzcinka (1999).
Turn of the month: Lakonishok & Smidt (1988). Illiquidity: Amihud (2002). Range: Parkinson (1980).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from shadowbook.core.learning.inputs import NOISE, Inputs, moves, quotient, shift
from shadowbook.core.stats.windows import (
    rolling_max,
    rolling_min,
    rolling_product,
    rolling_spread,
    rolling_sum,
)
from shadowbook.core.values import Floats

Compute = Callable[[Inputs], Floats]


@dataclass(frozen=True)
class Feature:
    """One feature of the catalog.

    Attributes
    ----------
    name : stable, in snake_case; windows are in sessions.
    group : ``price`` needs closes only; ``volume`` needs volume, range or opens.
    lookback : sessions before the decision session that it reads.
    compute : Inputs -> (T, N); None for a rank.
    needs : fields beside the price that it reads.
    rank_of : the feature whose cross-sectional rank it is.
    """

    name: str
    group: Literal["price", "volume"]
    lookback: int
    compute: Compute | None
    needs: tuple[str, ...] = ()
    rank_of: str | None = None


def _momentum(inputs: Inputs, window: int, skip: int = 0) -> Floats:
    return shift(inputs.price, skip) / shift(inputs.price, window) - 1.0


def _reversal(inputs: Inputs, window: int) -> Floats:
    return 1.0 - inputs.price / shift(inputs.price, window)  # never -0.0


def _volatility(inputs: Inputs, window: int) -> Floats:
    return inputs.volatility(window)


def _volatility_ratio(inputs: Inputs, short: int, long: int) -> Floats:
    whole = inputs.volatility(long)
    return quotient(inputs.volatility(short), whole, whole > NOISE)


def _drawdown(inputs: Inputs, window: int) -> Floats:
    return inputs.price / rolling_max(inputs.price, window) - 1.0


def _distance_to_average(inputs: Inputs, window: int) -> Floats:
    return inputs.price / (rolling_sum(inputs.price, window) / window) - 1.0


def _max_return(inputs: Inputs, window: int) -> Floats:
    return rolling_max(inputs.returns, window)


def _min_return(inputs: Inputs, window: int) -> Floats:
    return rolling_min(inputs.returns, window)


def _volatility_of_moments(inputs: Inputs) -> Floats:
    return np.sqrt(inputs.moments.squares / 62.0)


def _skewness(inputs: Inputs) -> Floats:
    variance = inputs.moments.squares / 63.0
    scale = variance * np.sqrt(variance)
    return quotient(inputs.moments.cubes / 63.0, scale, variance > NOISE**2)


def _beta(inputs: Inputs) -> Floats:
    return inputs.beta


def _correlation(inputs: Inputs) -> Floats:
    together = inputs.comoments
    scale = np.sqrt(together.x_squares) * np.sqrt(together.y_squares)
    correlation = quotient(together.products, scale, moves(together, 126))
    bounded: Floats = np.clip(correlation, -1.0, 1.0)
    return bounded


def _residual_momentum(inputs: Inputs) -> Floats:
    market = rolling_product(inputs.market + 1.0, 126) - 1.0
    return _momentum(inputs, 126) - inputs.beta * market


def _zero_return_share(inputs: Inputs, window: int) -> Floats:
    flat = np.where(np.isnan(inputs.returns), np.nan, inputs.returns == 0.0)
    return rolling_sum(flat, window) / window


def _month(inputs: Inputs) -> tuple[Floats, Floats]:
    """Day of the month from 0 and the number of days in it, each (T, 1)."""
    months = inputs.sessions.astype("datetime64[M]")
    starts = months.astype("datetime64[D]")
    day = (inputs.sessions.astype("datetime64[D]") - starts).astype(np.float64)
    days = ((months + 1).astype("datetime64[D]") - starts).astype(np.float64)
    return day[:, None], days[:, None]


def _month_position(inputs: Inputs) -> Floats:
    day, days = _month(inputs)
    return np.broadcast_to(day / (days - 1.0), inputs.price.shape)


def _turn_of_month(inputs: Inputs) -> Floats:
    day, days = _month(inputs)
    near = (day < 4.0) | (day >= days - 4.0)
    return np.broadcast_to(near.astype(np.float64), inputs.price.shape)


def _dollar_volume_z(inputs: Inputs, window: int) -> Floats:
    logs = np.log1p(inputs.dollars)
    spread = rolling_spread(logs, window)
    deviation = np.sqrt(spread.squares / (window - 1))
    return quotient(logs - spread.mean, deviation, deviation > NOISE)


def _illiquidity(inputs: Inputs, window: int) -> Floats:
    """Absolute return per billion traded, as log(1 + x): ratio of sums, so one idle day is fine."""
    traded = rolling_sum(inputs.dollars, window)
    moved = rolling_sum(np.abs(inputs.returns), window)
    return np.log1p(1e9 * quotient(moved, traded, traded > 0.0))


def _turnover_ratio(inputs: Inputs, short: int, long: int) -> Floats:
    whole = rolling_sum(inputs.dollars, long) / long
    return quotient(rolling_sum(inputs.dollars, short) / short, whole, whole > 0.0)


def _range_volatility(inputs: Inputs, window: int) -> Floats:
    spans = np.log(inputs.fields["high"] / inputs.fields["low"])
    variance = rolling_sum(spans * spans, window) / (window * 4.0 * math.log(2.0))
    return np.sqrt(variance)


def _overnight_gap(inputs: Inputs) -> Floats:
    opened = inputs.fields["open"] * (inputs.price / inputs.fields["close"])
    return opened / shift(inputs.price, 1) - 1.0


_TRADED = ("close", "volume")

CATALOG: tuple[Feature, ...] = (
    Feature("momentum_21", "price", 21, partial(_momentum, window=21)),
    Feature("momentum_63", "price", 63, partial(_momentum, window=63)),
    Feature("momentum_126", "price", 126, partial(_momentum, window=126)),
    Feature("momentum_252", "price", 252, partial(_momentum, window=252)),
    Feature("momentum_252_21", "price", 252, partial(_momentum, window=252, skip=21)),
    Feature("reversal_1", "price", 1, partial(_reversal, window=1)),
    Feature("reversal_5", "price", 5, partial(_reversal, window=5)),
    Feature("volatility_21", "price", 21, partial(_volatility, window=21)),
    Feature("volatility_63", "price", 63, _volatility_of_moments),
    Feature(
        "volatility_ratio_21_126", "price", 126, partial(_volatility_ratio, short=21, long=126)
    ),
    Feature("drawdown_252", "price", 251, partial(_drawdown, window=252)),
    Feature("distance_average_200", "price", 199, partial(_distance_to_average, window=200)),
    Feature("max_return_21", "price", 21, partial(_max_return, window=21)),
    Feature("min_return_21", "price", 21, partial(_min_return, window=21)),
    Feature("skewness_63", "price", 63, _skewness),
    Feature("beta_126", "price", 126, _beta),
    Feature("correlation_126", "price", 126, _correlation),
    Feature("residual_momentum_126", "price", 126, _residual_momentum),
    Feature("zero_return_share_63", "price", 63, partial(_zero_return_share, window=63)),
    Feature("month_position", "price", 0, _month_position),
    Feature("turn_of_month", "price", 0, _turn_of_month),
    Feature("rank_reversal_5", "price", 5, None, rank_of="reversal_5"),
    Feature("rank_momentum_126", "price", 126, None, rank_of="momentum_126"),
    Feature("rank_momentum_252_21", "price", 252, None, rank_of="momentum_252_21"),
    Feature("rank_volatility_63", "price", 63, None, rank_of="volatility_63"),
    Feature("dollar_volume_z_63", "volume", 62, partial(_dollar_volume_z, window=63), _TRADED),
    Feature(
        "turnover_ratio_5_63", "volume", 62, partial(_turnover_ratio, short=5, long=63), _TRADED
    ),
    Feature("illiquidity_21", "volume", 21, partial(_illiquidity, window=21), _TRADED),
    Feature("rank_illiquidity_21", "volume", 21, None, _TRADED, rank_of="illiquidity_21"),
    Feature(
        "range_volatility_21",
        "volume",
        20,
        partial(_range_volatility, window=21),
        ("high", "low"),
    ),
    Feature("overnight_gap", "volume", 1, _overnight_gap, ("open", "close")),
)
