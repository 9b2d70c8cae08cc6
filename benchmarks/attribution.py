"""Planted parts of the gap between backtest and live: how much of each the attribution finds.

Books run on the sample's real prices, a year a seed, by the code that runs live books. The run
without the plant is the backtest, and the planted truth is what it earned more than the run with
the plant. The part that bears the plant's name must find it, and the others must leave it alone.

Wrong data and decay change what is decided. What they cost is the difference of the two runs'
``signal``; in ``net`` other decisions also have other luck while they wait for the auction, some
per cent a year either way, which rightly stands in ``latency`` (columns ``net`` and ``others``).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from shadowbook.adapters.calendar import TradingCalendar
from shadowbook.adapters.market_data.sample import SampleSource
from shadowbook.core.bitemporal import as_known
from shadowbook.core.books.construction import PortfolioPolicy
from shadowbook.core.books.day import BookDay, BookState, Traded
from shadowbook.core.books.execution import ExecutionPolicy
from shadowbook.core.books.running import BookPolicy, RunningBook
from shadowbook.core.books.view import Scored, View, view_of
from shadowbook.core.performance.accounts import Accounts, BookRows, Trades, book_accounts
from shadowbook.core.performance.attribution import PARTS, Attribution, attribute
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats, Panel

SESSIONS, BEFORE, HORIZON = 252, 70, 5
HALF_SPREAD = 5.0
CAPITAL_CENTS = 100_000_000_00
"""Large, so that whole shares and cents are no matter."""

SKILL = 0.1
"""Share of the scores that knows the returns to come."""

STALE = 21
"""Sessions that stale scores are old."""

SLOW, FAST = (0, 22), (0, 2)
"""Sessions after the decision whose returns the scores know of. What slow scores know is worth as
much a session later, so that nothing but the plant of its name moves ``latency``; fast scores lose
by waiting."""

PLANTS = ("slippage", "spread", "missed_fills", "latency", "data", "signal_decay", "fees")


@dataclass(frozen=True, eq=False)
class Year:
    """A year of the sample and what the book's model says in it."""

    views: Sequence[View]
    scores: Floats
    stale: Floats
    decayed: Floats


@dataclass(frozen=True, eq=False)
class Run:
    """A book that went through a year."""

    days: Sequence[BookDay]
    accounts: Accounts

    def series(self, name: str) -> Floats:
        """Return a part of the days' returns."""
        return np.array([getattr(day, name) for day in self.days])


def sample_panel() -> Panel:
    """Return the sample's prices as they are known today."""
    calendar = TradingCalendar("XNYS", timedelta(minutes=15))
    delivery = SampleSource().read(calendar.schedule)
    first, last = delivery.bars["session"].min().date(), delivery.bars["session"].max().date()
    return as_known(
        delivery.bars, delivery.references, calendar.schedule(first, last), datetime.now(UTC)
    )


def year_of(panel: Panel, rng: np.random.Generator, known: tuple[int, int] = SLOW) -> Year:
    """Cut a year out of the panel and make scores that know a little.

    Parameters
    ----------
    known : ``SLOW`` or ``FAST``.
    """
    first = int(rng.integers(BEFORE, len(panel.sessions) - SESSIONS - SLOW[1]))
    rows = np.arange(first, first + SESSIONS)
    ahead = panel.prices[rows + known[1]] / panel.prices[rows + known[0]] - 1.0
    # A mean of as many numbers as the horizon is smooth, as the scores of real models are.
    noise = rng.normal(size=(2, SESSIONS + HORIZON, len(panel.symbols)))
    smooth = np.array([noise[:, i : i + HORIZON].mean(axis=1) for i in range(SESSIONS)])
    smooth = smooth.swapaxes(0, 1) * np.sqrt(HORIZON)
    skilled = (ahead - ahead.mean(axis=1, keepdims=True)) / ahead.std(axis=1, keepdims=True)
    scores = SKILL * skilled + np.sqrt(1.0 - SKILL**2) * smooth[0]
    stale = np.vstack([np.repeat(scores[:1], STALE, axis=0), scores[:-STALE]])
    decayed = 0.6 * scores + 0.8 * smooth[1]
    opened = datetime(2000, 1, 1, tzinfo=UTC)
    hours = (opened, opened + timedelta(hours=7))
    views = [view_of(panel, int(row), panel.symbols, 63, hours) for row in rows]
    return Year(views, scores, stale, decayed)


