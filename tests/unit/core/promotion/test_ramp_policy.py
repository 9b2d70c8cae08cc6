"""Which policies of a ramp are possible."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from shadowbook.core.promotion.ramp_policy import RampPolicy


def test_the_default_is_the_issue_s():
    policy = RampPolicy()
    assert policy.steps == (0.05, 0.10, 0.25, 0.50, 1.0)
    assert (policy.min_sessions, policy.max_sessions, policy.max_capital) == (10, 63, None)
    assert list(policy.limits) == [
        "drawdown",
        "shortfall",
        "slippage",
        "fill_ratio",
        "position_agreement",
    ]
    assert policy.approval_for_last_step
    assert policy.open_pages_hold


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": (0.5, 0.5, 1.0)}, "must ascend"),
        ({"steps": (0.5, 0.25, 1.0)}, "must ascend"),
        ({"steps": (0.0, 1.0)}, "must ascend from above 0"),
        ({"steps": (0.1, 0.9)}, "must end at 1.0, not at 0.9"),
        ({"steps": (0.1, 1.0, 2.0)}, "must end at 1.0, not at 2"),
        ({"steps": (1.0,)}, "at least 2"),
        ({"min_sessions": 20, "max_sessions": 10}, "must not descend"),
        ({"first_look": 11}, "must not descend"),
        ({"max_capital": 0.0}, "greater than 0"),
        ({"max_drawdown": float("nan")}, "finite number"),
        ({"max_shortfall": -1.0}, "greater than 0"),
        ({"max_excess_slippage": 1.0}, "Extra inputs"),
    ],
)
def test_impossible_ones_are_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        RampPolicy(**given)


def test_a_guard_that_is_off_has_no_limit():
    off = {
        "max_drawdown": None,
        "max_shortfall": None,
        "max_excess_slippage_bps": None,
        "min_fill_ratio": None,
        "min_position_agreement": None,
    }
    assert RampPolicy(**off).limits == {}


def test_every_field_is_described():
    assert all(field.description for field in RampPolicy.model_fields.values())
