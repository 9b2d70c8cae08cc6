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
from shadowbook.core.diagnosis.verdict import diagnose
from shadowbook.core.performance.attribution import Attribution, GapVerdict, Part
from shadowbook.rendering_diagnosis import show_diagnosis
from shadowbook.steps.diagnose import DiagnosisReport

DAY = date(2022, 12, 28)


def shown(capsys, layers, decay, gap=None, blocked=""):
    found = diagnose(layers, decay)
    report = DiagnosisReport(
        "weekly", "champion", DAY, DAY, 1, None, found, gap, ("a note",), blocked
    )
    show_diagnosis(report)
    return capsys.readouterr().out


def test_a_divergence_is_shown_with_its_places_and_the_block(capsys):
    where = ("AAPL x[1]: 0.1 recorded, 0.2 rebuilt", "KO x[1]: 0.3 recorded, 0.2 rebuilt")
    layers = [LayerComparison(Layer.FEATURES, 1_500, 2, 0.1, DAY, where)]
    told = shown(capsys, layers, None, blocked="weekly is not retrained: see [1]")
    assert told.startswith("technical weekly champion, 2022-12-28 to 2022-12-28 (1 session of")
    assert "features │ 1,500 │ 2 │ 0.1 │ 2022-12-28" in " ".join(told.split())
    assert "  2022-12-28 KO x[1]: 0.3 recorded, 0.2 rebuilt" in told
    assert "- a note" in told
    assert "- weekly is not retrained: see [1]" in told
    assert "not retrained" not in shown(capsys, layers, None)


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


def test_the_gap_is_told_with_its_verdict_and_reasons(capsys):
    parts = (Part("signal_decay", 0.02, 0.01), Part("data", 0.09, 0.02))
    gap = Attribution(
        0.2, 0.08, 0.12, 0.03, parts, 0.01, 90, GapVerdict.DATA, ("wrong data is 9.0% a year",)
    )
    told = shown(capsys, [LayerComparison(Layer.FEATURES, 10, 0, 0.0)], None, gap)
    assert told.endswith("gap to the backtest: data\n  wrong data is 9.0% a year\n")
    assert "gap to" not in shown(capsys, [LayerComparison(Layer.FEATURES, 10, 0, 0.0)], None)
