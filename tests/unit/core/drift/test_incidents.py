"""When an incident opens and closes: transitions by table, and as a whole series counts them."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.drift.false_alarms import count_incidents
from shadowbook.core.drift.incidents import Incident, advance

DAY = date(2020, 3, 9)
EARLIER = date(2020, 3, 5)
FIRST = date(2020, 2, 3)

TRANSITIONS = [
    # alarms in a row open at the third
    (Incident(), True, Incident(None, DAY, 1, 0)),
    (Incident(calm=7), True, Incident(None, DAY, 1, 0)),
    (Incident(None, EARLIER, 1, 0), True, Incident(None, EARLIER, 2, 0)),
    (Incident(None, EARLIER, 2, 0), True, Incident(EARLIER, EARLIER, 3, 0)),
    (Incident(EARLIER, EARLIER, 3, 0), True, Incident(EARLIER, EARLIER, 4, 0)),
    # an open one stays what it was through calm and new alarms
    (Incident(FIRST, None, 0, 1), True, Incident(FIRST, DAY, 1, 0)),
    (Incident(FIRST, EARLIER, 2, 0), True, Incident(FIRST, EARLIER, 3, 0)),
    (Incident(FIRST, EARLIER, 4, 0), False, Incident(FIRST, None, 0, 1)),
    # a calm scan starts alarms again, and the second in a row closes
    (Incident(None, EARLIER, 2, 0), False, Incident(None, None, 0, 1)),
    (Incident(FIRST, None, 0, 1), False, Incident(None, None, 0, 2)),
    (Incident(None, None, 0, 5), False, Incident(None, None, 0, 6)),
]


@pytest.mark.parametrize(("before", "alarm", "after"), TRANSITIONS)
def test_each_transition(before, alarm, after):
    assert advance(before, DAY, alarm, persistence=3, clear_sessions=2) == after


@pytest.mark.parametrize("before", [one for one, _, _ in TRANSITIONS])
def test_what_is_not_computable_changes_nothing(before):
    assert advance(before, DAY, None, 3, 2) is before


@pytest.mark.parametrize("incident", [one for _, _, one in TRANSITIONS] + [Incident()])
def test_it_is_written_and_read_back(incident):
    text = json.dumps(incident.plain())
    assert Incident.of_plain(json.loads(text)) == incident


def test_what_is_written():
    assert Incident(FIRST, None, 0, 1).plain() == {
        "opened": "2020-02-03",
        "since": None,
        "alarms": 0,
        "calm": 1,
    }


@given(st.lists(st.booleans() | st.none(), max_size=80), st.integers(1, 4), st.integers(1, 6))
def test_incidents_of_a_series_are_counted_alike(alarms, persistence, clear):
    incident, opened = Incident(), []
    for at, alarm in enumerate(alarms):
        before = incident
        incident = advance(before, DAY + timedelta(days=at), alarm, persistence, clear)
        if incident.opened and not before.opened:
            opened.append(incident.opened)
            # It is dated by the first of its alarms.
            known = [(k, one) for k, one in enumerate(alarms[: at + 1]) if one is not None]
            assert all(one for _, one in known[-persistence:])
            assert incident.opened == DAY + timedelta(days=known[-persistence][0])
        elif incident.opened and before.opened:
            assert incident.opened == before.opened
    computable = [alarm for alarm in alarms if alarm is not None]
    assert count_incidents(computable, persistence, clear) == len(opened)
    assert len(set(opened)) == len(opened)
