"""The daily watch as Prefect runs it, by hand and on a schedule, over two days that were traded."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from shadowbook.core.events import Event
from shadowbook.steps.blocked import blocked_by
from shadowbook.workspace import Workspace

pytestmark = [pytest.mark.usefixtures("harness"), pytest.mark.slow]

FIRST, SECOND = date(1993, 12, 31), date(1994, 1, 3)
MOMENT = datetime(1994, 1, 3, 21, 15, tzinfo=UTC)
PARAMS = {
    "learning": {
        "candidates": {"momentum_rule": {"kind": "momentum"}},
        "splits": {"n_splits": 1, "min_train": 500},
    },
    "strategies": {"weekly": {"horizon": 5}},
}
FOUND = (
    "1 book watched as of 1994-01-03; none restrained",
    "weekly/champion: drift no, decay not computable: tell what cannot be computed",
)
NOTHING = (
    "nothing was traded yet, so there is nothing to watch: run `shadowbook trade --session DAY` "
    "first, or look at a replay's page"
)


@pytest.fixture(scope="module")
def untraded(make_workspace, harness) -> Path:
    """A first champion, no day traded. Not to be changed."""
    from flows.retrain import retrain_flow

    place = make_workspace(PARAMS)
    retrain_flow(place, as_of=FIRST.isoformat())
    return place


@pytest.fixture(scope="module")
def root(untraded, harness, tmp_path_factory) -> Path:
    from flows.trade import trade_flow

    place = tmp_path_factory.mktemp("traded") / "ws"
    shutil.copytree(untraded, place, symlinks=True)
    for day in (FIRST, SECOND):
        assert not trade_flow(place, day).halts
    return place


def monitor(capsys, root: Path, **options: object) -> tuple[int, str, str]:
    """What ``python -m flows monitor`` ends with, and says."""
    from flows.monitor import main

    with pytest.raises(typer.Exit) as ended:
        main(workspace=root, **options)
    said = capsys.readouterr()
    return ended.value.exit_code, said.out, said.err


def head(root: Path) -> tuple[int, str]:
    ledger = Workspace.open(root).ledger
    try:
        return ledger.head()
    finally:
        ledger.close()


def test_the_books_are_measured_and_the_page_is_kept(root, capsys):
    from flows.monitor import monitor_flow

    before = head(root)
    report = monitor_flow(root)
    assert report.as_of == MOMENT
    assert report.reasons == FOUND
    (book,) = report.monitored
    assert (book.strategy, book.book, book.model_version) == ("weekly", "champion", 1)
    assert [str(day) for day in book.sessions] == ["1993-12-31", "1994-01-03"]
    assert report.page.read_text("utf-8").startswith("<!doctype html>")
    (record,) = Workspace.open(root).models.records("monitor")
    assert (record.run_id, record.outcome) == (report.kept.run_id, "DONE")
    # Nothing that a book does: where it stands between drift and decay, and no more.
    after = head(root)
    assert after[0] == before[0] + 1
    code, out, _ = monitor(capsys, root, session=datetime.fromisoformat("1994-01-03"))
    assert code == 0
    assert "Nothing has been traded long enough to be measured" in out
    # The same books at the same place are recorded once.
    assert head(root) == after
    assert len(Workspace.open(root).models.records("monitor")) == 1


def test_a_program_reads_what_the_command_tells_it(root, capsys):
    code, out, _ = monitor(capsys, root, as_json=True)
    assert code == 0
    told = json.loads(out)
    done = subprocess.run(
        [sys.executable, "-m", "shadowbook", "monitor", "--json", "--workspace", str(root)],
        capture_output=True,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == told
    assert told["reasons"] == list(FOUND)
    (book,) = told["books"]
    assert (book["sessions"], book["capacity"]) == (2, 1.0)


def test_a_session_that_was_not_traded_is_refused(root, untraded, capsys):
    code, _, said = monitor(capsys, root, session=datetime.fromisoformat("1994-01-04"))
    assert code == 3
    assert said.endswith(
        "error: the books have gone through 1994-01-03, not through 1994-01-04: run `shadowbook "
        "trade --session 1994-01-04` first\n"
    )
    code, _, said = monitor(capsys, untraded)
    assert (code, said.splitlines()[-1]) == (3, f"error: {NOTHING}")


def test_a_workspace_in_use_is_said_and_left_alone(root, capsys):
    page = root / "build" / "monitor.html"
    page.unlink(missing_ok=True)
    with Workspace.open(root).lease("trade"):
        code, _, said = monitor(capsys, root)
    assert code == 1
    assert "is held by process" in said
    assert not page.exists()


def run_module(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "flows", "monitor", "--workspace", str(root), *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")},
    )


def test_the_module_starts_a_server_of_its_own_and_watches(root):
    done = run_module(root, "--session", "1994-01-03")
    assert done.returncode == 0, done.stderr
    assert "1 book as of 1994-01-03" in done.stdout
    assert done.stdout.splitlines()[-1] == "page: build/drift.html"


def test_a_day_that_is_none_is_a_usage_error(root):
    done = run_module(root, "--session", "yesterday")
    assert done.returncode == 2
    assert "Invalid value for '--session'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def scheduled(tmp_path):
    """Run a scheduled flow as of a time; -> name and message of its state."""
    from prefect.client.orchestration import get_client
    from prefect.flow_engine import run_flow
    from prefect.states import Scheduled

    from flows.scheduled import monitor_on_schedule

    def run(
        root: Path, at: str, flow: Any = monitor_on_schedule, **schedules: object
    ) -> tuple[str, str]:
        given = yaml.safe_load((root / "params.yaml").read_text("utf-8"))
        given["market_data"]["as_of"] = "now"
        given["schedules"] = schedules
        params = tmp_path / "params.yaml"
        params.write_text(yaml.safe_dump(given), "utf-8")
        given = {"workspace": root, "params": params}
        due = Scheduled(scheduled_time=datetime.fromisoformat(at))
        with get_client(sync_client=True) as client:
            planned = client.create_flow_run(flow, parameters=given, state=due)
        state = run_flow(flow, flow_run=planned, parameters=given, return_type="state")
        return str(state.name), str(state.message)

    return run


ON = {"cron": "45 17 * * 1-5", "patience_minutes": 0.01, "poll_seconds": 1}


def test_the_schedule_watches_the_session_of_its_day(root, scheduled, capsys):
    page = root / "build" / "monitor.html"
    page.unlink(missing_ok=True)
    assert scheduled(root, "1994-01-03T22:45:00Z", monitor=ON) == ("Completed", "; ".join(FOUND))
    assert page.exists()
    assert f"1994-01-03 22:45 UTC monitor: Completed: {'; '.join(FOUND)}" in capsys.readouterr().err
    with Workspace.open(root).lease("nobody holds it after the run"):
        pass


@pytest.mark.parametrize(
    ("at", "schedules", "name", "message"),
    [
        (
            "1994-01-01T22:45:00Z",
            {"monitor": ON},
            "Skipped",
            "1994-01-01 is no session of XNYS",
        ),
        (
            "1994-01-03T22:45:00Z",
            {},
            "Skipped",
            "params.yaml has no schedule monitor: serve again to take it off the server",
        ),
        (
            "1994-01-04T22:45:00Z",
            {"monitor": ON},
            "Failed",
            "the books have gone through 1994-01-03, not through 1994-01-04: run `shadowbook "
            "trade --session 1994-01-04` first",
        ),
    ],
)
def test_the_schedule_says_why_it_did_not(root, scheduled, at, schedules, name, message):
    assert scheduled(root, at, **schedules) == (name, message)


def test_the_schedule_before_the_first_trading_day_fails_in_one_sentence(untraded, scheduled):
    assert scheduled(untraded, "1993-12-31T22:45:00Z", monitor=ON) == ("Failed", NOTHING)


@pytest.fixture
def blocked(root, tmp_path):
    """A workspace whose last diagnosis found a bug."""
    place = tmp_path / "ws"
    shutil.copytree(root, place, symlinks=True)
    ledger = Workspace.open(place).ledger
    body = {
        "strategy": "weekly",
        "book": "champion",
        "first": FIRST.isoformat(),
        "last": SECOND.isoformat(),
        "verdict": "technical",
        "first_layer": "features",
        "last_diverging": SECOND.isoformat(),
    }
    ledger.record([Event("diagnosis", "diagnosis/weekly", MOMENT, body)])
    ledger.close()
    return place


def test_the_main_job_says_that_a_diagnosis_blocks_it(blocked, scheduled):
    """Neither by hand nor on a schedule is a gate blamed."""
    from flows.retrain import retrain_flow
    from flows.scheduled import retrain_on_schedule

    why = blocked_by(Workspace.open(blocked), "weekly")
    assert why.startswith("weekly is not retrained: its diagnosis of 1993-12-31 to 1994-01-03 is ")
    state = retrain_flow(blocked, as_of=SECOND.isoformat(), return_state=True)
    assert (state.is_failed(), state.message) == (True, why)
    summary = state.result(raise_on_failure=False)
    assert (summary.halts, summary.gate.halts, summary.blocked) == (True, False, why)
    at = "1994-01-03T22:45:00Z"
    assert scheduled(blocked, at, retrain_on_schedule, retrain=ON) == ("Failed", why)
    assert len(Workspace.open(blocked).models.runs()) == 1
