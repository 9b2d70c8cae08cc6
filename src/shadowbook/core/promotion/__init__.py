"""Promotion: what a challenger has shown, and what the court makes of it."""

from shadowbook.core.promotion.case import Case, Present, evidence_of
from shadowbook.core.promotion.court import Criterion, Decision, Outcome, judge
from shadowbook.core.promotion.court_policy import CourtPolicy
from shadowbook.core.promotion.evidence import Evidence
from shadowbook.core.promotion.planning import required_shadow_sessions
from shadowbook.core.promotion.sequential import ConfidenceSequence, confidence_sequence
from shadowbook.core.promotion.sharpe_differences import SharpeDifference, sharpe_difference
from shadowbook.core.promotion.snooping import Snooping, data_snooping_test
from shadowbook.core.stats.block_length import BlockLength, optimal_block_length
from shadowbook.core.stats.deflation import (
    deflated_sharpe_ratio,
    effective_number_of_trials,
    expected_maximum_sharpe,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
)

__all__ = [
    "BlockLength",
    "Case",
    "ConfidenceSequence",
    "CourtPolicy",
    "Criterion",
    "Decision",
    "Evidence",
    "Outcome",
    "Present",
    "SharpeDifference",
    "Snooping",
    "confidence_sequence",
    "data_snooping_test",
    "deflated_sharpe_ratio",
    "effective_number_of_trials",
    "evidence_of",
    "expected_maximum_sharpe",
    "judge",
    "minimum_track_record_length",
    "optimal_block_length",
    "probabilistic_sharpe_ratio",
    "required_shadow_sessions",
    "sharpe_difference",
]
