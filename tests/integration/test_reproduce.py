"""A run is rebuilt from its pins, and whatever was altered is named."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
from typer.testing import CliRunner

from shadowbook.adapters.models.records import MANIFEST
from shadowbook.cli import app
from shadowbook.core.values import Pin
from shadowbook.steps.record import MANIFEST_SCHEMA

CACHE = ".dvc/cache/files/md5"
REMOTE = ".shadowbook/remote/files/md5"
DAY = "2022-12-14"


@pytest.fixture
def place(single, tmp_path):
    """A copy of the run's workspace, to be damaged."""
    return single[0].copy(tmp_path / "copy")


def reproduced(place, run="latest"):
    """-> exit code, what was said."""
    done = CliRunner().invoke(app, ["reproduce", run, "--workspace", str(place.root), "--json"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, json.loads(done.stdout)


def differs_at(layer, place):
    """Assert that the named layer differs; -> what is said of it."""
    code, found = reproduced(place)
    assert (code, found.get("outcome")) == (3, f"DIFFERS at {layer}"), found
    return found["mismatch"]["what"]


def manifest(place):
    models = place.workspace.models
    return models.manifest(models.resolve("latest").run_id)


def pinned_object(place, name, file, store):
    """Where the object of a pinned file lies."""
    item = manifest(place)["pins"][name]
    pin = Pin(name, item["path"], item["md5"], item["bytes"], item["files"])
    md5 = place.workspace.snapshots.files(pin)[file]
    return place.root / store / md5[:2] / md5[2:]


def altered(path, change):
    """Do to a parquet file what a person with pandas does."""
    rows = pd.read_parquet(path)
    change(rows).to_parquet(path, index=False)


def raised(column, symbol):
    def change(rows):
        key = "symbol" if "symbol" in rows else "name"
        rows.loc[(rows[key] == symbol) & (rows["session"] == DAY), column] += 0.01
        return rows

    return change


def without(symbol):
    return lambda rows: rows[(rows["symbol"] != symbol) | (rows["session"] != DAY)]


def scribble(path):
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b"\0")


def test_is_rebuilt_in_a_fresh_process(single):
    place, made = single
    code, found = reproduced(place, made.run.run_id[:8])
    assert (code, found["outcome"], found["mismatch"]) == (0, "REPRODUCED", None)
    recorded = manifest(place)
    assert found["prediction_digest"] == recorded["prediction_digest"]
    assert recorded["schema"] == MANIFEST_SCHEMA
    assert found["notes"] == [
        "the workspace's repository holds no code: the installed one was used"
    ]


def test_needs_neither_the_data_folder_nor_the_cache(place):
    shutil.rmtree(place.root / "data")
    shutil.rmtree(place.root / ".shadowbook/source")
    shutil.rmtree(place.root / CACHE)
    assert reproduced(place)[1]["outcome"] == "REPRODUCED"


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("data/market/bars/2022.parquet", raised("close", "CVX"), "close of CVX 2022-12-14 was"),
        ("data/market/references.parquet", raised("value", "index"), "value of index 2022-12-14"),
        ("data/market/bars/2022.parquet", without("CVX"), "CVX 2022-12-14 was pinned and is gone"),
        ("data/features/v1/2022.parquet", raised("momentum_21", "HD"), "momentum_21 of HD 2022-12"),
        ("data/features/v1/2022.parquet", without("HD"), "HD 2022-12-14 was pinned and is gone"),
        (
            "data/market/bars/2022.parquet",
            lambda rows: pd.concat([rows, rows.tail(1)]),
            "2022-12-19 stands twice",
        ),
        (
            "data/market/bars/2022.parquet",
            lambda rows: rows.drop(columns="close"),
            "the pinned column close is gone",
        ),
    ],
)
def test_an_altered_workspace_file_is_named(place, file, change, said):
    altered(place.root / file, change)
    what = differs_at("data", place)
    assert said in what
    assert file in what


@pytest.mark.parametrize("file", ["data/market/bars/2021.parquet", "data/features/v1/2021.parquet"])
def test_a_lost_workspace_file_is_named(place, file):
    (place.root / file).unlink()
    assert f"{file} was pinned and is gone" in differs_at("data", place)


def test_a_damaged_workspace_file_is_named(place):
    (place.root / "data/market/bars/2021.parquet").write_bytes(b"PAR1 not really PAR1")
    assert "2021.parquet cannot be read" in differs_at("data", place)


@pytest.mark.parametrize(
    ("pin", "file"), [("market", "bars/2021.parquet"), ("feature_log", "2022.parquet")]
)
def test_an_altered_object_in_the_cache_is_named(place, pin, file):
    path = pinned_object(place, pin, file, CACHE)
    scribble(path)
    what = differs_at("data", place)
    assert what.startswith(f"{file} of pin '{pin}' is altered: the object at {path}")


def test_an_altered_object_in_the_remote_is_named_when_the_cache_is_empty(place):
    path = pinned_object(place, "market", "bars/2021.parquet", REMOTE)
    scribble(path)
    shutil.rmtree(place.root / CACHE)
    what = differs_at("data", place)
    assert what.startswith("bars/2021.parquet of pin 'market' is altered")
    assert str(path) in what


def test_data_that_is_nowhere_is_named(place):
    lost = [pinned_object(place, "market", "references.parquet", at) for at in (CACHE, REMOTE)]
    for path in lost:
        path.unlink()
    what = differs_at("data", place)
    assert what.startswith("references.parquet of pin 'market' is lost")
    assert all(str(path) in what for path in lost)


def test_an_altered_or_lost_patch_is_the_code_layer(place):
    run = manifest(place)["run_id"]
    path = place.workspace.models.artifact(run, "code/uncommitted.patch")
    path.write_bytes(path.read_bytes().replace(b"not committed", b"committed \xff"))
    assert differs_at("code", place) == "uncommitted.patch"
    path.unlink()
    assert differs_at("code", place) == "uncommitted.patch"


@pytest.mark.parametrize("key", ["prediction_digest", "metrics"])
def test_an_altered_manifest_is_refused(place, key):
    recorded = manifest(place)
    if key == "metrics":
        recorded["layers"]["metrics"]["sharpe"] = 9.0
    else:
        recorded[key] = "0" * 64
    path = place.workspace.models.artifact(recorded["run_id"], MANIFEST)
    path.chmod(0o644)
    path.write_text(json.dumps(recorded), encoding="utf-8")
    code, said = reproduced(place)
    assert code == 3
    assert said["error"]["type"] == "IntegrityError"
    assert "the registry recorded" in said["error"]["message"]


def test_what_was_not_committed_comes_back(single, tmp_path):
    place, made = single
    workspace = place.workspace
    recorded = manifest(place)
    patch = workspace.models.artifact(made.run.run_id, "code/uncommitted.patch").read_text("utf-8")
    with workspace.code.worktree(recorded["commit"], patch, tmp_path / "tree") as tree:
        for name in ("params.yaml", "notes.txt"):
            assert (tree / name).read_bytes() == (place.root / name).read_bytes()


def test_a_later_run_in_a_workspace_brought_in_anew_does_not_accuse(place):
    """Data removed and brought in up to an earlier moment: what comes later is not missed."""
    shutil.rmtree(place.root / "data")
    place.extend("2022-12-12")
    assert reproduced(place)[1]["outcome"] == "REPRODUCED"
