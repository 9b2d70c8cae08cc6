"""A challenger before the court session by session, without judging the days that are hopeless.

A replacement is promoted only where its history reaches every limit or its shadow's lower bound
lies above zero, and where its shadow is shown to do no harm; a refresh only where its lower bound
lies above minus the margin. Those are computed for all sessions at once. The court
itself is asked in the sessions that are left; tests/unit/benchmarks/test_court.py holds that
against a court that is asked every session.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.court_worlds import YEAR, Run
from shadowbook.core.promotion.budget import AlphaSplit, alpha_of, split
from shadowbook.core.promotion.case import Case, Present, evidence_of
from shadowbook.core.promotion.court import RELATIVE, Decision, Outcome, judge
from shadowbook.core.promotion.court_policy import CourtPolicy
from shadowbook.core.promotion.matched import HALF_LIFE, WARM_UP, trailing_volatility
from shadowbook.core.promotion.sequential import START, lower_bounds
from shadowbook.core.promotion.shadow import SideBySide
from shadowbook.core.promotion.sharpe_differences import sharpe_difference
from shadowbook.core.promotion.walk_forward import walk_forward_evidence

ANNUAL = math.sqrt(YEAR)
POLICY = CourtPolicy()
BATCH = 50
ALIKE = 0.9
"""Rank correlation of scores, and share of positions in common, of simulated pairs."""
FEWEST, ROUGH = 200, 1_000
"""Resamples where only what needs none is asked for, and of the snooping test's first round."""


@dataclass(frozen=True)
class Size:
    """Histories a cell of each table; `resamples` of the snooping test, where it is asked."""

    one: int
    twelve: int
    power: int
    refresh: int
    resamples: int
    windows: int
    first_seed: int = 0
    workspace: Path | None = None
    policy: CourtPolicy = field(init=False)

    def __post_init__(self) -> None:
        own = POLICY.replacement.model_copy(update={"snooping_resamples": self.resamples})
        object.__setattr__(self, "policy", POLICY.model_copy(update={"replacement": own}))


@dataclass(frozen=True, eq=False)
class Bounds:
    """Annual bounds of a shadow's lead by session, (S,) or (n, S); NaN = none yet.

    Attributes
    ----------
    claim : lower, at what the challenger may spend; safe, harm : lower and upper, of safety.
    """

    claim: np.ndarray
    safe: np.ndarray
    harm: np.ndarray

    def of(self, k: int) -> Bounds:
        """Return those of one shadow book."""
        return Bounds(self.claim[k], self.safe[k], self.harm[k])


@dataclass(frozen=True, eq=False)
class Course:
    """How a case went.

    Attributes
    ----------
    promoted, rejected : sessions of shadow until then; None = never.
    decision : the court's last one; None where it was never asked.
    """

    promoted: int | None = None
    rejected: int | None = None
    decision: Decision | None = None


def batches(n: int) -> list[range]:
    return [range(first, min(first + BATCH, n)) for first in range(0, n, BATCH)]


def bounds_of(shadow: np.ndarray, capital: np.ndarray, alpha: float, policy: CourtPolicy) -> Bounds:
    """Compute the bounds of many shadow books at once, (n, S)."""
    own, its = (book / trailing_volatility(book, HALF_LIFE, WARM_UP) for book in (shadow, capital))
    leads = (own - its)[:, WARM_UP:]
    blank = np.full((len(leads), WARM_UP), np.nan)

    def lower(values: np.ndarray, level: float) -> np.ndarray:
        return np.hstack([blank, ANNUAL * lower_bounds(values, level)])

    safety = policy.safety_alpha
    claim = lower(leads, alpha) if alpha > 0.0 else np.full(shadow.shape, np.nan)
    return Bounds(claim, lower(leads, safety), -lower(-leads, safety))


def alphas(position: int, policy: CourtPolicy) -> AlphaSplit:
    return split(alpha_of(position, policy.budget), policy.budget)


def present_of(session: int) -> Present:
    """Nothing else stands against it."""
    return Present(session, False, "PASSED", 0)


def cut(record: SideBySide, n: int) -> SideBySide:
    names = SideBySide.__dataclass_fields__
    return SideBySide(*(getattr(record, name)[:n] for name in names))


def asked(case: Case, record: SideBySide, session: int, policy: CourtPolicy) -> Decision:
    """Ask the court as of a session, counted from 1 on."""
    evidence = evidence_of(case, cut(record, session), present_of(session), policy)
    return judge(evidence, policy)


