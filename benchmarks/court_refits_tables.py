"""Tables of real refreshes: what passes, what stops the rest, and what other settings would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.court_days import Course, followed
from benchmarks.court_faults import BROKEN, VERY_STALE
from benchmarks.court_refits import GAPS, GOOD, RECIPES, Trial, trials_of
from benchmarks.court_worlds import YEAR
from benchmarks.drift_rates import header, told
from shadowbook.core.promotion.court import RELATIVE
from shadowbook.core.promotion.court_policy import CourtPolicy

STRATEGIES = ("weekly", "monthly")
SUBTLE = f"first feature stale by {VERY_STALE}"
"""The fault that changes a model least."""


def may_pass(one: Trial, policy: CourtPolicy) -> np.ndarray:
    """Say in which sessions all that changes with them is there; limits as the court's."""
    own, slack = policy.refresh, RELATIVE
    may = one.bounds.safe > -own.margin
    least = [(one.agreement, own.min_position_agreement), (one.signal, own.min_signal_correlation)]
    if own.max_refit_distance is not None:
        farthest = own.max_refit_distance * (1.0 - one.case.refit_correlation)
        farthest = max(farthest, own.refit_slack)
        least.append((one.signal, 1.0 - farthest))
    for values, limit in least:
        if limit is not None:
            may = may & (values >= limit - slack * abs(limit))
    for values, limit in (
        (one.drawdown, policy.max_drawdown_ratio),
        (one.cost, policy.max_cost_ratio),
    ):
        if limit is not None:
            may = may & (values <= limit * (1.0 + slack))
    if policy.training_data:
        may = may & one.case.training_data
    if own.min_training_share is not None:
        may = may & (one.case.training_share >= own.min_training_share * (1.0 - slack))
    return may


def course_of(one: Trial, policy: CourtPolicy) -> Course:
    """Follow a refresh before the court."""
    share = policy.refresh.min_training_share
    little = share is not None and one.case.training_share < share * (1.0 - RELATIVE)
    if little or (policy.training_data and not one.case.training_data):
        # It ends on the first day; what else stood against it is told as of the last.
        return followed(one.case, one.bounds, np.zeros(YEAR, bool), one.record, policy, last=True)
    return followed(one.case, one.bounds, may_pass(one, policy), one.record, policy, last=True)


def passes(one: Trial, policy: CourtPolicy) -> bool:
    """Say whether a refresh is promoted within the year, without asking the court."""
    may = may_pass(one, policy)
    harmed = one.bounds.harm < 0.0
    stop = int(np.argmax(harmed)) if harmed.any() else len(may)
    return bool(may[policy.min_sessions - 1 : stop].any())


def without_training(policy: CourtPolicy) -> CourtPolicy:
    return changed(policy, min_training_share=None).model_copy(update={"training_data": False})


def changed(policy: CourtPolicy, **given: float | None) -> CourtPolicy:
    return policy.model_copy(update={"refresh": policy.refresh.model_copy(update=given)})


def share_of(those: list[bool]) -> str:
    return told(sum(those), len(those)) if those else "none"


def tables(windows: int, policy: CourtPolicy, workspace: Path | None, seed: int) -> None:
    """Print what passes, what stops the rest, and what other settings would do."""
    found = trials_of(windows, policy, workspace, seed)
    courses = [course_of(one, policy) for one in found]
    for one, course in zip(found, courses, strict=True):
        assert passes(one, policy) == (course.promoted is not None)
    print(f"\n### real refreshes, {windows} windows of 1998-2022, default policy: promoted in 252")
    header("refresh", "strategy", "recipe", *(f"gap {gap}" for gap in GAPS), "all gaps",
           "median session", "against the rest")  # fmt: skip
    for kind, strategy, recipe in product((GOOD, *BROKEN), STRATEGIES, RECIPES):
        own = [
            (one, course)
            for one, course in zip(found, courses, strict=True)
            if (one.kind, one.strategy, one.recipe) == (kind, strategy, recipe)
        ]
        print(f"| {kind} | {strategy} | {recipe} | {_passing_cells(own)} |")
    likeness_table(found)
    summary_table(found, policy)
    settings_table(found, policy)


