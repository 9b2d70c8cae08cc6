"""Every book of a ledger as the monitor tells of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.audit import digest
from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.attribution import Attribution, attribute
from shadowbook.core.performance.execution import ExecutionQuality, columns_quality
from shadowbook.core.performance.fatigue import fatigue_of
from shadowbook.core.performance.monitored import Monitored, RatioPath
from shadowbook.core.performance.ratio import ratio_path
from shadowbook.core.performance.readings import tail_readings
from shadowbook.core.performance.rolling import rolling_mean, rolling_metrics
from shadowbook.core.performance.tiers import AlertAction, Tier
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats, Panel
from shadowbook.settings import Settings
from shadowbook.steps.book_sheets import sheets
from shadowbook.steps.desk import CHAMPION
from shadowbook.steps.execution import accounts_of, orders_of
from shadowbook.steps.live import Key, live_records, of_version, tail
from shadowbook.steps.watch import limits_for

RATIO_WINDOWS = (252, 126, 63)
"""Sessions in a point of the realization ratio: the longest that the book has lived through."""

RATIO_STEP = 5

Baselines = Callable[[str, int], Backtest | None]
"""Strategy and version -> what it did out of sample."""

Series = Mapping[tuple[str, int], Floats]


def monitored_books(
    ledger: Ledger, baselines: Baselines, settings: Settings, panel: Panel, zone: str
) -> tuple[Monitored, ...]:
    """Measure every book since the version that scores now took it over.

    Parameters
    ----------
    panel : prices as known now, over the books' sessions.
    zone : the exchange's time zone.
    """
    horizons = {name: own.horizon for name, own in settings.strategies.items()}
    told = alerts_in(ledger)
    found = []
    for key, record in live_records(ledger, panel, horizons).items():
        own, version = of_version(record), int(record.model_versions[-1])
        backtest = baselines(key[0], version) if version else None
        alerts = told.get(key, ())
        found.append(_monitored(ledger, settings, zone, own, version, backtest, alerts, record))
    return tuple(found)


def _monitored(
    ledger: Ledger,
    settings: Settings,
    zone: str,
    own: LiveRecord,
    version: int,
    backtest: Backtest | None,
    alerts: Sequence[Alert],
    record: LiveRecord,
) -> Monitored:
    strategy, policy = own.strategy, settings.monitor
    champion = own.book == CHAMPION
    expected = math.nan if backtest is None else backtest
    notes = []
    if backtest is None:
        notes.append(
            f"version {version} has no backtest on record, so nothing is held against one: "
            "retrain with this release"
        )
    return Monitored(
        strategy=strategy,
        book=own.book,
        model_version=version,
        sessions=own.sessions,
        series=series_of(own, policy.windows) if champion else {},
        readings=tail_readings(own, policy.windows, settings.strategy(strategy).horizon),
        limits=limits_for(strategy, version, backtest, policy, settings.seed) if champion else (),
        alerts=tuple(alerts),
        ratios=_ratios(own, backtest, settings.seed) if champion and backtest else {},
        execution=_execution(ledger, settings, zone, strategy) if champion else None,
        attribution=_attribution(ledger, settings, own, backtest) if champion else None,
        fatigue=fatigue_of(record, alerts, expected, policy),
        capacity=capacity_after(alerts),
        notes=tuple(notes),
    )


def series_of(record: LiveRecord, windows: Sequence[int]) -> Series:
    """Roll every metric over every window; windows count known values, units as in ``Reading``."""
    known = np.isfinite(record.net)
    found = {}
    rolled = rolling_metrics(record.net[known], windows)
    for window, one in rolled.items():
        parts = {
            "sharpe": one.sharpe,
            "hit_rate": one.hit_rate,
            "volatility": one.volatility,
            "drawdown_current": one.drawdown.current,
            "drawdown_maximum": one.drawdown.maximum,
            "drawdown_length": one.drawdown.length,
        }
        for name, values in parts.items():
            found[name, window] = _spread(values, known)
    means = {
        "information_coefficient": record.information_coefficient,
        "turnover": record.turnover,
        "cost": -record.cost,
    }
    for name, values in means.items():
        there = np.isfinite(values)
        for window in windows:
            found[name, window] = _spread(rolling_mean(values[there], window), there)
    return found


def _spread(values: Floats, known: Any) -> Floats:
    spread = np.full(len(known), np.nan)
    spread[known] = values
    return spread


def _ratios(own: LiveRecord, backtest: Backtest, seed: int) -> dict[str, RatioPath]:
    root = digest({"strategy": own.strategy, "book": own.book, "seed": seed, "use": "ratios"})
    rng = np.random.default_rng(int(root[:16], 16))
    found = {}
    for name, live, promised, statistic in (
        ("sharpe", own.net, backtest.net, "sharpe"),
        (
            "information_coefficient",
            own.information_coefficient,
            backtest.information_coefficient,
            "mean",
        ),
    ):
        known = np.isfinite(live)
        window = next((w for w in RATIO_WINDOWS if w <= known.sum()), RATIO_WINDOWS[-1])
        found[name] = ratio_path(
            live[known],
            promised,
            own.sessions[known],
            window,
            RATIO_STEP,
            rng,
            statistic,  # type: ignore[arg-type]
        )
    return found


def _execution(
    ledger: Ledger, settings: Settings, zone: str, strategy: str
) -> ExecutionQuality | None:
    bands = {strategy: settings.strategy(strategy).portfolio.no_trade_band}
    orders, _ = orders_of(ledger, bands, zone, strategy)
    return columns_quality(orders) if len(orders.filled) else None


def _attribution(
    ledger: Ledger, settings: Settings, own: LiveRecord, backtest: Backtest | None
) -> Attribution | None:
    if backtest is None:
        return None
    bands = {own.strategy: settings.strategy(own.strategy).portfolio.no_trade_band}
    laid_out = sheets(ledger, bands, own.strategy, own.book)
    if not laid_out:
        return None
    accounts = accounts_of(laid_out[0], settings.execution.half_spread_bps)
    since = len(laid_out[0].sessions) - len(own.sessions)
    parts = {name: values[since:] for name, values in vars(accounts).items()}
    return attribute(backtest, tail(own, slice(None)), type(accounts)(**parts))


def alerts_in(ledger: Ledger) -> dict[Key, list[Alert]]:
    """Read every alert's transitions back, by book."""
    found: dict[Key, list[Alert]] = {}
    for stored in ledger.events("alert"):
        body = stored.event.body
        found.setdefault((body["strategy"], body["book"]), []).append(
            Alert(
                session=date.fromisoformat(body["session"]),
                rule=body["rule"],
                transition=Transition(body["transition"]),
                tier=Tier(body["tier"]),
                metric=body["metric"],
                window=body["window"],
                value=math.nan if body["value"] is None else body["value"],
                limit=math.nan if body["limit"] is None else body["limit"],
                action=AlertAction(body["action"]),
                owner=body["owner"],
                pages=body["pages"],
                reason=body["reason"],
            )
        )
    return found


def capacity_after(alerts: Sequence[Alert]) -> float:
    """Tell what share of its size a book's alerts leave it; see ``advance.capacity_of``."""
    last = {one.rule: one for one in alerts}
    capacity = 1.0
    for one in last.values():
        if one.transition is Transition.CLEARED or one.action is AlertAction.NOTE:
            continue
        if one.action is AlertAction.HALT and one.transition is not Transition.ACKNOWLEDGED:
            return 0.0
        capacity = 0.5
    return capacity