def case_of(
    run: Run, position: int, policy: CourtPolicy, seed: list[int], n_resamples: int = 0
) -> Case:
    """Open the case of a run's challenger."""
    alpha = alphas(position, policy)
    own = policy.replacement
    history = walk_forward_evidence(
        run.champion,
        run.chosen,
        run.recipes,
        np.random.default_rng(seed),
        own.min_history_sessions,
        n_resamples or own.snooping_resamples,
    )
    return Case(
        "simulated", 1, 2, "replacement", position, alpha.history, alpha.shadow, history,
        n_trials=1 + len(run.recipes), training_share=1.0, training_data=True,
    )  # fmt: skip


def opened(
    run: Run, position: int, bounds: Bounds, policy: CourtPolicy, seed: list[int]
) -> Case | None:
    """Open the case of a run's challenger; None where nothing can promote it.

    What costs least is asked first. The snooping test has a first round with few resamples, which
    ends only cases that lie six of its errors beyond what they may spend.
    """
    alpha, own = alphas(position, policy), policy.replacement
    judged = slice(policy.min_sessions - 1, None)
    safe = own.harm_margin is None or (bounds.safe[judged] > -own.harm_margin).any()
    if not safe:
        return None
    proof = bool((bounds.claim[judged] > 0.0).any())
    lost = case_of(run, position, policy, seed, FEWEST) if proof else None
    pair = sharpe_difference(run.recipes[run.chosen], run.champion, "ledoit_wolf_hac")
    p_value = pair.p_value / 2.0 if pair.difference > 0.0 else 1.0
    if p_value > alpha.history * (1.0 + RELATIVE):
        return lost
    if pair.difference * ANNUAL < own.min_effect * (1.0 - RELATIVE):
        return lost
    rough = case_of(run, position, policy, seed, min(ROUGH, own.snooping_resamples))
    history, least = rough.history, own.min_deflated_sharpe
    if least is not None and history.deflated_sharpe < least * (1.0 - RELATIVE):
        return lost
    most = alpha.history + 1.0 / ROUGH + 6.0 * math.sqrt(alpha.history / ROUGH)
    if history.snooping_p_value > most:
        return lost
    return case_of(run, position, policy, seed)


def held(case: Case, policy: CourtPolicy) -> bool:
    """Say whether history alone holds the case, whatever its shadow does short of proof."""
    history, alpha, own = case.history, case.alpha_history, policy.replacement
    reached = history.p_value <= alpha * (1.0 + RELATIVE)
    reached &= history.effect >= own.min_effect * (1.0 - RELATIVE)
    if history.n_competing > 1:
        reached &= history.snooping_p_value <= alpha * (1.0 + RELATIVE)
    if own.min_deflated_sharpe is not None:
        reached &= history.deflated_sharpe >= own.min_deflated_sharpe * (1.0 - RELATIVE)
    return not reached


def replaced(
    case: Case, bounds: Bounds, record: SideBySide, policy: CourtPolicy, last: bool = False
) -> Course:
    """Follow a replacement until it is promoted or rejected.

    Parameters
    ----------
    last : whether the court's last word is wanted where it never promotes.
    """
    may = bounds.safe > -(policy.replacement.harm_margin or math.inf)
    if held(case, policy):
        may &= bounds.claim > 0.0
    return followed(case, bounds, may, record, policy, last)


def followed(
    case: Case,
    bounds: Bounds,
    may: np.ndarray,
    record: SideBySide,
    policy: CourtPolicy,
    last: bool,
) -> Course:
    """Ask the court in the sessions that may promote, until it does or the case has ended."""
    harmed = np.flatnonzero(bounds.harm < 0.0)
    end = int(harmed[0]) + 1 if len(harmed) else None
    stop = len(may) if end is None else end - 1
    for session in np.flatnonzero(may[:stop]) + 1:
        if session < policy.min_sessions:
            continue
        decision = asked(case, record, int(session), policy)
        if decision.outcome is Outcome.PROMOTE:
            return Course(int(session), None, decision)
    final = asked(case, record, end or len(may), policy) if last or end else None
    if end is not None and final is not None:
        assert final.outcome is Outcome.REJECT
    return Course(None, end, final)


def every_day(case: Case, record: SideBySide, policy: CourtPolicy) -> Course:
    """Ask the court every session from the first that it can say something in."""
    decision = None
    for session in range(START, len(record.sessions) + 1):
        decision = asked(case, record, session, policy)
        if decision.outcome is Outcome.PROMOTE:
            return Course(session, None, decision)
        if decision.outcome is Outcome.REJECT:
            return Course(None, session, decision)
    return Course(None, None, decision)
