"""Faults planted in the live path: how often one is called technical and its layer named.

Real prices (the sample: 20 stocks and the index), real features, a ridge and a boosting model
fitted on what came before. Each seed trades a span of 5 to 21 sessions of a strategy drawn at
random with the code that trades live (`Desk`, ledger, paper broker), with one fault from a day
drawn at random on, in a feature, symbol and strength drawn at random. The diagnosis has the sound
prices and computes the features again from those of the span and its look-back.
"""

from __future__ import annotations

import argparse
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from shadowbook.adapters.broker.paper import PaperBroker
from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.ledger.ledger import Ledger
from shadowbook.adapters.market_data.market import schedule_of
from shadowbook.adapters.market_data.sample import SampleSource
from shadowbook.core.bitemporal import as_known, rows_between
from shadowbook.core.diagnosis.findings import DiagnosisVerdict, Layer
from shadowbook.core.diagnosis.verdict import diagnose
from shadowbook.core.learning.candidates import build_estimator
from shadowbook.core.learning.features import build_features, lookback
from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.values import Floats, Panel
from shadowbook.settings import Settings, parse_settings
from shadowbook.steps.desk import Desk, Lineup, Ratings
from shadowbook.steps.diagnose_known import Computed, KnownDay
from shadowbook.steps.diagnose_layers import layers_of, rules_of
from shadowbook.steps.diagnose_record import recorded_days
from shadowbook.steps.given import Given
from shadowbook.steps.history import Moment, aware, given_of
from shadowbook.steps.rating import Scorer

SEEDS = 100
UNPLANTED = 300
SPLIT = "2012-01-03"
"""Models are fitted on what was known before, sessions from here on are traded."""

PARAMS = """
seed: 1
learning:
  candidates:
    ridge: {kind: ridge, parameters: {alpha: 1000.0}}
    boosting: {kind: hist_gradient_boosting, parameters: {max_iter: 40, min_samples_leaf: 500}}
strategies:
  weekly: {horizon: 5}
  monthly: {horizon: 21, portfolio: {kind: long_only}}
"""


