"""What a guard of the ramp says of a session."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

TOLERANCE = 1e-9
"""A value this close to its limit, as a share of it, counts as reaching it."""


class GuardOutcome(StrEnum):
    """How a guard ended."""

    PASSED = "PASSED"
    BREACHED = "BREACHED"
    """The challenger loses its capital at once."""
    MISSING = "MISSING"
    """It cannot be told: the ramp holds."""


@dataclass(frozen=True)
class GuardVerdict:
    """One guard over one step of the ramp.

    Attributes
    ----------
    guard : its name, a key of ``RampPolicy.limits``.
    value : what was measured; NaN where it cannot be.
    limit : of the policy.
    reason : one sentence.
    """

    guard: str
    outcome: GuardOutcome
    value: float
    limit: float
    reason: str


def reaches(value: float, limit: float) -> bool:
    """Tell whether a value is at its limit or above, with a relative tolerance of 1e-9.

    >>> reaches(0.1 + 0.2, 0.3), reaches(0.3, 0.1 + 0.2), reaches(float("nan"), 0.3)
    (True, True, False)
    """
    return value >= limit or math.isclose(value, limit, rel_tol=TOLERANCE)
