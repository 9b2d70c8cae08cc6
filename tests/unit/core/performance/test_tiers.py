"""Rules and the policy that collects them."""

import pytest
from pydantic import ValidationError

from shadowbook.core.performance.tiers import (
    CALIBRATED,
    TEXTBOOK,
    WINDOWS,
    AlertAction,
    MonitorPolicy,
    Rule,
    Tier,
)

OWN = {"name": "mine", "metric": "sharpe", "window": 40, "tier": "watch", "kind": "absolute"}


def test_the_textbook_has_the_limits_of_the_textbooks():
    told = {(r.tier, r.metric): (r.window, r.limit, r.persistence, r.kind) for r in TEXTBOOK}
    assert told[Tier.WATCH, "sharpe"] == (30, 1.0, 1, "absolute")
    assert told[Tier.WARNING, "sharpe"] == (30, 0.5, 10, "absolute")
    assert told[Tier.CRITICAL, "sharpe"] == (30, 0.0, 30, "absolute")
    assert told[Tier.CRITICAL, "drawdown_current"] == (252, 1.0, 1, "baseline")


@pytest.mark.parametrize("rules", [TEXTBOOK, CALIBRATED])
def test_every_shipped_rule_has_a_name_of_its_own_and_the_action_of_its_tier(rules):
    assert len({rule.name for rule in rules}) == len(rules)
    bound = {
        Tier.WATCH: AlertAction.NOTE,
        Tier.WARNING: AlertAction.HALVE,
        Tier.CRITICAL: AlertAction.HALT,
    }
    assert all(rule.action is bound[rule.tier] for rule in rules)


def test_calibrated_limits_are_rarer_the_more_serious_they_are():
    chances = {(r.metric, r.window, r.tier): r.limit for r in CALIBRATED if r.kind == "statistical"}
    for (metric, window, tier), chance in chances.items():
        if tier is Tier.CRITICAL:
            assert chance < chances[metric, window, Tier.WARNING]


def test_an_own_rule_replaces_the_shipped_one_of_its_name_in_its_place():
    own = TEXTBOOK[0].model_copy(update={"limit": 0.8})
    extra = Rule(**OWN, limit=0.1)
    active = MonitorPolicy(policy="textbook", rules=(extra, own)).active_rules
    assert active == (own, *TEXTBOOK[1:], extra)


def test_a_shipped_rule_can_be_left_out():
    policy = MonitorPolicy(policy="textbook", without=("sharpe_watch",))
    assert policy.active_rules == TEXTBOOK[1:]


def test_every_window_that_a_rule_needs_is_watched():
    policy = MonitorPolicy(windows=(21,), policy="textbook", rules=(Rule(**OWN, limit=0.1),))
    assert policy.watched_windows == (21, 30, 40, 63, 252)
    assert MonitorPolicy().windows == WINDOWS


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rules": (Rule(**OWN, limit=0.1), Rule(**OWN, limit=0.2))}, "mine is given twice"),
        ({"without": ("nothing",)}, "has no rule nothing"),
        ({"windows": (1,)}, "greater than or equal to 2"),
        ({"windows": ()}, "at least 1 item"),
        ({"decay_share": float("nan")}, "finite number"),
        ({"unknown": 1}, "Extra inputs"),
    ],
)
def test_an_impossible_policy_is_refused(changes, told):
    with pytest.raises(ValidationError, match=told):
        MonitorPolicy(**changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "statistical", "limit": 0.6}, "a chance lies above 0"),
        ({"kind": "statistical", "limit": 0.0}, "a chance lies above 0"),
        ({"kind": "baseline", "limit": -1.0}, "a share lies above 0"),
        ({"limit": 1.0, "escalate_sessions": 5}, "only a warning is escalated"),
        ({"limit": float("inf")}, "finite number"),
    ],
)
def test_an_impossible_rule_is_refused(changes, told):
    with pytest.raises(ValidationError, match=told):
        Rule(**{**OWN, **changes})


def test_an_own_rule_acts_by_its_tier_unless_it_says_otherwise():
    given = {"name": "mine", "metric": "sharpe", "window": 63, "kind": "absolute", "limit": 0.0}
    assert Rule(**given, tier="watch").action is AlertAction.NOTE
    assert Rule(**given, tier="warning").action is AlertAction.HALVE
    assert Rule(**given, tier="critical").action is AlertAction.HALT
    assert Rule(**given, tier="critical", action="note").action is AlertAction.NOTE
    with pytest.raises(ValidationError, match="tier"):
        Rule(**given, tier=["critical"])
