"""The court in words: its questions, what an answer means, its outcomes; for page and terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from shadowbook.adapters.report.court_questions import ASKED
from shadowbook.adapters.report.court_units import UNKNOWN, Unit, apart, correlation, sharpe
from shadowbook.core.promotion.court import Criterion, Outcome

_PLAIN = ("drift", "gate")
"""Criteria whose answer says what was found."""

PASSED, FAILED, NOT_COMPUTABLE = "passed", "failed", "not computable"


QUESTIONS: Mapping[str, str] = {name: one.question for name, one in ASKED.items()}
"""Name of a criterion -> the question in plain words."""


@dataclass(frozen=True)
class Said:
    """An outcome in words.

    Attributes
    ----------
    badge : class of its color in the style sheet.
    short : for a list.
    meaning : one sentence.
    """

    badge: str
    short: str
    meaning: str


OUTCOMES: Mapping[Outcome | None, Said] = {
    Outcome.PROMOTE: Said(
        "quiet", "promote", "Every criterion passed: it may take the champion's place."
    ),
    Outcome.HOLD: Said(
        "watch", "not yet", "Something is missing that time, evidence or a person may bring."
    ),
    Outcome.NOT_COMPUTABLE: Said(
        "warning",
        "cannot be told",
        "Nothing speaks against it, but something that is asked for has no value.",
    ),
    Outcome.REJECT: Said(
        "critical", "never", "It does harm, is broken or too old: this version is out for good."
    ),
    None: Said("opened", "case opened", "Nothing is judged yet."),
}
"""What the court says; None: a case that was opened."""


def named(name: str) -> str:
    """Write a criterion's name as words.

    >>> named("non_inferiority"), named("deflated_sharpe")
    ('non-inferiority', 'deflated Sharpe')
    """
    special = {"non_inferiority": "non-inferiority", "deflated_sharpe": "deflated Sharpe"}
    return special.get(name, name.replace("_", " "))


def question_of(name: str) -> str:
    """Return the question of a criterion; its name where it has none."""
    return QUESTIONS.get(name, f"{named(name)}?")


def shown(criterion: Criterion) -> tuple[str, str, str]:
    """Write a criterion's value, its threshold, and passed, failed or not computable.

    >>> shown(Criterion("effect", 0.1853, 0.2, False, "lead"))
    ('0.19', 'at least 0.20', 'failed')
    >>> shown(Criterion("training", 0.1, 0.9, False, "labels", fatal=True))
    ('10.0%', 'at least 90.0%', 'failed')
    """
    mark = {True: PASSED, False: FAILED, None: NOT_COMPUTABLE}[criterion.passed]
    value, threshold = criterion.value, criterion.threshold
    unit, side = _measure(criterion)
    if unit is None or isinstance(value, bool | str) or isinstance(threshold, bool | str):
        return *_words(criterion), mark
    own, limit = (math.nan if one is None else float(one) for one in (value, threshold))
    told, bar = apart(unit, own, limit)
    return told, bar if bar == UNKNOWN else f"{side} {bar}", mark


def meaning_of(criterion: Criterion) -> str:
    """Write what was measured, and what the answer means.

    >>> meaning_of(Criterion("sessions", 47.0, 63.0, False, "side by side in shadow"))
    'Sessions of both books side by side. Wait: the minimum is not there yet.'
    """
    asked, reason = ASKED.get(criterion.name), criterion.reason
    if asked is None or criterion.passed is None:
        return _sentence(reason)
    answer = asked.passed if criterion.passed else asked.failed
    if criterion.name in _PLAIN:
        return answer
    return f"{_sentence(asked.measured or reason)} {answer}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _measure(criterion: Criterion) -> tuple[Unit | None, str]:
    """Return unit and side; two criteria are measured in one of two ways, as the reason tells."""
    asked = ASKED.get(criterion.name)
    if asked is None:
        return sharpe, ""
    if "p-value" not in criterion.reason:
        if criterion.name == "significance":
            return sharpe, "above"
        if criterion.name == "parity":
            return correlation, "at least"
    return asked.unit, asked.side


def _words(criterion: Criterion) -> tuple[str, str]:
    value, threshold = criterion.value, criterion.threshold
    if criterion.name == "drift":
        return UNKNOWN if value is None else "under way" if value else "none", "none"
    if criterion.name == "training_data":
        return UNKNOWN if value is None else "the same" if value else "different", "the same"
    if criterion.name == "approval":
        return str(value) if value else "nobody", str(threshold)
    told = [UNKNOWN if one is None else str(one) for one in (value, threshold)]
    return told[0], told[1]
