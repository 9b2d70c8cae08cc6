"""Killed, interrupted, started twice: the same command goes on and nothing is doubled.

The kills are those of ``python -m benchmarks.kills``, fewer of them.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.kills import MODES, Campaign, campaign
from benchmarks.wholeness import check_no_orphans, environment

pytestmark = pytest.mark.slow

DAY = "2022-12-19"
TWO = {
    "strategies": {
        "weekly": {"horizon": 5},
        "fortnightly": {"horizon": 10, "label": {"transform": "demean"}},
    },
    "report": {"drift_rows": 100},
}
SAID = "interrupted: nothing is half done, the same command goes on\n"

Field = Callable[[Mapping[str, Any]], Campaign]


@pytest.fixture
def field(priced, tmp_path) -> Iterator[Field]:
    """Make a workspace to kill commands in."""
    made: list[Campaign] = []

    def make(params: Mapping[str, Any]) -> Campaign:
        made.append(Campaign(priced(params).root, tmp_path / f"scratch{len(made)}", DAY))
        return made[-1]

    yield make
    for one in made:
        one.inspector.close()


def popen(root: Path, command: str, *options: str, mark: str = "") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "shadowbook", command, "--workspace", str(root), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(mark),
        cwd=root,
        start_new_session=True,
    )


def test_a_run_that_is_killed_goes_on(field):
    place = field(TWO)
    blows = list(campaign(place, "run", 6, random.Random(1), in_a_row=3, modes=MODES[1:]))
    assert len(blows) >= 6
    assert {blow.mode for blow in blows} == set(MODES[1:])


def test_a_retraining_that_is_killed_goes_on(field):
    place = field(TWO)
    blows = list(campaign(place, "retrain", 4, random.Random(3), in_a_row=2, modes=MODES[:2]))
    assert len(blows) >= 4
    place.reproduce()


def test_of_two_at_once_the_other_says_who_and_a_kill_frees_the_workspace(field):
    place = field({})
    mark = secrets.token_hex(8)
    first = popen(place.workspace, "run", "--as-of", DAY, mark=mark)
    assert first.stdout is not None
    first.stdout.readline()  # the first stage is done: it holds the lease
    second = popen(place.workspace, "run", "--as-of", DAY)
    _, said = second.communicate(timeout=300)
    assert second.returncode == 1
    assert f"is held by process {first.pid} (shadowbook run, since " in said
    assert len(said.splitlines()) == 1
    first.kill()
    first.communicate()
    place.finish("run")
    check_no_orphans(mark)
    place.inspector.finished(place.workspace, DAY)


def test_ctrl_c_in_the_walk_forward_leaves_nothing_half_done(field):
    slow = {
        f"slow_{i}": {
            "kind": "hist_gradient_boosting",
            "parameters": {"max_iter": 400, "min_samples_leaf": 5 + i, "learning_rate": 0.01},
        }
        for i in range(6)
    }
    place = field({"learning": {"candidates": slow}})
    process = popen(place.workspace, "run", "--as-of", DAY)
    assert process.stdout is not None
    for line in process.stdout:
        if "pin data" in line:
            time.sleep(1.0)
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=120)
    assert "evaluation" not in out
    assert (process.returncode, err) == (130, SAID)
    place.finish("run")
    place.inspector.finished(place.workspace, DAY)


COMMANDS = (
    ("ingest", "--as-of", DAY),
    ("gate", "--as-of", DAY),
    ("features", "--as-of", DAY),
    ("retrain", "--as-of", DAY),
    ("train", "--as-of", DAY),
    ("measure",),
    ("reproduce", "latest"),
    ("report", "latest"),
    ("doctor",),
)
"""In an order in which each finds what it needs."""


def test_ctrl_c_ends_every_command_at_once_with_one_sentence(field):
    """At moments spread over the command, its start included; then it goes through."""
    place = field({})
    rng = random.Random(4)
    for command in COMMANDS:
        began = time.monotonic()
        # What it takes in peace, where that can be known without changing anything.
        for share in (0.25, 2.0, 5.0):
            mark = secrets.token_hex(8)
            process = popen(place.workspace, *command, mark=mark)
            try:
                process.wait(share * (0.7 + 0.6 * rng.random()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=60)
            check_no_orphans(mark)
            if process.returncode == 0:
                break  # it was over before
            assert (process.returncode, err) == (130, SAID), (command, share, out, err)
        done = popen(place.workspace, *command)
        out, err = done.communicate(timeout=300)
        assert (done.returncode, err) == (0, ""), (command, out, err)
        assert time.monotonic() - began < 400
    worktrees = ("git", "worktree", "list", "--porcelain")
    told = subprocess.run(
        worktrees, cwd=place.workspace, capture_output=True, text=True, check=True
    )
    assert told.stdout.count("worktree ") == 1, told.stdout
    place.inspector.finished(place.workspace, DAY)
