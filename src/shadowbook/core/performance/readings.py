"""Every metric over every trailing window, at a book's last session.

A window counts known values: sessions without one (a label that has not matured, a book's first
session) are left out, so the newest window is that of the newest session that has a value. All
windows come from one pass over the reversed tail. Sums start at the newest value and are centered
on it, so that nothing older than a window enters it; a constant window is exactly constant.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.performance.monitored import Reading
from shadowbook.core.performance.tiers import METRICS
from shadowbook.core.stats.hac import bandwidth, mean_standard_error
from shadowbook.core.stats.sharpe import sharpe_standard_error
from shadowbook.core.track import LiveRecord
from shadowbook.core.values import Floats

Values = Mapping[tuple[str, int], float]
"""(metric, window) -> value a session; NaN = not computable."""

CONSTANT = 1e-12
"""Returns whose deviation is at most this share of their mean do not vary."""

OF_RETURNS = METRICS[:1] + METRICS[2:7]
"""Metrics that are taken from net returns."""

_SPARE = 64
"""Rows that are looked at beyond the longest window before the whole record is searched."""


def tail_values(record: LiveRecord, windows: Sequence[int]) -> dict[tuple[str, int], float]:
    """Every metric over every window at the last session; NaN where too few values are known.

    Parameters
    ----------
    record : of one book.
    windows : trailing sessions, each at least 2.

    Returns
    -------
    (metric, window) -> value a session, not annualized. ``cost`` and ``turnover`` are means a
    session (a cost is above 0), drawdowns are at most 0, their length counts sessions.
    """
    ordered = sorted(set(windows))
    longest = ordered[-1]
    values: dict[tuple[str, int], float] = {}
    for names, series in _series_of(record):
        known = _newest(series, longest)
        there = [window for window in ordered if window <= len(known)]
        found = window_metrics(known[None, :], there, names) if there else {}
        for name in names:
            for window in ordered:
                value = found.get((name, window))
                values[name, window] = math.nan if value is None else float(value[0])
    return values


def tail_readings(
    record: LiveRecord, windows: Sequence[int], overlap: int = 1
) -> tuple[Reading, ...]:
    """Every metric over every window at the last session, with its standard error.

    Parameters
    ----------
    record, windows : as in `tail_values`.
    overlap : sessions one information coefficient spans (the horizon of the labels).

    Returns
    -------
    A reading a metric and window, metrics in order of ``METRICS``. Standard errors: of the Sharpe
    ratio by Lo (2002) with skewness and kurtosis (Mertens 2002), of the information coefficient
    by Newey & West over the overlap, of the hit rate binomial; means and the volatility of
    independent sessions; NaN for drawdowns, which have none of their own.
    """
    values = tail_values(record, windows)
    ordered = sorted(set(windows))
    readings = {}
    for names, series in _series_of(record):
        known = _newest(series, ordered[-1])
        for window in ordered:
            tail = known[-window:]
            errors = _standard_errors(names, tail, overlap) if len(tail) == window else {}
            for name in names:
                value = values[name, window]
                readings[name, window] = Reading(
                    metric=name,
                    window=window,
                    value=value,
                    standard_error=errors.get(name, math.nan),
                    n_obs=len(tail),
                    status="NOT_COMPUTABLE" if math.isnan(value) else "OK",
                    reason=_why_not(value, len(tail), window),
                )
    return tuple(readings[name, window] for name in METRICS for window in ordered)


def values_of(readings: Iterable[Reading]) -> dict[tuple[str, int], float]:
    """Return the readings' values alone, as the state machine of the alerts wants them."""
    return {(reading.metric, reading.window): reading.value for reading in readings}


def window_metrics(
    series: Floats, windows: Sequence[int], names: Iterable[str]
) -> dict[tuple[str, int], Floats]:
    """Metrics over the last rows of many series at once.

    Parameters
    ----------
    series : (R, L) without NaN, oldest first: R series of net returns, or of what is averaged.
    windows : each from 2 to L.
    names : metrics wanted; those that are not taken from returns are means.

    Returns
    -------
    (metric, window) -> (R,); NaN for the Sharpe ratio of a constant window.

    >>> found = window_metrics(np.array([[0.5, -0.5, 0.0]]), [2], ["hit_rate", "drawdown_current"])
    >>> {name: float(value[0]) for (name, _), value in found.items()}
    {'hit_rate': 0.0, 'drawdown_current': -0.5}
    """
    wanted = set(names)
    newest_first = series[:, ::-1][:, : max(windows)]
    ordered = np.array(sorted(set(windows)))
    columns: dict[str, Floats] = {}
    if wanted - set(OF_RETURNS):
        mean = _sums(newest_first, ordered) / ordered
        columns.update(dict.fromkeys(sorted(wanted - set(OF_RETURNS)), mean))
    if wanted & {"sharpe", "volatility"}:
        columns.update(_ratios(newest_first, ordered))
    if "hit_rate" in wanted:
        columns["hit_rate"] = _sums((newest_first > 0.0).astype(np.float64), ordered) / ordered
    if any(name.startswith("drawdown") for name in wanted):
        columns.update(_drawdowns(newest_first, ordered, wanted))
    return {
        (name, window): columns[name][:, k]
        for name in METRICS
        if name in wanted
        for k, window in enumerate(ordered.tolist())
    }


