"""Books held back by alerts: diagnosed by the monitor, freed by a person; latency; retraining."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

import shadowbook.steps.trade as trading_step
from shadowbook.adapters.broker.paper import PaperBroker
from shadowbook.errors import ConfigError
from shadowbook.steps.alerts import acknowledge, open_alerts
from shadowbook.steps.execution import execution
from shadowbook.steps.moment import resolve_as_of
from shadowbook.steps.monitor import monitor
from shadowbook.steps.retrain import retrain
from tests.integration.trading_places import (
    HALTING_RULE,
    TRADED,
    opened,
    set_params,
    shadowbook,
    traded,
)

pytestmark = pytest.mark.slow

BY, WHY = "Ada", "the rule is too strict"


@pytest.fixture(scope="module")
def halted(trading, tmp_path_factory):
    """Three sessions traded; both champions are halted for the fourth. Not to be changed."""
    place = trading.copy(tmp_path_factory.mktemp("halted") / "ws")
    set_params(place.root, {"monitor": {"min_sessions": 0, "rules": [HALTING_RULE]}})
    for day in TRADED[:3]:
        traded(place.root, day)
    return place


@pytest.fixture(scope="module")
def half(halted, tmp_path_factory):
    """One of the two was acknowledged, and the fourth session traded. Not to be changed."""
    place = halted.copy(tmp_path_factory.mktemp("half") / "ws")
    say(place)
    traded(place.root, TRADED[3])
    return place


def say(place, strategy="weekly", rule="never_enough", by=BY, why=WHY):
    with opened(place.root) as workspace:
        return acknowledge(workspace, strategy, rule, by, why)


def standing(place, strategy=None):
    with opened(place.root) as workspace:
        return open_alerts(workspace, strategy)


def head(place):
    with opened(place.root) as workspace:
        return workspace.ledger.head()


def events(place, kind):
    with opened(place.root) as workspace:
        assert workspace.ledger.verify() is None
        return [stored.event for stored in workspace.ledger.events(kind)]


def watched(place):
    with opened(place.root) as workspace:
        return monitor(workspace)


# What the monitor says of books that are held back.


def test_the_halted_and_the_halved_champion_are_diagnosed(half, tmp_path):
    place = half.copy(tmp_path / "ws")
    report = watched(place)
    capacities = {(one.strategy, one.book): one.capacity for one in report.monitored}
    assert capacities == {
        ("weekly", "champion"): 0.5,
        ("weekly", "shadow/2"): 1.0,
        ("fortnightly", "champion"): 0.0,
    }
    count, *verdicts = report.reasons[:3]
    assert [one.split(":")[0] for one in report.reasons[3:]] == [
        "weekly/champion",
        "fortnightly/champion",
    ]
    assert count == (
        f"3 books watched as of {TRADED[3]}; restrained: weekly/champion, fortnightly/champion"
    )
    told = {event.body["strategy"]: event.body for event in events(place, "diagnosis")}
    assert set(told) == {"weekly", "fortnightly"}
    assert [one.split(":")[0] for one in verdicts] == [
        f"{name}/champion is diagnosed as {told[name]['verdict']}"
        for name in ("weekly", "fortnightly")
    ]
    # Four sessions are too few to tell decay, and nothing diverges.
    for name, body in told.items():
        assert (body["book"], body["sessions"], body["diverging"]) == ("champion", 4, {})
        assert (body["verdict"], body["first_layer"]) == ("inconclusive", None)
        assert body["reasons"][0] in next(one for one in verdicts if one.startswith(name))
    page = report.page.read_text("utf-8")
    assert [f'id="b{at}-diagnosis"' in page for at in range(2)] == [True, True]
    assert page.count("The evidence does not tell. ") == 2
    assert "Retraining is blocked" not in page


def test_watched_again_nothing_is_recorded_twice(half, tmp_path):
    place = half.copy(tmp_path / "ws")
    first = watched(place)
    before, page = head(place), first.page.read_bytes()
    again = watched(place)
    assert head(place) == before
    assert again.reasons == first.reasons
    assert first.page.read_bytes() == page
    assert [record.run_id for record in place.workspace.models.records("monitor")] == [
        first.kept.run_id
    ]
    assert place.workspace.models.manifest(first.kept.run_id)["ledger"]["head"] == before[1]
    shown = shadowbook(place.root, "show", first.kept.run_id)
    assert shown.returncode == 0, shown.stderr
    assert "\n  weekly champion          model version 1\n" in shown.stdout


def test_an_acknowledgment_is_told_before_the_book_trades_again(halted, tmp_path):
    place = halted.copy(tmp_path / "ws")
    say(place)
    notes = {one.strategy: one.notes for one in watched(place).monitored if one.book == "champion"}
    assert (
        "acknowledged, which counts from the next trading day on: never_enough" in notes["weekly"]
    )
    assert not any("acknowledged" in note for note in notes["fortnightly"])


def test_without_an_alert_nothing_is_diagnosed(trading, tmp_path):
    place = trading.copy(tmp_path / "ws")
    traded(place.root, TRADED[0])
    report = watched(place)
    unknown = "drift no, decay not computable: tell what cannot be computed"
    assert report.reasons == (
        f"3 books watched as of {TRADED[0]}; none restrained",
        f"weekly/champion: {unknown}",
        f"fortnightly/champion: {unknown}",
    )
    assert events(place, "diagnosis") == []


# A bug blocks retraining until a session without it.


@pytest.fixture(scope="module")
def faulty(halted, tmp_path_factory):
    """A day on which the weekly model was served one feature in another unit."""
    place = halted.copy(tmp_path_factory.mktemp("faulty") / "ws")
    say(place)
    sound = trading_step.served

    def in_percent(workspace, strategy, moment):
        given = sound(workspace, strategy, moment)
        if strategy != "weekly":
            return given
        values = given.features.copy()
        values[:, given.names.index("volatility_21")] *= 100.0
        return replace(given, features=values)

    with pytest.MonkeyPatch.context() as planted:
        planted.setattr(trading_step, "served", in_percent)
        traded(place.root, TRADED[3])
    return place


def trained(place, strategy, day):
    with opened(place.root) as workspace:
        return retrain(workspace, strategy, resolve_as_of(workspace, day))


def test_a_bug_found_by_the_monitor_blocks_retraining(faulty, tmp_path):
    place = faulty.copy(tmp_path / "ws")
    earlier = trained(place, "weekly", TRADED[2])
    assert (earlier.blocked, earlier.existing, earlier.run.model_version) == ("", False, 3)
    report = watched(place)
    assert "weekly/champion is diagnosed as technical: " in (
        told := next(one for one in report.reasons if one.startswith("weekly/"))
    )
    assert "features" in told
    page = report.page.read_text("utf-8")
    assert "First layer that diverges: features." in page
    assert page.count("Retraining is blocked: the fault would be trained into the model.") == 1

    made = {run.run_id for run in place.workspace.models.runs()}
    refused = trained(place, "weekly", TRADED[3])
    assert (refused.halts, refused.run, refused.best, refused.existing) == (True, None, None, False)
    assert refused.blocked.startswith(
        f"weekly is not retrained: its diagnosis of {TRADED[0]} to {TRADED[3]} is technical (the "
        "first layer that diverges: features"
    )
    assert "run `shadowbook diagnose --strategy weekly" in refused.blocked
    done = shadowbook(place.root, "retrain", "--as-of", TRADED[3], "--strategy", "weekly")
    assert done.returncode == 3, done.stderr
    assert done.stdout.endswith(f"halted: weekly\n  {refused.blocked}\n")
    assert {run.run_id for run in place.workspace.models.runs()} == made
    # What was trained before the bug is found again, and not refused.
    found = trained(place, "weekly", TRADED[2])
    assert (found.halts, found.existing, found.blocked) == (False, True, "")
    assert found.run.run_id == earlier.run.run_id


def test_a_session_without_the_bug_lifts_the_block(faulty, tmp_path):
    place = faulty.copy(tmp_path / "ws")
    made = {run.run_id for run in place.workspace.models.runs()}
    traded(place.root, TRADED[4])
    # The whole span still holds the day of the bug.
    watched(place)
    assert trained(place, "weekly", TRADED[4]).blocked
    done = shadowbook(place.root, "diagnose", "--strategy", "weekly", "--session", TRADED[4])
    assert done.returncode == 0, done.stdout + done.stderr
    # The monitor looks back over the day of the bug again, and blocks nothing anew.
    watched(place)
    free = trained(place, "weekly", TRADED[4])
    assert (free.halts, free.existing, free.blocked) == (False, False, "")
    assert free.run.run_id not in made
    assert free.run.model_version == 3


def test_a_blocked_retraining_is_told_to_a_program(faulty, tmp_path):
    place = faulty.copy(tmp_path / "ws")
    watched(place)
    done = shadowbook(place.root, "retrain", "--as-of", TRADED[3], "-s", "weekly", "--json")
    assert done.returncode == 3, done.stderr
    (told,) = json.loads(done.stdout)
    assert (told["run"], told["best"], told["candidates"]) == (None, None, {})
    assert told["blocked"].startswith("weekly is not retrained: its diagnosis of ")
    # Its neighbor's inputs were right.
    assert trained(place, "fortnightly", TRADED[3]).run.model_version == 2


# How long the broker took.


def test_the_broker_s_acceptance_is_on_record_and_gives_the_latency(half, tmp_path):
    place = half.copy(tmp_path / "ws")
    with opened(place.root) as workspace:
        told = workspace.ledger.frame("outcomes", "weekly", "champion")
        ids = workspace.ledger.frame("orders", "weekly", "champion")["client_order_id"]
        statuses = workspace.ledger.open_orders("weekly", "champion")
        report = execution(workspace, "weekly")
        assert len(told) == len(ids) > len(statuses) > 0
        # An order that waits for its auction was accepted; the moment is the broker's.
        waiting = told[told["state"] == "ACCEPTED"]
        assert sorted(status.changed_at for status in statuses) == sorted(waiting["accepted_at"])
        assert {status.state.value for status in statuses} == {"ACCEPTED"}
        assert (
            workspace.broker.statuses([status.order.client_order_id for status in statuses])
            == statuses
        )
        median = workspace.settings.execution.latency_ms / 1000.0
    final = told[~told["state"].isin(["NEW", "ACCEPTED", "PARTIALLY_FILLED"])]
    assert told["accepted_at"].notna().all()
    waits = (final["accepted_at"] - final["sent_at"]).dt.total_seconds().to_numpy()
    assert (waits > 0.0).all()
    assert (waits < 10.0 * median).all()
    assert len(set(waits)) > 1
    found = report.quality.total.latency_seconds
    expected = np.percentile(waits, [50, 95, 99])
    np.testing.assert_allclose([found[50], found[95], found[99]], expected, rtol=1e-12)
    done = shadowbook(place.root, "execution", "--strategy", "weekly", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)["quality"]["total"]["latency_seconds"]
    assert shown["50"] == pytest.approx(found[50], rel=1e-9)


def test_an_acceptance_that_a_kill_lost_is_recorded_when_the_day_is_given_again(
    half, tmp_path, monkeypatch
):
    place = half.copy(tmp_path / "ws")

    submit = PaperBroker.submit

    def killed(broker, orders, now):
        """Take the orders of the day before, which are sent again first, and no others."""
        if {str(order.session) for order in orders} == {TRADED[4]}:
            return submit(broker, orders, now)
        raise KeyboardInterrupt

    with monkeypatch.context() as planted:
        planted.setattr(PaperBroker, "submit", killed)
        with pytest.raises(KeyboardInterrupt):
            traded(place.root, TRADED[4])
    with opened(place.root) as workspace:
        told = workspace.ledger.frame("outcomes", "weekly", "champion")
        assert "NEW" in set(told["state"])
    assert traded(place.root, TRADED[4]).outcome.value == "ALREADY_TRADED"
    with opened(place.root) as workspace:
        told = workspace.ledger.frame("outcomes", "weekly", "champion")
    assert "NEW" not in set(told["state"])
    assert told["accepted_at"].notna().all()


def test_sent_again_the_acceptance_stays_the_first_one(half, tmp_path):
    place = half.copy(tmp_path / "ws")
    with opened(place.root) as workspace:
        before = workspace.ledger.frame("outcomes")
    assert traded(place.root, TRADED[3]).outcome.value == "ALREADY_TRADED"
    with opened(place.root) as workspace:
        assert workspace.ledger.frame("outcomes").equals(before)


# A person's word.


def test_an_acknowledgement_names_an_alert_that_is_open(halted, tmp_path):
    place = halted.copy(tmp_path / "ws")
    before = head(place)
    for strategy, rule, words in (
        ("weekly", "never_enuff", "weekly has no open alert 'never_enuff': open are never_enough"),
        ("daily", "never_enough", "no strategy 'daily' in params.yaml: there are weekly, fort"),
    ):
        with pytest.raises(ConfigError, match=words):
            say(place, strategy, rule)
    for by, why in (("", WHY), (" ", WHY), (BY, ""), (BY, "\t")):
        with pytest.raises(ConfigError, match="names who gives it and why: give --by and --reas"):
            say(place, by=by, why=why)
    assert head(place) == before


def test_where_nothing_is_open_nothing_can_be_acknowledged(trading, tmp_path):
    place = trading.copy(tmp_path / "ws")
    for open_now in (False, True):
        if open_now:
            traded(place.root, TRADED[0])
        assert standing(place) == ()
        with pytest.raises(ConfigError, match="weekly has no open alert 'x': open are none"):
            say(place, rule="x")
    done = shadowbook(place.root, "alerts")
    assert (done.returncode, done.stdout) == (0, "no alert is open\n")
    words = ("--strategy", "weekly", "--acknowledge", "never_enough", "--by", BY, "--reason", WHY)
    done = shadowbook(place.root, "alerts", *words)
    assert done.returncode == 2
    assert done.stderr == "error: weekly has no open alert 'never_enough': open are none\n"
    assert events(place, "acknowledgement") == []


def test_of_two_words_the_first_stays_and_the_next_session_knows_it(halted, tmp_path):
    place = halted.copy(tmp_path / "ws")
    first = say(place)
    assert (first.strategy, first.acknowledged) == ("weekly", True)
    after = head(place)
    assert say(place, by="Bob", why="me too") == first
    assert head(place) == after
    (said,) = events(place, "acknowledgement")
    assert (said.body["by"], said.body["reason"], said.simulated) == (BY, WHY, False)
    assert {one.strategy: one.acknowledged for one in standing(place)} == {
        "weekly": True,
        "fortnightly": False,
    }
    traded(place.root, TRADED[3])
    moved = [event for event in events(place, "alert") if event.body["session"] == TRADED[3]]
    assert [(one.body["strategy"], one.body["transition"]) for one in moved] == [
        ("weekly", "acknowledged")
    ]
    # Known already: the word of the day before stands, and no other is asked for.
    third = head(place)
    assert say(place, by="Bob", why="again").acknowledged
    assert head(place) == third


def test_killed_after_the_session_and_before_its_judgment_the_word_still_counts_once(
    halted, tmp_path, monkeypatch
):
    place = halted.copy(tmp_path / "ws")
    say(place)
    with monkeypatch.context() as patch:
        patch.setattr("shadowbook.steps.watching.Watching.carry_on", _killed)
        with pytest.raises(KeyboardInterrupt):
            traded(place.root, TRADED[3])
    # Until it is judged the alert is the one that the person meant.
    assert {one.acknowledged for one in standing(place, "weekly")} == {True}
    say(place, by="Bob", why="again")
    for day in TRADED[3:5]:
        traded(place.root, day)
    assert len(events(place, "acknowledgement")) == 1
    told = [event.body for event in events(place, "alert") if event.body["strategy"] == "weekly"]
    assert [(one["transition"], one["session"]) for one in told] == [
        ("raised", TRADED[2]),
        ("acknowledged", TRADED[3]),
    ]


def _killed(*_):
    raise KeyboardInterrupt


def acknowledging(place):
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "shadowbook", "alerts", "--workspace", str(place.root)),
            *("--strategy", "weekly", "--acknowledge", "never_enough", "--by", BY),
            *("--reason", WHY),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=place.root,
        env={k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")},
    )


def test_killed_while_it_is_given_the_word_is_there_once_or_not_at_all(halted, tmp_path):
    untouched = halted.copy(tmp_path / "timed")
    began = time.monotonic()
    acknowledging(untouched).communicate(timeout=120)
    whole = time.monotonic() - began

    place = halted.copy(tmp_path / "ws")
    before = head(place)
    killed = 0
    for share in (0.3, 0.6, 0.75, 0.85, 0.95):
        process = acknowledging(place)
        time.sleep(share * whole)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert len(events(place, "acknowledgement")) == head(place)[0] - before[0] <= 1
    assert killed > 0

    # And in the very moment when the ledger has it, the command has not said so.
    place = halted.copy(tmp_path / "seen")
    process = acknowledging(place)
    with opened(place.root) as workspace:
        while workspace.ledger.newest("acknowledgement") is None and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    for _ in range(2):
        out, _ = (again := acknowledging(place)).communicate(timeout=120)
        assert again.returncode == 0
        assert out.startswith(f"weekly: critical never_enough since {TRADED[2]}, acknowledged: ")
    (said,) = events(place, "acknowledgement")
    assert (said.body["by"], said.body["rule"]) == (BY, "never_enough")
    assert head(place)[0] == before[0] + 1
