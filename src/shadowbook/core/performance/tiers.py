"""Tiers of alerts: which metric, over which window, against which limit, and what is done then."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

MetricName = Literal[
    "sharpe",
    "information_coefficient",
    "hit_rate",
    "drawdown_current",
    "drawdown_maximum",
    "drawdown_length",
    "volatility",
    "turnover",
    "cost",
]
METRICS: tuple[MetricName, ...] = (
    "sharpe",
    "information_coefficient",
    "hit_rate",
    "drawdown_current",
    "drawdown_maximum",
    "drawdown_length",
    "volatility",
    "turnover",
    "cost",
)
WINDOWS = (21, 30, 63, 126, 252)
"""Trailing sessions that metrics are taken over by default."""

BAD_ABOVE: frozenset[str] = frozenset({"drawdown_length", "volatility", "turnover", "cost"})
"""Metrics that breach a limit from below; the others breach it from above."""


class Tier(StrEnum):
    """How serious an alert is."""

    WATCH = "watch"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertAction(StrEnum):
    """What an alert does, beside being recorded."""

    NOTE = "note"
    HALVE = "halve"
    """The book's capacity is halved, and a diagnosis is made."""
    HALT = "halt"
    """Nothing is decided until a person has closed the incident."""


class Rule(BaseModel):
    """One tier of one metric over one window."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Unique in its policy.")
    metric: MetricName = Field(description="What is watched.")
    window: int = Field(ge=2, le=2520, description="Trailing sessions.")
    tier: Tier = Field(description="watch, warning or critical.")
    kind: Literal["absolute", "baseline", "statistical"] = Field(
        description="absolute: limit is the value; baseline: a share of the backtest's own value "
        "(drawdowns: of its worst); statistical: a chance under the backtest's block bootstrap."
    )
    limit: float = Field(description="The value, the share or the chance.")
    persistence: int = Field(1, ge=1, le=252, description="Sessions in breach before it is raised.")
    hysteresis: float = Field(
        0.0,
        ge=0.0,
        le=10.0,
        description="Cleared only this far on the good side of the limit, as "
        "a share of its distance from the backtest's value (absolute: of the limit's size).",
    )
    clear_sessions: int = Field(5, ge=1, le=252, description="Good sessions before it is cleared.")
    cooldown_sessions: int = Field(
        21, ge=0, le=252, description="Sessions after clearing in which it is not raised again."
    )
    escalate_sessions: int | None = Field(
        None, ge=1, le=252, description="Sessions open, unacknowledged, before it pages."
    )
    action: AlertAction = Field(AlertAction.NOTE, description="What it does.")
