"""A full disk and a read-only workspace: one sentence, the state before is whole, it goes on.

The full disk is real (a tmpfs in a mount namespace), as in ``python -m benchmarks.full_disk``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.full_disk import LATER, SmallDisk, Sweep, earlier_state, rooms
from benchmarks.wholeness import environment

pytestmark = pytest.mark.slow

LIMITED = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["shadowbook", *sys.argv[2:]]
runpy.run_module("shadowbook", run_name="__main__")
"""
"""A file may not grow beyond so many bytes: the error that a full disk gives, without one."""


@pytest.fixture(scope="module")
def state(tmp_path_factory) -> Path:
    """A finished run of an earlier session; what the later one needs is accepted and logged."""
    return earlier_state(tmp_path_factory.mktemp("earlier") / "state", "retrain")


@pytest.fixture
def disk(tmp_path) -> Iterator[SmallDisk]:
    place = tmp_path / "disk"
    place.mkdir()
    try:
        made = SmallDisk(place)
    except OSError as error:
        pytest.skip(f"no mount namespace here ({error}): RLIMIT_FSIZE below stands in")
    yield made
    made.close()


def test_a_full_disk_leaves_the_state_before_and_the_command_goes_on(disk, state, tmp_path):
    sweep = Sweep(disk, state, tmp_path)
    words = ("retrain", "--as-of", LATER)
    needed, usual = sweep.undisturbed(*words)
    found = [sweep.trial(free, usual, *words) for free in rooms(needed, 4)]
    assert sum(trial.code == 1 for trial in found) >= 3, found


def test_the_main_job_on_a_disk_that_is_full_from_the_start(disk, state, tmp_path):
    sweep = Sweep(disk, state, tmp_path)
    sweep.reset()
    before = sweep.kept()
    sweep.disk.leave_free(0)
    done = sweep.command("run", "--as-of", LATER)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert done.stderr.startswith("error: ")
    assert sweep.kept() == before


def test_a_read_only_workspace_can_be_read(disk, state, tmp_path):
    sweep = Sweep(disk, state, tmp_path)
    sweep.reset()
    disk.read_only(True)
    for writes in ("run", "ingest", "gate", "features", "retrain", "train"):
        done = sweep.command(writes, "--as-of", LATER)
        assert done.returncode == 1, (writes, done.stdout, done.stderr)
        assert len(done.stderr.splitlines()) == 1, (writes, done.stderr)
        assert done.stderr.startswith("error: "), (writes, done.stderr)
    listed = sweep.command("runs", "--json")
    assert len(json.loads(listed.stdout)) == 2, listed.stderr
    shown = sweep.command("show", "latest", "--json")
    assert json.loads(shown.stdout)["strategy"] in ("weekly", "fortnightly"), shown.stderr
    rebuilt = sweep.command("reproduce", "latest", "--json")
    assert json.loads(rebuilt.stdout)["outcome"] == "REPRODUCED", rebuilt.stderr
    seen = sweep.command("doctor", "--json")
    assert seen.returncode == 1, seen.stderr
    items = {item["name"]: item for item in json.loads(seen.stdout)["items"]}
    assert items["permissions"]["state"] == "missing"
    assert items["registry"]["state"] == "ok"


@pytest.mark.parametrize("limit", [20_000, 400_000])
def test_a_file_that_cannot_grow_is_a_sentence(state, tmp_path, limit):
    """The variant of the full disk that runs everywhere."""
    root = tmp_path / "ws"
    subprocess.run(["cp", "-a", str(state), str(root)], check=True)
    words = ("retrain", "--as-of", LATER, "--workspace", str(root))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *words],
        capture_output=True,
        text=True,
        env=environment(""),
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("error: ")
    whole = [sys.executable, "-m", "benchmarks.wholeness", str(root)]
    done = subprocess.run(whole, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
