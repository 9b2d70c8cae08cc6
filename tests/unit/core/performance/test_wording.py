"""What an alert says."""

import math
from dataclasses import replace

import pytest

from shadowbook.core.performance.alerts import AlertState, Phase, Transition
from shadowbook.core.performance.monitored import Limit
from shadowbook.core.performance.tiers import AlertAction, Rule, Tier
from shadowbook.core.performance.wording import figure, reason_of

YEAR = math.sqrt(252)

RULE = Rule(
    name="sharpe_low",
    metric="sharpe",
    window=63,
    tier="warning",
    kind="statistical",
    limit=0.01,
    persistence=3,
)
STATE = AlertState(
    "sharpe/warning/halve", Tier.WARNING, AlertAction.HALVE, rule="sharpe_low", age=9
)
LIMIT = Limit("sharpe_low", "sharpe", 63, Tier.WARNING, -1.5 / YEAR, 0.0)


@pytest.mark.parametrize(
    ("transition", "told"),
    [
        (
            Transition.RAISED,
            "Sharpe ratio a year over 63 sessions is -2.00, at or below -1.50 for 3 sessions "
            "(a chance of 1.00% under the backtest)",
        ),
        (
            Transition.ESCALATED,
            "Sharpe ratio a year over 63 sessions is -2.00; nobody has acknowledged sharpe_low in "
            "9 sessions",
        ),
        (
            Transition.ACKNOWLEDGED,
            "sharpe_low was acknowledged; Sharpe ratio a year over 63 sessions is -2.00",
        ),
        (
            Transition.CLEARED,
            "Sharpe ratio a year over 63 sessions is -2.00, no longer at or below -1.50: "
            "recovered after 9 sessions",
        ),
    ],
)
def test_every_transition_is_one_sentence_with_annual_figures(transition, told):
    assert reason_of(STATE, transition, RULE, -2.0 / YEAR, LIMIT) == told


def test_an_acknowledged_incident_says_what_it_leaves():
    state = replace(STATE, action=AlertAction.HALT)
    told = reason_of(state, Transition.ACKNOWLEDGED, RULE, math.nan, None)
    assert told == (
        "sharpe_low was acknowledged; Sharpe ratio a year over 63 sessions is not known: "
        "half the capacity until it has recovered"
    )


def test_an_unreadable_state_says_what_to_do():
    state = replace(STATE, phase=Phase.UNKNOWN)
    told = reason_of(state, Transition.RAISED, None, math.nan, None)
    assert "could not be read and counts as a halt: acknowledge it" in told


@pytest.mark.parametrize(
    ("metric", "value", "told"),
    [
        ("sharpe", 1.0 / YEAR, "1.00"),
        ("volatility", 0.1 / YEAR, "10.0%"),
        ("information_coefficient", 0.02, "0.0200"),
        ("drawdown_length", 12.0, "12"),
        ("cost", 0.00012, "1.2 bps"),
        ("hit_rate", 0.54, "54.0%"),
        ("turnover", math.nan, "not known"),
    ],
)
def test_figures_are_written_as_a_person_reads_them(metric, value, told):
    assert figure(metric, value) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "absolute", "limit": -1.5}, "(a fixed limit)"),
        ({"kind": "baseline", "limit": 0.5}, "(0.5 of the backtest's own)"),
    ],
)
def test_a_raised_alert_says_where_its_limit_comes_from(changes, told):
    rule = RULE.model_copy(update={**changes, "metric": "cost", "persistence": 1})
    reason = reason_of(STATE, Transition.RAISED, rule, 0.0002, LIMIT)
    assert reason.startswith("cost a session over 63 sessions is 2.0 bps, at or above ")
    assert reason.endswith(told)
    assert "for 1 sessions" not in reason
