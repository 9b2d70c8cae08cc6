"""Where drift and decay put a book, by hand: tiers, alarms, incidents, requests, tickets."""

import math
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

import numpy as np
import pytest

from shadowbook.core.drift.calibration import CalibratedColumn, Calibration
from shadowbook.core.drift.found import (
    Attributions,
    AttributionShift,
    ColumnDrift,
    DriftBook,
    FalseAlarms,
    QuadrantPoint,
    ScanPath,
    StreamReading,
)
from shadowbook.core.drift.incidents import Incident
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.quadrant import Action, Cell, quadrant
from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.monitored import Fatigue, Limit, Monitored
from shadowbook.core.performance.tiers import AlertAction, Tier
from shadowbook.steps.drift import without_profile
from shadowbook.steps.drift_standing import (
    incidents_along,
    points_along,
    recent_alarms,
    request_of,
    tiers_along,
    told,
    uncovered,
)

FIRST = date(2022, 12, 5)
DAYS = np.arange("2022-12-05", "2022-12-17", dtype="datetime64[D]")
AS_OF = datetime(2022, 12, 16, 21, 15, tzinfo=UTC)
NONE = np.zeros(0)


def day(number):
    return FIRST + timedelta(days=number)


def path(alarm, adjusted=None):
    n = len(alarm)
    return ScanPath(
        sessions=DAYS[:n],
        columns=("a",),
        p_values=np.zeros((n, 1)),
        psi=np.zeros((n, 1)),
        drifted=np.zeros((n, 1), dtype=bool),
        adjusted=np.array(adjusted if adjusted is not None else [0.5] * n),
        alarm=np.array(alarm, dtype=np.int8),
    )


def alert(number, rule, transition, tier=Tier.WARNING, metric="sharpe"):
    return Alert(
        session=day(number),
        rule=rule,
        transition=Transition(transition),
        tier=tier,
        metric=metric,
        window=21,
        value=0.0,
        limit=0.0,
        action=AlertAction.NOTE,
        owner="operator",
        pages=False,
        reason="",
    )


def monitored(*alerts, first=0, status="OK", version=2):
    limit = Limit("fall", "sharpe", 21, Tier.WARNING, -0.1, 0.0, status)
    return Monitored(
        strategy="weekly",
        book="champion",
        model_version=version,
        sessions=DAYS[first:],
        information_coefficient=NONE,
        series={},
        readings=(),
        limits=(limit,),
        alerts=alerts,
        ratios={},
        execution=None,
        attribution=None,
        fatigue=Fatigue(0.0, {}, 0, {}, {}, math.nan),
    )


def stream(alarms=(), setting="calibrated", status="OK", reason="", matured=DAYS[1::2]):
    return StreamReading(
        stream="direction_error",
        detector="DDM",
        setting=setting,
        parameters=MappingProxyType({}),
        matured=matured,
        values=np.zeros(len(matured)),
        alarms=tuple(alarms),
        warnings=(),
        skipped=0,
        run_length_wanted=500.0,
        run_length=600.0,
        status=status,
        reason=reason,
    )


def column(name="a", window=5, adjusted=0.5, drifted=False):
    return ColumnDrift(
        column=name,
        kind="feature",
        window=window,
        n_current=40,
        psi=0.25,
        ks_statistic=0.5,
        missing_difference=0.0,
        p_value=0.001,
        p_missing=math.nan,
        psi_band=0.1,
        ks_band=0.2,
        ks_p_textbook=0.0,
        adjusted=adjusted,
        drifted=drifted,
    )


def shift(feature, shifted):
    interval = (-0.1, 0.1)
    return AttributionShift(
        feature, 0.1, 0.1, interval, 0.2, 0.4, interval, 1, 2, 0.001, shifted=shifted
    )


SHIFTED = Attributions((shift("b", True), shift("a", False)), 0.8, 0.9, 100, 21)
UNKNOWN = Attributions((), math.nan, math.nan, 0, 0, "NOT_COMPUTABLE", "no trees here")


def test_an_incident_opens_with_the_first_of_its_alarms_and_closes_after_calm():
    policy = DriftPolicy(persistence=2, clear_sessions=2)
    found = incidents_along(path([1, 0, 1, -1, 1, 0, 1, 0, -1, 0]), policy, Incident())
    opened = [one.opened for one in found]
    # What cannot be computed neither breaks the row nor counts in it.
    assert opened == [None] * 4 + [day(2)] * 5 + [None]
    assert found[1] == Incident(calm=1)
    assert found[-1] == Incident(calm=2)
    assert incidents_along(path([]), policy, Incident()) == []


