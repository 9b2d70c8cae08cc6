"""Performance of live books: what was earned, what was expected, and what is worth an alarm."""

from __future__ import annotations

from shadowbook.core.performance.drawdown import Drawdown, drawdown
from shadowbook.core.performance.ratio import Ratio, realization_ratio
from shadowbook.core.performance.rolling import (
    rolling_hit_rate,
    rolling_information_coefficient,
    rolling_sharpe,
)
from shadowbook.core.performance.shortfall import Shortfall, implementation_shortfall
from shadowbook.core.stats.sharpe import annualization_factor, sharpe_standard_error

__all__ = [
    "Drawdown",
    "Ratio",
    "Shortfall",
    "annualization_factor",
    "drawdown",
    "implementation_shortfall",
    "realization_ratio",
    "rolling_hit_rate",
    "rolling_information_coefficient",
    "rolling_sharpe",
    "sharpe_standard_error",
]
