"""What the court says of a challenger, in sentences: for how long, and what stands against it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from shadowbook.adapters.report.court_units import count, p_value, percent, sharpe
from shadowbook.adapters.report.court_words import OUTCOMES, named, shown
from shadowbook.adapters.report.words import counted, listed
from shadowbook.core.promotion.court import Criterion, Outcome
from shadowbook.core.promotion.judged import Judged, Judgment

MOST = 4
"""Criteria that a sentence names."""

YEAR = 252.0

ORDER = (Outcome.PROMOTE, Outcome.HOLD, Outcome.NOT_COMPUTABLE, Outcome.REJECT)
"""How challengers of a strategy follow each other: what asks for an act stands first."""


def read_first(judged: Judged) -> tuple[str, int, int]:
    """Order challengers: by strategy, by outcome, the newest first."""
    return judged.strategy, ORDER.index(judged.decision.outcome), -judged.case.challenger


def name_of(judged: Judged) -> str:
    """Name a case, such as ``weekly: refresh 3 against champion 1``."""
    case = judged.case
    return f"{judged.strategy}: {case.kind} {case.challenger} against champion {case.champion}"


def criterion_of(criteria: Sequence[Criterion], name: str) -> Criterion | None:
    """Return the criterion of a name; None where it was not asked."""
    return next((one for one in criteria if one.name == name), None)


def threshold_of(criteria: Sequence[Criterion], name: str) -> float:
    """Return what a criterion is held against; NaN where it was not asked or has no number."""
    found = criterion_of(criteria, name)
    bar = None if found is None else found.threshold
    return float(bar) if isinstance(bar, int | float) and not isinstance(bar, bool) else math.nan


def against(criteria: Sequence[Criterion], most: int = MOST) -> str:
    """Write what stands against a challenger, with value and threshold; what ends it first."""
    told = []
    lacking = [one for one in criteria if not one.passed]
    for one in sorted(lacking, key=lambda one: not _ends(one)):
        value, threshold, mark = shown(one)
        tail = f"{value}, {threshold}" if one.passed is False else mark
        told.append(f"{named(one.name)} ({tail})")
    return listed(told, most) if told else "nothing"


def progress(judged: Judged) -> str:
    """Write how far a shadow book is: its sessions beside those that it needs.

    A refresh has to last the minimum. Of a replacement that is not decided yet it is said as well
    how many sessions its shadow alone would need to show the minimum effect.
    """
    evidence, outcome = judged.evidence, judged.decision.outcome
    n, least = evidence.n_sessions or 0, threshold_of(judged.decision.criteria, "sessions")
    wanted = evidence.required_sessions
    is_open = outcome in (Outcome.HOLD, Outcome.NOT_COMPUTABLE)
    bar = f"at least {least:,.0f} are asked" if math.isfinite(least) else ""
    if is_open and judged.case.kind == "replacement" and math.isfinite(wanted):
        years = f" ({wanted / YEAR:,.1f} years)" if wanted > YEAR else ""
        told = (
            f"{n:,} of {count(wanted)} sessions{years} that its shadow alone would need to show "
            "the minimum effect"
        )
        return f"{told}; {bar}" if bar else told
    if n < least:
        return f"{n:,} of at least {least:,.0f} sessions side by side"
    told = f"{counted(n, 'session')} side by side"
    return f"{told}, {bar}" if bar else told


def wait_of(judged: Judged) -> str:
    """Write how long the court waits at least; empty where no session is missing."""
    least = threshold_of(judged.decision.criteria, "sessions")
    left = least - (judged.evidence.n_sessions or 0)
    if judged.decision.outcome is Outcome.REJECT or not left > 0.0:
        return ""
    return f"{counted(math.ceil(left), 'more session')} at the least"


def sentence_of(judged: Judged) -> str:
    """Write what the court says, why, and for how long."""
    outcome, criteria = judged.decision.outcome, judged.decision.against
    if outcome is Outcome.PROMOTE:
        return f"{OUTCOMES[outcome].meaning} {progress(judged)}."
    # What ends the case is the reason, whatever else there is.
    ends = [one for one in criteria if _ends(one)]
    told = listed([named(one.name) for one in ends or criteria], MOST)
    said = OUTCOMES[outcome].short
    wait = wait_of(judged)
    tail = f"; {wait}" if wait else ""
    link = " without " if outcome is Outcome.NOT_COMPUTABLE else ": "
    return f"{said[:1].upper()}{said[1:]}{link}{told}{tail}. {progress(judged)}."


def figures_of(judgment: Judgment) -> str:
    """Write the main figures of what was recorded."""
    if judgment.outcome is None:
        return _of_opening(judgment)
    told, evidence = [], judgment.evidence
    lead = number(evidence, "effect")
    if math.isfinite(lead):
        where = "walk forward" if evidence.get("basis") == "history" else "shadow"
        told.append(f"lead {sharpe(lead)} ({where})")
    bounds = number(evidence, "not_inferior_bound"), number(evidence, "harm_bound")
    if any(math.isfinite(bound) for bound in bounds):
        told.append(f"bounds of its shadow {' to '.join(map(sharpe, bounds))}")
    if judgment.kind == "replacement" and math.isfinite(number(evidence, "p_value")):
        alpha = p_value(number(evidence, "alpha"))
        told.append(f"p {p_value(number(evidence, 'p_value'))}, alpha {alpha}")
    sessions = number(evidence, "n_sessions")
    if math.isfinite(sessions):
        told.append(counted(int(sessions), "session"))
    return "; ".join(told) if told else "none yet"


def _ends(criterion: Criterion) -> bool:
    return criterion.fatal and criterion.passed is False


def _of_opening(judgment: Judgment) -> str:
    body = judgment.evidence
    told = []
    if judgment.kind == "replacement":
        alphas = number(body, "alpha_history"), number(body, "alpha_shadow")
        told.append(
            f"number {count(number(body, 'position'))} of its year; alpha "
            f"{p_value(alphas[0])} for history, {p_value(alphas[1])} for its shadow"
        )
        history = body.get("history")
        lead = number(history, "effect") if isinstance(history, Mapping) else math.nan
        told.append(f"lead in walk forward {sharpe(lead)}")
        wanted = number(body, "required_sessions")
        told.append(f"its shadow alone would need {count(wanted)} sessions")
    share = number(body, "training_share")
    if math.isfinite(share):
        told.append(f"fitted on {percent(share)} of the champion's labels")
    return "; ".join(told) if told else "none yet"


def number(body: Mapping[str, Any], name: str) -> float:
    """Return a number of a recorded body; NaN where it has none."""
    value = body.get(name)
    return float(value) if isinstance(value, int | float) else math.nan
