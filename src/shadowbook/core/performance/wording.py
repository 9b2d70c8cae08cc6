"""What an alert tells a person: one sentence, with annualized figures."""

from __future__ import annotations

import math

from shadowbook.core.performance.alerts import AlertState, Phase, Transition
from shadowbook.core.performance.monitored import Limit
from shadowbook.core.performance.tiers import A_YEAR, BAD_ABOVE, AlertAction, Rule

NAMES = {
    "sharpe": "Sharpe ratio a year",
    "information_coefficient": "information coefficient",
    "hit_rate": "hit rate",
    "drawdown_current": "drawdown",
    "drawdown_maximum": "deepest drawdown",
    "drawdown_length": "sessions under water",
    "volatility": "volatility a year",
    "turnover": "turnover a session",
    "cost": "cost a session",
}
"""How a person calls each metric."""


def reason_of(
    state: AlertState,
    transition: Transition,
    rule: Rule | None,
    value: float,
    limit: Limit | None,
) -> str:
    """Say in one sentence what happened to an alert and why."""
    if state.phase is Phase.UNKNOWN:
        return (
            f"the recorded state of {state.family} could not be read and counts as a halt: "
            "acknowledge it when the book may trade"
        )
    if rule is None:
        return f"{state.rule} is no longer among the rules: {transition.value}"
    figures = f"{_named(rule)} is {figure(rule.metric, value)}"
    number = math.nan if limit is None else limit.value
    side = "at or above" if rule.metric in BAD_ABOVE else "at or below"
    bound = f"{side} {figure(rule.metric, number)}"
    if transition is Transition.RAISED:
        held = f" for {rule.persistence} sessions" if rule.persistence > 1 else ""
        return f"{figures}, {bound}{held} ({_origin(rule)})"
    if transition is Transition.ESCALATED:
        return f"{figures}; nobody has acknowledged {rule.name} in {state.age} sessions"
    if transition is Transition.ACKNOWLEDGED:
        halves = state.action is AlertAction.HALT
        after = ": half the capacity until it has recovered" if halves else ""
        return f"{rule.name} was acknowledged; {figures}{after}"
    return f"{figures}, no longer {bound}: recovered after {state.age} sessions"


def figure(metric: str, value: float) -> str:
    """Write a value as a person reads it, Sharpe ratio and volatility a year.

    >>> figure("drawdown_current", -0.1234)
    '-12.3%'
    """
    if math.isnan(value):
        return "not known"
    year = math.sqrt(A_YEAR)
    if metric == "sharpe":
        return f"{value * year:.2f}"
    if metric == "volatility":
        return f"{value * year:.1%}"
    if metric == "information_coefficient":
        return f"{value:.4f}"
    if metric == "drawdown_length":
        return f"{value:.0f}"
    return f"{value * 1e4:.1f} bps" if metric == "cost" else f"{value:.1%}"


def _named(rule: Rule) -> str:
    return f"{NAMES[rule.metric]} over {rule.window} sessions"


def _origin(rule: Rule) -> str:
    if rule.kind == "absolute":
        return "a fixed limit"
    if rule.kind == "baseline":
        return f"{rule.limit:g} of the backtest's own"
    return f"a chance of {rule.limit:.2%} under the backtest"
