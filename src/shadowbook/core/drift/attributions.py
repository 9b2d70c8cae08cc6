"""Whether features do to a model's predictions what they did: SHAP values then and now.

The distribution of a feature can stay put while what the model makes of it moves, since it acts
together with others. So the contributions themselves are compared. Sessions are resampled, not
rows: the names of one session share their news, and neighboring sessions share their features.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from shadowbook.core.drift.found import Attributions, AttributionShift
from shadowbook.core.drift.importances import compare, drawn_means
from shadowbook.core.drift.policy import AttributionShiftPolicy
from shadowbook.core.drift.rankings import ndcg, places
from shadowbook.core.drift.summaries import MINIMUM, AttributionSummary
from shadowbook.core.stats.multiple import benjamini_hochberg
from shadowbook.core.values import Floats


def attribution_shift(
    reference: AttributionSummary,
    current: AttributionSummary,
    names: Sequence[str],
    policy: AttributionShiftPolicy,
    false_discovery_rate: float,
    rng: np.random.Generator,
) -> Attributions:
    """Hold a window's attributions against the reference's.

    A feature's importance is its mean absolute contribution, every session counting the same. Both
    windows are drawn from the reference in circular blocks of whole sessions (Politis & Romano
    1992), as long as its session means ask for (Politis & White 2004, half as long again). The
    draws' deviation is that of the logarithm of the ratio of the two importances when nothing
    changed; the observed one is held against Student's t with as many degrees of freedom as the
    reference has blocks, less one. The draws alone cannot tell of tails: a reference of twenty
    blocks has twenty windows to draw. Where an importance of 0 has no logarithm, the difference
    itself takes its place.

    The intervals are those of the differences, with the same t; the current window's share of the
    deviation is taken as the reference's, times the ratio of importances. The current window is not
    drawn from itself: one that is as short as its memory hardly varies so, and half the intervals
    were too narrow.

    Parameters
    ----------
    reference, current : attributions of one model, explained against the same background.
    names : K features.
    policy : draws.
    false_discovery_rate : among the features called shifted (Benjamini & Hochberg 1995).
    rng : for the draws; each feature has its own child.

    Returns
    -------
    Not computable, with the reason, where a window has fewer than 10 sessions. A feature with
    fewer than 10 sessions' values in a window has NaN for its p-value and intervals and never
    counts; without any value it has the last rank. One that contributes nothing to either window
    has p-value 1. One that never varied in the reference, and does now, has the least p-value
    that draws can tell and intervals of NaN. The gain is NaN where nothing contributed.

    Raises
    ------
    ValueError
        When the summaries are not of the named features, or not of sessions equally far apart.
    """
    n_features = len(names)
    for what, given in (("reference", reference), ("current", current)):
        if given.mean.shape != given.absolute.shape or given.mean.shape[1:] != (n_features,):
            raise ValueError(f"{what} has shape {given.mean.shape}: give (S, {n_features})")
    if reference.step != current.step:
        raise ValueError(
            f"the reference has every {reference.step}th session and the current window every "
            f"{current.step}th: explain both alike"
        )
    sizes = reference.n_sessions, current.n_sessions
    nan = float("nan")
    if not n_features or min(sizes) < MINIMUM:
        reason = (
            f"the reference has {sizes[0]} explained sessions and the current window {sizes[1]}: "
            f"attributions are compared from {MINIMUM} each"
            if n_features
            else "the model has no features: there is nothing to attribute predictions to"
        )
        return Attributions((), nan, nan, *sizes, "NOT_COMPUTABLE", reason)
    children = rng.spawn(n_features + 1)
    compared = [
        compare(_pairs(reference, k), _pairs(current, k), policy.n_resamples, children[k])
        for k in range(n_features)
    ]
    shifted = benjamini_hochberg([one.p_value for one in compared], false_discovery_rate)
    before = np.array([one.before for one in compared])
    after = np.array([one.after for one in compared])
    ranks = np.column_stack([places(before[:, 1]), places(after[:, 1])]).astype(int)
    rows = tuple(
        AttributionShift(
            feature=names[k],
            mean_reference=float(before[k, 0]),
            mean_current=float(after[k, 0]),
            mean_interval=compared[k].mean_interval,
            absolute_reference=float(before[k, 1]),
            absolute_current=float(after[k, 1]),
            absolute_interval=compared[k].absolute_interval,
            rank_reference=int(ranks[k, 0]),
            rank_current=int(ranks[k, 1]),
            p_value=compared[k].p_value,
            shifted=bool(shifted[k]),
        )
        for k in np.lexsort((np.arange(n_features), ranks[:, 0]))
    )
    both = np.isfinite(before[:, 1]) & np.isfinite(after[:, 1])
    gain = float(ndcg(before[both, 1], after[both, 1]))
    block = max(one.block for one in compared)
    least = _least_gain(reference.absolute[:, both], sizes[1], block, policy, children[-1])
    return Attributions(rows, gain, least, *sizes)


def _pairs(window: AttributionSummary, k: int) -> Floats:
    """One feature's signed and absolute session means, (S, 2)."""
    return np.column_stack([window.mean[:, k], window.absolute[:, k]])


def _least_gain(
    importance: Floats,
    n_current: int,
    block: int,
    policy: AttributionShiftPolicy,
    rng: np.random.Generator,
) -> float:
    """Gain that 5 % of windows of the reference fall below."""
    if not importance.size:
        return math.nan
    known = np.isfinite(importance)
    # Values and how many there are in one number; a draw without any has importance 0.
    counted = np.where(known, importance, 0.0) + 1j * known
    draws = [
        drawn_means(counted, length, block, policy.n_resamples, rng)
        for length in (len(importance), n_current)
    ]
    then, now = (one.real / np.where(one.imag > 0.0, one.imag, 1.0) for one in draws)
    gains = ndcg(then, now)
    computable = gains[np.isfinite(gains)]
    return float(np.quantile(computable, 0.05)) if len(computable) else math.nan
