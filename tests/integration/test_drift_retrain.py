"""A retraining because of drift: recorded with its cause, once an alert, whatever is killed."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import datetime

import pytest
import typer
from typer.testing import CliRunner

import shadowbook.steps.monitor as monitor_step
from shadowbook.commands.monitoring import monitor as command
from shadowbook.core.drift.found import RetrainRequest
from shadowbook.core.events import Event
from shadowbook.errors import ConfigError
from shadowbook.steps.drift_retrain import (
    KIND,
    Answer,
    evidence_of,
    request_of,
    retrain_on_alert,
)
from tests.conftest import PROJECT
from tests.integration.trading_places import TRADED, opened, set_params, shadowbook, traded

pytestmark = pytest.mark.slow

DAY = TRADED[1]
MOMENT = datetime.fromisoformat(f"{DAY}T21:15:00+00:00")
LATER = datetime.fromisoformat(f"{TRADED[2]}T21:15:00+00:00")
ALERT = "drift/weekly/2022-12-06"
REQUEST = RetrainRequest(ALERT, "weekly", MOMENT, {"p_value": 0.1 + 0.2, "psi": math.nan})
EVIDENCE = {"p_value": 0.1 + 0.2, "psi": None}
CAUSE = {"kind": "drift", "alert": ALERT, "evidence": EVIDENCE}
MADE = f"weekly version 3 as of {DAY} was trained because of {ALERT}"


@pytest.fixture(scope="module")
def lived(trading, tmp_path_factory):
    """Two sessions traded. Not to be changed."""
    place = trading.copy(tmp_path_factory.mktemp("lived") / "ws")
    for day in TRADED[:2]:
        traded(place.root, day)
    return place


@pytest.fixture(scope="module")
def made(lived, tmp_path_factory):
    """The alert had its retraining; -> place and what came of it. Not to be changed."""
    place = lived.copy(tmp_path_factory.mktemp("made") / "ws")
    return place, answer(place)


def answer(place, request=REQUEST, **options):
    with opened(place.root) as workspace, workspace.lease("test"):
        return retrain_on_alert(workspace, request, **options)


def events(place):
    with opened(place.root) as workspace:
        assert workspace.ledger.verify() is None
        return [stored.event for stored in workspace.ledger.events(KIND)]


def runs(place):
    return place.workspace.models.runs("weekly")


def test_the_run_and_the_ledger_say_what_caused_it(made):
    place, found = made
    assert (found.outcome, found.reason, found.halts) == (Answer.RETRAINED, MADE, False)
    newest = runs(place)[0]
    assert newest == found.report.run
    assert newest.aliases == ("challenger",)
    manifest = place.workspace.models.manifest(newest.run_id)
    assert manifest["cause"] == CAUSE
    shown = shadowbook(place.root, "show", newest.run_id)
    assert f"\n  because of               {ALERT}\n" in shown.stdout
    (event,) = events(place)
    assert (event.key, event.at, event.simulated) == (f"retraining/{ALERT}", MOMENT, False)
    assert event.body == {
        "strategy": "weekly",
        "alert": ALERT,
        "as_of": f"{DAY}T21:15:00+00:00",
        "run_id": newest.run_id,
        "model_version": 3,
        "existing": False,
        "evidence": EVIDENCE,
    }


def test_the_tag_stands_in_mlflow(made):
    from mlflow import MlflowClient

    place, found = made
    client = MlflowClient(f"sqlite:///{place.root}/mlruns/mlflow.db")
    assert client.get_run(found.report.run.run_id).data.tags["cause"] == ALERT


def test_the_run_can_be_reproduced(made):
    place, found = made
    done = shadowbook(place.root, "reproduce", found.report.run.run_id, "--json")
    assert json.loads(done.stdout)["outcome"] == "REPRODUCED", done.stdout + done.stderr


def test_asked_again_it_starts_nothing(made):
    place, _ = made
    before = events(place), runs(place)
    again = answer(place)
    assert (again.outcome, again.report) == (Answer.SKIPPED, None)
    assert again.reason == (
        f"the alert {ALERT} had its retraining as of {DAY}: a new one may start another"
    )
    assert (events(place), runs(place)) == before


def test_a_second_alert_rests_and_the_limits_are_those_of_the_settings(made, tmp_path):
    place = made[0].copy(tmp_path / "ws")
    second = replace(REQUEST, alert="drift/weekly/2022-12-07")
    assert answer(place, second).reason == (
        f"weekly was retrained because of {ALERT} as of {DAY} and rests for 21 sessions: another "
        f"may be started 22 sessions after {DAY}"
    )
    set_params(place.root, {"drift": {"retrain": {"cooldown_sessions": 0, "max_a_month": 1}}})
    assert answer(place, second).reason == (
        "weekly has had the 1 retraining by drift that 2022-12 has room for: one may be started "
        "from 2023-01-01 on"
    )
    set_params(place.root, {"drift": {"retrain": {"active": False}}})
    assert answer(place, second).reason.startswith("drift.retrain.active is false: ")
    assert len(events(place)) == 1


def test_a_run_that_was_there_before_keeps_its_manifest(lived, tmp_path):
    place = lived.copy(tmp_path / "ws")
    before = place.train(DAY).run
    found = answer(place)
    assert (found.outcome, found.report.existing, found.report.run) == (
        Answer.RETRAINED,
        True,
        before,
    )
    assert found.reason == (
        f"weekly version 3 as of {DAY} had been trained before {ALERT} asked for it: it is the "
        "answer"
    )
    assert "cause" not in place.workspace.models.manifest(before.run_id)
    (event,) = events(place)
    assert (event.body["existing"], event.body["run_id"]) == (True, before.run_id)
    assert answer(place).outcome is Answer.SKIPPED


@pytest.fixture
def blocked(lived, tmp_path):
    """A diagnosis of weekly has found a bug."""
    place = lived.copy(tmp_path / "blocked")
    body = {
        "strategy": "weekly",
        "book": "champion",
        "first": TRADED[0],
        "last": DAY,
        "verdict": "technical",
        "first_layer": "features",
        "last_diverging": DAY,
    }
    with opened(place.root) as workspace:
        workspace.ledger.record([Event("diagnosis", "diagnosis/weekly", MOMENT, body)])
    return place


def test_a_diagnosis_that_blocks_leaves_nothing_done(blocked):
    found = answer(blocked)
    assert (found.outcome, found.halts) == (Answer.HALTED, True)
    assert found.reason.startswith(f"weekly is not retrained: its diagnosis of {TRADED[0]} to ")
    assert (events(blocked), len(runs(blocked))) == ([], 2)


def test_what_cannot_be_trained_is_an_error_and_nothing_is_done(lived):
    before = len(runs(lived))
    with pytest.raises(ConfigError, match="no strategy 'daily'"):
        answer(lived, replace(REQUEST, strategy="daily"))
    assert (events(lived), len(runs(lived))) == ([], before)


KILLED = """
import os, signal, sys
from pathlib import Path
from shadowbook.environment import prepare
prepare()
from datetime import datetime
from shadowbook.steps.drift_retrain import request_of, retrain_on_alert
from shadowbook.steps.retrain import retrain
from shadowbook.workspace import Workspace

