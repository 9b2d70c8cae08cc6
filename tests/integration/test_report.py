"""The page of a run, made while a real retraining is recorded."""

import json

import pytest
from typer.testing import CliRunner

from shadowbook.adapters.models.records import REPORT
from shadowbook.cli import app
from shadowbook.steps.lineage import lineage


def call(place, *words):
    return CliRunner().invoke(app, ["report", *words, "--workspace", str(place.root)])


@pytest.fixture(scope="module")
def page(single):
    place, report = single
    return place.workspace.models.artifact(report.run.run_id, REPORT).read_text(encoding="utf-8")


def test_a_retraining_leaves_its_page_with_the_run_and_in_the_build_folder(single, page):
    place, report = single
    assert (place.root / "build" / "weekly" / REPORT).read_text(encoding="utf-8") == page
    assert f"weekly version {report.run.model_version}" in page
    assert report.run.run_id in page
    assert len(page.encode()) < 1_000_000
    assert "http" not in page


def test_the_page_shows_the_numbers_of_the_manifest(single, page):
    place, report = single
    manifest = place.workspace.models.manifest(report.run.run_id)
    for item in manifest["candidates"]:
        metric = item["metrics"]["information_coefficient"]
        value = f"{metric['value']:.4f}".replace("-", "−")
        assert f"{value} ± {metric['standard_error']:.4f}" in page
    for pin in manifest["pins"].values():
        assert pin["md5"] in page
    assert "yes, kept with the run as a patch" in page  # the fixture's code is not committed
    assert manifest["patch_sha256"] in page


def test_the_page_shows_the_gates_and_runs_that_the_data_went_through(single, page):
    place, report = single
    found = lineage(place.workspace, report.run.run_id)
    above = [run.manifest for run in found.walk()][1:]
    assert [run["kind"] for run in above] == ["gate", "features", "ingest"]
    for run in above:
        assert run["run_id"] in page
    for feed in ("bars", "index", "features", "labels", "predictions of ridge"):
        assert f"{feed} <span" in page


def test_the_page_of_any_run_can_be_asked_for(single, tmp_path):
    place, report = single
    place = place.copy(tmp_path / "ws")
    stored = place.workspace.models.artifact(report.run.run_id, REPORT)

    assert call(place, "latest").stdout.strip() == str(stored)
    target = tmp_path / "away" / "page.html"
    done = call(place, report.run.run_id[:8], "--to", str(target), "--json")
    assert json.loads(done.stdout) == {"run_id": report.run.run_id, "path": str(target)}
    assert target.read_bytes() == stored.read_bytes()
    for record in place.workspace.models.records():
        if record.kind == "training":
            continue
        done = call(place, record.run_id, "--json")
        made = place.root / "build" / "reports" / f"{record.kind}-{record.run_id[:8]}.html"
        assert json.loads(done.stdout)["path"] == str(made)
        text = made.read_text(encoding="utf-8")
        assert record.run_id in text
        assert ("What the gates said" in text) == (record.kind != "ingest")

    stored.unlink()
    done = call(place, "latest")
    assert done.exit_code == 2
    assert "has no page: it was made before runs had one" in done.stderr
