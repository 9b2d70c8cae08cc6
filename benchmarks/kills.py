"""Kill `run` and `retrain` at random moments, and look at what is left each time.

    python -m benchmarks.kills --kills 50

Each trial starts from the same workspace: the command is killed (kill -9 of the process or of its
whole group, or Ctrl-C) at a moment drawn evenly over its whole duration, what is there is checked,
the same command is given again and must complete, and what it leaves must be what an undisturbed
command leaves: the same rows, run keys, pins, versions, candidates and digests of predictions. The
workspace always lies at the same path, so that nothing may differ.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.wholeness import (
    Facts,
    Inspector,
    check_no_orphans,
    environment,
)

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 600
STAGE = re.compile(r"^[✓✗] (.+?)\s+\d+\.\d s ", re.MULTILINE)
INTERRUPTED = "interrupted: nothing is half done, the same command goes on\n"
INTERPRETER_SECONDS = 0.15
"""Before an interpreter runs any code of ours, Ctrl-C is Python's own business."""

MODES = ("kill -9", "kill -9 of the group", "Ctrl-C")
SMALL = {
    "seed": 7,
    "market_data": {"source": "sample"},
    "learning": {
        "splits": {"n_splits": 2, "min_train": 500},
        "candidates": {"ridge": {"kind": "ridge"}, "momentum_rule": {"kind": "momentum"}},
    },
    "strategies": {
        "weekly": {"horizon": 5},
        "fortnightly": {"horizon": 10, "label": {"transform": "demean"}},
    },
    "report": {"drift_rows": 100},
}
"""Two strategies, cheap to fit; with ``--as-of 1995-12-29`` there are 1,500 sessions."""


@dataclass(frozen=True)
class Blow:
    """One kill that struck a living process."""

    command: str
    mode: str
    seconds: float
    stage: str


@dataclass(frozen=True)
class Undisturbed:
    """How a command goes that nobody kills."""

    seconds: float
    stages: tuple[str, ...]
    facts: Facts


