"""From a drifted live day to the new challenger: a real server, `shadowbook serve`, processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.drift import label_of
from shadowbook.steps.drift_retrain import KIND
from shadowbook.workspace import Workspace
from tests.conftest import PROJECT
from tests.flows.servers import (
    NEVER,
    Server,
    at_work,
    clean_environment,
    gone,
    server_in,
    serving,
    until,
)
from tests.integration.drifting_places import (
    ALERT,
    DECAY,
    DRIFTED,
    LIVED,
    champion,
    live,
)
from tests.integration.trading_places import TRADED, merged

pytestmark = pytest.mark.slow

FLOW = "retrain on drift"
LATER = TRADED[4]
EVIDENCE = {
    "p_value": 0.1 + 0.2,
    "columns": ["volatility_21", None, 3],
    "text": "a < b & 'c' \"d\" \\ {{ event.id }} {% if %} é\n2022-12-21",
}


@pytest.fixture(scope="module")
def fresh(make_workspace, recent) -> Path:
    """A champion that has traded into a crash; nobody has looked. Not to be changed."""
    never = {name: {"cron": NEVER} for name in ("retrain", "monitor")}
    root = champion(make_workspace, recent, {"schedules": never})
    live(root, *LIVED)
    return root


@pytest.fixture(scope="module")
def root(fresh, tmp_path_factory) -> Path:
    return copied(fresh, tmp_path_factory.mktemp("served") / "ws")


def copied(root: Path, place: Path) -> Path:
    shutil.copytree(root, place, symlinks=True)
    return place


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with server_in(tmp_path_factory.mktemp("prefect")) as found:
        yield found


@pytest.fixture(scope="module")
def log(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("log") / "serve.log"
    place.touch()
    return place


@pytest.fixture(scope="module")
def worker(root, server, log) -> Iterator[subprocess.Popen[Any]]:
    with serving(root, server, log) as process:
        yield process


def request(alert: str = ALERT, day: str = DRIFTED) -> dict[str, Any]:
    """What drift and decay of a session may ask for."""
    as_of = f"{day}T21:15:00+00:00"
    return {"alert": alert, "strategy": "weekly", "as_of": as_of, "evidence": EVIDENCE}


def ask(root: Path, server: Server, *requests: dict[str, Any]) -> list[str]:
    """Let a flow emit requests; -> what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.asking", str(root)],
        input=json.dumps(requests),
        env=clean_environment(PREFECT_API_URL=server.url, PREFECT_LOGGING_LEVEL="ERROR"),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def watched(root: Path, server: Server) -> tuple[dict[str, Any], list[str]]:
    """Let the monitor look as its flow does; -> what it tells, and what it says of Prefect."""
    done = subprocess.run(
        [sys.executable, "-m", "flows", "monitor", "--json", "--workspace", str(root)],
        env=clean_environment(PREFECT_API_URL=server.url, PREFECT_LOGGING_LEVEL="ERROR"),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "wants a retraining" in line]
    return json.loads(done.stdout), said


def answered(root: Path, server: Server, *requests: dict[str, Any]) -> list[tuple[str, str]]:
    """Emit requests and wait for the runs that they start; -> name and message of their ends."""
    before = {run["id"] for run in server.runs(root, FLOW)}
    said = ask(root, server, *requests)
    assert all(sentence.endswith("): Prefect was asked for it") for sentence in said)
    return ends(root, server, before, len(requests))


def ends(root: Path, server: Server, before: set[str], wanted: int) -> list[tuple[str, str]]:
    """Wait for as many runs as were wanted to end; -> name and message of each."""

    def started() -> list[dict[str, Any]]:
        runs = [run for run in server.runs(root, FLOW) if run["id"] not in before]
        return runs if len(runs) >= wanted else []

    return [server.ended(run["id"]) for run in until(started)]


def retrainings(root: Path) -> list[dict[str, Any]]:
    """What the ledger knows of retrainings by drift."""
    ledger = Workspace.open(root).ledger
    try:
        assert ledger.verify() is None
        return [dict(stored.event.body) for stored in ledger.events(KIND)]
    finally:
        ledger.close()


