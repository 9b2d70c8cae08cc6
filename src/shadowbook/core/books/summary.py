"""What a replay came to: every book's figures with their standard errors, and what happened.

Each figure that is estimated has an influence function: what every session adds to it, to first
order. Its standard error is Newey and West's error of that function's mean, stretched for small
samples (see `stats.hac`), and the error of a difference of two books is that of the difference of
their influences over the sessions they share, so that what moved both does not count as doubt
(Ledoit & Wolf 2008, section 3.1). A net return spans one session, so lags come from the number of
sessions alone. What simply happened, such as the deepest fall, has no standard error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.stats.growth import equity_curve, max_drawdown
from shadowbook.core.stats.hac import bandwidth, mean_standard_error, small_sample_factor
from shadowbook.core.stats.sharpe import sharpe_and_influence
from shadowbook.core.values import Floats, Metric, Sessions
from shadowbook.errors import InsufficientDataError

PERIODS_PER_YEAR = 252.0
LEAST_SESSIONS = 63
"""Fewer returns give NOT_COMPUTABLE for all that is estimated."""

TWO_SIDED = 1.96
"""Standard errors on either side that make a 95 % interval."""

COUNTED: Mapping[str, str] = {
    "retraining": "retrainings",
    "promotion": "promotions",
    "alert": "alerts",
    "halt": "halts",
    "held": "held",
}
"""Kinds of notes that are counted, and what their number is called."""

_MEASURED = ("net", "signal", "execution", "cost", "turnover")
_BESIDE = ("equity", "gross_exposure", "net_exposure", "model_versions", "outcomes")


@dataclass(frozen=True, eq=False)
class BookSeries:
    """One book over the sessions of a replay; arrays (T,), NaN where there is nothing.

    Attributes
    ----------
    strategy, book : whose it is; a book is ``champion`` or ``shadow/<version>``.
    sessions : trading days, ascending.
    net, signal, execution, cost : simple returns a session, net = signal + execution + cost.
    turnover : notional traded as a share of the equity before.
    equity : in currency.
    gross_exposure, net_exposure : longs plus shorts, and longs less shorts, as shares of equity.
    model_versions : of the model that scored; 0 where none did.
    outcomes : what came of each session (see `day.BookOutcome`); empty where there was no book.
    """

    strategy: str
    book: str
    sessions: Sessions
    net: Floats
    signal: Floats
    execution: Floats
    cost: Floats
    turnover: Floats
    equity: Floats
    gross_exposure: Floats
    net_exposure: Floats
    model_versions: NDArray[np.int64]
    outcomes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class BookSummary:
    """A book's series and its figures by name; see `metrics_of`."""

    series: BookSeries
    metrics: Mapping[str, Metric]


@dataclass(frozen=True)
class ReplayNote:
    """Something that happened in a replay and that its reader should know.

    Attributes
    ----------
    kind : retraining, promotion, held, delisting, halt, alert or acknowledgment.
    text : one sentence.
    simulated : True where the simulated operator did what a person does.
    strategy : whom it befell; empty: every strategy.
    """

    session: date
    kind: str
    text: str
    simulated: bool = False
    strategy: str = ""


@dataclass(frozen=True, eq=False)
class ReplaySummary:
    """What a replay of one policy came to.

    Attributes
    ----------
    name : of the policy.
    first, last, n_sessions : the sessions that any book went through.
    books : champions first, then shadow books by version, strategy by strategy.
    notes : by session; the same note of several books stands once.
    counts : how many retrainings, promotions, alerts, halts and held notes there are.
    digest : of every book of every session.
    seconds : that it took.
    """

    name: str
    first: date
    last: date
    n_sessions: int
    books: tuple[BookSummary, ...]
    notes: tuple[ReplayNote, ...]
    counts: Mapping[str, int]
    digest: str
    seconds: float


def summarize(
    name: str,
    series: Sequence[BookSeries],
    notes: Iterable[ReplayNote],
    digest: str,
    seconds: float,
) -> ReplaySummary:
    """Put a replay's books and notes into one record.

    Raises
    ------
    InsufficientDataError
        When no book went through a session.
    ValueError
        When a series has arrays of different lengths.
    """
    for one in series:
        _check(one)
    none = np.empty(0, dtype="datetime64[D]")
    sessions = np.unique(np.concatenate([none, *(one.sessions for one in series)]))
    if not len(sessions):
        raise InsufficientDataError(
            f"the replay {name} has no session: choose a span with trading days and a champion"
        )
    kept = sorted(set(notes), key=lambda one: (one.session, one.strategy, one.kind, one.text))
    return ReplaySummary(
        name=name,
        first=sessions[0].astype("datetime64[D]").astype(date),
        last=sessions[-1].astype("datetime64[D]").astype(date),
        n_sessions=len(sessions),
        books=tuple(BookSummary(one, metrics_of(one)) for one in sorted(series, key=_place)),
        notes=tuple(kept),
        counts=counts_of(kept),
        digest=digest,
        seconds=seconds,
    )


def counts_of(notes: Iterable[ReplayNote], strategy: str = "") -> dict[str, int]:
    """Count notes by kind, those of one strategy or, without one, all of them.

    >>> counts_of([ReplayNote(date(2020, 3, 2), "halt", "the broker differs")])["halts"]
    1
    """
    found = dict.fromkeys(COUNTED.values(), 0)
    for note in notes:
        if note.kind in COUNTED and (not strategy or note.strategy in ("", strategy)):
            found[COUNTED[note.kind]] += 1
    return found


