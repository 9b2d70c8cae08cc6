"""How a challenger's lead and its bounds came about, and what both books grew to."""

from __future__ import annotations

import math

import numpy as np

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.court_sentences import threshold_of
from shadowbook.adapters.report.court_units import p_value, sharpe
from shadowbook.adapters.report.html import Figure, Key, Table, line_class
from shadowbook.adapters.report.replay_lines import Placed, last_of, lines_drawing, ratio_scale
from shadowbook.adapters.report.svg import BOTTOM, LEFT, LETTER, RIGHT, WIDTH, Drawing, Scale
from shadowbook.adapters.report.ticks import round_ticks
from shadowbook.adapters.report.words import counted
from shadowbook.core.promotion.paths import LeadPath
from shadowbook.core.promotion.shown import CourtCase
from shadowbook.core.values import Floats

HEIGHT, TOP = 250.0, 18.0
ROWS = 12
"""Sessions in the table behind the lead."""

WEEK = 7.0 / 5.0
"""Days a session, for a session that has not come yet."""

_EARLY = 2
"""What was known in the first half is too vague to choose the scale by."""


def lead_figure(case: CourtCase, ident: str) -> Figure:
    """Draw the running lead with its bounds; margin and zero are lines, the minimum is upright."""
    path, judged = case.path, case.judged
    title = "How far it is ahead, and how sure that is"
    if not np.isfinite(path.lead).any():
        n = counted(len(path.sessions), "session")
        return Figure(ident, title, f"NOT_COMPUTABLE: {n} side by side give no lead yet.")
    refresh = judged.case.kind == "refresh"
    keys = [
        Key("line c0", f"lead so far: {sharpe(last_of(path.lead))}"),
        Key(
            "band",
            f"bounds at the level of safety: {_one(path.safe_lower)} to {_one(path.safe_upper)}",
            "box",
        ),
        Key("margin", f"margin of non-inferiority: {sharpe(_margin(case))}"),
    ]
    if not refresh:
        beyond = ", below the picture" if last_of(path.claim_lower) < _scale(case, 1.0).low else ""
        claim = f"lower bound of its claim: {_one(path.claim_lower)}{beyond}"
        keys.insert(1, Key("line c1", claim))
        keys.append(Key("wanted", f"minimum effect: {sharpe(_wanted(case))}"))
    keys.append(Key("least", "sessions that are the minimum", "mark"))
    says = (
        "Annual Sharpe ratio of the challenger's shadow book less the champion's, over the "
        "sessions so far. The bounds hold at all looks together, so looking every day costs "
        "nothing. The lower bound of safety has to rise above the margin; the upper one below "
        "zero proves harm. "
    )
    if not refresh:
        says += (
            "Where the lower bound of its claim is above zero, and the lead as large as the "
            "minimum effect, the shadow alone decides; that bound may be wrong with a chance of "
            f"{p_value(judged.case.alpha_shadow)}. "
        )
    doubt = (
        "A lead of a few months says little: the bounds are what the sessions show. Where "
        "volatility changes they may lie off the lead, since they weigh each session by it."
    )
    drawing = _lead_drawing(case, ident)
    return Figure(ident, title, says.strip(), doubt, (drawing,), tuple(keys), _lead_table(path))


def books_figure(case: CourtCase, ident: str) -> Figure:
    """Draw what 1 in each book grew to since the shadow began."""
    path, title = case.path, "What both books earned"
    if not len(path.sessions):
        return Figure(ident, title, "NOT_COMPUTABLE: no session side by side yet.")
    paths = {"challenger": path.challenger, "champion": path.champion}
    drawing = lines_drawing(
        Placed(ident, "Growth of 1 after costs, side by side"),
        path.sessions,
        paths,
        ratio_scale(list(paths.values())),
    )
    versions = {
        "challenger": case.judged.case.challenger,
        "champion": case.judged.case.champion,
    }
    keys = tuple(
        Key(line_class(at), f"{at + 1} {name}, version {versions[name]}: {last_of(line):.3f}×")
        for at, (name, line) in enumerate(paths.items())
    )
    says = (
        "What 1 grew to after costs since both books ran side by side; equal heights are equal "
        "ratios. The challenger's is a shadow book: same data, same costs, no orders. Sessions "
        "in which one of them has no return count for neither."
    )
    return Figure(ident, title, says, drawings=(drawing,), keys=keys)


