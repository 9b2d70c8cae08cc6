"""Which verdict follows from the layers and the statistics, and what it says."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from shadowbook.core.diagnosis.findings import Decay, DiagnosisVerdict, Layer, LayerComparison
from shadowbook.core.diagnosis.verdict import diagnose

DAY = date(2022, 3, 7)


def whole(layer, cells=10):
    return LayerComparison(layer, cells, 0, 0.0)


def differing(layer, largest=0.25):
    return LayerComparison(layer, 100, 4, largest, DAY, ("AAPL close: 1.0 recorded, 1.25 rebuilt",))


def layers(*changed):
    by_layer = {one.layer: one for one in changed}
    return [by_layer.get(layer, whole(layer)) for layer in Layer]


def decay(decayed):
    return Decay(decayed, 0.01, ("the Sharpe ratio fell",))


@pytest.mark.parametrize(
    ("changed", "decayed", "verdict"),
    [
        ([], False, DiagnosisVerdict.NONE),
        ([], True, DiagnosisVerdict.STATISTICAL),
        ([], None, DiagnosisVerdict.INCONCLUSIVE),
        ([differing(Layer.FEATURES)], False, DiagnosisVerdict.TECHNICAL),
        ([differing(Layer.FEATURES)], None, DiagnosisVerdict.TECHNICAL),
        ([differing(Layer.FEATURES)], True, DiagnosisVerdict.BOTH),
    ],
)
def test_the_verdict(changed, decayed, verdict):
    found = diagnose(layers(*changed), decay(decayed))
    assert found.verdict is verdict
    blocking = (DiagnosisVerdict.TECHNICAL, DiagnosisVerdict.BOTH)
    assert found.retraining_blocked == (verdict in blocking)
    assert "the Sharpe ratio fell" in found.reasons


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ([], DiagnosisVerdict.STATISTICAL),
        ([differing(Layer.FEATURES)], DiagnosisVerdict.BOTH),
    ],
)
def test_a_backtest_that_was_luck_is_as_statistical_as_decay(changed, verdict):
    luck = Decay(None, 0.3, ("no better than luck",), baseless=True)
    assert diagnose(layers(*changed), luck).verdict is verdict


def test_without_statistics_the_layers_decide():
    found = diagnose(layers(), None)
    assert (found.verdict, found.first_layer) == (DiagnosisVerdict.NONE, None)
    assert found.reasons == ("every layer is what the code makes of the one before it (60 cells)",)


def test_the_first_layer_is_the_one_nearest_the_cause_in_whatever_order_they_come():
    given = layers(differing(Layer.FILLS), differing(Layer.PREDICTIONS, np.nan))[::-1]
    found = diagnose(given, None)
    assert found.first_layer is Layer.PREDICTIONS
    assert [one.layer for one in found.layers] == list(Layer)
    assert found.reasons == (
        "predictions is the first layer that diverges: 4 of 100 cells, first on 2022-03-07 "
        "(AAPL close: 1.0 recorded, 1.25 rebuilt)",
        "the layers after it differ as well: fills",
    )