def _passing_cells(own: list[tuple[Trial, Course]]) -> str:
    n = len(own)
    cells = []
    for gap in GAPS:
        its = [course.promoted is not None for one, course in own if one.gap == gap]
        cells.append(f"{sum(its)} of {len(its)}")
    sessions = [course.promoted for _, course in own if course.promoted]
    lost = [course for _, course in own if not course.promoted]
    counts = Counter(
        criterion.name
        for course in lost
        if course.decision is not None
        for criterion in course.decision.against
    )
    stood = ", ".join(f"{name} {hits}" for name, hits in counts.most_common()) or "none"
    median = f"{np.median(sessions):.0f}" if sessions else "none"
    return " | ".join((*cells, told(len(sessions), n), median, f"of {len(lost)}: {stood}"))


def likeness_table(found: list[Trial]) -> None:
    """Print how far from the champion's scores lie, over what refits did in history."""
    print(
        "\n### rank correlation of scores, and its distance from 1 over that of refits in history"
    )
    header("refresh", "strategy", "recipe", "refits in history", "scores, lowest tenth",
           "scores, median", "distance ratio, median", "ratio, 90th percentile",
           "positions in common, median", "correlation of returns, median",
           "lead in annual Sharpe, mean")  # fmt: skip
    for kind, strategy, recipe in product((GOOD, *BROKEN), STRATEGIES, RECIPES):
        own = [o for o in found if (o.kind, o.strategy, o.recipe) == (kind, strategy, recipe)]
        alike = np.array([one.case.refit_correlation for one in own])
        signal = np.array([one.signal[-1] for one in own])
        ratio = (1.0 - signal) / (1.0 - alike)
        agreed = np.median([one.agreement[-1] for one in own])
        together = np.median(
            [np.corrcoef(one.record.challenger, one.record.champion)[0, 1] for one in own]
        )
        lead = np.mean([_sharpe(o.record.challenger) - _sharpe(o.record.champion) for o in own])
        figures = (np.median(alike), np.quantile(signal, 0.1), np.median(signal),
                   np.median(ratio), np.quantile(ratio, 0.9), agreed, together, lead)  # fmt: skip
        cells = " | ".join(f"{value:.3f}" for value in figures)
        print(f"| {kind} | {strategy} | {recipe} | {cells} |")


def _sharpe(returns: np.ndarray) -> float:
    return float(returns.mean() / returns.std(ddof=1) * np.sqrt(YEAR))


def summary_table(found: list[Trial], policy: CourtPolicy) -> None:
    print("\n### all windows, gaps, strategies: promoted within 252")
    header("refresh", "target", *RECIPES, "both", "both, training share not asked")
    free = without_training(policy)
    for kind in (GOOD, *BROKEN):
        own = [one for one in found if one.kind == kind]
        cells = [share_of([passes(o, policy) for o in own if o.recipe == r]) for r in RECIPES]
        cells += [share_of([passes(o, given) for o in own]) for given in (policy, free)]
        target = "at least 90%" if kind == GOOD else "at most 5%"
        print(f"| {kind} | {target} | {' | '.join(cells)} |")


MARGINS, DISTANCES, SIGNALS = (0.75, 1.5, 2.0, 3.0, 5.0), (1.5, 2.0, 2.5, 3.0), (0.5, 0.6, 0.7)


def settings_table(found: list[Trial], policy: CourtPolicy) -> None:
    """Print what other settings of the policy of refreshes would promote."""
    print("\n### other settings: promoted within 252; the rest are all other broken kinds")
    header("margin", "max_refit_distance", "min_signal_correlation",
           *(f"good {recipe}" for recipe in RECIPES), "good, both",
           *(f"{SUBTLE}, {recipe}" for recipe in RECIPES), "rest, mean",
           "rest, most")  # fmt: skip
    rest = [kind for kind in BROKEN if kind != SUBTLE]
    for margin, distance, signal in product(MARGINS, DISTANCES, SIGNALS):
        given = changed(
            policy, margin=margin, max_refit_distance=distance, min_signal_correlation=signal
        )
        passed = [(one.kind, one.recipe, passes(one, given)) for one in found]

        def share(kinds: Sequence[str], *recipes: str, those=passed) -> float:
            return float(np.mean([hit for k, r, hit in those if k in kinds and r in recipes]))

        shares = [share([kind], recipe) for kind in (GOOD, SUBTLE) for recipe in RECIPES]
        shares.insert(2, share([GOOD], *RECIPES))
        each = {kind: share([kind], *RECIPES) for kind in rest}
        worst = max(each, key=lambda kind: each[kind])
        cells = [f"{value:.0%}" for value in (*shares, share(rest, *RECIPES))]
        row = (margin, distance, signal, *cells, f"{worst} {each[worst]:.0%}")
        print(f"| {' | '.join(map(str, row))} |")
