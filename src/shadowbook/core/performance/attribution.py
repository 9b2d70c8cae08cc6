"""Where the gap between backtest and live came from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

PARTS = ("signal_decay", "data", "latency", "missed_fills", "spread", "slippage", "fees")
"""In the order of the waterfall; what they do not explain is shown as ``unexplained``."""


class GapVerdict(StrEnum):
    """What the gap looks like."""

    NO_GAP = "no gap"
    SIGNAL_DECAY = "signal decay"
    EXECUTION = "execution masquerading as decay"
    DATA = "data"
    MIXED = "mixed"
    INCONCLUSIVE = "inconclusive"
    NOT_COMPUTABLE = "NOT_COMPUTABLE"


@dataclass(frozen=True)
class Part:
    """One part of the gap; simple return a year, above 0 where it cost something.

    Attributes
    ----------
    standard_error : NaN where it has none.
    """

    name: str
    value: float
    standard_error: float


@dataclass(frozen=True)
class Attribution:
    """The gap between backtest and live; simple returns a year, arithmetic.

    Attributes
    ----------
    expected : what the backtest promised, at the live volatility.
    live : what was earned.
    gap : expected - live.
    parts : each computed by itself, in order of ``PARTS``.
    unexplained : gap less the sum of the parts.
    n_obs : live sessions.
    verdict, reasons : what it looks like, one sentence a reason.
    """

    expected: float
    live: float
    gap: float
    gap_standard_error: float
    parts: tuple[Part, ...]
    unexplained: float
    n_obs: int
    verdict: GapVerdict
    reasons: tuple[str, ...] = ()
