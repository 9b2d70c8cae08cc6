"""What a diagnosis looks like on the terminal."""

from __future__ import annotations

from datetime import date

from shadowbook.core.diagnosis.findings import (
    Decay,
    Evidence,
    Layer,
    LayerComparison,
    Mechanism,
    Weighed,
)
from shadowbook.core.diagnosis.layers import not_compared
from shadowbook.core.diagnosis.verdict import diagnose
from shadowbook.rendering_diagnosis import show_diagnosis
from shadowbook.steps.diagnose import DiagnosisReport

DAY = date(2022, 12, 28)


def shown(capsys, layers, decay, replay=None):
    found = diagnose(layers, decay)
    show_diagnosis(DiagnosisReport("weekly", "champion", DAY, DAY, 1, replay, found, ("a note",)))
    return capsys.readouterr().out


def test_a_divergence_is_shown_with_its_places_and_the_block(capsys):
    where = ("AAPL x[1]: 0.1 recorded, 0.2 rebuilt", "KO x[1]: 0.3 recorded, 0.2 rebuilt")
    layers = [
        LayerComparison(Layer.FEATURES, 1_500, 2, 0.1, DAY, where),
        not_compared(Layer.FILLS, "why"),
    ]
    told = shown(capsys, layers, None)
    assert told.startswith("technical weekly champion, 2022-12-28 to 2022-12-28 (1 session of")
    assert "features │ 1,500 │ 2 │ 0.1 │ 2022-12-28" in " ".join(told.split())
    assert "not compared" in told
    assert "  2022-12-28 KO x[1]: 0.3 recorded, 0.2 rebuilt" in told
    assert "- a note" in told
    assert "retraining is blocked" in told
    assert "retraining is blocked" not in shown(capsys, layers, None, "0123456789ab")


def test_decay_is_shown_with_its_strongest_evidence(capsys):
    evidence = tuple(Evidence(f"fact {k}", 1.0, 0.1 * k, f"says {k}") for k in range(5))
    weighed = (Weighed(Mechanism.CROWDING, 2.5, evidence),)
    layers = [LayerComparison(Layer.FEATURES, 10, 0, 0.0)]
    told = shown(capsys, layers, Decay(True, 0.01, (), weighed, Mechanism.CROWDING))
    assert told.startswith("statistical")
    assert "most consistent with crowding\n  crowding (+2.50)\n    +0.40 fact 4: says 4" in told
    assert "fact 2" in told
    assert "fact 1" not in told
    told = shown(capsys, layers, Decay(None, 0.5, (), weighed))
    assert "if it has decayed: the evidence does not tell" in told