@pytest.fixture(scope="module")
def first(root, server, worker) -> tuple[dict[str, Any], list[str], tuple[str, str]]:
    """The monitor has seen the crash, and what it asked for is done."""
    told, said = watched(root, server)
    assert told["requests"], told["reasons"]
    (ended,) = ends(root, server, set(), 1)
    return told, said, ended


def test_the_monitor_sees_drift_and_decay_and_asks_for_a_retraining(first):
    told, said, _ = first
    (book,) = told["books"]
    assert (book["capacity"], book["sessions"]) == (0.5, len(LIVED))
    assert told["reasons"][1].startswith(
        "weekly/champion is diagnosed as inconclusive: every layer"
    )
    (drift,) = told["drift"]
    assert (drift["cell"], drift["action"]) == ("retrain", "retrain on recent data")
    assert drift["incident"] == DRIFTED
    (wish,) = told["requests"]
    assert (wish["alert"], wish["strategy"]) == (ALERT, "weekly")
    assert wish["as_of"] == f"{DRIFTED}T21:15:00+00:00"
    evidence = wish["evidence"]
    assert (evidence["model_version"], evidence["session"]) == (1, DRIFTED)
    assert "reversal_1" in [one["column"] for one in evidence["columns"]]
    assert evidence["alerts"] == [DECAY["name"]]
    assert said == [
        f"weekly wants a retraining as of {DRIFTED} ({ALERT}): Prefect was asked for it"
    ]


def test_the_event_starts_a_run_that_registers_a_challenger(root, first):
    told, _, ended = first
    assert ended == (
        "Completed",
        f"weekly version 2 as of {DRIFTED} was trained because of {ALERT}",
    )
    models = Workspace.open(root).models
    newest, oldest = models.runs("weekly")
    assert (newest.model_version, newest.aliases) == (2, ("challenger",))
    assert models.version_of("weekly", "champion") == 1
    evidence = told["requests"][0]["evidence"]
    cause = {"kind": "drift", "alert": ALERT, "evidence": evidence}
    assert models.manifest(newest.run_id)["cause"] == cause
    assert "cause" not in models.manifest(oldest.run_id)
    assert retrainings(root) == [
        {
            "strategy": "weekly",
            "alert": ALERT,
            "as_of": f"{DRIFTED}T21:15:00+00:00",
            "run_id": newest.run_id,
            "model_version": 2,
            "existing": False,
            "evidence": evidence,
        }
    ]


def test_the_monitor_knows_that_its_alert_had_a_retraining(root, server, first):
    before = len(server.runs(root, FLOW))
    told, said = watched(root, server)
    assert (told["requests"], said) == ([], [])
    (drift,) = told["drift"]
    assert f"{ALERT} had its retraining: its challenger waits to be promoted" in drift["notes"]
    assert (drift["cell"], drift["incident"]) == ("retrain", DRIFTED)
    assert len(server.runs(root, FLOW)) == before


def test_the_same_alert_starts_nothing_however_often_it_is_emitted(root, server, first):
    before = retrainings(root)
    said = (
        "Skipped",
        f"the alert {ALERT} had its retraining as of {DRIFTED}: a new one may start another",
    )
    assert answered(root, server, request(), request(day=LATER)) == [said, said]
    assert answered(root, server, request()) == [said]
    assert len(Workspace.open(root).models.runs("weekly")) == 2
    assert retrainings(root) == before


def test_a_second_alert_inside_the_cool_down_starts_nothing_and_says_so(root, server, first):
    (ended,) = answered(root, server, request(f"drift/weekly/{LATER}", LATER))
    assert ended == (
        "Skipped",
        f"weekly was retrained because of {ALERT} as of {DRIFTED} and rests for 21 sessions: "
        f"another may be started 21 sessions after {LATER}",
    )
    assert len(Workspace.open(root).models.runs("weekly")) == 2
    assert len(retrainings(root)) == 1


