"""The files an auditor lays over a checkout say what DVC and the settings' reader take."""

from datetime import UTC, datetime
from pathlib import Path

import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA

from shadowbook.core.values import Pin
from shadowbook.settings import load_settings, parse_settings
from shadowbook.steps.audit_files import AUDIT_PARAMS, DVC_LOCK, STAGES, audit_files

PROJECT = Path(__file__).resolve().parents[3]
AS_OF = datetime(2022, 12, 28, 21, 15, tzinfo=UTC)


def test_the_files_say_the_runs_data_settings_and_moment():
    settings = load_settings(PROJECT / "params.yaml")
    pins = (
        Pin("market", "data/market", f"{'a' * 32}.dir", 100, 3),
        Pin("feature_log", "data/features/v1", f"{'b' * 32}.dir", 200, 4),
    )
    found = audit_files(settings, AS_OF, pins)
    lock = COMPILED_LOCKFILE_SCHEMA(yaml.safe_load(found[DVC_LOCK]))
    assert {name: stage["outs"][0]["path"] for name, stage in lock["stages"].items()} == {
        "gate": "data/market",
        "features": "data/features/v1",
    }
    read = parse_settings(found[AUDIT_PARAMS])
    assert read.market_data.as_of == AS_OF.isoformat()
    held = settings.market_data.model_copy(update={"as_of": AS_OF.isoformat()})
    assert read == settings.model_copy(update={"market_data": held})


def test_the_stages_are_those_of_the_pipeline():
    stages = yaml.safe_load((PROJECT / "dvc.yaml").read_text("utf-8"))["stages"]
    for stage in STAGES.values():
        assert stages[stage]["cmd"] == f".venv/bin/shadowbook {stage}"