def run(year: Year, plant: str = "", size: float = 0.0) -> Run:
    """Take a book through the year, with something planted.

    Parameters
    ----------
    size : basis points (slippage, spread, fees), or the share of orders that are not filled.
    """
    half_spread = HALF_SPREAD + (size if plant == "spread" else 0.0)
    fee = size if plant == "fees" else 0.0
    market = ExecutionPolicy(half_spread_bps=half_spread, commission_bps=fee)
    policy = BookPolicy(CAPITAL_CENTS, HORIZON, PortfolioPolicy(), market)
    book = RunningBook("planted", "champion", policy)
    said = {"data": year.stale, "signal_decay": year.decayed}.get(plant, year.scores)
    days: list[BookDay] = []
    asked, pending = (np.zeros(said.shape) for _ in range(2))
    for row, view in enumerate(year.views):
        at = view.market.row
        wanted = {one.symbol: one.quantity for one in book.wanted()}
        executed, due = book.executed(view), wanted
        if plant == "latency" and row > 1:
            late = RunningBook("planted", "late", policy, _as_of_before(book, days))
            executed = late.executed(view)
            due = {one.symbol: one.quantity for one in late.wanted()}
        for symbol in {*wanted, *due}:
            asked[row, at[symbol]] = due.get(symbol, 0)
            pending[row, at[symbol]] = wanted.get(symbol, 0) - due.get(symbol, 0)
        if plant == "missed_fills":
            executed = _unlucky(executed, view, year.views[min(row + 1, SESSIONS - 1)], size)
        if plant == "slippage":
            executed = [_worse(one, size) for one in executed]
        days.append(book.step(view, Scored(1, said[row]), "", executed))
    rows = _rows(days, asked, pending, [view.market.row for view in year.views])
    return Run(days, book_accounts(rows, half_spread))


def gap(backtest: Run, live: Run, clean: Floats | None = None) -> Attribution:
    """Split the gap between two runs."""
    ways = backtest.accounts
    signal = backtest.series("signal")
    nothing = np.full(len(signal), np.nan)
    sessions = np.array([day.session for day in live.days], dtype="datetime64[D]")
    promised = Backtest(
        sessions=sessions,
        signal=signal,
        gross=signal + ways.latency + ways.band,
        net=backtest.series("net"),
        turnover=backtest.series("turnover"),
        information_coefficient=nothing,
        lagged_ic=nothing,
        horizon=HORIZON,
    )
    parts = {name: live.series(name) for name in ("net", "signal", "execution", "cost", "turnover")}
    record = LiveRecord(
        strategy="planted",
        book="champion",
        sessions=sessions,
        model_versions=np.ones(len(sessions), dtype=np.int64),
        information_coefficient=nothing,
        lagged_ic=nothing,
        **parts,
    )
    return attribute(promised, record, live.accounts, clean)


def size_of(plant: str, rng: np.random.Generator) -> float:
    """Draw how strong a plant is."""
    if plant == "missed_fills":
        return 0.3
    return float(rng.uniform(5.0, 20.0)) if plant in ("slippage", "spread", "fees") else 0.0


DECISIONS = ("data", "signal_decay")
"""Plants that change what is decided, not how it is traded."""


def planted(
    year: Year, plain: Run, plant: str, rng: np.random.Generator
) -> tuple[float, Attribution]:
    """Plant one thing; return what it cost a year, and the attribution of the gap."""
    live = run(year, plant, size_of(plant, rng))
    acts_on = "signal" if plant in DECISIONS else "net"
    truth = 252.0 * float(np.nanmean(plain.series(acts_on)) - np.nanmean(live.series(acts_on)))
    clean = plain.series("signal") if plant == "data" else live.series("signal")
    return truth, gap(plain, live, clean)