class Unseeded:
    """A bag of models of which each call asks another half: drop-out that was left on."""

    def __init__(self, models: Sequence[Any], rng: np.random.Generator) -> None:
        self._models = models
        self._rng = rng

    def predict(self, values: Floats) -> Floats:
        """Average a random half."""
        chosen = self._rng.choice(len(self._models), len(self._models) // 2, replace=False)
        return np.mean([self._models[i].predict(values) for i in chosen], axis=0)


@dataclass(frozen=True, eq=False)
class World:
    """Sound prices and features, and the models."""

    settings: Settings
    panel: Panel
    moments: tuple[Moment, ...]
    features: Floats
    names: tuple[str, ...]
    models: Mapping[str, Any]
    bag: Sequence[Any]
    first: int
    template: Path


@dataclass(frozen=True, eq=False)
class Fault:
    """What live gets wrong, from row ``since`` of the panel on.

    Attributes
    ----------
    layer : where the diagnosis should find it; None where nothing is planted.
    panel, features : as live has them, rows of the whole panel.
    symbols : those that live gets in a session, by the panel's row.
    """

    layer: Layer | None
    panel: Panel
    features: Floats
    symbols: Callable[[int], np.ndarray]
    unseeded: bool = False


Plant = Callable[[World, np.random.Generator, int, int], Fault]


def world(folder: Path, since: str = "2000-01-03") -> World:
    """Read the sample and fit the models on what came from a day on."""
    settings = parse_settings(PARAMS)
    calendar = TradingCalendar("XNYS", timedelta(minutes=15))
    delivery = SampleSource().read(calendar.schedule)
    last = delivery.bars["session"].max().to_pydatetime()
    as_of = aware(calendar.schedule(last.date(), last.date()).decided_at[0])
    schedule = schedule_of(delivery, calendar, as_of)
    panel = as_known(delivery.bars, delivery.references, schedule, as_of)
    begin = int(np.searchsorted(panel.sessions, np.datetime64(since)))
    panel = rows_between(panel, begin, len(panel.sessions))
    cube = build_features(panel)
    split = int(np.searchsorted(panel.sessions, np.datetime64(SPLIT)))
    labels = forward_returns(panel.prices, 5)[: split - 6]
    labels = labels - np.nanmean(labels, axis=1, keepdims=True)
    values = cube.values[: split - 6]
    usable = np.isfinite(labels) & np.isfinite(values).all(axis=2)
    x, y = values[usable], labels[usable]
    rng, fitted, bag = np.random.default_rng(0), {}, []
    for candidate in settings.learning.candidates.values():
        fitted[candidate.name] = build_estimator(candidate, cube.names, 1).fit(x, y)
    for _ in range(10):
        drawn = rng.integers(0, len(y), len(y))
        model = build_estimator(settings.learning.candidates["ridge"], cube.names, 1)
        bag.append(model.fit(x[drawn], y[drawn]))
    hours = calendar.schedule(panel.sessions[0].astype(date), panel.sessions[-1].astype(date))
    opens = calendar.opens(hours)
    moments = tuple(
        Moment(
            panel.sessions[i].astype(date),
            aware(panel.decided_at[i]),
            panel.sessions[i + 1].astype(date),
            (aware(opens[i]), aware(hours.closes[i])),
            panel,
            i,
        )
        for i in range(len(panel.sessions) - 1)
    )
    template = folder / "template.db"
    ledger = Ledger(f"sqlite:///{template}", durable=False)
    ledger.head()
    ledger.close()
    return World(settings, panel, moments, cube.values, cube.names, fitted, bag, split, template)


def nothing(world: World, rng: np.random.Generator, since: int, last: int) -> Fault:
    """Plant nothing."""
    everyone = np.arange(len(world.panel.symbols))
    return Fault(None, world.panel, world.features, lambda row: everyone)


def wrong_lag(world: World, rng: np.random.Generator, since: int, last: int) -> Fault:
    """Compute a feature one to five sessions late, for every symbol."""
    feature, lag = int(rng.integers(len(world.names))), int(rng.integers(1, 6))
    values = world.features.copy()
    values[since : last + 1, :, feature] = world.features[since - lag : last + 1 - lag, :, feature]
    return replace(nothing(world, rng, since, last), layer=Layer.FEATURES, features=values)


def stale_join(world: World, rng: np.random.Generator, since: int, last: int) -> Fault:
    """Serve the rows of the session before, to one symbol or more."""
    n_symbols = len(world.panel.symbols)
    stale = rng.choice(n_symbols, int(rng.integers(1, n_symbols + 1)), replace=False)
    values = world.features.copy()
    values[since : last + 1, stale] = world.features[since - 1 : last, stale]
    return replace(nothing(world, rng, since, last), layer=Layer.FEATURES, features=values)


def unit_of_price(world: World, rng: np.random.Generator, since: int, last: int) -> Fault:
    """Take a symbol's prices in cents; its features are made of them."""
    symbol = int(rng.integers(len(world.panel.symbols)))
    closes = world.panel.fields["close"].copy()
    closes[since:, symbol] *= 100.0
    panel = replace(world.panel, fields={"close": closes})
    begin = since - lookback()
    values = world.features.copy()
    made = build_features(rows_between(panel, begin, last + 1)).values
    values[since : last + 1] = made[since - begin :]
    sound = nothing(world, rng, since, last)
    return replace(sound, layer=Layer.RAW_DATA, panel=panel, features=values)


def unit_of_feature(world: World, rng: np.random.Generator, since: int, last: int) -> Fault:
    """Give a feature in percent."""
    feature = int(rng.integers(len(world.names)))
    values = world.features.copy()
    values[since : last + 1, :, feature] *= 100.0
    return replace(nothing(world, rng, since, last), layer=Layer.FEATURES, features=values)


def unseeded(world: World, rng: np.random.Generator, since: int, last: int) -> Fault:
    """Score with a model that says something else each time it is asked."""
    return replace(nothing(world, rng, since, last), layer=Layer.PREDICTIONS, unseeded=True)


def truncated(world: World, rng: np.random.Generator, since: int, last: int) -> Fault:
    """Lose one symbol or more, at most half of them."""
    n_symbols = len(world.panel.symbols)
    gone = rng.choice(n_symbols, int(rng.integers(1, n_symbols // 2 + 1)), replace=False)
    everyone = np.arange(n_symbols)
    left = np.setdiff1d(everyone, gone)
    sound = nothing(world, rng, since, last)
    return replace(
        sound, layer=Layer.RAW_DATA, symbols=lambda row: left if row >= since else everyone
    )


FAULTS: dict[str, Plant] = {
    "feature with the wrong lag": wrong_lag,
    "stale join": stale_join,
    "unit change of a price": unit_of_price,
    "unit change of a feature": unit_of_feature,
    "unseeded model": unseeded,
    "truncated universe": truncated,
}


def trial(world: World, plant: Plant, seed: int, folder: Path) -> tuple[bool, bool]:
    """Trade a span with a fault; say whether it is technical, and whether the layer is right."""
    rng = np.random.default_rng(seed)
    strategy = str(rng.choice(list(world.settings.strategies)))
    length = int(rng.integers(5, 22))
    first = int(rng.integers(world.first, len(world.moments) - length))
    last = first + length - 1
    fault = plant(world, rng, int(rng.integers(first, last + 1)), last)
    model: Any = world.models[str(rng.choice(list(world.models)))]
    if fault.unseeded:
        model = Unseeded(world.bag, rng)
    scorer = Scorer(model, world.names, world.settings.learning.min_feature_share)
    ledger = Ledger(f"sqlite:///{folder / 'ledger.db'}", durable=False)
    try:
        live(world, fault, scorer, (ledger, folder), (strategy, first, last))
        span = (world.moments[first].session, world.moments[last].session)
        horizon = world.settings.strategy(strategy).horizon
        days = recorded_days(ledger, strategy, "champion", horizon, span)
        rules = rules_of(world.settings, strategy, modeled=True)
        layers = layers_of(
            strategy,
            "champion",
            days,
            known(world, first, last),
            lambda day: scorer.scores(day.given.features, day.given.names),
            lambda day: rules,
        )
    finally:
        ledger.close()
    found = diagnose(layers, None)
    return found.verdict is DiagnosisVerdict.TECHNICAL, found.first_layer is fault.layer


def live(
    world: World,
    fault: Fault,
    scorer: Scorer,
    where: tuple[Ledger, Path],
    what: tuple[str, int, int],
) -> None:
    """Trade the span as live does, on what the fault leaves of prices and features."""
    strategy, first, last = what
    ledger, folder = where
    broker = PaperBroker(
        folder / "broker.db",
        world.settings.execution,
        world.settings.seed,
        round(world.settings.strategy(strategy).capital * 100),
        durable=False,
    )
    try:
        desk = Desk(ledger, broker, world.settings)
        for row in range(first, last + 1):
            moment = replace(world.moments[row], panel=fault.panel)
            given = served(world, fault, moment)
            scores = {1: scorer.scores(given.features, given.names)}
            view = moment.view({*desk.names(), *given.symbols}, 63)
            ratings = {strategy: Ratings(Lineup(1), given, scores)}
            desk.session(view, ratings, moment.following, moment.as_of)
    finally:
        broker.close()


def served(world: World, fault: Fault, moment: Moment) -> Given:
    """Return what live is given in a session."""
    at = fault.symbols(moment.row)
    symbols = tuple(world.panel.symbols[i] for i in at.tolist())
    values = np.ascontiguousarray(fault.features[moment.row, at])
    return given_of(moment, symbols, world.names, values)


def known(world: World, first: int, last: int) -> dict[date, KnownDay]:
    """Compute what sound prices say of a span's sessions, from the span and its look-back."""
    begin = first - lookback()
    made = build_features(rows_between(world.panel, begin, last + 1))
    found = {}
    for row in range(first, last + 1):
        computed = Computed(made.symbols, made.names, made.values[row - begin])
        found[world.moments[row].session] = KnownDay(world.moments[row], computed, {})
    return found


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    z, share = 1.959963984540054, hits / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(center - half, 0.0), min(center + half, 1.0)


def tally(world: World, plant: Plant, seeds: Sequence[int]) -> tuple[int, int]:
    """Count over seeds: technical; technical with the right layer first."""
    technical = right = 0
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="shadowbook-parity-") as scratch:
            shutil.copy(world.template, Path(scratch) / "ledger.db")
            called, named = trial(world, plant, seed, Path(scratch))
        technical += called
        right += called and named
    return technical, right


def main(seeds: int = SEEDS, unplanted: int = UNPLANTED) -> None:
    """Print the table."""
    print("Planted faults: technical, and the layer it entered through named first")
    with tempfile.TemporaryDirectory(prefix="shadowbook-parity-") as scratch:
        made = world(Path(scratch))
        print(f"{'fault':28} {'seeds':>5} {'found':>6} {'95 % interval':>16} {'s':>6}  target")
        for k, (name, plant) in enumerate(FAULTS.items()):
            row(name, made, plant, range(1_000 * k, 1_000 * k + seeds), "at least 95 %")
        row("nothing", made, nothing, range(90_000, 90_000 + unplanted), "at most 1 % technical")


def row(name: str, made: World, plant: Plant, seeds: Sequence[int], target: str) -> None:
    """Run the seeds of a fault and print its line."""
    began = time.perf_counter()
    technical, right = tally(made, plant, seeds)
    hits = technical if plant is nothing else right
    low, high = wilson(hits, len(seeds))
    seconds = time.perf_counter() - began
    print(
        f"{name:28} {len(seeds):5} {hits / len(seeds):6.1%} {low:7.1%} to {high:5.1%} "
        f"{seconds:6.1f}  {target}",
        flush=True,
    )


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("--seeds", type=int, default=SEEDS)
    asked.add_argument("--unplanted", type=int, default=UNPLANTED)
    words = asked.parse_args()
    main(words.seeds, words.unplanted)
