"""The path of a lead: at every session what the evidence of that session says."""

import math

import numpy as np
import pytest

from shadowbook.core.promotion.case import Case, Present, evidence_of
from shadowbook.core.promotion.court_policy import CourtPolicy
from shadowbook.core.promotion.paths import LeadPath, lead_path
from shadowbook.core.promotion.shadow import SideBySide, shadow_evidence

POLICY = CourtPolicy(safety_alpha=0.04)
REPLACEMENT = Case("weekly", 1, 2, "replacement", 1, 0.01, 0.0025)
REFRESH = Case("weekly", 1, 2, "refresh")


def side_by_side(n, seed=0, missing=()):
    rng = np.random.default_rng(seed)
    common, own, its = rng.standard_normal((3, n))
    champion = 0.01 * (0.05 + 0.9 * common + 0.3 * its)
    challenger = 0.02 * (0.11 + 0.9 * common + 0.3 * own)
    champion[list(missing[::2])] = np.nan
    challenger[list(missing[1::2])] = np.nan
    sessions = np.datetime64("2024-01-01") + np.arange(n)
    nothing = np.full(n, np.nan)
    return SideBySide(sessions, challenger, champion, *([nothing] * 6))


def cut(record, n):
    return SideBySide(*(getattr(record, name)[:n] for name in SideBySide.__dataclass_fields__))


@pytest.mark.parametrize("missing", [(), (0, 5, 40, 41, 149)], ids=["whole", "with gaps"])
def test_every_session_has_what_the_court_knew_then(missing):
    record = side_by_side(150, missing=missing)
    path = lead_path(record, REPLACEMENT, POLICY)
    for n in (1, 2, 9, 10, 21, 42, 43, 60, 101, 149, 150):
        then = shadow_evidence(cut(record, n), REPLACEMENT.alpha_shadow, POLICY.safety_alpha)
        found = [path.lead, path.claim_lower, path.safe_lower, path.safe_upper]
        expected = [then.effect, then.lower_bound, then.not_inferior_bound, then.harm_bound]
        assert [line[n - 1] for line in found] == pytest.approx(expected, rel=1e-12, nan_ok=True)
    assert np.isfinite(path.claim_lower[-1])
    assert np.isnan(path.lead[8])
    assert np.isfinite(path.lead[12])


@pytest.mark.parametrize("case", [REPLACEMENT, REFRESH], ids=["replacement", "refresh"])
def test_the_last_values_are_those_of_the_evidence(case):
    record = side_by_side(130, seed=3, missing=(129,))
    path = lead_path(record, case, POLICY)
    evidence = evidence_of(case, record, Present(), POLICY)
    assert path.safe_lower[-1] == evidence.not_inferior_bound
    assert path.safe_upper[-1] == evidence.harm_bound
    if case.kind == "refresh":
        assert path.lead[-1] == evidence.effect
        assert np.isnan(path.claim_lower).all()
    else:
        assert path.claim_lower[-1] == evidence.lower_bound


def test_the_books_grow_over_the_sessions_that_both_have():
    record = side_by_side(40, missing=(3, 7))
    path = lead_path(record, REFRESH, POLICY)
    both = np.isfinite(record.challenger) & np.isfinite(record.champion)
    assert both.sum() == 38
    assert path.challenger[-1] == pytest.approx(np.prod(1.0 + record.challenger[both]))
    assert path.champion[-1] == pytest.approx(np.prod(1.0 + record.champion[both]))
    assert path.challenger[3] == path.challenger[2]
    assert path.lead[7] == pytest.approx(path.lead[6], nan_ok=True)


def test_a_session_that_is_no_look_leaves_everything_as_it_was():
    whole = side_by_side(80)
    rows = np.insert(np.arange(80), 50, 49)
    held = SideBySide(*(getattr(whole, name)[rows] for name in SideBySide.__dataclass_fields__))
    held.challenger[50] = np.nan
    path, with_gap = (lead_path(one, REPLACEMENT, POLICY) for one in (whole, held))
    for name in LeadPath.__dataclass_fields__:
        if name == "sessions":
            continue
        line = getattr(path, name)
        np.testing.assert_allclose(getattr(with_gap, name), line[rows], rtol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 9])
def test_few_sessions_have_no_lead(n):
    path = lead_path(side_by_side(n), REPLACEMENT, POLICY)
    assert len(path.sessions) == len(path.lead) == len(path.champion) == n
    assert np.isnan(path.lead).all()
    assert np.isnan(path.safe_upper).all()
    assert np.isfinite(path.champion).all()


def test_books_that_do_not_vary_have_growth_alone():
    n = 60
    still = np.full(n, 0.001)
    nothing = np.full(n, np.nan)
    days = np.datetime64("2024-01-01") + np.arange(n)
    path = lead_path(SideBySide(days, still, still, *([nothing] * 6)), REPLACEMENT, POLICY)
    assert np.isnan([path.lead, path.safe_lower, path.safe_upper, path.claim_lower]).all()
    assert path.champion[-1] == pytest.approx(1.001**n)


def test_the_unit_is_a_year():
    record = side_by_side(60)
    daily, yearly = (lead_path(record, REPLACEMENT, POLICY, n) for n in (1, 252))
    np.testing.assert_allclose(yearly.lead, daily.lead * math.sqrt(252))
    np.testing.assert_allclose(yearly.safe_lower, daily.safe_lower * math.sqrt(252))