def main() -> None:
    """Print, for each plant, how far the part of its name is from the truth."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--seeds", type=int, default=100)
    seeds = asked.parse_args().seeds
    panel = sample_panel()
    found: dict[str, list[tuple[float, Attribution]]] = {plant: [] for plant in PLANTS}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        years = {known: year_of(panel, rng, known) for known in (SLOW, FAST)}
        plain = {known: run(year) for known, year in years.items()}
        for plant in PLANTS:
            known = FAST if plant == "latency" else SLOW
            found[plant].append(planted(years[known], plain[known], plant, rng))
    print(f"{seeds} seeds, {SESSIONS} sessions each; % a year, means; error in % of the truth")
    names = ("net", "truth", "found", "median", "95 %", "<= 10 %", "others", "unexpl.")
    print(f"{'plant':14} " + " ".join(f"{name:>7}" for name in names))
    for plant, results in found.items():
        print(_line(plant, results))


def _line(plant: str, results: Sequence[tuple[float, Attribution]]) -> str:
    truth = np.array([one for one, _ in results])
    parts = np.array([[part.value for part in one.parts] for _, one in results])
    mine = parts[:, PARTS.index(plant)]
    error = np.abs(mine - truth) / np.abs(truth)
    gaps = np.array([one.expected / one.scale - one.live for _, one in results])
    rest = np.abs(np.delete(parts, PARTS.index(plant), axis=1)).max(axis=1)
    unexplained = np.array([abs(one.unexplained) for _, one in results])
    return (
        f"{plant:14} {100 * gaps.mean():7.2f} {100 * truth.mean():7.2f} {100 * mine.mean():7.2f} "
        f"{np.median(error):7.1%} {np.quantile(error, 0.95):7.1%} {(error <= 0.1).mean():7.0%} "
        f"{100 * rest.mean():7.2f} {100 * unexplained.mean():7.2f}"
    )


def _as_of_before(book: RunningBook, days: Sequence[BookDay]) -> BookState:
    """Return the book's state with what the decision before its last one wanted."""
    older, last = days[-2], days[-1]
    ideal = {s: int(q) for s, q in zip(older.symbols, older.ideal, strict=True) if q}
    marks = dict(zip(last.symbols, last.marks.tolist(), strict=True))
    return replace(book.state, ideal=ideal, marks=marks)


def _unlucky(traded: Sequence[Traded], view: View, following: View, share: float) -> list[Traded]:
    """Leave out the fills that the next session would have rewarded most, as limit orders do."""
    at = view.market.row
    moves = following.market.closes / view.market.closes - 1.0
    gains = {one.symbol: np.sign(one.quantity) * moves[at[one.symbol]] for one in traded}
    ranked = sorted(traded, key=lambda one: gains[one.symbol])
    return sorted(ranked[: len(ranked) - round(share * len(ranked))], key=lambda one: one.symbol)


def _worse(one: Traded, bps: float) -> Traded:
    sign = 1.0 if one.quantity > 0 else -1.0
    return replace(one, price=one.price + sign * one.reference * bps / 1e4)


def _rows(
    days: Sequence[BookDay], asked: Floats, pending: Floats, at: Sequence[Mapping[str, int]]
) -> BookRows:
    fills = [(row, one) for row, day in enumerate(days) for one in day.traded]

    def column(name: str) -> Floats:
        return np.array([getattr(one, name) for _, one in fills], dtype=np.float64)

    return BookRows(
        equity=np.array([day.equity for day in days]),
        net=np.array([day.net for day in days]),
        signal=np.array([day.signal for day in days]),
        held=np.array([day.quantities for day in days], dtype=np.float64),
        ideal=np.array([day.ideal for day in days], dtype=np.float64),
        asked=asked,
        marks=np.array([day.marks for day in days]),
        trades=Trades(
            rows=np.array([row for row, _ in fills], dtype=np.int64),
            columns=np.array([at[row][one.symbol] for row, one in fills], dtype=np.int64),
            quantities=column("quantity"),
            prices=column("price"),
            references=column("reference"),
            commissions=column("commission_cents") / 100.0,
            in_auction=np.ones(len(fills), dtype=bool),
        ),
        pending=pending,
    )


if __name__ == "__main__":
    main()
