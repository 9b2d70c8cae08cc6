"""The court: whether a challenger becomes champion, and what still stands against it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from shadowbook.core.promotion.court_policy import CourtPolicy
from shadowbook.core.promotion.evidence import Evidence

RELATIVE = 1e-9
"""A value so near its threshold reaches it."""

UNSEEN = "not looked for"

GATES_PASSED = ("PASSED", "WARNED")


class Outcome(StrEnum):
    """What the court says."""

    PROMOTE = "PROMOTE"
    HOLD = "HOLD"
    """Not yet: something is missing that time, more evidence or a person may bring."""
    REJECT = "REJECT"
    """Never: this challenger does harm, is broken or too old."""
    NOT_COMPUTABLE = "NOT_COMPUTABLE"
    """Nothing stands against it, but something that is asked for has no value."""


@dataclass(frozen=True)
class Criterion:
    """One question that the court asks.

    Attributes
    ----------
    name : what is asked.
    value, threshold : the figure found and the one it is held against; None where it has none.
    passed : None where it cannot be computed.
    reason : one sentence.
    fatal : whether it ends the case when it fails.
    """

    name: str
    value: float | str | bool | None
    threshold: float | str | bool | None
    passed: bool | None
    reason: str
    fatal: bool = False


@dataclass(frozen=True)
class Decision:
    """What the court says, with every question and its answer.

    Attributes
    ----------
    outcome : PROMOTE only when every criterion passed.
    criteria : those that the policy asks of this kind of challenger, in order.
    """

    outcome: Outcome
    criteria: tuple[Criterion, ...]

    @property
    def against(self) -> tuple[Criterion, ...]:
        """Criteria that failed or have no value."""
        return tuple(one for one in self.criteria if not one.passed)


def judge(evidence: Evidence, policy: CourtPolicy) -> Decision:
    """Judge a challenger on everything known of it.

    REJECT when a criterion fails that ends the case; else HOLD when any fails; else NOT_COMPUTABLE
    when any has no value; else PROMOTE. A criterion that the policy leaves out is not asked.

    Examples
    --------
    A lead below the minimum effect holds, whatever else is known; one that equals it passes.

    >>> found = judge(Evidence(effect=0.1853, n_sessions=63, drawdown_ratio=0.9527), CourtPolicy())
    >>> found.outcome, [one.name for one in found.criteria if one.passed is False]
    (<Outcome.HOLD: 'HOLD'>, ['effect'])
    >>> judge(Evidence(effect=0.2), CourtPolicy()).criteria[0].passed
    True
    """
    asked = _of_refresh if evidence.kind == "refresh" else _of_replacement
    criteria = (*asked(evidence, policy), *_of_every(evidence, policy))
    if any(one.passed is False and one.fatal for one in criteria):
        outcome = Outcome.REJECT
    elif any(one.passed is False for one in criteria):
        outcome = Outcome.HOLD
    elif any(one.passed is None for one in criteria):
        outcome = Outcome.NOT_COMPUTABLE
    else:
        outcome = Outcome.PROMOTE
    return Decision(outcome, criteria)


def _of_replacement(e: Evidence, policy: CourtPolicy) -> Iterator[Criterion]:
    own = policy.replacement
    where = "walk forward" if e.basis == "history" else "its shadow book"
    yield _least("effect", e.effect, own.min_effect, f"lead in annual Sharpe ratio, {where}")
    if e.basis == "shadow" and own.significance == "sequential":
        yield _above(
            "significance", e.lower_bound, 0.0, "lower bound of its shadow's lead at every look"
        )
    else:
        yield _most("significance", e.p_value, e.alpha, f"p-value of its lead, {where}")
    if e.basis == "history":
        if e.n_competing > 1:
            what = f"p-value among the {e.n_competing} recipes tried"
            yield _most("snooping", e.snooping_p_value, e.alpha, what)
        trials = f"{e.n_trials:,} trials, {e.n_effective_trials:.1f} effective"
        yield from _asked(
            _least, "deflated_sharpe", e.deflated_sharpe, own.min_deflated_sharpe, trials
        )
        yield from _asked(
            _least,
            "parity",
            e.parity_p_value,
            own.min_parity,
            "p-value that shadow and history agree",
        )
    if own.harm_margin is not None:
        what = "lower bound of its shadow's lead, at the level of safety"
        yield _above("non_inferiority", e.not_inferior_bound, -own.harm_margin, what)
    what = "rank correlation of both models' scores"
    yield from _asked(
        _least, "signal_correlation", e.signal_correlation, own.min_signal_correlation, what
    )
    what = "share of positions in common"
    yield from _asked(
        _least, "position_agreement", e.position_agreement, own.min_position_agreement, what
    )


def _of_refresh(e: Evidence, policy: CourtPolicy) -> Iterator[Criterion]:
    own = policy.refresh
    what = "lower bound of its shadow's lead, at the level of safety"
    yield _above("non_inferiority", e.not_inferior_bound, -own.margin, what)
    what = "rank correlation of both models' scores"
    if own.max_refit_distance is not None:
        apart = own.max_refit_distance * (1.0 - e.refit_correlation)
        least = 1.0 - (apart if math.isnan(apart) else max(apart, own.refit_slack))
        said = f"{what}; refits of the recipe had {e.refit_correlation:.3f} in history"
        yield _least("parity", e.signal_correlation, least, said)
    yield from _asked(
        _least, "signal_correlation", e.signal_correlation, own.min_signal_correlation, what
    )
    what = "share of positions in common"
    yield from _asked(
        _least, "position_agreement", e.position_agreement, own.min_position_agreement, what
    )
    if own.min_training_share is not None:
        what = "labels it was fitted on over the champion's"
        yield _least("training", e.training_share, own.min_training_share, what, fatal=True)


def _of_every(e: Evidence, policy: CourtPolicy) -> Iterator[Criterion]:
    if e.rejected_on:
        said = "a rejection stands, whatever came after it"
        yield Criterion("earlier_verdict", e.rejected_on, None, False, said, fatal=True)
    if policy.training_data:
        known = e.training_data is not None
        wrong = "it learned from features that are not those of the prices"
        said = wrong if e.training_data is False else "features as prices give them"
        yield Criterion(
            "training_data", e.training_data, True, e.training_data, said if known else UNSEEN, True
        )
    what = "upper bound of its shadow's lead: below 0 it does harm"
    yield _least("harm", e.harm_bound, 0.0, what, fatal=True)
    yield _least("sessions", _number(e.n_sessions), policy.min_sessions, "side by side in shadow")
    age = _number(e.age_sessions)
    yield _most("age", age, policy.max_sessions, "sessions since its training", fatal=True)
    yield from _asked(
        _most, "drawdown", e.drawdown_ratio, policy.max_drawdown_ratio, "over the champion's"
    )
    yield from _asked(_most, "cost", e.cost_ratio, policy.max_cost_ratio, "over the champion's")
    yield from _asked(
        _most, "turnover", e.turnover_ratio, policy.max_turnover_ratio, "over the champion's"
    )
    if policy.drift:
        known = e.drift is not None
        under_way = "drift that began after its training is under way"
        said = under_way if e.drift else "no drift since its training" if known else UNSEEN
        yield Criterion("drift", e.drift, False, not e.drift if known else None, said)
    if policy.gate:
        passed = None if e.gate is None else e.gate in GATES_PASSED
        yield Criterion("gate", e.gate, "PASSED", passed, "outcome on the newest data")
    what = "sessions since the drill of the way back passed"
    drill = _number(e.drill_age_sessions)
    yield from _asked(_most, "drill", drill, policy.max_drill_age_sessions, what)
    if policy.approval:
        yield _approval(e)


def _approval(e: Evidence) -> Criterion:
    own = bool(e.approver) and e.approver == e.requester
    reason = (
        f"{e.approver} asked for it and cannot approve it"
        if own
        else f"approved by {e.approver}"
        if e.approver
        else "nobody has approved it"
    )
    return Criterion(
        "approval", e.approver or None, "a second person", bool(e.approver) and not own, reason
    )


_Test = Callable[[str, float, float, str], Criterion]


def _asked(
    test: _Test, name: str, value: float, threshold: float | None, what: str
) -> Iterator[Criterion]:
    if threshold is not None:
        yield test(name, value, float(threshold), what)


def _least(name: str, value: float, least: float, what: str, fatal: bool = False) -> Criterion:
    reached = value >= least - RELATIVE * abs(least)
    return _criterion(name, value, least, reached, what, fatal)


def _most(name: str, value: float, most: float, what: str, fatal: bool = False) -> Criterion:
    reached = value <= most + RELATIVE * abs(most)
    return _criterion(name, value, most, reached, what, fatal)


def _above(name: str, value: float, limit: float, what: str) -> Criterion:
    return _criterion(name, value, limit, value > limit, what, False)


def _criterion(
    name: str, value: float, threshold: float, reached: bool, what: str, fatal: bool
) -> Criterion:
    if not (math.isfinite(value) and math.isfinite(threshold)):
        lacking = None if not math.isfinite(value) else float(value)
        limit = float(threshold) if math.isfinite(threshold) else None
        return Criterion(name, lacking, limit, None, f"not computable: {what}", fatal)
    return Criterion(name, float(value), float(threshold), bool(reached), what, fatal)


def _number(value: int | None) -> float:
    return math.nan if value is None else float(value)
