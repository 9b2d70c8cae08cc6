"""Kill `replay` at random moments, go on, and compare what is left with an undisturbed replay.

    python -m benchmarks.replay_kills --kills 100

The command is killed (kill -9 of the process or of its whole group, or Ctrl-C) at a moment drawn
evenly over its whole duration, a few times in a row, and given again until it goes through: from
where it was, each time. Then the ledger must verify, its last hash be the undisturbed replay's, and
no half-written file and no process be left. One workspace is prepared and each trial begins with
none of a replay in it. The sources must not change under it: their hash is part of a replay's key.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.kills import INTERPRETER_SECONDS, INTERRUPTED, MODES, PATIENCE, small_workspace
from benchmarks.wholeness import HALF_WRITTEN, check_no_orphans, environment

START = "(before the first session)"
PARAMS = {
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
    "replay": {
        "retrain_sessions": 84,
        "operator": {"promote": "better_shadow", "after_sessions": 42},
    },
}
"""Two strategies that are cheap to fit; promotions, and versions that come and go."""


@dataclass(frozen=True)
class Landed:
    """One kill that struck a living process.

    Attributes
    ----------
    session : the last one that the ledger held then; empty where it held none.
    """

    mode: str
    seconds: float
    session: str


class ReplayCampaign:
    """Kills of one replay.

    Parameters
    ----------
    workspace : its prices are accepted and its features logged.
    first, last : the span, as the command is given it.
    """

    def __init__(self, workspace: Path, first: str, last: str) -> None:
        self._workspace = workspace
        self._words = ("replay", "--from", first, "--to", last, "--json")
        self._replays = workspace / ".shadowbook" / "replays"
        self._seconds = 0.0
        self._digest = ""

    def undisturbed(self) -> float:
        """Replay in peace; -> seconds."""
        shutil.rmtree(self._replays, ignore_errors=True)
        began = time.monotonic()
        self._digest = self._finish()
        self._seconds = time.monotonic() - began
        return self._seconds

    def kills(
        self, count: int, rng: random.Random, modes: Sequence[str] = MODES, in_a_row: int = 4
    ) -> Iterator[Landed]:
        """Kill until so many kills have struck; modes take turns."""
        struck = 0
        while struck < count:
            shutil.rmtree(self._replays, ignore_errors=True)
            for _ in range(min(in_a_row, count - struck)):
                # Each attempt begins where the last one was killed.
                landed = self._strike(modes[struck % len(modes)], rng.random() * self._seconds)
                if landed is None:
                    break
                struck += 1
                yield landed
            assert self._finish() == self._digest, "another digest than the undisturbed replay's"

    def _start(self, mark: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "shadowbook", *self._words, "--workspace", str(self._workspace)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self._workspace,
            env=environment(mark),
            start_new_session=True,
        )

    def _finish(self) -> str:
        """Let the command go through and look at what it left; -> digest."""
        mark = secrets.token_hex(8)
        process = self._start(mark)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        check_no_orphans(mark)
        events, head, broken = self._ledger()
        assert broken is None, broken
        digest: str = json.loads(out)["policies"][0]["run"]["digest"]
        assert head == digest, (head, digest)
        assert events > 0
        left = [str(path) for path in self._replays.rglob("*") if path.suffix in HALF_WRITTEN]
        assert not left, left
        return digest

    def _strike(self, mode: str, seconds: float) -> Landed | None:
        """Start the command and kill it after so long; None when it had ended by itself."""
        mark = secrets.token_hex(8)
        process = self._start(mark)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            if mode == "kill -9":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGINT if mode == "Ctrl-C" else signal.SIGKILL)
        _, err = process.communicate(timeout=PATIENCE)
        check_no_orphans(mark)
        if process.returncode == 0:
            return None
        if mode != "Ctrl-C":
            assert process.returncode == -signal.SIGKILL, (process.returncode, err)
        elif seconds > INTERPRETER_SECONDS:
            assert (process.returncode, err) == (130, INTERRUPTED), (seconds, err)
        return Landed(mode, seconds, self._reached())

    def _ledger(self) -> tuple[int, str, object]:
        """Events, last hash and first broken link of the replay's ledger."""
        from shadowbook.adapters.ledger.ledger import Ledger

        (path,) = self._replays.glob("*/ledger.db")
        ledger = Ledger(f"sqlite:///{path}", simulation=True)
        try:
            return *ledger.head(), ledger.verify()
        finally:
            ledger.close()

    def _reached(self) -> str:
        """Return the last session in the ledger of a killed replay, which must be whole as well."""
        from shadowbook.adapters.ledger.ledger import Ledger

        found = list(self._replays.glob("*/ledger.db"))
        if not found:
            return ""
        ledger = Ledger(f"sqlite:///{found[0]}", simulation=True)
        try:
            broken, last = ledger.verify(), ledger.last_as_of()
        finally:
            ledger.close()
        assert broken is None, broken
        return last.date().isoformat() if last else ""


def prepared(folder: Path, last: str) -> Path:
    """Make a workspace whose sample is accepted and its features logged, without a model."""
    small_workspace(folder)
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS, sort_keys=False), "utf-8")
    for step in ("ingest", "gate", "features"):
        words = (sys.executable, "-m", "shadowbook", step, "--workspace", str(folder))
        done = subprocess.run(
            (*words, "--as-of", last), check=False, capture_output=True, text=True, cwd=folder
        )
        assert done.returncode == 0, done.stderr
    return folder


def table(landed: Sequence[Landed]) -> str:
    """Lay out how many kills landed in which quarter of which year."""
    counts = Counter(_quarter(one.session) for one in landed)
    rows = [f"  {place:<28} {counts[place]:3}" for place in sorted(counts)]
    modes = Counter(one.mode for one in landed)
    told = ", ".join(f"{n} x {mode}" for mode, n in modes.items())
    return "\n".join([*rows, f"  {len(landed)} kills: {told}"])


def _quarter(session: str) -> str:
    return f"{session[:4]} Q{(int(session[5:7]) + 2) // 3}" if session else START


def main() -> None:
    """Run a campaign and print where the kills landed."""
    asked = argparse.ArgumentParser(description="Kill replay at random moments.")
    asked.add_argument("--kills", type=int, default=100)
    asked.add_argument("--from", dest="first", default="1993-01-04")
    asked.add_argument("--to", dest="last", default="1995-12-29")
    asked.add_argument("--mode", choices=MODES, action="append", help="may be repeated")
    asked.add_argument("--in-a-row", type=int, default=4, help="kills before it goes through")
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    rng, landed = random.Random(given.seed), []  # noqa: S311
    with tempfile.TemporaryDirectory(prefix="shadowbook-replay-kills-") as folder:
        place = ReplayCampaign(prepared(Path(folder), given.last), given.first, given.last)
        print(f"undisturbed: {place.undisturbed():.1f} s", flush=True)
        for one in place.kills(given.kills, rng, given.mode or MODES, given.in_a_row):
            landed.append(one)
            where = one.session or START
            print(f"{len(landed):3} {one.mode} at {one.seconds:.1f} s: {where}", flush=True)
    print(table(landed))
    print("every ledger verifies, every digest is the undisturbed replay's, nothing is left over")


if __name__ == "__main__":
    main()
