"""The layers of a book's sessions, each rebuilt from the recorded layer before it.

A fault therefore shows in the layer that it entered through; what the layers after it made of the
faulty numbers is what the code makes of them, and agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from shadowbook.core.books.accounts import settle
from shadowbook.core.books.day import BookState, Traded
from shadowbook.core.books.running import BookPolicy, RunningBook, Wanted
from shadowbook.core.books.view import Scored, View
from shadowbook.core.diagnosis.findings import Layer, LayerComparison
from shadowbook.core.diagnosis.layers import Pair, Sheet, compare
from shadowbook.core.values import Floats
from shadowbook.settings import Settings
from shadowbook.steps.desk import CHAMPION, book_policy
from shadowbook.steps.diagnose_known import KnownDay
from shadowbook.steps.diagnose_record import CORPORATE, RecordedDay
from shadowbook.steps.history import Moment

NOT_IN_TIME = "was not traded in time"
"""What the reason of a session says that was gone through later, without deciding anything."""

Score = Callable[[RecordedDay], Floats]
"""Scores of the pinned model on the features that were recorded, in order of their symbols."""


@dataclass(frozen=True)
class Rules:
    """By which a book was run.

    Attributes
    ----------
    lookback : sessions of prices that portfolios look back.
    modeled : fills come from the model of execution, as those of the paper broker do.
    """

    policy: BookPolicy
    lookback: int
    modeled: bool


def rules_of(settings: Settings, strategy: str, modeled: bool) -> Rules:
    """Return the rules that a book was run by under some settings."""
    lookback = max(one.portfolio.volatility_sessions for one in settings.strategies.values())
    return Rules(book_policy(settings, strategy), lookback, modeled)


def layers_of(
    strategy: str,
    book: str,
    days: Sequence[RecordedDay],
    known: Mapping[date, KnownDay],
    score: Score,
    rules: Callable[[RecordedDay], Rules],
) -> tuple[LayerComparison, ...]:
    """Compare every layer of some sessions of a book.

    Parameters
    ----------
    days : in order.
    known : session -> what prices said of it; holds every one of ``days``.
    """
    made: dict[Layer, list[Pair]] = {layer: [] for layer in Layer}
    told: list[RecordedDay] = []
    for day in days:
        there = known[day.session]
        bars = raw_data(day, there)
        if compare(Layer.RAW_DATA, [bars]).diverging:
            told.append(day)
        made[Layer.RAW_DATA].append(bars)
        made[Layer.FEATURES].append(features(day, there.computed.values, there))
        made[Layer.PREDICTIONS].append(predictions(day, score(day)))
        own = rules(day)
        moment = as_recorded(there.moment, told)
        view = moment.view(_names(strategy, book, day, own), own.lookback)
        made[Layer.TARGETS].append(targets(strategy, book, day, view, own))
        made[Layer.ORDERS].append(orders(strategy, book, day, own))
        made[Layer.FILLS].append(fills(strategy, book, day, view, own))
    return tuple(compare(layer, pairs) for layer, pairs in made.items())


def as_recorded(moment: Moment, told: Sequence[RecordedDay]) -> Moment:
    """Lay bars that live was told differently over the prices, for the layers after the data."""
    if not told:
        return moment
    panel = moment.panel
    fields = {name: values.copy() for name, values in panel.fields.items()}
    column_of = {symbol: i for i, symbol in enumerate(panel.symbols)}
    for day in told:
        row = int(np.searchsorted(panel.sessions, np.datetime64(day.session, "D")))
        rated = [i for i, symbol in enumerate(day.given.symbols) if symbol in column_of]
        columns = [column_of[day.given.symbols[i]] for i in rated]
        for k, name in enumerate(day.given.fields):
            if name in fields:
                fields[name][row, columns] = day.given.bars[rated, k]
    return replace(moment, panel=replace(panel, fields=fields))


def raw_data(day: RecordedDay, known: KnownDay) -> Pair:
    """Lay out the session's bars; a symbol that has a price and was not given counts as missing."""
    given, panel = day.given, known.moment.panel
    column_of = {symbol: i for i, symbol in enumerate(panel.symbols)}
    symbols = tuple(sorted({*known.computed.symbols, *given.symbols} & set(column_of)))
    fields = tuple(sorted(panel.fields))
    at = [column_of[symbol] for symbol in symbols]
    values = np.array([panel.fields[name][known.moment.row, at] for name in fields]).T
    rebuilt = Sheet(symbols, fields, values.reshape(len(symbols), len(fields)))
    bars = given.bars.reshape(len(given.symbols), len(given.fields))
    return Pair(day.session, Sheet(given.symbols, given.fields, bars), rebuilt)


