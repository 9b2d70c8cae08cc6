"""Alerts that halve or halt a book: in a replay, in trading days, with a person's word on them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from shadowbook.errors import ConfigError, InsufficientDataError, ShadowbookError
from shadowbook.steps.alerts import acknowledge, open_alerts
from shadowbook.steps.monitor import monitor
from shadowbook.steps.trade import TradeOutcome
from tests.integration.trading_places import (
    HALTING_RULE,
    LAST,
    TRADED,
    assert_same_books,
    opened,
    replay_ledger,
    replayed,
    set_params,
    shadowbook,
    traded,
)

pytestmark = pytest.mark.slow

STRICT = {"monitor": {"min_sessions": 0, "rules": [HALTING_RULE]}}
HALTED = "the book is halted by its alerts (never_enough): `shadowbook alerts` tells what to do"


@pytest.fixture(scope="module")
def strict(trading, tmp_path_factory):
    """A workspace whose policy halts every book as soon as it has two returns."""
    place = trading.copy(tmp_path_factory.mktemp("strict") / "ws")
    set_params(place.root, STRICT)
    return place


@pytest.fixture(scope="module")
def halted(strict, tmp_path_factory):
    """Five sessions traded: the last two of them halted. Not to be changed."""
    place = strict.copy(tmp_path_factory.mktemp("halted") / "ws")
    for day in TRADED[:5]:
        assert traded(place.root, day).outcome is TradeOutcome.TRADED
    return place


def outcomes(ledger):
    rows = ledger.frame("book_returns", "weekly", "champion")
    return dict(zip(rows["session"].dt.strftime("%Y-%m-%d"), rows["outcome"], strict=True))


def test_a_critical_alert_halts_the_champion_and_no_shadow_book(halted):
    with opened(halted.root) as workspace:
        ledger = workspace.ledger
        assert list(outcomes(ledger).values())[3:] == ["HALTED", "HALTED"]
        shadow = ledger.frame("book_returns", "weekly", "shadow/2")
        assert "HALTED" not in set(shadow["outcome"])
        last = [s.event for s in ledger.events("session") if s.event.body["book"] == "champion"]
        assert last[-1].body["capacity"] == 0.0
        assert HALTED in last[-1].body["reasons"]
        (alert,) = (s.event for s in ledger.events("alert") if "/weekly/" in s.event.key)
        assert alert.body["transition"] == "raised"
        assert alert.body["pages"] is True
        assert alert.body["session"] == TRADED[2]
        assert ledger.verify() is None
        assert ledger.open_orders("weekly", "champion") == []
    (weekly, _) = sorted(open_alerts(halted.workspace), key=lambda one: one.strategy, reverse=True)
    assert (weekly.strategy, weekly.rule, weekly.tier) == ("weekly", "never_enough", "critical")
    assert str(weekly.raised) == TRADED[2]
    assert not weekly.acknowledged


def test_a_replay_is_halted_as_the_trading_days_were(halted, strict, tmp_path):
    place = strict.copy(tmp_path / "ws")
    place.extend(TRADED[4])
    set_params(place.root, {"replay": {"operator": {"close_after_sessions": None}}})
    replayed(place.root, TRADED[0], TRADED[4])
    assert_same_books(halted.workspace.ledger, replay_ledger(place.root))


def test_a_replay_in_pieces_raises_the_same_alerts(strict, tmp_path):
    place = strict.copy(tmp_path / "ws")
    place.extend(LAST)
    whole = place.copy(tmp_path / "whole")
    replayed(whole.root, TRADED[0], LAST)
    for day in ("2022-12-08", "2022-12-09", "2022-12-15", "2022-12-16"):
        replayed(place.root, TRADED[0], day)
    replayed(place.root, TRADED[0], LAST)
    ledger, other = replay_ledger(whole.root), replay_ledger(place.root)
    assert ledger.head() == other.head()
    said = [s.event for s in ledger.events("acknowledgement")]
    assert said
    assert all(event.simulated and event.body["by"] == "simulated operator" for event in said)
    # Halted for five sessions, then at half its size for as long as the rule is in breach.
    told = list(outcomes(ledger).values())
    assert told[3:8] == ["HALTED"] * 5
    assert "TRADED" in told[8:]
    weights = ledger.frame("targets", "weekly", "champion").groupby("session")["weight"]
    gross = weights.apply(lambda one: one.abs().sum())
    shadow = ledger.frame("targets", "weekly", "shadow/2").groupby("session")["weight"]
    free = shadow.apply(lambda one: one.abs().sum())
    day = pd.Timestamp(LAST)
    assert gross[day] < 0.75 * free[day]


def test_a_persons_word_ends_the_halt_at_the_next_session(halted, tmp_path):
    place = halted.copy(tmp_path / "ws")
    workspace = place.workspace
    with pytest.raises(ConfigError, match="names who gives it and why"):
        acknowledge(workspace, "weekly", "never_enough", "", "seen")
    with pytest.raises(ConfigError, match="open are never_enough"):
        acknowledge(workspace, "weekly", "never_enuff", "Ada", "seen")
    given = acknowledge(workspace, "weekly", "never_enough", "Ada", "the rule is too strict")
    assert given.acknowledged
    # Said twice, recorded once.
    acknowledge(workspace, "weekly", "never_enough", "Ada", "the rule is too strict")
    with opened(place.root) as again:
        assert len(list(again.ledger.events("acknowledgement"))) == 1
    day = traded(place.root, TRADED[5])
    by_book = {(one.strategy, one.book): one for one in day.days}
    assert by_book["weekly", "champion"].capacity == 0.5
    assert by_book["weekly", "champion"].outcome.value == "TRADED"
    assert by_book["fortnightly", "champion"].capacity == 0.0
    free = np.abs(by_book["weekly", "shadow/2"].targets)
    assert np.nansum(np.abs(by_book["weekly", "champion"].targets)) < np.nansum(free)


def test_killed_before_the_session_was_judged_it_is_judged_at_the_next_start(
    halted, strict, tmp_path, monkeypatch
):
    place = strict.copy(tmp_path / "ws")
    for day in TRADED[:2]:
        traded(place.root, day)
    with monkeypatch.context() as patch:
        patch.setattr("shadowbook.steps.watching.Watching.carry_on", _killed)
        with pytest.raises(KeyboardInterrupt):
            traded(place.root, TRADED[2])
    for day in TRADED[2:5]:
        traded(place.root, day)
    assert_same_books(halted.workspace.ledger, place.workspace.ledger)
    with opened(place.root) as workspace, opened(halted.root) as other:
        raised = [s.event.key for s in workspace.ledger.events("alert")]
        assert raised == [s.event.key for s in other.ledger.events("alert")]


def _killed(*_):
    raise KeyboardInterrupt


def test_the_monitor_measures_what_was_traded(halted, tmp_path):
    place = halted.copy(tmp_path / "ws")
    report = monitor(place.workspace)
    books = {(one.strategy, one.book): one for one in report.monitored}
    assert set(books) == {
        ("weekly", "champion"),
        ("weekly", "shadow/2"),
        ("fortnightly", "champion"),
    }
    champion = books["weekly", "champion"]
    assert champion.capacity == 0.0
    assert [alert.rule for alert in champion.alerts] == ["never_enough"]
    with opened(place.root) as workspace:
        rows = workspace.ledger.frame("book_returns", "weekly", "champion")
    np.testing.assert_allclose(
        champion.series["hit_rate", 21], np.full(len(rows), np.nan), equal_nan=True
    )
    assert champion.limits
    assert champion.execution is not None
    assert champion.execution.total.orders > 0
    page = report.page.read_text("utf-8")
    assert "hit rate over 2 sessions" in page
    kept = place.workspace.models.records("monitor")
    assert [record.outcome for record in kept] == ["DONE"]
    manifest = place.workspace.models.manifest(report.kept.run_id)
    assert manifest["ledger"]["events"] > 10


def test_a_state_that_cannot_be_read_is_acknowledged_by_the_name_that_is_shown(halted, tmp_path):
    place = halted.copy(tmp_path / "ws")
    with opened(place.root) as workspace:
        stood = workspace.ledger.newest("watch", "watch/weekly/champion/")
        states = [
            {**one, "phase": "asleep"} if one["phase"] == "open" else one
            for one in stood.event.body["states"]
        ]
        later = stood.event.at + timedelta(seconds=1)
        key = f"watch/weekly/champion/{later.isoformat()}"
        body = {**stood.event.body, "states": states}
        workspace.ledger.record([replace(stood.event, key=key, at=later, body=body)])
        (shown,) = open_alerts(workspace, "weekly")
        assert shown.rule == "hit_rate.critical.halt/critical/halt"
        for _ in range(2):
            assert acknowledge(workspace, "weekly", shown.rule, "Ada", "looked at").acknowledged
        assert len(list(workspace.ledger.events("acknowledgement"))) == 1


def test_the_page_is_written_where_a_held_book_cannot_be_diagnosed(halted, tmp_path):
    place = halted.copy(tmp_path / "ws")
    for model in (place.root / "mlruns").rglob("*.skops"):
        model.unlink()
    with opened(place.root) as workspace:
        with pytest.raises(ShadowbookError, match=r"model weekly/1 has no file"):
            monitor(workspace)
        page = (workspace.build / "monitor.html").read_text("utf-8")
    assert page.count("not diagnosed: model") == 2
    assert "hit rate over 2 sessions" in page


def test_the_commands_say_what_is_open_and_what_is_missing(trading, halted):
    done = shadowbook(trading.root, "monitor")
    assert done.returncode == 3
    assert "nothing was traded yet, so there is nothing to watch" in done.stderr
    with pytest.raises(InsufficientDataError, match="not through 2022-12-20"):
        monitor(halted.workspace, pd.Timestamp("2022-12-20").date())
    done = shadowbook(halted.root, "alerts")
    assert done.returncode == 0
    assert "weekly: critical never_enough since 2022-12-08" in done.stdout
    assert "decides nothing until a person closes its incident" in done.stdout
    done = shadowbook(halted.root, "alerts", "--strategy", "weekly", "--json")
    assert [one["rule"] for one in json.loads(done.stdout)] == ["never_enough"]
    done = shadowbook(halted.root, "alerts", "--strategy", "weekly", "--by", "Ada")
    assert done.returncode == 2
    assert "--by and --reason are of an acknowledgment: name its alert" in done.stderr
    done = shadowbook(halted.root, "alerts", "--acknowledge", "never_enough")
    assert done.returncode == 2
    assert "name the strategy" in done.stderr
