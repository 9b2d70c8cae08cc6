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
