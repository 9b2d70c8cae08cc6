"""Shares of capital."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.promotion.ramp_policy import RampPolicy
from shadowbook.core.promotion.ramp_state import Phase, RampState
from shadowbook.core.promotion.ramp_steps import capital_split, share_of

NOW = datetime(2020, 1, 2, 21, 15, tzinfo=UTC)
STATE = RampState(
    "weekly",
    Phase.RAMPING,
    3,
    NOW,
    challenger=5,
    steps=RampPolicy().steps,
    step=2,
    requested_by="ann",
    evidence="5f1c",
)


def test_the_share_is_that_of_the_step_and_never_above_the_policy_s():
    assert share_of(STATE, RampPolicy()) == 0.25
    assert share_of(replace(STATE, phase=Phase.AWAITING_APPROVAL), RampPolicy()) == 0.25
    assert share_of(STATE, RampPolicy(steps=(0.01, 0.02, 0.03, 1.0))) == 0.03
    assert share_of(STATE, RampPolicy(steps=(0.5, 1.0))) == 0.25


def test_outside_of_a_ramp_and_in_a_broken_one_there_is_none():
    assert share_of(RampState("weekly", Phase.SHADOW, 3, NOW, challenger=5), RampPolicy()) == 0.0
    assert share_of(replace(STATE, step=9), RampPolicy()) == 0.0
    assert share_of(replace(STATE, champion=5), RampPolicy()) == 0.0
    assert share_of(replace(STATE, phase="ASLEEP"), RampPolicy()) == 0.0


@given(
    st.floats(0.0, 1.0, allow_subnormal=False),
    st.floats(0.0, 1e12, allow_subnormal=False),
    st.none() | st.floats(1.0, 1e12),
)
def test_capital_is_split_and_capped(share, capital, most):
    champion, ab = capital_split(share, capital, RampPolicy(max_capital=most))
    assert 0.0 <= ab <= share * capital
    assert most is None or ab <= most
    assert champion >= 0.0
    assert champion + ab <= capital * (1.0 + 1e-15)


def test_without_a_cap_the_last_step_has_everything():
    assert capital_split(1.0, 1e6, RampPolicy()) == (0.0, 1e6)
    assert capital_split(1.0, 1e6, RampPolicy(max_capital=2e5)) == (8e5, 2e5)
