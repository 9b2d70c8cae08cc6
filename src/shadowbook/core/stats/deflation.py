"""How much of a Sharpe ratio remains once its luck and the number of trials are counted.

Sharpe ratios are per observation with ddof 1, kurtosis is not in excess (3 = normal).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr, ndtri

from shadowbook.core.values import Floats


def probabilistic_sharpe_ratio(
    sharpe: float, n_obs: int, skew: float, kurtosis: float, benchmark: float = 0.0
) -> float:
    """Tell how likely the true Sharpe ratio is above a benchmark.

    Bailey & Lopez de Prado (2012), eq. 9, with Mertens' (2002) variance over n_obs - 1.

    Parameters
    ----------
    sharpe, benchmark : per observation.
    n_obs : observations behind ``sharpe``.
    skew, kurtosis : of the returns.

    Returns
    -------
    Probability; NaN with fewer than two observations, or moments no distribution has.

    >>> round(probabilistic_sharpe_ratio(0.458, 24, -2.448, 10.164), 3)
    0.913
    """
    return float(ndtr(_distance(sharpe, n_obs, skew, kurtosis, benchmark)))


def expected_maximum_sharpe(n_trials: float, trials_variance: float) -> float:
    """Expect the best Sharpe ratio of trials that all have none.

    Bailey & Lopez de Prado (2014), eq. 1.

    Parameters
    ----------
    n_trials : independent trials, at least 1; may be an effective number.
    trials_variance : of their Sharpe ratios, per observation.

    Returns
    -------
    At least 0; 0 for a single trial; NaN for fewer, or a variance below 0.

    >>> round(expected_maximum_sharpe(100, 0.002), 4), expected_maximum_sharpe(1, 0.002)
    (0.1132, 0.0)
    """
    if not (n_trials >= 1.0 and math.isfinite(n_trials) and trials_variance >= 0.0):
        return math.nan
    if n_trials == 1.0:
        return 0.0
    standard = (1.0 - np.euler_gamma) * ndtri(1.0 - 1.0 / n_trials) + np.euler_gamma * ndtri(
        1.0 - 1.0 / (n_trials * math.e)
    )
    return math.sqrt(trials_variance) * max(float(standard), 0.0)


def deflated_sharpe_ratio(
    sharpe: float,
    n_obs: int,
    skew: float,
    kurtosis: float,
    n_trials: float,
    trials_variance: float,
) -> float:
    """Tell how likely the best of several trials has a Sharpe ratio beyond what luck gives.

    Bailey & Lopez de Prado (2014), eq. 2: the probabilistic ratio against the expected maximum.
    Arguments and NaN as in `probabilistic_sharpe_ratio` and `expected_maximum_sharpe`.

    >>> round(deflated_sharpe_ratio(2.5 / 250**0.5, 1250, -3.0, 10.0, 100, 0.002), 4)
    0.9004
    """
    luck = expected_maximum_sharpe(n_trials, trials_variance)
    return probabilistic_sharpe_ratio(sharpe, n_obs, skew, kurtosis, luck)


def minimum_track_record_length(
    sharpe: float,
    skew: float,
    kurtosis: float,
    benchmark: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """Count the observations that make a Sharpe ratio significantly above a benchmark.

    Bailey & Lopez de Prado (2012), eq. 11. Arguments as in `probabilistic_sharpe_ratio`.

    Returns
    -------
    Observations; NaN where no number of them would do (the ratio is not above the benchmark).

    >>> round(minimum_track_record_length(0.7079, -0.225, 2.957), 4)
    8.5826
    """
    variance = _unit_variance(sharpe, skew, kurtosis)
    if not (sharpe > benchmark and 0.0 < confidence < 1.0):
        return math.nan
    return 1.0 + variance * (float(ndtri(confidence)) / (sharpe - benchmark)) ** 2


def effective_number_of_trials(returns: Floats) -> float:
    """Count the independent trials among correlated ones.

    The participation ratio (sum of eigenvalues)^2 / (sum of their squares) of the correlation
    matrix (Bretherton et al. 1999, eq. 5), which is M^2 over the sum of squared correlations.

    Parameters
    ----------
    returns : (T, M), a column a trial; rows with a NaN are left out, and so are constant columns.

    Returns
    -------
    1 ... M; NaN with fewer than two whole rows or no column that varies.

    >>> round(effective_number_of_trials(np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]])), 9)
    1.0
    """
    whole = returns[np.isfinite(returns).all(axis=1)]
    if len(whole) < 2:
        return math.nan
    deviations = whole - whole.mean(axis=0)
    scale = np.sqrt((deviations * deviations).sum(axis=0))
    varying = scale > 1e-12 * np.abs(whole).max(axis=0) * math.sqrt(len(whole))
    if not varying.any():
        return math.nan
    standard = deviations[:, varying] / scale[varying]
    correlations = np.clip(np.einsum("ti,tj->ij", standard, standard), -1.0, 1.0)
    return float(varying.sum() ** 2 / (correlations * correlations).sum())


def deflated_distance(net: Floats, trials: Floats, looks: int = 1) -> tuple[float, float]:
    """Say how far a track record lies above the best that luck would make of its trials.

    Parameters
    ----------
    net : (T,) returns of the chosen trial; NaN are left out.
    trials : (T, M) returns of all of them, the chosen one among them.
    looks : subsets of sessions that these were picked from; each counts as a trial of its own.

    Returns
    -------
    Standard errors above the expected maximum (the deflated Sharpe ratio is the normal
    distribution's probability of it), and the effective number of trials; NaN with fewer than two
    trials.
    """
    known = net[np.isfinite(net)]
    whole = trials[np.isfinite(trials).all(axis=1)]
    if len(known) < 3 or len(whole) < 3 or trials.shape[1] < 2:
        return math.nan, math.nan
    deviations = whole.std(axis=0, ddof=1)
    varying = deviations > 1e-12
    if varying.sum() < 2 or known.std() <= 1e-12:
        return math.nan, math.nan
    sharpes = whole.mean(axis=0)[varying] / deviations[varying]
    standard = (known - known.mean()) / known.std()
    n_trials = effective_number_of_trials(whole)
    distance = _distance(
        float(known.mean() / known.std(ddof=1)),
        len(known),
        float((standard**3).mean()),
        float((standard**4).mean()),
        expected_maximum_sharpe(looks * n_trials, float(sharpes.var(ddof=1))),
    )
    return distance, n_trials


def _unit_variance(sharpe: float, skew: float, kurtosis: float) -> float:
    """Variance of a Sharpe ratio times the observations (Mertens 2002); NaN unless above 0."""
    variance = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    return variance if variance > 0.0 else math.nan


def _distance(sharpe: float, n_obs: int, skew: float, kurtosis: float, benchmark: float) -> float:
    # No distribution has a kurtosis below 1 + skew^2 (Pearson 1916); one in excess often is.
    if n_obs < 2 or not kurtosis >= (1.0 + skew * skew) * (1.0 - 1e-9):
        return math.nan
    variance = _unit_variance(sharpe, skew, kurtosis)
    return (sharpe - benchmark) * math.sqrt((n_obs - 1) / variance)
