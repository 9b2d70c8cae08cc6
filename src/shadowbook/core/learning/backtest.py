"""How well a version ranked symbols in its walk-forward evaluation, session by session."""

from __future__ import annotations

import numpy as np

from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.stats.ranks import rank_correlation
from shadowbook.core.values import Floats


def lagged_information_coefficient(
    scores: Floats, prices: Floats, horizon: int, min_names: int
) -> Floats:
    """Correlate scores that are one session old with what followed.

    Parameters
    ----------
    scores : (T, N) out-of-sample scores; NaN = not rated.
    prices : (T, N); NaN = missing.
    horizon : sessions a score speaks about.
    min_names : sessions with fewer names are NaN.

    Returns
    -------
    (T,) Spearman's correlation of the scores of session t - 1 with the returns from t on.
    """
    older = np.full(scores.shape, np.nan)
    older[1:] = scores[:-1]
    return rank_correlation(older, forward_returns(prices, horizon), min_names)
