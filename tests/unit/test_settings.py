"""params.yaml: what is wrong is told by path, value and what is allowed."""

import copy
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from shadowbook.errors import ConfigError
from shadowbook.settings import load_settings, parse_settings

PROJECT = Path(__file__).parents[2]
GOOD = {
    "seed": 1,
    "learning": {"candidates": {"first": {"kind": "ridge"}}},
    "strategies": {"weekly": {"horizon": 5}},
}
FILES = {"source": "files", "files": {"path": "x.csv", "columns": {"volume": "volume"}}}


def text_with(path, value):
    content = copy.deepcopy(GOOD)
    place = content
    *parents, last = path.split(".")
    for part in parents:
        place = place.setdefault(part, {})
    place[last] = value
    return yaml.safe_dump(content, allow_unicode=True)


def refusal(text):
    with pytest.raises(ConfigError) as caught:
        parse_settings(text)
    return str(caught.value)


def test_the_shipped_file_is_valid():
    settings = load_settings(PROJECT / "params.yaml")
    assert settings.strategies["weekly"].horizon == 5
    assert [c.kind for c in settings.learning.candidates.values()].count("momentum") == 1


def test_what_is_not_set_has_a_default():
    settings = parse_settings(yaml.safe_dump(GOOD))
    assert settings.market_data.calendar == "XNYS"
    assert settings.learning.splits.n_splits == 6


