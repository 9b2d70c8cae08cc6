"""Layers of a run: the same content gives the same words, other content never does."""

import hashlib
import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from shadowbook.core.audit import first_mismatch
from shadowbook.core.learning.dataset import Dataset
from shadowbook.core.learning.evaluation import Evaluation
from shadowbook.core.values import Metric, Pin
from shadowbook.settings import parse_settings
from shadowbook.steps import layers
from shadowbook.steps.train import Trained
from shadowbook.workspace import INSTALLATION

SETTINGS = """
seed: 1
learning: {candidates: {ridge: {kind: ridge}}}
strategies: {weekly: {horizon: 5}}
"""
DEFINITIONS = INSTALLATION / "feature_repo"


@pytest.fixture
def rows():
    return pd.DataFrame(
        {
            "symbol": ["A", "B", "A", "B"],
            "session": pd.to_datetime(["2021-01-04"] * 2 + ["2021-01-05"] * 2),
            "available_at": pd.to_datetime(
                ["2021-01-04 21:15"] * 2 + ["2021-01-05 21:15"] * 2, utc=True
            ),
            "up": [1.0, 2.0, np.nan, 4.0],
            "down": [-1.0, -2.0, -3.0, -4.0],
        }
    )


@pytest.fixture
def trained():
    days = np.datetime64("2021-01-04", "D") + np.arange(6)
    dataset = Dataset(days, ("A", "B"), ("up",), *np.zeros((3, 6, 2)), n_rows=12)
    folds = ((np.arange(2), np.arange(4, 6)),)
    as_of = datetime(2021, 1, 9, tzinfo=UTC)
    return Trained(
        "weekly", as_of, dataset, folds, {"ridge": np.zeros((6, 2))}, {"ridge": (4,)}, ()
    )


def features(rows, names=("up", "down")):
    return layers.features_layer(rows, DEFINITIONS, names)


def test_the_order_of_rows_is_no_content(rows):
    assert features(rows.sample(frac=1.0, random_state=1)) == features(rows)


def test_the_unit_of_a_time_is_no_content(rows):
    micro = rows.assign(
        session=rows["session"].astype("datetime64[us]"),
        available_at=rows["available_at"].dt.as_unit("us"),
    )
    nano = rows.assign(
        session=rows["session"].astype("datetime64[ns]"),
        available_at=rows["available_at"].dt.as_unit("ns"),
    )
    assert features(micro) == features(nano)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("up", 2.0000000001),
        ("up", np.nan),
        ("symbol", "C"),
        ("session", pd.Timestamp("2021-01-03")),
        ("available_at", pd.Timestamp("2021-01-04 21:16", tz="UTC")),
    ],
)
def test_any_altered_cell_is_another_layer(rows, column, value):
    other = rows.copy()
    other.loc[1, column] = value
    found = first_mismatch({"features": features(rows)}, {"features": features(other)})
    assert (found.layer, found.what) == ("features", "values")


def test_definitions_and_columns_are_in_the_layer(rows, tmp_path):
    layer = features(rows)
    text = (DEFINITIONS / "definitions.py").read_bytes()
    assert layer["definitions_sha256"] == hashlib.sha256(text).hexdigest()
    assert (layer["columns"], layer["names"], layer["n_rows"]) == (["up", "down"],) * 2 + (4,)
    (tmp_path / "definitions.py").write_bytes(text + b"\n")
    other = layers.features_layer(rows, tmp_path, ("up", "down"))
    assert first_mismatch({"f": layer}, {"f": other}).what == "definitions_sha256"


def test_folds_hold_boundaries_members_and_labels(trained):
    layer = layers.folds_layer(trained)
    (fold,) = layer["folds"]
    assert (fold["train_last"], fold["test_first"]) == ("2021-01-05", "2021-01-08")
    moved = replace(trained, folds=((np.arange(2), np.arange(3, 6)),))
    assert layers.folds_layer(moved)["members"] != layer["members"]
    labels = trained.dataset.labels.copy()
    labels[0, 0] = 1.0
    relabelled = replace(trained, dataset=replace(trained.dataset, labels=labels))
    other = layers.folds_layer(relabelled)
    assert (other["folds"], other["members"]) == (layer["folds"], layer["members"])
    assert other["labels"] != layer["labels"]


def test_a_metric_that_cannot_be_computed_is_none_and_survives_json():
    metrics = {
        "sharpe": Metric("sharpe", 0.5, 0.1, 10),
        "drawdown": Metric("drawdown", math.nan, math.nan, 0, "NOT_COMPUTABLE", "no return"),
    }
    nothing = np.zeros(0)
    evaluation = Evaluation(metrics, *[nothing] * (len(Evaluation.__dataclass_fields__) - 1))
    layer = layers.metrics_layer(evaluation)
    assert layer == {"sharpe": 0.5, "drawdown": None}
    read = json.loads(json.dumps(layer, allow_nan=False))
    assert first_mismatch({"metrics": layer}, {"metrics": read}) is None


def test_data_is_its_hashes():
    pins = [Pin("market", "data/market", "a1.dir", 5, 2), Pin("log", "data/log", "b2.dir", 7, 3)]
    assert layers.data_layer(pins) == {"market": "a1.dir", "log": "b2.dir"}


def test_settings_that_are_spelled_out_are_those_that_are_left_out():
    spelled = SETTINGS + "snapshots: {remote: local}\n"
    plain = layers.settings_digest(parse_settings(SETTINGS))
    assert layers.settings_digest(parse_settings(spelled)) == plain
    other = SETTINGS.replace("horizon: 5", "horizon: 6")
    assert layers.settings_digest(parse_settings(other)) != plain


def test_a_run_key_depends_on_every_part_and_not_on_their_order():
    parts = {"as_of": datetime(2021, 1, 4, tzinfo=UTC), "commit": "c", "dataset": "d"}
    key = layers.run_key("weekly", parts)
    assert len(key) == 64
    assert layers.run_key("weekly", dict(reversed(parts.items()))) == key
    others = [layers.run_key("weekly", {**parts, name: "x"}) for name in parts]
    assert len({key, layers.run_key("monthly", parts), *others}) == 5


def test_the_source_is_the_code_that_runs():
    layer = layers.source_layer()
    assert layer == layers.source_layer()
    assert len(layer["source_sha256"]) == 64