def test_the_tier_is_that_of_the_worst_open_alert_on_results():
    alerts = (
        alert(1, "slow", "raised", Tier.WATCH),
        alert(2, "big", "raised", Tier.CRITICAL, metric="volatility"),
        alert(3, "fall", "raised", Tier.WARNING, metric="drawdown_current"),
        alert(4, "fall", "escalated", Tier.WARNING, metric="drawdown_current"),
        alert(5, "halt", "raised", Tier.CRITICAL, metric="hit_rate"),
        alert(6, "halt", "acknowledged", Tier.CRITICAL, metric="hit_rate"),
        alert(7, "halt", "cleared", Tier.CRITICAL, metric="hit_rate"),
        alert(8, "fall", "cleared", Tier.WARNING, metric="drawdown_current"),
        alert(8, "slow", "cleared", Tier.WATCH),
    )
    found = tiers_along(monitored(*alerts), DAYS[:10], warm_up=0)
    assert found == [0, 1, 1, 2, 2, 3, 3, 2, 0, 0]


def test_no_tier_is_known_before_the_shortest_window_nor_without_a_limit():
    watched = monitored(alert(2, "fall", "raised"), first=1)
    # Sessions 1, 2, 3: with the third of its own a window of three is full.
    assert tiers_along(watched, DAYS[:6], warm_up=3) == [-1, -1, -1, 2, 2, 2]
    limitless = monitored(alert(2, "fall", "raised"), status="NOT_COMPUTABLE")
    assert tiers_along(limitless, DAYS[:4], warm_up=0) == [-1] * 4


def test_alerts_before_the_first_session_told_of_count():
    watched = monitored(alert(0, "fall", "raised"), alert(3, "fall", "cleared"))
    assert tiers_along(watched, DAYS[2:5], warm_up=0) == [2, 0, 0]


def test_an_alarm_counts_for_as_long_as_a_window():
    readings = (stream([1]), stream([4]), stream([0], setting="paper"))
    found = recent_alarms(readings, DAYS, 3)
    # Matured in sessions 3 and 9: those and the two after them.
    assert np.flatnonzero(found).tolist() == [3, 4, 5, 9, 10, 11]
    assert not recent_alarms((), DAYS, 3).any()
    assert np.flatnonzero(recent_alarms((stream([5]),), DAYS, 9)).tolist() == [11]


def test_each_session_has_its_place():
    incidents = [Incident(), Incident(opened=day(1)), Incident(), Incident(), Incident()]
    alarmed = np.array([False, False, True, False, False])
    adjusted = [0.5, 0.01, 0.6, math.nan, 0.7]
    found = points_along(path([0, 1, 0, -1, 1], adjusted), incidents, alarmed, [0, 1, 2, -1, 3])
    assert [one.session for one in found] == [day(i) for i in range(5)]
    # One alarm of a scan is no drift before it has lasted.
    assert [one.drift for one in found] == [False, True, True, None, False]
    assert [one.decay for one in found] == [False, False, True, None, True]
    assert [one.tier for one in found] == [0, 1, 2, -1, 3]
    assert [one.adjusted for one in found] == pytest.approx(adjusted, nan_ok=True)


def test_a_request_brings_its_evidence():
    alerts = (
        alert(1, "fall", "raised"),
        alert(1, "over", "raised"),
        alert(2, "over", "cleared"),
        alert(2, "big", "raised", metric="volatility"),
    )
    today = (
        column("a", 5, 0.02, True),
        column("a", 21, 0.5),
        column("b", 5, 0.001, True),
    )
    streams = (stream([0, 2]), stream([0], setting="paper"), stream())
    found = request_of(monitored(*alerts), day(3), AS_OF, today, streams, SHIFTED)
    assert (found.alert, found.strategy, found.as_of) == (
        "drift/weekly/2022-12-08",
        "weekly",
        AS_OF,
    )
    row = {"psi": 0.25, "ks_statistic": 0.5}
    assert found.evidence == {
        "model_version": 2,
        "session": "2022-12-16",
        "columns": [
            {"column": "b", "window": 5, **row, "adjusted": 0.001},
            {"column": "a", "window": 5, **row, "adjusted": 0.02},
        ],
        "streams": [{"stream": "direction_error", "detector": "DDM", "alarms": 2}],
        "attributions": ["b"],
        "alerts": ["fall"],
    }


