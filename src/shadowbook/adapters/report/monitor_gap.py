"""The waterfall from what the backtest promised to what was earned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shadowbook.adapters.report.html import Key, Table, bullets, folded, paragraph, section
from shadowbook.adapters.report.svg import RIGHT, WIDTH, Drawing, Scale, element
from shadowbook.adapters.report.ticks import round_ticks
from shadowbook.adapters.report.words import TWO, counted, signed
from shadowbook.core.performance.attribution import Attribution, GapVerdict

ROW, TOP, NAMES, NUMBERS = 24.0, 6.0, 92.0, 56.0
"""Units: a row's height, space above, and what names and numbers take beside the bars."""

_WHISKERS = 0.4
"""Whiskers are drawn this share of the bars' width beyond them."""

MEANING = {
    "signal_decay": "the scores rank worse than they did",
    "data": "live was given other data than the history holds",
    "latency": "time between decision and execution",
    "missed_fills": "what was ordered and not filled",
    "spread": "half the spread paid at each trade",
    "slippage": "prices worse than on arrival, beyond the spread",
    "fees": "commissions",
}
KEYS = (
    ("promised", "promised, earned"),
    ("lost", "cost something"),
    ("gained", "brought something"),
    ("rest", "unexplained"),
)
SENTENCES = {
    GapVerdict.NO_GAP: "Live is not shown to earn less than the backtest promised.",
    GapVerdict.SIGNAL_DECAY: "The gap looks like decay of the signal itself.",
    GapVerdict.EXECUTION: "Execution masquerading as decay: what stands out is lost on the way to "
    "the market, not in the signal. Retraining would not bring it back.",
    GapVerdict.DATA: "The gap looks like a difference of data between live and history.",
    GapVerdict.MIXED: "More than one of decay, data and execution stands out from its noise.",
    GapVerdict.INCONCLUSIVE: "The numbers do not tell where the gap comes from.",
    GapVerdict.NOT_COMPUTABLE: "The gap cannot be computed.",
}


@dataclass(frozen=True)
class _Bar:
    name: str
    start: float
    stop: float
    error: float
    kind: str


def gap_section(attribution: Attribution | None, ident: str) -> str:
    """Write the waterfall, its numbers and what they look like."""
    title = "Where the gap to the backtest comes from"
    if attribution is None:
        return section(
            ident, title, paragraph("Not computed: there is no backtest to hold live against.")
        )
    content = paragraph(SENTENCES[attribution.verdict])
    content += bullets(f"{one[:1].upper()}{one[1:].rstrip('.')}." for one in attribution.reasons)
    if not all(math.isfinite(v) for v in (attribution.expected, attribution.live)):
        return section(ident, title, content)
    keys = "".join(str(Key(mark, text, "box")) for mark, text in KEYS)
    picture = str(_drawing(attribution, f"{ident}-d")) + element("ul", keys, class_="key")
    beside = paragraph(
        f"Simple return a year over {counted(attribution.n_obs, 'session')}; promised is the "
        f"backtest's{_scaled(attribution.scale)}. Each part is computed by itself; what they do "
        "not explain is shown as unexplained and belongs to none of them. Whiskers are 95 % "
        "intervals, that at earned is the gap's; what leaves the drawing is cut off."
    )
    beside += element("p", element("strong", "Doubt: ") + _doubt(attribution), class_="doubt")
    content += element(
        "figure", element("div", picture, class_="picture") + element("figcaption", beside)
    )
    return section(ident, title, content + folded("The numbers", str(gap_table(attribution))))


def _scaled(scale: float) -> str:
    """Say what the backtest was multiplied by, where its volatility clearly differs from live."""
    if not math.isfinite(scale) or scale == 1.0:
        return " own"
    return f" times {scale:.2f}, for the volatility of live"


def gap_table(attribution: Attribution) -> Table:
    """Lay the parts out; a part above 0 cost something."""
    share = attribution.gap if attribution.gap else math.nan

    def of_gap(value: float) -> str:
        return signed(value / share, "z.0%") if math.isfinite(value / share) else "not computable"

    rows = [("promised by the backtest", _percent(attribution.expected), "", "")]
    rows += [
        (
            _named(part.name),
            _with_error(part.value, part.standard_error),
            of_gap(part.value),
            MEANING.get(part.name, ""),
        )
        for part in attribution.parts
    ]
    rows += [
        ("unexplained", _percent(attribution.unexplained), of_gap(attribution.unexplained), ""),
        ("gap", _with_error(attribution.gap, attribution.gap_standard_error), "", ""),
        ("earned live", _percent(attribution.live), "", ""),
    ]
    return Table(
        ("part", "a year", "of the gap", "what it is"),
        tuple(rows),
        frozenset({0, len(rows) - 1}),
        "Simple return a year; above 0 a part cost something; ± one standard error",
    )


