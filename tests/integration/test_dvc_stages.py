"""The stages of dvc.yaml: for people who live in DVC, and for an auditor with git and DVC alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
BIN = Path(sys.prefix) / "bin"
SHIPPED = (
    *("src", "feature_repo", "dvc.yaml", "params.yaml", "requirements.lock", ".gitignore"),
    *(".dvcignore", ".dvc/config", ".dvc/.gitignore", ".dvc/plots"),
)


def test_a_run_leaves_git_and_the_lock_of_dvc_alone(single, tmp_path):
    place = single[0].copy(tmp_path / "copy")
    status = ("git", "status", "--porcelain", "--untracked-files=all")
    before = subprocess.run(status, cwd=place.root, check=True, capture_output=True, text=True)
    assert before.stdout.split() == ["M", "params.yaml", "??", "notes.txt"]
    lock = place.root / "dvc.lock"
    assert not lock.exists()
    lock.write_text("schema: '2.0'\nstages: {}\n")
    subprocess.run(("git", "add", "dvc.lock"), cwd=place.root, check=True)
    subprocess.run(("git", "commit", "--quiet", "-m", "lock"), cwd=place.root, check=True)
    run = place.train("2022-12-15").run
    after = subprocess.run(status, cwd=place.root, check=True, capture_output=True, text=True)
    assert after.stdout == before.stdout
    assert lock.read_text() == "schema: '2.0'\nstages: {}\n"
    manifest = place.workspace.models.manifest(run.run_id)
    made = place.workspace.models.artifact(run.run_id, "audit/dvc.lock").read_text("utf-8")
    outs = {out["path"]: out for s in yaml.safe_load(made)["stages"].values() for out in s["outs"]}
    for pin in manifest["pins"].values():
        out = outs[pin["path"]]
        assert (out["md5"], out["size"], out["nfiles"]) == (pin["md5"], pin["bytes"], pin["files"])


def environment(tree: Path) -> dict[str, str]:
    """The tree's own code in the packages there are, as its own .venv would have it."""
    return {**os.environ, "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}"}


def done(tree: Path, *words: str) -> str:
    """Run a command of git, or one of .venv/bin, as a person in that folder does."""
    name = words[0] if words[0] in ("git", "ln", "cp") else str(tree / ".venv/bin" / words[0])
    ended = subprocess.run(
        (name, *words[1:]),
        cwd=tree,
        env=environment(tree),
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, (words, ended.stdout, ended.stderr)
    return ended.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """The project with quick settings, its stages run once and committed with dvc.lock."""
    root = tmp_path_factory.mktemp("dvc") / "project"
    for name in SHIPPED:
        source, target = PROJECT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    params = yaml.safe_load((root / "params.yaml").read_text("utf-8"))
    params["market_data"]["as_of"] = "1995-12-29"
    params["learning"]["splits"] = {"n_splits": 2, "min_train": 500, "embargo": 5}
    found = params["learning"]["candidates"]
    params["learning"]["candidates"] = {name: found[name] for name in ("ridge", "momentum_rule")}
    params["strategies"] = {"weekly": params["strategies"]["weekly"]}
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), encoding="utf-8")
    (root / ".venv").symlink_to(Path(sys.prefix))
    done(root, "git", "init", "--quiet")
    done(root, "git", "add", "--all")
    done(root, "git", "commit", "--quiet", "--message", "code")
    assert ".venv" not in done(root, "git", "status", "--porcelain", "--untracked-files=all")
    done(root, "dvc", "repro", "--quiet")
    done(root, "git", "add", "dvc.lock")
    done(root, "git", "commit", "--quiet", "--message", "stages run")
    return root


