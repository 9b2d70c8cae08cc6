"""Whether a book pays less than its backtest promised."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import ndtr, ndtri

from shadowbook.core.diagnosis.context import Context
from shadowbook.core.diagnosis.evidence_backtest import DEFLATED
from shadowbook.core.diagnosis.findings import Decay, Mechanism, Weighed
from shadowbook.core.diagnosis.mechanisms import most_consistent_with, weigh
from shadowbook.core.stats.hac import bandwidth, long_run_variance, small_sample_factor
from shadowbook.core.stats.sharpe import sharpe_and_influence
from shadowbook.core.track import Backtest, LiveRecord
from shadowbook.core.values import Floats


class DecayPolicy(BaseModel):
    """When live counts as worse than the backtest, and when its cause counts as told."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    alpha: float = Field(
        0.05, gt=0.0, le=0.5, description="Chance of calling a strategy decayed that is not."
    )
    power: float = Field(
        0.8,
        gt=0.5,
        lt=1.0,
        description="Chance of seeing a complete loss of the edge that live must be long enough "
        "for, before it is called healthy.",
    )
    min_sessions: int = Field(
        63, ge=20, le=5_000, description="Live sessions below which nothing is decided."
    )
    margin: float = Field(
        1.0,
        ge=0.0,
        le=20.0,
        description="Lead in log likelihood that the first mechanism needs over the second.",
    )


@dataclass(frozen=True)
class _Comparison:
    """One measure of the backtest against live; errors are standard errors."""

    name: str
    backtest: float
    live: float
    backtest_error: float
    live_error: float
    n_live: int

    @property
    def error(self) -> float:
        return math.hypot(self.backtest_error, self.live_error)

    @property
    def distance(self) -> float:
        return (self.backtest - self.live) / self.error

    @property
    def p_of_no_edge(self) -> float:
        """One-sided p-value of the null that live has no edge."""
        return float(ndtr(-self.live / self.live_error))

    def power(self, critical: float) -> float:
        """Chance that a complete loss is seen in as many live sessions as there are."""
        return float(ndtr(self.backtest / self.error - critical))

    def needed(self, critical: float, power: float) -> float:
        """Live sessions that would show a complete loss; NaN where no number would."""
        bearable = max(self.backtest, 0.0) / (critical + float(ndtri(power)))
        room = bearable**2 - self.backtest_error**2
        return self.live_error**2 * self.n_live / room if room > 0.0 else math.nan


def assess(backtest: Backtest, live: LiveRecord, context: Context, policy: DecayPolicy) -> Decay:
    """Decide whether live is worse than the backtest, and weigh why.

    Two statistics are compared: the Sharpe ratio of the signal return (before execution and
    costs, which are no decay) and the mean information coefficient of matured labels. Each
    difference is set against the errors of both samples (Newey & West; Lo 2002 for the ratio,
    stretched as `hac.small_sample_factor` says); the larger of the two distances is compared with
    the maximum of two correlated normals, so both looks together keep ``alpha``.

    Parameters
    ----------
    backtest, live : the launch baseline and the book since.
    context : the market around both, for the mechanisms.
    policy : limits.

    Returns
    -------
    Decay: True where p is at most ``alpha``; False where it is not and a complete loss of the
    edge would have been seen with ``power``; else None, with the live sessions that would do.
    Mechanisms are weighed unless it is False. Where it is None, the backtest may still tell that
    it was luck: ``baseless`` takes overfitting to be named, and an edge that neither the backtest
    (deflated Sharpe ratio; Bailey & Lopez de Prado 2014) nor live shows at ``alpha``.
    """
    n_live = int(np.isfinite(live.signal).sum())
    if n_live < policy.min_sessions:
        reason = f"{n_live} live sessions are too few to compare: {policy.min_sessions} are needed"
        return Decay(None, math.nan, (reason,))
    comparisons = [c for c in (_sharpe(backtest, live), _coefficient(backtest, live)) if c]
    if not comparisons:
        reason = "neither the Sharpe ratio nor the information coefficient can be compared"
        return Decay(None, math.nan, (reason,))
    correlation = _correlation(backtest) if len(comparisons) == 2 else 1.0
    p_value = _p_of_largest(max(c.distance for c in comparisons), correlation)
    # Bonferroni's critical value: a little too high for correlated looks, so never too confident.
    critical = float(ndtri(1.0 - policy.alpha / len(comparisons)))
    decayed = _decided(comparisons, p_value, critical, policy)
    reasons = tuple(_sentence(c) for c in comparisons)
    if decayed is None:
        reasons = (*reasons, _too_short(comparisons, critical, policy))
    if decayed is False:
        return Decay(decayed, p_value, reasons)
    weighed = weigh(backtest, live, context)
    named = most_consistent_with(weighed, policy.margin)
    edge = min(c.p_of_no_edge for c in comparisons)
    deflated = _deflated(weighed) if named is Mechanism.OVERFITTING else math.nan
    baseless = decayed is None and edge > policy.alpha and deflated < 1.0 - policy.alpha
    if baseless:
        reasons = (
            *reasons,
            "the backtest is not shown to be better than the luck of its trials (deflated Sharpe "
            f"ratio {deflated:.2f}), nor live to have an edge (p {edge:.2f}): nothing says that "
            "there was an edge to lose",
        )
    return Decay(decayed, p_value, reasons, weighed, named, baseless)