def _bars(attribution: Attribution) -> list[_Bar]:
    """Lay the steps from promised to earned; a part that is not known leaves its row empty."""
    bars = [_Bar("promised", 0.0, attribution.expected, math.nan, "promised")]
    level = attribution.expected
    for part in attribution.parts:
        stop = level - part.value if math.isfinite(part.value) else level
        kind = "lost" if part.value > 0.0 else "gained"
        known = stop if math.isfinite(part.value) else math.nan
        bars.append(_Bar(_named(part.name), level, known, part.standard_error, kind))
        level = stop
    rest = attribution.unexplained
    if math.isfinite(rest):
        bars.append(_Bar("unexplained", level, level - rest, math.nan, "rest"))
    error = attribution.gap_standard_error
    return [*bars, _Bar("earned", 0.0, attribution.live, error, "earned")]


def _drawing(attribution: Attribution, ident: str) -> Drawing:
    bars = _bars(attribution)
    across = _scale(bars)
    bottom = TOP + ROW * len(bars)
    drawing = Drawing(
        ident,
        bottom + 22.0,
        "Waterfall from the promised return to the earned one",
        f"Promised {_percent(attribution.expected)} a year, earned {_percent(attribution.live)}, "
        f"unexplained {_percent(attribution.unexplained)}.",
    )
    for value, text in round_ticks(across.low, across.high, 6, percent=True):
        x = across.at(value)
        drawing.segment((x, TOP), (x, bottom), "axis" if abs(value) < 1e-12 else "grid")
        drawing.text(x, bottom + 15.0, text, "middle")
    for at, bar in enumerate(bars):
        _draw_bar(drawing, across, TOP + ROW * at, bar, last=at == len(bars) - 1)
    return drawing


def _scale(bars: Sequence[_Bar]) -> Scale:
    """Fit the bars, and the whiskers as far as they leave the bars their size."""
    known = [bar for bar in bars if math.isfinite(bar.stop)]
    ends = [0.0, *(bar.start for bar in known), *(bar.stop for bar in known)]
    most = _WHISKERS * (max(ends) - min(ends))
    low, high = min(ends) - most, max(ends) + most
    for bar in known:
        if math.isfinite(bar.error):
            ends += [
                max(bar.stop - TWO * bar.error, low),
                min(bar.stop + TWO * bar.error, high),
            ]
    room = 0.03 * (max(ends) - min(ends)) or 0.01
    return Scale(min(ends) - room, max(ends) + room, NAMES, WIDTH - RIGHT - NUMBERS)


def _draw_bar(drawing: Drawing, across: Scale, y: float, bar: _Bar, last: bool) -> None:
    middle = y + 0.5 * ROW
    strong = "strong" if bar.kind in ("promised", "earned") else ""
    drawing.text(NAMES - 6.0, middle + 4.0, bar.name, "end", f"small {strong}".strip())
    if not math.isfinite(bar.stop):
        drawing.text(
            across.at(bar.start) + 4.0, middle + 4.0, "not computable", class_="faint halo"
        )
        return
    left, right = sorted((across.at(bar.start), across.at(bar.stop)))
    drawing.rect(left, y + 4.0, max(right - left, 0.6), ROW - 8.0, bar.kind)
    if math.isfinite(bar.error):
        ends = [bar.stop - TWO * bar.error, bar.stop + TWO * bar.error]
        low, high = (across.at(min(max(x, across.low), across.high)) for x in ends)
        drawing.segment((low, middle), (high, middle), "whisker")
        for end in ends:
            if across.low <= end <= across.high:
                x = across.at(end)
                drawing.segment((x, middle - 3.0), (x, middle + 3.0), "whisker")
    if not last:
        at = across.at(bar.stop)
        drawing.segment((at, y + ROW - 4.0), (at, y + ROW + 4.0), "join")
    step = bar.stop - bar.start
    plus = "+" if not strong and step >= 0.0005 else ""
    drawing.text(WIDTH - 2.0, middle + 4.0, plus + _percent(step), "end", f"small {strong}".strip())


def _doubt(attribution: Attribution) -> str:
    gap, error = attribution.gap, attribution.gap_standard_error
    if not math.isfinite(error):
        return "The gap has no standard error."
    holds = abs(gap) < TWO * error
    tail = "zero is in it: there may be no gap at all" if holds else "zero is not in it"
    low, high = _percent(gap - TWO * error), _percent(gap + TWO * error)
    return f"The gap is {_percent(gap)} a year, {low} to {high} with its 95 % interval; {tail}."


def _named(name: str) -> str:
    return name.replace("_", " ")


def _percent(value: float) -> str:
    return signed(value, "z.1%") if math.isfinite(value) else "not computable"


def _with_error(value: float, error: float) -> str:
    told = _percent(value)
    return f"{told} ± {error:.1%}" if math.isfinite(value) and math.isfinite(error) else told
