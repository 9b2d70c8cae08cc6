"""Alerts as a ledger gives them back, and what they leave of a book."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime

import pytest

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.events import Event
from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.tiers import AlertAction, Tier
from shadowbook.errors import IntegrityError
from shadowbook.steps.monitored_books import alerts_in, capacity_after
from shadowbook.steps.watch import alert_events

AT = datetime(2022, 3, 1, 21, 15, tzinfo=UTC)


def alert(transition, rule="sharpe_63", action=AlertAction.HALT):
    return Alert(
        session=date(2022, 3, 1),
        rule=rule,
        transition=Transition(transition),
        tier=Tier.CRITICAL,
        metric="sharpe",
        window=63,
        value=-0.2,
        limit=math.nan,
        action=action,
        owner="operator",
        pages=True,
        reason="it fell",
    )


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield opened
    opened.close()


def test_an_alert_is_read_back_as_it_was_recorded(ledger):
    ledger.record(alert_events("weekly", AT, [alert("raised")]))
    ((key, (found,)),) = alerts_in(ledger).items()
    assert key == ("weekly", "champion")
    assert math.isnan(found.limit)
    assert (found.session, found.transition, found.value) == (
        date(2022, 3, 1),
        Transition.RAISED,
        -0.2,
    )


@pytest.mark.parametrize("changes", [{"transition": "raisd"}, {"session": 3}, {"tier": None}])
def test_an_alert_that_was_altered_is_named(ledger, changes):
    (event,) = alert_events("weekly", AT, [alert("raised")])
    body = {**event.body, **changes}
    ledger.record([Event("alert", event.key, AT, body)])
    with pytest.raises(IntegrityError, match=re.escape(f"({event.key}) is no alert")):
        alerts_in(ledger)


@pytest.mark.parametrize(
    ("alerts", "capacity"),
    [
        ([], 1.0),
        ([alert("raised")], 0.0),
        ([alert("raised"), alert("acknowledged")], 0.5),
        ([alert("raised"), alert("acknowledged"), alert("cleared")], 1.0),
        ([alert("raised", "a", AlertAction.HALVE), alert("raised", "b", AlertAction.NOTE)], 0.5),
        ([alert("raised", "a", AlertAction.HALVE), alert("raised", "b")], 0.0),
    ],
)
def test_what_alerts_leave_of_a_book(alerts, capacity):
    assert capacity_after(alerts) == capacity