class Campaign:
    """Kills of commands in one workspace.

    Parameters
    ----------
    workspace : every trial's place; it is emptied and filled again for each.
    scratch : where its states to start from are kept.
    as_of : the session that every command is given.
    """

    def __init__(self, workspace: Path, scratch: Path, as_of: str) -> None:
        self.workspace = workspace
        self.as_of = as_of
        self.inspector = Inspector()
        self._scratch = scratch
        self._log = scratch / "output.txt"
        self._undisturbed: dict[str, Undisturbed] = {}
        scratch.mkdir(parents=True, exist_ok=True)
        shutil.copytree(workspace, scratch / "run", symlinks=True)

    def start(self, command: str, mark: str) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own, its output in a file."""
        arguments = [command, "--workspace", str(self.workspace), "--as-of", self.as_of]
        with self._log.open("wb") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "shadowbook", *arguments],
                stdout=out,
                stderr=out,
                cwd=self.workspace,
                env=environment(mark),
                start_new_session=True,
            )

    def finish(self, command: str) -> float:
        """Run a command to its end; -> seconds."""
        mark = secrets.token_hex(8)
        began = time.monotonic()
        code = self.start(command, mark).wait(PATIENCE)
        seconds = time.monotonic() - began
        assert code == 0, self.said()
        check_no_orphans(mark)
        return seconds

    def said(self) -> str:
        """Return what the last command said."""
        return self._log.read_text("utf-8")

    def reset(self, command: str) -> None:
        """Put the workspace back to where the command starts from."""
        start = self._scratch / command
        if not start.exists():
            self.reset("run")
            for before in ("ingest", "gate", "features"):
                self.finish(before)
            shutil.copytree(self.workspace, start, symlinks=True)
        shutil.rmtree(self.workspace)
        shutil.copytree(start, self.workspace, symlinks=True)

    def undisturbed(self, command: str) -> Undisturbed:
        """Run the command once in peace."""
        if command not in self._undisturbed:
            self.reset(command)
            seconds = self.finish(command)
            stages = tuple(STAGE.findall(self.said()))
            facts = self.inspector.finished(self.workspace, self.as_of)
            self._undisturbed[command] = Undisturbed(seconds, stages, facts)
        return self._undisturbed[command]

    def strike(self, command: str, mode: str, seconds: float) -> Blow | None:
        """Start the command and kill it after so long; None when it had ended by itself."""
        mark = secrets.token_hex(8)
        process = self.start(command, mark)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            if mode == "kill -9":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGINT if mode == "Ctrl-C" else signal.SIGKILL)
        code = process.wait(PATIENCE)
        check_no_orphans(mark)
        if code == 0:
            return None
        if mode != "Ctrl-C":
            assert code == -signal.SIGKILL, (code, self.said())
        elif seconds > INTERPRETER_SECONDS:
            assert code == 130, (code, seconds, self.said())
            # All that the command says may have been said already; nobody's traceback is.
            assert self.said().endswith(INTERRUPTED), (seconds, self.said())
            assert self.said().count(INTERRUPTED) == 1, (seconds, self.said())
            assert "Traceback" not in self.said(), (seconds, self.said())
        return Blow(command, mode, seconds, self._stage(command))

    def _stage(self, command: str) -> str:
        """Name the stage that was under way: the one after the last that had ended."""
        stages = self.undisturbed_stages(command)
        ended = [s for s in STAGE.findall(self.said()) if s in stages]
        last = stages.index(ended[-1]) + 1 if ended else 0
        return stages[last] if ended and last < len(stages) else "(end)" if ended else "(start)"

    def undisturbed_stages(self, command: str) -> tuple[str, ...]:
        """Return the stages of the command, in order."""
        return self._undisturbed[command].stages

    def trial(self, command: str, mode: str, moments: Iterable[float]) -> list[Blow]:
        """Kill at each of these moments, one after the other, then let the command go through."""
        usual = self.undisturbed(command)
        self.reset(command)
        blows = []
        for seconds in moments:
            blow = self.strike(command, mode, seconds)
            self.inspector.unbroken(self.workspace)
            if blow is not None:
                blows.append(blow)
        self.finish(command)
        facts = self.inspector.finished(self.workspace, self.as_of)
        assert facts == usual.facts, (command, mode, moments, facts, usual.facts)
        return blows

    def reproduce(self) -> None:
        """Rebuild every run of the workspace from its pins."""
        from shadowbook.workspace import Workspace

        for run in Workspace.open(self.workspace).models.runs():
            shadowbook = (sys.executable, "-m", "shadowbook", "reproduce", run.run_id)
            done = subprocess.run(
                (*shadowbook, "--workspace", str(self.workspace), "--json"),
                capture_output=True,
                text=True,
                check=False,
            )
            assert json.loads(done.stdout)["outcome"] == "REPRODUCED", done.stdout + done.stderr


def moments(rng: random.Random, count: int, seconds: float) -> list[float]:
    """One random moment in each of ``count`` equal parts of the duration, shuffled."""
    drawn = [seconds * (i + rng.random()) / count for i in range(count)]
    rng.shuffle(drawn)
    return drawn


def campaign(
    place: Campaign,
    command: str,
    count: int,
    rng: random.Random,
    in_a_row: int = 1,
    modes: Sequence[str] = MODES,
) -> Iterator[Blow]:
    """Kill until ``count`` kills have struck; modes take turns."""
    usual = place.undisturbed(command)
    struck = 0
    while struck < count:
        drawn = moments(rng, count - struck, usual.seconds)
        for i in range(0, len(drawn), in_a_row):
            mode = modes[(struck // in_a_row) % len(modes)]
            blows = place.trial(command, mode, drawn[i : i + in_a_row])
            struck += len(blows)
            yield from blows


def small_workspace(folder: Path, params: dict[str, object] | None = SMALL) -> Path:
    """Make a workspace, committed; None: with the params of this checkout.

    It holds no sources, so that runs are made and rebuilt with the running ones, committed or not.
    """
    for name in ("params.yaml", ".gitignore", ".dvcignore", ".dvc/config", ".dvc/.gitignore"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    if params is not None:
        (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), "utf-8")
    who = ("-c", "user.name=Kills", "-c", "user.email=kills@example.org")
    for words in ("init --quiet", "add --all", "commit --quiet --message small"):
        subprocess.run(["git", *who, *words.split()], cwd=folder, check=True)
    return folder


def table(blows: Iterable[Blow]) -> str:
    """Lay out how many kills landed in which stage."""
    counts = Counter((blow.command, blow.stage) for blow in blows)
    rows = [f"  {command:<8} {stage:<42} {n:3}" for (command, stage), n in counts.items()]
    modes = Counter(blow.mode for blow in blows)
    told = ", ".join(f"{n} x {mode}" for mode, n in modes.items())
    return "\n".join([*sorted(rows), f"  {sum(counts.values())} kills: {told}"])


def main() -> None:
    """Run a campaign and print where the kills landed."""
    asked = argparse.ArgumentParser(description="Kill run and retrain at random moments.")
    asked.add_argument("--kills", type=int, default=50)
    asked.add_argument("--in-a-row", type=int, default=1, help="kills before the command completes")
    asked.add_argument("--command", choices=("run", "retrain", "both"), default="both")
    asked.add_argument("--mode", choices=MODES, action="append", help="may be repeated")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--sample", action="store_true", help="the default sample: minutes a kill")
    given = asked.parse_args()
    as_of = "2022-12-28" if given.sample else "1995-12-29"
    rng, blows = random.Random(given.seed), []  # noqa: S311
    both = ("run", "retrain")
    commands = both if given.command == "both" else (given.command,)
    with tempfile.TemporaryDirectory(prefix="shadowbook-kills-") as folder:
        where = small_workspace(Path(folder, "ws"), None if given.sample else SMALL)
        place = Campaign(where, Path(folder, "scratch"), as_of)
        for i, command in enumerate(commands):
            count = given.kills // len(commands) + (i < given.kills % len(commands))
            for blow in campaign(place, command, count, rng, given.in_a_row, given.mode or MODES):
                blows.append(blow)
                said = f"{len(blows):3} {blow.command} {blow.mode} at {blow.seconds:.1f} s"
                print(f"{said}: {blow.stage}", flush=True)
            place.reproduce()
            print(f"{command}: undisturbed {place.undisturbed(command).seconds:.1f} s; REPRODUCED")
        place.inspector.close()
    print(table(blows))


if __name__ == "__main__":
    main()
