"""Limits and what reaches them."""

from __future__ import annotations

import math

import pytest

from shadowbook.core.promotion.guards import reaches


@pytest.mark.parametrize(
    ("value", "limit", "expected"),
    [
        (0.15, 0.15, True),
        (0.15 * (1 - 5e-10), 0.15, True),
        (0.15 * (1 - 5e-9), 0.15, False),
        (0.1 + 0.2, 0.3, True),
        (1.0, 0.3, True),
        (-1.0, 0.3, False),
        (math.nan, 0.3, False),
        (math.inf, 0.3, True),
    ],
)
def test_a_value_equal_to_its_limit_reaches_it(value, limit, expected):
    assert reaches(value, limit) is expected