def _deflated(weighed: Sequence[Weighed]) -> float:
    """Read the deflated Sharpe ratio off the evidence of the first mechanism."""
    told = {one.name: one.value for one in weighed[0].evidence}
    return told.get(DEFLATED, math.nan)


def _decided(
    comparisons: list[_Comparison], p_value: float, critical: float, policy: DecayPolicy
) -> bool | None:
    if p_value <= policy.alpha * (1.0 + 1e-9):
        return True
    if max(c.power(critical) for c in comparisons) >= policy.power:
        return False
    return None


def _sharpe(backtest: Backtest, live: LiveRecord) -> _Comparison | None:
    known = [series[np.isfinite(series)] for series in (backtest.signal, live.signal)]
    (ratio, influence), (live_ratio, live_influence) = map(sharpe_and_influence, known)
    if not (math.isfinite(ratio) and math.isfinite(live_ratio)):
        return None
    return _Comparison(
        "Sharpe ratio of the signal a session",
        ratio,
        live_ratio,
        _error(influence, 1),
        _error(live_influence, 1),
        len(live_influence),
    )


def _coefficient(backtest: Backtest, live: LiveRecord) -> _Comparison | None:
    before, after = (
        series[np.isfinite(series)]
        for series in (backtest.information_coefficient, live.information_coefficient)
    )
    if len(before) < 20 or len(after) < 20:
        return None
    errors = _error(before, backtest.horizon), _error(after, backtest.horizon)
    if not min(errors) > 0.0:
        return None
    return _Comparison(
        "information coefficient", float(before.mean()), float(after.mean()), *errors, len(after)
    )


def _error(values: Floats, overlap: int) -> float:
    """Return the standard error of a mean, stretched for a small sample."""
    n = len(values)
    lags = bandwidth(n, overlap)
    return math.sqrt(long_run_variance(values, lags) / n) * small_sample_factor(n, lags)


def _correlation(backtest: Backtest) -> float:
    """Correlation of the two statistics, by the session; 0 where not computable."""
    paired = np.isfinite(backtest.signal) & np.isfinite(backtest.information_coefficient)
    left, right = backtest.signal[paired], backtest.information_coefficient[paired]
    if len(left) < 20 or not min(left.std(), right.std()) > 0.0:
        return 0.0
    return float(np.clip(np.corrcoef(left, right)[0, 1], 0.0, 0.999))


def _p_of_largest(distance: float, correlation: float) -> float:
    """Chance that the larger of two standard normals with a correlation is this large."""
    if correlation == 1.0:
        return float(ndtr(-distance))
    grid = np.linspace(-9.0, min(distance, 9.0), 2001)
    density = np.exp(-0.5 * grid * grid) / math.sqrt(2.0 * math.pi)
    below = ndtr((distance - correlation * grid) / math.sqrt(1.0 - correlation**2))
    return float(np.clip(1.0 - np.trapezoid(density * below, grid), 0.0, 1.0))


def _sentence(comparison: _Comparison) -> str:
    c = comparison
    side = "below" if c.distance >= 0.0 else "above"
    return (
        f"{c.name}: {c.live:.3f} live against {c.backtest:.3f} in the backtest, "
        f"{abs(c.distance):.1f} standard errors {side}"
    )


def _too_short(comparisons: list[_Comparison], critical: float, policy: DecayPolicy) -> str:
    needed = [c.needed(critical, policy.power) for c in comparisons]
    finite = [n for n in needed if math.isfinite(n)]
    if not finite:
        return (
            "the backtest's own edge is too uncertain: no length of live could show its complete "
            "loss"
        )
    return (
        f"{comparisons[0].n_live} live sessions could not show even a complete loss of the edge: "
        f"about {math.ceil(min(finite))} are needed"
    )