def test_a_request_names_ten_columns_at_most():
    today = [column(f"c{i:02}", adjusted=i / 1000, drifted=True) for i in range(14, -1, -1)]
    found = request_of(monitored(), day(0), AS_OF, today, (), None).evidence
    assert [one["column"] for one in found["columns"]] == [f"c{i:02}" for i in range(10)]
    assert (found["streams"], found["attributions"], found["alerts"]) == ([], [], [])


def calibration(**reasons):
    columns = tuple(
        CalibratedColumn(name, "feature", NONE, None, NONE, 0, {}, reason)
        for name, reason in reasons.items()
    )
    alarms = FalseAlarms(math.nan, math.nan, math.nan, 0.0)
    return Calibration(columns, (DAYS[0], DAYS[1]), (5, 21), 10, 0.02, 0.05, 0.01, alarms)


ALWAYS = (
    "how features move together, except through attributions and results",
    "what is no feature: news, costs of borrowing, who else trades the same",
)


def test_a_ticket_lists_what_is_not_watched():
    made = calibration(a="", b="the reference has values in 3 sessions and 252 are needed")
    streams = (
        stream(status="NOT_COMPUTABLE", reason="12 observations and 30 are needed"),
        stream(status="NOT_COMPUTABLE", reason="paper", setting="paper"),
        stream(),
    )
    assert uncovered(made, ("a", "b", "c", "d"), ("index",), streams, UNKNOWN) == (
        "b: the reference has values in 3 sessions and 252 are needed",
        "features that the model does not use: c, d",
        "market series, except through features: index",
        "direction_error by DDM: 12 observations and 30 are needed",
        "what features do to predictions: no trees here",
        *ALWAYS,
    )


def test_a_ticket_is_never_empty():
    assert uncovered(calibration(a=""), ("a",), (), (stream(),), SHIFTED) == ALWAYS
    assert uncovered(calibration(a=""), ("a",), (), (), None) == (
        "what features do to predictions",
        *ALWAYS,
    )


def book(**changes):
    given = {
        "strategy": "weekly",
        "book": "champion",
        "model_version": 2,
        "reference": (day(0), day(1)),
        "today": (column("b", 5, 0.01, True), column("b", 21, 0.01, True), column("a", 5)),
        "path": None,
        "false_alarms": None,
        "overlays": (),
        "attributions": SHIFTED,
        "streams": (stream([1]), stream([1], setting="paper"), stream()),
        "points": (QuadrantPoint(day(0), 0.5, -1, None, None), QuadrantPoint(day(1), 0.1, 2, *BAD)),
        "quadrant": quadrant(*BAD),
    }
    return DriftBook(**{**given, **changes})


BAD = (True, True)


def test_the_ledger_is_told_where_a_book_stands():
    asked = request_of(monitored(), day(1), AS_OF, (), (), None)
    assert told(book(request=asked), day(11), day(1), Incident(day(1), day(1), 4)) == {
        "strategy": "weekly",
        "book": "champion",
        "model_version": 2,
        "session": "2022-12-16",
        "drift": True,
        "decay": True,
        "cell": "retrain",
        "action": "retrain on recent data",
        "since": "2022-12-06",
        "incident": {"opened": "2022-12-06", "since": "2022-12-06", "alarms": 4, "calm": 0},
        "columns": ["b"],
        "shifted": ["b"],
        "streams": ["direction_error"],
        "alert": "drift/weekly/2022-12-06",
    }
    nothing = told(
        book(points=(), today=(), attributions=None, streams=(), quadrant=quadrant(None, None)),
        day(11),
        None,
        Incident(),
    )
    assert nothing["drift"] is nothing["decay"] is nothing["since"] is nothing["alert"] is None
    assert (nothing["columns"], nothing["shifted"], nothing["streams"]) == ([], [], [])
    assert (nothing["cell"], nothing["action"]) == (
        "NOT_COMPUTABLE",
        "tell what cannot be computed",
    )


def test_without_a_profile_nothing_is_claimed():
    found = without_profile(monitored(version=7), "version 7 is of another release")
    assert (found.strategy, found.book, found.model_version) == ("weekly", "champion", 7)
    assert found.quadrant == (Cell.NOT_COMPUTABLE, Action.TELL)
    assert found.notes == ("version 7 is of another release",)
    assert found.reference is found.path is found.request is found.incident is None
    assert (found.points, found.today, found.streams, found.ticket) == ((), (), (), ())


def test_a_new_champion_does_not_end_what_goes_on():
    policy = DriftPolicy(persistence=3, clear_sessions=3)
    going_on = Incident(day(-9), day(-2), 5, 0)
    found = incidents_along(path([0, 1, 0, 0, 0]), policy, going_on)
    assert [one.opened for one in found] == [day(-9)] * 4 + [None]
