"""A rule's limit as a number, for one model version and its backtest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from shadowbook.core.performance.monitored import Limit
from shadowbook.core.performance.readings import OF_RETURNS, window_metrics
from shadowbook.core.performance.tiers import BAD_ABOVE, Rule
from shadowbook.core.stats.block_length import optimal_block_length
from shadowbook.core.track import Backtest
from shadowbook.core.values import Floats

LEAST_SESSIONS = 126
"""A backtest with fewer sessions tells nothing of its own tails."""

LEAST_BLOCKS = 8
"""Blocks a backtest is at least cut into."""

Distributions = dict[tuple[str, int], Floats]


def limits_of(
    rules: Sequence[Rule],
    backtest: Backtest | None,
    rng: np.random.Generator,
    *,
    n_resamples: int = 1000,
    periods_per_year: int = 252,
) -> tuple[Limit, ...]:
    """Turn every rule into a number that readings are held against.

    Parameters
    ----------
    rules : in force.
    backtest : of the version that scores; None where it has none.
    rng : draws the resamples of statistical limits.
    n_resamples : draws, one set for all windows of a series.
    periods_per_year : sessions a year; absolute limits of Sharpe ratio and volatility are annual.

    Returns
    -------
    A limit a rule, in their order, per session; NOT_COMPUTABLE with a reason where the rule needs
    what the backtest does not have.
    """
    drawn = _distributions(rules, backtest, rng, n_resamples)
    found = []
    for rule in rules:
        if rule.kind == "absolute":
            found.append(_absolute(rule, periods_per_year))
        elif backtest is None:
            found.append(_nothing(rule, "the version has no recorded backtest"))
        elif rule.kind == "baseline":
            found.append(_baseline(rule, backtest))
        else:
            found.append(_statistical(rule, backtest, drawn))
    return tuple(found)


def own_value(metric: str, backtest: Backtest) -> float:
    """Value of a metric over the whole backtest, a session; a drawdown's is the deepest there was.

    NaN where the backtest cannot tell.
    """
    series = known_series(metric, backtest)
    if len(series) < 2:
        return math.nan
    name = "drawdown_maximum" if metric == "drawdown_current" else metric
    if metric == "drawdown_length":
        return _longest(series)
    return float(window_metrics(series[None, :], [len(series)], [name])[name, len(series)][0])


def known_series(metric: str, backtest: Backtest) -> Floats:
    """Return the known values that a metric is taken from, in time order."""
    series = {
        "information_coefficient": backtest.information_coefficient,
        "turnover": backtest.turnover,
        "cost": backtest.gross - backtest.net,
    }.get(metric, backtest.net)
    known: Floats = series[np.isfinite(series)]
    return known


def _longest(returns: Floats) -> float:
    equity = np.concatenate([[1.0], np.cumprod(np.maximum(1.0 + returns, 0.0))])
    at_peak = equity >= np.maximum.accumulate(equity)
    rows = np.arange(len(equity))
    return float((rows - np.maximum.accumulate(np.where(at_peak, rows, 0))).max())


def _absolute(rule: Rule, periods_per_year: int) -> Limit:
    scale = math.sqrt(periods_per_year) if rule.metric in ("sharpe", "volatility") else 1.0
    value = rule.limit / scale
    side = -1.0 if rule.metric in BAD_ABOVE else 1.0
    return _limit(rule, value, value + side * rule.hysteresis * abs(value))


def _baseline(rule: Rule, backtest: Backtest) -> Limit:
    own = own_value(rule.metric, backtest)
    falls = rule.metric in ("drawdown_current", "drawdown_maximum")
    if not math.isfinite(own):
        return _nothing(rule, f"the backtest has no {rule.metric}")
    if (own >= 0.0) if falls else (own <= 0.0):
        return _nothing(
            rule, f"{rule.metric} of the backtest is {own:.4g}: no share of it is worse"
        )
    value = rule.limit * own
    good = 0.0 if falls or rule.metric == "drawdown_length" else own
    return _limit(rule, value, value + rule.hysteresis * (good - value))


def _statistical(rule: Rule, backtest: Backtest, drawn: Distributions) -> Limit:
    values = drawn.get((rule.metric, rule.window))
    n = len(known_series(rule.metric, backtest))
    if values is None:
        needed = max(LEAST_SESSIONS, rule.window)
        return _nothing(rule, f"the backtest has {n} sessions with a value, {needed} are needed")
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return _nothing(rule, f"{rule.metric} of the backtest does not vary")
    chance = 1.0 - rule.limit if rule.metric in BAD_ABOVE else rule.limit
    median, quantile = (float(q) for q in np.quantile(values, [0.5, chance]))
    # The backtest's own mean is uncertain as well: a window of w sessions against one of n has
    # the variance 1/w + 1/n, not 1/w.
    value = median + (quantile - median) * math.sqrt(1.0 + rule.window / n)
    if rule.metric in ("drawdown_current", "drawdown_maximum"):
        value = max(value, -1.0)
    return _limit(rule, value, value + rule.hysteresis * (median - value))


def _distributions(
    rules: Sequence[Rule], backtest: Backtest | None, rng: np.random.Generator, n_resamples: int
) -> Distributions:
    """Draw each series once, as long as its longest window, and take every metric from it."""
    drawn: Distributions = {}
    if backtest is None:
        return drawn
    wanted: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.kind == "statistical":
            source = "net" if rule.metric in OF_RETURNS else str(rule.metric)
            wanted.setdefault(source, []).append(rule)
    for source in sorted(wanted):
        series = known_series(source, backtest)
        few = len(series) < LEAST_SESSIONS
        windows = sorted({r.window for r in wanted[source] if r.window <= len(series)})
        if few or not windows:
            continue
        overlap = backtest.horizon if source == "information_coefficient" else 1
        block = _block(series, overlap)
        sample = _draw(series, block, (n_resamples, windows[-1]), rng)
        drawn.update(window_metrics(sample, windows, {r.metric for r in wanted[source]}))
    return drawn


def _block(series: Floats, overlap: int) -> int:
    """Length of blocks; values that overlap need blocks that hold several overlaps."""
    n = len(series)
    best = optimal_block_length(series).circular
    least = max(math.ceil(math.cbrt(n)), 3 * overlap if overlap > 1 else 1)
    return min(max(least, 0 if math.isnan(best) else math.ceil(best)), n // LEAST_BLOCKS)


def _draw(series: Floats, block: int, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Circular blocks (Politis & Romano 1992), only as many as the longest window needs."""
    n_resamples, length = shape
    blocks = np.lib.stride_tricks.sliding_window_view(
        np.concatenate([series, series[: block - 1]]), block
    )
    starts = rng.integers(0, len(series), size=(n_resamples, -(-length // block)))
    drawn: Floats = blocks[starts].reshape(n_resamples, -1)[:, :length]
    return drawn


def _limit(rule: Rule, value: float, clear: float) -> Limit:
    return Limit(rule.name, rule.metric, rule.window, rule.tier, value, clear)


def _nothing(rule: Rule, reason: str) -> Limit:
    nan = math.nan
    return Limit(rule.name, rule.metric, rule.window, rule.tier, nan, nan, "NOT_COMPUTABLE", reason)