@pytest.mark.slow
def test_stages_params_metrics_and_plots_work_between_revisions(project, tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(project, tree, symlinks=True)
    began = time.perf_counter()
    assert "Data and pipelines are up to date" in done(tree, "dvc", "repro")
    assert time.perf_counter() - began < 5
    params = (tree / "params.yaml").read_text("utf-8")
    (tree / "params.yaml").write_text(params.replace("alpha: 1000.0", "alpha: 10.0"), "utf-8")
    changed = json.loads(done(tree, "dvc", "params", "diff", "--json"))
    assert changed["params.yaml"] == {
        "learning.candidates.ridge.parameters.alpha": {"old": 1000.0, "new": 10.0, "diff": -990.0}
    }
    said = done(tree, "dvc", "repro")
    assert "Stage 'features' didn't change, skipping" in said
    assert "Running stage 'measure@weekly'" in said
    done(tree, "git", "commit", "--quiet", "--all", "--message", "less shrinkage")
    assert done(tree, "git", "status", "--porcelain") == ""
    metrics = json.loads(done(tree, "dvc", "metrics", "diff", "HEAD~1", "HEAD", "--json"))
    moved = metrics["build/weekly/metrics.json"]
    assert "candidates.ridge.sharpe.value" in moved
    assert not any(name.startswith("candidates.momentum_rule") for name in moved)
    shown = json.loads(done(tree, "dvc", "metrics", "show", "--json"))
    assert shown[""]["data"]["build/weekly/metrics.json"]["data"]["best"]
    plots = json.loads(done(tree, "dvc", "plots", "diff", "HEAD~1", "HEAD", "--json"))["data"]
    for name, value in (("equity", "growth"), ("information_coefficient",) * 2):
        [plot] = plots[f"build/weekly/{name}.csv"]
        rows = plot["content"]["data"]["values"]
        assert {row["rev"] for row in rows} == {"HEAD~1", "HEAD"}
        assert {row["candidate"] for row in rows} == {"ridge", "momentum_rule"}
        assert all(float(row[value]) == float(row[value]) for row in rows)
        assert plot["content"]["encoding"]["strokeDash"]["field"] == "rev"
    assert len(plots["build/weekly/equity.png"]) == 2


@pytest.mark.slow
def test_an_auditor_rebuilds_a_run_with_git_and_dvc_alone(project, tmp_path):
    tree, auditor = tmp_path / "tree", tmp_path / "auditor"
    shutil.copytree(project, tree, symlinks=True)
    params = (tree / "params.yaml").read_text("utf-8")
    # Neither the settings nor the moment of the run are those that are committed.
    (tree / "params.yaml").write_text(params.replace("alpha: 1000.0", "alpha: 50.0"), "utf-8")
    done(tree, "shadowbook", "retrain", "--as-of", "1995-12-15")
    run = json.loads(done(tree, "shadowbook", "show", "latest", "--json"))
    records = tree / "mlruns/artifacts" / run["run_id"] / "artifacts"
    # Later the workspace moved on.
    done(tree, "git", "checkout", "--quiet", "params.yaml")
    done(tree, "git", "commit", "--quiet", "--allow-empty", "--message", "later")

    done(tmp_path, "git", "clone", "--quiet", f"file://{tree}", str(auditor))
    audit = tmp_path / "audit"
    done(auditor, "git", "worktree", "add", "--quiet", str(audit), run["commit"])
    done(audit, "git", "apply", "--binary", str(records / "code/uncommitted.patch"))
    done(audit, "cp", str(records / "audit/dvc.lock"), str(records / "audit/params.yaml"), ".")
    done(audit, "ln", "-s", sys.prefix, ".venv")
    remote = str(tree / ".shadowbook/remote")
    done(audit, "dvc", "remote", "modify", "--local", "local", "url", remote)
    pulled = [pin["path"] for pin in run["pins"].values()]
    done(audit, "dvc", "pull", *pulled)
    done(audit, "dvc", "repro", "--single-item", "train@weekly")
    done(audit, "dvc", "repro", "--single-item", "measure@weekly")
    rebuilt = audit / "build/weekly"
    assert (rebuilt / "metrics.json").read_bytes() == (records / "metrics.json").read_bytes()
    predictions = (rebuilt / "predictions.parquet").read_bytes()
    assert predictions == (records / "predictions/out_of_sample.parquet").read_bytes()
    folds = json.loads((rebuilt / "folds.json").read_text("utf-8"))
    assert folds["as_of"] == run["as_of"] == "1995-12-15T21:15:00+00:00"