def features(day: RecordedDay, values: Floats, known: KnownDay) -> Pair:
    """Lay out the features of the symbols that were given."""
    given, computed = day.given, known.computed
    row_of = {symbol: i for i, symbol in enumerate(computed.symbols)}
    symbols = tuple(symbol for symbol in given.symbols if symbol in row_of)
    names = tuple(name for name in given.names if name in computed.names)
    at = np.ix_(
        [row_of[symbol] for symbol in symbols], [computed.names.index(name) for name in names]
    )
    return Pair(
        day.session,
        Sheet(given.symbols, given.names, given.features),
        Sheet(symbols, names, values[at]),
    )


def predictions(day: RecordedDay, scores: Floats) -> Pair:
    """Lay out the scores of the rated symbols."""
    rated = np.isfinite(scores)
    symbols = tuple(s for s, there in zip(day.given.symbols, rated.tolist(), strict=True) if there)
    rebuilt = Sheet(symbols, ("score",), scores[rated][:, None])
    return Pair(day.session, _sheet({s: (v,) for s, v in day.scores.items()}, ("score",)), rebuilt)


def targets(strategy: str, book: str, day: RecordedDay, view: View, rules: Rules) -> Pair:
    """Lay out the weights and whole shares that the recorded scores lead to; zeros are left out."""
    running = RunningBook(strategy, book, rules.policy, day.before)
    scores = np.array([day.scores.get(symbol, np.nan) for symbol in view.symbols])
    scored = Scored(day.version, scores, refusal_of(day), day.capacity)
    done = running.step(view, scored, "", _filled(day))
    columns = ("weight", "shares")
    rebuilt = {
        symbol: (weight, float(ideal))
        for symbol, weight, ideal in zip(
            done.symbols, done.targets.tolist(), done.ideal.tolist(), strict=True
        )
    }
    decided = not np.isnan(done.targets).all()
    return Pair(
        day.session,
        _decision(day.targets, columns),
        _decision(rebuilt if decided else None, columns),
    )


def refusal_of(day: RecordedDay) -> str:
    """Say why a session decided nothing, where that has nothing to do with what it was given."""
    late = next((reason for reason in day.reasons if NOT_IN_TIME in reason), "")
    return late or ("" if day.capacity > 0.0 else "the book is halted")


def orders(strategy: str, book: str, day: RecordedDay, rules: Rules) -> Pair:
    """Lay out the orders that what was decided and what is held lead to; a shadow book has none."""
    running = RunningBook(strategy, book, rules.policy, day.after)
    wanted = running.wanted() if book == CHAMPION else ()
    return Pair(day.session, _asked(day.orders), _asked(wanted))


