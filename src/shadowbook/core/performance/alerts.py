"""Alerts: raised, escalated, acknowledged, cleared; one state machine a family of rules.

A family is every rule of one metric, tier and action: several windows of one metric open one
alert, not five. The alert is open until each rule that breached while it was open has recovered.

quiet        raised when a rule has been in breach for its persistence, out of the cool-down
open         escalated (pages) when nobody acknowledges a warning; cleared when recovered
escalated    as open; it has paged
acknowledged a person knows: never escalated; cleared when recovered
unknown      a record that could not be read; counts as a halt, raised and paged at once

An alert that halts is an incident: it is cleared only after a person has acknowledged it, even
where the metric has recovered. Acknowledged before that, it leaves half the capacity until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

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


class Phase(StrEnum):
    """Where a family's alert stands."""

    QUIET = "quiet"
    OPEN = "open"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    UNKNOWN = "unknown"


TRANSITIONS: dict[tuple[Phase, Transition], Phase] = {
    (Phase.QUIET, Transition.RAISED): Phase.OPEN,
    (Phase.OPEN, Transition.ESCALATED): Phase.ESCALATED,
    (Phase.OPEN, Transition.ACKNOWLEDGED): Phase.ACKNOWLEDGED,
    (Phase.OPEN, Transition.CLEARED): Phase.QUIET,
    (Phase.ESCALATED, Transition.ACKNOWLEDGED): Phase.ACKNOWLEDGED,
    (Phase.ESCALATED, Transition.CLEARED): Phase.QUIET,
    (Phase.ACKNOWLEDGED, Transition.CLEARED): Phase.QUIET,
    (Phase.UNKNOWN, Transition.RAISED): Phase.OPEN,
}
"""What may become of an alert in each phase, and the phase after it; the rest is illegal."""


@dataclass(frozen=True)
class AlertState:
    """Where the alert of one family stands.

    Attributes
    ----------
    family : see `family_of`; one state each.
    rule : that raised the open alert; empty when there is none.
    age : sessions since it was raised.
    rest : sessions in which no alert is raised, the cool-down or the first ones of a version.
    tripped : rules that have breached for their persistence while it was open.
    streaks : rule -> sessions in a row, above 0 in breach, below 0 recovered, 0 in between.
    """

    family: str
    tier: Tier
    action: AlertAction
    phase: Phase = Phase.QUIET
    rule: str = ""
    age: int = 0
    rest: int = 0
    tripped: tuple[str, ...] = ()
    streaks: tuple[tuple[str, int], ...] = ()

    @property
    def is_open(self) -> bool:
        """True where an alert stands, an unreadable one included."""
        return self.phase is not Phase.QUIET

    def plain(self) -> dict[str, Any]:
        """Return what JSON has words for."""
        return {
            "family": self.family,
            "tier": self.tier.value,
            "action": self.action.value,
            "phase": self.phase.value,
            "rule": self.rule,
            "age": self.age,
            "rest": self.rest,
            "tripped": list(self.tripped),
            "streaks": dict(self.streaks),
        }

    @classmethod
    def of_plain(cls, item: object) -> AlertState:
        """Read ``plain`` back; what cannot be read is a halt in phase ``unknown``.

        It gets a family of its own, so that it is not mistaken for the rules' own alert.

        >>> state = AlertState.of_plain({"family": "sharpe/watch/note", "phase": "asleep"})
        >>> state.family, state.phase.value
        ('sharpe.watch.note/critical/halt', 'unknown')
        """
        try:
            return _read(item)
        except (KeyError, TypeError, ValueError, AttributeError):
            name = str(item.get("family", "")) if isinstance(item, Mapping) else ""
            family = family_of(
                name.replace("/", ".") or "unreadable", Tier.CRITICAL, AlertAction.HALT
            )
            return cls(family, Tier.CRITICAL, AlertAction.HALT, Phase.UNKNOWN)


def family_of(metric: str, tier: Tier, action: AlertAction) -> str:
    """Name the family of a rule.

    >>> family_of("sharpe", Tier.WATCH, AlertAction.NOTE)
    'sharpe/watch/note'
    """
    return f"{metric}/{tier.value}/{action.value}"


def _read(item: Any) -> AlertState:
    state = AlertState(
        family=item["family"],
        tier=Tier(item["tier"]),
        action=AlertAction(item["action"]),
        phase=Phase(item["phase"]),
        rule=item["rule"],
        age=int(item["age"]),
        rest=int(item["rest"]),
        tripped=tuple(str(name) for name in item["tripped"]),
        streaks=tuple((str(name), int(n)) for name, n in item["streaks"].items()),
    )
    named = state.family.split("/")[1:] == [state.tier.value, state.action.value]
    if not named or state.age < 0 or state.rest < 0:
        raise ValueError(f"state of {state.family} contradicts itself")
    if state.phase not in (Phase.QUIET, Phase.UNKNOWN) and not state.rule:
        raise ValueError(f"state of {state.family} is open without a rule")
    return state