def metrics_of(series: BookSeries) -> dict[str, Metric]:
    """Measure a book over the sessions that have a net return.

    Returns
    -------
    By name: ``sharpe_annualized`` (net of cost), ``net_return_annual`` (geometric; -1 where all was
    lost), ``volatility_annual``, ``turnover`` (mean a session), ``signal_annual``,
    ``execution_annual`` and ``cost_annual`` (mean times 252) with standard errors; ``net_return``
    (of the whole span) and ``max_drawdown`` (at most 0, the start counts as a peak) without.
    NOT_COMPUTABLE with a reason where there are fewer than 63 sessions (one, for the last two), or
    the Sharpe ratio of returns that do not vary.
    """
    cut = _cut(series, np.flatnonzero(np.isfinite(series.net)))
    found = {key: _metric(key, *estimate(cut)) for key, estimate in _ESTIMATES.items()}
    return found | {key: _fact(key, len(cut["net"]), fact(cut)) for key, fact in _FACTS.items()}


def difference(first: BookSeries, second: BookSeries) -> dict[str, Metric]:
    """Measure the first book less the second, over the sessions where both have a net return.

    Returns
    -------
    As `metrics_of`; its standard errors respect that both lived through the same sessions.
    """
    _, left, right = np.intersect1d(first.sessions, second.sessions, return_indices=True)
    both = np.isfinite(first.net[left]) & np.isfinite(second.net[right])
    one, other = _cut(first, left[both]), _cut(second, right[both])
    found = {}
    for key, estimate in _ESTIMATES.items():
        value, influence = estimate(one)
        less, its = estimate(other)
        found[key] = _metric(key, value - less, influence - its)
    for key, fact in _FACTS.items():
        found[key] = _fact(key, len(one["net"]), fact(one) - fact(other))
    return found


def interval(metric: Metric) -> tuple[float, float]:
    """Return the 95 % interval of a metric; NaN where it has no standard error.

    >>> interval(Metric("sharpe_annualized", 1.0, 0.5, 252))
    (0.020000000000000018, 1.98)
    """
    half = TWO_SIDED * metric.standard_error
    return metric.value - half, metric.value + half


def _check(series: BookSeries) -> None:
    parts = [getattr(series, part) for part in (*_MEASURED, *_BESIDE)]
    if any(len(part) != len(series.sessions) for part in parts):
        raise ValueError(f"{series.strategy} {series.book}: every array needs a value a session")


def _place(series: BookSeries) -> tuple[str, bool, int, str]:
    version = series.book.rpartition("/")[2]
    number = int(version) if version.isdecimal() else 0
    return series.strategy, series.book != "champion", number, series.book


Cut = Mapping[str, Floats]
Estimate = tuple[float, Floats]


def _cut(series: BookSeries, rows: NDArray[np.int64]) -> Cut:
    return {part: getattr(series, part)[rows] for part in _MEASURED}


def _metric(name: str, value: float, influence: Floats) -> Metric:
    n = len(influence)
    if n < LEAST_SESSIONS:
        reason = f"{name} has {n} sessions with a return and needs {LEAST_SESSIONS}"
        return Metric(name, math.nan, math.nan, n, "NOT_COMPUTABLE", reason)
    if math.isnan(value):
        reason = f"{name} is not defined: the returns do not vary"
        return Metric(name, math.nan, math.nan, n, "NOT_COMPUTABLE", reason)
    lags = bandwidth(n)
    error = mean_standard_error(influence, lags) * small_sample_factor(n, lags)
    return Metric(name, value, error, n)


def _fact(name: str, n: int, value: float) -> Metric:
    if not n:
        return Metric(
            name, math.nan, math.nan, 0, "NOT_COMPUTABLE", f"{name} has no session with a return"
        )
    return Metric(name, value, math.nan, n)


def _sharpe(cut: Cut) -> Estimate:
    ratio, influence = sharpe_and_influence(cut["net"])
    yearly = math.sqrt(PERIODS_PER_YEAR)
    return ratio * yearly, influence * yearly


def _yearly_growth(cut: Cut) -> Estimate:
    net = cut["net"]
    if not len(net) or not (net > -1.0).all():
        # The logarithm of nothing has no influence function, and a lost book no way back.
        return -1.0, np.full(len(net), math.nan)
    logs = np.log1p(net)
    rate = PERIODS_PER_YEAR * float(logs.mean())
    return math.expm1(rate), PERIODS_PER_YEAR * math.exp(rate) * (logs - logs.mean())


def _volatility(cut: Cut) -> Estimate:
    net = cut["net"]
    if len(net) < 2:
        return math.nan, np.full(len(net), math.nan)
    deviation, yearly = float(net.std(ddof=1)), math.sqrt(PERIODS_PER_YEAR)
    squares = (net - net.mean()) ** 2 - deviation**2
    influence = np.zeros(len(net)) if deviation == 0.0 else squares / (2.0 * deviation)
    return deviation * yearly, influence * yearly


def _mean(part: str, factor: float) -> Callable[[Cut], Estimate]:
    def estimate(cut: Cut) -> Estimate:
        values = cut[part]
        return (float(values.mean()) if len(values) else math.nan) * factor, values * factor

    return estimate


_ESTIMATES: Mapping[str, Callable[[Cut], Estimate]] = {
    "sharpe_annualized": _sharpe,
    "net_return_annual": _yearly_growth,
    "volatility_annual": _volatility,
    "turnover": _mean("turnover", 1.0),
    "signal_annual": _mean("signal", PERIODS_PER_YEAR),
    "execution_annual": _mean("execution", PERIODS_PER_YEAR),
    "cost_annual": _mean("cost", PERIODS_PER_YEAR),
}

_FACTS: Mapping[str, Callable[[Cut], float]] = {
    "net_return": lambda cut: float(np.append(1.0, equity_curve(cut["net"]))[-1]) - 1.0,
    "max_drawdown": lambda cut: float(max_drawdown(np.append(0.0, cut["net"]))),
}
