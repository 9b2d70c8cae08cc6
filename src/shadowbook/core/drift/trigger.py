"""Whether a wish to retrain is granted: once an alert, not too soon, not too often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from shadowbook.core.bitemporal import instant
from shadowbook.core.drift.found import RetrainRequest
from shadowbook.core.drift.policy import RetrainPolicy
from shadowbook.core.values import Schedule


@dataclass(frozen=True)
class Retraining:
    """A retraining that drift started.

    Attributes
    ----------
    alert : that it answered.
    as_of : decision moment of the session that asked.
    """

    alert: str
    strategy: str
    as_of: datetime


@dataclass(frozen=True)
class Permission:
    """Whether a retraining may be started now.

    Attributes
    ----------
    reason : why not, and when it may be, in one sentence; empty where it may.
    """

    granted: bool
    reason: str = ""


def permission(
    request: RetrainRequest,
    history: Sequence[Retraining],
    policy: RetrainPolicy,
    schedule: Schedule,
) -> Permission:
    """Say whether a request is granted.

    An alert has one retraining, however often it asks. After a strategy's retraining none is
    started for some sessions, and a calendar month of the exchange has room for a few.

    Parameters
    ----------
    history : retrainings that drift has started, in any order; other strategies' do not count.
    schedule : sessions that reach over the request and the strategy's retrainings.

    >>> from datetime import UTC
    >>> day = np.array(["2022-12-13"], "datetime64[D]")
    >>> decided = np.array(["2022-12-13T21:15"], "datetime64[us]")
    >>> now = datetime(2022, 12, 13, 21, 15, tzinfo=UTC)
    >>> request = RetrainRequest("drift/weekly/2022-12-08", "weekly", now, {})
    >>> permission(request, [], RetrainPolicy(), Schedule(day, decided, decided))
    Permission(granted=True, reason='')
    >>> policy = RetrainPolicy(cooldown_sessions=0, max_a_month=1)
    >>> done = [Retraining("drift/weekly/2022-11-28", "weekly", now)]
    >>> permission(request, done, policy, Schedule(day, decided, decided)).granted
    False
    """
    own = sorted((one for one in history if one.strategy == request.strategy), key=_moment)
    reason = _switched_off(request, policy) or _answered(request, own, schedule)
    reason = reason or _too_often(request, own, policy, schedule)
    return Permission(not reason, reason)


def _moment(one: Retraining) -> datetime:
    return one.as_of


def _switched_off(request: RetrainRequest, policy: RetrainPolicy) -> str:
    by_hand = f"retrain by hand with `shadowbook retrain --strategy {request.strategy}`"
    if not policy.active:
        return f"drift.retrain.active is false: {by_hand}, or set it to true"
    if not policy.max_a_month:
        return f"drift.retrain.max_a_month is 0: {by_hand}, or raise it"
    return ""


def _answered(request: RetrainRequest, own: Sequence[Retraining], schedule: Schedule) -> str:
    for one in own:
        if one.alert == request.alert:
            return (
                f"the alert {one.alert} had its retraining as of "
                f"{_session(one.as_of, schedule)}: a new one may start another"
            )
    if own and own[-1].as_of > request.as_of:
        return (
            f"{request.strategy} was retrained because of {own[-1].alert} as of "
            f"{_session(own[-1].as_of, schedule)}, after {_session(request.as_of, schedule)}, "
            "which asks: a later session may start another"
        )
    return ""


def _too_often(
    request: RetrainRequest, own: Sequence[Retraining], policy: RetrainPolicy, schedule: Schedule
) -> str:
    """Name every limit that is reached: the latest of their ends counts."""
    today, said = _session(request.as_of, schedule), []
    if own:
        last = own[-1]
        passed = _position(request.as_of, schedule) - _position(last.as_of, schedule)
        left = policy.cooldown_sessions - passed
        if policy.cooldown_sessions and left >= 0:
            ahead = f"{left + 1} session{'s' if left else ''}"
            said.append(
                f"{request.strategy} was retrained because of {last.alert} as of "
                f"{_session(last.as_of, schedule)} and rests for {policy.cooldown_sessions} "
                f"sessions: another may be started {ahead} after {today}"
            )
    spent = [one for one in own if _month(_session(one.as_of, schedule)) == _month(today)]
    if len(spent) >= policy.max_a_month:
        most = f"{policy.max_a_month} retraining{'s' if policy.max_a_month > 1 else ''}"
        following = np.datetime64(today, "M") + 1
        said.append(
            f"{request.strategy} has had the {most} by drift that "
            f"{today:%Y-%m} has room for: one may be started from {following}-01 on"
        )
    return "; ".join(said)


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month


def _session(moment: datetime, schedule: Schedule) -> date:
    """Return the newest session that was decided at a moment."""
    found: date = schedule.sessions[_position(moment, schedule)].astype(date)
    return found


def _position(moment: datetime, schedule: Schedule) -> int:
    return int(np.searchsorted(schedule.decided_at, instant(moment), side="right")) - 1
