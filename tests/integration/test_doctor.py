"""The doctor: says what there is, survives whatever is broken, and changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from shadowbook.steps.doctor import Examination, examine
from shadowbook.steps.maturity import ADVICE
from shadowbook.steps.proofs import proofs, remember
from shadowbook.steps.reproduce import Reproduction
from shadowbook.workspace import Workspace


def of(report: Examination, name: str):
    found = [item for item in report.items if item.name == name]
    assert found, [item.name for item in report.items]
    return found[0]


def tree(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(root)): (path.lstat().st_mtime_ns, path.lstat().st_size)
        for path in root.rglob("*")
        if ".git" not in path.parts
    }


@pytest.fixture(scope="module")
def whole(own_files, tmp_path_factory) -> Path:
    """A workspace with a finished run, not to be changed."""
    return own_files


@pytest.fixture
def place(whole, tmp_path) -> Path:
    """A copy to be broken."""
    return Path(shutil.copytree(whole, tmp_path / "ws", symlinks=True))


def test_a_workspace_with_a_run(whole):
    before = tree(whole)
    report = examine(whole, None)
    assert tree(whole) == before
    assert report.healthy, [item for item in report.items if item.state == "missing"]
    assert "bars of 12 symbols to 2022-12-28" in of(report, "data").said
    assert of(report, "freshness").said.startswith(
        "history (market_data.as_of: newest_session): newest session 2022-12-28, "
    )
    assert of(report, "last run").said.startswith("weekly ")
    assert "as of 2022-12-28 (0 sessions ago)" in of(report, "last run").said
    assert of(report, "remote").said == "DVC remote local lies on this disk and goes with it"
    assert of(report, "lease").said == "nobody is writing"
    assert report.maturity is not None
    assert report.maturity.level == 0
    assert [c.name for c in report.maturity.missing] == ["a proven rebuild"]
    assert of(report, "maturity").remedy == ADVICE


def test_a_folder_without_anything_is_left_as_it_is(make_workspace):
    root = make_workspace()
    before = tree(root)
    report = examine(root, None)
    assert tree(root) == before
    assert report.healthy
    for name in ("data", "features", "last run", "registry", "feast"):
        assert of(report, name).state == "note", name
    assert report.maturity is not None
    assert report.maturity.level == 0


def test_a_rebuild_that_was_proven_is_the_first_level(place):
    workspace = Workspace.open(place)
    run = workspace.models.runs()[0]
    remember(workspace, [Reproduction(run.run_id, run.strategy, "REPRODUCED", None, (), None)])
    report = examine(place, None)
    assert report.maturity is not None
    assert (report.maturity.level, report.maturity.name) == (1, "reproducible training")
    assert {c.name for c in report.maturity.missing} == {
        "an active schedule of the retraining",
        "live data",
        "pins beyond this disk",
    }
    remember(workspace, [Reproduction(run.run_id, run.strategy, "DIFFERS at data", None, (), None)])
    assert [proof.outcome for proof in proofs(place)] == ["DIFFERS at data"]
    report = examine(place, None)
    assert report.maturity is not None
    assert report.maturity.level == 0


def test_the_second_level_needs_a_schedule_live_data_and_another_disk(place):
    other = Path("/dev/shm")  # noqa: S108
    if not other.is_dir() or other.stat().st_dev == place.stat().st_dev:
        pytest.skip("there is no second file system to keep pins on")
    workspace = Workspace.open(place)
    run = workspace.models.runs()[0]
    remember(workspace, [Reproduction(run.run_id, run.strategy, "REPRODUCED", None, (), None)])
    params = yaml.safe_load((place / "params.yaml").read_text("utf-8"))
    params["market_data"]["as_of"] = "now"
    params["schedules"] = {"retrain": {"cron": "30 17 * * 1-5"}}
    (place / "params.yaml").write_text(yaml.safe_dump(params), "utf-8")
    config = f"[core]\n    remote = local\n['remote \"local\"']\n    url = {other}/none-such\n"
    (place / ".dvc" / "config").write_text(config, "utf-8")
    report = examine(place, None)
    assert not (other / "none-such").exists()
    assert report.maturity is not None
    assert report.maturity.level == 2
    assert [c.said for c in report.maturity.missing] == ["params.yaml has no schedules.monitor"]
    assert of(report, "freshness").state == "note"
    assert "behind the calendar" in of(report, "freshness").said
    params["schedules"]["monitor"] = {"cron": "45 17 * * 1-5"}
    (place / "params.yaml").write_text(yaml.safe_dump(params), "utf-8")
    watched = examine(place, None).maturity
    assert watched is not None
    assert watched.level == 3
    assert [c.said for c in watched.missing] == ["not part of this version"] * 2


def corrupt(path: Path) -> None:
    """Write over the middle half, and cut the end off."""
    raw = path.read_bytes()
    quarter = len(raw) // 4
    path.unlink()
    path.write_bytes(raw[:quarter] + os.urandom(2 * quarter) + raw[3 * quarter : -7])


BROKEN = {
    "mlruns/mlflow.db": "registry",
    "data/market/bars/2021.parquet": "data",
    "data/market/verdict.json": "data",
    "data/features/v1/journal.json": "features",
    "data/features/v1/2022.parquet": "features",
    "data/online/registry.db": "feast",
    "data/online/online.db": "feast",
}


@pytest.mark.parametrize(("path", "name"), BROKEN.items())
def test_what_is_damaged_is_a_line(place, path, name):
    corrupt(place / path)
    before = tree(place)
    report = examine(place, None)
    assert tree(place) == before
    found = of(report, name)
    assert found.state == "missing", found
    assert len(found.said.splitlines()) == 1
    assert not report.healthy


def test_a_database_of_nothing_is_a_line(place):
    (place / "mlruns" / "mlflow.db").write_bytes(b"no database" * 1000)
    assert of(examine(place, None), "registry").state == "missing"
    assert "is damaged" in of(examine(place, None), "registry").said


def test_an_older_schema_is_a_line(place):
    with sqlite3.connect(place / "mlruns" / "mlflow.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '0123456789ab'")
    raw.close()
    found = of(examine(place, None), "registry")
    assert found.state == "missing"
    assert found.said.startswith("schema 0123456789ab, the installed MLflow has ")


def test_what_a_kill_left_in_the_database_is_left_to_its_owner(place):
    """A transaction cut short: the file is rolled back in a copy, and by the next command."""
    database = place / "mlruns" / "mlflow.db"
    script = (
        "import sqlite3, os, signal, sys\n"
        "raw = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "raw.execute('PRAGMA cache_size = 1')\n"
        "raw.execute('BEGIN IMMEDIATE')\n"
        "raw.execute(\"UPDATE tags SET value = value || 'x'\")\n"
        "raw.execute('CREATE TABLE half AS SELECT * FROM tags, metrics LIMIT 20000')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(database)], check=False)
    journal = database.with_name("mlflow.db-journal")
    assert journal.stat().st_size > 0
    before = tree(place)
    report = examine(place, None)
    assert tree(place) == before
    assert of(report, "registry").state == "ok"
    assert of(report, "last run").said.startswith("weekly ")
    assert len(Workspace.open(place).models.runs()) == 1
    assert not journal.exists()


def test_without_settings_the_rest_is_looked_at(place):
    (place / "params.yaml").write_text("seed: [", "utf-8")
    report = examine(place, None)
    assert of(report, "settings").state == "missing"
    assert of(report, "registry").state == "ok"
    assert report.maturity is None
    (place / "params.yaml").write_bytes(b"\xff\xfe\x00")
    assert "no UTF-8" in of(examine(place, None), "settings").said
    report = examine(place / "none-such", None)
    assert of(report, "disk").said.startswith("no folder ")


def test_without_git_and_without_dvc(place):
    shutil.rmtree(place / ".git")
    shutil.rmtree(place / ".dvc")
    report = examine(place, None)
    assert "no git repository" in of(report, "git").said
    assert "no DVC repository" in of(report, "remote").said
    assert not (place / ".dvc").exists()
    assert of(report, "data").state == "ok"


def test_half_written_files_of_a_kill_are_named(place):
    (place / "data" / "market" / "bars" / ".2021.parquet.77.draft").write_bytes(b"x" * 2**20)
    found = of(examine(place, None), "leftovers")
    assert found.state == "note"
    assert "1 half-written here (data/market/bars/.2021.parquet.77.draft)" in found.said


def test_who_works_here_is_named(place):
    with Workspace.open(place).lease("retrain"):
        report = examine(place, None)
    found = of(report, "lease")
    assert found.said.startswith(f"held by process {os.getpid()} (shadowbook retrain, since ")
    assert found.state == "note"
    assert of(examine(place, None), "lease").state == "ok"


def test_a_run_that_was_begun_and_not_ended_is_named(place):
    with sqlite3.connect(place / "mlruns" / "mlflow.db") as raw:
        raw.execute(
            "UPDATE runs SET status = 'RUNNING', end_time = NULL WHERE run_uuid IN "
            "(SELECT run_uuid FROM tags WHERE key = 'role' AND value = 'retraining')"
        )
    raw.close()
    report = examine(place, None)
    assert of(report, "last run").state == "note"
    assert (
        "1 begun and not ended, the newest weekly as of 2022-12-28" in of(report, "unfinished").said
    )


def test_a_clock_that_stands_in_the_past_is_named(place):
    ahead = (datetime.now(UTC) + timedelta(days=400)).timestamp()
    os.utime(place / "params.yaml", (ahead, ahead))
    found = of(examine(place, None), "clock")
    assert found.state == "missing"
    assert "params.yaml was written at" in found.said


def test_a_prefect_server_that_does_not_answer_is_named(place, monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    found = of(examine(place, None), "prefect")
    assert found.state == "missing"
    assert "http://127.0.0.1:1/api does not answer" in found.said


def test_the_command_answers_in_json_and_by_its_exit_code(place):
    command = [sys.executable, "-m", "shadowbook", "doctor", "--workspace", str(place)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    done = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, env=kept, check=False
    )
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert {"name", "state", "said", "remedy"} == set(told["items"][0])
    assert told["maturity"]["level"] == 0
    corrupt(place / "mlruns" / "mlflow.db")
    done = subprocess.run(command, capture_output=True, text=True, env=kept, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "✗ registry" in done.stdout
