"""A run is rebuilt from its pins, and whatever was altered is named."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import pandas as pd
import pytest
from typer.testing import CliRunner

from shadowbook.adapters.models.records import MANIFEST
from shadowbook.cli import app
from shadowbook.core.audit import digest as canonical_digest
from shadowbook.core.values import Pin
from shadowbook.steps import stored
from shadowbook.steps.manifest import MANIFEST_SCHEMA

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


def artifact(place, name):
    return place.workspace.models.artifact(manifest(place)["run_id"], name)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("predictions/out_of_sample.parquet", "predictions"),
        ("predictions/evaluation_set.parquet", "predictions"),
        ("folds.json", "folds"),
        ("gate/market.json", "data"),
        ("metrics.json", "metrics"),
        ("plots/equity.png", "metrics"),
    ],
)
def test_an_altered_or_lost_artifact_is_named(place, name, layer):
    """The rebuild agrees with the manifest; whoever reads the file reads something else."""
    workspace, recorded = place.workspace, manifest(place)
    assert stored.altered(workspace, recorded) is None
    scribble(artifact(place, name))
    found = stored.altered(workspace, recorded)
    assert (found.layer, found.what) == (layer, name)
    assert found.recorded == recorded["artifacts"][name] != found.rebuilt
    artifact(place, name).unlink()
    assert stored.altered(workspace, recorded) == replace(found, rebuilt=None)


def test_altered_predictions_differ_though_the_rebuild_does_not(place):
    name = "predictions/out_of_sample.parquet"
    altered(artifact(place, name), lambda rows: rows.assign(ridge=-rows["ridge"]))
    assert differs_at("predictions", place) == name


def test_an_altered_model_file_is_named(place):
    made = place.workspace.models.runs()[0]
    path = place.workspace.models.model_file(made.strategy, made.model_version)
    scribble(path)
    assert differs_at("predictions", place) == f"the stored model {path}"


def rewritten(place, change):
    """Alter the manifest and the registry's own record of its hash: the work of an insider."""
    recorded = manifest(place)
    change(recorded)
    path = artifact(place, MANIFEST)
    path.chmod(0o644)
    path.write_text(json.dumps(recorded), encoding="utf-8")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with closing(sqlite3.connect(place.root / "mlruns/mlflow.db")) as raw, raw:
        raw.execute(
            "UPDATE tags SET value = ? WHERE key = 'manifest_sha256' AND run_uuid = ?",
            (digest, recorded["run_id"]),
        )


def test_settings_altered_in_the_manifest_are_named(place):
    def cheaper(recorded):
        recorded["settings"]["learning"]["evaluation"]["cost_bps"] = 1.0

    rewritten(place, cheaper)
    assert differs_at("settings", place) == "settings_sha256"

    def and_their_hash(recorded):
        recorded["settings_sha256"] = canonical_digest(recorded["settings"])

    rewritten(place, and_their_hash)
    assert differs_at("metrics", place) in manifest(place)["layers"]["metrics"]


def note_of(place, file):
    return json.loads((place.root / file).read_text(encoding="utf-8"))


def noted(place, file, content):
    (place.root / file).write_text(json.dumps(content), encoding="utf-8")


def another(**values):
    """Put one more row behind those of the year, as of a session that was logged."""
    return lambda rows: pd.concat([rows, rows[rows["session"] == DAY].head(1).assign(**values)])


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"symbol": "NEW"}, "NEW 2022-12-14 was not pinned with its session"),
        ({"available_at": pd.Timestamp("2022-12-14 22:00Z")}, "2022-12-14 was not pinned with"),
    ],
)
def test_a_row_added_to_a_logged_session_is_named(place, values, said):
    altered(place.root / "data/features/v1/2022.parquet", another(**values))
    what = differs_at("data", place)
    assert said in what
    assert "(1 such rows)" in what


def test_a_year_added_to_the_log_is_named(place):
    log = place.root / "data/features/v1"
    rows = pd.read_parquet(log / "2020.parquet").head(3)
    rows["session"] -= pd.Timedelta(days=365)
    rows.to_parquet(log / "2019.parquet", index=False)
    assert "was not pinned with its session and stands there now (3 such" in differs_at(
        "data", place
    )


@pytest.mark.parametrize("what", ["symbols", "first", "quarantined"])
def test_an_altered_journal_is_named(place, what):
    file = "data/features/v1/journal.json"
    entries = note_of(place, file)
    bad = {"symbol": "HD", "first": "2021-01-04", "last": None, "reason": "made up"}
    entries[0][what] = {"symbols": ["HD"], "first": "2020-02-03", "quarantined": [bad]}[what]
    noted(place, file, entries)
    said = differs_at("data", place)
    assert f"{file}: entry 1 (as of 2022-12-19 21:15 UTC): {what} was pinned as" in said
    noted(place, file, [])
    assert f"{file}: entry 1 (as of 2022-12-19 21:15 UTC) was pinned and is gone" in differs_at(
        "data", place
    )


def test_an_altered_verdict_is_named_and_another_gates_is_a_note(place):
    file = "data/market/verdict.json"
    verdict = note_of(place, file)
    span = {"symbol": "HD", "first": "2021-01-04", "last": None, "reason": "made up"}
    noted(place, file, {**verdict, "quarantined": [span]})
    assert f"{file}: quarantined was pinned as [] and is now [{{'symbol': 'HD'" in differs_at(
        "data", place
    )
    with (place.root / "params.yaml").open("a", encoding="utf-8") as params:
        params.write("gates: {market: {min_symbols: 6}}\n")
    code, found = reproduced(place)
    assert (code, found["outcome"]) == (0, "REPRODUCED")
    assert f"{place.root / file} is another one than the pinned" in found["notes"][0]
    (place.root / file).write_text("{", encoding="utf-8")
    assert "verdict.json cannot be read" in differs_at("data", place)


def test_a_verdict_set_back_hides_no_row(place):
    file = "data/market/verdict.json"
    past = {"as_of": "2021-01-04T21:15:00+00:00", "decided": "2021-01-04T21:15:00+00:00"}
    noted(place, file, {**note_of(place, file), **past})
    altered(place.root / "data/market/bars/2022.parquet", raised("close", "CVX"))
    assert "close of CVX 2022-12-14 was pinned as" in differs_at("data", place)


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
    found = reproduced(place)[1]
    assert found["outcome"] == "REPRODUCED"
    assert "the workspace's feature log was begun anew: its first extension" in found["notes"][0]
