"""Real refreshes before the court: good ones, and ones that went wrong in training.

    python -m benchmarks.court --only real --workspace PATH

Twenty US stocks, 1990 to 2022. A champion is a recipe fitted on what was known 63, 126 or 252
sessions before t; its refresh is the same recipe fitted on what was known at t. Both books then run
252 sessions on paper, after those in which decisions fill them up. A broken refresh differs in its
training data alone. Without a workspace features are built from the sample that ships with skfolio,
and the settings are those of params.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from benchmarks.court_days import Bounds, bounds_of
from benchmarks.court_faults import BROKEN, Training
from benchmarks.court_worlds import YEAR
from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.market_data.market import schedule_of
from shadowbook.adapters.market_data.sample import SampleSource
from shadowbook.core.bitemporal import as_known
from shadowbook.core.books.construction import PortfolioPolicy

# A paper book tells what it earned; what it held is asked of the same function.
from shadowbook.core.books.paper import _decided, paper_book
from shadowbook.core.learning.candidates import CandidatePolicy
from shadowbook.core.learning.dataset import Dataset, assemble
from shadowbook.core.learning.features import build_features
from shadowbook.core.learning.fit import FitPolicy, fit_final, predict_scores
from shadowbook.core.learning.labels import make_labels
from shadowbook.core.promotion.case import Case
from shadowbook.core.promotion.court_policy import CourtPolicy
from shadowbook.core.promotion.shadow import SideBySide, position_agreement
from shadowbook.core.stats.ranks import rank_correlation
from shadowbook.core.values import Panel
from shadowbook.settings import Settings, load_settings
from shadowbook.steps.case_files import refit_correlation
from shadowbook.steps.history import aware
from shadowbook.steps.known import accepted
from shadowbook.steps.rating import features_of
from shadowbook.steps.train import fit_policy
from shadowbook.workspace import Workspace

GAPS = (63, 126, 252)
RECIPES = ("ridge", "boosting")
FIRST = np.datetime64("1998-01-02", "D")
MIN_NAMES = 5
GOOD = "good"


@dataclass(frozen=True, eq=False)
class Source:
    """One strategy's data, and how it is fitted and held."""

    name: str
    dataset: Dataset
    horizon: int
    portfolio: PortfolioPolicy
    cost_bps: float
    policy: FitPolicy
    candidates: dict[str, CandidatePolicy]


@dataclass(frozen=True, eq=False)
class Book:
    """What a model said, held and earned from t on; (S, N) and (S,)."""

    scores: np.ndarray
    weights: np.ndarray
    net: np.ndarray
    turnover: np.ndarray


@dataclass(frozen=True, eq=False)
class Trial:
    """A refresh beside a champion: the case, both books, and what is known by session, (S,)."""

    strategy: str
    recipe: str
    kind: str
    gap: int
    case: Case
    record: SideBySide
    bounds: Bounds
    signal: np.ndarray
    agreement: np.ndarray
    drawdown: np.ndarray
    cost: np.ndarray


def sources(workspace: Path | None) -> Iterator[Source]:
    """Read both strategies from a workspace, or from the sample itself."""
    if workspace is not None:
        opened = Workspace.open(workspace)
        settings = opened.settings
        last = opened.feature_log.read()["session"].max()
    else:
        settings = load_settings(Path(__file__).parents[1] / "params.yaml")
    calendar = TradingCalendar("XNYS", timedelta(minutes=15))
    if workspace is None:
        delivery = SampleSource().read(calendar.schedule)
        last = delivery.bars["session"].max()
    day = np.datetime64(last, "D").item()
    as_of = aware(calendar.schedule(day, day).decided_at[0])
    if workspace is None:
        schedule = schedule_of(delivery, calendar, as_of)
        panel = as_known(delivery.bars, delivery.references, schedule, as_of)
        cube = build_features(panel)
    else:
        panel = accepted(opened.market, as_of).panel(as_of)
        log = opened.feature_log.read(as_of)
    for name in ("weekly", "monthly"):
        own = settings.strategy(name)
        if workspace is None:
            dataset = _joined(panel, cube.names, cube.values, settings, name)
        else:
            names = features_of(opened, name)
            dataset = assemble(log, names, panel, own.horizon, own.label)
        costs = settings.execution
        yield Source(
            name, dataset, own.horizon, own.portfolio,
            costs.half_spread_bps + costs.commission_bps, fit_policy(settings, name),
            {recipe: settings.learning.candidates[recipe] for recipe in RECIPES},
        )  # fmt: skip


def _joined(
    panel: Panel, names: tuple[str, ...], values: np.ndarray, settings: Settings, strategy: str
) -> Dataset:
    own = settings.strategy(strategy)
    order = np.argsort(names)
    present = np.isfinite(values).any(axis=2)
    begin = int(np.flatnonzero(present.any(axis=1))[0])
    labels = np.where(present, make_labels(panel.prices, own.horizon, own.label), np.nan)
    return Dataset(
        panel.sessions[begin:], panel.symbols, tuple(sorted(names)),
        np.ascontiguousarray(values[begin:, :, order]), labels[begin:], panel.prices[begin:],
        int(present.sum()),
    )  # fmt: skip


def known_at(dataset: Dataset, at: int, horizon: int) -> Dataset:
    """Cut a dataset to the rows before `at`; labels that have not matured are blank."""
    labels = dataset.labels[:at].copy()
    labels[max(at - horizon, 0) :] = np.nan
    rows = dataset.sessions[:at], dataset.features[:at], dataset.prices[:at]
    return replace(dataset, sessions=rows[0], features=rows[1], labels=labels, prices=rows[2])


