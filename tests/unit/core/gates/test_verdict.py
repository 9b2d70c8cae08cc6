from dataclasses import replace
from datetime import date

import pytest

from shadowbook.core.gates.suite import Check, CheckResult, Offender, QuarantineLimits, Suite
from shadowbook.core.gates.verdict import NAMED, decide
from shadowbook.core.values import Outcome, Quarantine
from shadowbook.errors import SchemaError

DAY = date(2020, 3, 4)
SYMBOLS = tuple(f"S{i:02d}" for i in range(12))

HALT = Check(
    name="halting",
    table="known",
    kind="between",
    columns=("close",),
    severity="critical",
    action="halt",
    what="the close is {value}",
    remedy="mend it",
    minimum=0,
    key=("symbol", "session"),
)
LEAVE_OUT = replace(HALT, name="leaving", action="quarantine", span=("session", "session"))
NOTE = replace(HALT, name="noting", severity="warning", action="note")
LIMITS = QuarantineLimits(SYMBOLS, DAY, min_symbols=10, max_share=1 / 3)


def good(check):
    return CheckResult(check.name, success=True, errored=False, n_rows=9, n_unexpected=0)


def bad(check, *places, value=-1.0):
    rows = tuple(Offender(value, {"symbol": s, "session": d}) for s, d in places)
    return CheckResult(check.name, False, False, 900, len(rows), rows)


def judged(*pairs, fail_mode="closed", limits=None):
    checks = tuple(check for check, _ in pairs)
    results = [result for _, result in pairs if result is not None]
    return decide(Suite("bars", fail_mode, checks, limits), results)


def test_all_good_is_passed():
    verdict = judged((HALT, good(HALT)), (NOTE, good(NOTE)))
    assert verdict.outcome is Outcome.PASSED
    assert verdict.reasons == ()


def test_a_critical_halt_fails_and_says_where_what_and_what_to_do():
    verdict = judged((HALT, bad(HALT, ("KO", DAY), ("PG", DAY))))
    assert verdict.outcome is Outcome.FAILED
    assert verdict.halts
    assert verdict.reasons == (
        "KO 2020-03-04 (and 1 more: PG 2020-03-04): the close is -1; mend it.",
    )
    assert verdict.findings[0].where == ("KO 2020-03-04", "PG 2020-03-04")
    assert verdict.findings[0].observed == "2 of 900 rows"


def test_an_open_feed_fails_without_halting():
    verdict = judged((HALT, bad(HALT, ("KO", DAY))), fail_mode="open")
    assert verdict.outcome is Outcome.FAILED
    assert not verdict.halts


def test_a_warning_warns():
    assert judged((NOTE, bad(NOTE, ("KO", DAY)))).outcome is Outcome.WARNED


def test_a_quarantine_warns_and_spans():
    verdict = judged((LEAVE_OUT, bad(LEAVE_OUT, ("S01", DAY))), limits=LIMITS)
    assert verdict.outcome is Outcome.WARNED
    assert verdict.quarantined == (Quarantine("S01", DAY, DAY, "leaving"),)


def test_the_same_span_is_told_once_with_both_reasons():
    other = replace(LEAVE_OUT, name="also")
    verdict = judged((LEAVE_OUT, bad(LEAVE_OUT, ("S01", DAY))), (other, bad(other, ("S01", DAY))))
    assert verdict.quarantined == (Quarantine("S01", DAY, DAY, "leaving, also"),)


@pytest.mark.parametrize(
    ("n_quarantined", "outcome", "named"),
    [
        (2, Outcome.WARNED, set()),
        (3, Outcome.FAILED, {"universe_after_quarantine"}),
        (5, Outcome.FAILED, {"universe_after_quarantine", "quarantine_share"}),
    ],
)
def test_too_much_quarantine_is_the_feeds_defect(n_quarantined, outcome, named):
    places = [(symbol, DAY) for symbol in SYMBOLS[:n_quarantined]]
    verdict = judged((LEAVE_OUT, bad(LEAVE_OUT, *places)), limits=LIMITS)
    assert verdict.outcome is outcome
    added = {f.check for f in verdict.findings} - {"leaving"}
    assert added == named


def test_a_quarantine_long_past_does_not_shrink_todays_universe():
    past = [(symbol, date(2019, 1, 2 + i)) for i, symbol in enumerate(SYMBOLS)]
    verdict = judged((LEAVE_OUT, bad(LEAVE_OUT, *past)), limits=LIMITS)
    assert verdict.outcome is Outcome.WARNED
    assert len(verdict.quarantined) == len(SYMBOLS)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (None, "did not run"),
        (CheckResult("noting", False, True, 9, 0, message="no column x"), "no column x"),
        (CheckResult("noting", True, False, 0, 0), "looked at no row"),
    ],
)
def test_a_check_without_an_answer_never_passes(result, words):
    verdict = judged((HALT, good(HALT)), (NOTE, result))
    assert verdict.outcome is Outcome.NOT_COMPUTABLE
    assert verdict.halts
    assert words in verdict.reasons[0]


def test_two_answers_to_one_check_never_pass():
    verdict = decide(Suite("bars", "closed", (HALT,)), [good(HALT), good(HALT)])
    assert verdict.outcome is Outcome.NOT_COMPUTABLE


def test_an_answer_nobody_asked_for_never_passes():
    verdict = decide(Suite("bars", "closed", (HALT,)), [good(HALT), good(NOTE)])
    assert verdict.outcome is Outcome.NOT_COMPUTABLE


def test_no_check_never_passes():
    assert decide(Suite("bars", "closed", ()), ()).halts


def test_a_failure_outranks_a_broken_check():
    verdict = judged((HALT, bad(HALT, ("KO", DAY))), (NOTE, None))
    assert verdict.outcome is Outcome.FAILED


def test_findings_name_a_bounded_number_of_rows():
    places = [(f"X{i:03d}", DAY) for i in range(100)]
    verdict = judged((NOTE, bad(NOTE, *places)))
    assert len(verdict.findings[0].where) == NAMED
    assert "X000 2020-03-04 (and 99 more: X001 2020-03-04, " in verdict.reasons[0]
    assert "X005 2020-03-04, ...)" in verdict.reasons[0]
    assert "X006" not in verdict.reasons[0]


def test_a_span_that_is_no_session_is_refused():
    with pytest.raises(SchemaError, match="not sessions"):
        judged((LEAVE_OUT, bad(LEAVE_OUT, ("S01", "soon"))))


def test_rows_to_be_left_out_that_were_not_named_halt():
    result = replace(bad(LEAVE_OUT, ("S01", DAY)), n_unexpected=3)
    verdict = judged((LEAVE_OUT, result), limits=LIMITS)
    assert verdict.halts
    assert "1 of 3 rows" in verdict.reasons[-1]
