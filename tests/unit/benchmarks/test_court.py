"""The shortcuts of the court's simulations against a court that is asked every session."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.court import promoted
from benchmarks.court_days import alphas, bounds_of, case_of, every_day, followed, present_of
from benchmarks.court_refits import trial
from benchmarks.court_refits_tables import may_pass, passes
from benchmarks.court_worlds import Run, World, side_by_side, year
from shadowbook.core.promotion.case import Case, evidence_of
from shadowbook.core.promotion.court_policy import CourtPolicy, ReplacementPolicy
from shadowbook.core.promotion.shadow import SideBySide

POLICY = CourtPolicy(replacement=ReplacementPolicy(snooping_resamples=400))
SHADOW = 105


def bounds_by_hand(run: Run, position: int):
    alpha = alphas(position, POLICY).shadow
    return bounds_of(run.shadow[None], run.capital[None], alpha, POLICY).of(0)


@pytest.mark.parametrize(
    ("world", "position", "seed", "outcome"),
    [
        (World(0.9), 1, 0, "held"),
        (World(0.9, 0.3, "t(4)"), 12, 1, "held"),
        (World(0.99, lead=1.0), 1, 2, "promoted"),
        (World(0.99, 0.3, "t(4)", lead=1.0), 4, 3, "promoted"),
        (World(0.9, lead=1.5), 1, 4, "promoted"),
        (World(0.995, lead=4.0), 1, 5, "promoted"),
        (World(0.99, lead=-4.0), 1, 6, "held"),
    ],
)
def test_a_replacement_is_promoted_where_a_court_asked_every_session_promotes_it(
    world, position, seed, outcome
):
    (run,) = year(np.random.default_rng(seed), world, shadow=SHADOW)
    record = side_by_side(run.shadow, run.capital)
    case = case_of(run, position, POLICY, [seed])
    course = every_day(case, record, POLICY)
    assert (course.promoted is not None) == (outcome == "promoted")
    found = promoted(run, position, bounds_by_hand(run, position), POLICY, [seed])
    assert found == (course.promoted is not None)


@pytest.mark.parametrize("lead", [0.0, -3.0, -6.0])
@pytest.mark.parametrize("correlation", [0.95, 0.995])
def test_a_refresh_goes_the_way_of_one_that_is_judged_every_session(lead, correlation):
    rng = np.random.default_rng(7)
    (run,) = year(rng, World(correlation, 0.3, "t(4)", lead=lead), shadow=168)
    case = Case(
        "simulated", 1, 2, "refresh", refit_correlation=0.9, training_share=1.0, training_data=True
    )
    record = side_by_side(run.shadow, run.capital)
    bounds = bounds_of(run.shadow[None], run.capital[None], 0.0, POLICY).of(0)
    may = bounds.safe > -POLICY.refresh.margin
    fast, slow = followed(case, bounds, may, record, POLICY, True), every_day(case, record, POLICY)
    assert (fast.promoted, fast.rejected) == (slow.promoted, slow.rejected)
    assert fast.decision == slow.decision


def test_bounds_of_many_books_are_those_of_the_evidence():
    (run,) = year(np.random.default_rng(8), World(0.9, 0.3, "t(4)"), shadow=SHADOW)
    case = case_of(run, 2, POLICY, [8])
    evidence = evidence_of(case, side_by_side(run.shadow, run.capital), present_of(SHADOW), POLICY)
    bounds = bounds_by_hand(run, 2)
    assert bounds.claim[-1] == pytest.approx(evidence.lower_bound)
    assert bounds.safe[-1] == pytest.approx(evidence.not_inferior_bound)
    assert bounds.harm[-1] == pytest.approx(evidence.harm_bound)


@pytest.mark.parametrize("alike", [0.97, 0.9, 0.7, 0.4])
@pytest.mark.parametrize("share", [1.0, 0.1])
def test_a_real_refresh_passes_where_a_court_asked_every_session_promotes_it(alike, share):
    rng = np.random.default_rng(9)
    (run,) = year(rng, World(0.995), shadow=126)
    noise = 0.05 * rng.standard_normal((2, 126))
    turnover = np.abs(0.1 + noise)
    record = SideBySide(
        np.datetime64("2020-01-01", "D") + np.arange(126), run.shadow, run.capital,
        *(-1e-3 * turnover), *turnover, alike + noise[0], 0.8 + noise[1],
    )  # fmt: skip
    case = Case(
        "x", 1, 2, "refresh", refit_correlation=0.9, training_share=share, training_data=True
    )
    one = trial(_Named("x"), ("ridge", "good", 63), case, record, POLICY)
    slow = every_day(case, record, POLICY)
    assert passes(one, POLICY) == (slow.promoted is not None)
    assert (slow.promoted is not None) == (alike >= 0.8 and share == 1.0)
    if slow.promoted is not None:
        assert (
            slow.promoted == 1 + np.flatnonzero(may_pass(one, POLICY) & (np.arange(126) >= 62))[0]
        )


class _Named:
    def __init__(self, name: str) -> None:
        self.name = name
