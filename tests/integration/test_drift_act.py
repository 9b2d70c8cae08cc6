"""`shadowbook monitor --act` after a drifted live day: from the prices to the new challenger."""

from __future__ import annotations

import json

import pytest

from shadowbook.steps.drift_retrain import KIND
from tests.integration.drifting_places import ALERT, DECAY, DRIFTED, LIVED, champion, live
from tests.integration.trading_places import opened, shadowbook

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drifted(make_workspace, recent):
    """A champion that has traded into a crash; nobody has looked until the last day."""
    root = champion(make_workspace, recent)
    live(root, *LIVED[:-1])
    return root


def watched(root, *words):
    done = shadowbook(root, "monitor", "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def events(root, kind):
    with opened(root) as workspace:
        assert workspace.ledger.verify() is None
        return [stored.event.body for stored in workspace.ledger.events(kind)]


@pytest.fixture(scope="module")
def acted(drifted):
    """-> what the monitor told on the day before, on the day itself, and asked again."""
    before = watched(drifted, "--act")
    live(drifted, DRIFTED)
    return drifted, before, watched(drifted, "--act"), watched(drifted, "--act")


def test_results_that_fall_before_anything_drifts_open_a_ticket_alone(acted):
    root, before, _, _ = acted
    (book,) = before["drift"]
    assert (book["cell"], book["incident"]) == ("coverage", None)
    assert (before["requests"], before["answers"]) == ([], [])
    (ticket,) = events(root, "ticket")
    assert ticket["since"] == LIVED[2]


def test_drift_and_decay_together_retrain(acted):
    root, _, told, _ = acted
    (book,), (wish,), (answer,) = told["drift"], told["requests"], told["answers"]
    assert (book["cell"], book["incident"], book["verdict"]) == ("retrain", DRIFTED, "")
    assert (wish["alert"], wish["evidence"]["alerts"]) == (ALERT, [DECAY["name"]])
    assert (answer["outcome"], answer["reason"]) == (
        "RETRAINED",
        f"weekly version 2 as of {DRIFTED} was trained because of {ALERT}",
    )
    with opened(root) as workspace:
        newest, oldest = workspace.models.runs("weekly")
        cause = workspace.models.manifest(newest.run_id)["cause"]
    assert cause == {"kind": "drift", "alert": ALERT, "evidence": wish["evidence"]}
    assert (newest.aliases, oldest.model_version) == (("challenger",), 1)
    (event,) = events(root, KIND)
    assert (event["alert"], event["run_id"]) == (ALERT, newest.run_id)
    assert event["evidence"] == wish["evidence"]
    (standing,) = (one for one in events(root, "drift") if one["alert"])
    assert (standing["alert"], standing["session"]) == (ALERT, DRIFTED)


def test_looked_at_again_it_waits_for_its_challenger(acted):
    root, _, _, again = acted
    assert (again["requests"], again["answers"]) == ([], [])
    (book,) = again["drift"]
    assert book["cell"] == "retrain"
    assert book["notes"] == [f"{ALERT} had its retraining: its challenger waits to be promoted"]
    assert len(events(root, KIND)) == 1
