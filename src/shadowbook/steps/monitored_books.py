"""Every book of a ledger as the monitor tells of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.core.audit import digest
from shadowbook.core.performance.alerts import Alert, Transition
from shadowbook.core.performance.execution import columns_quality
from shadowbook.core.performance.fatigue import fatigue_of
from shadowbook.core.performance.monitored import Monitored, RatioPath
from shadowbook.core.performance.order_columns import OrderColumns, selected
from shadowbook.core.performance.ratio import Statistic, ratio_path
from shadowbook.core.performance.readings import tail_readings
from shadowbook.core.performance.rolling import rolling_mean, rolling_metrics
from shadowbook.core.performance.tiers import AlertAction, Tier
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats, Panel
from shadowbook.errors import IntegrityError
from shadowbook.settings import Settings
from shadowbook.steps.book_sheets import Sheet, sheets
from shadowbook.steps.desk import CHAMPION
from shadowbook.steps.execution import orders_of
from shadowbook.steps.gap import gap_of
from shadowbook.steps.live import Key, live_records, of_version
from shadowbook.steps.watch import limits_for

RATIO_WINDOWS = (252, 126, 63)
"""Sessions in a point of the realization ratio: the longest that the book has lived through."""

RATIO_STEP, RATIO_RESAMPLES = 21, 500
"""Sessions between points, and draws behind each interval: an end is off by some 5 % of it."""

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
    bands = {name: own.portfolio.no_trade_band for name, own in settings.strategies.items()}
    told = alerts_in(ledger)
    champions = {one.strategy: one for one in sheets(ledger, bands, book=CHAMPION)}
    orders, _ = orders_of(ledger, bands, zone, laid_out=tuple(champions.values()))
    found = []
    for key, record in live_records(ledger, panel, horizons).items():
        version = int(record.model_versions[-1])
        watched = _Watched(
            record=record,
            own=of_version(record),
            version=version,
            backtest=baselines(key[0], version) if version else None,
            alerts=tuple(told.get(key, ())),
        )
        if key[1] == CHAMPION:
            own_orders = selected(orders, "strategy", key[0])
            found.append(_champion(watched, settings, champions[key[0]], own_orders))
        else:
            found.append(_measured(watched, settings))
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Watched:
    """A book's record, the part of it under the version that scores now, and its baseline."""

    record: LiveRecord
    own: LiveRecord
    version: int
    backtest: Backtest | None
    alerts: tuple[Alert, ...]


def _measured(book: _Watched, settings: Settings) -> Monitored:
    own, policy = book.own, settings.monitor
    notes = []
    if book.backtest is None:
        notes.append(
            f"version {book.version} has no backtest on record, so nothing is held against one: "
            "retrain with this release"
        )
    expected = math.nan if book.backtest is None else book.backtest
    return Monitored(
        strategy=own.strategy,
        book=own.book,
        model_version=book.version,
        sessions=own.sessions,
        information_coefficient=own.information_coefficient,
        series={},
        readings=tail_readings(own, policy.windows, settings.strategy(own.strategy).horizon),
        limits=(),
        alerts=book.alerts,
        ratios={},
        execution=None,
        attribution=None,
        fatigue=fatigue_of(book.record, book.alerts, expected, policy),
        capacity=capacity_after(book.alerts),
        notes=tuple(notes),
    )


def _champion(book: _Watched, settings: Settings, sheet: Sheet, orders: OrderColumns) -> Monitored:
    """Measure a champion book in full: what it trades, it trades with capital."""
    own, policy, backtest = book.own, settings.monitor, book.backtest
    limits = limits_for(own.strategy, book.version, backtest, policy, settings.seed)
    return replace(
        _measured(book, settings),
        series=series_of(own, policy.windows),
        limits=limits,
        ratios=_ratios(own, backtest, settings.seed) if backtest else {},
        execution=columns_quality(orders) if len(orders.filled) else None,
        attribution=gap_of(settings, own, sheet, backtest) if backtest else None,
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
    compared: tuple[tuple[str, Floats, Floats, Statistic], ...] = (
        ("sharpe", own.net, backtest.net, "sharpe"),
        (
            "information_coefficient",
            own.information_coefficient,
            backtest.information_coefficient,
            "mean",
        ),
    )
    for name, live, promised, statistic in compared:
        known = np.isfinite(live)
        window = next((w for w in RATIO_WINDOWS if w <= known.sum()), RATIO_WINDOWS[-1])
        found[name] = ratio_path(
            live[known],
            promised,
            own.sessions[known],
            window,
            RATIO_STEP,
            rng,
            statistic,
            RATIO_RESAMPLES,
        )
    return found


def alerts_in(ledger: Ledger) -> dict[Key, list[Alert]]:
    """Read every alert's transitions back, by book.

    Raises
    ------
    IntegrityError
        An alert holds what none can hold.
    """
    found: dict[Key, list[Alert]] = {}
    for stored in ledger.events("alert"):
        try:
            key, alert = _alert(stored.event.body)
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(
                f"event {stored.seq} of the ledger ({stored.event.key}) is no alert: it was "
                "altered by hand, so restore the ledger from a copy"
            ) from error
        found.setdefault(key, []).append(alert)
    return found


def _alert(body: Mapping[str, Any]) -> tuple[Key, Alert]:
    alert = Alert(
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
    return (body["strategy"], body["book"]), alert


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