def test_settings_cannot_be_changed():
    settings = parse_settings(yaml.safe_dump(GOOD))
    with pytest.raises(ValidationError, match="frozen"):
        settings.seed = 2


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            "schedules",
            {"retrian": {"cron": "* * * * *"}},
            "'retrian' is no flow; did you mean retrain?; there are prepare, retrain",
        ),
        (
            "schedules.retrain.cron",
            "0 24 * * *",
            "schedules.retrain.cron = '0 24 * * *': the hour '24' must lie within 0 to 23",
        ),
        (
            "schedules.retrain",
            {"cron": "* * * * *", "patience": 1},
            "schedules.retrain.patience = 1: unknown key; did you mean patience_minutes?",
        ),
        ("sed", 1, "sed = 1: unknown key; did you mean seed?; known keys: seed, market_data, "),
        ("market_data.calender", "XNYS", "market_data.calender = 'XNYS': unknown key; did you mean "
         "calendar?; known keys: source, calendar, "),
        ("market_data.files.columns.closes", "x", "did you mean close?; known keys: symbol, "),
        ("market_data.files.references", {"vix": {"path": "x", "vale": 1}},
         "market_data.files.references.vix.vale = 1: unknown key; did you mean value?; known keys"),
        ("strategies.weekly.horizn", 5, "strategies.weekly.horizn = 5: unknown key; did you mean "
         "horizon?; known keys: horizon, label, features"),
        ("strategies.weekly.label.transfrom", "rank", "did you mean transform?"),
        ("learning.candidates.first.parameters", {"alhpa": 1}, "learning.candidates.first."
         "parameters.alhpa = 1: unknown key; did you mean alpha?; known keys: alpha"),
        ("gates.market.min_symbol", 3, "did you mean min_symbols?; known keys: min_symbols, "),
        ("zzz", list(range(99)), "zzz = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, "
         "1...: unknown key; known keys: seed"),
        ("seed", -1, "seed = -1: must be greater than or equal to 0"),
        ("seed", 1.5, "seed = 1.5: must be a valid integer"),
        ("seed", True, "seed = True: must be a number, not true or false (yes or no)"),
        ("seed", None, "seed = None: must be a valid integer"),
        ("strategies.weekly.horizon", 0, "weekly.horizon = 0: must be greater than or equal to 1"),
        ("strategies.weekly.horizon", True, "weekly.horizon = True: must be a number"),
        ("strategies.weekly.horizon", "five", "weekly.horizon = 'five': must be a valid integer"),
        ("strategies.weekly", {}, "strategies.weekly.horizon is missing: it has no default"),
        ("strategies", {}, "strategies = {}: must be not empty"),
        ("strategies", {"wee kly": {"horizon": 5}}, "strategies.wee kly: a name is up to 40 "),
        ("strategies", {"übung": {"horizon": 5}}, "strategies.übung: a name is up to 40 "),
        ("strategies", {"": {"horizon": 5}}, "strategies.: a name is up to 40 "),
        ("strategies", {5: {"horizon": 5}}, "strategies.5.[key] = 5: must be text"),
        ("market_data", [1], "market_data = [1]: must be a mapping, `key: value` on lines of "),
        ("market_data", None, "market_data = None: must be a mapping"),
        ("market_data.source", "file", "market_data.source = 'file': must be 'sample' or 'files'; "
         "did you mean files?"),
        ("market_data.decision_delay_minutes", float("nan"), "= nan: must be a finite number"),
        ("market_data.decision_delay_minutes", float("inf"), "= inf: must be a finite number"),
        ("market_data.decision_delay_minutes", "soon", "= 'soon': must be a valid number"),
        ("market_data.files.time_zone", "Mars", "= 'Mars': must be an IANA time zone such as"),
        ("market_data.files.price_scale", 0, "price_scale = 0: must be greater than 0"),
        ("snapshots.remote", False, "snapshots.remote = False: must be text"),
        ("learning.candidates", {}, "learning.candidates = {}: must be not empty"),
        ("learning.candidates", [{"name": "a", "kind": "ridge"}],
         "learning.candidates = [{'kind': 'ridge', 'name': 'a'}]: must be a mapping"),
        ("learning.candidates.first", None, "learning.candidates.first = None: must be a mapping"),
        ("learning.candidates.first.kind", "rigde", "learning.candidates.first.kind = 'rigde': must"
         " be 'ridge', 'hist_gradient_boosting' or 'momentum'; did you mean ridge?"),
        ("learning.candidates.first.parameters", {"alpha": 0},
         "learning.candidates.first.parameters.alpha = 0: must be greater than 0"),
        ("learning.candidates.first.parameters", 3, "parameters = 3: must be a mapping"),
        ("learning.candidates.first.name", "second", "first calls itself 'second'"),
        ("learning.candidates.First", {"kind": "ridge"}, "= 'First': must match pattern"),
        ("learning.splits", {"min_train": 500, "max_train": 100}, "max_train = 100: must be at le"),
        ("learning.window", {"kind": "rolling"}, "learning.window.sessions = None: must be a number"
         " of sessions: a rolling window needs it"),
        ("learning.window", {"kind": "roling"}, "'roling': must be 'expanding', 'rolling' or 'recen"
         "cy_weighted'; did you mean rolling?"),
        ("learning.window", {"half_life_sessions": 9}, "life_sessions = 9: does not belong to"),
        ("strategies.weekly.window", {"knd": "rolling"}, "strategies.weekly.window.knd = 'rolling':"
         " unknown key; did you mean kind?; known keys: kind, sessions, half_life_sessions"),
        ("strategies.weekly.window", 5, "strategies.weekly.window = 5: must be a mapping"),
        ("strategies.weekly.features", "momentum_21", "= 'momentum_21': must be a list, [one, "),
        ("strategies.weekly.features", ["momentm_21"], "strategies.weekly.features = 'momentm_21': "
         "no such feature; did you mean momentum_21?; there are momentum_21, "),
        ("features.version", 2, "features.version = 2: must be 1"),
    ],
)  # fmt: skip
def test_a_fault_is_told_by_path_value_and_what_is_allowed(path, value, said):
    lines = refusal(text_with(path, value)).splitlines()
    assert any(said in line for line in lines), lines
    assert all(line.startswith("params.yaml: ") for line in lines)


def test_every_fault_has_a_line_of_its_own():
    text = yaml.safe_dump(GOOD | {"seed": -1, "zzz": 5, "strategies": {"weekly": {"horizon": 0}}})
    assert [line.split(" ")[1] for line in refusal(text).splitlines()] == [
        "seed",
        "strategies.weekly.horizon",
        "zzz",
    ]


def test_a_feature_needs_its_columns():
    volume = text_with("strategies.weekly.features", ["volume_ratio_21_126", "momentum_21"])
    assert "it needs a column that the source does not bring; map it" in refusal(
        volume
    ) or "no such feature" in refusal(volume)


