"""docs/params.md, params.yaml, the README and the settings' models say the same."""

import importlib.util
import re
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

from shadowbook.core.learning.candidates import Kind
from shadowbook.settings import (
    GatesSettings,
    MarketDataSettings,
    Settings,
    load_settings,
    parse_settings,
)

ROOT = Path(__file__).parents[2]
USERS_OWN = {"strategies", "candidates", "references", "schedules"}


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(
        "params_table", ROOT / "scripts" / "params_table.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def keys_of(content, path=()):
    for key, value in content.items():
        here = (*path, "NAME" if path and path[-1] in USERS_OWN else key)
        if isinstance(value, dict) and value:
            yield from keys_of(value, here)
        elif not isinstance(value, dict):
            yield ".".join(here)


def test_the_page_is_what_the_models_say(script):
    text = script.PAGE.read_text(encoding="utf-8")
    assert script.page(text) == text, "run .venv/bin/python scripts/params_table.py"


def test_writing_the_page_again_changes_nothing(script):
    text = script.PAGE.read_text(encoding="utf-8")
    assert script.page(script.page(text)) == script.page(text)


def test_every_setting_has_a_default_bounds_and_a_meaning(script):
    rows = list(script.rows_of(Settings))
    assert len({row.path for row in rows}) == len(rows)
    for row in rows:
        assert row.default, row.path
        assert row.allowed, row.path
        assert len(row.meaning.split()) > 1, row.path


def test_every_kind_of_candidate_is_described(script):
    assert set(script.KINDS) == set(get_args(Kind))


def test_every_key_of_params_yaml_stands_in_the_page(script):
    load_settings(ROOT / "params.yaml")
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    known = {row.path for row in script.rows_of(Settings)}
    assert set(keys_of(content)) <= known


def test_the_gates_of_params_yaml_are_the_defaults_that_the_pages_give():
    assert load_settings(ROOT / "params.yaml").gates == GatesSettings()


def test_stated_defaults_are_what_a_short_file_gives(script):
    """The page's defaults, held against the settings of a file that says the least."""
    least = {
        "seed": 1,
        "learning": {"candidates": {"floor": {"kind": "momentum"}}},
        "strategies": {"daily": {"horizon": 1}},
    }
    settings = parse_settings(yaml.safe_dump(least)).model_dump()
    for row in script.rows_of(Settings):
        if "NAME" in row.path or "[]" in row.path or row.default == script.REQUIRED:
            continue  # of an entry that the user makes
        value = settings
        for key in row.path.split("."):
            value = value[key]
        assert script._shown(value) == row.default, row.path


def test_the_settings_that_the_readme_shows_are_valid():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        content = yaml.safe_load(block)
        assert set(content) == {"market_data"}
        MarketDataSettings.model_validate(content["market_data"])


def test_a_page_that_lags_is_noticed(script):
    text = script.PAGE.read_text(encoding="utf-8").replace("| 15 |", "| 20 |")
    assert script.page(text) != text
