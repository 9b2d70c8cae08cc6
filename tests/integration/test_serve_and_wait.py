"""What `serve` refuses before it starts a server, and `--wait`, at the command line."""

import os
import subprocess
import sys
import threading
import time

import pytest

from shadowbook.workspace import Workspace

CRON = {"schedules": {"retrain": {"cron": "30 16 * * 1-5"}}}


def shadowbook(root, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    mine = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    return subprocess.run(
        [sys.executable, "-m", "shadowbook", *words, "--workspace", str(root)],
        env={**mine, **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_there_must_be_a_schedule(make_workspace):
    done = shadowbook(make_workspace(), "serve")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: params.yaml has no schedules: add a section such as "
        '`schedules: {retrain: {cron: "30 16 * * 1-5"}}`\n'
    )


def test_a_wrong_time_is_told_by_its_key(make_workspace):
    root = make_workspace({"schedules": {"retrain": {"cron": "30 25 * * *"}}})
    done = shadowbook(root, "serve", "--json")
    assert done.returncode == 2
    assert "params.yaml: schedules.retrain.cron = '30 25 * * *': the hour '25'" in done.stderr


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_named(make_workspace):
    done = shadowbook(make_workspace(CRON), "serve", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: no Prefect server answers at http://127.0.0.1:9/api: start it, or correct or "
        "unset PREFECT_API_URL\n"
    )


def test_one_serves_a_workspace(make_workspace):
    root = make_workspace(CRON)
    with Workspace.open(root).serving(None):
        done = shadowbook(root, "serve")
    assert done.returncode == 1
    assert f"is held by process {os.getpid()} (shadowbook serve, since" in done.stderr


@pytest.fixture
def held(make_workspace):
    """A workspace in use for some seconds more, and a way to say for how many."""
    root = make_workspace()
    release = threading.Event()
    taken = threading.Event()

    def hold() -> None:
        with Workspace.open(root).lease("run"):
            taken.set()
            release.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(60)
    yield root, release
    release.set()
    thread.join()


def test_by_itself_a_command_does_not_wait(held):
    root, _ = held
    done = shadowbook(root, "gate")
    assert done.returncode == 1
    assert "is held by process" in done.stderr
    assert "minutes" not in done.stderr


@pytest.mark.slow
def test_with_patience_it_goes_on_when_the_workspace_is_free(held):
    root, release = held
    timer = threading.Timer(8, release.set)
    timer.start()
    began = time.monotonic()
    done = shadowbook(root, "gate", "--wait", "2")
    assert time.monotonic() - began >= 7
    assert (done.returncode, done.stderr) == (
        3,
        "error: there is nothing to judge: run ingest first\n",
    )


def test_patience_has_an_end(held):
    root, _ = held
    done = shadowbook(root, "run", "--wait", "0.02")
    assert done.returncode == 1
    assert "(shadowbook run, since" in done.stderr
    assert "after 0.02 minutes: wait for it, or stop that process" in done.stderr


@pytest.mark.parametrize("minutes", ["-1", "soon"])
def test_impossible_patience_is_refused(make_workspace, minutes):
    assert shadowbook(make_workspace(), "gate", "--wait", minutes).returncode == 2
