"""Real DVC in temporary folders: what is pinned comes back, and nothing else passes for it."""

import hashlib
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib.metadata import files as package_files
from pathlib import Path

import pytest

from shadowbook.adapters.snapshots.snapshots import PushOutcome, Snapshots
from shadowbook.core.values import Pin
from shadowbook.errors import (
    ConfigError,
    DataError,
    IntegrityError,
    PermanentError,
    TransientError,
)

PROJECT = Path(__file__).resolve().parents[2]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ("git", *arguments), cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def own_settings(tmp_path, monkeypatch):
    """No test reads the settings of whoever runs it, or writes outside of its folder."""
    gitconfig = tmp_path / "gitconfig"
    gitconfig.write_text(
        "[user]\nname = Test\nemail = test@example.org\n[init]\ndefaultBranch = main\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(gitconfig))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    for place in ("SITE_CACHE", "GLOBAL_CONFIG", "SYSTEM_CONFIG"):
        monkeypatch.setenv(f"DVC_{place}_DIR", str(tmp_path / "dvc" / place))


def dvc_files(folder: Path) -> None:
    """Lay out the DVC settings that the project ships."""
    (folder / ".dvc").mkdir(parents=True, exist_ok=True)
    for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore"):
        shutil.copyfile(PROJECT / name, folder / name)


def prices(folder: Path) -> None:
    """Write real closes: one file a year, one in a folder below, one empty."""
    found = next(f for f in package_files("skfolio") if f.name == "sp500_dataset.csv.gz")
    closes = found.locate().read_bytes()
    (folder / "by year").mkdir(parents=True)
    for number, year in enumerate(("1990", "1991", "1992")):
        (folder / f"{year}.csv.gz").write_bytes(closes[number * 50_000 : (number + 1) * 50_000])
    (folder / "by year" / "größe.csv").write_bytes(closes[:10_000])
    (folder / "again.csv").write_bytes(closes[:10_000])
    (folder / "empty").touch()


@pytest.fixture
def workspace(tmp_path):
    root = tmp_path / "workspace"
    dvc_files(root)
    (root / ".gitignore").write_text("/data/\n/.shadowbook/\n", encoding="utf-8")
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")
    prices(root / "data" / "bars")
    return root


def content(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def cached(root: Path, md5: str) -> Path:
    return root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]


def sent(root: Path, md5: str) -> Path:
    return root / ".shadowbook" / "remote" / "files" / "md5" / md5[:2] / md5[2:]


def md5_of(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def alter(file: Path) -> str:
    """Change one byte, as someone would who is allowed to; return the new MD5."""
    file.chmod(0o644)
    altered = bytearray(file.read_bytes())
    altered[100] ^= 1
    file.write_bytes(altered)
    file.chmod(0o444)
    return md5_of(altered)


def misnamed(store: Path) -> list[Path]:
    """Return objects whose bytes are not what their name says; drafts have no name yet."""
    files = [path for path in (store / "files").rglob("*") if path.is_file()]
    return [
        file
        for file in files
        if file.suffix != ".tmp"
        and md5_of(file.read_bytes()) != (file.parent.name + file.name).removesuffix(".dir")
    ]


def in_fresh_process(program: str, *arguments: object) -> subprocess.Popen[str]:
    start = (
        "import sys\nfrom pathlib import Path\n"
        "from shadowbook.adapters.snapshots.snapshots import *\n"
    )
    return subprocess.Popen(
        (sys.executable, "-c", start + program, *map(str, arguments)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_pin_is_dvcs_own_hash_and_leaves_everything_as_it_was(workspace):
    before = content(workspace / "data")
    pin = Snapshots(workspace).pin("bars", Path("data/bars"))
    assert pin.name == "bars"
    assert pin.path == "data/bars"
    assert pin.md5.endswith(".dir")
    assert (pin.n_files, pin.size_bytes) == (6, 170_000)
    assert content(workspace / "data") == before
    assert all(os.access(p, os.W_OK) and p.stat().st_nlink == 1 for p in workspace.rglob("*.gz"))
    assert git(workspace, "status", "--porcelain") == ""
    assert Snapshots(workspace).pin("bars", workspace / "data" / "bars") == pin
    file = Snapshots(workspace).pin("year", Path("data/bars/1990.csv.gz"))
    assert file.md5 == md5_of(before["bars/1990.csv.gz"])
    assert (file.n_files, file.size_bytes) == (1, 50_000)
    (workspace / ".gitignore").unlink()
    added = (sys.executable, "-m", "dvc", "add", "--quiet", "data/bars")
    subprocess.run(added, cwd=workspace, check=True, capture_output=True)
    assert f"md5: {pin.md5}\n" in (workspace / "data" / "bars.dvc").read_text(encoding="utf-8")


def test_importing_the_door_imports_no_vendor():
    asked = "import shadowbook.adapters.snapshots.snapshots, sys; print(*sys.modules)"
    done = subprocess.run((sys.executable, "-c", asked), capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"dvc", "dvc_data", "dvc_objects", "pandas", "fsspec"}


def test_files_are_listed_with_their_hashes(workspace):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    expected = {name: md5_of(data) for name, data in content(workspace / "data" / "bars").items()}
    assert snapshots.files(pin) == expected
    year = snapshots.pin("year", Path("data/bars/1990.csv.gz"))
    assert snapshots.files(year) == {"1990.csv.gz": expected["1990.csv.gz"]}
    assert snapshots.exists(pin)
    assert snapshots.verify(pin) == ()


def test_unchanged_files_are_not_read_again_and_replaced_ones_are(workspace):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    file = workspace / "data" / "bars" / "1990.csv.gz"
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    # Only a forger edits in place and sets the time back: the file was not read, as promised.
    with file.open("r+b") as handle:
        handle.write(b"forged")
    os.utime(file, ns=times)
    assert snapshots.pin("bars", Path("data/bars")) == pin
    draft = file.with_name("draft")
    shutil.copyfile(file, draft)
    os.utime(draft, ns=times)
    draft.replace(file)
    assert snapshots.pin("bars", Path("data/bars")) != pin


def test_push_sends_every_file_once_and_repairs_what_is_missing_or_damaged(workspace, caplog):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    year = snapshots.pin("year", Path("data/bars/1990.csv.gz"))
    # Six files, two of them with the same bytes, and the list of them; the year is among them.
    assert snapshots.push([pin, year]) == PushOutcome(pushed=6, present=0)
    md5s = {*snapshots.files(pin).values(), pin.md5}
    for md5 in md5s:
        data = sent(workspace, md5).read_bytes()
        assert md5_of(data) == md5.removesuffix(".dir")
    assert snapshots.push([pin, year]) == PushOutcome(pushed=0, present=6)
    # What DVC's own push leaves behind: the list without its files.
    missing, truncated = (snapshots.files(pin)[name] for name in ("1990.csv.gz", "1991.csv.gz"))
    sent(workspace, missing).unlink()
    sent(workspace, truncated).chmod(0o644)
    os.truncate(sent(workspace, truncated), 1000)
    sent(workspace, truncated).chmod(0o444)
    assert snapshots.push([pin]) == PushOutcome(pushed=2, present=4)
    assert "is altered" in caplog.text
    shutil.rmtree(workspace / ".dvc" / "cache")
    assert snapshots.push([pin]) == PushOutcome(pushed=0, present=6)
    snapshots.restore(pin, workspace / "back")
    assert content(workspace / "back") == content(workspace / "data" / "bars")
    assert git(workspace, "status", "--porcelain") == "?? back/"


def test_push_refuses_an_altered_object(workspace):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    md5 = snapshots.files(pin)["1991.csv.gz"]
    found = alter(cached(workspace, md5))
    with pytest.raises(IntegrityError, match=rf"1991\.csv\.gz of pin 'bars' is altered.*{found}"):
        snapshots.push([pin])
    assert not sent(workspace, md5).exists()
    assert not sent(workspace, pin.md5).exists()


def test_restore_in_a_fresh_process_with_an_empty_cache(workspace, tmp_path):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    year = snapshots.pin("year", Path("data/bars/1990.csv.gz"))
    snapshots.push([pin, year])
    shutil.rmtree(workspace / ".dvc" / "cache")
    shutil.rmtree(tmp_path / "dvc")
    program = (
        "from shadowbook.core.values import Pin\nimport json\n"
        "pin = Pin(**json.loads(sys.argv[2]))\n"
        "snapshots = Snapshots(Path(sys.argv[1]))\n"
        "assert snapshots.exists(pin)\n"
        "snapshots.restore(pin, Path(sys.argv[3]))\n"
    )
    there = tmp_path / "made" / "on the way" / "bars"
    process = in_fresh_process(program, workspace, json.dumps(vars(pin)), there)
    assert process.communicate()[1] == ""
    assert process.returncode == 0
    assert content(there) == content(workspace / "data" / "bars")
    assert all(os.access(path, os.W_OK) for path in there.rglob("*"))
    assert [path.name for path in there.parent.iterdir()] == ["bars"]
    snapshots.restore(year, tmp_path / "one.csv.gz")
    assert (tmp_path / "one.csv.gz").read_bytes() == (there / "1990.csv.gz").read_bytes()


def test_an_altered_cached_object_is_told_and_never_healed(workspace, tmp_path):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    snapshots.push([pin])
    md5 = snapshots.files(pin)["by year/größe.csv"]
    there = cached(workspace, md5)
    found = alter(there)
    with pytest.raises(IntegrityError) as caught:
        snapshots.restore(pin, tmp_path / "back")
    told = str(caught.value)
    # Two files have these bytes; either names the object.
    assert "by year/größe.csv of pin 'bars'" in told or "again.csv of pin 'bars'" in told
    assert f"the object at {there} has MD5 {found}, recorded is {md5}" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dvc", "gitconfig", "workspace"]
    assert md5_of(there.read_bytes()) == found
    problems = snapshots.verify(pin)
    assert len(problems) == 2
    assert all(md5 in problem and found in problem for problem in problems)
    there.unlink()
    assert snapshots.verify(pin) == ()
    snapshots.restore(pin, tmp_path / "back")
    assert content(tmp_path / "back") == content(workspace / "data" / "bars")


def test_an_altered_list_of_files_is_told(workspace, tmp_path):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    snapshots.push([pin])
    alter(cached(workspace, pin.md5))
    for question in (
        lambda: snapshots.restore(pin, tmp_path / "back"),
        lambda: snapshots.files(pin),
    ):
        with pytest.raises(IntegrityError, match=r"\(list of files\) of pin 'bars' is altered"):
            question()
    assert len(snapshots.verify(pin)) == 1
    assert not snapshots.exists(pin)


def test_an_altered_or_lost_object_in_the_remote_is_told(workspace, tmp_path):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    snapshots.push([pin])
    md5 = snapshots.files(pin)["1992.csv.gz"]
    found = alter(sent(workspace, md5))
    shutil.rmtree(workspace / ".dvc" / "cache")
    told = rf"1992\.csv\.gz of pin 'bars' is altered: the object at .*remote.*{found}.*{md5}"
    with pytest.raises(IntegrityError, match=told):
        snapshots.restore(pin, tmp_path / "back")
    assert not cached(workspace, md5).exists()
    sent(workspace, md5).unlink()
    with pytest.raises(IntegrityError, match=rf"1992\.csv\.gz of pin 'bars' is lost.*{md5}"):
        snapshots.restore(pin, tmp_path / "back")
    assert not (tmp_path / "back").exists()
    assert not snapshots.exists(pin)
    assert len(snapshots.verify(pin)) == 1


def test_a_truncated_cached_object_is_replaced_by_the_next_pin(workspace, caplog):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    there = cached(workspace, snapshots.files(pin)["1990.csv.gz"])
    there.chmod(0o644)
    os.truncate(there, 10)
    there.chmod(0o444)
    assert snapshots.pin("bars", Path("data/bars")) == pin
    assert "is altered" in caplog.text
    assert snapshots.verify(pin) == ()


def test_a_restore_spares_what_is_there(workspace, tmp_path):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    taken = tmp_path / "taken"
    taken.mkdir()
    snapshots.restore(pin, taken)
    with pytest.raises(ConfigError, match="something is there already"):
        snapshots.restore(pin, taken)
    assert content(taken) == content(workspace / "data" / "bars")


def test_a_list_that_leads_outside_of_its_folder_is_refused(workspace, tmp_path):
    snapshots = Snapshots(workspace)
    snapshots.pin("bars", Path("data/bars"))
    md5 = md5_of(b"")
    listing = json.dumps([{"md5": md5, "relpath": "../../evil"}]).encode()
    pin = Pin("evil", "data/bars", md5_of(listing) + ".dir", 0, 1)
    cached(workspace, pin.md5).parent.mkdir(exist_ok=True)
    cached(workspace, pin.md5).write_bytes(listing)
    with pytest.raises(IntegrityError, match=r"'\.\./\.\./evil'.*outside of its own folder"):
        snapshots.restore(pin, tmp_path / "a" / "b")
    assert not (tmp_path / "evil").exists()


def test_a_file_that_is_replaced_while_it_is_pinned_never_gets_a_wrong_name(workspace):
    """The window is real: DVC hashes first and copies afterwards."""
    file = workspace / "data" / "hot.bin"
    versions = [bytes([number]) * 3_000_000 for number in range(2)]
    file.write_bytes(versions[0])
    stop = threading.Event()

    def rewrite() -> None:
        draft, number = file.with_name("draft"), 0
        while not stop.is_set():
            number += 1
            draft.write_bytes(versions[number % 2])
            draft.replace(file)

    writer = threading.Thread(target=rewrite)
    writer.start()
    snapshots = Snapshots(workspace)
    try:
        for _ in range(12):
            # Giving up on a file that changes all the time is right, a wrong object is not.
            with suppress(TransientError):
                assert snapshots.verify(snapshots.pin("hot", Path("data/hot.bin"))) == ()
            assert misnamed(workspace / ".dvc" / "cache") == []
            shutil.rmtree(workspace / ".dvc" / "cache")
    finally:
        stop.set()
        writer.join()
    assert snapshots.verify(snapshots.pin("hot", Path("data/hot.bin"))) == ()


def test_processes_that_pin_and_push_the_same_data_at_once_all_succeed(workspace):
    (workspace / "data" / "big.bin").write_bytes(os.urandom(20_000_000))
    program = (
        "snapshots = Snapshots(Path(sys.argv[1]))\n"
        "pin = snapshots.pin('data', Path('data'))\n"
        "snapshots.push([pin])\n"
        "assert snapshots.verify(pin) == ()\n"
        "print(pin.md5)\n"
    )
    processes = [in_fresh_process(program, workspace) for _ in range(3)]
    results = [process.communicate() for process in processes]
    assert [error for _, error in results] == [""] * 3
    assert len({md5 for md5, _ in results}) == 1
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("data", Path("data"))
    assert results[0][0].strip() == pin.md5
    assert snapshots.push([pin]) == PushOutcome(pushed=0, present=7)


@pytest.mark.slow
def test_a_kill_in_the_middle_leaves_nothing_that_is_trusted(workspace, tmp_path):
    for number in range(40):
        (workspace / "data" / f"{number}.bin").write_bytes(os.urandom(2_000_000))
    program = (
        "snapshots = Snapshots(Path(sys.argv[1]))\n"
        "snapshots.push([snapshots.pin('data', Path('data'))])\n"
    )
    stores = (workspace / ".dvc" / "cache" / "files", workspace / ".shadowbook" / "remote")
    for store in (*stores, *stores):
        process = in_fresh_process(program, workspace)
        seen = len(list(store.rglob("*")))
        while process.poll() is None and len(list(store.rglob("*"))) < seen + 9:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert misnamed(workspace / ".dvc" / "cache") == []
        assert misnamed(workspace / ".shadowbook" / "remote") == []
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("data", Path("data"))
    snapshots.push([pin])
    shutil.rmtree(workspace / ".dvc" / "cache")
    snapshots.restore(pin, tmp_path / "back")
    assert content(tmp_path / "back") == content(workspace / "data")


def test_a_shared_remote_serves_shallow_clones_and_worktrees(workspace, tmp_path):
    shared = tmp_path / "shared"
    with (workspace / ".dvc" / "config").open("a", encoding="utf-8") as config:
        config.write(f"['remote \"shared\"']\n    url = {shared}\n")
    git(workspace, "commit", "--quiet", "--all", "--message", "shared remote")
    snapshots = Snapshots(workspace, "shared")
    pin = snapshots.pin("bars", Path("data/bars"))
    snapshots.push([pin])
    shallow, tree = tmp_path / "shallow", tmp_path / "tree"
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{workspace}", str(shallow))
    git(workspace, "worktree", "add", "--quiet", "--detach", str(tree), "HEAD")
    for place in (shallow, tree):
        elsewhere = Snapshots(place, "shared")
        elsewhere.restore(pin, place / "data" / "bars")
        assert content(place / "data" / "bars") == content(workspace / "data" / "bars")
        assert elsewhere.pin("bars", Path("data/bars")) == pin
        assert elsewhere.push([pin]) == PushOutcome(pushed=0, present=6)
        assert git(place, "status", "--porcelain") == ""


def test_a_workspace_below_the_repository_or_without_git(workspace, tmp_path):
    below = workspace / "books" / "equities"
    plain = tmp_path / "plain"
    for root in (below, plain):
        dvc_files(root)
        prices(root / "data")
        snapshots = Snapshots(root)
        pin = snapshots.pin("bars", Path("data"))
        snapshots.push([pin])
        shutil.rmtree(root / ".dvc" / "cache")
        snapshots.restore(pin, root / "back")
        assert pin.path == "data"
        assert content(root / "back") == content(root / "data")
    inner = Snapshots(plain / "data").pin("year", Path("1990.csv.gz"))
    assert inner.path == "1990.csv.gz"


def test_a_data_folder_may_be_a_link(workspace, tmp_path):
    expected = Snapshots(workspace).pin("bars", Path("data/bars")).md5
    shutil.move(workspace / "data", tmp_path / "big disk")
    (workspace / "data").symlink_to(tmp_path / "big disk")
    pin = Snapshots(workspace).pin("bars", Path("data/bars"))
    assert (pin.md5, pin.path) == (expected, "data/bars")


def test_each_missing_thing_is_named(workspace, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    with pytest.raises(ConfigError, match=r"no DVC repository at .*bare: run `dvc init`"):
        Snapshots(bare).pin("bars", Path())
    snapshots = Snapshots(workspace)
    with pytest.raises(ConfigError, match="outside of the workspace"):
        snapshots.pin("bars", tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"'bars': .*data/none does not exist; build it first"):
        snapshots.pin("bars", Path("data/none"))
    (workspace / "data" / "hollow").mkdir()
    with pytest.raises(DataError, match=r"data/hollow holds no file"):
        snapshots.pin("bars", Path("data/hollow"))
    pin = snapshots.pin("bars", Path("data/bars"))
    with pytest.raises(ConfigError, match=r"no remote 'nowhere'.*dvc remote add"):
        Snapshots(workspace, "nowhere").push([pin])
    (workspace / ".dvc" / "config").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"no default remote .*dvc remote add"):
        snapshots.push([pin])
    shutil.rmtree(workspace / ".dvc" / "cache")
    with pytest.raises(IntegrityError, match="no remote is configured"):
        snapshots.restore(pin, tmp_path / "back")
    assert len(snapshots.verify(pin)) == 1
    (workspace / ".dvc" / "config").write_text("[core]\nremote = 1\nfoo = 2\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="DVC's configuration is wrong"):
        snapshots.pin("bars", Path("data/bars"))


def test_a_full_disk_is_one_sentence_and_leaves_no_object(workspace):
    """A limit on file size fails a write as a full disk does."""
    program = (
        "import resource\nfrom shadowbook.errors import PermanentError\n"
        "snapshots = Snapshots(Path(sys.argv[1]))\n"
        "snapshots.pin('year', Path('data/bars/again.csv'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "try: snapshots.pin('big', Path('data/big.bin'))\n"
        "except PermanentError as error: print(error)\n"
    )
    (workspace / "data" / "big.bin").write_bytes(os.urandom(3_000_000))
    before = content(workspace / ".dvc" / "cache" / "files")
    told, error = in_fresh_process(program, workspace).communicate()
    assert error == ""
    assert told.startswith("cannot pin 'big': the disk is full")
    assert told.count("\n") == 1
    after = content(workspace / ".dvc" / "cache" / "files")
    assert len(after) == len(before) + 1
    assert not any(name.endswith(".tmp") for name in after)


def test_a_place_that_cannot_be_written_is_one_sentence(workspace):
    snapshots = Snapshots(workspace)
    pin = snapshots.pin("bars", Path("data/bars"))
    # Not even root may make a folder here.
    with pytest.raises(PermanentError, match=r"cannot restore pin 'bars' to /sys/kernel/bars"):
        snapshots.restore(pin, Path("/sys/kernel/bars"))


class Bucket(http.server.BaseHTTPRequestHandler):
    """A store that knows HEAD, GET and PUT, as object stores do."""

    objects: dict[str, bytes]

    def do_HEAD(self) -> None:
        data = self.objects.get(self.path)
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.objects.get(self.path, b""))

    def do_PUT(self) -> None:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            data = self.rfile.read(int(self.headers["Content-Length"]))
        self.objects[self.path] = data
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_remote_over_the_network(workspace, tmp_path):
    """In a process of its own: DVC leaves its HTTP sessions open, and aiohttp says so."""
    handler = type("OwnBucket", (Bucket,), {"objects": {}})
    program = (
        "import shutil\nfrom shadowbook.errors import IntegrityError\n"
        "root, back = Path(sys.argv[1]), Path(sys.argv[2])\n"
        "snapshots = Snapshots(root, 'web')\n"
        "pin = snapshots.pin('bars', Path('data/bars'))\n"
        "if sys.argv[3] == 'send': print(snapshots.push([pin]), snapshots.push([pin]))\n"
        "shutil.rmtree(root / '.dvc' / 'cache')\n"
        "print(snapshots.exists(pin))\n"
        "try: snapshots.restore(pin, back)\n"
        "except IntegrityError as error: print(error)\n"
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/store"
            with (workspace / ".dvc" / "config").open("a", encoding="utf-8") as config:
                config.write(f"['remote \"web\"']\n    url = {url}\n    method = PUT\n")
            told, _ = in_fresh_process(program, workspace, tmp_path / "back", "send").communicate()
            assert told.splitlines() == [
                "PushOutcome(pushed=6, present=0) PushOutcome(pushed=0, present=6)",
                "True",
            ]
            assert content(tmp_path / "back") == content(workspace / "data" / "bars")
            md5 = md5_of((workspace / "data" / "bars" / "1990.csv.gz").read_bytes())
            path = f"/files/md5/{md5[:2]}/{md5[2:]}"
            handler.objects["/store" + path] = b"cut short"
            told, _ = in_fresh_process(program, workspace, tmp_path / "cut", "get").communicate()
            assert f"1990.csv.gz of pin 'bars' is altered: the object at {url}{path} has" in told
            del handler.objects["/store" + path]
            told, _ = in_fresh_process(program, workspace, tmp_path / "cut", "get").communicate()
            assert told.startswith("False\n1990.csv.gz of pin 'bars' is lost")
            assert not (tmp_path / "cut").exists()
        finally:
            server.shutdown()
            thread.join()
