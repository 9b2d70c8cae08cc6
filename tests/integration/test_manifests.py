"""Every step's manifest: what it read and wrote, by content, and the way back to the source."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from shadowbook.adapters.host import sha256_file
from shadowbook.adapters.models.records import MANIFEST
from shadowbook.cli import app
from shadowbook.core.values import Pin
from shadowbook.errors import ConfigError, IntegrityError
from shadowbook.steps.baseline import BACKTEST, registered_baseline
from shadowbook.steps.gate import gate
from shadowbook.steps.ingest import ingest
from shadowbook.steps.lineage import gate_verdicts, lineage
from shadowbook.steps.manifest import pins_of
from shadowbook.steps.moment import resolve_as_of
from shadowbook.workspace import Workspace

DAY, NEXT = "2022-12-19", "2022-12-20"


@pytest.fixture
def place(single, tmp_path: Path):
    return single[0].copy(tmp_path / "ws")


def _only(place, kind: str) -> dict:
    models = place.workspace.models
    (found,) = models.records(kind)
    return models.manifest(found.run_id)


def test_each_step_of_a_run_is_recorded_once(place) -> None:
    records = place.workspace.models.records()
    assert [record.kind for record in records] == ["training", "features", "gate", "ingest"]
    assert [record.outcome for record in records][0::3] == ["DONE", "DONE"]
    assert {record.as_of.isoformat() for record in records} == {"2022-12-19T21:15:00+00:00"}
    place.extend(DAY)
    place.train(DAY)
    assert place.workspace.models.records() == records


def test_what_was_read_and_written_is_pinned_and_can_be_restored(place, tmp_path: Path) -> None:
    gated = _only(place, "gate")
    assert list(gated["pins"]) == ["incoming"]
    (made,) = pins_of(gated["made"])
    assert made.path == "data/market"
    assert made == place.workspace.snapshots.pin("market", Path("data/market"))
    (incoming,) = pins_of(gated["pins"])
    place.workspace.snapshots.restore(incoming, tmp_path / "restored")
    for file, md5 in place.workspace.snapshots.files(incoming).items():
        assert (tmp_path / "restored" / file).is_file(), md5
    assert place.workspace.snapshots.push([made, incoming]).pushed == 0


def test_an_ingest_names_its_files_by_content(place) -> None:
    sources = {item["path"]: item for item in _only(place, "ingest")["sources"]}
    assert set(sources) == {".shadowbook/source/bars.parquet", ".shadowbook/source/index.parquet"}
    for path, item in sources.items():
        assert item["sha256"] == sha256_file(place.root / path)
        assert item["bytes"] == (place.root / path).stat().st_size


def test_show_walks_from_a_training_to_its_source(place) -> None:
    run = place.workspace.models.resolve("latest")
    found = lineage(place.workspace, run.run_id)
    kinds = [step.manifest["kind"] for step in found.walk()]
    assert kinds == ["training", "gate", "features", "ingest"]
    verdicts = gate_verdicts(found)
    assert [verdict["feed"] for verdict in verdicts][:3] == ["features", "bars", "index"]
    shown = CliRunner().invoke(app, ["show", "latest", "--workspace", str(place.root)])
    assert shown.exit_code == 0
    tail = shown.output.split("where it came from\n")[1].splitlines()
    assert [line.split()[:2] for line in tail] == [
        ["market", "gate"],
        ["incoming", "ingest"],
        ["feature_log", "features"],
        ["market", "gate"],
        ["incoming", "ingest"],
    ]


def test_any_kind_can_be_listed_and_shown(place) -> None:
    options = ["--workspace", str(place.root), "--json"]
    listed = CliRunner().invoke(app, ["runs", "--kind", "all", *options])
    records = json.loads(listed.output)
    assert [record["kind"] for record in records] == ["training", "features", "gate", "ingest"]
    for record in records:
        shown = CliRunner().invoke(app, ["show", record["run_id"][:12], *options])
        manifest = json.loads(shown.output)
        assert (manifest["kind"], manifest["run_id"]) == (record["kind"], record["run_id"])
    assert [m["run_id"] for m in place.workspace.models.manifests()] == [
        record["run_id"] for record in records
    ]
    wrong = CliRunner().invoke(app, ["runs", "--kind", "gate", "-s", "weekly", *options])
    assert wrong.exit_code == 2
    assert "gate runs serve all strategies" in json.loads(wrong.stdout)["error"]["message"]


def test_a_refused_delivery_leaves_a_record_of_why(place, recent) -> None:
    symbols = place.bars()["symbol"].unique()
    bars = recent.bars[recent.bars["symbol"].isin(symbols) & (recent.bars["session"] <= NEXT)]
    bars.loc[bars["session"] == NEXT, "close"] = -1.0
    place.say(bars)
    before = place.workspace.market.accepted.read_note("verdict.json")
    report = place.accept(NEXT)
    assert report.halts
    manifest = place.workspace.models.manifest(report.kept.run_id)
    assert manifest["outcome"] == "FAILED"
    assert manifest["made"] == {}
    assert set(manifest["pins"]) == {"incoming", "market"}
    bad = [f for v in manifest["verdicts"] for f in v["findings"] if f["outcome"] == "FAILED"]
    assert any(NEXT in " ".join(finding["where"]) for finding in bad)
    assert place.workspace.market.accepted.read_note("verdict.json") == before


def test_a_later_gate_extends_an_earlier_one(place, recent) -> None:
    first = _only(place, "gate")
    symbols = place.bars()["symbol"].unique()
    bars = recent.bars[recent.bars["symbol"].isin(symbols)]
    place.say(bars[bars["session"] <= NEXT])
    second = place.accept(NEXT)
    manifest = place.workspace.models.manifest(second.kept.run_id)
    parents = {parent["pin"]: parent for parent in manifest["parents"]}
    assert parents["market"]["run_id"] == first["run_id"]
    assert parents["incoming"]["kind"] == "ingest"
    assert manifest["pins"]["market"]["md5"] == first["made"]["market"]["md5"]
    assert manifest["made"]["market"]["md5"] != first["made"]["market"]["md5"]


def test_without_a_repository_a_gate_still_judges_and_says_why_nothing_is_kept(
    place, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("params.yaml", ".shadowbook"):
        (place.root / name).rename(bare / name)
    workspace = Workspace.open(bare)
    moment = resolve_as_of(workspace, DAY)
    brought = ingest(workspace, moment)
    assert brought.kept.run_id is None
    assert brought.kept.reason.startswith("no git repository at")
    report = gate(Workspace.open(bare), moment)
    assert not report.halts
    assert report.kept == brought.kept
    assert not (bare / "mlruns").exists()


def test_an_unknown_run_is_said_to_be_unknown(place) -> None:
    with pytest.raises(ConfigError, match="no finished run 'abcdef'"):
        place.workspace.models.resolve_any("abcdef")


def test_a_pin_nobody_made_has_no_parent(place) -> None:
    assert place.workspace.models.maker(Pin("market", "data/market", "0" * 32, 1, 1)) is None


def _retell(place, run_id: str, manifest: dict) -> None:
    """Put another manifest in a run's place, as if it had been recorded so."""
    models = place.workspace.models
    path = models.artifact(run_id, MANIFEST)
    path.chmod(0o644)
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with closing(sqlite3.connect(place.root / "mlruns" / "mlflow.db")) as database, database:
        done = database.execute(
            "UPDATE tags SET value = ? WHERE run_uuid = ? AND key = 'manifest_sha256'",
            (sha256_file(path), run_id),
        )
        assert done.rowcount == 1


