"""From what differs and what has decayed to what is wrong, and whether retraining may go on."""

from __future__ import annotations

from collections.abc import Sequence

from shadowbook.core.diagnosis.findings import (
    Decay,
    Diagnosis,
    DiagnosisVerdict,
    Layer,
    LayerComparison,
)

ORDER = tuple(Layer)
"""From cause to effect."""


def diagnose(layers: Sequence[LayerComparison], decay: Decay | None) -> Diagnosis:
    """Put the layers and the statistics together.

    A layer that differs makes it technical, whatever else cannot be told: retraining on the output
    of a bug would learn the bug. Decay, or a backtest that was luck, makes it statistical.

    Parameters
    ----------
    layers : in any order.
    decay : None where it was not asked for; the layers alone then decide.

    Returns
    -------
    Diagnosis, its layers from cause to effect.
    """
    ordered = tuple(sorted(layers, key=lambda one: ORDER.index(one.layer)))
    differing = [one for one in ordered if one.diverging]
    statistical = False if decay is None else decay.baseless or decay.decayed
    verdict = _verdict(bool(differing), statistical)
    reasons = [_sentence(one) for one in differing[:1]]
    if len(differing) > 1:
        after = ", ".join(str(one.layer) for one in differing[1:])
        reasons.append(f"the layers after it differ as well: {after}")
    if not differing:
        n_cells = sum(one.cells for one in ordered)
        reasons.append(
            f"every layer is what the code makes of the one before it ({n_cells:,} cells)"
        )
    if decay is not None:
        reasons += decay.reasons
    return Diagnosis(
        verdict=verdict,
        layers=ordered,
        first_layer=differing[0].layer if differing else None,
        decay=decay,
        reasons=tuple(reasons),
        retraining_blocked=verdict in BLOCKING,
    )


BLOCKING = (DiagnosisVerdict.TECHNICAL, DiagnosisVerdict.BOTH)
"""Verdicts after which a strategy is not retrained: a bug would be trained into the model."""


def _verdict(technical: bool, statistical: bool | None) -> DiagnosisVerdict:
    if technical:
        return DiagnosisVerdict.BOTH if statistical else DiagnosisVerdict.TECHNICAL
    if statistical is None:
        return DiagnosisVerdict.INCONCLUSIVE
    return DiagnosisVerdict.STATISTICAL if statistical else DiagnosisVerdict.NONE


def _sentence(one: LayerComparison) -> str:
    share = f"{one.diverging:,} of {one.cells:,} cells"
    largest = "" if one.largest != one.largest else f", by up to {one.largest:.6g}"
    first = f", first on {one.first_session}" if one.first_session else ""
    where = f" ({one.where[0]})" if one.where else ""
    return f"{one.layer} is the first layer that diverges: {share}{largest}{first}{where}"
