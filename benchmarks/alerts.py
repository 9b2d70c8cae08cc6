"""How often alerts come by chance, and how soon they come when a strategy has lost its edge.

    python -m benchmarks.alerts --strategies 200

Healthy strategies have a true Sharpe ratio of 1.5 a year and an information coefficient of 0.02 in
backtest and live alike; nothing is ever wrong with them, so each of their alerts is a false one.
Failing strategies are the same until the end of their first live year. Each has a backtest of 2,500
sessions of its own, drawn from the same process. Nobody acknowledges anything, which is the worst
case for escalation; an incident is closed by the operator ``CLOSED_AFTER`` sessions later.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from scipy import stats

from shadowbook.core.performance.advance import advance
from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.limits import limits_of
from shadowbook.core.performance.readings import OF_RETURNS
from shadowbook.core.performance.rolling import rolling_mean, rolling_metrics
from shadowbook.core.performance.tiers import AlertAction, MonitorPolicy, Tier
from shadowbook.core.track import Backtest

YEAR = 252
BACKTEST, LIVE = 2_500, 5 * YEAR
FAILS_AT = YEAR
SHARPE, VOLATILITY = 1.5, 0.01
IC, IC_DEVIATION, HORIZON = 0.02, 0.12, 5
CLOSED_AFTER = 5
LAUNCH = date(2010, 1, 4)
PROCESSES = ("normal", "AR(1) 0.1", "Student t 4", "GARCH(1,1)")
WITHIN = (63, 126, 252)


@dataclass(frozen=True)
class Strategies:
    """Simulated series (T, N) of N strategies: a backtest, then live sessions."""

    net: np.ndarray
    ic: np.ndarray
    turnover: np.ndarray

    def backtest(self, k):
        """Return the backtest of one of them."""
        rows = slice(0, BACKTEST)
        net, ic, turnover = self.net[rows, k], self.ic[rows, k], self.turnover[rows, k]
        gross = net + 5e-4 * turnover
        sessions = np.datetime64("2000-01-03", "D") + np.arange(BACKTEST)
        return Backtest(sessions, gross, gross, net, turnover, ic, ic, horizon=HORIZON)


def noise(process, shape, rng):
    """Noise of deviation 1 whose mean over long spans varies as the process makes it."""
    if process == "Student t 4":
        return rng.standard_t(4.0, shape) / math.sqrt(2.0)
    shocks = rng.standard_normal(shape)
    if process == "AR(1) 0.1":
        for t in range(1, shape[0]):
            shocks[t] = 0.1 * shocks[t - 1] + math.sqrt(1.0 - 0.01) * shocks[t]
    if process == "GARCH(1,1)":
        variance = np.ones(shape[1])
        for t in range(shape[0]):
            shocks[t] *= np.sqrt(variance)
            variance = 0.02 + 0.08 * shocks[t] ** 2 + 0.90 * variance
    return shocks


def simulated(process, n, rng, after=(SHARPE, IC)):
    """Draw strategies; ``after`` is Sharpe ratio and IC from the end of the first live year on."""
    shape = (BACKTEST + LIVE, n)
    failed = (np.arange(shape[0]) >= BACKTEST + FAILS_AT)[:, None]
    sharpe, ic = (
        np.where(failed, late, early) for early, late in zip((SHARPE, IC), after, strict=True)
    )
    net = VOLATILITY * (noise(process, shape, rng) + sharpe / math.sqrt(YEAR))
    steps = rng.standard_normal((shape[0] + HORIZON - 1, n))
    overlapped = sum(steps[k : k + shape[0]] for k in range(HORIZON)) / math.sqrt(HORIZON)
    turnover = 0.2 * np.exp(0.3 * rng.standard_normal(shape))
    return Strategies(net, ic + IC_DEVIATION * overlapped, turnover)


def watched(strategies, policy):
    """Return rolling live values: (metric, window) -> (T, N)."""
    live = slice(BACKTEST, None)
    keys = sorted({(rule.metric, rule.window) for rule in policy.active_rules})
    windows = sorted({window for _, window in keys})
    of_returns = rolling_metrics(strategies.net[live], windows)
    means = {
        "information_coefficient": strategies.ic[live],
        "turnover": strategies.turnover[live],
        "cost": 5e-4 * strategies.turnover[live],
    }
    found = {}
    for metric, window in keys:
        if metric in OF_RETURNS:
            source, _, part = metric.partition("_")
            value = getattr(of_returns[window], metric if source != "drawdown" else source)
            found[metric, window] = getattr(value, part) if source == "drawdown" else value
        else:
            found[metric, window] = rolling_mean(means[metric], window)
    return found


def run(strategies, policy, rng) -> list[list[Alert]]:
    """Take every strategy through its live sessions; its alerts, with row numbers as days."""
    rules = policy.active_rules
    found = watched(strategies, policy)
    everything = []
    for k in range(strategies.net.shape[1]):
        limits = limits_of(rules, strategies.backtest(k), rng, n_resamples=policy.n_resamples)
        rows = np.column_stack([series[:, k] for series in found.values()]).tolist()
        everything.append(alerts_of(found, rows, limits, policy))
    return everything


def alerts_of(keys, rows, limits, policy):
    states, alerts, incidents = (), [], {}
    for t, row in enumerate(rows):
        closed = {rule for rule, since in incidents.items() if t - since >= CLOSED_AFTER}
        values = dict(zip(keys, row, strict=True))
        day = LAUNCH + timedelta(t)
        states, news = advance(states, values, limits, policy.active_rules, day, closed, policy)
        alerts += news
        for alert in news:
            if alert.transition is Transition.RAISED and alert.action is AlertAction.HALT:
                incidents[alert.rule] = t
        incidents = {rule: since for rule, since in incidents.items() if rule not in closed}
    return alerts


def a_year(everything: Sequence[Sequence[Alert]], years: float):
    """Count alerts a year by tier, and pages with their 95 % interval."""
    count = dict.fromkeys(Tier, 0)
    pages = 0
    for alerts in everything:
        for alert in alerts:
            count[alert.tier] += alert.transition is Transition.RAISED
            pages += alert.pages
    total = years * len(everything)
    low = stats.chi2.ppf(0.025, 2 * pages) / 2.0 / total if pages else 0.0
    high = stats.chi2.ppf(0.975, 2 * pages + 2) / 2.0 / total
    return {tier: n / total for tier, n in count.items()}, pages / total, (low, high)


def delays(everything, kind):
    """Sessions from the failure to the first alert of the kind; inf where none came."""
    found = []
    for alerts in everything:
        rows = [
            (alert.session - LAUNCH).days - FAILS_AT
            for alert in alerts
            if (alert.pages if kind == "paged" else alert.tier is not Tier.WATCH)
            and (alert.pages or alert.transition is Transition.RAISED)
        ]
        found.append(min((row for row in rows if row >= 0), default=math.inf))
    return np.array(found)


def wilson(hits, n):
    z = 1.96
    center, half = (hits + z * z / 2) / (n + z * z), z / (n + z * z)
    half *= math.sqrt(hits * (n - hits) / n + z * z / 4)
    return center - half, center + half


def healthy_table(n, seed, policies=("textbook", "calibrated")):
    print("| policy | process | watches a year | warnings | critical | pages | 95 % interval |")
    print("| --- | --- | ---: | ---: | ---: | ---: | --- |")
    for name in policies:
        for process in PROCESSES:
            rng = np.random.default_rng(seed)
            policy = MonitorPolicy(policy=name)
            everything = run(simulated(process, n, rng), policy, rng)
            tiers, pages, (low, high) = a_year(everything, LIVE / YEAR)
            cells = " | ".join(f"{rate:.2f}" for rate in tiers.values())
            print(f"| {name} | {process} | {cells} | {pages:.2f} | {low:.2f} to {high:.2f} |")


def power_table(n, seed, policies=("textbook", "calibrated")):
    print("| policy | after the failure | kind | within 63 | 126 | 252 | median delay |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    cases = (
        ("as before", (SHARPE, IC)),
        ("Sharpe 0, IC 0", (0.0, 0.0)),
        ("Sharpe -1.5, IC 0", (-1.5, 0.0)),
    )
    for name in policies:
        for title, after in cases:
            rng = np.random.default_rng(seed + 1)
            policy = MonitorPolicy(policy=name)
            everything = run(simulated("normal", n, rng, after), policy, rng)
            for kind in ("warned", "paged"):
                late = delays(everything, kind)
                shares = []
                for span in WITHIN:
                    hits = int((late < span).sum())
                    low, high = wilson(hits, n)
                    shares.append(f"{hits / n:.0%} ({low:.0%} to {high:.0%})")
                median = float(np.median(late))
                told = f"{median:.0f}" if math.isfinite(median) else "none"
                print(f"| {name} | {title} | {kind} | {' | '.join(shares)} | {told} |")


def main(n=40, seed=2026):
    began = time.perf_counter()
    print(f"\n## Alerts of {n} simulated strategies, {LIVE // YEAR} live years each\n")
    healthy_table(n, seed)
    print()
    power_table(n, seed)
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strategies", type=int, default=40)
    parser.add_argument("--seed", type=int, default=2026)
    given = parser.parse_args()
    main(given.strategies, given.seed)