def test_a_version_is_held_against_the_backtest_that_its_run_recorded(place) -> None:
    run = place.workspace.models.resolve("latest")
    found = registered_baseline(place.workspace, "weekly", run.model_version)
    assert (found.horizon, set(found.candidates)) == (5, {"ridge", "momentum_rule"})
    known = np.isfinite(found.net)
    assert known.sum() > 100
    metrics = place.workspace.models.manifest(run.run_id)["candidates"][0]["metrics"]
    correlation = np.nanmean(found.information_coefficient)
    assert correlation == pytest.approx(metrics["information_coefficient"]["value"], rel=1e-9)
    assert registered_baseline(place.workspace, "weekly", run.model_version + 1) is None


@pytest.mark.parametrize("content", [b"no parquet", b"", None])
def test_another_backtest_than_was_recorded_is_refused(place, content) -> None:
    run = place.workspace.models.resolve("latest")
    path = place.workspace.models.artifact(run.run_id, BACKTEST)
    path.chmod(0o644)
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(IntegrityError) as refused:
        registered_baseline(place.workspace, "weekly", run.model_version)
    assert str(refused.value) == (
        f"predictions/backtest.parquet of run {run.run_id} (weekly/1) is not the file that was "
        "recorded: restore it, or retrain"
    )


def test_a_run_of_a_release_that_kept_no_backtest_has_none(place) -> None:
    run = place.workspace.models.resolve("latest")
    manifest = place.workspace.models.manifest(run.run_id)
    del manifest["artifacts"][BACKTEST]
    _retell(place, run.run_id, manifest)
    assert registered_baseline(place.workspace, "weekly", run.model_version) is None
