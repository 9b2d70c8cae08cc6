"""What features do to a model's predictions, then and now (SHAP values)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from shadowbook.adapters.report.drift_words import shortened, shown, shown_p
from shadowbook.adapters.report.html import Figure, Key, Table, paragraph, section
from shadowbook.adapters.report.svg import LETTER, WIDTH, Drawing, Scale
from shadowbook.adapters.report.ticks import Ticks, round_ticks
from shadowbook.adapters.report.words import counted, listed
from shadowbook.core.drift.found import Attributions, AttributionShift

TITLE = "What the model looks at, then and now"
SHOWN = 25
LETTERS, SMALL = 20, 7.0 / 7.2
ROW, HEAD, FOOT = 17.0, 22.0, 22.0
RANKS = 76.0
"""Units that the change of rank takes, right of the picture."""


def attribution_figure(found: Attributions | None, ident: str) -> str:
    """Write the plot of importances and signed means, reference against current window."""
    if found is None:
        return section(ident, TITLE, paragraph("NOT_COMPUTABLE: the model was not explained."))
    if found.status != "OK" or not found.rows:
        return section(ident, TITLE, paragraph(f"NOT_COMPUTABLE: {_sentence(found.reason)}"))
    rows = found.rows[:SHOWN]
    # What shifted must be seen, however small it was in the reference.
    rows += tuple(row for row in found.rows[SHOWN:] if row.shifted)
    says = (
        "Importance is the mean absolute SHAP value, in units of the prediction: the ring is the "
        f"reference ({counted(found.n_reference, 'session')}), the dot the current window "
        f"({counted(found.n_current, 'session')}). The whisker is the 95 % interval of the "
        "difference, laid from the ring: where it leaves the ring out, importance differs by "
        "more than one feature's noise. Bold with \N{BLACK UP-POINTING TRIANGLE} or "
        "\N{BLACK DOWN-POINTING TRIANGLE}: counts as shifted, all features considered. To the "
        "right the rank then and now. Below, the signed mean: which way a feature pushes "
        f"predictions. {_ranking(found)}"
    )
    keys = (
        Key("was", "reference (ring)", "box"),
        Key("is", "current window (dot)", "box"),
        Key("whisker", "95 % interval of the difference"),
    )
    doubt = (
        "Features that tell the same story stand in for each other: importance that moves from "
        "one to its neighbor need not change any prediction."
    )
    drawings = (
        _drawing(rows, f"{ident}-importance", signed=False),
        _drawing(rows, f"{ident}-mean", signed=True),
    )
    return str(Figure(ident, TITLE, says, doubt, drawings, keys, _table(found.rows)))


def _sentence(reason: str) -> str:
    return f"{reason.rstrip('.')}." if reason else "no reason was given."


def _ranking(found: Attributions) -> str:
    shifted = [row.feature for row in found.rows if row.shifted]
    text = f"Shifted: {listed(shifted) if shifted else 'none'}."
    if not math.isfinite(found.ndcg):
        return f"{text} Whether the order of features is the same is NOT_COMPUTABLE."
    text += f" Agreement of the rankings (nDCG; 1 is the same order): {found.ndcg:.3f}"
    if not math.isfinite(found.ndcg_band):
        return f"{text}; its band is NOT_COMPUTABLE."
    side = "below" if found.ndcg < found.ndcg_band else "not below"
    return f"{text}, {side} the {found.ndcg_band:.3f} that 5 % of windows fall below by chance."


def _ends(row: AttributionShift, signed: bool) -> tuple[float, float, float, float]:
    """Return the reference, the current value, and the interval laid from the reference."""
    was, now = (
        (row.mean_reference, row.mean_current)
        if signed
        else (row.absolute_reference, row.absolute_current)
    )
    low, high = row.mean_interval if signed else row.absolute_interval
    return was, now, was + low, was + high


def _drawing(rows: Sequence[AttributionShift], ident: str, signed: bool) -> Drawing:
    ends = [end for row in rows for end in _ends(row, signed) if math.isfinite(end)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    room = 0.03 * (high - low) or 1e-3
    low, high = (low - room if low < 0.0 else 0.0), high + room
    names = [shortened(row.feature, LETTERS) for row in rows]
    left = min(max(len(text) for text in names) * LETTER * SMALL + 8.0, 146.0)
    across = Scale(low, high, left, WIDTH - (14.0 if signed else RANKS))
    floor = HEAD + ROW * len(rows)
    title = "Signed mean of SHAP values" if signed else "Importance (mean absolute SHAP value)"
    told = "; ".join(
        f"{row.feature} {shown(was, '.3g')} to {shown(now, '.3g')}"
        for row in rows[:5]
        for was, now, _, _ in [_ends(row, signed)]
    )
    drawing = Drawing(ident, floor + FOOT, title, f"Reference to current window: {told}.")
    drawing.text(left, 12.0, "signed mean" if signed else "importance", class_="small strong")
    if not signed:
        drawing.text(WIDTH - 2.0, 12.0, "rank", "end", "small strong")
    for value, text in _ticks(across):
        x = across.at(value)
        drawing.segment((x, HEAD), (x, floor), "axis" if abs(value) < 1e-15 else "grid")
        drawing.text(min(x, WIDTH - 3.6 * len(text)), floor + 15.0, text, "middle")
    for at, (row, name) in enumerate(zip(rows, names, strict=True)):
        middle = HEAD + ROW * (at + 0.5)
        strong = "small strong" if row.shifted else "small"
        drawing.text(left - 5.0, middle + 4.0, name, "end", strong)
        _mark(drawing, across, middle, _ends(row, signed))
        if not signed:
            drawing.text(WIDTH - 2.0, middle + 4.0, _sign(row) + _ranks(row), "end", strong)
    return drawing


def _ticks(across: Scale) -> Ticks:
    """Choose round numbers whose texts do not touch."""
    ticks: Ticks = []
    for most in (6, 5, 4, 3, 2):
        ticks = round_ticks(across.low, across.high, most)
        widest = max((len(text) for _, text in ticks), default=0) * LETTER + 8.0
        places = [across.at(value) for value, _ in ticks]
        if all(b - a >= widest for a, b in pairwise(places)):
            break
    return ticks


def _mark(
    drawing: Drawing, across: Scale, y: float, ends: tuple[float, float, float, float]
) -> None:
    was, now, low, high = ends
    if math.isfinite(low) and math.isfinite(high):
        first, last = across.at(low), across.at(high)
        drawing.segment((first, y), (last, y), "whisker")
        for x in (first, last):
            drawing.segment((x, y - 3.0), (x, y + 3.0), "whisker")
    if math.isfinite(was):
        drawing.add("circle", cx=across.at(was), cy=y, r=4.2, class_="was")
    if math.isfinite(now):
        drawing.add("circle", cx=across.at(now), cy=y, r=2.9, class_="is")


def _sign(row: AttributionShift) -> str:
    if not row.shifted:
        return ""
    more = row.absolute_current > row.absolute_reference
    sign = "\N{BLACK UP-POINTING TRIANGLE}" if more else "\N{BLACK DOWN-POINTING TRIANGLE}"
    return f"{sign} "


def _ranks(row: AttributionShift) -> str:
    if row.rank_reference == row.rank_current:
        return f"{row.rank_reference}"
    return f"{row.rank_reference} \N{RIGHTWARDS ARROW} {row.rank_current}"


def _table(rows: Sequence[AttributionShift]) -> Table:
    def span(interval: tuple[float, float]) -> str:
        return f"{shown(interval[0], '+.2g')} to {shown(interval[1], '+.2g')}"

    return Table(
        (
            "feature",
            "importance, reference",
            "current",
            "difference, 95 %",
            "mean, reference",
            "mean, current",
            "mean difference, 95 %",
            "rank",
            "p",
            "shifted",
        ),
        tuple(
            (
                row.feature,
                shown(row.absolute_reference, ".3g"),
                shown(row.absolute_current, ".3g"),
                span(row.absolute_interval),
                shown(row.mean_reference, "+.2g"),
                shown(row.mean_current, "+.2g"),
                span(row.mean_interval),
                _ranks(row),
                shown_p(row.p_value),
                "yes" if row.shifted else "no",
            )
            for row in rows
        ),
        frozenset(at for at, row in enumerate(rows) if row.shifted),
        "SHAP values, in units of the prediction",
    )
