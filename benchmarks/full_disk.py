"""Fill the disk under `run` and `retrain` at many moments, and look at what is left each time.

    python -m benchmarks.full_disk --sizes 12

The workspace lies on a small tmpfs in a mount namespace of its own (`unshare`, no root needed).
It holds a finished run of an earlier session. For each trial the disk gets so much free room that
it runs full sooner or later; the command must end with exit code 1 and one sentence, the earlier
run must be whole, and with room again the same command must complete as if nothing had been.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kills import SMALL, small_workspace
from benchmarks.wholeness import environment

EARLIER, LATER = "1994-12-30", "1995-12-29"
ROOMY = "1g"
KEPT = ("mlruns/artifacts", ".dvc/cache/files", ".shadowbook/remote/files")
"""What an earlier run left for good; every file of it must stay as it is."""


class SmallDisk:
    """A disk of a size that can be changed, seen by the commands that run on it alone.

    Parameters
    ----------
    place : an existing empty folder; what lies on the disk is at this path inside.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        mount = f"mount -t tmpfs -o size={ROOMY} tmpfs {place} && echo ready && exec sleep 86400"
        self._holder = subprocess.Popen(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            assert self._holder.stderr is not None
            raise OSError(self._holder.stderr.read().strip() or "no mount namespace")

    def run(self, *command: str, mark: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command that sees the disk."""
        target = ("--target", str(self._holder.pid), "--user", "--mount", "--preserve-credentials")
        return subprocess.run(
            ["nsenter", *target, "--", *command],
            capture_output=True,
            text=True,
            check=False,
            env=environment(mark, **more),
        )

    def resize(self, size: str) -> None:
        """Let the disk have this size."""
        self._mount(f"size={size}")

    def leave_free(self, number: int) -> None:
        """Let the disk have so many bytes free."""
        self.resize(str(self.used() + number))

    def used(self) -> int:
        """Return the bytes in use."""
        told = self.run("df", "--output=used", "--block-size=1", str(self.place)).stdout
        return int(told.splitlines()[-1])

    def read_only(self, closed: bool) -> None:
        """Forbid every write, or allow them again."""
        self._mount("ro" if closed else "rw")

    def _mount(self, options: str) -> None:
        done = self.run("mount", "-o", f"remount,{options}", str(self.place))
        assert done.returncode == 0, done.stderr

    def close(self) -> None:
        """Let go of it; the kernel forgets it with its last process."""
        self._holder.kill()
        self._holder.communicate()


@dataclass(frozen=True)
class Trial:
    """One full disk: how much room there was, and what the command said in the end."""

    free: int
    code: int
    said: str


class Sweep:
    """Trials of one workspace on a small disk.

    Parameters
    ----------
    disk : its ``place`` gets the workspace ``ws``.
    state : a workspace with a finished run of ``EARLIER``.
    elsewhere : folder for scratch files that is not on the disk; None: they are on it too.
    """

    def __init__(self, disk: SmallDisk, state: Path, elsewhere: Path | None) -> None:
        self.disk, self.state = disk, state
        self.root = disk.place / "ws"
        self._scratch = elsewhere or disk.place / "tmp"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of our commands in the workspace."""
        own = (sys.executable, "-m", "shadowbook", *words, "--workspace", str(self.root))
        return self.disk.run(*own, TMPDIR=str(self._scratch))

    def reset(self) -> None:
        """Put the state on the disk, with room."""
        self.disk.resize(ROOMY)
        self.disk.run("sh", "-c", f"cd {self.disk.place} && rm -rf * && mkdir tmp")
        done = self.disk.run("cp", "-a", str(self.state), str(self.root))
        assert done.returncode == 0, done.stderr

    def kept(self) -> dict[str, str]:
        """Digest of every file that must stay."""
        script = f"cd {self.root} && find {' '.join(KEPT)} -type f | xargs md5sum"
        lines = self.disk.run("sh", "-c", script).stdout.splitlines()
        return {line[34:]: line[:32] for line in lines}

    def whole(self, as_of: str | None = None) -> dict[str, object] | None:
        """Make the checks of ``wholeness`` in a process that sees the disk."""
        own = (sys.executable, "-m", "benchmarks.wholeness", str(self.root))
        done = self.disk.run(*own, *([as_of] if as_of else []), TMPDIR=str(self.state.parent))
        assert done.returncode == 0, done.stderr[-3000:]
        told: dict[str, object] | None = json.loads(done.stdout)
        return told

    def undisturbed(self, *words: str) -> tuple[int, dict[str, object] | None]:
        """Run the command with all the room; -> bytes it took, and what it left."""
        self.reset()
        before = self.disk.used()
        done = self.command(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.disk.used() - before, self.whole(LATER)

    def trial(
        self,
        free: int,
        usual: dict[str, object] | None,
        *words: str,
        prepare: Callable[[], None] | None = None,
    ) -> Trial:
        """Let the command run into a full disk, then let it complete."""
        self.reset()
        if prepare is not None:
            prepare()
        before = self.kept()
        self.disk.leave_free(free)
        done = self.command(*words)
        complaint = done.stderr.splitlines()
        trial = Trial(free, done.returncode, complaint[-1] if complaint else "")
        self.disk.resize(ROOMY)
        if done.returncode != 0:
            assert done.returncode == 1, (free, done.stdout, done.stderr)
            assert len(complaint) == 1, (free, done.stdout, done.stderr)
            assert complaint[0].startswith("error: "), (free, done.stderr)
            assert "Traceback" not in done.stdout, (free, done.stdout)
            after = self.kept()
            assert {name: after.get(name) for name in before} == before, free
            self.whole()
            again = self.command(*words)
            assert again.returncode == 0, (free, again.stdout, again.stderr)
        assert self.whole(LATER) == usual, free
        return trial


def earlier_state(folder: Path, command: str) -> Path:
    """Make a small workspace with a finished run of an earlier session, ready for a command."""
    root = small_workspace(folder, SMALL)
    before = ("ingest", "gate", "features")
    steps = [(step, EARLIER) for step in (*before, "retrain")]
    steps += [(step, LATER) for step in before if command == "retrain"]
    for step, day in steps:
        words = [sys.executable, "-m", "shadowbook", step, "--as-of", day]
        whole = [*words, "--workspace", str(root)]
        subprocess.run(whole, check=True, capture_output=True, env=environment(""))
    return root


def rooms(needed: int, count: int) -> list[int]:
    """Free bytes from none to what is needed, closer together where little is there."""
    return [int(needed * (i / count) ** 2) for i in range(count)]


def main() -> None:
    """Sweep sizes and print what was said at each."""
    asked = argparse.ArgumentParser(description="Fill the disk under a command.")
    asked.add_argument("--sizes", type=int, default=12)
    asked.add_argument("--command", choices=("run", "retrain"), default="run")
    asked.add_argument("--scratch-too", action="store_true", help="scratch files lie on it too")
    given = asked.parse_args()
    words = (given.command, "--as-of", LATER)
    with tempfile.TemporaryDirectory(prefix="shadowbook-full-") as folder:
        place = Path(folder, "disk")
        place.mkdir()
        state = earlier_state(Path(folder, "state"), given.command)
        disk = SmallDisk(place)
        try:
            sweep = Sweep(disk, state, None if given.scratch_too else Path(folder))
            needed, usual = sweep.undisturbed(*words)
            print(f"{given.command} takes {needed / 2**20:.1f} MiB")
            for free in rooms(needed, given.sizes):
                found = sweep.trial(free, usual, *words)
                print(f"{free / 2**20:7.2f} MiB free: exit {found.code}: {found.said}", flush=True)
        finally:
            disk.close()


if __name__ == "__main__":
    os.umask(0o022)
    main()
