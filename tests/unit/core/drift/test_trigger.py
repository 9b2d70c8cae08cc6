"""When drift may start a retraining."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowbook.core.drift.found import RetrainRequest
from shadowbook.core.drift.policy import RetrainPolicy
from shadowbook.core.drift.trigger import Permission, Retraining, permission
from shadowbook.core.values import Schedule

FIRST = date(2022, 11, 1)
DAYS = [day for i in range(400) if (day := FIRST + timedelta(days=i)).weekday() < 5]
"""Sessions: weekdays from a Tuesday on."""

DECIDED = np.array([f"{day}T21:15" for day in DAYS], "datetime64[us]")
SCHEDULE = Schedule(np.array(DAYS, "datetime64[D]"), DECIDED, DECIDED)
GRANTED = Permission(True)


def at(number: int) -> datetime:
    """Decision moment of a session by its number."""
    return DECIDED[number].astype(datetime).replace(tzinfo=UTC)


def request(number: int, alert: str = "new", strategy: str = "weekly") -> RetrainRequest:
    return RetrainRequest(alert, strategy, at(number), {"p": 0.001})


def done(number: int, alert: str = "old", strategy: str = "weekly") -> Retraining:
    return Retraining(alert, strategy, at(number))


def ask(asked: RetrainRequest, *history: Retraining, **policy: object) -> Permission:
    return permission(asked, history, RetrainPolicy(**policy), SCHEDULE)


def test_nothing_stands_against_the_first():
    assert ask(request(30)) == GRANTED
    assert ask(request(30), done(29, strategy="monthly"), done(30, strategy="monthly")) == GRANTED


def test_an_alert_is_answered_once():
    free = {"cooldown_sessions": 0, "max_a_month": 31}
    found = ask(request(60, "drift/weekly/2022-12-01"), done(3, "drift/weekly/2022-12-01"), **free)
    assert found == Permission(
        False,
        "the alert drift/weekly/2022-12-01 had its retraining as of 2022-11-04: a new one may "
        "start another",
    )
    assert ask(request(60), done(3), **free) == GRANTED


@pytest.mark.parametrize(
    ("number", "ends"),
    [
        (10, "another may be started 22 sessions after 2022-11-15"),
        (11, "another may be started 21 sessions after 2022-11-16"),
        (31, "another may be started 1 session after 2022-12-14"),
        (32, ""),
    ],
)
def test_it_rests_for_so_many_sessions(number, ends):
    found = ask(request(number), done(10), max_a_month=31)
    assert found.granted == (not ends)
    if ends:
        assert found.reason == (
            "weekly was retrained because of old as of 2022-11-15 and rests for 21 sessions: "
            f"{ends}"
        )


def test_without_a_rest_another_alert_of_the_same_session_is_granted():
    assert ask(request(10), done(10), cooldown_sessions=0, max_a_month=2) == GRANTED


def test_a_month_has_room_for_a_few():
    spent = [done(22, "one"), done(24, "two")]  # both in December
    free = {"cooldown_sessions": 0, "max_a_month": 2}
    assert SCHEDULE.sessions[[22, 43, 44]].astype(str).tolist() == [
        "2022-12-01",
        "2022-12-30",
        "2023-01-02",
    ]
    assert ask(request(43), *spent, **free) == Permission(
        False,
        "weekly has had the 2 retrainings by drift that 2022-12 has room for: one may be started "
        "from 2023-01-01 on",
    )
    assert ask(request(44), *spent, **free) == GRANTED
    assert ask(request(43), spent[0], done(21, "november"), **free) == GRANTED


def test_every_limit_that_is_reached_is_said():
    found = ask(request(25), done(22, "one"), done(24, "two"))
    assert found.reason == (
        "weekly was retrained because of two as of 2022-12-05 and rests for 21 sessions: another "
        "may be started 21 sessions after 2022-12-06; weekly has had the 2 retrainings by drift "
        "that 2022-12 has room for: one may be started from 2023-01-01 on"
    )


def test_a_session_before_the_newest_retraining_asks_too_late():
    found = ask(request(20), done(25), cooldown_sessions=0)
    assert found == Permission(
        False,
        "weekly was retrained because of old as of 2022-12-06, after 2022-11-29, which asks: a "
        "later session may start another",
    )


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (
            {"active": False},
            "drift.retrain.active is false: retrain by hand with `shadowbook retrain --strategy "
            "weekly`, or set it to true",
        ),
        (
            {"max_a_month": 0},
            "drift.retrain.max_a_month is 0: retrain by hand with `shadowbook retrain --strategy "
            "weekly`, or raise it",
        ),
    ],
)
def test_it_can_be_switched_off(policy, reason):
    assert ask(request(30), **policy) == Permission(False, reason)


Asked = tuple[int, str, str]
ASKED = st.tuples(
    st.integers(0, len(DAYS) - 1), st.sampled_from("abcdefgh"), st.sampled_from(("one", "two"))
)


@given(
    asked=st.lists(ASKED, max_size=40),
    ordered=st.booleans(),
    rest=st.integers(0, 60),
    most=st.integers(1, 4),
)
def test_whatever_asks_in_whatever_order_the_rules_hold(asked, ordered, rest, most):
    policy = RetrainPolicy(cooldown_sessions=rest, max_a_month=most)
    history: list[Retraining] = []
    numbers: dict[str, list[int]] = {"one": [], "two": []}
    for number, name, strategy in sorted(asked) if ordered else asked:
        one = request(number, f"drift/{strategy}/{name}", strategy)
        found = permission(one, history, policy, SCHEDULE)
        # What other strategies have had, and in which order it was recorded, does not matter.
        own = [past for past in reversed(history) if past.strategy == strategy]
        assert permission(one, own, policy, SCHEDULE) == found
        assert found.granted == (not found.reason)
        if found.granted:
            history.append(Retraining(one.alert, strategy, one.as_of))
            numbers[strategy].append(number)
        again = permission(one, history, policy, SCHEDULE)
        assert not again.granted
    assert len({one.alert for one in history}) == len(history)
    for own in numbers.values():
        assert all(later - earlier > rest or not rest for earlier, later in pairwise(own))
        months = [str(DAYS[number])[:7] for number in own]
        assert all(months.count(month) <= most for month in months)
