"""Criteria and judgments in words: every one, with its unit, and never a number that misleads."""

import math
from dataclasses import replace

import numpy as np
import pytest

from shadowbook.adapters.report.court_questions import ASKED
from shadowbook.adapters.report.court_sentences import (
    against,
    figures_of,
    name_of,
    progress,
    read_first,
    sentence_of,
    wait_of,
)
from shadowbook.adapters.report.court_units import apart, p_value, sharpe
from shadowbook.adapters.report.court_words import (
    OUTCOMES,
    QUESTIONS,
    meaning_of,
    named,
    question_of,
    shown,
)
from shadowbook.core.promotion.court import Criterion, Outcome, judge
from shadowbook.core.promotion.court_policy import CourtPolicy, ReplacementPolicy
from shadowbook.core.promotion.evidence import Evidence
from tests.unit.adapters.report.judged_cases import (
    AS_OF,
    POLICY,
    held,
    judged_of,
    just_opened,
    not_computable,
    opening_of,
    present,
    promoted,
    refresh,
    refreshed,
    rejected,
    replacement,
    side_by_side,
)

MINUS = "\N{MINUS SIGN}"
STRICT = CourtPolicy(
    approval=True,
    replacement=ReplacementPolicy(min_signal_correlation=0.1, min_position_agreement=0.1),
)
FULL = Evidence(
    effect=0.31,
    p_value=0.00712,
    alpha=0.0075,
    snooping_p_value=0.0712,
    n_competing=6,
    deflated_sharpe=0.812,
    n_trials=64,
    n_effective_trials=14.2,
    lower_bound=-0.4,
    n_sessions=63,
    not_inferior_bound=-1.234,
    harm_bound=2.2,
    parity_p_value=0.4,
    signal_correlation=0.8123,
    refit_correlation=0.9,
    position_agreement=0.7,
    drawdown_ratio=1.234,
    cost_ratio=1.0,
    turnover_ratio=2.5,
    training_share=0.955,
    training_data=True,
    age_sessions=1,
    drift=False,
    gate="FAILED",
    drill_age_sessions=0,
    requester="ann",
    approver="bob",
)


def told(evidence, policy=STRICT):
    return {one.name: shown(one) for one in judge(evidence, policy).criteria}


def test_every_criterion_of_the_court_has_a_question():
    asked = set()
    for kind in ("replacement", "refresh"):
        for basis in ("history", "shadow"):
            evidence = replace(FULL, kind=kind, basis=basis, rejected_on="2021-03-05")
            asked |= {one.name for one in judge(evidence, STRICT).criteria}
    assert asked == set(QUESTIONS)
    assert len(set(QUESTIONS.values())) == len(QUESTIONS)
    assert all(question.endswith("?") for question in QUESTIONS.values())
    assert max(map(len, QUESTIONS.values())) <= 44
    assert question_of("non_such") == "non such?"


def test_a_replacement_in_its_units():
    assert told(FULL) == {
        "effect": ("0.31", "at least 0.20", "passed"),
        "significance": ("0.00712", "at most 0.00750", "passed"),
        "snooping": ("0.0712", "at most 0.00750", "failed"),
        "deflated_sharpe": ("81.2%", "at least 95.0%", "failed"),
        "parity": ("0.400", "at least 0.0100", "passed"),
        "non_inferiority": (f"{MINUS}1.23", f"above {MINUS}2.00", "passed"),
        "signal_correlation": ("0.812", "at least 0.100", "passed"),
        "position_agreement": ("70.0%", "at least 10.0%", "passed"),
        "training_data": ("the same", "the same", "passed"),
        "harm": ("2.20", "at least 0.00", "passed"),
        "sessions": ("63", "at least 63", "passed"),
        "age": ("1", "at most 504", "passed"),
        "drawdown": ("1.23×", "at most 1.50×", "passed"),
        "cost": ("1.00×", "at most 2.00×", "passed"),
        "turnover": ("2.50×", "at most 2.00×", "failed"),
        "drift": ("none", "none", "passed"),
        "gate": ("FAILED", "PASSED", "failed"),
        "drill": ("0", "at most 21", "passed"),
        "approval": ("bob", "a second person", "passed"),
    }


def test_two_criteria_are_measured_in_two_ways():
    alone = told(replace(FULL, basis="shadow"))
    assert alone["significance"] == (f"{MINUS}0.40", "above 0.00", "failed")
    alike = told(replace(FULL, kind="refresh"))
    assert alike["parity"] == ("0.812", "at least 0.800", "passed")
    assert alike["training"] == ("95.5%", "at least 90.0%", "passed")


def test_what_is_not_known_is_no_number():
    nothing = told(Evidence(), STRICT)
    assert nothing["effect"] == ("not known", "at least 0.20", "not computable")
    assert nothing["significance"] == ("not known", "not known", "not computable")
    assert nothing["drift"] == ("not known", "none", "not computable")
    assert nothing["gate"] == ("not known", "PASSED", "not computable")
    assert nothing["approval"] == ("nobody", "a second person", "failed")
    assert all("nan" not in cell for cells in nothing.values() for cell in cells)


