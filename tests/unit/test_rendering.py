"""What a person, or a program, reads of a result."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.audit import Mismatch
from shadowbook.core.values import Finding, Metric, Outcome, Quarantine, RunRecord, Verdict
from shadowbook.rendering import (
    COLUMNS,
    console,
    show_examination,
    show_gate,
    show_runs,
    show_training,
    show_verdict,
)
from shadowbook.serialization import to_json
from shadowbook.steps.doctor import Examination, Item
from shadowbook.steps.gate import GateReport
from shadowbook.steps.retrain import RetrainReport

AS_OF = datetime(2022, 12, 28, 21, 15, tzinfo=UTC)
RUN = RunRecord("0123456789abcdef", "weekly", AS_OF, 3, "ridge", "key", ("challenger",), {"a": 1.0})


def verdict(*reasons, outcome=Outcome.FAILED, spans=()):
    findings = tuple(
        Finding(f"check_{i}", Outcome.FAILED, "critical", "halt", reason=reason)
        for i, reason in enumerate(reasons)
    )
    return Verdict("bars", outcome, "closed", findings, spans)


def metrics(value=0.5, error=0.1, status="OK"):
    return {key: Metric(key, value, error, 10, status, "") for key, *_ in COLUMNS}


def report(**changes):
    made = {
        "strategy": "weekly",
        "as_of": AS_OF,
        "run": RUN,
        "best": "ridge",
        "candidates": {"ridge": metrics(), "rule": metrics(status="NOT_COMPUTABLE")},
        "existing": False,
        "verdicts": (),
    }
    return RetrainReport(**(made | changes))


def test_json_has_no_nan_and_what_a_program_asks_for():
    gate = GateReport(AS_OF, (verdict("A 2022-01-03 is 5"),), 0, 0, Path("/docs"))
    document = json.loads(to_json(gate))
    assert document["halts"] is True
    assert document["as_of"] == "2022-12-28T21:15:00+00:00"
    assert document["docs"] == "/docs"
    assert document["verdicts"][0]["outcome"] == "FAILED"
    assert document["verdicts"][0]["reasons"] == ["A 2022-01-03 is 5"]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (np.float64("nan"), None),
        (np.float32(0.5), 0.5),
        (np.int64(5), 5),
        (np.bool_(True), True),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.datetime64("2022-01-03"), "2022-01-03"),
        (pd.Timestamp("2022-01-03", tz="UTC"), "2022-01-03T00:00:00+00:00"),
        (date(2022, 1, 3), "2022-01-03"),
        (Outcome.PASSED, "PASSED"),
        ({5: (1, 2)}, {"5": [1, 2]}),
        (RUN, None),
    ],
)
def test_everything_becomes_plain_json(value, plain):
    document = json.loads(to_json({"value": value}))["value"]
    if value is RUN:
        assert document["run_id"] == RUN.run_id
        assert document["as_of"] == "2022-12-28T21:15:00+00:00"
    else:
        assert document == plain


def test_a_refusal_says_why_and_that_nothing_changed(capsys):
    spans = (Quarantine("BRK[b]", date(2022, 1, 3), None, "why"),)
    gate = GateReport(AS_OF, (verdict("A is [bold] here", spans=spans),), 5, 0, Path("/a[b]/docs"))
    show_gate(gate)
    assert capsys.readouterr().out.splitlines() == [
        "FAILED bars (1 checks)",
        "  - A is [bold] here",
        "  quarantined: BRK[b], 2022-01-03 to further notice (why)",
        "refused: the accepted prices stay as they were",
        "data docs: /a[b]/docs",
    ]


def test_what_was_accepted_is_counted(capsys):
    passed = verdict(outcome=Outcome.PASSED)
    show_gate(GateReport(AS_OF, (passed,), 1234, 5, Path("/docs")))
    assert "accepted: 1,234 new rows, 5 of them restated" in capsys.readouterr().out
    show_gate(GateReport(AS_OF, (passed,), 0, 0, Path("/docs")))
    assert "accepted: 0 new rows\n" in capsys.readouterr().out


def test_long_reasons_are_one_line_each(capsys):
    show_verdict(verdict("x" * 500), console())
    assert "x" * 500 in capsys.readouterr().out


def test_the_table_of_candidates(capsys):
    show_training([report()], Path())
    out = capsys.readouterr().out
    assert "weekly as of 2022-12-28 21:15 UTC: version 3 (challenger)" in out
    assert "registered" in out
    assert "0.5000 ± 0.1000" in out
    assert "50.0% ± 10.0%" in out
    assert "not computable" in out
    assert "shadowbook show 01234567" in out
    show_training([report(existing=True)], Path())
    assert "made before: nothing was done again" in capsys.readouterr().out


def test_a_value_without_an_error_stands_alone(capsys):
    show_training([report(candidates={"ridge": metrics(error=float("nan"))})], Path())
    out = capsys.readouterr().out
    assert "0.5000" in out
    assert "nan" not in out


def test_a_halted_strategy_says_why(capsys):
    halted = report(run=None, best=None, candidates={}, verdicts=(verdict("constant"),))
    show_training([halted], Path())
    out = capsys.readouterr().out.splitlines()
    assert out == ["FAILED bars (1 checks)", "  - constant", "halted: weekly"]


def test_runs(capsys):
    show_runs([RUN])
    assert "0123456789ab │ weekly" in capsys.readouterr().out
    show_runs([])
    assert capsys.readouterr().out == "no finished run yet: shadowbook run makes the first\n"


def test_the_doctor_prints_messages_as_they_are(capsys):
    items = (Item("git", "missing", "no [/work] here [Errno 2]", "run [x] `git init`"),)
    show_examination(Examination(items))
    out = capsys.readouterr().out
    assert "no [/work] here [Errno 2]" in out
    assert "run [x] `git init`" in out


def test_a_mismatch_is_plain_json():
    assert json.loads(to_json(Mismatch("data", "market", 1, None)))["layer"] == "data"