def test_where_nobody_listens_it_says_so(fresh, server):
    (said,) = ask(fresh, server, request())
    assert said == (
        f"weekly wants a retraining as of {DRIFTED} ({ALERT}): Prefect was told, but no "
        "`shadowbook serve` has asked it to act on that; `shadowbook monitor --act` does it, or "
        "schedule the monitor with `shadowbook serve`"
    )


def test_prefect_knows_who_asked(root, server, first):
    wanted = {"filter": {"event": {"name": ["shadowbook.drift.retrain"]}, "order": "ASC"}}
    label = label_of(Workspace.open(root))
    event = next(
        event
        for event in server.ask("/events/filter", wanted)["events"]
        if event["resource"]["prefect.resource.id"] == f"shadowbook.strategy.{label}.weekly"
    )
    assert event["resource"]["prefect.resource.name"] == "weekly"
    assert json.loads(event["payload"]["evidence"]) == first[0]["requests"][0]["evidence"]
    (asker,) = event["related"]
    assert asker["prefect.resource.role"] == "flow-run"
    asked_by = server.run(asker["prefect.resource.id"].rpartition(".")[2])
    (flow,) = server.ask("/flows/filter", {"flows": {"id": {"any_": [asked_by["flow_id"]]}}})
    assert flow["name"] == "monitor"


def test_an_unknown_strategy_fails_in_one_sentence(root, server, first):
    (ended,) = answered(root, server, request("drift/daily/2022-12-15") | {"strategy": "daily"})
    assert ended[0] == "Failed"
    assert ended[1].startswith("no strategy 'daily' in params.yaml: ")


def test_a_run_whose_worker_was_killed_is_made_up_for(fresh, root, server, log, first, tmp_path):
    """And what another workspace of the same server asks for starts nothing here."""
    other, elsewhere = copied(fresh, tmp_path / "other"), len(server.runs(root, FLOW))
    with serving(other, server, log) as process:
        ask(other, server, request())
        child = at_work(other, FLOW)
        process.kill()
        until(lambda: gone(child))
    assert retrainings(other) == []
    with serving(other, server, log):
        runs = until(lambda: (found := server.runs(other, FLOW))[1:] and found)
        run, again = sorted(runs, key=lambda one: one["state_type"] != "CRASHED")
        assert run["state"]["message"] == "the worker ended before the run did"
        assert again["parameters"] == run["parameters"]
        assert server.ended(again["id"]) == (
            "Completed",
            f"weekly version 2 as of {DRIFTED} was trained because of {ALERT}",
        )
    assert len(Workspace.open(other).models.runs("weekly")) == 2
    ((alert, evidence),) = ((one["alert"], one["evidence"]) for one in retrainings(other))
    # What was sent has arrived as it was, whatever a template would make of it.
    assert (alert, evidence) == (ALERT, EVIDENCE)
    assert len(server.runs(root, FLOW)) == elsewhere


def test_switched_off_an_event_starts_nothing(fresh, server, log, tmp_path):
    place = copied(fresh, tmp_path / "off")
    content = yaml.safe_load((place / "params.yaml").read_text("utf-8"))
    content = merged(content, {"drift": {"retrain": {"active": False}}})
    (place / "params.yaml").write_text(yaml.safe_dump(content), "utf-8")
    with serving(place, server, log):
        assert f"{FLOW}: switched off" in log.read_text("utf-8").splitlines()
        (said,) = ask(place, server, request())
        assert "Prefect was told, but no `shadowbook serve` has asked it to act" in said
        # By hand it says why not; by then the event would have started a run long ago.
        ident = server.deployment(place, FLOW)["id"]
        by_hand = {"parameters": request() | {"evidence": json.dumps(EVIDENCE)}}
        made = server.ask(f"/deployments/{ident}/create_flow_run", by_hand)["id"]
        state, message = server.ended(made)
        assert (state, message.split(":")[0]) == ("Skipped", "drift.retrain.active is false")
        assert [run["id"] for run in server.runs(place, FLOW)] == [made]
    assert retrainings(place) == []
