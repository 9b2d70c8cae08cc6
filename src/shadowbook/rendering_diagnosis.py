"""What a person reads of a diagnosis on the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from shadowbook.adapters.report.words import counted
from shadowbook.rendering import console

if TYPE_CHECKING:
    from shadowbook.core.diagnosis.findings import Decay, LayerComparison, Weighed
    from shadowbook.steps.diagnose import DiagnosisReport

STRONGEST = 3
"""Pieces of evidence of a mechanism that are printed; ``--json`` has all."""

COLORS = {"technical": "red", "both": "red", "statistical": "yellow", "none": "green"}


def show_diagnosis(report: DiagnosisReport) -> None:
    """Print the verdict, the layers, the reasons, and what decay looks like."""
    from rich.markup import escape
    from rich.table import Table

    shown, found = console(), report.diagnosis
    where = f"replay {report.replay}" if report.replay else "the workspace's ledger"
    color = COLORS.get(found.verdict.value, "yellow")
    shown.print(
        f"[{color}]{found.verdict.value}[/] {report.strategy} {report.book}, {report.first} to "
        f"{report.last} ({counted(report.sessions, 'session')} of {where})",
        highlight=False,
    )
    table = Table()
    for name in ("layer", "cells", "diverging", "largest", "first session"):
        table.add_column(name, justify="left" if name == "layer" else "right")
    for layer in found.layers:
        table.add_row(*_row(layer))
    shown.print(table)
    for layer in found.layers:
        if layer.layer is found.first_layer:
            for place in layer.where:
                shown.print(f"  {layer.first_session} {escape(place)}", highlight=False)
    for reason in (*found.reasons, *report.notes):
        shown.print(f"- {escape(reason)}", highlight=False)
    if report.blocked:
        shown.print(f"- {escape(report.blocked)}", highlight=False)
    lines = _mechanisms(found.decay) if found.decay is not None else []
    for line in (*lines, *_gap(report)):
        shown.print(escape(line), highlight=False)


def _row(layer: LayerComparison) -> tuple[str, ...]:
    largest = "-" if math.isnan(layer.largest) or not layer.diverging else f"{layer.largest:.6g}"
    first = str(layer.first_session or "-")
    return layer.layer.value, f"{layer.cells:,}", f"{layer.diverging:,}", largest, first


def _mechanisms(decay: Decay) -> list[str]:
    if not decay.mechanisms:
        return []
    which = decay.most_consistent_with
    told = f"most consistent with {which}" if which is not None else "the evidence does not tell"
    lines = [told if decay.decayed or decay.baseless else f"if it has decayed: {told}"]
    for one in decay.mechanisms:
        lines += _weighed(one)
    return lines


def _gap(report: DiagnosisReport) -> list[str]:
    if report.gap is None:
        return []
    return [f"gap to the backtest: {report.gap.verdict}", *(f"  {r}" for r in report.gap.reasons)]


def _weighed(one: Weighed) -> list[str]:
    strongest = sorted(one.evidence, key=lambda item: -abs(item.weight))[:STRONGEST]
    told = [f"    {item.weight:+.2f} {item.name}: {item.sentence}" for item in strongest]
    return [f"  {one.mechanism.value} ({one.score:+.2f})", *told]
