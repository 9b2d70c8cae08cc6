"""Killed, interrupted, started twice: the same command goes on and nothing is doubled."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from shadowbook.core.learning.point_in_time import rebuild_log
from shadowbook.steps.known import accepted
from shadowbook.steps.moment import resolve_as_of

pytestmark = pytest.mark.slow

DAY = "2022-12-19"
SETTLED = 2.0
"""Seconds that an interpreter needs before any of our code runs."""


def start(place, command: str, *options: str) -> subprocess.Popen[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    arguments = [command, "--workspace", str(place.root), "--as-of", DAY, *options]
    return subprocess.Popen(
        [sys.executable, "-m", "shadowbook", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=place.root,
    )


def finish(place, command: str) -> str:
    """Run to the end; -> what was said."""
    process = start(place, command)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    return out


def timed(place, command: str) -> float:
    began = time.monotonic()
    finish(place, command)
    return time.monotonic() - began


def kill_at(place, command: str, seconds: float) -> bool:
    """Kill -9 after so many seconds; False when it had ended by itself."""
    process = start(place, command)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    return False


def spread(rng: random.Random, count: int, seconds: float) -> list[float]:
    """One random moment in each of ``count`` equal parts of the duration, shuffled."""
    part = (seconds - SETTLED) / count
    moments = [SETTLED + part * (i + rng.random()) for i in range(count)]
    rng.shuffle(moments)
    return moments


def git_status(place) -> str:
    command = ("git", "status", "--porcelain", "--untracked-files=all")
    done = subprocess.run(command, cwd=place.root, capture_output=True, text=True, check=True)
    return done.stdout


def left_behind(root: Path) -> list[str]:
    """Half-written files in what is pinned, in the cache and in the remote."""
    places = ("data", ".dvc/cache", ".shadowbook/remote")
    found = [path for place in places for path in (root / place).rglob("*") if path.is_file()]
    return [str(path) for path in found if path.suffix in (".draft", ".tmp", ".partial")]


def check_whole(place, strategies: tuple[str, ...]) -> None:
    """Everything that must hold after any number of kills and one run to the end."""
    workspace = place.workspace
    models = workspace.models
    runs = models.runs()
    assert sorted(run.strategy for run in runs) == sorted(strategies)
    attempts = models._search("tags.role = 'retraining'")
    assert len(attempts) == len(strategies)
    for run in runs:
        assert run.model_version == 1
        assert run.aliases == ("challenger", "champion")
        assert models._model_version(run.strategy, 2) is None
        manifest = models.manifest(run.run_id)
        assert models.count_trials(run.strategy) == len(manifest["candidates"])
    log = workspace.feature_log.read()
    assert not log.duplicated(["symbol", "session"]).any()
    as_of = resolve_as_of(workspace, DAY)
    known = accepted(workspace.market, as_of)
    bars, references = known.delivery.bars, known.delivery.references
    journal = workspace.feature_journal.read()
    rebuilt = rebuild_log(bars, references, known.schedule, journal)
    pd.testing.assert_frame_equal(log, rebuilt[list(log)], check_exact=True)
    assert git_status(place) == ""
    for run in runs:
        shadowbook = (sys.executable, "-m", "shadowbook", "reproduce", run.run_id)
        done = subprocess.run(
            (*shadowbook, "--workspace", str(place.root), "--json"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert json.loads(done.stdout)["outcome"] == "REPRODUCED", done.stdout + done.stderr


TWO = {
    "strategies": {
        "weekly": {"horizon": 5},
        "fortnightly": {"horizon": 10, "label": {"transform": "demean"}},
    }
}


@pytest.fixture(scope="module")
def duration(priced) -> float:
    """Seconds that an undisturbed run takes here."""
    return timed(priced(TWO), "run")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_that_is_killed_goes_on(priced, duration, seed):
    place = priced(TWO)
    moments = spread(random.Random(seed), 5, duration)
    killed = [kill_at(place, "run", moment) for moment in moments]
    assert sum(killed) >= 3, (moments, duration)
    finish(place, "run")
    check_whole(place, ("weekly", "fortnightly"))
    assert not left_behind(place.root)


def test_a_retraining_that_is_killed_goes_on(priced, tmp_path):
    place = priced(TWO)
    place.extend(DAY)
    undisturbed = timed(place.copy(tmp_path / "undisturbed"), "retrain")
    moments = spread(random.Random(3), 6, undisturbed)
    killed = [kill_at(place, "retrain", moment) for moment in moments]
    assert sum(killed) >= 3, (moments, undisturbed)
    finish(place, "retrain")
    check_whole(place, ("weekly", "fortnightly"))
    assert not left_behind(place.root)


def test_of_two_at_once_one_wins_and_the_other_says_who(priced):
    place = priced()
    first = start(place, "run")
    assert first.stdout is not None
    first.stdout.readline()  # the first stage is done: it holds the lease
    second = start(place, "features")
    _, said = second.communicate(timeout=300)
    assert second.returncode == 1
    assert f"is held by process {first.pid} (shadowbook run, since " in said
    assert len(said.splitlines()) == 1
    out, err = first.communicate(timeout=300)
    assert first.returncode == 0, out + err
    check_whole(place, ("weekly",))


def test_ctrl_c_in_the_walk_forward_leaves_nothing_half_done(priced):
    slow = {
        f"slow_{i}": {
            "kind": "hist_gradient_boosting",
            "parameters": {"max_iter": 400, "min_samples_leaf": 5 + i, "learning_rate": 0.01},
        }
        for i in range(6)
    }
    place = priced({"learning": {"candidates": slow}})
    process = start(place, "run")
    assert process.stdout is not None
    for line in process.stdout:
        if "pin data" in line:
            time.sleep(1.0)
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate(timeout=120)
    assert "evaluation" not in out
    assert (process.returncode, err) == (
        130,
        "interrupted: nothing is half done, the same command goes on\n",
    )
    finish(place, "run")
    check_whole(place, ("weekly",))
