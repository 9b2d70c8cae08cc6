"""A monitored book's state and figures as a person reads them, on the page and on the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from shadowbook.adapters.report.words import counted, signed
from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.monitored import Limit, Monitored, RatioPath, Reading
from shadowbook.core.performance.tiers import AlertAction, Tier

BookKey = tuple[str, str]
"""Strategy and book."""

SESSIONS_A_YEAR = 252.0
NOT_COMPUTABLE = "not computable"

LEAST_YEARS = 0.25
"""Of less than this, what came once would seem to come often every year."""


@dataclass(frozen=True)
class Spoken:
    """How a metric is written.

    Attributes
    ----------
    heading : what it is called, with its unit.
    form : format of its value and of its error.
    factor : from a session to what is shown: a Sharpe ratio a year, basis points.
    meaning : one sentence.
    percent : True where its axis counts percent.
    """

    heading: str
    form: str
    factor: float
    meaning: str
    percent: bool = True


SPOKEN: Mapping[str, Spoken] = {
    "sharpe": Spoken(
        "Sharpe ratio, a year",
        "z.2f",
        math.sqrt(SESSIONS_A_YEAR),
        "Mean over standard deviation of the net returns of the window, times the root of 252.",
        percent=False,
    ),
    "information_coefficient": Spoken(
        "information coefficient",
        "z.3f",
        1.0,
        "Mean rank correlation of scores and what followed, of the scores whose outcome is known.",
        percent=False,
    ),
    "drawdown_current": Spoken(
        "current drawdown",
        "z.1%",
        1.0,
        "How far the book stands below its highest value within the window.",
    ),
    "drawdown_maximum": Spoken(
        "deepest drawdown", "z.1%", 1.0, "The deepest fall within the window."
    ),
    "drawdown_length": Spoken(
        "drawdown length (sessions)",
        "z.0f",
        1.0,
        "Sessions since the highest value within the window.",
        percent=False,
    ),
    "hit_rate": Spoken("hit rate", "z.1%", 1.0, "Share of sessions with a net return above 0."),
    "volatility": Spoken(
        "volatility, a year",
        "z.1%",
        math.sqrt(SESSIONS_A_YEAR),
        "Standard deviation of the net returns, times the root of 252.",
    ),
    "turnover": Spoken(
        "turnover, a session", "z.1%", 1.0, "Mean of what was traded over equity, both sides."
    ),
    "cost": Spoken(
        "cost, bp a session",
        "z.2f",
        1e4,
        "Mean cost a session over equity, in basis points.",
        percent=False,
    ),
}
"""In the order they are read; a metric that is not listed is written as it is."""

SEVERITY: Mapping[str, int] = {"quiet": 0, "watch": 1, "warning": 2, "critical": 3}
"""States of a book, the worst last."""

ACTIONS: Mapping[AlertAction, str] = {
    AlertAction.NOTE: "noted",
    AlertAction.HALVE: "capacity halved, diagnosis asked for",
    AlertAction.HALT: "halted until a person closes the incident",
}


def action_of(alert: Alert) -> str:
    """Write what is done about an alert now."""
    if alert.transition is Transition.CLEARED:
        return "ended"
    if alert.transition is Transition.ACKNOWLEDGED and alert.action is AlertAction.HALT:
        return "capacity halved"
    return ACTIONS[alert.action]


def spoken(metric: str) -> Spoken:
    """Return how a metric is written."""
    found = SPOKEN.get(metric)
    return found or Spoken(metric.replace("_", " "), "z.4g", 1.0, "", percent=False)


def shown_value(metric: str, value: float) -> str:
    """Write a value of a metric, annualized where the metric is.

    >>> shown_value("sharpe", 0.1), shown_value("drawdown_current", -0.05)
    ('1.59', '−5.0%')
    """
    words = spoken(metric)
    return signed(value * words.factor, words.form) if math.isfinite(value) else NOT_COMPUTABLE


def shown_reading(reading: Reading) -> str:
    """Write a reading with its standard error.

    >>> shown_reading(Reading("sharpe", 63, 0.1, 0.05, 63))
    '1.59 ± 0.79'
    """
    if reading.status != "OK":
        return NOT_COMPUTABLE
    value = shown_value(reading.metric, reading.value)
    if not (math.isfinite(reading.value) and math.isfinite(reading.standard_error)):
        return value
    words = spoken(reading.metric)
    return f"{value} ± {signed(reading.standard_error * words.factor, words.form)}"


def shown_limit(limit: Limit) -> str:
    """Write a limit as a number, or why there is none."""
    if limit.status != "OK" or not math.isfinite(limit.value):
        return f"{NOT_COMPUTABLE}: {limit.reason}" if limit.reason else NOT_COMPUTABLE
    return shown_value(limit.metric, limit.value)


def open_alerts(monitored: Monitored) -> tuple[Alert, ...]:
    """Return the newest transition of every alert that is not cleared, worst and oldest first."""
    newest: dict[str, Alert] = {}
    for alert in monitored.alerts:
        newest.pop(alert.rule, None)
        newest[alert.rule] = alert
    still = [one for one in newest.values() if one.transition is not Transition.CLEARED]
    return tuple(sorted(still, key=lambda one: (-SEVERITY[one.tier], one.session, one.rule)))


def state_of(monitored: Monitored) -> str:
    """Say how a book stands: the worst open tier, ``quiet`` where none is open.

    A book whose capacity is cut is never quieter than what cuts it.
    """
    tiers = [one.tier.value for one in open_alerts(monitored)]
    if monitored.capacity <= 0.0:
        tiers.append(Tier.CRITICAL.value)
    elif monitored.capacity < 1.0:
        tiers.append(Tier.WARNING.value)
    return max(tiers, key=lambda one: SEVERITY[one], default="quiet")


def shown_capacity(capacity: float) -> str:
    """Write what the alerts leave of a book's size.

    >>> shown_capacity(0.0), shown_capacity(0.5)
    ('halted', '50% of its size')
    """
    if capacity <= 0.0:
        return "halted"
    return "full size" if capacity >= 1.0 else f"{capacity:.0%} of its size"


def open_since(monitored: Monitored, alert: Alert) -> date:
    """Return the session in which an open alert was raised."""
    since = alert.session
    for one in reversed(monitored.alerts):
        if one.rule == alert.rule:
            if one.transition is Transition.CLEARED:
                break
            since = one.session
    return since


def alert_sentence(monitored: Monitored, alert: Alert) -> str:
    """Write an open alert as one sentence: tier, since when, why, what is done, whose it is."""
    called = "pages" if alert.pages else "in the daily page"
    since, changed = open_since(monitored, alert), f"{alert.transition.value} {alert.session}"
    when = f", {changed}" if since == alert.session else f" since {since}, {changed}"
    return (
        f"{alert.tier.value}{when}: "
        f"{alert.reason.rstrip('.')}; {action_of(alert)}; {called}; owner {alert.owner}."
    )


def yearly(count: int, years: float) -> str:
    """Write how often something came a year; nothing where the span is too short to tell.

    >>> yearly(3, 2.0), yearly(1, 0.02)
    (', 1.5 a year', '')
    """
    return f", {count / years:.1f} a year" if years >= LEAST_YEARS else ""


def read_first(monitored: Sequence[Monitored]) -> list[Monitored]:
    """Order books: champions before shadow books, the worst state first, then by name."""
    return sorted(
        monitored,
        key=lambda one: (
            one.book != "champion",
            -SEVERITY[state_of(one)],
            one.strategy,
            _natural(one.book),
        ),
    )


def _natural(book: str) -> tuple[str, int]:
    kind, _, version = book.partition("/")
    return kind, int(version) if version.isdecimal() else 0


def reading_of(monitored: Monitored, metric: str, window: int) -> Reading | None:
    """Return one reading; None where the book has none."""
    for one in monitored.readings:
        if (one.metric, one.window) == (metric, window):
            return one
    return None


def windows_of(monitored: Monitored) -> tuple[int, ...]:
    """List the windows that anything is read over, shortest first."""
    return tuple(
        sorted({one.window for one in monitored.readings} | {w for _, w in monitored.series})
    )


def key_window(windows: Sequence[int]) -> int:
    """Choose the window that stands where there is room for one: nearest to a quarter.

    >>> key_window([21, 30, 63, 126])
    63
    """
    return min(windows, key=lambda one: (abs(one - 63), one))


def newest_ratio(path: RatioPath | None) -> str:
    """Write the newest realization ratio with its interval."""
    if path is None:
        return "not computed"
    if not len(path.values) or not math.isfinite(path.values[-1]):
        return NOT_COMPUTABLE
    value = signed(float(path.values[-1]), "z.2f")
    low, high = float(path.low[-1]), float(path.high[-1])
    if not (math.isfinite(low) and math.isfinite(high)):
        return f"{value} (no interval)"
    return f"{value} ({signed(low, 'z.2f')} to {signed(high, 'z.2f')})"


def traded(monitored: Monitored) -> bool:
    """Tell whether anything could be measured of a book."""
    return any(one.status == "OK" for one in monitored.readings)


def worth_telling(monitored: Monitored) -> bool:
    """Tell whether there is something to say of a book: figures, open alerts or less capacity."""
    return traded(monitored) or state_of(monitored) != "quiet"


def span_of(monitored: Monitored) -> str:
    """Write which sessions a book was watched over."""
    if not len(monitored.sessions):
        return "no session"
    return (
        f"{counted(len(monitored.sessions), 'session')}, {monitored.sessions[0]} to "
        f"{monitored.sessions[-1]}"
    )
