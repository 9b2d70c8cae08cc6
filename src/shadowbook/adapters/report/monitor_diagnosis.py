"""A diagnosis on the monitor's page: the layers, the verdict, and what decay looks like."""

from __future__ import annotations

import math
from html import escape

from shadowbook.adapters.report.html import Table, bullets, paragraph, section
from shadowbook.adapters.report.svg import element
from shadowbook.adapters.report.words import signed
from shadowbook.core.diagnosis.findings import (
    Decay,
    Diagnosis,
    DiagnosisVerdict,
    LayerComparison,
    Weighed,
)

SENTENCES = {
    DiagnosisVerdict.TECHNICAL: "Live did something else than the pinned code does on the recorded "
    "data. Fix that; there is no sign of decay.",
    DiagnosisVerdict.STATISTICAL: "Live did what it should, and it pays less than it did.",
    DiagnosisVerdict.BOTH: "Live did something else than the pinned code does, and it pays less "
    "than it did. Fix the first before judging the second.",
    DiagnosisVerdict.NONE: "Live did what it should, and is not shown to pay less than it did.",
    DiagnosisVerdict.INCONCLUSIVE: "The evidence does not tell.",
}
NOTHING = "\N{EN DASH}"
BADGES = {
    DiagnosisVerdict.TECHNICAL: "critical",
    DiagnosisVerdict.BOTH: "critical",
    DiagnosisVerdict.STATISTICAL: "warning",
    DiagnosisVerdict.INCONCLUSIVE: "watch",
    DiagnosisVerdict.NONE: "quiet",
}


def diagnosis_section(diagnosis: Diagnosis, ident: str) -> str:
    """Write what a diagnosis says and what it rests on."""
    verdict = element("span", diagnosis.verdict.value, class_=f"badge {BADGES[diagnosis.verdict]}")
    content = element("p", escape(SENTENCES[diagnosis.verdict]) + " " + verdict)
    if diagnosis.first_layer is not None:
        content += paragraph(f"First layer that diverges: {diagnosis.first_layer.value}.")
    if diagnosis.retraining_blocked:
        content += paragraph("Retraining is blocked: the fault would be trained into the model.")
    content += bullets(diagnosis.reasons)
    content += str(layers_table(diagnosis))
    if diagnosis.decay is not None:
        content += _decay(diagnosis.decay)
    return section(ident, "Diagnosis", content)


def layers_table(diagnosis: Diagnosis) -> Table:
    """Lay the layers out, from cause to effect; the first that diverges stands out."""
    marked = {at for at, one in enumerate(diagnosis.layers) if one.layer is diagnosis.first_layer}
    return Table(
        ("layer", "cells compared", "different", "largest difference", "where"),
        tuple(
            (
                one.layer.value,
                f"{one.cells:,}",
                f"{one.diverging:,}",
                _largest(one),
                _where(one),
            )
            for one in diagnosis.layers
        ),
        frozenset(marked),
        "Recorded against rebuilt, each layer from the recorded one before it",
    )


def _largest(one: LayerComparison) -> str:
    if not one.diverging:
        return NOTHING
    return f"{one.largest:.3g}" if math.isfinite(one.largest) else "missing cells"


def _where(one: LayerComparison) -> str:
    first = f"from {one.first_session}" if one.first_session else ""
    return "; ".join([*([first] if first else []), *one.where]) or NOTHING


def _decay(decay: Decay) -> str:
    told = {True: "Decayed", False: "Not decayed", None: "It cannot be told whether it decayed"}
    p_value = (
        f", p-value {decay.p_value:.3f} of live being as good as the backtest"
        if math.isfinite(decay.p_value)
        else ""
    )
    content = element("h3", "What decay looks like")
    word = "The backtest looks like luck" if decay.baseless else told[decay.decayed]
    content += paragraph(f"{word}{p_value}.") + bullets(decay.reasons)
    if not decay.mechanisms:
        return content
    if decay.most_consistent_with is None:
        content += paragraph("The evidence does not tell the mechanisms apart.")
    else:
        content += paragraph(f"Most consistent with {decay.most_consistent_with.value}.")
    rows = tuple(row for weighed in decay.mechanisms for row in _weighed_rows(weighed))
    headings = ("mechanism", "score", "evidence", "adds", "what it says")
    return content + str(Table(headings, rows, caption="Mechanisms, the likeliest first"))


def _weighed_rows(weighed: Weighed) -> list[tuple[str, ...]]:
    named = (weighed.mechanism.value, signed(weighed.score, "z.2f"))
    if not weighed.evidence:
        return [(*named, NOTHING, NOTHING, "no evidence could be computed")]
    return [
        (
            *named,
            one.name.replace("_", " "),
            signed(one.weight, "z.2f"),
            one.sentence,
        )
        for one in weighed.evidence
    ]
