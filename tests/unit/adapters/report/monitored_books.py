"""Books under watch, made from seeded returns by the functions that the monitor calls."""

from dataclasses import fields, replace
from datetime import UTC, date, datetime

import numpy as np

from shadowbook.core.performance.accounts import ACCOUNTS, Accounts
from shadowbook.core.performance.advance import advance, capacity_of
from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.attribution import attribute
from shadowbook.core.performance.execution import ExecutedOrder, execution_quality
from shadowbook.core.performance.fatigue import fatigue_of
from shadowbook.core.performance.limits import limits_of
from shadowbook.core.performance.monitored import Fatigue, Monitored, RatioPath
from shadowbook.core.performance.ratio import ratio_path
from shadowbook.core.performance.readings import tail_readings, tail_values
from shadowbook.core.performance.rolling import rolling_mean, rolling_metrics
from shadowbook.core.performance.tiers import WINDOWS, AlertAction, MonitorPolicy, Rule, Tier
from shadowbook.core.track import Backtest, LiveRecord

T, S = 400, 800
FIRST = np.datetime64("2021-01-04")
AS_OF = datetime(2022, 7, 19, 21, 15, tzinfo=UTC)
SYMBOLS = ("AAPL", "BRK.B", "JPM", "MSFT", "XOM")

ACTIONS = {
    Tier.WATCH: AlertAction.NOTE,
    Tier.WARNING: AlertAction.HALVE,
    Tier.CRITICAL: AlertAction.HALT,
}


def rule(metric, window, tier, kind, limit):
    return Rule(
        name=f"{metric}_{window}_{tier.value}",
        metric=metric,
        window=window,
        tier=tier,
        kind=kind,
        limit=limit,
        hysteresis=0.1,
        action=ACTIONS[tier],
    )


RULES = tuple(
    rule(metric, window, tier, "statistical", chance)
    for metric, windows in (
        ("sharpe", (30, 63, 126)),
        ("information_coefficient", (63, 126)),
        ("drawdown_current", (126,)),
        ("volatility", (63,)),
        ("cost", (63,)),
    )
    for window in windows
    for tier, chance in ((Tier.WATCH, 0.1), (Tier.WARNING, 0.03), (Tier.CRITICAL, 0.005))
)


def weekdays(first, n):
    return np.busday_offset(first, np.arange(n), roll="forward").astype("datetime64[D]")


def backtest(rng, drift=0.0006):
    signal = rng.normal(drift, 0.008, S)
    gross = signal - 0.00005
    net = gross - 0.0001
    ic = rng.normal(0.03, 0.2, S)
    return Backtest(
        weekdays(np.datetime64("2017-12-01"), S), signal, gross, net, np.full(S, 0.15), ic, ic
    )


def accounts(rng):
    parts = {name: rng.normal(0.0, 1e-5, T) for name in ACCOUNTS}
    parts["spread"] -= 1.5e-4
    parts["slippage"] -= 1e-4
    parts["fees"] = np.full(T, -1e-5)
    for one in parts.values():
        one[0] = np.nan
    return Accounts(**parts)


