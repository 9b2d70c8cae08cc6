"""How often alerts came, and how often they meant something."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.limits import own_value
from shadowbook.core.performance.monitored import Fatigue
from shadowbook.core.performance.rolling import rolling_sharpe
from shadowbook.core.performance.tiers import A_YEAR, MonitorPolicy, Tier
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats


def fatigue_of(
    record: LiveRecord, alerts: Sequence[Alert], expected: Backtest | float, policy: MonitorPolicy
) -> Fatigue:
    """Count alerts, and those that were followed by decay.

    A session is followed by decay when the Sharpe ratio of the next ``policy.decay_sessions`` net
    returns is at or under ``policy.decay_share`` of the backtest's. A session with fewer ahead
    cannot be told, nor can any where the backtest's ratio is not above 0. The base rate is the
    share among all sessions that can be told: alerts are worth something where more of them than
    that are followed.

    Parameters
    ----------
    record : of one book.
    alerts : every transition of the book, in any order.
    expected : the backtest, or its Sharpe ratio a session; NaN where there is none.
    policy : what counts as decay.

    Returns
    -------
    Fatigue; every tier is a key of its mappings.
    """
    ratio = own_value("sharpe", expected) if isinstance(expected, Backtest) else expected
    decayed = _decayed(record.net, ratio, policy)
    rows = {session: row for row, session in enumerate(record.sessions.tolist())}
    raised, judged, followed = ({tier.value: 0 for tier in Tier} for _ in range(3))
    for alert in alerts:
        if alert.transition is not Transition.RAISED:
            continue
        raised[alert.tier.value] += 1
        row = rows.get(alert.session)
        if row is not None and not math.isnan(decayed[row]):
            judged[alert.tier.value] += 1
            followed[alert.tier.value] += int(decayed[row])
    told = decayed[np.isfinite(decayed)]
    return Fatigue(
        years=len(record.sessions) / A_YEAR,
        raised=raised,
        pages=sum(alert.pages for alert in alerts),
        followed=followed,
        judged=judged,
        base_rate=float(told.mean()) if len(told) else math.nan,
    )


def _decayed(net: Floats, ratio: float, policy: MonitorPolicy) -> Floats:
    """1.0 where decay followed the session, 0.0 where not, NaN where nobody can tell; (T,)."""
    found = np.full(len(net), np.nan)
    if not ratio > 0.0:
        return found
    known = np.isfinite(net)
    ahead = rolling_sharpe(net[known], policy.decay_sessions)
    # number of known returns up to and with each session: the next ones end this much later
    last = np.cumsum(known) + policy.decay_sessions - 1
    there = last < len(ahead)
    sharpe = ahead[last[there]]
    limit = policy.decay_share * ratio
    found[there] = np.where(np.isnan(sharpe), np.nan, sharpe <= limit + 1e-9 * abs(limit))
    return found
