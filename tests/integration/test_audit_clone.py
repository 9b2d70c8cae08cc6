"""What an auditor has: a fresh clone, the records, a remote, an empty cache, and several runs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from shadowbook.cli import app

REMOTE = ".shadowbook/remote"


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ("git", *arguments), cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def said(root: Path, *words: str) -> tuple[int, dict | list]:
    done = CliRunner().invoke(app, [*words, "--workspace", str(root), "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, json.loads(done.stdout)


@pytest.fixture
def origin(single, tmp_path):
    """The run's repository, a commit later; what the run did not commit is still not."""
    place = single[0].copy(tmp_path / "origin")
    git(place.root, "commit", "--quiet", "--allow-empty", "--message", "later")
    return place.root


def cloned(origin: Path, clone: Path, *options: str) -> Path:
    """A fresh clone with a copy of the records: neither data nor cache."""
    git(origin.parent, "clone", "--quiet", *options, f"file://{origin}", str(clone))
    shutil.copytree(origin / "mlruns", clone / "mlruns")
    return clone


@pytest.mark.parametrize("options", [(), ("--depth", "1")])
def test_a_run_is_rebuilt_in_a_fresh_clone(origin, tmp_path, options):
    clone = cloned(origin, tmp_path / "clone", *options)
    shutil.copytree(origin / REMOTE, clone / REMOTE)
    before = git(clone, "for-each-ref"), git(clone, "worktree", "list")
    code, found = said(clone, "reproduce", "latest")
    assert (code, found["outcome"]) == (0, "REPRODUCED")
    assert found["notes"][:2] == [
        "the workspace holds no accepted prices to compare the pinned ones with",
        "the workspace holds no feature log to compare the pinned one with",
    ]
    assert (git(clone, "for-each-ref"), git(clone, "worktree", "list")) == before
    assert git(clone, "status", "--porcelain") == ""


def test_the_remote_may_lie_elsewhere(origin, tmp_path):
    clone = cloned(origin, tmp_path / "clone")
    kept = tmp_path / "kept"
    shutil.copytree(origin / REMOTE, kept)
    (clone / ".dvc/config.local").write_text(f"['remote \"local\"']\n    url = {kept}\n")
    assert said(clone, "reproduce", "latest")[1]["outcome"] == "REPRODUCED"


def test_data_that_was_not_brought_along_is_named(origin, tmp_path):
    code, found = said(cloned(origin, tmp_path / "clone"), "reproduce", "latest")
    assert (code, found["outcome"]) == (3, "DIFFERS at data")
    assert "is lost: no object with the recorded MD5" in found["mismatch"]["what"]


def test_a_commit_that_is_nowhere_is_a_sentence(origin, tmp_path):
    clone = cloned(origin, tmp_path / "clone", "--depth", "1")
    shutil.copytree(origin / REMOTE, clone / REMOTE)
    commit = said(clone, "show", "latest")[1]["commit"]
    git(clone, "remote", "remove", "origin")
    code, found = said(clone, "reproduce", "latest")
    assert (code, found["error"]["type"]) == (2, "ConfigError")
    assert f"`git -C {clone} fetch PATH_OR_URL {commit}`" in found["error"]["message"]


@pytest.fixture
def two(single, tmp_path):
    """Two runs as of two days on the same data."""
    place = single[0].copy(tmp_path / "two")
    place.train("2022-12-15")
    return place


@pytest.mark.slow
def test_several_runs_are_rebuilt_in_one_go(two):
    newest, oldest = said(two.root, "runs")[1]
    code, found = said(two.root, "reproduce", "--last", "2")
    assert code == 0
    assert [item["run_id"] for item in found] == [newest["run_id"], oldest["run_id"]]
    for item, run in zip(found, (newest, oldest), strict=True):
        assert (item["outcome"], item["error"], item["reproduced"]) == ("REPRODUCED", None, True)
        assert (item["as_of"], item["model_version"]) == (run["as_of"], run["model_version"])
        assert item["seconds"] > 0
    # Named by hand, and one of them twice: still each once.
    ids = oldest["run_id"][:8], newest["run_id"], oldest["run_id"]
    two.workspace.models.artifact(newest["run_id"], "metrics.json").write_text("{}")
    code, found = said(two.root, "reproduce", *ids)
    assert code == 3
    assert [item["outcome"] for item in found] == ["REPRODUCED", "DIFFERS at metrics"]
    assert found[1]["mismatch"]["what"] == "metrics.json"


@pytest.mark.slow
def test_a_run_that_cannot_be_rebuilt_is_a_row(two):
    newest, _oldest = said(two.root, "runs")[1]
    path = two.workspace.models.artifact(newest["run_id"], "manifest.json")
    path.write_text(path.read_text("utf-8") + "\n", encoding="utf-8")
    code, found = said(two.root, "reproduce", "--last", "9", "--jobs", "1")
    assert code == 1
    assert [item["outcome"] for item in found] == ["NOT REBUILT", "REPRODUCED"]
    assert "the registry recorded" in found[0]["error"]
    table = CliRunner().invoke(app, ["reproduce", "--last", "1", "--workspace", str(two.root)])
    assert table.exit_code == 1
    assert "0 of 1 reproduced" in table.stdout
    assert newest["run_id"][:12] in table.stdout


@pytest.mark.parametrize("words", [(), ("latest", "--last", "2")])
def test_runs_are_named_in_one_way(single, words):
    code, found = said(single[0].root, "reproduce", *words)
    assert (code, found["error"]["type"]) == (2, "ConfigError")
    assert "name one RUN or more, or give --last N" in found["error"]["message"]


def test_a_runs_data_is_restored(single, tmp_path):
    root = single[0].root
    code, found = said(root, "restore", "latest", "--to", str(tmp_path / "there"))
    assert code == 0
    assert found["data"] == {
        "market": str(tmp_path / "there/market"),
        "feature_log": str(tmp_path / "there/feature_log"),
    }
    for name, where in found["places"].items():
        for path in (root / where).rglob("*.*"):
            copy = tmp_path / "there" / name / path.relative_to(root / where)
            assert copy.read_bytes() == path.read_bytes()
    code, found = said(root, "restore", "latest", "--to", str(tmp_path / "there"))
    assert code == 2
    assert "is there already: remove it, or name another place" in found["error"]["message"]
