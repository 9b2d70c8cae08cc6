"""Figure: which features the chosen candidate's ranking rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shadowbook.adapters.report.html import Figure, Key, Table
from shadowbook.adapters.report.svg import LETTER, WIDTH, Drawing, Scale
from shadowbook.adapters.report.ticks import round_ticks
from shadowbook.adapters.report.words import counted, signed
from shadowbook.core.learning.importance import Importance

IDENT, TITLE = "importances", "What it looks at"
SHOWN = 25
ROW, HEAD, FOOT = 17.0, 4.0, 22.0
_LONGEST = 24


def importances_figure(
    name: str, measured: Sequence[Importance], step: int, reason: str = ""
) -> Figure:
    """Draw each feature's permutation importance with its 95 % interval, largest first.

    Parameters
    ----------
    name : the candidate.
    measured : one a feature; none where they cannot be computed, for ``reason``.
    step : every how many held-out sessions were measured.
    """
    if not measured:
        return Figure(IDENT, TITLE, f"Not computable: {reason}.")
    ordered = sorted(measured, key=lambda item: (-item.value, item.feature))
    used = [item for item in ordered if item.standard_error > 0.0] or ordered
    shown = used[:SHOWN]
    says = (
        f"How much {name}'s information coefficient falls, out of sample, when one feature is "
        "shuffled among the symbols of each session: the longer the bar to the right, the more "
        "the ranking rests on it; the whisker is a 95 % interval."
    )
    if len(used) > SHOWN:
        says += f" The {SHOWN} largest of {len(used)} are drawn."
    if len(used) < len(ordered):
        says += f" {counted(len(ordered) - len(used), 'other feature')} it does not use."
    keys = (
        Key("bar", "fall of the information coefficient", "box"),
        Key("whisker", "95 % interval"),
    )
    return Figure(
        IDENT,
        TITLE,
        says,
        _doubt(used, step),
        (_drawing(shown),),
        keys,
        _table(ordered),
    )


def _doubt(used: Sequence[Importance], step: int) -> str:
    sure = sum(item.interval[0] > 0.0 for item in used)
    chance = f" (by chance about {0.025 * len(used):.1f} would be)" if len(used) > 3 else ""
    every = "every session" if step == 1 else f"every {_ordinal(step)} session"
    return (
        f"Clearly above zero: {sure} of {len(used)}{chance}. Features that tell the same story "
        "stand in for each other, so each looks smaller than the story is. Measured on "
        f"{every} held out, {used[0].n_obs:,} in all."
    )


def _ordinal(n: int) -> str:
    if n % 100 in (11, 12, 13):
        return f"{n}th"
    return f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th') }"


def _drawing(shown: Sequence[Importance]) -> Drawing:
    ends = [end for item in shown for end in (*item.interval, item.value) if not math.isnan(end)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    high = high if high > low else low + 1e-3
    names = [_short(item.feature) for item in shown]
    left = max(len(text) for text in names) * LETTER * 11.0 / 12.0 + 4.0
    across = Scale(low, high, left + 4.0, WIDTH - 10.0)
    height = HEAD + ROW * len(shown) + FOOT
    told = ", ".join(f"{item.feature} {signed(item.value, '.4f')}" for item in shown[:5])
    drawing = Drawing(
        IDENT, height, "Permutation importances", f"Largest falls of the coefficient: {told}."
    )
    floor = height - FOOT
    for value, text in round_ticks(low, high, 4):
        x = across.at(value)
        drawing.segment((x, HEAD), (x, floor), "grid")
        drawing.text(min(x, WIDTH - 16.0), floor + 15.0, text, "middle")
    zero = across.at(0.0)
    for at, (item, text) in enumerate(zip(shown, names, strict=True)):
        middle = HEAD + ROW * (at + 0.5)
        drawing.text(left, middle + 4.0, text, "end", "small")
        x = across.at(item.value)
        drawing.rect(min(x, zero), middle - 4.5, abs(x - zero), 9.0, "bar")
        if item.standard_error > 0.0:
            first, last = (across.at(end) for end in item.interval)
            drawing.segment((first, middle), (last, middle), "whisker")
            for end in (first, last):
                drawing.segment((end, middle - 3.0), (end, middle + 3.0), "whisker")
    drawing.segment((zero, HEAD), (zero, floor), "axis strong")
    return drawing


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _table(ordered: Sequence[Importance]) -> Table:
    rows = tuple(
        (
            item.feature,
            f"{signed(item.value, '.5f')} ± {item.standard_error:.5f}",
            f"{signed(item.interval[0], '.5f')} to {signed(item.interval[1], '.5f')}",
        )
        for item in ordered
    )
    return Table(("feature", "fall ± error", "95 % interval"), rows, caption="Importances")
