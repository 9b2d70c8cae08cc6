"""Retrainings that drift asks for in a replay: when, why, how often; in one go and in pieces."""

from __future__ import annotations

from datetime import date

import pytest

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.steps.replays import replay
from tests.integration.trading_places import (
    assert_same_books,
    opened,
    replay_ledger,
    replayed,
    set_params,
)

pytestmark = pytest.mark.slow

FIRST, LAST = "2022-10-03", "2022-12-02"
"""Before the session that the workspace was made as of."""

EASILY = {
    "name": "easily",
    "metric": "hit_rate",
    "window": 2,
    "tier": "warning",
    "kind": "absolute",
    "limit": 1.0,
    "clear_sessions": 1,
    "cooldown_sessions": 0,
    "action": "note",
}
"""In breach whenever two returns are known and are not both gains."""

WILD = {
    "monitor": {"windows": [2, 21], "min_sessions": 0, "n_resamples": 200, "rules": [EASILY]},
    "drift": {
        "reference_sessions": 252,
        "windows": [5],
        "n_resamples": 200,
        "held_out_years": 0,
        "persistence": 1,
        "clear_sessions": 2,
        "false_discovery_rate": 0.4,
        "min_distance": 0.0,
        "streams": {"n_histories": 20},
        "attributions": {"rows": 100, "n_resamples": 100},
        "retrain": {"cooldown_sessions": 3, "max_a_month": 2},
    },
    "replay": {
        "models": "retrain",
        "retrain_sessions": None,
        "n_splits": 2,
        "operator": {"promote": "better_shadow", "after_sessions": 4},
    },
}
"""Drift and decay every few weeks."""


@pytest.fixture(scope="module")
def wild(trading, tmp_path_factory):
    """Nothing replayed. Not to be changed."""
    place = trading.copy(tmp_path_factory.mktemp("wild") / "ws")
    set_params(place.root, WILD)
    return place


@pytest.fixture(scope="module")
def whole(wild, tmp_path_factory):
    """Replayed in one go; -> place and report. Not to be changed."""
    place = wild.copy(tmp_path_factory.mktemp("whole") / "ws")
    with opened(place.root) as workspace:
        return place, replay(workspace, date.fromisoformat(FIRST), date.fromisoformat(LAST))


def told(place, kind, strategy="weekly"):
    """Session -> body."""
    found = [stored.event for stored in replay_ledger(place.root).events(kind)]
    return {str(e.at.date()): e.body for e in found if e.body["strategy"] == strategy}


def asked(place, strategy="weekly"):
    """Session -> the alert that a retraining answers."""
    return {
        day: body["alert"] for day, body in told(place, "drift", strategy).items() if body["alert"]
    }


def causes(place, strategy="weekly"):
    """Session -> version and cause."""
    bodies = told(place, "training", strategy).items()
    return {day: (body["version"], body.get("cause")) for day, body in bodies}


def test_drift_and_decay_together_add_versions_that_name_their_cause(whole):
    place, _ = whole
    assert asked(place) == {
        "2022-10-26": "drift/weekly/2022-10-26",
        "2022-11-14": "drift/weekly/2022-11-14",
        "2022-11-28": "drift/weekly/2022-11-28",
    }
    assert asked(place, "fortnightly") == {
        "2022-11-18": "drift/fortnightly/2022-11-18",
        "2022-12-01": "drift/fortnightly/2022-12-01",
    }
    # Each is there from the session after the one that asks.
    assert causes(place) == {
        FIRST: (1, None),
        "2022-10-27": (2, "drift/weekly/2022-10-26"),
        "2022-11-15": (3, "drift/weekly/2022-11-14"),
        "2022-11-29": (4, "drift/weekly/2022-11-28"),
    }
    trained = told(place, "training")
    assert trained["2022-10-27"]["as_of"].startswith("2022-10-26T")
    # An incident is answered once, however long it lasts.
    bodies = told(place, "drift")
    assert (bodies["2022-10-27"]["cell"], bodies["2022-10-27"]["alert"]) == ("retrain", None)


def test_every_change_of_standing_is_told_once(whole):
    place, _ = whole
    bodies = told(place, "drift")
    recorded = [stored.event.body for stored in replay_ledger(place.root).events("drift")]
    assert sum(body["strategy"] == "weekly" for body in recorded) == len(bodies)
    for day, body in bodies.items():
        assert body["session"] == day
        known = body["drift"] is not None and body["decay"] is not None
        cells = {
            (False, False): "continue",
            (True, False): "watch",
            (False, True): "coverage",
            (True, True): "retrain",
        }
        wanted = cells[body["drift"], body["decay"]] if known else "NOT_COMPUTABLE"
        assert body["cell"] == wanted
        assert bool(body["since"]) is (body["drift"] is True)
    # The shortest window of an alert holds two returns.
    assert [bodies[day]["decay"] for day in (FIRST, "2022-10-04", "2022-10-05")] == [
        None,
        False,
        True,
    ]


