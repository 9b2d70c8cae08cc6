"""Drift: whether inputs, scores and outcomes are still what a model was made for."""

from __future__ import annotations

from shadowbook.core.drift.distributions import KsResult, ks_two_sample, psi, psi_from_proportions
from shadowbook.core.drift.profile import ReferenceProfile
from shadowbook.core.drift.quadrant import Quadrant, quadrant
from shadowbook.core.stats.multiple import benjamini_hochberg

__all__ = [
    "KsResult",
    "Quadrant",
    "ReferenceProfile",
    "benjamini_hochberg",
    "ks_two_sample",
    "psi",
    "psi_from_proportions",
    "quadrant",
]
