"""A case: which basis its evidence is of, and what of it is told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from shadowbook.core.promotion.case import Case, Present, evidence_of
from shadowbook.core.promotion.court import Outcome, judge
from shadowbook.core.promotion.court_policy import CourtPolicy, ReplacementPolicy
from shadowbook.core.promotion.shadow import SideBySide, shadow_evidence
from shadowbook.core.promotion.walk_forward import WalkForwardEvidence

N = 126
POLICY = CourtPolicy()
HISTORY = WalkForwardEvidence(
    effect=0.6,
    standard_error=0.16,
    p_value=1e-4,
    snooping_p_value=3e-4,
    n_competing=3,
    deflated_sharpe=0.98,
    n_effective_trials=2.0,
    correlation=0.9,
    n_sessions=2016,
)
REPLACEMENT = Case(
    "weekly", 1, 2, "replacement", 1, 0.01, 0.0025, HISTORY, 4000.0, 12, training_data=True
)
REFRESH = Case(
    "weekly", 1, 2, "refresh", refit_correlation=0.98, training_share=1.02, training_data=True
)
PRESENT = Present(age_sessions=130, drift=False, gate="PASSED", drill_age_sessions=1)


def record(lead=0.0, n=N):
    rng = np.random.default_rng(3)
    shared, own = rng.standard_normal(n), rng.standard_normal((2, n))
    ours, theirs = 0.01 * (math.sqrt(0.995) * shared + math.sqrt(0.005) * own)
    one = np.full(n, 0.985)
    return SideBySide(
        np.datetime64("2020-01-02") + np.arange(n),
        *(ours - ours.mean() + theirs.mean() + lead, theirs),
        *(-1e-4 * one, -1e-4 * one, one, one, one, one),
    )


def test_a_replacement_is_judged_on_its_history():
    found = evidence_of(REPLACEMENT, record(), PRESENT, POLICY)
    assert (found.basis, found.effect, found.p_value, found.alpha) == ("history", 0.6, 1e-4, 0.01)
    assert (found.n_trials, found.n_effective_trials, found.n_history) == (12, 2.0, 2016)
    assert found.required_sessions == 4000.0
    assert found.n_sessions == N


def test_a_decisive_shadow_stands_for_itself():
    lead = record(lead=0.004)
    found = evidence_of(REPLACEMENT, lead, PRESENT, POLICY)
    shown = shadow_evidence(lead, 0.0025, 0.05, (0.6, 0.16))
    assert found.basis == "shadow"
    assert found.lower_bound == shown.lower_bound > 0.0
    assert (found.effect, found.alpha) == (shown.effect, 0.0025)
    assert judge(found, POLICY).outcome is Outcome.PROMOTE


def test_a_fixed_look_counts_the_first_sessions_alone():
    fixed = CourtPolicy(replacement=ReplacementPolicy(significance="fixed"))
    lead = record(lead=0.004)
    found = evidence_of(REPLACEMENT, lead, PRESENT, fixed)
    assert found.basis == "shadow"
    first = SideBySide(*(getattr(lead, name)[:63] for name in SideBySide.__dataclass_fields__))
    assert found.effect == pytest.approx(shadow_evidence(first, 0.1, 0.05).effect)
    early = evidence_of(REPLACEMENT, record(lead=0.004, n=62), PRESENT, fixed)
    assert early.basis == "history"


def test_a_refresh_is_judged_on_its_shadow():
    found = evidence_of(REFRESH, record(), PRESENT, POLICY)
    assert (found.kind, found.basis, found.refit_correlation) == ("refresh", "shadow", 0.98)
    assert math.isnan(found.lower_bound)
    assert found.training_share == 1.02
    assert judge(found, POLICY).outcome is Outcome.PROMOTE


def test_a_replacement_without_history_is_not_computable():
    case = Case("weekly", 1, 2, "replacement", 1, 0.01, 0.0025, None, training_data=True)
    found = evidence_of(case, record(), PRESENT, POLICY)
    assert math.isnan(found.effect)
    assert judge(found, POLICY).outcome is Outcome.NOT_COMPUTABLE


def test_people_and_states_are_passed_on():
    people = Present(7, True, "FAILED", None, requester="ada", approver="grace")
    found = evidence_of(REFRESH, record(), people, POLICY)
    assert (found.age_sessions, found.drift, found.gate) == (7, True, "FAILED")
    assert (found.drill_age_sessions, found.requester, found.approver) == (None, "ada", "grace")


def test_an_empty_record_has_no_figure():
    empty = SideBySide(*(getattr(record(), name)[:0] for name in SideBySide.__dataclass_fields__))
    found = evidence_of(REPLACEMENT, empty, PRESENT, POLICY)
    assert found.n_sessions == 0
    assert judge(found, POLICY).outcome is Outcome.HOLD
