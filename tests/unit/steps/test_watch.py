"""A champion book under watch when another version takes it over."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime

import numpy as np
import pytest

from shadowbook.core.performance.alerts import AlertState, Phase
from shadowbook.core.track import LiveRecord
from shadowbook.core.values import Panel
from shadowbook.settings import parse_settings
from shadowbook.steps.growing import Seen
from shadowbook.steps.live import of_version
from shadowbook.steps.watch import Watch, watch_event

COUNT, NAMES, HORIZON = 16, tuple(f"S{i}" for i in range(6)), 2
START = np.datetime64("2020-01-06", "D")
CHANGED = 7
"""First session that version 2 scores."""

RULES = """
  - {name: hits, metric: hit_rate, window: 3, tier: warning, kind: absolute, limit: 0.5,
     clear_sessions: 9, cooldown_sessions: 0, action: halve}
  - {name: fall, metric: drawdown_current, window: 4, tier: critical, kind: absolute, limit: -0.01,
     clear_sessions: 9, cooldown_sessions: 0, action: halt}
  - {name: skill, metric: information_coefficient, window: 2, tier: watch, kind: absolute,
     limit: 1.0, clear_sessions: 9, cooldown_sessions: 0}
"""


def settings_of(rules=RULES, min_sessions=0):
    return parse_settings(
        "seed: 1\nlearning: {candidates: {m: {kind: ridge}}}\n"
        f"strategies: {{weekly: {{horizon: {HORIZON}}}}}\n"
        "monitor:\n"
        "  policy: textbook\n  windows: [2]\n"
        "  without: [sharpe_watch, sharpe_warning, sharpe_critical, drawdown_63_critical,"
        " drawdown_252_critical]\n"
        f"  min_sessions: {min_sessions}\n  rules: {rules}\n"
    )


def panel():
    rng = np.random.default_rng(4)
    closes = 40.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, (COUNT, 6)), axis=0))
    days = START + np.arange(COUNT)
    return Panel(days, NAMES, {"close": closes}, {}, days.astype("datetime64[us]"))


def seen(row, version, net=-0.001):
    """One session of a book that loses a little each day, with scores of its own."""
    day = (START + row).astype(datetime)
    rng = np.random.default_rng(row)
    at = datetime(day.year, day.month, day.day, 21, 15, tzinfo=UTC)
    scores = dict(zip(NAMES, rng.normal(size=6).tolist(), strict=True))
    return Seen(day, at, version, (net, net, 0.0, 0.0, 0.1), scores)


def lived(watch, rows, versions, net=-0.001):
    """Take a book through sessions; -> session's row -> (rule, what became of it)."""
    told = {}
    for row in rows:
        one = seen(row, versions(row), net)
        watch.add(one, panel(), row)
        told[row] = [(alert.rule, alert.transition.value) for alert in watch.judge(one.session)]
    return told


def watched(**given):
    return Watch("weekly", settings_of(**given), lambda version: None)


def taken_over(row):
    return 1 if row < CHANGED else 2


def test_another_version_clears_the_open_alert_and_its_windows_begin_again():
    watch = watched()
    before = lived(watch, range(CHANGED), taken_over)
    assert before[2] == [("hits", "raised")]
    assert sum(map(len, before.values())) == 2  # and one of the skill
    assert watch.restraint().capacity == 0.5
    one = seen(CHANGED, 2)
    watch.add(one, panel(), CHANGED)
    cleared = watch.judge(one.session)
    assert [(alert.rule, alert.transition.value) for alert in cleared] == [
        ("hits", "cleared"),
        ("skill", "cleared"),
    ]
    assert {alert.reason for alert in cleared} == {"version 2 scores from here on, 1 did before"}
    assert watch.restraint().capacity == 1.0
    # Three returns of the new version's own are needed, not three of the book.
    after = lived(watch, range(CHANGED + 1, COUNT), taken_over)
    assert after[CHANGED + 1] == []
    assert ("hits", "raised") in after[CHANGED + 2]


def test_from_the_change_on_the_book_is_watched_like_one_launched_then():
    old, new = watched(), watched()
    lived(old, range(CHANGED), taken_over)
    told = lived(old, range(CHANGED, COUNT), taken_over)
    fresh = lived(new, range(CHANGED, COUNT), taken_over)
    told[CHANGED] = [one for one in told[CHANGED] if one[1] != "cleared"]
    assert told == fresh
    assert old.states == new.states
    assert old.event_body == new.event_body


def test_the_first_sessions_of_a_version_raise_nothing():
    watch = watched(min_sessions=5)
    told = lived(watch, range(COUNT), taken_over)
    raised = {row for row, news in told.items() if ("hits", "raised") in news}
    # The session after five that were passed over, of each version.
    assert raised == {5, CHANGED + 5}


