"""How good scores were, out of sample and after costs, and how sure that is.

Every standard error respects that neighboring sessions share what they measure: means by Newey
and West's long-run variance, the Sharpe ratio by the same variance of its influence function (Lo
2002; Mertens 2002 in the i.i.d. case), the drawdown by a circular block bootstrap. The long-run
variance counts lags as `hac.bandwidth` says, and errors made from it are stretched so that 1.96 of
them make a 95 % interval (`hac.small_sample_factor`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from shadowbook.core.learning.labels import forward_returns
from shadowbook.core.learning.portfolio import run_book, target_weights
from shadowbook.core.stats.growth import equity_curve, max_drawdown
from shadowbook.core.stats.hac import bandwidth, mean_standard_error, small_sample_factor
from shadowbook.core.stats.ranks import rank_correlation
from shadowbook.core.stats.resampling import circular_block_indices
from shadowbook.core.stats.sharpe import sharpe_and_influence
from shadowbook.core.values import Floats, Metric

_NO_SKILL = {"hit_rate": 0.5}


class EvaluationPolicy(BaseModel):
    """How scores are judged."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    cost_bps: float = Field(
        5.0, ge=0.0, le=1_000.0, description="Cost of a trade in basis points of its notional."
    )
    top_fraction: float = Field(
        0.2, gt=0.0, le=0.5, description="Share of the names bought, and share sold short."
    )
    execution_lag: int = Field(
        1, ge=0, le=21, description="Sessions between the decision and its trade at the close."
    )
    periods_per_year: float = Field(
        252.0, gt=0.0, le=366.0, description="Sessions a year, for annualized figures."
    )
    min_names: int = Field(
        5, ge=2, le=10_000, description="Sessions with fewer rated names are not evaluated."
    )
    min_sessions: int = Field(
        63, ge=2, le=10_000, description="Fewer evaluated sessions give NOT_COMPUTABLE."
    )
    n_resamples: int = Field(
        200, ge=50, le=100_000, description="Bootstrap samples for the error of the drawdown."
    )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Measures of one set of scores.

    Attributes
    ----------
    metrics : name -> Metric; see `evaluate`.
    information_coefficient : (T,) Spearman's correlation per session; NaN = not computable.
    hit_rate : (T,) share of names on the right side of the session's median.
    gross, net : (T,) returns of the top-minus-bottom book; NaN before it starts.
    turnover : (T,) notional traded as a share of capital.
    equity : (T,) value of one unit after costs; 1 before the book starts.
    """

    metrics: Mapping[str, Metric]
    information_coefficient: Floats
    hit_rate: Floats
    gross: Floats
    net: Floats
    turnover: Floats
    equity: Floats

    def t_statistic(self, name: str) -> float:
        """Distance of a metric from no skill (0; 0.5 for the hit rate) in standard errors.

        NaN where either is missing or the error is 0.
        """
        metric = self.metrics[name]
        if not metric.standard_error > 0.0:
            return math.nan
        return (metric.value - _NO_SKILL.get(name, 0.0)) / metric.standard_error


def evaluate(
    scores: Floats,
    prices: Floats,
    horizon: int,
    policy: EvaluationPolicy,
    rng: np.random.Generator,
) -> Evaluation:
    """Judge scores against what prices did afterwards.

    Parameters
    ----------
    scores : (T, N), known after each session's close; NaN = not rated. Out-of-sample scores.
    prices : (T, N); NaN = missing.
    horizon : sessions a score speaks about, and a position is held.
    policy : costs, lag and limits.
    rng : for the bootstrap of the drawdown.

    Returns
    -------
    Evaluation with the metrics ``information_coefficient`` (mean over sessions, against the
    return from close t to close t + horizon), ``hit_rate`` (0.5 = chance), ``gross_return``,
    ``net_return`` and ``turnover`` (means per session), ``sharpe`` (per session, after costs,
    ddof 1), ``sharpe_annualized`` (times the root of ``periods_per_year``) and ``max_drawdown``
    (after costs, at most 0). The book trades ``execution_lag`` sessions after the decision (see
    `portfolio`). A metric with too few sessions, or that is not defined, has status
    NOT_COMPUTABLE, NaN and a reason.
    """
    forward = forward_returns(prices, horizon)
    ic = rank_correlation(scores, forward, policy.min_names)
    hits = hit_rates(scores, forward, policy.min_names)
    targets = target_weights(scores, policy.top_fraction, policy.min_names)
    book = run_book(targets, prices, horizon, policy.execution_lag, policy.cost_bps)
    yearly = math.sqrt(policy.periods_per_year)
    found = [
        _mean("information_coefficient", ic, horizon, policy),
        _mean("hit_rate", hits, horizon, policy),
        _mean("gross_return", book.gross, horizon, policy),
        _mean("net_return", book.net, horizon, policy),
        _mean("turnover", book.turnover, horizon, policy),
        _sharpe("sharpe", book.net, horizon, policy, 1.0),
        _sharpe("sharpe_annualized", book.net, horizon, policy, yearly),
        _drawdown("max_drawdown", book.net, horizon, policy, rng),
    ]
    return Evaluation(
        metrics={metric.name: metric for metric in found},
        information_coefficient=ic,
        hit_rate=hits,
        gross=book.gross,
        net=book.net,
        turnover=book.turnover,
        equity=equity_curve(book.net),
    )


def hit_rates(scores: Floats, outcomes: Floats, min_names: int = 5) -> Floats:
    """Share of names whose outcome lay on the side of the median that their score lay on.

    Parameters
    ----------
    scores, outcomes : (T, N); pairs with a NaN are dropped, then those on either median.
    min_names : sessions with fewer pairs are NaN.

    Returns
    -------
    (T,) in [0, 1]; NaN too where every pair lies on a median.

    >>> hit_rates(np.array([[1.0, 2.0, 3.0, 4.0]]), np.array([[1.0, 4.0, 2.0, 3.0]]), 4)
    array([0.5])
    """
    paired = np.isfinite(scores) & np.isfinite(outcomes)
    enough = paired.sum(axis=1) >= min_names
    result = np.full(len(scores), np.nan)
    if not enough.any():
        return result
    kept = paired[enough]
    left = np.where(kept, scores[enough], np.nan)
    right = np.where(kept, outcomes[enough], np.nan)
    sides = np.sign(left - np.nanmedian(left, axis=1, keepdims=True)) * np.sign(
        right - np.nanmedian(right, axis=1, keepdims=True)
    )
    right_side, wrong_side = (sides > 0).sum(axis=1), (sides < 0).sum(axis=1)
    taken = right_side + wrong_side
    share = np.full(len(kept), np.nan)
    np.divide(right_side, taken, out=share, where=taken > 0)
    result[enough] = share
    return result


def _mean(name: str, series: Floats, horizon: int, policy: EvaluationPolicy) -> Metric:
    values = series[np.isfinite(series)]
    short = _too_short(name, len(values), horizon, policy)
    if short is not None:
        return short
    n = len(values)
    lags = bandwidth(n, horizon)
    error = mean_standard_error(values, lags) * small_sample_factor(n, lags)
    return Metric(name, float(values.mean()), error, n)


def _sharpe(
    name: str, returns: Floats, horizon: int, policy: EvaluationPolicy, scale: float
) -> Metric:
    values = returns[np.isfinite(returns)]
    n = len(values)
    short = _too_short(name, n, horizon, policy)
    if short is not None:
        return short
    ratio, influence = sharpe_and_influence(values)
    if math.isnan(ratio):
        return _not_computable(name, n, f"{name} is not defined: the returns do not vary")
    lags = bandwidth(n, horizon)
    error = mean_standard_error(influence, lags) * small_sample_factor(n, lags)
    return Metric(name, ratio * scale, error * scale, n)


def _drawdown(
    name: str, returns: Floats, horizon: int, policy: EvaluationPolicy, rng: np.random.Generator
) -> Metric:
    values = returns[np.isfinite(returns)]
    n = len(values)
    short = _too_short(name, n, horizon, policy)
    if short is not None:
        return short
    block = max(horizon, math.ceil(n ** (1.0 / 3.0)))
    rows = circular_block_indices(n, block, policy.n_resamples, rng)
    error = float(max_drawdown(values[rows]).std(ddof=1))
    return Metric(name, float(max_drawdown(values)), error, n)


def _too_short(name: str, n_obs: int, horizon: int, policy: EvaluationPolicy) -> Metric | None:
    # Three spans that do not overlap are the least from which a spread can be told.
    needed = max(policy.min_sessions, 3 * horizon)
    if n_obs >= needed:
        return None
    return _not_computable(
        name, n_obs, f"{name} has {n_obs} evaluated sessions and needs {needed}: bring more history"
    )


def _not_computable(name: str, n_obs: int, reason: str) -> Metric:
    return Metric(name, math.nan, math.nan, n_obs, "NOT_COMPUTABLE", reason)