def registered(*given):
    report = retrain(*given)
    assert report.run is not None
    os.kill(os.getpid(), signal.SIGKILL)

root, strategy, alert, as_of, evidence = sys.argv[1:]
request = request_of(strategy, alert, datetime.fromisoformat(as_of), evidence)
workspace = Workspace.open(Path(root))
with workspace.lease("killed"):
    retrain_on_alert(workspace, request, retrain=registered)
"""


@pytest.fixture(scope="module")
def killed(lived, tmp_path_factory):
    """The run was registered, the ledger does not know of it. Not to be changed."""
    place = lived.copy(tmp_path_factory.mktemp("killed") / "ws")
    words = [str(place.root), "weekly", ALERT, MOMENT.isoformat(), evidence_of(REQUEST)]
    process = subprocess.run(
        [sys.executable, "-c", KILLED, *words], cwd=PROJECT, check=False, capture_output=True
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert (events(place), len(runs(place))) == ([], 3)
    return place


@pytest.mark.parametrize(
    ("request_again", "settings"),
    [
        (REQUEST, {}),
        # Meanwhile a session has passed, and another run key would come of it.
        (replace(REQUEST, as_of=LATER, evidence={"p_value": 0.5}), {"seed": 9}),
    ],
)
def test_killed_before_the_ledger_knows_it_goes_on_and_nothing_is_doubled(
    killed, made, tmp_path, request_again, settings
):
    place = killed.copy(tmp_path / "ws")
    set_params(place.root, settings)
    found = answer(place, request_again)
    assert (found.outcome, found.reason) == (Answer.RETRAINED, MADE)
    (event,), (usual,) = events(place), events(made[0])
    newest = runs(place)[0]
    assert event == replace(usual, body={**usual.body, "run_id": newest.run_id})
    assert found.report.run == newest
    assert answer(place).outcome is Answer.SKIPPED
    assert len(runs(place)) == 3
    assert len(events(place)) == 1


def test_killed_before_the_ledger_knows_it_counts_against_another_alert(killed, tmp_path):
    place = killed.copy(tmp_path / "ws")
    second = replace(REQUEST, alert="drift/weekly/2022-12-08", as_of=LATER)
    assert answer(place, second).reason.startswith(f"weekly was retrained because of {ALERT} as of")
    assert [event.key for event in events(place)] == [f"retraining/{ALERT}"]


def test_begun_for_an_alert_and_finished_without_it_a_run_answers_nothing(lived, tmp_path):
    from mlflow import MlflowClient

    place = lived.copy(tmp_path / "ws")
    run = place.train(DAY).run
    client = MlflowClient(f"sqlite:///{place.root}/mlruns/mlflow.db")
    client.set_tag(run.run_id, "cause", ALERT)
    found = answer(place)
    assert (found.outcome, found.report.existing) == (Answer.RETRAINED, True)
    (event,) = events(place)
    assert (event.body["existing"], event.body["run_id"]) == (True, run.run_id)


def test_a_request_that_was_sent_is_the_same(lived):
    sent = request_of("weekly", ALERT, MOMENT, evidence_of(REQUEST))
    assert sent == replace(REQUEST, evidence=EVIDENCE)


# At the command line; that the session wants a retraining is planted.


@pytest.fixture
def wanting(monkeypatch):
    sound = monitor_step.monitor

    def asks(workspace, session=None):
        report = sound(workspace, session)
        books = [
            replace(one, request=REQUEST if one.strategy == "weekly" else None)
            for one in report.drift
        ]
        return replace(report, drift=tuple(books))

    monkeypatch.setattr(monitor_step, "monitor", asks)


def said(place, *words):
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, ["--workspace", str(place.root), *words])
    return done.exit_code, done.output


def test_the_monitor_says_what_is_wanted_and_acts_when_told(lived, tmp_path, wanting):
    place = lived.copy(tmp_path / "ws")
    code, out = said(place)
    assert (code, out.splitlines()[-1]) == (
        0,
        f"weekly wants a retraining as of {DAY} ({ALERT}): `shadowbook monitor --act` does it, "
        "or schedule the monitor with `shadowbook serve`",
    )
    assert events(place) == []
    code, out = said(place, "--json")
    told = json.loads(out)
    assert (code, [one["alert"] for one in told["requests"]]) == (0, [ALERT])
    assert told["requests"][0]["evidence"] == EVIDENCE
    assert "answers" not in told

    code, out = said(place, "--act")
    assert (code, out.splitlines()[-1]) == (0, f"RETRAINED: {MADE}")
    assert len(events(place)) == 1
    code, out = said(place, "--act", "--json")
    run = runs(place)[0]
    assert (code, json.loads(out)["answers"]) == (
        0,
        [
            {
                "alert": ALERT,
                "strategy": "weekly",
                "outcome": "SKIPPED",
                "reason": f"the alert {ALERT} had its retraining as of {DAY}: a new one may start "
                "another",
                "run_id": None,
                "model_version": None,
            }
        ],
    )
    assert (run.model_version, len(events(place))) == (3, 1)


def test_the_monitor_ends_with_three_where_a_diagnosis_blocks(blocked, wanting):
    code, out = said(blocked, "--act")
    assert code == 3
    assert out.splitlines()[-1].startswith("HALTED: weekly is not retrained: its diagnosis of ")


def test_without_a_request_acting_says_so(lived, tmp_path):
    code, out = said(lived.copy(tmp_path / "ws"), "--act")
    assert (code, out.splitlines()[-1]) == (0, "drift asks for no retraining")
