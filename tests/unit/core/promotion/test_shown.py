"""Judgments are read as they were recorded."""

import json
from datetime import UTC, date, datetime

import pytest

from shadowbook.core.events import Event
from shadowbook.core.promotion.case import Case
from shadowbook.core.promotion.court import Outcome, judge
from shadowbook.core.promotion.court_policy import CourtPolicy
from shadowbook.core.promotion.evidence import Evidence
from shadowbook.core.promotion.shown import judgment_of
from shadowbook.core.promotion.walk_forward import WalkForwardEvidence
from shadowbook.serialization import plain

AT = datetime(2024, 5, 2, 20, 15, tzinfo=UTC)
NAMES = {"strategy": "weekly", "champion": 1, "challenger": 3, "kind": "replacement"}


def through_json(body):
    return json.loads(json.dumps(body, allow_nan=False))


def test_a_judgment_has_the_criteria_of_its_decision():
    evidence = Evidence(effect=0.1853, n_sessions=63, gate="PASSED", drift=False)
    decision = judge(evidence, CourtPolicy(approval=True))
    body = NAMES | {
        "outcome": decision.outcome.value,
        "criteria": plain(decision.criteria),
        "evidence": plain(evidence),
    }
    found = judgment_of(Event("judgment", "judgment/x", AT, through_json(body)))
    assert found.outcome is Outcome.HOLD
    assert found.criteria == decision.criteria
    assert found.session == date(2024, 5, 2)
    assert (found.strategy, found.champion, found.challenger) == ("weekly", 1, 3)
    assert found.evidence["effect"] == 0.1853
    assert found.evidence["p_value"] is None


def test_an_opening_has_the_fields_of_its_case():
    case = Case("weekly", 1, 3, "replacement", 2, 0.0075, history=WalkForwardEvidence(effect=0.6))
    found = judgment_of(Event("case", "case/x", AT, through_json(plain(case))))
    assert found.outcome is None
    assert found.criteria == ()
    assert found.kind == "replacement"
    assert found.evidence["position"] == 2
    assert found.evidence["history"]["effect"] == 0.6
    assert found.evidence["required_sessions"] is None
    assert "strategy" not in found.evidence


def test_fields_that_a_later_version_added_are_left_out():
    criterion = {"name": "x", "value": 1.0, "threshold": 2.0, "passed": None, "reason": "r", "a": 1}
    body = NAMES | {"outcome": "NOT_COMPUTABLE", "criteria": [criterion], "evidence": {}}
    (found,) = judgment_of(Event("judgment", "k", AT, body)).criteria
    assert (found.name, found.passed, found.fatal) == ("x", None, False)


def test_another_event_is_refused():
    with pytest.raises(KeyError):
        judgment_of(Event("training", "training/weekly/2", AT, {"strategy": "weekly"}))
