"""The court: which outcome follows from what is known."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.promotion.court import Outcome, judge
from shadowbook.core.promotion.court_policy import CourtPolicy, RefreshPolicy, ReplacementPolicy
from shadowbook.core.promotion.evidence import Evidence

REPLACEMENT = Evidence(
    kind="replacement",
    basis="history",
    effect=0.5,
    p_value=0.001,
    alpha=0.01,
    snooping_p_value=0.004,
    n_competing=3,
    deflated_sharpe=0.97,
    n_trials=12,
    n_effective_trials=2.5,
    n_history=2016,
    lower_bound=-0.4,
    n_sessions=63,
    required_sessions=5000.0,
    not_inferior_bound=-1.1,
    harm_bound=2.0,
    parity_p_value=0.4,
    signal_correlation=0.6,
    position_agreement=0.5,
    drawdown_ratio=1.1,
    cost_ratio=1.0,
    turnover_ratio=1.0,
    training_share=1.1,
    training_data=True,
    age_sessions=70,
    drift=False,
    gate="PASSED",
    drill_age_sessions=3,
)
REFRESH = replace(
    REPLACEMENT,
    kind="refresh",
    basis="shadow",
    refit_correlation=0.98,
    signal_correlation=0.975,
    position_agreement=0.9,
    not_inferior_bound=-0.5,
)
KINDS = ["replacement", "refresh"]
BY_KIND = pytest.mark.parametrize("evidence", [REPLACEMENT, REFRESH], ids=KINDS)


def failed(evidence, policy=None):
    found = judge(evidence, policy or CourtPolicy())
    return found.outcome, [one.name for one in found.criteria if one.passed is False]


@BY_KIND
def test_a_challenger_that_meets_every_criterion_is_promoted(evidence):
    found = judge(evidence, CourtPolicy())
    assert found.outcome is Outcome.PROMOTE
    assert all(one.passed for one in found.criteria)
    assert found.against == ()


def test_published_gate_holds_on_the_effect_alone():
    """63 sessions, correlation 0.9986, agreement 0.9450, drawdown ratio 0.9527, bar 0.20."""
    published = replace(
        REPLACEMENT,
        effect=0.1853,
        n_sessions=63,
        signal_correlation=0.9986,
        position_agreement=0.9450,
        drawdown_ratio=0.9527,
    )
    asked = ReplacementPolicy(
        min_effect=0.20, min_signal_correlation=0.95, min_position_agreement=0.90
    )
    policy = CourtPolicy(replacement=asked, max_drawdown_ratio=1.0)
    assert failed(published, policy) == (Outcome.HOLD, ["effect"])
    assert judge(replace(published, effect=0.20), policy).outcome is Outcome.PROMOTE
    assert judge(replace(published, effect=0.20 * (1 - 1e-12)), policy).outcome is Outcome.PROMOTE
    assert failed(replace(published, effect=0.1999), policy) == (Outcome.HOLD, ["effect"])


def test_published_gate_alone_holds_without_anything_else_known():
    bare = Evidence(
        effect=0.1853,
        n_sessions=63,
        signal_correlation=0.9986,
        position_agreement=0.9450,
        drawdown_ratio=0.9527,
    )
    assert failed(bare, CourtPolicy()) == (Outcome.HOLD, ["effect"])


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"effect": 0.19}, "effect"),
        ({"p_value": 0.011}, "significance"),
        ({"snooping_p_value": 0.02}, "snooping"),
        ({"deflated_sharpe": 0.9}, "deflated_sharpe"),
        ({"parity_p_value": 0.005}, "parity"),
        ({"not_inferior_bound": -2.0}, "non_inferiority"),
        ({"n_sessions": 62}, "sessions"),
        ({"drawdown_ratio": 1.51}, "drawdown"),
        ({"cost_ratio": 2.1}, "cost"),
        ({"turnover_ratio": 2.1}, "turnover"),
        ({"drift": True}, "drift"),
        ({"gate": "FAILED"}, "gate"),
        ({"drill_age_sessions": 22}, "drill"),
    ],
)
def test_each_criterion_of_a_replacement_alone_holds_it(changed, name):
    assert failed(replace(REPLACEMENT, **changed)) == (Outcome.HOLD, [name])


@pytest.mark.parametrize(
    ("evidence", "changed", "name"),
    [
        (REPLACEMENT, {"harm_bound": -0.01}, "harm"),
        (REPLACEMENT, {"age_sessions": 505}, "age"),
        (REFRESH, {"harm_bound": -0.01}, "harm"),
        (REFRESH, {"training_share": 0.1}, "training"),
        (REFRESH, {"training_data": False}, "training_data"),
        (REPLACEMENT, {"training_data": False}, "training_data"),
    ],
)
def test_what_ends_a_case_rejects(evidence, changed, name):
    assert failed(replace(evidence, **changed)) == (Outcome.REJECT, [name])


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"not_inferior_bound": -2.0}, ["non_inferiority"]),
        ({"signal_correlation": 0.959}, ["parity"]),
        ({"refit_correlation": 0.6, "signal_correlation": 0.45}, ["signal_correlation"]),
        ({"signal_correlation": -1.0}, ["parity", "signal_correlation"]),
        ({"position_agreement": 0.4}, ["position_agreement"]),
    ],
)
def test_each_criterion_of_a_refresh_alone_holds_it(changed, names):
    assert failed(replace(REFRESH, **changed)) == (Outcome.HOLD, names)


def test_refits_set_the_bar_and_slack_its_highest():
    near = replace(REFRESH, refit_correlation=0.999, signal_correlation=0.96)
    assert judge(near, CourtPolicy()).outcome is Outcome.PROMOTE
    assert failed(replace(near, signal_correlation=0.959)) == (Outcome.HOLD, ["parity"])
    far = replace(REFRESH, refit_correlation=0.8, signal_correlation=0.6)
    assert judge(far, CourtPolicy()).outcome is Outcome.PROMOTE
    assert failed(replace(far, signal_correlation=0.599)) == (Outcome.HOLD, ["parity"])
    unknown = judge(replace(far, refit_correlation=math.nan), CourtPolicy())
    assert unknown.outcome is Outcome.NOT_COMPUTABLE


@BY_KIND
def test_a_rejection_stands(evidence):
    again = replace(evidence, rejected_on="2021-03-05")
    assert failed(again) == (Outcome.REJECT, ["earlier_verdict"])


def test_a_refresh_need_not_be_better():
    worse = replace(REFRESH, effect=-0.2, p_value=0.9, snooping_p_value=0.9, deflated_sharpe=0.1)
    assert judge(worse, CourtPolicy()).outcome is Outcome.PROMOTE


def test_a_decisive_shadow_needs_no_history():
    shadow = replace(
        REPLACEMENT,
        basis="shadow",
        lower_bound=0.01,
        snooping_p_value=math.nan,
        deflated_sharpe=math.nan,
        parity_p_value=math.nan,
    )
    assert judge(shadow, CourtPolicy()).outcome is Outcome.PROMOTE
    assert failed(replace(shadow, lower_bound=0.0)) == (Outcome.HOLD, ["significance"])


def test_a_shadow_by_policy_looks_once():
    fixed = CourtPolicy(replacement=ReplacementPolicy(significance="fixed"))
    shadow = replace(REPLACEMENT, basis="shadow", lower_bound=-1.0, p_value=0.002, alpha=0.0025)
    assert judge(shadow, fixed).outcome is Outcome.PROMOTE
    assert failed(replace(shadow, p_value=0.003), fixed) == (Outcome.HOLD, ["significance"])


@pytest.mark.parametrize(
    "missing",
    ["effect", "p_value", "deflated_sharpe", "parity_p_value", "harm_bound", "drawdown_ratio"],
)
def test_a_missing_figure_is_not_computable(missing):
    found = judge(replace(REPLACEMENT, **{missing: math.nan}), CourtPolicy())
    assert found.outcome is Outcome.NOT_COMPUTABLE
    (lacking,) = found.against
    assert lacking.passed is None
    assert lacking.reason.startswith("not computable: ")


@pytest.mark.parametrize(
    "missing", ["training_data", "drift", "gate", "drill_age_sessions", "n_sessions"]
)
def test_a_missing_state_is_not_computable(missing):
    found = judge(replace(REPLACEMENT, **{missing: None}), CourtPolicy())
    assert found.outcome is Outcome.NOT_COMPUTABLE


def test_what_fails_outweighs_what_is_missing():
    both = replace(REPLACEMENT, effect=0.1, gate=None)
    assert judge(both, CourtPolicy()).outcome is Outcome.HOLD
    assert judge(replace(both, harm_bound=-1.0), CourtPolicy()).outcome is Outcome.REJECT


def test_one_recipe_has_no_snooping_test():
    alone = replace(REPLACEMENT, n_competing=1, snooping_p_value=math.nan)
    found = judge(alone, CourtPolicy())
    assert found.outcome is Outcome.PROMOTE
    assert "snooping" not in [one.name for one in found.criteria]


@pytest.mark.parametrize(
    ("requester", "approver", "outcome"),
    [
        ("ada", "grace", Outcome.PROMOTE),
        ("ada", "ada", Outcome.HOLD),
        ("ada", "", Outcome.HOLD),
        ("", "", Outcome.HOLD),
    ],
)
def test_an_approval_is_a_second_persons(requester, approver, outcome):
    asked = replace(REPLACEMENT, requester=requester, approver=approver)
    assert judge(asked, CourtPolicy(approval=True)).outcome is outcome
    assert judge(asked, CourtPolicy()).outcome is Outcome.PROMOTE


@BY_KIND
def test_what_the_policy_leaves_out_is_not_asked(evidence):
    nothing = CourtPolicy(
        replacement=ReplacementPolicy(min_deflated_sharpe=None, min_parity=None, harm_margin=None),
        refresh=RefreshPolicy(
            max_refit_distance=None,
            min_signal_correlation=None,
            min_position_agreement=None,
            min_training_share=None,
        ),
        max_drawdown_ratio=None,
        max_cost_ratio=None,
        max_turnover_ratio=None,
        training_data=False,
        drift=False,
        gate=False,
        max_drill_age_sessions=None,
    )
    asked = [one.name for one in judge(evidence, nothing).criteria]
    always = ["harm", "sessions", "age"]
    if evidence.kind == "refresh":
        assert asked == ["non_inferiority", *always]
    else:
        assert asked == ["effect", "significance", "snooping", *always]


numbers = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.sampled_from(KINDS),
    st.sampled_from(["history", "shadow"]),
    st.lists(numbers, min_size=18, max_size=18),
    st.lists(st.none() | st.integers(0, 1000), min_size=3, max_size=3),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, "PASSED", "WARNED", "FAILED", "NOT_COMPUTABLE"]),
)
def test_nothing_but_all_criteria_passed_promotes(kind, basis, floats, counts, drift, gate):
    names = [one.name for one in fields(Evidence) if one.type == "float"]
    given_ = dict(zip(names, floats, strict=False))
    evidence = replace(
        Evidence(kind=kind, basis=basis, **given_),
        n_sessions=counts[0],
        age_sessions=counts[1],
        drill_age_sessions=counts[2],
        drift=drift,
        gate=gate,
    )
    found = judge(evidence, CourtPolicy())
    passed = [one.passed for one in found.criteria]
    assert (found.outcome is Outcome.PROMOTE) == all(passed)
    if found.outcome is Outcome.REJECT:
        assert any(one.fatal and one.passed is False for one in found.criteria)
    if found.outcome is Outcome.NOT_COMPUTABLE:
        assert False not in passed
        assert None in passed
    for one in found.criteria:
        assert one.reason
        assert not (isinstance(one.value, float) and not math.isfinite(one.value))
        assert not (isinstance(one.threshold, float) and not math.isfinite(one.threshold))