def fills(strategy: str, book: str, day: RecordedDay, view: View, rules: Rules) -> Pair:
    """Lay out what was traded, and what the book held after it."""
    state = day.before or RunningBook(strategy, book, rules.policy).state
    asked = day.asked
    if book != CHAMPION:
        asked = tuple(RunningBook(strategy, book, rules.policy, day.before).wanted())
    if rules.modeled:
        done = _Ordered(strategy, book, rules.policy, day.before, asked).executed(view)
    else:
        done = _within(_filled(day), asked)
    # Positions follow from the fills that were recorded, whatever should have been filled.
    settled = settle(state, view, _filled(day))
    actions = [one for one in settled.traded if one.purpose in CORPORATE]
    after = {
        symbol: (quantity, mark)
        for symbol, quantity, mark in zip(
            view.symbols, settled.quantities.tolist(), settled.marks.tolist(), strict=True
        )
        if quantity
    }
    held = {symbol: (n, day.after.marks[symbol]) for symbol, n in day.after.quantities.items()}
    return Pair(
        day.session,
        _account(day.traded, held, day.after.cash_cents, day.after.equity),
        _account([*actions, *done], after, settled.cash_cents, settled.equity),
    )


class _Ordered(RunningBook):
    """A book that executes the orders that were recorded."""

    def __init__(
        self,
        strategy: str,
        book: str,
        policy: BookPolicy,
        state: BookState | None,
        asked: Sequence[Wanted],
    ) -> None:
        super().__init__(strategy, book, policy, state)
        self._asked = list(asked)

    def wanted(self) -> list[Wanted]:
        return self._asked


def _names(strategy: str, book: str, day: RecordedDay, rules: Rules) -> frozenset[str]:
    """Symbols that the session must know for this book."""
    running = RunningBook(strategy, book, rules.policy, day.before)
    moved = {one.symbol for one in day.traded} | {one.symbol for one in day.asked}
    return running.names.union(day.given.symbols, day.scores, moved, day.targets or ())


def _filled(day: RecordedDay) -> list[Traded]:
    return [one for one in day.traded if one.purpose not in CORPORATE]


def _within(traded: Sequence[Traded], asked: Iterable[Wanted]) -> list[Traded]:
    """Cut fills down to what was ordered: a broker's own prices cannot be rebuilt."""
    left: dict[tuple[str, str], int] = {(o.symbol, o.purpose): o.quantity for o in asked}
    found = []
    for one in traded:
        room = left.get((one.symbol, one.purpose), 0)
        low, high = min(room, 0), max(room, 0)
        quantity = min(max(one.quantity, low), high)
        left[one.symbol, one.purpose] = room - quantity
        if quantity:
            found.append(replace(one, quantity=quantity))
    return found


def _decision(rows: Mapping[str, tuple[float, float]] | None, columns: tuple[str, str]) -> Sheet:
    """Lay a decision out; whether there was one is a cell of its own."""
    if rows is None:
        return _sheet({}, columns)
    laid = {symbol: (one[0], float(one[1])) for symbol, one in rows.items() if any(one)}
    return _sheet({"(decided)": (1.0, np.nan), **laid}, columns)


def _asked(orders: Iterable[Wanted]) -> Sheet:
    rows = {f"{one.symbol} {one.purpose}": (float(one.quantity),) for one in orders}
    return _sheet(rows, ("shares",))


def _account(
    traded: Iterable[Traded],
    held: Mapping[str, tuple[int, float]],
    cash_cents: int,
    equity: float,
) -> Sheet:
    columns = ("shares", "price", "reference", "cents")
    rows: dict[str, tuple[float, ...]] = {
        f"{one.symbol} {one.purpose} {one.sequence}": (
            float(one.quantity),
            one.price,
            one.reference,
            float(one.commission_cents),
        )
        for one in traded
    }
    rows |= {
        f"{symbol} held": (float(n), mark, np.nan, np.nan) for symbol, (n, mark) in held.items()
    }
    rows["(cash)"] = (np.nan, np.nan, np.nan, float(cash_cents))
    rows["(equity)"] = (np.nan, equity, np.nan, np.nan)
    return _sheet(rows, columns)


def _sheet(rows: Mapping[str, Sequence[float]], columns: tuple[str, ...]) -> Sheet:
    names = tuple(sorted(rows))
    values = np.array([rows[name] for name in names], dtype=np.float64)
    return Sheet(names, columns, values.reshape(len(names), len(columns)))
