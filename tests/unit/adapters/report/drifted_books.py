"""Books with drift, made from seeded features that have memory and move where a test wants it.

Distances are exact; p-values come from drift-free histories of the same process, so what is drawn
is what a scan could give.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from shadowbook.core.drift.distributions import ks_two_sample
from shadowbook.core.drift.found import (
    Attributions,
    AttributionShift,
    ColumnDrift,
    DriftBook,
    FalseAlarms,
    QuadrantPoint,
    RetrainRequest,
    ScanPath,
    StreamReading,
)
from shadowbook.core.drift.overlays import overlay
from shadowbook.core.drift.policy import DriftPolicy
from shadowbook.core.drift.quadrant import overridden, quadrant

AS_OF = datetime(2026, 9, 18, 20, 15, tzinfo=UTC)
FIRST = np.datetime64("2025-10-01")
REFERENCE = (np.datetime64("2020-09-01").astype(object), np.datetime64("2025-09-02").astype(object))
FEATURES = (
    "momentum_21",
    "momentum_63",
    "momentum_252_21",
    "reversal_1",
    "reversal_5",
    "volatility_21",
    "volatility_63",
    "volatility_ratio_21_126",
    "drawdown_252",
    "distance_average_200",
    "skewness_63",
    "beta_126",
    "correlation_126",
    "residual_momentum_126",
    "zero_return_share_63",
    "turn_of_month",
    "rank_reversal_5",
    "rank_momentum_126",
    "rank_momentum_252_21",
    "rank_volatility_63",
    "dollar_volume_z_63",
    "illiquidity_21",
)
WINDOWS = (21, 63)
SYMBOLS, LONG, RATE = 4, 1260, DriftPolicy().false_discovery_rate
EDGES = np.linspace(-1.2, 1.2, 9)


def weekdays(n, first=FIRST):
    return np.busday_offset(first, np.arange(n), roll="forward").astype("datetime64[D]")


def history(rng, n, k):
    """(n, SYMBOLS, k) of an AR(1) with variance 1."""
    values = rng.normal(size=(n, SYMBOLS, k))
    for t in range(1, n):
        values[t] = 0.9 * values[t - 1] + np.sqrt(1.0 - 0.81) * values[t]
    return values


def psi_path(shares, values, window):
    """(T - window + 1, k) of trailing windows; infinite nowhere: an empty cell counts a half."""
    cells = np.stack([np.digitize(values, EDGES) == b for b in range(len(EDGES) + 1)])
    counts = np.cumsum(cells.sum(axis=2), axis=1)
    counts = np.concatenate([np.zeros_like(counts[:, :1]), counts], axis=1)
    inside = counts[:, window:] - counts[:, :-window]
    now = np.where(inside == 0, 0.5, inside) / (window * SYMBOLS)
    return ((now - shares[:, None]) * np.log(now / shares[:, None])).sum(axis=0)


def adjusted_of(p):
    """Benjamini and Hochberg's adjusted p-values of (K,)."""
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    out = np.empty_like(p)
    out[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return out


def drifted_book(seed=1, strategy="weekly", n=250, moved=4, moves=1.6, tier=2, features=FEATURES):
    """A book of ``n`` scans; the first ``moved`` features move away from two thirds on."""
    rng = np.random.default_rng(seed)
    columns = (*features, "prediction", "label")
    k, lead = len(columns), WINDOWS[-1] - 1
    reference = history(rng, LONG, k)
    current = history(rng, n + lead, k)
    begin = lead + 2 * n // 3
    ramp = np.clip((np.arange(n + lead) - begin) / 20.0, 0.0, 1.0)
    current[:, :, :moved] += moves * ramp[:, None, None] / (1.0 + 0.3 * np.arange(moved))
    shares = np.stack([(np.digitize(reference, EDGES) == b) for b in range(len(EDGES) + 1)])
    shares = np.maximum(shares.mean(axis=(1, 2)), 1e-3)
    null = history(rng, 2 * LONG, 6)
    psi, p, nulls = {}, {}, {}
    for window in WINDOWS:
        path = psi_path(shares, current[lead - window + 1 :], window)[-n:]
        nulls[window] = np.sort(psi_path(shares.mean(axis=1, keepdims=True), null, window).ravel())
        above = len(nulls[window]) - np.searchsorted(nulls[window], path)
        psi[window], p[window] = path, (1.0 + above) / (1.0 + len(nulls[window]))
    both = np.concatenate([p[window] for window in WINDOWS], axis=1)
    both[:8] = np.nan  # the version's first scans
    adjusted = np.array([adjusted_of(row) for row in both])
    drifted = (adjusted <= RATE).reshape(n, len(WINDOWS), k).any(axis=1)
    smallest = adjusted.min(axis=1)
    alarm = np.where(np.isnan(smallest), -1, drifted.any(axis=1)).astype(np.int8)
    sessions = weekdays(n)
    path = ScanPath(
        sessions,
        columns,
        both.reshape(n, len(WINDOWS), k).min(axis=1),
        psi[WINDOWS[0]],
        drifted,
        smallest,
        alarm,
    )
    now = adjusted[-1].reshape(len(WINDOWS), k)
    today = tuple(
        column_of(columns[j], window, reference[:, :, j], current[-window:, :, j], numbers)
        for j in range(k)
        for at, window in enumerate(WINDOWS)
        for numbers in [(psi[window][-1, j], p[window][-1, j], nulls[window], now[at, j])]
    )
    points = points_of(rng, sessions, smallest, tier)
    worst = [row for row in sorted(today, key=lambda r: r.adjusted) if row.window == 63][:6]
    return DriftBook(
        strategy,
        "champion",
        7,
        REFERENCE,
        today,
        path,
        FalseAlarms(0.31, 0.46, 0.74, 5.0, (0.01, 1.42)),
        tuple(
            overlay(row.column, 63, reference[:, :, j], current[-63:, :, j])
            for row in worst
            for j in [columns.index(row.column)]
        ),
        attributions_of(rng, features),
        streams_of(rng, weekdays(120, np.datetime64("2024-01-02"))),
        points,
        quadrant(bool(drifted[-1].any()), tier >= 2),
        "statistical",
    )  # fmt: skip


def column_of(name, window, reference, current, numbers):
    psi, p, null, adjusted = numbers
    found = ks_two_sample(reference.ravel(), current.ravel())
    kind = name if name in ("prediction", "label") else "feature"
    return ColumnDrift(
        name, kind, window, current.size, float(psi), found.statistic, 0.0, float(p), 1.0,
        float(np.quantile(null, 0.95)), 0.31 if window == 21 else 0.19, found.p_value,
        float(adjusted), bool(adjusted <= RATE),
    )  # fmt: skip


def points_of(rng, sessions, adjusted, tier):
    """Results that get worse by and by: quiet, then watch, then the tier at the end."""
    n = len(sessions)
    worst = np.clip(np.arange(n) / n * 1.6 - 0.7, 0.0, 1.0) * tier + rng.normal(0.0, 0.12, n)
    tiers = np.clip(np.round(worst), 0, 3).astype(int)
    tiers[-5:] = tier
    points = []
    for at, session in enumerate(sessions):
        value = float(adjusted[at])
        known = np.isfinite(value)
        points.append(
            QuadrantPoint(
                session.astype(object),
                value,
                int(tiers[at]),
                bool(value <= RATE) if known else None,
                bool(tiers[at] >= 2),
            )
        )
    return tuple(points)


def attributions_of(rng, features):
    then = np.sort(rng.gamma(1.2, 0.0018, len(features)))[::-1]
    now = then * rng.lognormal(0.0, 0.12, len(features))
    now[2], now[9 % len(now)] = then[2] * 0.35, then[9 % len(now)] * 2.8
    means = rng.normal(0.0, 0.15, (2, len(features))) * then
    ranks = [np.argsort(np.argsort(-one)) + 1 for one in (then, now)]
    rows = []
    for j, feature in enumerate(features):
        error = 0.16 * then[j] + 0.00008
        low, high = now[j] - then[j] - 1.96 * error, now[j] - then[j] + 1.96 * error
        step, wide = means[1][j] - means[0][j], 2.0 * error
        rows.append(
            AttributionShift(
                feature, float(means[0][j]), float(means[1][j]), (step - wide, step + wide),
                float(then[j]), float(now[j]), (low, high), int(ranks[0][j]), int(ranks[1][j]),
                float(min(1.0, np.exp(-abs(now[j] - then[j]) / error))),
                bool(abs(now[j] - then[j]) > 2.9 * error),
            )
        )  # fmt: skip
    return Attributions(tuple(rows), 0.934, 0.951, 252, 63)


def streams_of(rng, matured):
    n = len(matured)
    matured = weekdays(n * 5, matured[0])[::5]
    wrong = (rng.random(n) < np.where(np.arange(n) < 0.8 * n, 0.47, 0.66)).astype(float)
    scaled = np.clip(rng.beta(4.0, 6.0, n) + np.where(np.arange(n) < 0.8 * n, 0.0, 0.12), 0.0, 1.0)
    wrong[[5, 31]] = scaled[[5, 31]] = np.nan
    ddm = ("direction_error", "DDM")
    adwin = ("scaled_error", "ADWIN")
    late = n - n // 12
    return (
        StreamReading(
            *ddm, "paper", {"warm_up": 30, "warning": 2.0, "drift": 3.0}, matured, wrong,
            (38, late - 9), (36, 37, late - 11, late - 10), 2, np.nan, 61.0,
        ),
        StreamReading(
            *ddm, "calibrated", {"warm_up": 30, "warning": 3.1, "drift": 4.4}, matured, wrong,
            (late,), (late - 3, late - 2, late - 1), 2, 500.0, 512.0,
        ),
        StreamReading(
            *adwin, "paper", {"delta": 0.002}, matured, scaled, (late - 2,), (), 2, np.nan, 2480.0
        ),
        StreamReading(
            *adwin, "calibrated", {"delta": 0.011}, matured, scaled, (late - 4,), (), 2, 500.0,
            547.0,
        ),
    )  # fmt: skip


def wanted(book):
    """The same book, asking for a retraining by its incident."""
    since = book.points[-12].session
    evidence = {
        "columns": ["momentum_21", "momentum_63"],
        "adjusted": 0.0004,
        "tier": "warning",
        "sessions_in_alarm": 12,
        "model_version": 7,
    }
    request = RetrainRequest(f"drift/{book.strategy}/{since}", book.strategy, AS_OF, evidence)
    return replace(book, incident=since, request=request)


def faulty(book, verdict="technical"):
    """The same book with a fault that overrides its quadrant."""
    return replace(book, verdict=verdict, quadrant=overridden(book.quadrant))


def ticketed(book):
    """The same book after decay that nothing monitored explains."""
    return replace(
        book,
        quadrant=quadrant(False, True),
        ticket=(
            "illiquidity_21: no volume in the source's files",
            "index level: no column of the scan holds it",
            "execution: spreads of 3 symbols are not recorded",
        ),
    )


def without_profile(strategy="monthly"):
    """A book whose version was trained before profiles were kept."""
    return DriftBook(
        strategy, "champion", 3, None, (), None, None, (), None, (), (), quadrant(None, False),
        notes=(f"Version 3 of {strategy} has no drift profile.",),
    )  # fmt: skip


def cells_of(page, name):
    """Cells of the first row of a table that has this name."""
    row = re.search(rf">{re.escape(name)}</th>(.*?)</tr>", page)[1]
    return re.findall(r"<td[^>]*>([^<]*)</td>", row)