def _lead_drawing(case: CourtCase, ident: str) -> Drawing:
    path, floor = case.path, HEIGHT - BOTTOM
    x, least = days(path.sessions), _least_day(case)
    across = Scale(x[0], max(x[-1], x[0] + 1.0, least or 0.0), LEFT, WIDTH - RIGHT)
    up = _scale(case, floor)
    drawing = Drawing(ident, HEIGHT, "Lead of the challenger with its bounds", _described(case))
    drawing.value_axis(up, round_ticks(up.low, up.high, 6))
    low, high = (np.clip(one, up.low, up.high) for one in (path.safe_lower, path.safe_upper))
    drawing.band(across(x), up(low), up(high), "band")
    for edge in (path.safe_lower, path.safe_upper):
        drawing.line(across(x), up(_inside(edge, up)), "edge")
    drawing.segment((LEFT, up.at(0.0)), (WIDTH - RIGHT, up.at(0.0)), "axis strong")
    for value, name, text in _levels(case):
        y = up.at(value)
        drawing.segment((LEFT, y), (WIDTH - RIGHT, y), name)
        # Away from zero, whose line lies between the two.
        beside = y + 11.0 if value < 0.0 else y - 3.0
        drawing.text(WIDTH - RIGHT - 3.0, beside, text, "end", "small halo")
    drawing.line(across(x), up(_inside(path.claim_lower, up)), "line c1")
    drawing.line(across(x), up(_inside(path.lead, up)), "line c0")
    if least is not None:
        at = across.at(least)
        drawing.segment((at, TOP), (at, floor), "least")
        text = f"{threshold_of(case.judged.decision.criteria, 'sessions'):,.0f} sessions"
        half = len(text) * LETTER / 2.0
        drawing.text(min(at, WIDTH - half), TOP - 5.0, text, "middle", "small")
    drawing.date_axis(across, floor)
    return drawing


def _levels(case: CourtCase) -> list[tuple[float, str, str]]:
    """Lines that the lead is held against: value, class, text."""
    found = [(_margin(case), "margin", "margin")]
    if case.judged.case.kind == "replacement":
        found.append((_wanted(case), "wanted", "minimum effect"))
    return [one for one in found if math.isfinite(one[0])]


def _margin(case: CourtCase) -> float:
    return threshold_of(case.judged.decision.criteria, "non_inferiority")


def _wanted(case: CourtCase) -> float:
    return threshold_of(case.judged.decision.criteria, "effect")


def _least_day(case: CourtCase) -> float | None:
    """Return the day of the last session of the minimum, about where it has not come yet."""
    least = threshold_of(case.judged.decision.criteria, "sessions")
    if not math.isfinite(least):
        return None
    x, at = days(case.path.sessions), int(least) - 1
    return float(x[at]) if at < len(x) else float(x[-1]) + math.ceil((at + 1 - len(x)) * WEEK)


def _scale(case: CourtCase, floor: float) -> Scale:
    path = case.path
    known = [line[np.isfinite(line)] for line in (path.lead, path.safe_lower, path.safe_upper)]
    told = np.concatenate([line[len(line) // _EARLY :] for line in known])
    levels = [0.0, *(value for value, *_ in _levels(case))]
    low = min(float(told.min(initial=0.0)), *levels)
    high = max(float(told.max(initial=0.0)), *levels)
    claim = last_of(path.claim_lower)
    # A claim far below says nothing yet: drawn, it would flatten everything else.
    if claim > low - 0.25 * (high - low):
        low = min(low, claim)
    room = 0.05 * (high - low) or 0.1
    return Scale(low - room, high + room, floor, TOP)


def _inside(line: Floats, up: Scale) -> Floats:
    """Leave out what lies beyond the picture."""
    return np.where((line >= up.low) & (line <= up.high), line, np.nan)


def _described(case: CourtCase) -> str:
    path = case.path
    text = (
        f"After {counted(len(path.sessions), 'session')} the lead is {sharpe(last_of(path.lead))} "
        f"a year, its bounds of safety are {_one(path.safe_lower)} and {_one(path.safe_upper)}"
    )
    if case.judged.case.kind == "replacement":
        text += f", the lower bound of its claim is {_one(path.claim_lower)}"
    return text + f"; the margin is {sharpe(_margin(case))}."


def _one(line: Floats) -> str:
    return sharpe(last_of(line))


def _lead_table(path: LeadPath) -> Table:
    n = len(path.sessions)
    chosen = np.unique(np.linspace(0, n - 1, min(n, ROWS)).round().astype(np.int64)).tolist()
    lines = (path.lead, path.claim_lower, path.safe_lower, path.safe_upper)
    told = [(at, [sharpe(float(line[at])) for line in lines]) for at in chosen]
    return Table(
        ("session", "sessions", "lead", "claim, lower", "safety, lower", "safety, upper"),
        tuple((str(path.sessions[at]), f"{at + 1:,}", *cells) for at, cells in told),
        caption="Annual Sharpe ratios, as they stood after these sessions",
    )
