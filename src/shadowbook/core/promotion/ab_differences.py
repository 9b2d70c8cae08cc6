"""Differences between two books over the same sessions, with errors that respect correlation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from shadowbook.core.stats.hac import bandwidth, mean_standard_error, small_sample_factor
from shadowbook.core.values import Floats, Metric, Sessions

MEASURES = ("net", "signal", "execution", "cost", "slippage_bps")
"""What is compared, each a field of `BookSessions`."""

ENOUGH = 63
"""Earlier differences from which their variance is taken: a quarter."""

ROUNDING = 1e-12
"""Two values this close, as a share of the larger, are equal: they differ by rounding."""


@dataclass(frozen=True, eq=False)
class BookSessions:
    """What a book did, session by session; arrays (T,), NaN = there is none.

    Attributes
    ----------
    sessions : trading days, ascending.
    net, signal, execution, cost : simple returns on the book's own equity,
        net = signal + execution + cost. NaN in a book's first session.
    notional : traded, in currency.
    slippage_bps : against arrival, weighted by notional; above 0 is a cost. NaN: nothing filled.
    fill_ratio : share of what was ordered that was filled, 0 to 1. NaN: nothing ordered.
    """

    sessions: Sessions
    net: Floats
    signal: Floats
    execution: Floats
    cost: Floats
    notional: Floats
    slippage_bps: Floats
    fill_ratio: Floats


def paired(ab: BookSessions, champion: BookSessions) -> dict[str, Floats]:
    """Return differences of two books over the first one's sessions, in order of `MEASURES`.

    Returns
    -------
    (T,) arrays, A/B book less champion: NaN where either has no finite value. Beside them
    ``weight``: the A/B book's notional, which its slippage is paid on; NaN or 0 where it traded
    nothing.
    """
    where = np.searchsorted(champion.sessions, ab.sessions)
    inside = np.minimum(where, max(len(champion.sessions) - 1, 0))
    known = np.zeros(len(ab.sessions), dtype=bool)
    if len(champion.sessions):
        known = champion.sessions[inside] == ab.sessions
    found = {}
    for name in MEASURES:
        mine, theirs = getattr(ab, name), np.full(len(ab.sessions), np.nan)
        theirs[known] = getattr(champion, name)[inside[known]]
        there = np.isfinite(mine) & np.isfinite(theirs)
        gap = np.full(len(ab.sessions), np.nan)
        gap[there] = mine[there] - theirs[there]
        scale = np.maximum(np.abs(mine[there]), np.abs(theirs[there]))
        gap[there] = np.where(np.abs(gap[there]) <= ROUNDING * scale, 0.0, gap[there])
        found[name] = gap
    found["weight"] = np.where(np.isfinite(ab.notional), np.abs(ab.notional), np.nan)
    return found


def difference(name: str, values: Floats, weight: Floats | None, earlier: Floats) -> Metric:
    """Average a difference over a step.

    The standard error is the largest of three: as if sessions were independent; Newey and West's,
    stretched for few observations (`core.stats.hac`), which alone is far too small in a step of ten
    sessions; and the same of ``earlier`` differences, brought to as many sessions. So it is rather
    too large than too small.

    Parameters
    ----------
    values : (T,) differences a session; NaN = none.
    weight : (T,) of each; None: all the same. Where it is not above 0 the session is left out.
    earlier : (H,) differences before the step; NaN are left out, fewer than 63 tell nothing.

    Returns
    -------
    Its standard error is NaN with one session, 0 where nothing varies.

    >>> found = difference("net", np.array([0.0, 0.02, 0.0, 0.02]), None, np.empty(0))
    >>> round(found.value, 4), round(found.standard_error, 6), found.n_obs
    (0.01, 0.006139, 4)
    """
    sizes = np.ones_like(values) if weight is None else weight
    there = np.isfinite(values) & np.isfinite(sizes) & (sizes > 0.0)
    n_obs = int(there.sum())
    if n_obs == 0:
        reason = "no session in which both books have a value"
        return Metric(name, math.nan, math.nan, 0, "NOT_COMPUTABLE", reason)
    used, sizes = values[there], sizes[there]
    mean = float(np.sum(sizes * used) / np.sum(sizes))
    if n_obs == 1:
        return Metric(name, mean, math.nan, 1, reason="one session has no standard error")
    # The weighted mean moves by these, one a session; unweighted they are the deviations.
    moves = (used - mean) * sizes / sizes.mean()
    independent = math.sqrt(float(np.sum(moves * moves)) / (n_obs * (n_obs - 1)))
    errors = [independent, _stretched(moves)]
    before = earlier[np.isfinite(earlier)]
    if len(before) >= ENOUGH:
        errors.append(_stretched(before) * math.sqrt(len(before) / n_obs))
    error = max(errors)
    # What is left of equal values is rounding.
    constant = error <= ROUNDING * float(np.abs(used).max())
    return Metric(name, mean, 0.0 if constant else error, n_obs)


def _stretched(values: Floats) -> float:
    lags = bandwidth(len(values))
    return mean_standard_error(values, lags) * small_sample_factor(len(values), lags)
