"""Tiers of alerts: which metric, over which window, against which limit, and what is done then."""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

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
METRICS: tuple[MetricName, ...] = get_args(MetricName)
WINDOWS = (21, 30, 63, 126, 252)
A_YEAR = 252
"""Sessions that limits, texts and pages count as a year."""
"""Trailing sessions that metrics are taken over by default."""

BAD_ABOVE: frozenset[str] = frozenset({"drawdown_length", "volatility", "turnover", "cost"})
"""Metrics that breach a limit from below; the others breach it from above."""


_POSSIBLE: dict[str, tuple[float, float]] = {
    "information_coefficient": (-1.0, 1.0),
    "hit_rate": (0.0, 1.0),
    "drawdown_current": (-1.0, -1e-6),
    "drawdown_maximum": (-1.0, -1e-6),
    "drawdown_length": (1.0, math.inf),
    "volatility": (1e-6, math.inf),
    "turnover": (1e-6, math.inf),
    "cost": (1e-9, math.inf),
}
"""Absolute limits outside of these are reached always or never: a sign or a unit is wrong."""


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


BY_TIER: Mapping[Tier, AlertAction] = {
    Tier.WATCH: AlertAction.NOTE,
    Tier.WARNING: AlertAction.HALVE,
    Tier.CRITICAL: AlertAction.HALT,
}


