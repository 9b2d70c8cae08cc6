"""How often alerts came, and how many were followed by decay."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.fatigue import fatigue_of
from shadowbook.core.performance.tiers import AlertAction, MonitorPolicy, Tier
from shadowbook.core.track import Backtest, LiveRecord

START = date(2020, 1, 1)
POLICY = MonitorPolicy(decay_sessions=21, decay_share=0.5)
EXPECTED = 0.1


def record(net):
    n = len(net)
    blank = np.zeros(n)
    sessions = np.datetime64(START, "D") + np.arange(n)
    versions = np.ones(n, dtype=np.int64)
    rest = (blank, blank, blank, blank, blank)
    return LiveRecord("us", "champion", sessions, versions, net, net, *rest)


def alert(row, tier=Tier.WATCH, transition=Transition.RAISED, pages=False):
    session = START + timedelta(row)
    action = AlertAction.NOTE
    return Alert(session, "r", transition, tier, "sharpe", 63, 0.0, 0.0, action, "me", pages, "")


def good_then_bad(turn, n):
    """Sharpe ratio near 1 a session up to the turn, near -1 after it."""
    wave = np.where(np.arange(n) % 2 == 0, 0.01, -0.01)
    return wave + np.where(np.arange(n) < turn, 0.01, -0.01)


def test_alerts_are_followed_by_decay_where_the_next_sessions_earn_too_little():
    live = record(good_then_bad(100, 200))
    alerts = [alert(50), alert(99), alert(150), alert(150, Tier.WARNING), alert(190)]
    fatigue = fatigue_of(live, alerts, EXPECTED, POLICY)
    assert fatigue.raised == {"watch": 4, "warning": 1, "critical": 0}
    assert fatigue.judged == {"watch": 3, "warning": 1, "critical": 0}  # row 190 has 9 ahead
    assert fatigue.followed == {"watch": 2, "warning": 1, "critical": 0}
    assert fatigue.years == pytest.approx(200 / 252)


def test_the_base_rate_is_the_share_of_all_sessions_that_can_be_told():
    live = record(good_then_bad(100, 200))
    ahead = [live.net[row + 1 : row + 22] for row in range(200 - 21)]
    told = [window.mean() / window.std(ddof=1) <= 0.05 for window in ahead]
    assert 0.4 < np.mean(told) < 0.6
    assert fatigue_of(live, [], EXPECTED, POLICY).base_rate == pytest.approx(np.mean(told))


def test_sessions_without_a_return_are_not_counted_ahead():
    net = good_then_bad(100, 200)
    gaps = np.insert(net, 100, np.full(30, np.nan))
    plain, gapped = (fatigue_of(record(n), [alert(99)], EXPECTED, POLICY) for n in (net, gaps))
    assert plain.followed == gapped.followed == {"watch": 1, "warning": 0, "critical": 0}
    late = fatigue_of(record(gaps), [alert(110)], EXPECTED, POLICY)
    assert late.followed["watch"] == 1


def test_pages_are_counted_by_themselves_and_only_raised_alerts_by_tier():
    live = record(good_then_bad(100, 200))
    alerts = [
        alert(10, Tier.WARNING),
        alert(20, Tier.WARNING, Transition.ESCALATED, pages=True),
        alert(30, Tier.WARNING, Transition.CLEARED),
        alert(40, Tier.CRITICAL, pages=True),
    ]
    fatigue = fatigue_of(live, alerts, EXPECTED, POLICY)
    assert fatigue.pages == 2
    assert fatigue.raised == {"watch": 0, "warning": 1, "critical": 1}


@pytest.mark.parametrize("expected", [0.0, -0.1, math.nan])
def test_nothing_decays_from_a_backtest_that_earned_nothing(expected):
    live = record(good_then_bad(100, 200))
    fatigue = fatigue_of(live, [alert(150)], expected, POLICY)
    assert fatigue.judged["watch"] == 0
    assert math.isnan(fatigue.base_rate)


def test_the_backtests_own_ratio_is_what_is_expected():
    live = record(good_then_bad(100, 200))
    blank = np.full(300, np.nan)
    net = np.where(np.arange(300) % 2 == 0, 0.01, -0.01) + 0.001  # Sharpe ratio 0.1
    tested = Backtest(np.arange(300), net, net, net, blank, blank, blank)
    one, two = (fatigue_of(live, [alert(150)], x, POLICY) for x in (tested, EXPECTED))
    assert one == two


def test_a_short_record_tells_nothing():
    fatigue = fatigue_of(record(np.zeros(5)), [alert(3)], EXPECTED, POLICY)
    assert fatigue.judged["watch"] == 0
    assert math.isnan(fatigue.base_rate)
