"""One writer at a time, and no lock that outlives its owner."""

import os
import signal
import subprocess
import sys
import time

import pytest

from shadowbook.adapters.lease import lease
from shadowbook.errors import PermanentError, WorkspaceBusyError

OWNER = """
import sys, time
from pathlib import Path
from shadowbook.adapters.lease import lease
with lease(Path(sys.argv[1]), "run"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def owner(tmp_path):
    command = [sys.executable, "-c", OWNER, str(tmp_path / "ws" / ".shadowbook" / "lease")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture
def place(tmp_path):
    return tmp_path / "ws" / ".shadowbook" / "lease"


def test_a_second_process_is_told_who_holds_it(place, owner):
    with (
        pytest.raises(
            WorkspaceBusyError,
            match=rf"the workspace .*/ws is held by process {owner.pid} \(shadowbook run, since 20",
        ),
        lease(place, "gate"),
    ):
        pytest.fail("two writers")


def test_a_killed_owner_leaves_nothing_locked(place, owner):
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    began = time.monotonic()
    with lease(place, "gate"):
        assert time.monotonic() - began < 1


def test_it_can_be_taken_again_after_success_and_failure(place):
    with lease(place, "one"):
        pass
    with pytest.raises(ZeroDivisionError), lease(place, "two"):
        raise ZeroDivisionError
    with lease(place, "three"):
        pass


def test_it_does_not_nest(place):
    with (
        lease(place, "outer"),
        pytest.raises(WorkspaceBusyError, match=rf"process {os.getpid()} \(shadowbook outer"),
        lease(place, "inner"),
    ):
        pytest.fail("two writers")


@pytest.mark.parametrize("note", [b"", b"{", b"{}", b"[]", b"5", b"\xff\xfe"])
def test_an_owner_whose_note_cannot_be_read_is_another_process(place, note):
    with lease(place, "outer"):
        place.write_bytes(note)
        with pytest.raises(WorkspaceBusyError, match="another process"), lease(place, "inner"):
            pytest.fail("two writers")


def test_a_shorter_note_replaces_a_longer_one(place):
    with lease(place, "a purpose that takes many characters to say"):
        pass
    with (
        lease(place, "x"),
        pytest.raises(WorkspaceBusyError, match="shadowbook x, since"),
        lease(place, "y"),
    ):
        pytest.fail("two writers")


def test_a_place_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "ws").write_text("a file where the folder should be", encoding="utf-8")
    with (
        pytest.raises(PermanentError, match=r"lease cannot be made .*must be writable"),
        lease(tmp_path / "ws" / ".shadowbook" / "lease", "run"),
    ):
        pytest.fail("no folder")


WAITER = """
import sys, time
from pathlib import Path
from shadowbook.adapters.lease import lease
print("waits", flush=True)
with lease(Path(sys.argv[1]), sys.argv[2], patience_seconds=60):
    with open(sys.argv[3], "a") as log:
        log.write(f"{sys.argv[2]} begins\\n")
        log.flush()
        time.sleep(0.1)
        log.write(f"{sys.argv[2]} ends\\n")
"""


def test_those_who_wait_come_one_after_the_other(place, owner, tmp_path):
    log = tmp_path / "log"
    waiting = [
        subprocess.Popen(
            [sys.executable, "-c", WAITER, str(place), name, str(log)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b", "c")
    ]
    for process in waiting:
        assert process.stdout.readline() == "waits\n"
    assert not log.exists()
    owner.kill()
    for process in waiting:
        process.communicate(timeout=30)
        assert process.returncode == 0
    lines = log.read_text().splitlines()
    assert sorted(lines[::2]) == ["a begins", "b begins", "c begins"]
    assert lines[1::2] == [line.replace("begins", "ends") for line in lines[::2]]


def test_patience_has_an_end(place, owner):
    began = time.monotonic()
    with (
        pytest.raises(WorkspaceBusyError, match=rf"held by process {owner.pid} .*after 0.01 min"),
        lease(place, "gate", patience_seconds=0.6),
    ):
        pytest.fail("two writers")
    assert 0.6 <= time.monotonic() - began < 5


@pytest.mark.parametrize("patience", [0.0, -1.0, float("nan")])
def test_no_patience_is_no_wait(place, owner, patience):
    began = time.monotonic()
    with pytest.raises(WorkspaceBusyError), lease(place, "gate", patience):
        pytest.fail("two writers")
    assert time.monotonic() - began < 0.2
