"""A strategy's inputs, scores and outcomes as the columns that drift is looked for in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shadowbook.core.drift.calibration import Sample
from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.values import Floats

PREDICTION, LABEL = "prediction", "label"


def samples_of(
    names: Sequence[str], features: Floats, scores: Floats, outcomes: Floats, horizon: int
) -> tuple[Sample, ...]:
    """Lay out columns: the features, the model's predictions, and the labels.

    Parameters
    ----------
    names : K features.
    features : (T, N, K) by consecutive sessions; NaN = missing, all K where there is no row.
    scores : (T, N) predictions; NaN = not rated.
    outcomes : (T, N) `outcomes_of` the sessions.
    horizon : sessions that a label looks ahead.

    Returns
    -------
    K + 2 columns. A row without any feature counts as no name at all rather than as missing.
    """
    present: NDArray[np.bool_] = np.asarray(np.isfinite(features).any(axis=2))
    rated_then = np.zeros_like(present)
    rated_then[horizon:] = present[:-horizon]
    columns = [
        Sample(name, "feature", np.ascontiguousarray(features[:, :, k]), present)
        for k, name in enumerate(names)
    ]
    return (
        *columns,
        Sample(PREDICTION, "prediction", scores, present),
        Sample(LABEL, "label", outcomes, rated_then),
    )


def outcomes_of(prices: Floats, horizon: int) -> Floats:
    """Return each session's newest known outcomes: those of the scores ``horizon`` sessions before.

    They are the returns themselves: what models are fitted on is ranked or centered, so its
    distribution stays the same whatever happens.

    Parameters
    ----------
    prices : (T, N); NaN = missing.

    Returns
    -------
    (T, N); NaN in the first ``horizon`` rows and as in `labels.forward_returns`.
    """
    outcomes = np.full(prices.shape, np.nan)
    outcomes[horizon:] = forward_returns(prices, horizon)[: max(len(prices) - horizon, 0)]
    return outcomes