@pytest.mark.parametrize(
    ("value", "threshold", "expected"),
    [
        (0.1999, 0.2, ("0.1999", "at least 0.2000")),
        (0.2, 0.2, ("0.20", "at least 0.20")),
        (0.2 * (1 - 1e-12), 0.2, ("0.20", "at least 0.20")),
        (-0.0000001, 0.2, ("0.00", "at least 0.20")),
    ],
)
def test_a_value_looks_like_its_threshold_only_where_it_equals_it(value, threshold, expected):
    criterion = Criterion("effect", value, threshold, value >= threshold, "lead")
    assert shown(criterion)[:2] == expected


def test_p_values_have_three_significant_digits():
    values = [0.05, 0.0125, 0.000528, 0.0009996, 0.99951, 1.0, 1.06e-5, 3e-7, 0.0, math.nan]
    assert [p_value(one) for one in values] == [
        "0.0500",
        "0.0125",
        "0.000528",
        "0.00100",
        "1.00",
        "1.00",
        "0.0000106",
        "below 0.000001",
        "0.00",
        "not known",
    ]
    assert apart(p_value, 0.05004, 0.05) == ("0.05004", "0.05000")
    assert apart(sharpe, math.nan, 0.2) == ("not known", "0.20")


def test_meanings_say_what_was_measured_and_what_follows():
    criteria = {one.name: one for one in judge(FULL, STRICT).criteria}
    assert meaning_of(criteria["deflated_sharpe"]) == (
        "64 trials, 14.2 effective. So many trials give a lead like this to their luckiest one."
    )
    assert meaning_of(criteria["turnover"]) == (
        "Its turnover over the champion's. It trades much more than the champion."
    )
    assert meaning_of(criteria["gate"]).startswith("The newest data is not sound")
    assert meaning_of(criteria["approval"]).startswith("Approved by bob.")
    lacking = judge(Evidence(), POLICY).criteria[0]
    assert meaning_of(lacking) == "Not computable: lead in annual Sharpe ratio, walk forward."
    for one in ASKED.values():
        assert one.passed.endswith(".")
        assert one.failed.endswith(".")


def test_every_outcome_has_words():
    assert set(OUTCOMES) == {*Outcome, None}


def test_how_far_a_shadow_is():
    young = held().judged
    assert name_of(young) == "weekly: replacement 3 against champion 1"
    assert progress(young) == (
        "47 of 504 sessions (2.0 years) that its shadow alone would need to show the minimum "
        "effect; at least 63 are asked"
    )
    assert wait_of(young) == "16 more sessions at the least"
    assert sentence_of(young).startswith(
        "Not yet: significance, snooping, deflated Sharpe, non-inferiority and 1 more; 16 more"
    )
    fresh = just_opened().judged
    assert progress(fresh) == "6 of at least 63 sessions side by side"
    assert wait_of(fresh) == "57 more sessions at the least"


def test_how_long_the_others_waited():
    won, lost, unknown = promoted().judged, rejected().judged, not_computable().judged
    assert sentence_of(won) == (
        "Every criterion passed: it may take the champion's place. 176 sessions side by side, at "
        "least 63 are asked."
    )
    assert sentence_of(lost).startswith("Never: harm. 150 sessions")
    assert sentence_of(unknown).startswith("Cannot be told without gate. 180 sessions")
    assert [wait_of(one) for one in (won, lost, unknown)] == ["", "", ""]
    order = sorted([lost, unknown, held().judged, won, refreshed().judged], key=read_first)
    assert [str(one.decision.outcome) for one in order] == [
        "PROMOTE",
        "REJECT",
        "PROMOTE",
        "HOLD",
        "NOT_COMPUTABLE",
    ]


def test_a_rejected_challenger_does_not_wait():
    case = refresh(share=0.1)
    assert wait_of(judged_of(case, side_by_side(30), present(30))) == ""


def test_what_ends_a_case_stands_first():
    lost = rejected().judged
    assert against(lost.decision.criteria, 1) == (f"harm ({MINUS}3.92, at least 0.00) and 6 more")
    assert against(promoted().judged.decision.criteria) == "nothing"
    assert "harm (not computable)" in against(just_opened().judged.decision.criteria)


def test_figures_of_what_was_recorded():
    opening, *_, last = promoted().judgments
    assert figures_of(opening) == (
        "number 1 of its year; alpha 0.0100 for history, 0.00250 for its shadow; lead in walk "
        "forward 0.94; its shadow alone would need 504 sessions; fitted on 104.0% of the "
        "champion's labels"
    )
    assert figures_of(last).startswith("lead 0.94 (walk forward); bounds of its shadow ")
    assert figures_of(last).endswith("p 0.000150, alpha 0.0100; 66 sessions")
    assert figures_of(replace(opening, kind="refresh", evidence={})) == "none yet"
    empty = replace(last, evidence={"effect": None, "n_sessions": None})
    assert figures_of(empty) == "none yet"


def test_names_of_criteria():
    assert [named(one) for one in ("harm", "signal_correlation")] == ["harm", "signal correlation"]


def test_a_case_without_history_or_foretelling_is_told():
    case = replace(replacement(), history=None, required_sessions=math.inf)
    judged = judged_of(case, side_by_side(70), present(70))
    assert progress(judged) == "70 sessions side by side, at least 63 are asked"
    day = np.datetime64("2026-01-05").astype(object)
    assert opening_of(case, day).body["required_sessions"] is None
    assert judged.as_of == AS_OF