def test_the_momentum_rule_needs_a_feature_that_is_used():
    rule = {"kind": "momentum", "parameters": {"feature": "momentum_252_2"}}
    said = refusal(text_with("learning.candidates.rule", rule))
    assert "candidates.rule.parameters.feature = 'momentum_252_2': no such feature; did" in said
    content = copy.deepcopy(GOOD)
    content["learning"]["candidates"]["rule"] = {"kind": "momentum"}
    content["strategies"]["weekly"]["features"] = ["momentum_21"]
    assert (
        "feature = 'momentum_252_21': strategy weekly does not use it; add it to "
        "strategies.weekly.features"
    ) in refusal(yaml.safe_dump(content))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "params.yaml is empty or no mapping"),
        ("# nothing but a comment", "params.yaml is empty or no mapping"),
        ("- seed", "params.yaml is empty or no mapping"),
        ("seed: 1\nseed: 2", "params.yaml line 2 is no valid YAML: key 'seed' stands twice"),
        ("a:\n  b: 1\n  c: 2\n  b: 3", "line 4 is no valid YAML: key 'b' stands twice"),
        ("seed: {{ seed }}", "line 1 is no valid YAML: a list or mapping cannot be a key"),
        ("seed: 1\n? [1]\n: 2", "line 2 is no valid YAML: a list or mapping cannot be a key"),
        ("seed: 1\nday: 2022-13-45", "line 2 is no valid YAML: month must be in 1..12"),
        ("seed: 1\n\tb: 1", "line 2 is no valid YAML: found character '\\t'"),
        ("seed: 'a", "is no valid YAML: found unexpected end of stream"),
        ("seed: *no", "is no valid YAML: found undefined alias 'no'"),
        ("seed: 1\n---\nseed: 2", "line 2 is no valid YAML: but found another document"),
        ("seed: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("seed: " + "1" * 5000, "line 1 is no valid YAML: Exceeds the limit"),
        ("seed: \x00", "is no valid YAML: unacceptable character #x0000"),
    ],
)
def test_what_is_no_yaml_is_told_by_line(text, said):
    sentence = refusal(text)
    assert said in sentence
    assert "\n" not in sentence


def test_merge_keys_and_byte_order_marks_are_read():
    text = "\ufeff" + yaml.safe_dump(GOOD)
    assert parse_settings(text + "report: {<<: {drift_rows: 200}}").report.drift_rows == 200


def test_numbers_in_scientific_notation_are_numbers():
    """YAML 1.1 takes 1e-4 for text."""
    settings = parse_settings(text_with("gates.market.range_tolerance", "1e-4"))
    assert settings.gates.market.range_tolerance == 1e-4


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ConfigError, match=r"no strategy 'x' in params\.yaml: there are weekly"):
        parse_settings(yaml.safe_dump(GOOD)).strategy("x")


def test_files_that_cannot_be_read_are_named(tmp_path):
    other = tmp_path / "params.yaml"
    with pytest.raises(ConfigError, match=r"params\.yaml does not exist: run in a Shadowbook work"):
        load_settings(other)
    other.write_bytes(yaml.safe_dump(GOOD).encode("utf-16"))
    with pytest.raises(ConfigError, match=r"params\.yaml is no UTF-8 text \(byte 0\): save it as"):
        load_settings(other)
    other.write_bytes("seed: 1 # größe".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"is no UTF-8 text \(byte 12\)"):
        load_settings(other)
    with pytest.raises(ConfigError, match=r"cannot be read .*Is a directory"):
        load_settings(tmp_path)


@pytest.mark.parametrize("text", ["2022-12-28", "'2022-12-28'", "2022-12-28T21:15:00+00:00"])
def test_a_moment_is_taken_as_yaml_reads_it(text):
    held = parse_settings(yaml.safe_dump(GOOD) + f"market_data: {{as_of: {text}}}")
    assert held.market_data.as_of == text.strip("'")
    assert parse_settings(yaml.safe_dump(held.model_dump(mode="json"))) == held


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("noww", "must be newest_session, now, a session (2022-12-28) or an ISO 8601 time"),
        ("newest-session", "did you mean newest_session?"),
        ("2022-12-28T21:15:00", "has no time zone: add an offset, 2022-12-28T21:15:00+00:00"),
        ("7", "market_data.as_of = 7: must be text"),
    ],
)
def test_what_names_no_moment_is_refused(text, said):
    sentence = refusal(yaml.safe_dump(GOOD) + f"market_data: {{as_of: {text}}}")
    assert "market_data.as_of" in sentence
    assert said in sentence


def test_a_strategys_own_window_takes_the_place_of_learnings():
    content = copy.deepcopy(GOOD)
    content["learning"]["window"] = {"kind": "rolling", "sessions": 500}
    content["strategies"]["daily"] = {
        "horizon": 1,
        "window": {"kind": "recency_weighted", "half_life_sessions": 250},
    }
    settings = parse_settings(yaml.safe_dump(content))
    assert settings.window_of("weekly").sessions == 500
    assert settings.window_of("daily").half_life_sessions == 250
    assert settings.window_of("daily").sessions is None
