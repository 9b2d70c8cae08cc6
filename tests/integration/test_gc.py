"""Garbage collection keeps every hash that anything names, and deletes the rest."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shadowbook.adapters.models.records import MANIFEST
from shadowbook.cli import app
from shadowbook.steps.manifest import pins_of

pytestmark = pytest.mark.slow

CACHE, REMOTE = ".dvc/cache/files/md5", ".shadowbook/remote/files/md5"


def git(root: Path, *arguments: str) -> None:
    subprocess.run(("git", *arguments), cwd=root, check=True, capture_output=True)


@pytest.fixture
def place(single, tmp_path):
    return single[0].copy(tmp_path / "copy")


def collected(place, *options):
    """-> exit code, what was said."""
    words = ["gc", *options, "--workspace", str(place.root), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, json.loads(done.stdout)


def objects(place, store):
    """Names of the objects that lie in a store."""
    return {
        path.parent.name + path.name
        for path in (place.root / store).glob("??/*")
        if not path.name.startswith(".")
    }


def garbage(place, name, stores=(CACHE, REMOTE)):
    """Pin a folder that nothing names afterwards; -> the names of its objects."""
    before = {store: objects(place, store) for store in stores}
    folder = place.root / "data" / name
    (folder / "deep").mkdir(parents=True)
    (folder / "one.csv").write_text(name)
    (folder / "deep" / "two.csv").write_text(name * 2)
    pin = place.workspace.snapshots.pin(name, folder)
    if REMOTE in stores:
        place.workspace.snapshots.push([pin])
    shutil.rmtree(folder)
    made = [objects(place, store) - before[store] for store in stores]
    assert all(len(found) == 3 for found in made)
    return set.union(*made)


def still_reproduced(place):
    done = CliRunner().invoke(app, ["reproduce", "latest", "--workspace", str(place.root)])
    return done.exit_code == 0


def manifest_of(place):
    return place.workspace.models.manifest(place.workspace.models.runs()[0].run_id)


def test_what_nobody_names_goes_and_the_runs_stay(place):
    kept = {store: objects(place, store) for store in (CACHE, REMOTE)}
    gone = garbage(place, "old")
    code, found = collected(place, "--dry-run")
    assert (code, found["dry_run"], found["places"][0]["deleted"]) == (0, True, 3)
    assert objects(place, CACHE) == kept[CACHE] | gone
    code, found = collected(place)
    assert code == 0
    assert [item["deleted"] for item in found["places"]] == [3]
    assert objects(place, CACHE) == kept[CACHE]
    assert objects(place, REMOTE) == kept[REMOTE] | gone
    code, found = collected(place, "--remote")
    assert [item["deleted"] for item in found["places"]] == [0, 3]
    assert objects(place, REMOTE) == kept[REMOTE]
    assert found["runs"] == len(list(place.workspace.models.manifests()))
    # Every pin of every manifest, from the cache alone, then from the remote alone.
    shutil.rmtree(place.root / "data")
    for lost in (REMOTE, CACHE):
        shutil.move(place.root / lost, place.root / "aside")
        for manifest in place.workspace.models.manifests():
            for pin in (*pins_of(manifest["pins"]), *pins_of(manifest.get("made", {}))):
                assert place.workspace.snapshots.exists(pin)
        assert still_reproduced(place)
        shutil.rmtree(place.root / lost, ignore_errors=True)
        shutil.move(place.root / "aside", place.root / lost)


def test_what_the_workspace_holds_now_stays_though_no_run_names_it(place):
    place.say(place.bars()[lambda rows: rows["session"] <= "2022-12-19"])
    market = place.workspace.market.accepted
    market.write_note("verdict.json", {**market.read_note("verdict.json"), "reasons": ["mine"]})
    pin = place.workspace.snapshots.pin("market", market.folder)
    assert collected(place)[0] == 0
    assert place.workspace.snapshots.verify(pin) == ()
    assert pin.md5 in objects(place, CACHE)


@pytest.mark.parametrize("where", ["commit", "branch", "stash", "index", "working tree"])
def test_what_a_dvc_file_of_any_commit_names_stays(place, where):
    root = place.root
    before = objects(place, CACHE)
    named = garbage(place, "theirs", (CACHE,))
    listing = next(name for name in named if name.endswith(".dir"))
    (root / "deep").mkdir()
    lock = root / "deep" / ("dvc.lock" if where != "branch" else "theirs.dvc")
    text = f"outs:\n- md5: {listing}\n  path: theirs\n"
    git(root, "stash", "--include-untracked", "--quiet")
    if where == "branch":
        git(root, "switch", "--quiet", "--create", "side")
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(text)
    if where in ("commit", "branch", "index"):
        git(root, "add", "--all")
    if where in ("commit", "branch"):
        git(root, "commit", "--quiet", "--message", "theirs")
        git(root, "rm", "--quiet", str(lock))
        git(root, "commit", "--quiet", "--message", "gone again")
    if where == "branch":
        git(root, "switch", "--quiet", "main")
    if where == "stash":
        git(root, "add", "--all")
        git(root, "stash", "--quiet")
    if where == "index":
        lock.unlink()
    code, found = collected(place)
    assert (code, found["places"][0]["deleted"]) == (0, 0), found
    assert objects(place, CACHE) == before | named


def test_a_lost_list_that_only_git_names_is_a_note(place):
    (place.root / "dvc.lock").write_text(f"- md5: {'ab' * 16}.dir\n")
    garbage(place, "old", (CACHE,))
    code, found = collected(place)
    assert (code, found["places"][0]["deleted"]) == (0, 3)
    assert f"dvc.lock names {'ab' * 16}.dir, of which neither" in " ".join(found["notes"])


@pytest.mark.parametrize("broken", ["manifest", "altered list", "lost list"])
def test_nothing_is_deleted_where_something_cannot_be_read(place, broken):
    gone = garbage(place, "old")
    recorded = manifest_of(place)
    listing = recorded["pins"]["market"]["md5"]
    if broken == "manifest":
        path = place.workspace.models.artifact(recorded["run_id"], MANIFEST)
        path.write_text(path.read_text("utf-8").replace("weekly", "weakly"), encoding="utf-8")
    for store in (CACHE, REMOTE):
        path = place.root / store / listing[:2] / listing[2:]
        if broken == "altered list":
            path.chmod(0o644)
            path.write_bytes(path.read_bytes() + b" ")
        if broken == "lost list":
            path.unlink()
    code, found = collected(place, "--remote")
    assert (code, found["error"]["type"]) == (3, "IntegrityError")
    assert found["error"]["message"].startswith("nothing was deleted: ")
    assert gone <= objects(place, CACHE)
    assert gone <= objects(place, REMOTE)


def test_a_lost_database_or_a_deleted_run_costs_no_data(place):
    before = objects(place, CACHE)
    run = place.workspace.models.runs()[0].run_id
    place.workspace.models._client.delete_run(run)
    assert collected(place)[1]["places"][0]["deleted"] == 0
    (place.root / "mlruns/mlflow.db").unlink()
    shutil.rmtree(place.root / "data")
    code, found = collected(place)
    assert (code, found["runs"]) == (0, 0)
    assert "belong to no finished run" in found["notes"][0]
    assert objects(place, CACHE) == before
    shutil.rmtree(place.root / "mlruns")
    code, found = collected(place)
    assert (code, found["error"]["type"]) == (2, "ConfigError")
    assert "mlruns holds no run" in found["error"]["message"]
    assert objects(place, CACHE) == before


def test_leftovers_go_once_they_are_old(place):
    left = [
        place.root / CACHE / "ab" / f".{'0' * 16}.tmp",
        place.root / "data" / ".market.0123.partial" / "rows.parquet",
        place.root / "mlruns" / ".making-abc" / "mlflow.db",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    code, found = collected(place)
    assert (code, found["leftovers"], found["places"][0]["drafts"]) == (0, [], 0)
    past = time.time() - 2 * 3600
    for path in (left[0], left[1].parent, left[2].parent):
        os.utime(path, (past, past))
    code, found = collected(place)
    assert (len(found["leftovers"]), found["places"][0]["drafts"]) == (2, 1)
    assert not any(path.exists() for path in left)


def test_a_cache_that_others_may_use_and_a_shallow_clone_are_refused(place, tmp_path):
    shared = tmp_path / "shared"
    shutil.copytree(place.root / ".dvc/cache", shared)
    (place.root / ".dvc/config.local").write_text(f"[cache]\n    dir = {shared}\n")
    code, found = collected(place)
    assert (code, found["error"]["type"]) == (2, "ConfigError")
    assert "lies outside of the workspace" in found["error"]["message"]
    clone = tmp_path / "clone"
    git(place.root, "commit", "--quiet", "--allow-empty", "--message", "second")
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{place.root}", str(clone))
    shutil.copytree(place.root / "mlruns", clone / "mlruns")
    code, found = collected(type(place)(clone))
    assert code == 2
    assert "fetch --unshallow` first" in found["error"]["message"]


def test_a_dvc_command_at_work_and_a_held_workspace_are_waited_for(place):
    with place.workspace.lease("a test"):
        code, found = collected(place)
    assert (code, found["error"]["type"]) == (1, "WorkspaceBusyError")
    from dvc.repo import Repo

    with Repo(str(place.root)) as repo, repo.lock:
        code, found = collected(place)
    assert (code, found["error"]["type"]) == (1, "TransientError")
    assert "a dvc command is at work" in found["error"]["message"]


KILLED = """
import os, signal, sys
from pathlib import Path
from dvc_objects.fs.local import LocalFileSystem
remove, left = LocalFileSystem.remove, [int(sys.argv[2])]
def counted(self, path):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return remove(self, path)
LocalFileSystem.remove = counted
from shadowbook.steps.collect import collect
from shadowbook.workspace import Workspace
collect(Workspace.open(Path(sys.argv[1])), with_remote=True, dry_run=False)
"""


@pytest.mark.parametrize("after", [0, 4])
def test_a_kill_in_the_middle_harms_nothing_that_is_kept(place, after):
    kept = {store: objects(place, store) for store in (CACHE, REMOTE)}
    gone = garbage(place, "old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(place.root), str(after)], check=False)
    assert done.returncode == -signal.SIGKILL
    left = len(objects(place, CACHE) & gone) + len(objects(place, REMOTE) & gone)
    assert left == 6 - after
    code, found = collected(place, "--remote")
    assert code == 0
    assert sum(item["deleted"] for item in found["places"]) == left
    assert {store: objects(place, store) for store in (CACHE, REMOTE)} == kept
