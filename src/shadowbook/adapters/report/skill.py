"""Figure: how well the chosen candidate ranked, over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shadowbook.adapters.canvas import days
from shadowbook.adapters.report.html import Figure, Key, Table
from shadowbook.adapters.report.svg import BOTTOM, LEFT, RIGHT, TOP, WIDTH, Drawing, Scale
from shadowbook.adapters.report.ticks import round_ticks
from shadowbook.adapters.report.words import TWO, counted, distance, signed, with_error
from shadowbook.core.stats.averages import rolling_mean, rolling_mean_error
from shadowbook.core.stats.hac import bandwidth, mean_standard_error, small_sample_factor
from shadowbook.core.values import Floats, Sessions

IDENT, TITLE, HEIGHT = "skill", "Did its ranking help, and when?", 230.0


def skill_figure(
    name: str,
    metric: Mapping[str, Any],
    sessions: Sessions,
    coefficients: Floats,
    fold_starts: Sessions,
    *,
    window: int,
    horizon: int,
) -> Figure:
    """Draw the rolling information coefficient with its pointwise 95 % interval.

    Parameters
    ----------
    name : the candidate.
    metric : its recorded information coefficient: value, standard_error, status, reason.
    sessions : (S,) tested sessions.
    coefficients : (S,) of each session; NaN = not computable.
    fold_starts : first session of each test window.
    window : sessions in the mean; less where there are not three times as many.
    horizon : sessions an outcome spans.
    """
    window = max(min(window, len(sessions) // 3), 1)
    mean = rolling_mean(coefficients, window)
    reach = TWO * rolling_mean_error(coefficients, window, horizon)
    seen = np.flatnonzero(np.isfinite(mean) & np.isfinite(reach))
    if not len(seen):
        told = metric["reason"] or f"no window of {window} sessions is at least half filled"
        return Figure(IDENT, TITLE, f"Not computable: {told}.")
    says = (
        f"Each point is the mean of the last {window} sessions' rank correlation (Spearman) "
        f"between {name}'s scores and the returns over the next {counted(horizon, 'session')}: "
        "0 is no skill, 1 a perfect order. Where the shaded 95 % interval lies wholly above the "
        "zero line, the ranking helped."
    )
    return Figure(
        IDENT,
        TITLE,
        says,
        _doubt(metric, mean[seen], reach[seen], window),
        (_drawing(days(sessions), mean, reach, metric["value"], days(fold_starts)),),
        (
            Key("line c0", f"mean of {window} sessions"),
            Key("band", "pointwise 95 % interval", "box"),
            Key("line mean", "mean of all sessions"),
            Key("boundary", "a test window begins"),
        ),
        _fold_table(sessions, coefficients, fold_starts, horizon),
    )


def _doubt(metric: Mapping[str, Any], mean: Floats, reach: Floats, window: int) -> str:
    above, below = (mean - reach > 0.0).mean(), (mean + reach < 0.0).mean()
    away = distance(metric)
    overall = f"Over all sessions it is {with_error(metric, '.4f')}"
    if away is not None:
        overall += f", {signed(away, '.1f')} standard errors from zero"
    return (
        f"{overall}. The interval is wholly above zero in {above:.0%} of the windows and wholly "
        f"below in {below:.0%}; windows a session apart share {window - 1} of their {window} "
        "sessions, so these are not separate tests, and the interval takes the spread to be the "
        "same throughout."
    )


def _drawing(x: Floats, mean: Floats, reach: Floats, whole: float, starts: Floats) -> Drawing:
    seen = np.flatnonzero(np.isfinite(mean))
    low = min(float(np.nanmin(mean - reach)), 0.0)
    high = max(float(np.nanmax(mean + reach)), 0.0)
    room = 0.04 * (high - low)
    across = Scale(x[seen[0]], max(x[seen[-1]], x[seen[0]] + 1.0), LEFT, WIDTH - RIGHT)
    up = Scale(low - room, high + room, HEIGHT - BOTTOM, TOP)
    drawing = Drawing(
        IDENT,
        HEIGHT,
        "Information coefficient over time",
        f"Rolling mean between {signed(float(np.nanmin(mean)), '.3f')} and "
        f"{signed(float(np.nanmax(mean)), '.3f')}, last {signed(float(mean[seen[-1]]), '.3f')}.",
    )
    drawing.value_axis(up, round_ticks(up.low, up.high, 6))
    drawing.band(across(x), up(mean - reach), up(mean + reach), "band")
    for start in across(starts[(starts > across.low) & (starts < across.high)]):
        drawing.segment((float(start), TOP), (float(start), HEIGHT - BOTTOM), "boundary")
    zero = up.at(0.0)
    drawing.segment((LEFT, zero), (WIDTH - RIGHT, zero), "axis strong")
    level = up.at(whole)
    drawing.segment((LEFT, level), (WIDTH - RIGHT, level), "line mean")
    drawing.line(across(x), up(mean), "line c0")
    drawing.date_axis(across, HEIGHT - BOTTOM)
    return drawing


def _fold_table(
    sessions: Sessions, coefficients: Floats, fold_starts: Sessions, horizon: int
) -> Table:
    rows = []
    borders = np.searchsorted(sessions, fold_starts)
    for fold, part in enumerate(np.split(np.arange(len(sessions)), borders[1:])):
        values = coefficients[part][np.isfinite(coefficients[part])]
        above = f"{(values > 0.0).mean():.0%}" if len(values) else "not computable"
        days_of = (str(sessions[part[0]]), str(sessions[part[-1]]))
        rows.append((str(fold), *days_of, _mean(values, horizon), above))
    return Table(
        ("fold", "from", "to", "mean ± error", "sessions above 0"),
        tuple(rows),
        caption="Information coefficient of each test window",
    )


def _mean(values: Floats, horizon: int) -> str:
    n = len(values)
    if n < max(3 * horizon, 21):
        return "not computable"
    lags = bandwidth(n, horizon)
    error = mean_standard_error(values, lags) * small_sample_factor(n, lags)
    return f"{signed(float(values.mean()), '.4f')} ± {error:.4f}"
