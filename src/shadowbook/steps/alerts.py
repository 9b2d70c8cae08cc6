"""The open alerts of a workspace's books, and a person's word on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from shadowbook.core.performance.alerts import Alert, AlertState, Phase, Transition
from shadowbook.errors import ConfigError
from shadowbook.steps.desk import CHAMPION
from shadowbook.steps.monitored_books import alerts_in
from shadowbook.steps.watch import acknowledgement
from shadowbook.steps.watching import acknowledged, standing
from shadowbook.workspace import Workspace


@dataclass(frozen=True)
class OpenAlert:
    """An alert that stands.

    Attributes
    ----------
    raised : session of it; None for one whose record could not be read.
    acknowledged : True where a person has said that it is known, this very moment included.
    """

    strategy: str
    rule: str
    tier: str
    action: str
    raised: date | None
    reason: str
    acknowledged: bool


def open_alerts(workspace: Workspace, strategy: str | None = None) -> tuple[OpenAlert, ...]:
    """List the alerts that stand, the most serious first.

    Raises
    ------
    ConfigError
        There is no such strategy.
    """
    if strategy is not None:
        workspace.settings.strategy(strategy)
    with workspace.trading():
        told = alerts_in(workspace.ledger)
        found = [
            _open_alert(workspace, name, state, told.get((name, CHAMPION), []))
            for name, states in standing(workspace).items()
            if strategy in (None, name)
            for state in states
        ]
    order = {"critical": 0, "warning": 1, "watch": 2}
    return tuple(sorted(found, key=lambda one: (order[one.tier], one.strategy, one.rule)))


def acknowledge(workspace: Workspace, strategy: str, rule: str, by: str, reason: str) -> OpenAlert:
    """Record that a person knows of an alert, and closes the incident that it may be.

    Raises
    ------
    ConfigError
        No such alert stands, or nobody or no reason is named.
    """
    if not by.strip() or not reason.strip():
        raise ConfigError("an acknowledgment names who gives it and why: give --by and --reason")
    there = open_alerts(workspace, strategy)
    found = next((one for one in there if one.rule == rule), None)
    if found is None:
        names = ", ".join(one.rule for one in there) or "none"
        raise ConfigError(f"{strategy} has no open alert {rule!r}: open are {names}")
    if found.acknowledged:
        return found
    with workspace.trading():
        now = workspace.clock.now()
        workspace.ledger.record([acknowledgement(strategy, rule, now, by, reason)])
    return next(one for one in open_alerts(workspace, strategy) if one.rule == rule)


def _open_alert(
    workspace: Workspace, strategy: str, state: AlertState, told: list[Alert]
) -> OpenAlert:
    rule = state.rule or state.family
    own = [one for one in told if one.rule == state.rule]
    raised = [one for one in own if one.transition is Transition.RAISED]
    known = rule in acknowledged(workspace, strategy)
    return OpenAlert(
        strategy=strategy,
        rule=rule,
        tier=state.tier.value,
        action=state.action.value,
        raised=raised[-1].session if raised else None,
        reason=own[-1].reason if own else "its record cannot be read: see `ledger verify`",
        acknowledged=known or state.phase is Phase.ACKNOWLEDGED,
    )