def test_an_incident_outlives_the_version_that_it_was_raised_on():
    watch = watched()
    told = lived(watch, range(CHANGED), taken_over, net=-0.02)
    assert ("fall", "raised") in [one for news in told.values() for one in news]
    assert watch.restraint().capacity == 0.0
    one = seen(CHANGED, 2, net=0.01)
    watch.add(one, panel(), CHANGED)
    assert "fall" not in {alert.rule for alert in watch.judge(one.session)}
    held = watch.restraint()
    assert held.capacity == 0.0
    assert held.reason == (
        "the book is halted by its alerts (fall): `shadowbook alerts` tells what to do"
    )
    # Nothing that the old version breached is asked of the new one: the word is enough.
    assert watch.restraint({"fall"}).capacity == 0.5
    another = seen(CHANGED + 1, 2, net=0.01)
    watch.add(another, panel(), CHANGED + 1)
    news = watch.judge(another.session, {"fall"})
    assert [(alert.rule, alert.transition.value) for alert in news] == [
        ("fall", "acknowledged"),
        ("fall", "cleared"),
    ]
    assert watch.restraint().capacity == 1.0


def test_a_restraint_names_the_alerts_that_make_it_and_no_others():
    watch = watched()
    lived(watch, range(CHANGED), taken_over, net=-0.02)
    assert {state.rule for state in watch.states if state.is_open} == {"fall", "hits", "skill"}
    assert "by its alerts (fall): " in watch.restraint().reason
    known = watch.restraint({"fall"})
    assert known.reason == "the book is at 50% of its size by its alerts (fall, hits)"


@pytest.mark.parametrize("net", [-0.001, -0.02])
@pytest.mark.parametrize("ends", [CHANGED - 2, CHANGED, CHANGED + 2])
def test_taken_up_from_the_ledger_it_goes_on_as_if_never_put_down(ends, net):
    """Also where the process ended right before the change of version."""
    through = watched()
    lived(through, range(ends), taken_over, net)
    body = watch_event(through, datetime(2020, 1, 7, tzinfo=UTC)).body
    again = watched()
    for row in range(ends):
        again.add(seen(row, taken_over(row), net), panel(), row)
    again.take_up([AlertState.of_plain(item) for item in body["states"]], body["model_version"])
    assert lived(again, range(ends, COUNT), taken_over, net) == lived(
        through, range(ends, COUNT), taken_over, net
    )
    assert again.event_body == through.event_body


def test_an_alert_taken_up_from_another_version_is_cleared_at_the_next_session():
    """A version that took over while nobody watched."""
    state = AlertState.of_plain(
        {
            "family": "hit_rate/warning/halve",
            "tier": "warning",
            "action": "halve",
            "phase": "open",
            "rule": "hits",
            "age": 3,
            "rest": 0,
            "tripped": ["hits"],
            "streaks": {"hits": 4},
        }
    )
    assert state.phase is Phase.OPEN
    watch = watched()
    watch.take_up([state], 1)
    assert watch.restraint().capacity == 0.5
    told = lived(watch, range(4), lambda row: 2)
    assert told[0] == [("hits", "cleared")]
    assert ("hits", "raised") in told[2]


def record_of(versions):
    n = len(versions)
    numbers = {
        name: 100.0 * place + np.arange(n)
        for place, name in enumerate(
            ("net", "signal", "execution", "cost", "turnover", "information_coefficient")
        )
    }
    return LiveRecord(
        strategy="weekly",
        book="champion",
        sessions=START + np.arange(n),
        model_versions=np.array(versions, dtype=np.int64),
        lagged_ic=np.full(n, np.nan),
        **numbers,
    )


@pytest.mark.parametrize(
    ("versions", "since"),
    [
        ([1, 1, 1], 0),
        ([1, 1, 2], 2),
        ([1, 2, 2, 2], 1),
        ([1, 1, 2, 1, 1], 3),
        ([0, 0, 3], 2),
        ([3, 0], 1),
        ([], 0),
    ],
)
def test_a_record_is_cut_to_the_version_that_scores_now(versions, since):
    """A version that comes back after another begins anew as well."""
    whole = record_of(versions)
    found = of_version(whole)
    assert (found.strategy, found.book) == ("weekly", "champion")
    for name in (field.name for field in fields(whole)):
        if name not in ("strategy", "book"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[since:])


def test_what_a_watch_has_seen_is_the_record_of_its_version():
    """Growing by the day and cut from the whole, the labels that have matured among it."""
    watch, fresh = watched(), watched()
    lived(watch, range(COUNT), taken_over)
    lived(fresh, range(CHANGED, COUNT), taken_over)
    for one, other in zip(watch.states, fresh.states, strict=True):
        assert dict(one.streaks) == dict(other.streaks)
    assert dict(watch.states[0].streaks)["hits"] == COUNT - CHANGED - 2
    skill = next(one for one in watch.states if "skill" in dict(one.streaks))
    # Two labels of the new version must have matured before the first value.
    assert dict(skill.streaks)["skill"] == COUNT - CHANGED - HORIZON - 1
