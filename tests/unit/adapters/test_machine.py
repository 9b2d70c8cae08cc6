"""What the operating system tells: locks, owners, sizes, answers."""

import fcntl
import os
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from shadowbook.adapters import machine


def test_who_holds_a_lock_is_seen_without_touching_it(tmp_path):
    path = tmp_path / "lease"
    assert machine.lock_owner(path) is None
    path.touch()
    assert machine.lock_owner(path) is None
    with path.open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert machine.lock_owner(path) == os.getpid()
    assert machine.lock_owner(path) is None


def test_what_is_missing_is_judged_by_what_is_above_it(tmp_path):
    deep = tmp_path / "a" / "b" / "c"
    assert machine.nearest(deep) == tmp_path
    assert machine.may_write(deep)
    assert machine.owner(deep) is None
    assert machine.same_disk(deep, tmp_path)
    assert machine.free_bytes(deep) > 0
    assert not (tmp_path / "a").exists()


NOBODY = 65534


def asked_as_a_user(folder: Path) -> int:
    """Ask in a process that is not root, which may write everywhere: 1 it may, 0 it may not."""
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            os._exit(int(machine.may_write(folder)))
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_folder_that_may_not_be_written():
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        folder = Path(made)
        folder.chmod(0o777)
        assert asked_as_a_user(folder / "new") == 1
        folder.chmod(0o555)
        assert asked_as_a_user(folder / "new") == 0
        folder.chmod(0o700)


def test_sizes_count_every_file(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"1" * 1000)
    (tmp_path / "y").write_bytes(b"1" * 10)
    assert machine.size_bytes([tmp_path]) == 1010
    assert machine.size_bytes([tmp_path / "none"]) == 0


def test_scratch_that_is_young_or_not_ours_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("shadowbook-old", "shadowbook-new", "other-old"):
        (tmp_path / name).mkdir()
    past = time.time() - 7200
    os.utime(tmp_path / "shadowbook-old", (past, past))
    os.utime(tmp_path / "other-old", (past, past))
    found = machine.scratch_left("shadowbook-", time.time() - 3600)
    assert [path.name for path in found] == ["shadowbook-old"]


def test_the_zone_of_the_machine_is_named(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    assert machine.time_zone(datetime(2024, 1, 2, tzinfo=UTC)) == "UTC"
    assert machine.clock_synchronized() in (True, False, None)


def test_an_address_that_answers_and_one_that_does_not(tmp_path):
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline().split("port ")[1].split()[0])
        assert machine.answers(f"http://127.0.0.1:{port}/", 5.0) is None
        assert machine.answers(f"http://127.0.0.1:{port}/none", 5.0) == "it answers 404"
    finally:
        server.kill()
        server.communicate()
    assert machine.answers("ftp://127.0.0.1/", 5.0) == "it is no http address"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        said = machine.answers(f"http://127.0.0.1:{closed.getsockname()[1]}/", 2.0)
    assert said is not None
    assert "refused" in said


def test_a_process_ends_with_its_owner(tmp_path):
    child = (
        "import os, time\nfrom shadowbook.adapters.machine import die_with_owner\n"
        "die_with_owner()\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n"
    )
    owner = (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "import time; time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert process.stdout is not None
    number = int(process.stdout.readline())
    process.kill()
    process.communicate()
    until = time.monotonic() + 10
    while time.monotonic() < until and _lives(number):
        time.sleep(0.05)
    assert not _lives(number)


def _lives(number: int) -> bool:
    try:
        with open(f"/proc/{number}/stat") as stat:  # noqa: PTH123
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
