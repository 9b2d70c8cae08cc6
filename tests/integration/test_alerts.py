"""False alarms and power of the shipped policies, in a reduced simulation."""

import numpy as np
import pytest

from benchmarks.alerts import FAILS_AT, LIVE, YEAR, a_year, delays, run, simulated
from shadowbook.core.performance.tiers import MonitorPolicy, Tier

YEARS = LIVE / YEAR
N = 24


def alerts_of(policy, process="normal", seed=5, **failure):
    rng = np.random.default_rng(seed)
    return run(simulated(process, N, rng, **failure), MonitorPolicy(policy=policy), rng)


@pytest.mark.slow
def test_the_textbook_starts_ten_watches_and_nearly_three_warnings_a_year_by_chance():
    tiers, _, _ = a_year(alerts_of("textbook"), YEARS)
    assert 9.0 < tiers[Tier.WATCH] < 11.5
    assert 2.1 < tiers[Tier.WARNING] < 3.1


@pytest.mark.slow
@pytest.mark.parametrize("process", ["normal", "AR(1) 0.1", "Student t 4", "GARCH(1,1)"])
def test_a_healthy_strategy_pages_far_less_than_six_times_a_year(process):
    _, pages, (_, high) = a_year(alerts_of("calibrated", process), YEARS)
    assert 0.1 < pages < 1.2
    assert high < 1.5


@pytest.mark.slow
def test_a_strategy_that_has_lost_its_edge_pages_within_a_year():
    failed = alerts_of("calibrated", after=(-1.5, 0.0))
    assert (delays(failed, "paged") < YEAR).mean() > 0.75
    assert (delays(failed, "warned") < YEAR).mean() > 0.85
    assert FAILS_AT == YEAR
