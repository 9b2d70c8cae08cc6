"""Alerts: raised, escalated, acknowledged, cleared; one state machine a rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shadowbook.core.performance.tiers import AlertAction, Tier


class Transition(StrEnum):
    """What became of an alert."""

    RAISED = "raised"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"


@dataclass(frozen=True)
class Alert:
    """Something that a person, or a machine, should know of a book.

    Attributes
    ----------
    session : the session it is of.
    rule : name of the rule.
    metric, window : what was watched.
    value, limit : what it was, and what it should not have reached; per session, not annualized.
    pages : True where somebody is called now; False where it is collected in the daily page.
    reason : one sentence, with annualized figures.
    """

    session: date
    rule: str
    transition: Transition
    tier: Tier
    metric: str
    window: int
    value: float
    limit: float
    action: AlertAction
    owner: str
    pages: bool
    reason: str