def record(rng, strategy, book, ways, fades):
    drift = np.where(np.arange(T) < T // 2, 0.0006, 0.0006 - fades)
    signal = rng.normal(drift, 0.008)
    cost = ways.spread + ways.slippage + ways.fees
    execution = ways.latency + ways.missed_fills + ways.band + ways.rounding
    ic = rng.normal(np.where(drift > 0.0003, 0.03, -0.02), 0.2)
    ic[-5:] = np.nan
    return LiveRecord(
        strategy,
        book,
        weekdays(FIRST, T),
        np.full(T, 4, dtype=np.int64),
        signal + execution + cost,
        signal,
        execution,
        cost,
        np.abs(rng.normal(0.15, 0.02, T)),
        ic,
        ic,
    )


def series(live):
    found = {}
    net = rolling_metrics(live.net, WINDOWS)
    for window in WINDOWS:
        one = net[window]
        found["sharpe", window] = one.sharpe
        found["hit_rate", window] = one.hit_rate
        found["volatility", window] = one.volatility
        found["drawdown_current", window] = one.drawdown.current
        found["drawdown_maximum", window] = one.drawdown.maximum
        found["drawdown_length", window] = one.drawdown.length
        found["information_coefficient", window] = rolling_mean(
            live.information_coefficient, window
        )
        found["turnover", window] = rolling_mean(live.turnover, window)
        found["cost", window] = rolling_mean(-live.cost, window)
    return found


def transitions(live, shown):
    """A crossing of a Sharpe limit raises, its return clears; the last one stays open."""
    days = [one.astype(date) for one in live.sessions]
    alerts = []

    def told(at, kind, tier, metric="sharpe", window=63):
        value = float(shown[metric, window][at])
        alerts.append(
            Alert(
                days[at],
                f"{metric}_{window}",
                kind,
                tier,
                metric,
                window,
                value,
                0.0,
                ACTIONS[tier],
                "operator",
                tier is Tier.CRITICAL,
                f"{metric} over {window} sessions is {value * 252**0.5:.2f} a year",
            )
        )

    told(120, Transition.RAISED, Tier.WATCH)
    told(150, Transition.CLEARED, Tier.WATCH)
    told(260, Transition.RAISED, Tier.WATCH)
    told(275, Transition.ESCALATED, Tier.WARNING)
    told(280, Transition.ACKNOWLEDGED, Tier.WARNING)
    told(300, Transition.RAISED, Tier.WATCH, "cost")
    told(330, Transition.ESCALATED, Tier.CRITICAL)
    return tuple(alerts)


def orders(rng, strategy, book, n=60):
    found = []
    for at in range(n):
        middle = float(rng.uniform(40.0, 200.0))
        sign = 1.0 if at % 2 else -1.0
        quantity = float(rng.integers(10, 500))
        slip = sign * middle * float(rng.normal(4e-4, 2e-4))
        found.append(
            ExecutedOrder(
                strategy,
                book,
                SYMBOLS[at % len(SYMBOLS)],
                datetime(2022, 7, 1 + at % 15, 20, tzinfo=UTC),
                "buy" if sign > 0 else "sell",
                quantity,
                quantity if at % 7 else 0.5 * quantity,
                middle,
                middle * (1.0 + sign * 1e-4),
                middle * (1.0 + sign * 1e-4) + slip,
                middle * (1.0 + sign * 3e-4),
                middle * (1.0 + sign * 2e-4),
                1.0,
                float(rng.lognormal(-3.0, 0.5)),
                at % 29 == 0,
                9 + at % 7,
            )
        )
    return found


def ratio_paths(rng, live):
    window = 126
    at = np.arange(window, T, 5)
    values = 0.9 - 0.9 * (at / T) ** 2 + np.cumsum(rng.normal(0.0, 0.03, len(at)))
    holes = np.where(np.arange(len(at)) % 17 == 2, np.nan, values)
    return {
        name: RatioPath(live.sessions[at], holes - shift, holes - 0.9, holes + 0.8, window)
        for name, shift in (("sharpe", 0.0), ("information_coefficient", 0.1))
    }


def book_under_watch(seed=5, strategy="weekly", book="champion", fades=0.0012, alerts=True):
    """One book; with ``fades`` its edge is lost half way, and alerts say so."""
    rng = np.random.default_rng(seed)
    tested, ways = backtest(rng), accounts(rng)
    live = record(rng, strategy, book, ways, fades)
    shown = series(live)
    raised = transitions(live, shown) if alerts else ()
    return Monitored(
        strategy,
        book,
        4,
        live.sessions,
        live.information_coefficient,
        shown,
        tail_readings(live, WINDOWS, overlap=5),
        limits_of(RULES, tested, rng, n_resamples=200),
        raised,
        ratio_paths(rng, live),
        execution_quality(orders(rng, strategy, book)),
        attribute(tested, live, ways),
        Fatigue(
            T / 252.0,
            {"watch": 3, "warning": 1, "critical": 1} if alerts else {},
            1 if alerts else 0,
            {"watch": 1, "warning": 1},
            {"watch": 2, "warning": 1},
            0.31,
        ),
        0.0 if alerts else 1.0,
        (),
    )


def watched_daily(live, tested, policy, limits):
    """Every session as the monitor takes it: readings, then what becomes of the alerts."""
    states, alerts = (), []
    for at in range(T):
        so_far = LiveRecord(
            live.strategy,
            live.book,
            *(getattr(live, one.name)[: at + 1] for one in fields(live)[2:11]),
        )
        values = tail_values(so_far, policy.watched_windows)
        day = live.sessions[at].astype(date)
        states, told = advance(states, values, limits, policy.active_rules, day, (), policy)
        alerts += told
    return capacity_of(states), tuple(alerts)


def really_watched(seed=5, strategy="weekly", fades=0.0016):
    """One book whose alerts, ratios and fatigue come from the shipped rules."""
    rng, policy = np.random.default_rng(seed), MonitorPolicy()
    tested, ways = backtest(rng), accounts(rng)
    live = record(rng, strategy, "champion", ways, fades)
    limits = limits_of(policy.active_rules, tested, rng, n_resamples=200)
    capacity, alerts = watched_daily(live, tested, policy, limits)
    ic = live.information_coefficient, tested.information_coefficient
    return replace(
        book_under_watch(seed, strategy, fades=fades),
        series=series(live),
        readings=tail_readings(live, WINDOWS, overlap=5),
        limits=limits,
        alerts=alerts,
        ratios={
            "sharpe": ratio_path(live.net, tested.net, live.sessions, 126, 5, rng),
            "information_coefficient": ratio_path(*ic, live.sessions, 126, 5, rng, "mean"),
        },
        attribution=attribute(tested, live, ways),
        fatigue=fatigue_of(live, alerts, tested, policy),
        capacity=capacity,
    )


def untraded(strategy="young", book="champion"):
    """A book that went through no session."""
    nothing = LiveRecord(
        strategy,
        book,
        np.array([], dtype="datetime64[D]"),
        np.array([], dtype=np.int64),
        *(np.array([]) for _ in range(7)),
    )
    return Monitored(
        strategy,
        book,
        1,
        nothing.sessions,
        nothing.information_coefficient,
        {},
        tail_readings(nothing, WINDOWS),
        (),
        (),
        {},
        None,
        None,
        Fatigue(0.0, {}, 0, {}, {}, float("nan")),
        notes=("the book has not traded yet",),
    )


def copied(monitored, strategy, book):
    """The same book under another name."""
    return replace(monitored, strategy=strategy, book=book)
