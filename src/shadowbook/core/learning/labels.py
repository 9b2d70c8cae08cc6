"""Labels: how a symbol did against the others over the strategy's horizon."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from shadowbook.core.stats.ranks import centered_ranks
from shadowbook.core.values import Floats
from shadowbook.errors import ConfigError


class LabelPolicy(BaseModel):
    """How forward returns become labels."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    transform: Literal["rank", "demean"] = Field(
        "rank", description="rank: centered ranks in [-0.5, 0.5]; demean: minus the session's mean."
    )
    min_names: int = Field(
        5, ge=2, le=10_000, description="Sessions with fewer forward returns have no labels."
    )


def forward_returns(prices: Floats, horizon: int) -> Floats:
    """Take simple returns from each close to the close ``horizon`` sessions later.

    Parameters
    ----------
    prices : (T, N), positive; NaN (or anything not positive and finite) = missing.
    horizon : sessions, at least 1.

    Returns
    -------
    (T, N): ``prices[i + horizon] / prices[i] - 1``. NaN in the last ``horizon`` rows and wherever
    a price of the sessions ``i .. i + horizon`` is missing: a label whose span touches a missing
    or quarantined session is left out, even where both ends are known.

    Raises
    ------
    ConfigError
        When the horizon is below 1.

    >>> forward_returns(np.array([[1.0], [2.0], [3.0]]), 1)
    array([[1. ],
           [0.5],
           [nan]])
    """
    if horizon < 1:
        raise ConfigError(f"horizon is {horizon}: it must be at least 1 session")
    result = np.full(prices.shape, np.nan)
    if horizon >= len(prices):
        return result
    known = np.isfinite(prices) & (prices > 0.0)
    clean = np.where(known, prices, np.nan)
    result[:-horizon] = clean[horizon:] / clean[:-horizon] - 1.0
    gaps = np.zeros((len(prices) + 1, prices.shape[1]), dtype=np.int64)
    np.cumsum(~known, axis=0, out=gaps[1:])
    touched = gaps[horizon + 1 :] > gaps[: -horizon - 1]
    result[:-horizon][touched] = np.nan
    return result


def make_labels(prices: Floats, horizon: int, policy: LabelPolicy) -> Floats:
    """Labels to train on: forward returns set against the other names of the session.

    Parameters
    ----------
    prices : (T, N); NaN = missing.
    horizon : sessions.
    policy : transform and the least number of names.

    Returns
    -------
    (T, N): centered ranks in [-0.5, 0.5] (ties share their average), or simple returns minus the
    session's mean; NaN as in `forward_returns` and in sessions with too few names.

    >>> prices = np.array([[1.0, 1.0, 1.0], [1.3, 1.1, 1.2]])
    >>> make_labels(prices, 1, LabelPolicy(transform="rank", min_names=3))[0]
    array([ 0.5, -0.5,  0. ])
    """
    returns = forward_returns(prices, horizon)
    if policy.transform == "rank":
        return centered_ranks(returns, policy.min_names)
    known = np.isfinite(returns)
    counts = known.sum(axis=1, keepdims=True)
    sums = np.where(known, returns, 0.0).sum(axis=1, keepdims=True)
    means = np.full(counts.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts >= policy.min_names)
    return returns - means