def test_the_page_at_the_end_tells_of_the_champions(whole):
    place, report = whole
    champions = sorted((one.strategy, one.model_version) for one in report.drift)
    assert champions == [("fortnightly", 2), ("weekly", 1)]
    for one in report.drift:
        newest = list(told(place, "drift", one.strategy).values())[-1]
        assert one.quadrant.cell.value == newest["cell"]
        opened = one.incident.isoformat() if one.incident else None
        assert opened == newest["since"]
    assert "Drift at the end of a replay" in report.drift_page.read_text("utf-8")


@pytest.mark.parametrize(
    "cuts",
    [
        # The session that asks is the last of a piece.
        ("2022-10-26",),
        # The versions begin in the first of a piece; a promotion on the way.
        ("2022-10-25", "2022-10-27", "2022-11-14", "2022-11-18", "2022-11-29"),
    ],
)
def test_pieces_give_the_same_ledger(whole, wild, tmp_path, cuts):
    place = wild.copy(tmp_path / "ws")
    for day in cuts:
        replayed(place.root, FIRST, day)
    last = replayed(place.root, FIRST, LAST)
    again = replayed(place.root, FIRST, LAST)
    assert (again.replayed, again.digest) == (0, last.digest)
    ledger, other = replay_ledger(whole[0].root), replay_ledger(place.root)
    assert other.verify() is None
    assert other.head() == ledger.head()
    assert_same_books(ledger, other)


@pytest.mark.parametrize(
    ("method", "day"), [("record", "2022-10-26"), ("record_session", "2022-10-27")]
)
def test_killed_where_drift_asks_it_goes_on_to_the_same_ledger(
    whole, wild, tmp_path, monkeypatch, method, day
):
    """Killed before the wish is recorded, and before the session of the version it led to is."""
    place = wild.copy(tmp_path / "ws")
    sound = getattr(Ledger, method)

    def cut_off(ledger, events, *rest):
        if any(str(event.at.date()) == day for event in events):
            raise KeyboardInterrupt
        return sound(ledger, events, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, method, cut_off)
        with pytest.raises(KeyboardInterrupt):
            replayed(place.root, FIRST, LAST)
    assert len(causes(place)) == 1
    replayed(place.root, FIRST, LAST)
    assert replay_ledger(place.root).head() == replay_ledger(whole[0].root).head()


def test_after_a_retraining_none_is_started_for_some_sessions(wild, tmp_path):
    place = wild.copy(tmp_path / "ws")
    set_params(place.root, {"drift": {"retrain": {"cooldown_sessions": 13}}})
    replayed(place.root, FIRST, LAST)
    # November 14 is the 13th session after October 26; the next one waits beyond the end.
    assert asked(place) == {
        "2022-10-26": "drift/weekly/2022-10-26",
        "2022-11-15": "drift/weekly/2022-11-14",
    }
    assert causes(place)["2022-11-16"] == (3, "drift/weekly/2022-11-14")


def test_a_month_has_room_for_so_many(whole, wild, tmp_path):
    place = wild.copy(tmp_path / "ws")
    set_params(place.root, {"drift": {"retrain": {"max_a_month": 1}}})
    replayed(place.root, FIRST, LAST)
    found = asked(place)
    # What was asked for on November 28 is still open when the next month begins.
    assert list(found) == ["2022-10-26", "2022-11-14", "2022-12-01"]
    assert found["2022-12-01"] == "drift/weekly/2022-11-28"


@pytest.mark.parametrize(
    "settings",
    [{"replay": {"retrain_on_drift": False}}, {"drift": {"retrain": {"active": False}}}],
)
def test_switched_off_drift_is_told_and_adds_none(whole, wild, tmp_path, settings):
    place = wild.copy(tmp_path / "ws")
    set_params(place.root, settings)
    replayed(place.root, FIRST, "2022-10-27")
    assert asked(place) == asked(place, "fortnightly") == {}
    assert causes(place) == {FIRST: (1, None)}
    bodies = told(place, "drift")
    assert bodies["2022-10-26"]["cell"] == "retrain"
    granted = told(whole[0], "drift")["2022-10-26"]
    assert bodies["2022-10-26"] == {**granted, "alert": None}