def fitted(source: Source, recipe: str, training: Training):
    features, labels = training
    return fit_final(
        source.candidates[recipe], features, labels, source.dataset.names, source.policy
    )


def most_important(source: Source, model, before: np.ndarray, rng: np.random.Generator) -> int:
    """Return the feature whose shuffling moves the ranks of a model's scores most."""
    share = source.policy.min_feature_share
    as_is = predict_scores(model, before, share)
    kept = []
    for k in range(before.shape[2]):
        other = before.copy()
        other[:, :, k] = other[rng.permutation(len(other)), :, k]
        kept.append(np.nanmean(rank_correlation(as_is, predict_scores(model, other, share))))
    return int(np.argmin(kept))


def book_of(source: Source, model, at: int) -> Book:
    """Run a model's book from row `at` on: what fills it up, then a year."""
    before = source.portfolio.volatility_sessions + 1
    warm, d = source.horizon + 2, source.dataset
    rows = slice(at - before, at + warm + YEAR)
    features = d.features[at : rows.stop]
    scores = predict_scores(model, features, source.policy.min_feature_share)
    scores = np.vstack([np.full((before, scores.shape[1]), np.nan), scores])
    given = scores, d.prices[rows], source.horizon, source.portfolio
    found, kept = paper_book(*given, source.cost_bps), slice(before + warm, None)
    return Book(scores[kept], _decided(*given)[kept], found.net[kept], found.turnover[kept])


def beside(own: Book, its: Book, sessions: np.ndarray, cost_bps: float) -> SideBySide:
    return SideBySide(
        sessions=sessions,
        challenger=own.net,
        champion=its.net,
        challenger_cost=-own.turnover * cost_bps / 1e4,
        champion_cost=-its.turnover * cost_bps / 1e4,
        challenger_turnover=own.turnover,
        champion_turnover=its.turnover,
        correlation=rank_correlation(own.scores, its.scores, MIN_NAMES),
        agreement=np.array(
            [position_agreement(*both) for both in zip(own.weights, its.weights, strict=True)]
        ),
    )


def trial(source: Source, key: tuple[str, str, int], case: Case, record: SideBySide,
          policy: CourtPolicy) -> Trial:  # fmt: skip
    """Measure a record by session."""
    recipe, kind, gap = key
    bounds = bounds_of(record.challenger[None], record.champion[None], 0.0, policy).of(0)
    with np.errstate(all="ignore"):
        return Trial(
            source.name, recipe, kind, gap, case, record, bounds,
            so_far(record.correlation),
            so_far(record.agreement),
            deepest(record.challenger) / deepest(record.champion),
            so_far(record.challenger_cost) / so_far(record.champion_cost),
        )  # fmt: skip


def so_far(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    return np.cumsum(np.where(known, values, 0.0)) / np.cumsum(known)


def deepest(returns: np.ndarray) -> np.ndarray:
    value = np.cumprod(1.0 + returns)
    peak = np.maximum.accumulate(np.maximum(value, 1.0))
    return np.minimum.accumulate(value / peak - 1.0)


def trials_at(source: Source, at: int, policy: CourtPolicy, seed: int) -> Iterator[Trial]:
    """Give every refresh at a session beside every champion."""
    horizon, d = source.horizon, known_at(source.dataset, at, source.horizon)
    sessions = source.dataset.sessions[at + horizon + 2 :][:YEAR]
    n_labels = np.isfinite(d.labels).sum()
    for number, recipe in enumerate(RECIPES):
        rng = np.random.default_rng([seed, at, horizon, number])
        champions, labels, alike = {}, {}, {}
        for gap in GAPS:
            older = known_at(source.dataset, at - gap, horizon)
            champions[gap] = fitted(source, recipe, (older.features, older.labels))
            labels[gap] = np.isfinite(older.labels).sum()
            candidate = source.candidates[recipe]
            alike[gap] = refit_correlation(d, horizon, candidate, source.policy, gap)
        books = {gap: book_of(source, model, at) for gap, model in champions.items()}
        feature = most_important(source, champions[GAPS[0]], d.features[-YEAR:], rng)
        trainings = {GOOD: (d.features, d.labels)}
        for kind in (GOOD, *BROKEN):
            training = trainings.get(kind) or BROKEN[kind](d, rng, feature)
            share = np.isfinite(training[1]).sum() / n_labels
            own = book_of(source, fitted(source, recipe, training), at)
            for gap in GAPS:
                record = beside(own, books[gap], sessions, source.cost_bps)
                case = Case(
                    source.name, 1, 2, "refresh", refit_correlation=alike[gap],
                    training_share=float(share * n_labels / labels[gap]),
                    training_data=true_features(training, d),
                )  # fmt: skip
                yield trial(source, (recipe, kind, gap), case, record, policy)


def true_features(training: Training, d: Dataset) -> bool:
    """Say whether features are those that prices give, as the court computes them again."""
    whole = training[0].shape == d.features.shape
    # A part of the sessions is cut out of the true ones.
    return not whole or np.array_equal(training[0], d.features, equal_nan=True)


def trials_of(windows: int, policy: CourtPolicy, workspace: Path | None, seed: int) -> list[Trial]:
    """Give every trial of every window, spread over the years."""
    found: list[Trial] = []
    for source in sources(workspace):
        first = int(np.searchsorted(source.dataset.sessions, FIRST))
        last = len(source.dataset.sessions) - YEAR - source.horizon - 2
        for at in np.linspace(first, last, windows).astype(int):
            found += trials_at(source, int(at), policy, seed)
    return found