def _sums(values: Floats, windows: NDArray[np.int64]) -> Floats:
    """Sum of the first ``window`` columns for each of the ascending windows; (R, K)."""
    starts = np.concatenate([[0], windows[:-1]])
    sums: Floats = np.cumsum(np.add.reduceat(values, starts, axis=1), axis=1)
    return sums


def _ratios(newest_first: Floats, windows: NDArray[np.int64]) -> dict[str, Floats]:
    center = newest_first[:, :1]
    deviations = newest_first - center
    means = _sums(deviations, windows) / windows
    squares = _sums(deviations * deviations, windows) - windows * means * means
    volatility = np.sqrt(np.maximum(squares, 0.0) / (windows - 1.0))
    means = means + center
    varies = volatility > CONSTANT * np.abs(means)
    ratios = np.divide(means, volatility, out=np.full(means.shape, np.nan), where=varies)
    return {"sharpe": ratios, "volatility": volatility}


def _drawdowns(
    newest_first: Floats, windows: NDArray[np.int64], wanted: set[str]
) -> dict[str, Floats]:
    """Fall from the highest value of each window, its start among them."""
    # value now over the value k sessions ago, for k = 0, 1, ...: low where the value was high
    growth = np.ones((newest_first.shape[0], newest_first.shape[1] + 1))
    np.cumprod(np.maximum(1.0 + newest_first, 0.0), axis=1, out=growth[:, 1:])
    starts = np.concatenate([[0], windows[:-1] + 1])
    lowest = np.minimum.accumulate(np.minimum.reduceat(growth, starts, axis=1), axis=1)
    found = {"drawdown_current": lowest - 1.0}
    if "drawdown_maximum" in wanted:
        falls = growth / np.maximum.accumulate(growth, axis=1)
        deepest = np.minimum.accumulate(np.minimum.reduceat(falls, starts, axis=1), axis=1)
        found["drawdown_maximum"] = deepest - 1.0
    if "drawdown_length" in wanted:
        lengths = [_since_peak(newest_first[:, :w], growth[:, : w + 1]) for w in windows]
        found["drawdown_length"] = np.stack(lengths, axis=1)
    return found


def _since_peak(newest_first: Floats, growth: Floats) -> Floats:
    since: Floats = growth.argmin(axis=1).astype(np.float64)
    for row in np.flatnonzero(growth[:, -1] <= 0.0):  # all was lost: only forward can one tell
        curve = np.cumprod(np.maximum(1.0 + newest_first[row, ::-1], 0.0))
        since[row] = np.argmax(np.append(1.0, curve)[::-1])
    return since


def _series_of(record: LiveRecord) -> tuple[tuple[tuple[str, ...], Floats], ...]:
    return (
        (OF_RETURNS, record.net),
        (("information_coefficient",), record.information_coefficient),
        (("turnover",), record.turnover),
        (("cost",), -record.cost),
    )


def _newest(series: Floats, n: int) -> Floats:
    """Return the newest ``n`` known values, or all there are."""
    tail = series[-(n + _SPARE) :]
    known: Floats = tail[np.isfinite(tail)]
    if len(known) < n and len(tail) < len(series):
        known = series[np.isfinite(series)]
    return known[-n:]


def _standard_errors(names: tuple[str, ...], tail: Floats, overlap: int) -> dict[str, float]:
    n = len(tail)
    if names == ("information_coefficient",):
        return {names[0]: mean_standard_error(tail, bandwidth(n, overlap))}
    if names != OF_RETURNS:
        return {names[0]: float(tail.std(ddof=1)) / math.sqrt(n)}
    hits = float((tail > 0.0).mean())
    found = {"hit_rate": math.sqrt(hits * (1.0 - hits) / n)}
    mean, deviation = float(tail.mean()), float(tail.std())
    if deviation <= CONSTANT * abs(mean):
        return found
    standard = (tail - mean) / deviation
    ratio = mean / deviation * math.sqrt((n - 1) / n)
    skew, kurtosis = float((standard**3).mean()), float((standard**4).mean())
    return found | {
        "sharpe": sharpe_standard_error(ratio, n, skew, kurtosis, ddof=0),
        "volatility": 0.5 * deviation * math.sqrt(max(kurtosis - 1.0, 0.0) / n),
    }


def _why_not(value: float, known: int, window: int) -> str:
    if not math.isnan(value):
        return ""
    if known < window:
        return f"{known} sessions have a value, {window} are needed"
    return f"the returns of the last {window} sessions do not vary"
