"""Schedules, proven: real Prefect servers, `shadowbook serve` as their worker, real trainings."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from shadowbook.workspace import Workspace
from tests.flows.servers import (
    NEVER,
    PARAMS,
    Server,
    at_work,
    clean_environment,
    gone,
    server_in,
    serving,
    supply,
    tell,
    until,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def make_root(make_workspace, recent) -> Callable[..., Path]:
    """Make workspaces whose source knows prices up to a day, and that live in the present."""

    def make(last: str, **schedules: Any) -> Path:
        given = PARAMS | {"schedules": PARAMS["schedules"] | schedules}
        root = make_workspace(given)
        supply(root, recent, last)
        return root

    return make


def set_params(root: Path, **schedules: Any) -> None:
    content = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    content["schedules"] = schedules
    (root / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def trained(root: Path) -> list[datetime]:
    """Moments of the finished trainings, oldest first."""
    return sorted(run.as_of for run in Workspace.open(root).models.runs("weekly"))


def decision(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T21:15:00+00:00")


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
def root(make_root) -> Path:
    return make_root("2022-12-22")


@pytest.fixture(scope="module")
def worker(root, server, log) -> Iterator[subprocess.Popen[Any]]:
    with serving(root, server, log) as process:
        yield process


@pytest.fixture(scope="module")
def first(root, server, worker) -> str:
    """A run for a session whose data is there."""
    return server.schedule(root, "2022-12-21T21:30:00Z")


def test_cron_runs_are_created_and_executed_by_a_worker(make_root, calendar, tmp_path):
    """By `shadowbook serve` alone, with a server of its own; whatever day it is."""
    root = make_root("2022-12-20", retrain={"cron": "* * * * *"})
    set_newest_session(root)
    said = tmp_path / "serve.log"
    said.touch()
    with serving(root, None, said):
        (pages,) = (line for line in said.read_text().splitlines() if line.startswith("pages: "))
        own = Server(f"{pages.removeprefix('pages: ')}/api")
        place = own.deployment(root, "retrain")
        assert [one["schedule"]["timezone"] for one in place["schedules"]] == ["America/New_York"]
        run = until(lambda: next((r for r in own.runs(root) if r["start_time"]), None))
        assert run["auto_scheduled"]
        state, message = own.ended(run["id"])
        at = datetime.fromisoformat(run["expected_start_time"]).astimezone(calendar.zone())
        if len(calendar.schedule(at.date(), at.date()).sessions):
            assert (state, message) == ("Completed", "trained as of session 2022-12-20: weekly")
            assert trained(root) == [decision("2022-12-20")]
        else:
            assert (state, message) == ("Skipped", f"{at.date()} is no session of XNYS")
            assert not (root / "mlruns").exists()
        assert run["work_pool_name"].startswith(f"shadowbook-{root.name}-")
        assert "<title>Prefect" in httpx.get(pages.removeprefix("pages: "), timeout=30).text


def set_newest_session(root: Path) -> None:
    content = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    content["market_data"]["as_of"] = "newest_session"
    (root / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def test_a_session_is_trained_as_of_its_decision(root, server, first):
    assert server.ended(first) == ("Completed", "trained as of session 2022-12-21: weekly")
    assert trained(root) == [decision("2022-12-21")]
    assert not Workspace.open(root).code.is_dirty()


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("2022-12-24T21:30:00Z", "2022-12-24 is no session of XNYS"),
        # Monday morning in New York, and a holiday there.
        ("2022-12-26T13:00:00Z", "2022-12-26 is no session of XNYS"),
        ("2022-12-21T15:00:00Z", "every strategy was trained as of session 2022-12-21 or later"),
        ("2022-12-20T21:30:00Z", "every strategy was trained as of session 2022-12-20 or later"),
    ],
)
def test_what_is_not_due_is_skipped(root, server, first, at, reason):
    server.ended(first)
    before = trained(root)
    assert server.ended(server.schedule(root, at)) == ("Skipped", reason)
    assert trained(root) == before


def test_it_waits_for_the_data(root, server, first, recent):
    server.ended(first)
    waiting = server.schedule(root, "2022-12-23T21:30:00Z")
    until(lambda: server.run(waiting)["state_type"] == "RUNNING")
    time.sleep(3)
    assert server.run(waiting)["state_type"] == "RUNNING"
    with Workspace.open(root).lease("nobody holds it while it waits"):
        pass
    tell(root, recent.bars, "2022-12-23")
    assert server.ended(waiting) == ("Completed", "trained as of session 2022-12-23: weekly")
    assert trained(root)[-1] == decision("2022-12-23")


def test_it_does_not_wait_for_ever(root, server, first):
    """And a change of params.yaml counts at once."""
    server.ended(first)
    set_params(root, retrain={"cron": NEVER, "patience_minutes": 0.05, "poll_seconds": 1})
    state, message = server.ended(server.schedule(root, "2022-12-28T21:30:00Z"))
    assert (state, message) == (
        "Failed",
        "session 2022-12-28 did not come within 0.05 minutes: the source files holds 0 of its "
        "usual 8 symbols, 7 are needed: bring the data and run `shadowbook run --as-of "
        "2022-12-28`, or raise schedules.retrain.patience_minutes",
    )


def test_a_second_worker_for_the_same_server_is_refused(root, server, worker):
    done = subprocess.run(
        [sys.executable, "-m", "shadowbook", "serve", "--workspace", str(root)],
        env=clean_environment(PREFECT_API_URL=server.url),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"is held by process {worker.pid} (shadowbook serve, since" in done.stderr


def test_two_workers_on_two_servers_train_a_session_once(make_root, server, log, tmp_path):
    root = make_root("2022-12-20")
    with (
        server_in(tmp_path / "second") as second,
        serving(root, server, log),
        serving(root, second, log),
    ):
        at = "2022-12-20T21:30:00Z"
        runs = [(one, one.schedule(root, at)) for one in (server, second)]
        states = [one.ended(run)[0] for one, run in runs]
    assert sorted(states) == ["Completed", "Skipped"]
    assert trained(root) == [decision("2022-12-20")]
    assert Workspace.open(root).models.runs("weekly")[0].model_version == 1


def test_a_run_whose_worker_was_killed_is_made_up_for(make_root, server, log):
    root = make_root("2022-12-20", prepare={"cron": NEVER})
    with serving(root, server, log) as process:
        run = server.schedule(root, "2022-12-20T21:30:00Z")
        child = at_work(root)
        process.kill()
        until(lambda: gone(child))
    assert trained(root) == []
    set_params(root, **PARAMS["schedules"])
    with serving(root, server, log):
        assert server.deployment(root, "prepare")["paused"]
        assert not server.deployment(root, "retrain")["paused"]
        assert server.run(run)["state_type"] == "CRASHED"
        again = next(one["id"] for one in server.runs(root) if one["id"] != run)
        assert server.ended(again) == ("Completed", "trained as of session 2022-12-20: weekly")
    assert trained(root) == [decision("2022-12-20")]


def test_it_stops_cleanly_and_makes_the_newest_of_what_piled_up(make_root, server, log):
    root = make_root("2022-12-22")
    with serving(root, server, log) as process:
        server.schedule(root, "2022-12-19T21:30:00Z")
        child = at_work(root)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert gone(child)
    assert trained(root) == []
    late = [server.schedule(root, f"2022-12-{day}T21:30:00Z") for day in (20, 21, 26)]
    with serving(root, server, log):
        states = [server.ended(run) for run in late]
    assert states == [
        ("Skipped", "the run scheduled for 2022-12-21 21:30 UTC does its work"),
        ("Completed", "trained as of session 2022-12-21: weekly"),
        ("Skipped", "2022-12-26 is no session of XNYS"),
    ]
    assert trained(root) == [decision("2022-12-21")]
