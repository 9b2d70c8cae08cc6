import numpy as np
import pandas as pd
import pytest

from shadowbook.core.gates.learned import (
    FeatureGatePolicy,
    LabelGatePolicy,
    PredictionGatePolicy,
    feature_gate,
    label_gate,
    prediction_gate,
)

SESSIONS = pd.bdate_range("2020-01-01", periods=6).to_numpy("datetime64[D]")


def features(values):
    values = np.asarray(values, dtype=float)
    days = SESSIONS[: len(values)].astype("datetime64[us]")
    frame = pd.DataFrame({"symbol": "KO", "session": days, "x": values})
    return frame.assign(available_at=frame["session"].dt.tz_localize("UTC"))


def test_feature_summary_counts_missing_after_the_warm_up_only():
    gate = feature_gate(features([np.nan, np.nan, 1, np.nan, -3, 2]), 2, FeatureGatePolicy())
    row = gate.tables["features"].iloc[0]
    assert row["feature"] == "x"
    assert row["missing_share"] == 0.25
    assert row["largest"] == 3
    assert row["distinct"] == 3
    assert row["infinite"] == 0


def test_warm_up_is_counted_for_each_symbol_in_time_order():
    one = features([np.nan, 1, 2, 3, 4, 5])
    late = features([np.nan, 7]).assign(symbol="PG")
    frame = pd.concat([one, late]).sample(frac=1, random_state=0)
    gate = feature_gate(frame, 1, FeatureGatePolicy())
    assert gate.tables["features"]["missing_share"].item() == 0


def test_a_feature_still_warming_up_everywhere_counts_as_missing():
    gate = feature_gate(features([1, 2, 3]), 10, FeatureGatePolicy())
    assert gate.tables["features"]["missing_share"].item() == 1


def test_coverage_is_of_the_newest_session():
    frame = pd.concat([features([1, 2]), features([1, np.nan]).assign(symbol="PG")])
    gate = feature_gate(frame, 0, FeatureGatePolicy())
    assert gate.tables["frame"]["coverage"].item() == 0.5


def test_labels_that_cannot_have_matured_are_not_missing_but_early():
    labels = np.array([[0.5, -0.5], [0.5, np.nan], [0.1, -0.1], [0.3, -0.3], [np.nan, np.nan]])
    gate = label_gate(labels, SESSIONS[:5], 2, LabelGatePolicy())
    row = gate.tables["labels"].iloc[0]
    assert row["matured"] == 4
    assert row["early"] == 2
    assert row["missing_share"] == pytest.approx(1 / 6)
    assert row["largest"] == 0.5
    assert row["constant_share"] == 0.25


def test_labels_without_a_price_are_not_missing():
    labels = np.array([[0.5, np.nan], [0.5, np.nan], [np.nan, np.nan]])
    expected = np.array([[True, False]] * 3)
    gate = label_gate(labels, SESSIONS[:3], 1, LabelGatePolicy(), expected)
    assert gate.tables["labels"]["missing_share"].item() == 0


def test_score_summary():
    scores = np.array([[1.0, 2, 3, 4], [1, 1, 1, 1], [np.nan, 5, 6, 6]])
    gate = prediction_gate(scores, SESSIONS[:3], PredictionGatePolicy())
    row = gate.tables["predictions"].iloc[0]
    assert row["scores"] == 11
    assert row["missing_share"] == pytest.approx(1 / 12)
    assert row["collapsed_share"] == pytest.approx(1 / 3)
    assert row["distinct_share"] == pytest.approx(2 / 3)


def test_nothing_at_all_is_summed_up_as_nothing():
    gate = prediction_gate(np.empty((0, 3)), SESSIONS[:0], PredictionGatePolicy())
    row = gate.tables["predictions"].iloc[0]
    assert row["scores"] == 0
    assert row["collapsed_share"] == 1
