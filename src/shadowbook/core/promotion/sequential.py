"""Confidence sequences: bounds that hold at every look together, so that looking costs nothing.

A fixed test at 5 % that is looked at every day is wrong far more often than one time in twenty. A
confidence sequence pays for all looks beforehand: the chance that its bound is *ever* on the wrong
side of the true mean is at most alpha, whenever one stops and for whatever reason.

No running intersection. A bound says what the data up to its look say. The largest lower bound so
far (``numpy.fmax.accumulate``) has the same error, since "ever above the truth" is one event; but
it never forgives an early bound that an estimated variance made too narrow, the two sides may
cross, and evidence of a year ago would stand although the books have changed. A decision that is
taken at the first crossing and kept is covered either way.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.promotion.running_moments import RunningMoments, running_moments
from shadowbook.core.values import Floats

Side = Literal["lower", "upper", "two-sided"]

START = 21
"""First look, in values: the variance rests on as many."""

SHORTEST_START = 5
"""Fewer values say nothing of a long-run variance; from five on the simulated error holds."""

FEWEST_DEGREES = 3.0
"""Degrees of freedom that a variance is granted however few the values and strong the memory."""

MIXTURE_SESSIONS = 30.0
"""1 / rho^2 of the normal mixture. From 63 to 252 looks after the 21st the boundary is within
3.1 % of the lowest that any mixture has at that look (0.2 % at a year). Below 30, early looks on
few values take so much of the error that autocorrelation of 0.3 and skewness spend more than it."""


class ConfidenceSequence(NamedTuple):
    """Bounds of a mean at each look.

    Attributes
    ----------
    lower, upper : (T,), in the unit of the differences; NaN before the first look and, for a
        one-sided sequence, on the side that was not asked for.
    """

    lower: Floats
    upper: Floats


def mixture_boundary(looks: Floats, alpha: float) -> Floats:
    """Return the boundary of a standardized sum, S_t / sqrt(t), one-sided, at all looks together.

    sqrt((1 + 1 / a) 2 log(1 + sqrt(1 + a) / (2 alpha))) with a = t rho^2: Robbins' (1970) normal
    mixture, one-sided, of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024, appendix on
    one-sided asymptotic confidence sequences).

    Parameters
    ----------
    looks : (T,) t, values seen so far, at least 1.
    alpha : error over all looks, above 0 and below 1.

    >>> mixture_boundary(np.array([21.0, 84.0, 252.0]), 0.05).round(3)
    array([3.582, 2.863, 2.781])
    """
    a = looks / MIXTURE_SESSIONS
    found: Floats = np.sqrt((1.0 + 1.0 / a) * 2.0 * np.log1p(np.sqrt(1.0 + a) / (2.0 * alpha)))
    return found


def student_boundary(boundary: Floats, freedom: Floats) -> Floats:
    """Return the boundary for a sum that is standardized by its own estimated deviation.

    The value that Student's t exceeds as rarely as a normal one exceeds `boundary`, by Wallace's
    (1959) approximation turned around: sqrt(v (exp(u^2 / v) - 1)), u = boundary (8 v + 3) /
    (8 v + 1). From 10 degrees of freedom on it is at most 1 % too wide for boundaries up to 4.5,
    and below it is wider still.

    Parameters
    ----------
    boundary : (..., T) of a normal sum, `mixture_boundary`.
    freedom : (..., T) v, degrees of freedom, above 0.

    >>> student_boundary(np.array([3.582, 2.781]), np.array([20.0, 251.0])).round(3)
    array([4.313, 2.805])
    """
    u = boundary * (8.0 * freedom + 3.0) / (8.0 * freedom + 1.0)
    found: Floats = np.sqrt(freedom * np.expm1(u * u / freedom))
    return found


def freedom_of(moments: RunningMoments, looks: Floats) -> Floats:
    """Return the degrees of freedom that an estimated long-run variance is worth.

    t / V^2 - 1, three at least, where V is the long-run variance over the plain one. Without
    autocorrelation that is t - 1. With it, the coefficient's own error counts: by the delta method
    an AR(1)'s long-run variance is worth t (1 - r^2) / (3 + r^2) degrees, which is t / V^2 at 0.3.

    Parameters
    ----------
    moments : of the looks; NaN stays NaN.
    looks : (T,) t.
    """
    ratio = moments.long_run_variance / moments.variance
    found: Floats = np.maximum(looks / ratio**2 - 1.0, FEWEST_DEGREES)
    return found


def lower_bounds(differences: Floats, alpha: float, start: int = START) -> Floats:
    """Return the lower bound of the mean at every look, for one history or many at once.

    mean - width sqrt(long-run variance / t); the width is `mixture_boundary`, stretched for the
    estimated variance (`student_boundary`, `freedom_of`), and, where the values
    are skewed to the left, the first term of the studentized mean's Edgeworth expansion on top,
    |skewness| (2 q^2 + 1) / (6 sqrt(t)) (Johnson 1978; Hall 1992): rare losses that have not come
    yet make a mean look better than it is. Skewness to the right would narrow the bound; it is
    left out, because on few values it is mostly noise.

    Parameters
    ----------
    differences : (T,) or (n, T), time last, without NaN.
    alpha, start : as in `confidence_sequence`.

    Returns
    -------
    Bounds of the same shape; NaN before `start` and while the values do not vary.
    """
    found = np.full(differences.shape, np.nan)
    if differences.shape[-1] < start:
        return found
    t = np.arange(float(start), differences.shape[-1] + 1.0)
    every = running_moments(differences, start)
    moments = RunningMoments(*(part[..., start - 1 :] for part in every))
    width = student_boundary(mixture_boundary(t, alpha), freedom_of(moments, t))
    skewed = np.maximum(-moments.skewness, 0.0) * (2.0 * width**2 + 1.0) / (6.0 * np.sqrt(t))
    error = np.sqrt(moments.long_run_variance / t)
    found[..., start - 1 :] = moments.mean - (width + skewed) * error
    return found


def confidence_sequence(
    differences: Floats, alpha: float = 0.05, start: int = START, side: Side = "lower"
) -> ConfidenceSequence:
    """Return bounds of the mean of a series that hold at all looks together.

    The chance that a bound is ever on the wrong side of the mean is about `alpha` at most, however
    long one looks. That is asymptotic, so it is checked by simulation
    (benchmarks/promotion_sequential.py). The variance is the long-run one of `running_moments`, so
    autocorrelation widens the bounds.

    Parameters
    ----------
    differences : (T,) in time order, such as `volatility_matched_differences`. NaN = missing: such
        a session is no look, and the bounds stay as they were.
    alpha : error of all looks together; with ``two-sided`` each side has half of it.
    start : known values before the first bound. The `start`-th known value has one.
    side : ``lower``, ``upper`` or ``two-sided``.

    Returns
    -------
    `ConfidenceSequence`; NaN before the `start`-th known value, while the values do not vary (a
    constant difference has no error to bound), and on the side not asked for. Bounds at t never
    change when later values come.

    Raises
    ------
    ValueError : an infinite or two-dimensional series, `alpha` outside (0, 1), `start` below 5,
        another `side`.

    >>> found = confidence_sequence(np.tile([1.0, 2.0, 3.0, 2.0], 63))
    >>> found.lower[[19, 20, 251]].round(2), found.upper[251]
    (array([ nan, 1.26, 1.87]), np.float64(nan))
    """
    if differences.ndim != 1 or np.isinf(differences).any():
        raise ValueError("differences must be one series without infinite values")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha of {alpha} is not between 0 and 1")
    if start < SHORTEST_START:
        raise ValueError(f"a start of {start} is below {SHORTEST_START} values")
    if side not in ("lower", "upper", "two-sided"):
        raise ValueError(f"side {side!r} is not lower, upper or two-sided")
    each = alpha / 2.0 if side == "two-sided" else alpha
    known = ~np.isnan(differences)
    values = differences[known]
    lower = upper = np.full(len(values), np.nan)
    if side != "upper":
        lower = lower_bounds(values, each, start)
    if side != "lower":
        upper = -lower_bounds(-values, each, start)
    newest = np.cumsum(known)
    return ConfidenceSequence(_held(lower, newest), _held(upper, newest))


def _held(bounds: Floats, newest: NDArray[np.int64]) -> Floats:
    """Spread bounds by known value over all sessions; before the first one there is none."""
    return np.concatenate([[np.nan], bounds])[newest]
