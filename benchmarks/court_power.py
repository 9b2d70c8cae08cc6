"""Tables of the court: planted replacements and equally good refreshes, simulated."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from benchmarks.court_days import (
    ALIKE,
    FEWEST,
    POLICY,
    Course,
    Size,
    alphas,
    batches,
    bounds_of,
    case_of,
    followed,
    opened,
    replaced,
)
from benchmarks.court_worlds import YEAR, Run, World, drawn, returns, side_by_side, year
from benchmarks.drift_rates import header, told
from shadowbook.core.promotion.case import Case
from shadowbook.core.promotion.court_policy import CourtPolicy

LONGER = 441
"""Sessions that a refresh may take where a year is not enough."""


PLANTED = (
    (0.9, 0.5, 0.0, 0.5),
    (0.9, 0.5, 0.3, 0.5),
    (0.9, 1.0, 0.0, 0.95),
    (0.9, 1.0, 0.3, 0.95),
    (0.5, 1.0, 0.0, None),
)
"""Correlation of returns, lead, autocorrelation, and the share that is to be promoted."""
POSITIONS = (1, 4)


def power_table(size: Size) -> None:
    """Print how often a planted recipe is promoted, how soon, and what stands against the rest."""
    n = size.power
    print(f"\n### a planted replacement, champion at 0.5: promoted, {n} histories a row")
    header(
        "correlation", "lead", "AR(1)", "challenger of the year", "promoted within 252", "target",
        "median session", "rejected", "equal recipe promoted", "against the rest on the last day",
    )  # fmt: skip
    for k, (rho, lead, phi, target) in enumerate(PLANTED):
        world = World(rho, phi, "normal", 0.5, lead)
        found: dict[int, list[tuple[bool, Course]]] = {position: [] for position in POSITIONS}
        for those in batches(n):
            seeds = [[3, k, size.first_seed + h] for h in those]
            runs = [year(np.random.default_rng(seed), world) for seed in seeds]
            for position in POSITIONS:
                found[position] += courses_of(runs, position, size.policy, seeds)
        for position, courses in found.items():
            cells = _power_cells(courses, "none" if target is None else f"{target:.0%}")
            print(f"| {rho} | {lead} | {phi} | {position} | {cells} |", flush=True)


def courses_of(
    runs: list[list[Run]], position: int, policy: CourtPolicy, seeds: list[list[int]]
) -> list[tuple[bool, Course]]:
    """Follow each run's challenger; True where the planted one was chosen."""
    shadow, capital = (
        np.array([getattr(one[0], name) for one in runs]) for name in ("shadow", "capital")
    )
    bounds = bounds_of(shadow, capital, alphas(position, policy).shadow, policy)
    found = []
    for h, (one,) in enumerate(runs):
        case = opened(one, position, bounds.of(h), policy, seeds[h])
        # What stands against a case that is lost need not be drawn as finely.
        case = case or case_of(one, position, policy, seeds[h], FEWEST)
        record = side_by_side(one.shadow, one.capital, ALIKE)
        course = replaced(case, bounds.of(h), record, policy, last=True)
        found.append((one.chosen == "recipe 0", course))
    return found


def _power_cells(courses: list[tuple[bool, Course]], target: str) -> str:
    n = len(courses)
    sessions = [one.promoted for planted, one in courses if planted and one.promoted]
    others = sum(not planted and one.promoted is not None for planted, one in courses)
    median = f"{np.median(sessions):.0f}" if sessions else "none"
    lost = [one for planted, one in courses if not (planted and one.promoted)]
    rejected = sum(one.rejected is not None for one in lost)
    cells = (told(len(sessions), n), target, median, rejected, others, against(lost))
    return " | ".join(map(str, cells))


def against(courses: list[Course]) -> str:
    """Say which criteria stood against cases, of how many."""
    counts = Counter(
        criterion.name
        for one in courses
        if one.decision is not None and one.promoted is None
        for criterion in one.decision.against
    )
    named = ", ".join(f"{name} {hits}" for name, hits in counts.most_common())
    return f"of {len(courses)}: {named}" if named else "none"


def refresh_table(size: Size) -> None:
    n = size.refresh
    print(f"\n### an equally good refresh: promoted, {n} histories a row, t(4), Sharpe 0.8")
    header(
        "correlation of returns", "AR(1)", f"within {YEAR}", f"within {LONGER}", "median session",
        f"rejected within {LONGER}", "against the rest on the last day",
    )  # fmt: skip
    case = Case(
        "simulated",
        1,
        2,
        "refresh",
        refit_correlation=ALIKE,
        training_share=1.0,
        training_data=True,
    )
    for k, rho in enumerate((0.9, 0.95, 0.98, 0.99, 0.995)):
        for phi in (0.0, 0.3):
            courses: list[Course] = []
            for those in batches(n):
                seed = [4, k, int(phi * 10), size.first_seed + those[0]]
                rng = np.random.default_rng(seed)
                courses += refreshes(rng, World(rho, phi, "t(4)"), len(those), case)
            sessions = np.array([one.promoted or math.inf for one in courses])
            within = [told((sessions <= most).sum(), n) for most in (YEAR, LONGER)]
            late = f"{np.median(sessions):.0f}" if np.isfinite(np.median(sessions)) else "never"
            rejected = told(sum(one.rejected is not None for one in courses), n)
            rest = against([one for one in courses if one.promoted is None])
            cells = (rho, phi, *within, late, rejected, rest)
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


def refreshes(rng: np.random.Generator, world: World, n: int, case: Case) -> list[Course]:
    """Follow refreshes that earn what the champion earns."""
    common = drawn(rng, LONGER, n, world)
    capital, shadow = (
        returns(world, common, drawn(rng, LONGER, n, world), world.sharpe).T for _ in range(2)
    )
    bounds = bounds_of(shadow, capital, 0.0, POLICY)
    return [
        followed(
            case,
            bounds.of(h),
            bounds.safe[h] > -POLICY.refresh.margin,
            side_by_side(shadow[h], capital[h], ALIKE),
            POLICY,
            last=True,
        )
        for h in range(n)
    ]