class Rule(BaseModel):
    """One tier of one metric over one window."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$", description="Unique in its policy.")
    metric: MetricName = Field(description="What is watched.")
    window: int = Field(ge=2, le=2520, description="Trailing sessions.")
    tier: Tier = Field(description="watch, warning or critical.")
    kind: Literal["absolute", "baseline", "statistical"] = Field(
        description="absolute: limit is the value; baseline: a share of the backtest's own value "
        "(drawdowns: of its worst); statistical: a chance under the backtest's block bootstrap."
    )
    limit: float = Field(
        description="The value, the share or the chance. A value of sharpe or volatility is given "
        "a year, of turnover and cost a session, of a drawdown as -0.2 for a fall of 20 %."
    )
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
    action: AlertAction = Field(
        AlertAction.NOTE,
        description="What it does; left out: note on a watch, halve on a warning, halt on a "
        "critical.",
    )

    @model_validator(mode="before")
    @classmethod
    def _acts_by_tier(cls, given: Any) -> Any:
        if (
            isinstance(given, Mapping)
            and "action" not in given
            and str(given.get("tier")) in BY_TIER
        ):
            return {**given, "action": BY_TIER[Tier(given["tier"])]}
        return given

    @model_validator(mode="after")
    def _limit_is_possible(self) -> Self:
        if self.kind == "statistical" and not 0.0 < self.limit <= 0.5:
            raise ValueError(f"limit is {self.limit}: a chance lies above 0 and at most at 0.5")
        if self.kind == "baseline" and not 0.0 < self.limit <= 100.0:
            raise ValueError(f"limit is {self.limit}: a share lies above 0 and at most at 100")
        low, high = _POSSIBLE.get(self.metric, (-math.inf, math.inf))
        if self.kind == "absolute" and not low <= self.limit <= high:
            between = f"from {low:g} to {high:g}" if high < math.inf else f"of at least {low:g}"
            raise ValueError(
                f"limit is {self.limit:g}, which {self.metric} reaches always or never: give one "
                f"{between}"
            )
        if self.escalate_sessions is not None and self.tier is not Tier.WARNING:
            raise ValueError("escalate_sessions: only a warning is escalated, leave it out")
        return self


def _rule(name: str, metric: MetricName, window: int, tier: Tier, **more: Any) -> Rule:
    return Rule(name=name, metric=metric, window=window, tier=tier, **more)


def _textbook(name: str, metric: MetricName, window: int, tier: Tier, **more: Any) -> Rule:
    return _rule(name, metric, window, tier, clear_sessions=1, cooldown_sessions=0, **more)


TEXTBOOK: tuple[Rule, ...] = (
    _textbook("sharpe_watch", "sharpe", 30, Tier.WATCH, kind="absolute", limit=1.0),
    _textbook(
        "sharpe_warning", "sharpe", 30, Tier.WARNING, kind="absolute", limit=0.5, persistence=10
    ),
    _textbook(
        "sharpe_critical", "sharpe", 30, Tier.CRITICAL, kind="absolute", limit=0.0, persistence=30
    ),
    *(
        _textbook(
            f"drawdown_{window}_critical",
            "drawdown_current",
            window,
            Tier.CRITICAL,
            kind="baseline",
            limit=1.0,
        )
        for window in (63, 252)
    ),
)
"""Limits as textbooks give them, for a strategy of which a Sharpe ratio of 1.5 is expected."""

_PERSISTENCE = {Tier.WATCH: 5, Tier.WARNING: 3, Tier.CRITICAL: 3}
_ESCALATE = {Tier.WATCH: None, Tier.WARNING: 42, Tier.CRITICAL: None}
_CHANCES: tuple[tuple[MetricName, Tier, dict[int, float]], ...] = (
    ("sharpe", Tier.WATCH, {63: 0.05, 126: 0.05}),
    ("sharpe", Tier.WARNING, {63: 0.01, 126: 0.02, 252: 0.04}),
    ("sharpe", Tier.CRITICAL, {63: 0.001, 126: 0.002, 252: 0.005}),
    ("information_coefficient", Tier.WATCH, {63: 0.05, 126: 0.05}),
    ("information_coefficient", Tier.WARNING, {63: 0.01, 126: 0.02, 252: 0.04}),
    ("information_coefficient", Tier.CRITICAL, {63: 0.001, 126: 0.002, 252: 0.005}),
    ("drawdown_current", Tier.WATCH, {252: 0.05}),
    ("drawdown_current", Tier.WARNING, {63: 0.01, 252: 0.02}),
    ("drawdown_current", Tier.CRITICAL, {63: 0.001, 252: 0.002}),
    ("volatility", Tier.WATCH, {63: 0.01}),
    ("turnover", Tier.WATCH, {63: 0.01}),
)

CALIBRATED: tuple[Rule, ...] = (
    *(
        _rule(
            f"{metric}_{window}_{tier.value}",
            metric,
            window,
            tier,
            kind="statistical",
            limit=chance,
            persistence=_PERSISTENCE[tier],
            hysteresis=0.25,
            escalate_sessions=_ESCALATE[tier],
        )
        for metric, tier, chances in _CHANCES
        for window, chance in chances.items()
    ),
    _rule("cost_63_watch", "cost", 63, Tier.WATCH, kind="baseline", limit=1.5, persistence=5),
)
"""Limits whose false alarms are counted in simulation (docs/alerts.md, benchmarks/alerts.py)."""

SHIPPED: dict[str, tuple[Rule, ...]] = {"calibrated": CALIBRATED, "textbook": TEXTBOOK}


class MonitorPolicy(BaseModel):
    """What is watched, which rules raise alerts, and what counts as decay."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    windows: tuple[Annotated[int, Field(ge=2, le=2520)], ...] = Field(
        WINDOWS, min_length=1, description="trailing sessions of the rolling metrics"
    )
    policy: Literal["calibrated", "textbook"] = Field(
        "calibrated",
        description="rules that ship: calibrated (false alarms counted in simulation) or textbook",
    )
    rules: tuple[Rule, ...] = Field(
        (), description="own rules; one of a shipped rule's name replaces it"
    )
    without: tuple[str, ...] = Field((), description="names of shipped rules that are not used")
    owner: str = Field("operator", min_length=1, max_length=80, description="whom alerts go to")
    min_sessions: int = Field(
        21,
        ge=0,
        le=252,
        description="sessions after launch or a change of version before alerts start",
    )
    n_resamples: int = Field(
        2000, ge=200, le=20_000, description="bootstrap draws behind statistical limits"
    )
    decay_sessions: int = Field(
        63, ge=21, le=504, description="sessions after an alert in which decay is looked for"
    )
    decay_share: float = Field(
        0.5,
        ge=0.0,
        lt=1.0,
        description="decay: Sharpe ratio of those sessions under this share of the backtest's",
    )

    @model_validator(mode="after")
    def _rules_are_told_apart(self) -> Self:
        names = [rule.name for rule in self.rules]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ValueError(f"rules: the name {doubled[0]} is given twice, give each rule its own")
        shipped = {rule.name for rule in SHIPPED[self.policy]}
        unknown = sorted(set(self.without) - shipped)
        if unknown:
            raise ValueError(f"without: the {self.policy} policy has no rule {unknown[0]}")
        return self

    @property
    def active_rules(self) -> tuple[Rule, ...]:
        """Every rule that may raise an alert: shipped ones in their order, then own ones."""
        own = {rule.name: rule for rule in self.rules}
        shipped = [rule for rule in SHIPPED[self.policy] if rule.name not in self.without]
        kept = [own.pop(rule.name, rule) for rule in shipped]
        return (*kept, *own.values())

    @property
    def watched_windows(self) -> tuple[int, ...]:
        """Every window that is shown or that a rule needs, ascending."""
        return tuple(sorted({*self.windows, *(rule.window for rule in self.active_rules)}))
