"""How far one sample lies from another: population stability index and Kolmogorov-Smirnov."""

from __future__ import annotations

import warnings
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shadowbook.core.drift.cells import cells_of
from shadowbook.core.values import Floats

_STRIDE = 32
"""Values of a sample that are passed over in the first look."""

Status = Literal["OK", "NOT_COMPUTABLE"]


class KsResult(NamedTuple):
    """Kolmogorov and Smirnov's distance of two samples.

    Attributes
    ----------
    statistic, p_value : of the finite values; NaN where a sample has none.
    missing_difference : share of values that are not finite, current less reference; it is no part
        of the statistic. NaN for an empty sample.
    status : NOT_COMPUTABLE where a sample has no finite value.
    """

    statistic: float
    p_value: float
    missing_difference: float
    status: Status


def psi_from_proportions(expected: ArrayLike, actual: ArrayLike) -> float:
    """Compute the population stability index of shares: the sum of (a - e) ln(a / e).

    Parameters
    ----------
    expected, actual : (B,) shares by cell, above 0; they need not sum to one.

    Returns
    -------
    At least 0; NaN where a share is missing.

    Raises
    ------
    ValueError
        When shapes differ or a share is not above 0.

    >>> round(psi_from_proportions([0.25, 0.25, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4]), 6)
    0.228217
    """
    e, a = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    if e.ndim != 1 or e.shape != a.shape:
        raise ValueError(f"shares have shapes {e.shape} and {a.shape}: give (B,) for both")
    if (e <= 0.0).any() or (a <= 0.0).any():
        raise ValueError("a share is not above 0: its logarithm would be infinite")
    return float(np.sum((a - e) * np.log(a / e)))


def psi(reference: ArrayLike, current: ArrayLike, n_bins: int = 10) -> float:
    """Compute the population stability index in cells of the reference's quantiles.

    Inner edges are linear quantiles of the reference, outer edges open, cells closed on the left;
    edges that fall on one value merge. A reference of at most ``n_bins`` distinct values has a cell
    for each of them and one for everything else. A cell that a sample leaves empty counts half an
    observation of it.

    Parameters
    ----------
    reference, current : (n,), (m,); values that are not finite are left out.
    n_bins : cells at most.

    Returns
    -------
    At least 0; NaN where a sample has no finite value.

    Raises
    ------
    ValueError
        When a sample is not one series or ``n_bins`` is below 2.

    >>> psi([1.0, 2.0, 2.0, 3.0], [1.0, 2.0, 3.0, 2.0])
    0.0
    >>> psi([1.0, 2.0], [float("nan"), float("inf")])
    nan
    """
    if n_bins < 2:
        raise ValueError(f"n_bins is {n_bins}: at least 2 are needed")
    before, after = ordered(reference), ordered(current)
    if not (len(before) and len(after)):
        return float("nan")
    cells = cells_of(before, n_bins)
    return psi_from_proportions(cells.shares(before), cells.shares(after))


def ks_two_sample(reference: ArrayLike, current: ArrayLike) -> KsResult:
    """Kolmogorov and Smirnov's two-sample test of the finite values, missing shares told apart.

    The p-value is scipy's ``ks_2samp`` (exact for samples of up to 10,000, else Hodges 1958). It
    takes independent values: on a feature with memory it alarms far too often.

    Parameters
    ----------
    reference, current : (n,), (m,).

    Raises
    ------
    ValueError
        When a sample is not one series.

    >>> found = ks_two_sample([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
    >>> found.statistic, round(found.p_value, 6), found.missing_difference, found.status
    (1.0, 0.007937, 0.0, 'OK')
    """
    from scipy.stats import ks_2samp

    before, after = ordered(reference), ordered(current)
    missing = missing_share(after, np.size(current)) - missing_share(before, np.size(reference))
    if not (len(before) and len(after)):
        return KsResult(float("nan"), float("nan"), missing, "NOT_COMPUTABLE")
    with warnings.catch_warnings():
        # It says so where its exact way fails and the other is taken, which nobody can act on.
        warnings.filterwarnings("ignore", message="ks_2samp: Exact calculation unsuccessful")
        found = ks_2samp(before, after)
    return KsResult(float(found.statistic), float(found.pvalue), missing, "OK")


def ks_distance(reference: Floats, current: Floats) -> float:
    """Find the largest distance of two empirical distribution functions, from ordered samples.

    Between two current values their function stands still and the reference's rises, so the
    distance is largest at a current value, or just before it. Every `_STRIDE`-th of them is looked
    up first; what lies between two can be no further than the rise of both functions allows, so
    only stretches that could hold more than was found are looked up in full.

    Parameters
    ----------
    reference, current : (n,), (m,) ascending, finite, at least one each.

    >>> ks_distance(np.array([1.0, 2.0, 3.0]), np.array([2.5, 3.5]))
    0.6666666666666666
    """
    last = len(current) - 1
    places = np.append(np.arange(0, last, _STRIDE), last)
    now = _functions(reference, current, places)
    found = now.distance()
    most = np.maximum(now.upto[1:] - now.below[:-1], now.at[1:] - now.before[:-1])
    rest = np.flatnonzero(most > found)
    if not len(rest):
        return found
    inner = (places[rest][:, None] + np.arange(1, _STRIDE)).ravel()
    return max(found, _functions(reference, current, inner[inner < last]).distance())


class _Functions(NamedTuple):
    """Both distribution functions at some values, and just before them."""

    upto: Floats
    before: Floats
    at: Floats
    below: Floats

    def distance(self) -> float:
        """Return the largest distance; 0 of no values."""
        sides = np.abs([self.upto - self.at, self.before - self.below])
        return float(sides.max(initial=0.0))


def _functions(reference: Floats, current: Floats, places: NDArray[np.int64]) -> _Functions:
    values, m, n = current[places], len(current), len(reference)
    at = np.searchsorted(reference, values, side="right")
    below = at.copy()
    # Most values stand alone in both samples: only those that do not are looked up again.
    again = np.flatnonzero((at > 0) & (reference[at - 1] == values))
    below[again] = np.searchsorted(reference, values[again], side="left")
    upto, before = places + 1, places.copy()
    again = np.flatnonzero((upto < m) & (current[np.minimum(upto, m - 1)] == values))
    upto[again] = np.searchsorted(current, values[again], side="right")
    again = np.flatnonzero((before > 0) & (current[before - 1] == values))
    before[again] = np.searchsorted(current, values[again], side="left")
    return _Functions(upto=upto / m, before=before / m, at=at / n, below=below / n)


def ordered(values: ArrayLike) -> Floats:
    """Return a sample's finite values, ascending."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1:
        raise ValueError(f"a sample has shape {sample.shape}: give one series, (n,)")
    finite: Floats = np.sort(sample[np.isfinite(sample)])
    return finite


def missing_share(finite: Floats, n_values: int) -> float:
    """Return the share of a sample that is not finite; NaN for an empty one."""
    return 1.0 - len(finite) / n_values if n_values else float("nan")
